"""Which directory decides a person's name, main address and employee number: the first in the order
that has the person. A value edited by hand is kept until that directory has a new one."""

from __future__ import annotations

import json

from sync import activity, rank
from sync.db import db, writing
from sync.directory.reading import staging
from sync.mail import sign_in_news
from sync.matching import rules as match_rules
from sync.matching import vouching
from sync.models import Directory, DirectoryEntry, Person
from sync.people import held
from sync.rank import Asker
from sync.states import HeldField, PersonStatus

ORDER = (Directory.position.is_null(), Directory.position, Directory.id)
# A directory that someone has left has a say only where they have left all of them.
FIRST = ("e.reported_status = 'deprovisioned', d.position IS NULL, d.position, d.id, e.reported_at DESC, e.id DESC")
EMAIL_NOW = "(SELECT m.email_key FROM person_email AS m WHERE m.person_id = e.person_id AND m.main)"


def in_order() -> list[Directory]:
    """The directories, the first one first."""
    return list(Directory.select().order_by(*ORDER))


def move(directory: Directory, step: int, by: Asker) -> bool:
    """Move the directory up (-1) or down (1) by one place, and update everyone accordingly; False if it is already
    first or last.

    Raises NotAllowed if an Owner is responsible for one of the two directories and the asker isn't an Owner, because
    the first one is trusted.
    """
    rank.require(by, *rank.MANAGERS)
    with writing():
        order = in_order()
        at = order.index(directory)
        to = at + step
        if not 0 <= to < len(order):
            return False
        for one in (order[at], order[to]):
            vouching.require_over_directory(by, one)
        before = ", ".join(one.name for one in order)
        order[at], order[to] = order[to], order[at]
        for place, one in enumerate(order, 1):
            Directory.update(position=place).where(Directory.id == one.id).execute()
        activity.record(by, "changed order of directories", about=directory.name, before=before,
                        after=", ".join(one.name for one in order))
        with staging(), sign_in_news.addresses_watched(by):
            db.execute_sql("INSERT INTO read_moved SELECT DISTINCT person_id FROM directory_entry "
                           "WHERE directory_id IN (?, ?)", (order[at].id, order[to].id))
            follow(by)
        return True


def note_changes(directory: Directory) -> None:
    """The entries say from now on what was read; leaves in read_changed what is new in those that were known.

    A deleted user keeps its last values: they show whether someone later is the same human.
    """
    columns = ("email", "name", "user_name", "employee_number")
    of_entry, read = (", ".join(f"{table}.{name}" for name in columns) for table in ("e", "r"))
    same = "FROM read_person AS r JOIN directory_entry AS e ON e.directory_id = ?1 AND e.external_id = r.external_id"
    differ = [id for (id,) in db.execute_sql(
        f"SELECT e.id {same} WHERE NOT r.deleted AND ({of_entry}) IS DISTINCT FROM ({read})",
        (directory.id,)).fetchall()]  # fmt: skip
    if not differ:
        return
    among, values = "IN (SELECT CAST(value AS INTEGER) FROM json_each(?2))", (directory.id, json.dumps(differ))
    for field in ("name", "email", "employee_number"):
        db.execute_sql(f"INSERT INTO read_changed SELECT e.id, e.person_id, ?3 {same} "
                       f"WHERE e.id {among} AND e.{field} <> r.{field}", (*values, field))  # fmt: skip
    db.execute_sql(f"""
        UPDATE directory_entry AS e SET {", ".join(f"{name} = r.{name}" for name in columns)} FROM read_person AS r
        WHERE e.directory_id = ?1 AND r.external_id = e.external_id AND e.id {among}""", values)


def follow(by: str) -> set[int]:
    """Give the people in read_changed and read_moved their first directory's values. Returns the ids of changed people.

    Someone in read_moved may have a different first directory now: they follow it, unless their name was typed by hand
    and no directory has it. Inside the caller's writing(), within staging().
    """
    return _follow_names(by) | _follow_emails(by) | _follow_numbers(by)


def _follow_names(by: str) -> set[int]:
    rows = _mine(_found("name", "e.name", "p.name", "e.name <> ''"), HeldField.NAME, by)
    _update("UPDATE person SET name = ? WHERE id = ?", [(after, person) for person, _, after, *_ in rows])
    return _record(rows, "changed name", by)


