"""Pauses, resumes and removes a directory; its people never change by this."""

from __future__ import annotations

import connectors
from sync import activity, rank
from sync.db import db, utcnow, writing
from sync.matching import vouching
from sync.models import Directory, DirectoryEntry, FormerEntry
from sync.people import people
from sync.rank import Asker
from sync.states import DirectoryState
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


def remove(directory: Directory, by: Asker) -> None:
    """Delete the directory. Its people stay, each with the status they have, and are found again if it comes back.
    Changes that a guard holds are lost, and nothing else may know of these leavers: the dialog warns. Raises NotAllowed
    for one that an Owner is responsible for, unless an Owner asks."""
    vouching.require_over_directory(by, directory)
    kind = connectors.directory_connectors().get(directory.kind)
    with writing():
        entries = DirectoryEntry.select().where(DirectoryEntry.directory == directory)
        affected = {entry.person_id for entry in entries}
        held = {entry.person_id for entry in entries if entry.is_held}
        if kind and kind.worldwide_ids:
            db.execute_sql(
                f"INSERT INTO {FormerEntry._meta.table_name} (kind, external_id, person_id) "
                "SELECT ?, external_id, person_id FROM directory_entry WHERE directory_id = ? "
                "ON CONFLICT (kind, external_id) DO UPDATE SET person_id = excluded.person_id",
                (directory.kind, directory.id),
            )
        Directory.delete().where(Directory.id == directory.id).execute()
        people.keep_status(affected)
        activity.record(by, "removed directory", about=directory.name,
                        after=f"{plural(len(affected), 'person', 'people')} unchanged",
                        why=f"Held changes to {plural(len(held), 'person', 'people')} were lost" if held else "")
