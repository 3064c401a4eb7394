"""Closes a held change that a removed directory left, and that says that someone has left, once another directory has
them: someone who is active in any directory is here. A list may be old, and a directory may not decide on people above
the person responsible for it. In these two cases nothing is closed, and the page says where the person is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from sync import activity, names
from sync.db import utcnow, writing
from sync.jobs import queue
from sync.listing import one_of
from sync.matching import vouching
from sync.models import Directory, DirectoryEntry, HeldChange
from sync.people import held
from sync.safety import unread_directories
from sync.states import HeldField, PersonStatus


@queue.each_minute
def close_answered(now: datetime) -> None:
    """Close those whose people are in another directory, if it shows who has left and may change them."""
    if not _answered():
        return
    with writing():
        for change, directory in _answered():
            activity.record(names.signature_of_directory(directory), "closed held change", person=change.person,
                            about=names.signature(change.person), before=held.now(change.person, change.field),
                            after=f"{change.field}: {change.value}",
                            why=f"{directory.name} has them. Asked by {names.short_name(change.asked_by)}")  # fmt: skip
            change.delete_instance()


def _answered() -> list[tuple[HeldChange, Directory]]:
    """These changes, each with a directory that answers it."""
    changes, now, found = held.waiting(), utcnow(), []
    for change in changes if (having := having_them(changes)) else ():
        clear = [one for one in having.get(change.id, ()) if _shows_who_has_left(one, change.created_at, now)
                 and not vouching.is_above(one, change.person)]  # fmt: skip
        found += [(change, directory) for directory in clear[:1]]
    return found


def having_them(changes: Iterable[HeldChange]) -> dict[int, list[Directory]]:
    """By change id, the directories that have its person now. Only changes that a removed directory asked for, and that
    say that someone who is here has left."""
    asked = {change.id: change.person_id for change in changes if _may_be_answered(change)}
    if not asked:
        return {}
    entries = DirectoryEntry.select(DirectoryEntry, Directory).join(Directory).where(
        one_of(DirectoryEntry.person, json.dumps(sorted(set(asked.values())))),
        DirectoryEntry.status != PersonStatus.DEPROVISIONED,
        DirectoryEntry.reported_status != PersonStatus.DEPROVISIONED)  # fmt: skip
    of: dict[int, dict[int, Directory]] = {}
    for entry in entries.order_by(Directory.id, DirectoryEntry.id):
        of.setdefault(entry.person_id, {})[entry.directory_id] = entry.directory
    return {id: list(of[person].values()) for id, person in asked.items() if person in of}


def _may_be_answered(change: HeldChange) -> bool:
    is_leaving = (change.field, change.value) == (HeldField.STATUS, PersonStatus.DEPROVISIONED)
    of_removed = change.directory_id is None and names.directory_in(change.asked_by) is not None
    return is_leaving and of_removed and change.person.status != PersonStatus.DEPROVISIONED


def _shows_who_has_left(directory: Directory, since: datetime, now: datetime) -> bool:
    """Whether a reading after `since` shows that: they may have left both directories in the meantime. A directory that
    pushes has no readings."""
    is_new = directory.next_read_at is None or directory.last_read_at is not None and directory.last_read_at >= since
    return is_new and directory.file_from is None and unread_directories.found(directory, now) is None