def _follow_emails(by: str) -> set[int]:
    theirs = ("EXISTS (SELECT 1 FROM person_email AS pe WHERE pe.person_id = e.person_id "
              "AND pe.email_key = email_key(e.email))")
    rows = _mine(
        _found("email", "email_key(e.email)", EMAIL_NOW, f"e.email <> '' AND {theirs}"), HeldField.MAIN_ADDRESS, by
    )
    _update("UPDATE person_email SET main = (email_key = ?) WHERE person_id = ?",
            [(after, person) for person, _, after, *_ in rows])
    return _record(rows, "changed e-mail", by)


def _follow_numbers(by: str) -> set[int]:
    found = _found("employee_number", "e.employee_number", "p.employee_number", "e.employee_number <> ''")
    rows = _mine(found, HeldField.NUMBER, by)
    _update("UPDATE person SET employee_number = ? WHERE id = ?", [(after, person) for person, _, after, *_ in rows])
    match_rules.match_everywhere(numbers=(number for _, before, after, *_ in rows for number in (before, after)))
    return _record(rows, "changed employee number", by)


def _mine(rows: list[tuple], field: str, by: str | Asker) -> list[tuple]:
    """Without those that are about someone above the person responsible for the deciding directory: they are held."""
    for person, _, after, *_, above in rows:
        if above is not None:
            held.hold(Person.get_by_id(person), field, after, by, above)
    return [row[:-1] for row in rows if row[-1] is None]


def _found(field: str, says: str, now: str, usable: str) -> list[tuple]:
    """(person, before, after, deciding directory, name, its id if it may not change them) of those who are to follow;
    `before` is "" for none. A directory that may change them precedes those that may not."""
    above = vouching.sql_above("d.id", "p.workspace_role")
    return db.execute_sql(f"""
        SELECT person_id, before, after, decides, name, CASE WHEN above THEN directory END FROM (
            SELECT e.person_id, coalesce({now}, '') AS before, {says} AS after, d.name AS decides, p.name,
                   e.id AS entry, {above} AS above, d.id AS directory,
                   row_number() OVER (PARTITION BY e.person_id ORDER BY {above}, {FIRST}) AS place
            FROM directory_entry AS e JOIN directory AS d ON d.id = e.directory_id
            JOIN person AS p ON p.id = e.person_id
            WHERE {usable} AND e.person_id IN (
                SELECT person_id FROM read_changed UNION SELECT person_id FROM read_moved
                UNION SELECT r.person_id FROM read_person AS r JOIN person ON person.id = r.person_id
                      WHERE person.name = '')) AS first
        WHERE place = 1 AND after <> before AND (
            before = ''
            OR entry IN (SELECT entry_id FROM read_changed WHERE field = ?)
            OR person_id IN (SELECT person_id FROM read_moved) AND before IN (
                SELECT {says} FROM directory_entry AS e WHERE e.person_id = first.person_id))
        ORDER BY person_id""", (field,)).fetchall()


def _update(sql: str, rows: list[tuple]) -> None:
    if rows:
        db.executemany(sql, rows)


def _record(rows: list[tuple], what: str, by: str) -> set[int]:
    if not rows:
        return set()
    new = {person for (person,) in db.execute_sql("SELECT person_id FROM read_person WHERE new").fetchall()}
    changed = [row for row in rows if row[0] not in new]
    activity.record_all([
        dict(who=by, what=what, about=name, why=f"In {decides}", before=before, after=after, person_id=person)
        for person, before, after, decides, name in changed
    ])
    return {person for person, *_ in changed}


def decides(entries: list[DirectoryEntry]) -> dict[int, list[str]]:
    """By entry, what it decides of its person, in words. `entries` are all of one person, with their directories."""
    found: dict[int, list[str]] = {}
    for field, words in (("name", "the name"), ("email", "the main e-mail"), ("employee_number", "the number")):
        if entry := deciding(entries, field):
            found.setdefault(entry.id, []).append(words)
    return found


def deciding(entries: list[DirectoryEntry], field: str) -> DirectoryEntry | None:
    """The entry that says the `field` of its person ("name", "email", "employee_number"); None where none does.

    `entries` are all of one person, with their directories.
    """

    def order(entry: DirectoryEntry) -> tuple:
        place = entry.directory.position
        return (vouching.is_above(entry.directory, entry.person), entry.reported_status == PersonStatus.DEPROVISIONED,
                place is None, place or 0, entry.directory_id, -entry.reported_at.timestamp(), -entry.id)

    return min((entry for entry in entries if getattr(entry, field)), key=order, default=None)
