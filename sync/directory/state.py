"""Pauses, resumes and removes a directory; its people never change by this. What a guard held of it when it is removed
is asked on People."""

from __future__ import annotations

import connectors
from sync import activity, rank
from sync.db import db, utcnow, writing
from sync.directory import releases
from sync.listing import plain_rows
from sync.matching import doubtful, vouching
from sync.models import Directory, DirectoryEntry, FormerEntry, Person
from sync.names import signature_of_directory
from sync.people import held, people
from sync.rank import Asker
from sync.states import DirectoryState, HeldField, PersonStatus
from sync.words import plural


def pause(directory: Directory, by: Asker) -> None:
    """Don't read it until it is resumed. Its people don't change."""
    rank.require(by, *rank.MANAGERS)
    _set_state(directory, DirectoryState.PAUSED, "paused directory", by)


def resume(directory: Directory, by: Asker) -> None:
    rank.require(by, *rank.MANAGERS)
    with writing():
        _set_state(directory, DirectoryState.ACTIVE, "resumed directory", by)
        is_read = (Directory.id == directory.id) & Directory.next_read_at.is_null(False)  # one that pushes has none
        Directory.update(next_read_at=utcnow()).where(is_read).execute()


def _set_state(directory: Directory, state: str, what: str, by: Asker) -> None:
    with writing():
        if Directory.update(state=state).where(Directory.id == directory.id, Directory.state != state).execute():
            activity.record(by, what, about=directory.name)
    directory.state = state


def waits(count: int) -> str:
    """The held changes that a directory's removal has left, in words."""
    return plural(count, "held change waits", "held changes wait")


def remove(directory: Directory, by: Asker) -> int:
    """Delete the directory. Its people stay, each with the status they have, and are found again if it comes back.
    If it alone says that some have left, or are back, and that isn't applied, it becomes a held change of each: returns
    how many. Raises NotAllowed for one that an Owner is responsible for, unless an Owner asks."""
    vouching.require_over_directory(by, directory)
    kind = connectors.directory_connectors().get(directory.kind)
    with writing():
        entries = plain_rows(
            DirectoryEntry.select(DirectoryEntry.person, DirectoryEntry.reported_status)
            .where(DirectoryEntry.directory == directory)
            .order_by(DirectoryEntry.reported_status.desc()))  # of several of a person, an active one wins
        affected = {person for person, _ in entries}
        leavers, returned = doubtful.held_leavers(), releases.held_returns()
        statuses = {person: status for person, status in entries if status != PersonStatus.DEPROVISIONED}
        if kind and kind.worldwide_ids:
            db.execute_sql(
                f"INSERT INTO {FormerEntry._meta.table_name} (kind, external_id, person_id) "
                "SELECT ?, external_id, person_id FROM directory_entry WHERE directory_id = ? AND former_id IS NULL "
                "ON CONFLICT (kind, external_id) DO UPDATE SET person_id = excluded.person_id",
                (directory.kind, directory.id),
            )
        Directory.delete().where(Directory.id == directory.id).execute()
        people.keep_status(affected)
        asked = dict.fromkeys(leavers - doubtful.held_leavers(), PersonStatus.DEPROVISIONED)
        asked |= {person: statuses[person] for person in returned - releases.held_returns()}
        activity.record(by, "removed directory", about=directory.name,
                        after=f"{plural(len(affected), 'person', 'people')} unchanged",
                        why=f"{waits(len(asked))} on People" if asked else "")
        for person, status in sorted(asked.items()):
            held.hold(Person.get_by_id(person), HeldField.STATUS, status, signature_of_directory(directory),
                      why=f"It was held when {directory.name} was removed")
    return len(asked)
