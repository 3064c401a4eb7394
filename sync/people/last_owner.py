"""Who may sign in, and that the workspace never loses its last Owner who can. Each is asked here and nowhere else.
A directory's word about that Owner is held; a person's is refused."""

from __future__ import annotations

from collections.abc import Container, Iterable

from peewee import Expression, ModelSelect

from sync.db import connected, db
from sync.models import Directory, Person
from sync.prepared import prepared_plain
from sync.states import PersonStatus, WorkspaceRole

LAST_OWNER = "The last Owner who can sign in: make someone else an Owner first."


def may_sign_in(person: Person) -> bool:
    """Whether this person may use Rollcall at all."""
    return person.may_sign_in


def _owns() -> Expression:
    """The same for an Owner, in SQL."""
    return (Person.workspace_role == WorkspaceRole.OWNER) & (Person.status == PersonStatus.ACTIVE)


def has_owner(but: Container[int] = ()) -> bool:
    """Whether an Owner can sign in, not counting the people with the ids in `but`."""
    with connected():
        return any(id not in but for (id,) in _owners())


@prepared_plain
def _owners() -> ModelSelect:
    return Person.select(Person.id).where(_owns())


def count_owners() -> int:
    """How many Owners can sign in."""
    return Person.select().where(_owns()).count()


def has_lost_its_owners() -> bool:
    """Whether there were Owners and none of them can sign in: the start then prints a link that makes a new one."""
    with connected():
        return Person.select().where(Person.workspace_role == WorkspaceRole.OWNER).exists() and not has_owner()


def last_owners(leaving: Iterable[int]) -> set[int]:
    """Those of the people with these ids who are Owners, where no Owner who can sign in would be left without them."""
    leaving = set(leaving)
    if has_owner(but=leaving):
        return set()
    return {person.id for person in Person.select(Person.id).where(_owns(), Person.id.in_(leaving))}


def spare_last(leaving: Iterable[int]) -> set[int]:
    """These people without the last Owners among them, who must not be locked out."""
    leaving = set(leaving)
    return leaving - last_owners(leaving)


def hold_last_owner(directory: Directory, whole: bool) -> None:
    """Adds to the TEMP table read_leaving the Owners that the staged reading would lock out, if none would be left.

    Who is not staged is missing from the directory, unless the reading is not `whole`.
    """
    if_absent = "'deprovisioned'" if whole else "e.reported_status"
    staged = "" if whole else "AND e.person_id IN (SELECT person_id FROM read_person)"
    rows = db.execute_sql(f"""
        SELECT e.person_id FROM person AS p CROSS JOIN directory_entry AS e ON e.person_id = p.id
        LEFT JOIN read_person AS r ON r.external_id = e.external_id
        WHERE e.directory_id = ? AND p.workspace_role = 'owner' AND p.status_by_hand IS DISTINCT FROM 'active' {staged}
          AND NOT EXISTS (SELECT 1 FROM directory_entry AS other WHERE other.person_id = e.person_id
                          AND other.directory_id <> e.directory_id AND other.status = 'active')
        GROUP BY e.person_id HAVING count(*) FILTER (WHERE coalesce(r.status, {if_absent}) = 'active') = 0
        """, (directory.id,)).fetchall()
    db.executemany("INSERT INTO read_leaving VALUES (?) ON CONFLICT DO NOTHING",
                   [(person_id,) for person_id in last_owners(row[0] for row in rows)])
