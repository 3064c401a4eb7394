"""Finds each staged entry's person: by its id, else by a proven address or one with the same name or number.
An address alone, which a leaver had, makes nobody the leaver: it may have been given to someone new."""

from __future__ import annotations

import secrets

from sync.db import db, utcnow
from sync.matching.addresses import PROVEN, another_human, other_name, other_number, same_human, same_number, two_people
from sync.models import Directory, entry_is_held
from sync.safety.guards import Guard
from sync.staging import tables
from sync.staging.directory import READ_RENUMBERED

ACTIVE = "EXISTS (SELECT 1 FROM person WHERE person.id = pe.person_id AND person.status = 'active')"
# Also if a guard holds that, or that they are back: nobody is made someone else by an entry that they had left by.
HAD_LEFT = "(status = 'deprovisioned' OR reported_status = 'deprovisioned')"
SAME_NAME = "(SELECT name_key(name) FROM person WHERE person.id = pe.person_id) = nullif(name_key(r.name), '')"


def exclude_people_of_others(directory: Directory) -> None:
    """Who is here by an entry that isn't staged can't be found again as someone who is."""
    _run("""INSERT INTO read_taken
            SELECT e.person_id FROM read_email AS m JOIN person_email AS pe ON pe.email_key = m.email_key
            JOIN directory_entry AS e ON e.person_id = pe.person_id
            WHERE e.directory_id = ? AND e.reported_status <> 'deprovisioned'
              AND e.external_id NOT IN (SELECT external_id FROM read_person) ON CONFLICT DO NOTHING""", directory.id)


def find_people(
    directory: Directory, worldwide_ids: bool, guard: Guard | None = None, *, ids_are_reused: bool = False
) -> None:
    """Find each entry's person: by its id here, by an id that nobody else has anywhere, by e-mail, then by number.

    With a `guard`, the reading is whole: more people who only got other numbers than it would let leave are the same.
    `ids_are_reused`: an identity provider that pushes gives an id that it knows to anyone new with the same user name.
    """
    _part_from_namesakes(directory, ids_are_reused)
    _part_from_successors(directory, whole=guard is not None)
    _give_back(directory)
    _find_by_id(directory)
    if worldwide_ids:
        _run(f"""UPDATE read_person SET person_id = coalesce(
                    (SELECT e.person_id FROM directory AS d JOIN directory_entry AS e ON e.directory_id = d.id
                     WHERE d.kind = ?1 AND e.external_id = read_person.external_id
                       AND NOT {two_people("read_person", "e.person_id")} ORDER BY e.id LIMIT 1),
                    (SELECT f.person_id FROM former_entry AS f
                     WHERE f.kind = ?1 AND f.external_id = read_person.external_id
                       AND NOT {two_people("read_person", "f.person_id")}))
                WHERE person_id IS NULL""", directory.kind)
    # A disabled entry leaves the address that it shares to the one that is in use.
    _run("""DELETE FROM read_email
            WHERE external_id IN (SELECT external_id FROM read_person WHERE status = 'deprovisioned')
              AND EXISTS (SELECT 1 FROM read_email AS m JOIN read_person AS p USING (external_id)
                          WHERE m.email_key = read_email.email_key AND p.status <> 'deprovisioned')""")
    _run("INSERT INTO read_disputed SELECT email_key FROM read_email GROUP BY email_key HAVING count(*) > 1")
    if not _anyone_is_unknown():
        return
    _find_by_email(directory, "m.main AND pe.main")
    _find_by_email(directory, """m.main AND NOT EXISTS (
        SELECT 1 FROM directory_entry AS e WHERE e.person_id = pe.person_id AND e.directory_id = ?1)""")
    # A leaver's address is often handed on, so another address finds only someone active: known to no directory, or
    # who has the same name in another one.
    _find_by_email(directory, f"""NOT m.main AND {ACTIVE}
        AND NOT EXISTS (SELECT 1 FROM directory_entry AS e WHERE e.person_id = pe.person_id)""")
    _find_by_email(directory, f"""NOT m.main AND {ACTIVE} AND {SAME_NAME}
        AND r.email_key NOT IN (SELECT email_key FROM person_email)
        AND NOT EXISTS (SELECT 1 FROM directory_entry AS e
                        WHERE e.person_id = pe.person_id AND e.directory_id = ?1)""")
    if guard is not None:
        _find_renumbered(directory, guard)
    _find_by_number(directory)


def find_known(directory: Directory) -> None:
    """Before the file is locked: find_people() then changes only the rows that this got wrong."""
    _find_by_id(directory)


def _find_by_id(directory: Directory) -> None:
    known = """(SELECT person_id FROM directory_entry AS e
                WHERE e.directory_id = ?1 AND e.external_id = read_person.external_id)"""
    _run(f"UPDATE read_person SET person_id = {known} WHERE person_id IS DISTINCT FROM {known}", directory.id)


def _anyone_is_unknown() -> bool:
    return db.execute_sql("SELECT EXISTS (SELECT 1 FROM read_person WHERE person_id IS NULL)").fetchone()[0] == 1


