"""Closes a held change that a removed directory left once another directory answers it: it has someone who had left, or
someone who was back has left it since, and no directory has them. A list may be old, and a directory may not decide on
people above the person responsible for it. In these two cases nothing is closed, and the page says where they are."""

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
    """Close those that another directory answers, if it shows who has left and may change these people."""
    if not _answered():
        return
    with writing():
        for change, directory in _answered():
            says = f"{directory.name} has them" if _is_of_a_leaver(change) else f"They have left {directory.name}"
            activity.record(names.signature_of_directory(directory), "closed held change", person=change.person,
                            about=names.signature(change.person), before=held.now(change.person, change.field),
                            after=f"{change.field}: {change.value}",
                            why=f"{says}. Asked by {names.short_name(change.asked_by)}")  # fmt: skip
            change.delete_instance()


def _answered() -> list[tuple[HeldChange, Directory]]:
    """These changes, each with a directory that answers it."""
    changes, now, found = held.waiting(), utcnow(), []
    answers = having_them(changes) | left_by_them(changes)
    for change in (change for change in changes if change.id in answers and _is_of_a_removed_directory(change)):
        clear = [one for one in answers[change.id] if _shows_who_has_left(one, change.created_at, now)
                 and not vouching.is_above(one, change.person)]  # fmt: skip
        found += [(change, directory) for directory in clear[:1]]
    return found


def having_them(changes: Iterable[HeldChange]) -> dict[int, list[Directory]]:
    """By change id, the directories that have its person now. Only changes that a removed directory asked for, and that
    say that someone who is here has left."""
    asked = {change.id: change.person_id for change in changes
             if _is_of_a_leaver(change) and _is_of_a_removed_directory(change)
             and change.person.status != PersonStatus.DEPROVISIONED}  # fmt: skip
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


def left_by_them(changes: Iterable[HeldChange]) -> dict[int, list[Directory]]:
    """By change id, the directories that say since the change was held that its person has left. Only changes that say
    that someone who has left is back, and only where no directory has the person: an earlier report may be old."""
    asked = {change.id: change for change in changes
             if change.field == HeldField.STATUS and change.value != PersonStatus.DEPROVISIONED
             and change.person.status == PersonStatus.DEPROVISIONED}  # fmt: skip
    if not asked:
        return {}
    entries = DirectoryEntry.select(DirectoryEntry, Directory).join(Directory).where(
        one_of(DirectoryEntry.person, json.dumps(sorted({change.person_id for change in asked.values()}))))
    of: dict[int, list[DirectoryEntry]] = {}
    for entry in entries.order_by(Directory.id, DirectoryEntry.id):
        of.setdefault(entry.person_id, []).append(entry)
    found = {id: _left_since(of.get(change.person_id, ()), change.created_at) for id, change in asked.items()}
    return {id: directories for id, directories in found.items() if directories}


def _left_since(entries: Iterable[DirectoryEntry], since: datetime) -> list[Directory]:
    """The directories that say since then that this person has left; none if one has them, even if that is held."""
    if any(one != PersonStatus.DEPROVISIONED for entry in entries for one in (entry.status, entry.reported_status)):
        return []
    return list({entry.directory_id: entry.directory for entry in entries if entry.reported_at >= since}.values())


def _is_of_a_leaver(change: HeldChange) -> bool:
    return (change.field, change.value) == (HeldField.STATUS, PersonStatus.DEPROVISIONED)


def _is_of_a_removed_directory(change: HeldChange) -> bool:
    return change.directory_id is None and names.directory_in(change.asked_by) is not None


def _shows_who_has_left(directory: Directory, since: datetime, now: datetime) -> bool:
    """Whether a reading after `since` shows that: they may have left both directories in the meantime. A directory that
    pushes has no readings."""
    is_new = directory.next_read_at is None or directory.last_read_at is not None and directory.last_read_at >= since
    return is_new and directory.file_from is None and unread_directories.shows_who_has_left(directory, now)
