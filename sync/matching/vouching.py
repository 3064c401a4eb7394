"""Who is responsible for a directory: their rank, or an Owner who vouches for it, decides which people it may change.
Its changes to people above wait (held.py). A sign-in trusts only addresses that an Owner is responsible for."""

from __future__ import annotations

from sync import activity, names, rank
from sync.db import db, writing
from sync.models import Directory, Person, PersonEmail
from sync.rank import Asker
from sync.states import PersonStatus, WorkspaceRole

USER = rank.rank_of(WorkspaceRole.USER)  # what a directory may change even if nobody vouches for it

# A directory ranks as the person responsible for it does now, unless an Owner vouches for it. Each may change plain
# users: otherwise nobody would leave any longer once the person who connected it has left.
_DIRECTORY_RANK = f"""(CASE WHEN ranked.vouched_for THEN 0 ELSE min({USER}, coalesce((
    SELECT {rank.sql_rank("responsible.workspace_role")} FROM person AS responsible
    WHERE responsible.id = ranked.responsible_id AND responsible.status = 'active'), {USER})) END)"""


def sql_above(directory_id: str, role: str) -> str:
    """SQL: the directory with this id may not change someone who has this workspace role."""
    return (f"((SELECT {_DIRECTORY_RANK} FROM directory AS ranked WHERE ranked.id = {directory_id}) "
            f"> {rank.sql_rank(role)})")


def rank_of_directory(directory: Directory) -> int:
    """The rank that what this directory says has now."""
    sql = f"SELECT {_DIRECTORY_RANK} FROM directory AS ranked WHERE id = ?"
    found = db.execute_sql(sql, (directory.id,)).fetchone()
    return found[0] if found else USER


def is_above(directory: Directory, person: Person) -> bool:
    """Whether the directory may not change this person."""
    return rank_of_directory(directory) > rank.rank_of(person.workspace_role)


def responsibility_in_words(directory: Directory) -> str:
    """Whose rank it has: "an Owner vouches for it", "Ana Lima is responsible for it"."""
    if directory.vouched_for:
        return "an Owner vouches for it"
    person = directory.responsible_id and Person.get_or_none(Person.id == directory.responsible_id)
    if person is None:
        return "nobody is responsible for it"
    manages = person.status == PersonStatus.ACTIVE and person.workspace_role in rank.MANAGERS
    gone = "" if manages else ", who no longer manages people"
    return f"{names.person_name(person)} is responsible for it{gone}"


def make_responsible(directory: Directory, asker: Asker) -> None:
    """The asker becomes responsible for this directory: they connected it, or changed where, how or with what it is
    read. It then ranks as they do; an Owner's vouching ends unless an Owner asks. Inside the caller's writing()."""
    rank.require(asker, *rank.MANAGERS)
    before = rank_of_directory(directory)
    stays = Directory.vouched_for if asker.rank == 0 else False
    values = {"responsible_id": asker.person_id, "vouched_for": stays if asker.person_id else True}
    Directory.update(values).where(Directory.id == directory.id).execute()
    if before < rank_of_directory(directory):
        activity.record(asker, "answers for directory", about=directory.name,
                        after=f"Its changes to people above {rank.in_words(asker.role)} are held")


def make_responsible_if_lower(directory: Directory, asker: Asker) -> None:
    """The asker has changed how the directory is read, but neither where nor with which credential. If they rank below
    the person responsible for it, they become responsible. Otherwise nothing changes, as the content is still someone
    else's. Inside the caller's writing()."""
    rank.require(asker, *rank.MANAGERS)
    if asker.rank > rank_of_directory(directory):
        make_responsible(directory, asker)


def would_rise(directory: Directory, asker: Asker) -> bool:
    """Whether the directory would rank higher if the asker were responsible for it."""
    return asker.rank < rank_of_directory(directory)


def require_over_directory(asker: Asker, directory: Directory) -> None:
    """Raises NotAllowed if this directory has a higher rank than the asker."""
    rank.require(asker, *rank.MANAGERS)
    if asker.rank > rank_of_directory(directory):
        raise rank.NotAllowed(f"An Owner is responsible for {directory.name}. Nothing was changed: ask one of them.")


def note_above(directory: Directory) -> None:
    """Leaves in read_above this directory's people that it may not change. Within staging()."""
    db.execute_sql(f"""
        INSERT INTO read_above SELECT e.person_id FROM directory_entry AS e JOIN person AS p
        ON p.id = e.person_id WHERE e.directory_id = ?1 AND p.workspace_role IS NOT NULL
        AND {sql_above("?1", "p.workspace_role")} ON CONFLICT DO NOTHING""", (directory.id,))


def hold_above(directory: Directory, whole: bool) -> None:
    """Adds to read_leaving the people of read_above whose status the staged reading would change. Anyone not staged is
    missing from the directory, unless the reading is not `whole`. Within staging()."""
    if_absent = "'deprovisioned'" if whole else "e.reported_status"
    staged = "" if whole else "AND r.external_id IS NOT NULL"
    db.execute_sql(f"""
        INSERT INTO read_leaving SELECT e.person_id FROM directory_entry AS e
        LEFT JOIN read_person AS r ON r.external_id = e.external_id
        WHERE e.directory_id = ? AND e.person_id IN (SELECT person_id FROM read_above) {staged}
          AND coalesce(r.status, {if_absent}) <> e.status ON CONFLICT DO NOTHING""", (directory.id,))


def vouch(directory: Directory, by: Asker) -> None:
    """An Owner lets the directory change Owners and admins, and decide which addresses are trusted at a sign-in,
    regardless of who is responsible, until someone who isn't an Owner changes how it is read. Raises NotAllowed."""
    rank.require(by, WorkspaceRole.OWNER)
    with writing():
        if Directory.update(vouched_for=True).where(Directory.id == directory.id, ~Directory.vouched_for).execute():
            activity.record(by, "vouched for directory", about=directory.name, after="It may change Owners and admins")


def stop_vouching(directory: Directory, by: Asker) -> None:
    """From now on it ranks as the person responsible for it: an Owner who asks. Raises NotAllowed."""
    rank.require(by, WorkspaceRole.OWNER)
    with writing():
        values = {"vouched_for": False, "responsible_id": None}
        if Directory.update(values).where(Directory.id == directory.id, Directory.vouched_for).execute():
            activity.record(by, "stopped vouching for directory", about=directory.name,
                            after="Its changes to Owners and admins are held")


def is_vouched_for(normal: str, person: Person) -> bool:
    """Whether this address (normal form) of the person is trusted at a sign-in: an Owner or the command line gave it,
    or the first of the directories that an Owner is responsible for says now that it is theirs."""
    mine = PersonEmail.get_or_none(PersonEmail.email_key == normal, PersonEmail.person == person)
    if mine is None:
        return False
    return mine.vouched_for or db.execute_sql(f"""
        SELECT EXISTS (
            SELECT 1 FROM directory_address AS a JOIN directory_entry AS e
                ON e.directory_id = a.directory_id AND e.external_id = a.external_id
            WHERE a.email_key = ? AND a.active AND e.person_id = ? AND a.directory_id = (
                SELECT id FROM directory AS ranked WHERE {_DIRECTORY_RANK} = 0
                ORDER BY position IS NULL, position, id LIMIT 1))""",
            (normal, person.id)).fetchone()[0] == 1  # fmt: skip