def _part_from_namesakes(directory: Directory, ids_are_reused: bool) -> None:
    """An id that is only the address, as in a list without numbers, proves no more than the address does. Someone who
    left under it isn't the person who is here now with another name or number."""
    is_anothers = f"""EXISTS (
        SELECT 1 FROM read_person AS r
        WHERE r.external_id = directory_entry.external_id AND ({ids_are_reused} OR r.external_id = r.email_key)
          AND r.status <> 'deprovisioned' AND {another_human("r", "directory_entry.person_id")})"""
    _part(directory, f"{HAD_LEFT} AND {entry_is_held()} AND {is_anothers}", whole=not ids_are_reused)
    _run(f"DELETE FROM directory_entry WHERE directory_id = ? AND {HAD_LEFT} AND {is_anothers}", directory.id)


def _part_from_successors(directory: Directory, whole: bool) -> None:
    """An entry with another name and another employee number is someone else's: the object of an account was used
    again, or the mailbox of a role was passed on. Without numbers it is if its person had left by it, unless it still
    has one of their addresses."""
    known = """FROM read_person AS r WHERE r.external_id = directory_entry.external_id
        AND r.status <> 'deprovisioned' AND r.name <> directory_entry.name"""
    another_address = """r.email <> directory_entry.email AND NOT EXISTS (
        SELECT 1 FROM read_email AS m JOIN person_email AS pe ON pe.email_key = m.email_key
        WHERE m.external_id = r.external_id AND pe.person_id = directory_entry.person_id)"""
    _part(directory, f"""(
        EXISTS (SELECT 1 {known} AND r.employee_number IS DISTINCT FROM directory_entry.employee_number
                AND {two_people("r", "directory_entry.person_id")})
        OR {HAD_LEFT} AND EXISTS (SELECT 1 {known} AND {another_address}
                                  AND {other_name("r", "directory_entry.person_id")}
                                  AND NOT {same_number("r", "directory_entry.person_id")}))""", whole)


def _part(directory: Directory, which: str, whole: bool) -> None:
    """These entries (SQL) are someone else's now. Their people keep them under ids that no reading has: who was here,
    or held as a leaver, is held as one, and who was held as back no longer is."""
    _run(f"""UPDATE directory_entry SET former_id = external_id, external_id = ? || id
             WHERE directory_id = ? AND {which}""", f"used again {secrets.token_hex(8)} ", directory.id)
    if not whole:  # a whole reading says itself that they are missing
        now = utcnow()
        _run("""UPDATE directory_entry SET reported_status = 'deprovisioned', back_at = NULL, reported_at = ?2,
                     left_at = CASE WHEN status <> 'deprovisioned' THEN ?2 ELSE left_at END,
                     reason = 'No longer in ' || ?1
                 WHERE directory_id = ?3 AND reported_status <> 'deprovisioned'
                   AND former_id IS NOT NULL""", directory.name, now, directory.id)


def _give_back(directory: Directory) -> None:
    """An entry that is again as it was before it was used again is that person's again."""
    former = f"""SELECT max(e.id) FROM directory_entry AS e JOIN read_person AS r ON r.external_id = e.former_id
                 WHERE e.directory_id = ?1
                   AND {same_human("r", "e.person_id")}
                   AND NOT EXISTS (SELECT 1 FROM directory_entry AS x WHERE x.directory_id = ?1
                                   AND (x.external_id = r.external_id
                                        OR x.person_id = e.person_id AND x.reported_status <> 'deprovisioned'))
                 GROUP BY r.external_id HAVING count(DISTINCT e.person_id) = 1"""
    _run(f"UPDATE directory_entry SET external_id = former_id, former_id = NULL WHERE id IN ({former})", directory.id)


def _find_by_email(directory: Directory, condition: str) -> None:
    """One entry finds one person, or nobody. A person already found by another entry isn't found again. Nor is one who
    has left although an entry is in use, as someone else may have got the address since, or whose entry it was.
    `condition` is SQL; ?1 is the directory."""
    had_the_entry = """EXISTS (
        SELECT 1 FROM directory_entry AS x WHERE x.directory_id = ?1 AND x.person_id = pe.person_id
        AND x.former_id = r.external_id)"""
    left_although_in_use = f"(p.status = 'deprovisioned' AND {another_human('r', 'pe.person_id')})"
    _take_found()
    _run(f"""WITH found AS (
                 SELECT DISTINCT m.external_id, pe.person_id
                 FROM read_email AS m JOIN person_email AS pe ON pe.email_key = m.email_key
                 JOIN person AS p ON p.id = pe.person_id
                 JOIN read_person AS r ON r.external_id = m.external_id AND r.person_id IS NULL
                 WHERE m.email_key NOT IN (SELECT email_key FROM read_disputed)
                   AND pe.person_id NOT IN (SELECT person_id FROM read_taken) AND {condition}
                   AND ({PROVEN} AND NOT {left_although_in_use} AND NOT {had_the_entry}
                        OR {same_human("r", "pe.person_id")})),
             clear AS (
                 SELECT external_id, person_id FROM found
                 WHERE external_id IN (SELECT external_id FROM found GROUP BY external_id HAVING count(*) = 1)
                   AND person_id IN (SELECT person_id FROM found GROUP BY person_id HAVING count(*) = 1))
             UPDATE read_person SET person_id = clear.person_id
             FROM clear WHERE clear.external_id = read_person.external_id""", directory.id)


