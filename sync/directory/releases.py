"""What a guard holds of a directory, until someone releases it: people who have left, and people who are back.
Each is released apart from the other, and only as it was shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from peewee import Expression

from sync import activity, rank
from sync.db import utcnow, writing
from sync.directory import guard
from sync.directory.address_moves import settle_again
from sync.directory.naming import DirectoryProblem
from sync.jobs import asking
from sync.listing import one_of
from sync.models import Directory, DirectoryEntry, Person
from sync.people import last_owner, people
from sync.rank import Asker
from sync.states import PersonStatus
from sync.words import plural


def held(directory: Directory, back: bool | None = None) -> list[DirectoryEntry]:
    """The entries that the last reading would have changed but the guard held, by name, with their person. `back`: only
    of people who count as having left, True, or of all others, False."""
    entries = DirectoryEntry.select(DirectoryEntry, Person).join(Person)
    return list(entries.where(_is_held(directory, back)).order_by(Person.name, DirectoryEntry.id))


def note_held(directory: Directory, by: str) -> None:
    """Record the people that the guard holds. Inside the caller's transaction."""
    for kind, back in (("held leavers", False), ("held returns", True)):
        if entries := held(directory, back):
            activity.record(by, kind, about=directory.name,
                            after=plural(len({entry.person_id for entry in entries}), "person", "people"),
                            why="The guard holds them, or they rank above the person responsible for it")


def held_returns() -> set[int]:
    """The ids of those who count as having left, although a directory says that they are back: in all directories."""
    theirs = DirectoryEntry.select(DirectoryEntry.person).join(Person).where(
        DirectoryEntry.is_held, DirectoryEntry.has_left, Person.status == PersonStatus.DEPROVISIONED)  # fmt: skip
    return {id for (id,) in theirs.tuples()}


def left_elsewhere(entries: Iterable[DirectoryEntry]) -> dict[int, list[str]]:
    """Of these entries' people who are back in one directory: by person id, the names of the others that say that they
    have left. Someone who is active in any directory is here, so the person who confirms a return must know that."""
    back = {entry.person_id: entry.directory_id for entry in entries if entry.has_left}
    columns = (DirectoryEntry.person, DirectoryEntry.directory, Directory.name)
    others = DirectoryEntry.select(*columns).join(Directory).where(
        one_of(DirectoryEntry.person, json.dumps(sorted(back))),
        DirectoryEntry.reported_status == PersonStatus.DEPROVISIONED)  # fmt: skip
    found: dict[int, list[str]] = {}
    for person, directory, name in others.order_by(Directory.name).distinct().tuples():
        if directory != back[person]:
            found.setdefault(person, []).append(name)
    return found


def fingerprint(entries: list[DirectoryEntry]) -> str:
    """Of these held entries, and of what other directories say of their people. A release must give it back."""
    shown = (guard.seen(entries), sorted(left_elsewhere(entries).items()))
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]


def count_back(directory: Directory) -> int:
    """How many of its people are back and count as having left, until someone confirms that."""
    return DirectoryEntry.select().where(_is_held(directory, back=True)).count()


def _is_held(directory: Directory, back: bool | None) -> Expression:
    held = (DirectoryEntry.directory == directory) & DirectoryEntry.is_held
    if back is None:
        return held
    has_left = DirectoryEntry.status == PersonStatus.DEPROVISIONED
    return held & (has_left if back else ~has_left)


def release(directory: Directory, by: Asker, seen: str | None = None, back: bool | None = None) -> int:
    """Release the held changes of people who don't rank above `by`; `back` as for held(). Returns how many people.
    Raises DirectoryProblem if they are no longer what was `seen`, NotAllowed if all of these people rank above."""
    rank.require(by, *rank.MANAGERS)
    with writing():
        entries = held(directory, back)
        if not entries:
            return 0
        if seen is not None and seen != fingerprint(entries):
            raise DirectoryProblem("The list has changed since you looked. Nothing was released: look again.")
        mine = {entry.person_id for entry in entries if rank.may_change(by, entry.person)}
        if not mine:
            raise rank.NotAllowed("The held changes affect people with a higher role than yours. Nothing was changed. "
                                  "Ask an Owner.")
        affected = last_owner.spare_last(mine)
        if not affected:
            raise DirectoryProblem(f"Nothing was changed. {last_owner.LAST_OWNER}")
        returned = {entry.person_id for entry in entries if entry.has_left} & affected
        released = _is_held(directory, back) & DirectoryEntry.person.in_(affected)
        DirectoryEntry.update(status=DirectoryEntry.reported_status).where(released).execute()
        if returned:
            _note_returned(directory, returned, by)
        if left := affected - returned:
            Directory.update(guard_counts_from=utcnow()).where(Directory.id == directory.id).execute()
            activity.record(by, "released held leavers", about=directory.name,
                            after=plural(len(left), "person", "people"))
        people.recompute_status(affected, by)
        settle_again(by)
        asking.check_apps_of(affected, by)
        return len(affected)


def _note_returned(directory: Directory, returned: set[int], by: Asker) -> None:
    """They are here, and the guard counts nobody who came back before. Those who rank above `by` still wait."""
    here = (DirectoryEntry.directory == directory) & (DirectoryEntry.status == DirectoryEntry.reported_status)
    is_back = DirectoryEntry.reported_status != PersonStatus.DEPROVISIONED
    DirectoryEntry.update(left_at=None, back_at=None).where(here, is_back).execute()
    if not count_back(directory):
        Directory.update(many_back_since=None).where(Directory.id == directory.id).execute()
    activity.record(by, "confirmed that people are back", about=directory.name,
                    after=plural(len(returned), "person", "people"))