def _take_found() -> None:
    _run("INSERT INTO read_taken SELECT person_id FROM read_person "
         "WHERE person_id IS NOT NULL AND status <> 'deprovisioned' ON CONFLICT DO NOTHING")


def _find_renumbered(directory: Directory, guard: Guard) -> None:
    """Name and address are those of an entry that is missing now, but the employee number is another: one such entry is
    someone new who got the address; as many as the guard would hold are a company that numbered its people again."""
    _take_found()
    tables.fill(READ_RENUMBERED, """
             SELECT min(r.external_id), pe.person_id FROM read_person AS r
             JOIN read_email AS m ON m.external_id = r.external_id AND m.main
             JOIN person_email AS pe ON pe.email_key = m.email_key
             JOIN directory_entry AS e ON e.person_id = pe.person_id AND e.directory_id = ?
             WHERE r.person_id IS NULL AND r.status <> 'deprovisioned' AND e.reported_status <> 'deprovisioned'
               AND e.external_id NOT IN (SELECT external_id FROM read_person)
               AND name_key(r.name) <> '' AND name_key(r.name) = name_key(e.name)
               AND m.email_key NOT IN (SELECT email_key FROM read_disputed)
               AND pe.person_id NOT IN (SELECT person_id FROM read_taken)
             GROUP BY pe.person_id HAVING count(*) = 1""", (directory.id,))
    here = "SELECT count(*) FROM directory_entry WHERE directory_id = ? AND reported_status <> 'deprovisioned'"
    found, of = (db.execute_sql(sql, values).fetchone()[0] for sql, values in (
        ("SELECT count(*) FROM read_renumbered", ()), (here, (directory.id,))))  # fmt: skip
    if guard.holds(found, of):
        _run("""UPDATE read_person SET person_id = found.person_id FROM read_renumbered AS found
                WHERE found.external_id = read_person.external_id""")
    tables.end(READ_RENUMBERED)


def _find_by_number(directory: Directory) -> None:
    """An employee number that one entry and one person have, of the same name, where no address speaks against it."""
    _take_found()
    _run(
        f"""WITH single AS (
                 SELECT min(external_id) AS external_id FROM read_person WHERE employee_number <> ''
                 GROUP BY lower(employee_number) HAVING count(*) = 1),
             found AS (
                 SELECT r.external_id, min(person.id) AS person_id FROM single JOIN read_person AS r USING (external_id)
                 JOIN person ON person.employee_number IS NOT NULL
                     AND lower(person.employee_number) = lower(r.employee_number)
                 WHERE r.person_id IS NULL AND NOT EXISTS (
                     SELECT 1 FROM read_email AS m JOIN person_email USING (email_key)
                     WHERE m.external_id = r.external_id)
                 GROUP BY r.external_id HAVING count(*) = 1)
             UPDATE read_person AS r SET person_id = pe.person_id
             FROM found AS pe WHERE pe.external_id = r.external_id AND {SAME_NAME}
               AND pe.person_id NOT IN (SELECT person_id FROM read_taken)
               AND NOT EXISTS (SELECT 1 FROM directory_entry AS e WHERE e.person_id = pe.person_id
                               AND e.directory_id = ? AND e.reported_status <> 'deprovisioned')""",
        directory.id,
    )


def note_unclear_successors() -> None:
    """Leaves in read_claimed the people whose address a new entry has of which nothing says that it is another human:
    the same one may have been entered again."""
    _run(f"""INSERT INTO read_claimed SELECT pe.person_id FROM read_person AS r
             JOIN read_email AS m ON m.external_id = r.external_id AND m.main
             JOIN person_email AS pe ON pe.email_key = m.email_key
             WHERE r.person_id IS NULL AND r.status <> 'deprovisioned'
               AND NOT {other_number("r", "pe.person_id")} ON CONFLICT DO NOTHING""")


_USED_AGAIN = """FROM directory_entry AS e JOIN person ON person.id = e.person_id
    JOIN read_person AS r ON r.external_id = e.former_id
    WHERE e.directory_id = ? AND e.status <> 'deprovisioned'"""


def note_used_again(directory: Directory) -> None:
    """Leaves in read_claimed the people who are here and whose entry is someone else's now."""
    _run(f"INSERT INTO read_claimed SELECT e.person_id {_USED_AGAIN} ON CONFLICT DO NOTHING", directory.id)


def used_again(directory: Directory) -> list[tuple[str, str]]:
    """The names of these people, and of those who have their entries now."""
    return db.execute_sql(f"SELECT person.name, r.name {_USED_AGAIN} ORDER BY person.name, e.id",
                          (directory.id,)).fetchall()  # fmt: skip


def _run(sql: str, *values: object) -> None:
    db.execute_sql(sql, values)
