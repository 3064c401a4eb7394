"""Whose an e-mail address is: what each directory says of it now, and what was given by hand.
An address identifies a person only while no source gives it to someone else; then address_moves.py decides."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.names import email_key
from sync.db import db
from sync.matching import vouching
from sync.models import Directory, DirectoryAddress, DirectoryEntry, Person
from sync.words import listed

CHUNK = 500  # values in one SQL statement

# Each of the following is SQL. `d` is a row of directory_address, `e` its entry (none: nobody was made of it yet),
# `pe` a row of person_email, `p` its person, `a` an account.
ENTRY = "directory_entry AS e ON e.directory_id = d.directory_id AND e.external_id = d.external_id"
_IN_USE = f"SELECT 1 FROM directory_address AS d LEFT JOIN {ENTRY} WHERE d.email_key = pe.email_key AND d.active"
# A directory takes nothing from people it may not change.
_RIVAL = f"""{_IN_USE} AND e.person_id IS DISTINCT FROM pe.person_id
    AND NOT {vouching.sql_above("d.directory_id", "(SELECT workspace_role FROM person WHERE id = pe.person_id)")}"""
_OWN = (f"SELECT 1 FROM directory_address AS d JOIN {ENTRY} "
        "WHERE d.email_key = pe.email_key AND e.person_id = pe.person_id")  # fmt: skip
_GIVEN = """(pe.by_hand OR NOT EXISTS (SELECT 1 FROM directory_entry AS e WHERE e.person_id = pe.person_id))"""
# An entry in use says so, or a person by hand; or a directory did that was removed since.
PROVEN = f"(EXISTS ({_OWN} AND d.active) OR p.status <> 'deprovisioned' AND {_GIVEN})"
# The same, or an entry says so that is disabled or gone, although its person is here: held, or returned by hand.
BACKED = f"({PROVEN} OR p.status <> 'deprovisioned' AND EXISTS ({_OWN}))"
CLAIMED = f"EXISTS ({_RIVAL})"


def name_key(name: str | None) -> str:
    """One form for a name however it is accented, in capitals, or turned around: "López, Ana" is "ana lopez"."""
    plain = unicodedata.normalize("NFKD", name or "").casefold()
    letters = "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return " ".join(sorted(letters.split()))


db.register_function(name_key, "name_key", 1)


def same_number(one: str, person: str) -> str:
    """SQL: `one`, which has a `name` and an `employee_number`, has an employee number of the person with this id."""
    return f"({one}.employee_number <> '' AND lower({one}.employee_number) IN ({_numbers(person)}))"


def other_number(one: str, person: str) -> str:
    """SQL: both have employee numbers, but no common one: they are two people, whatever they are called."""
    return (f"({one}.employee_number <> '' AND EXISTS ({_numbers(person)}) "
            f"AND lower({one}.employee_number) NOT IN ({_numbers(person)}))")


def same_human(one: str, person: str) -> str:
    """SQL: beside a common address, the number is the same, or the name is and no number speaks against it."""
    same_name = f"name_key({one}.name) <> '' AND name_key({one}.name) IN ({_names(person)})"
    return f"({same_number(one, person)} OR {same_name} AND NOT {other_number(one, person)})"


def another_human(one: str, person: str) -> str:
    """SQL: the numbers differ, or one of them is unknown and the names differ. A missing value distinguishes nobody."""
    return f"({other_number(one, person)} OR {other_name(one, person)} AND NOT {same_number(one, person)})"


def two_people(one: str, person: str) -> str:
    """SQL: both have names and employee numbers, and neither is common, whatever address both have."""
    return f"({other_number(one, person)} AND {other_name(one, person)})"


def other_name(one: str, person: str) -> str:
    """SQL: both have names, but no common one."""
    return (f"(name_key({one}.name) <> '' AND EXISTS ({_names(person)}) "
            f"AND name_key({one}.name) NOT IN ({_names(person)}))")


def is_another_human(name: str, number: str, person: Person) -> bool:
    """Whether someone with this name and employee number ("" for neither) is a different human from this person."""
    asked = another_human("r", ":person")
    found = db.execute_sql(f"SELECT {asked} FROM (SELECT CAST(:name AS TEXT) AS name, CAST(:number AS TEXT) "
                           "AS employee_number) AS r",
                           {"name": name, "number": number, "person": person.id}).fetchone()  # fmt: skip
    return bool(found[0])


def _numbers(person: str) -> str:
    return (f"SELECT lower(x.employee_number) FROM person AS x WHERE x.id = {person} AND x.employee_number <> '' "
            f"UNION ALL SELECT lower(x.employee_number) FROM directory_entry AS x WHERE x.person_id = {person} "
            "AND x.employee_number <> ''")


def _names(person: str) -> str:
    return (f"SELECT name_key(x.name) FROM person AS x WHERE x.id = {person} AND x.name <> '' UNION ALL "
            f"SELECT name_key(x.name) FROM directory_entry AS x WHERE x.person_id = {person} AND x.name <> ''")


# No source gave it to anyone since; a second entry of the same human isn't a rival.
CONTESTED = f"EXISTS ({_RIVAL} AND NOT {same_human('d', 'pe.person_id')})"
# What an account is known by: its e-mail, what its user name makes in this app, and an e-mail that a guard holds.
_ADDRESSES = """(a.email_key, coalesce((
    SELECT email_key(a.user_name || '@' || x.match_domain) FROM app AS x WHERE x.id = a.app_id), ''),
    coalesce(a.held_values ->> 'email_key', ''))"""
# Why an account isn't its person's to lose, whatever was matched or decided: its address is another's who is here, by
# what is known or by what a directory says of someone who isn't known yet. NULL where nobody else has it.
ANOTHERS = f"""
    coalesce((
        SELECT 'its e-mail is that of ' || coalesce(nullif(q.name, ''), pe.email)
        FROM person_email AS pe JOIN person AS q ON q.id = pe.person_id AND q.status <> 'deprovisioned'
        WHERE pe.email_key IN {_ADDRESSES} AND pe.person_id IS DISTINCT FROM a.person_id
        ORDER BY pe.id LIMIT 1
    ), (
        SELECT 'its e-mail is that of ' || coalesce(nullif(d.name, ''), d.email) || ' in ' || x.name
        FROM directory_address AS d JOIN directory AS x ON x.id = d.directory_id LEFT JOIN {ENTRY}
        WHERE d.email_key IN {_ADDRESSES} AND d.active AND e.person_id IS DISTINCT FROM a.person_id
        ORDER BY d.id LIMIT 1
    ))
"""


@dataclass(frozen=True)
class Claim:
    """A claim to an address, by a person or by an entry that isn't a person here (`person_id` is None)."""

    name: str
    person_id: int | None
    source: str  # a directory's name, or "by hand"


def claims(normals: Iterable[str]) -> dict[str, list[Claim]]:
    """By normal address, whose it is by hand and by each entry in use, in the order of the directories; each person
    once."""
    wanted, found = sorted(set(normals)), {}
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        marks = ", ".join("?" * len(some))
        rows = db.execute_sql(f"""
            SELECT pe.email_key, coalesce(nullif(p.name, ''), pe.email), p.id, 'by hand', 0 AS directory, pe.id AS claim
            FROM person_email AS pe JOIN person AS p ON p.id = pe.person_id
            WHERE pe.email_key IN ({marks}) AND p.status <> 'deprovisioned' AND {_GIVEN}
            UNION ALL
            SELECT d.email_key, coalesce(nullif(p.name, ''), nullif(d.name, ''), d.email), p.id, x.name, x.id, d.id
            FROM directory_address AS d JOIN directory AS x ON x.id = d.directory_id LEFT JOIN {ENTRY}
            LEFT JOIN person AS p ON p.id = e.person_id
            WHERE d.email_key IN ({marks}) AND d.active
            ORDER BY directory, claim""", (*some, *some)).fetchall()
        for normal, name, person_id, source, *_ in rows:
            of_one = found.setdefault(normal, [])
            if person_id is None or person_id not in {claim.person_id for claim in of_one}:
                of_one.append(Claim(name, person_id, source))
    return found


def claimed_by(claims: Iterable[Claim]) -> str:
    """The e-mail address is claimed by both Ana Lopez and Ana Lima."""
    names = [claim.name for claim in claims]
    return f"The e-mail address is claimed by {'both ' if len(names) == 2 else ''}{listed(names)}"


def sources(person: Person) -> dict[int, str]:
    """By PersonEmail.id, in words: which source gives the address to this person, and who else claims it."""
    contested = db.execute_sql("""
        SELECT pe.id, x.name FROM person_email AS pe
        JOIN directory_entry AS e ON e.person_id = pe.person_id
        JOIN directory_address AS d ON d.directory_id = e.directory_id AND d.external_id = e.external_id
            AND d.email_key = pe.email_key
        JOIN directory AS x ON x.id = d.directory_id
        WHERE pe.person_id = ? AND d.active ORDER BY x.id, d.id""", (person.id,)).fetchall()
    names: dict[int, list[str]] = {}
    for id, name in contested:
        names.setdefault(id, []).append(name)
    found = {}
    disputed = claims(row.email_key for row in person.emails if row.disputed)
    for row in person.emails:
        otherwise = "given by hand" if row.by_hand else "no directory has it now"
        words = [f"in {', '.join(names[row.id])}" if row.id in names else otherwise]
        others = [claim for claim in disputed.get(row.email_key, ()) if claim.person_id != person.id]
        words += [f"{claim.source} gives it to {claim.name} too" for claim in others]
        found[row.id] = "; ".join(words)
    return found


def is_of(person_id: int, email: str) -> bool:
    """Whether the person has this address, in any spelling."""
    found = db.execute_sql("SELECT 1 FROM person_email WHERE person_id = ? AND email_key = ?",
                           (person_id, email_key(email)))  # fmt: skip
    return found.fetchone() is not None


def is_free_for(directory: Directory, external_id: str) -> bool:
    """Whether an entry that is nobody here could be someone by its main address now: nobody else has it, or only a
    person that this directory doesn't know yet."""
    return db.execute_sql(f"""
        SELECT EXISTS (
            SELECT 1 FROM directory_address AS c WHERE c.directory_id = ?1 AND c.external_id = ?2 AND c.main
            AND (NOT EXISTS (SELECT 1 FROM directory_address AS d
                             WHERE d.email_key = c.email_key AND d.active AND d.id <> c.id)
                 AND NOT EXISTS (SELECT 1 FROM person_email AS pe WHERE pe.email_key = c.email_key)
              OR EXISTS (SELECT 1 FROM person_email AS pe JOIN person AS p ON p.id = pe.person_id
                         WHERE pe.email_key = c.email_key AND {PROVEN} AND NOT EXISTS (
                             SELECT 1 FROM directory_entry AS e WHERE e.person_id = pe.person_id
                             AND e.directory_id = ?1 AND e.reported_status <> 'deprovisioned'))))""",
        (directory.id, external_id)).fetchone()[0] == 1  # fmt: skip


def is_disputed(normal: str) -> bool:
    """Whether the address identifies nobody for now, because more than one person claims it."""
    found = db.execute_sql("SELECT disputed FROM person_email WHERE email_key = ?", (normal,)).fetchone()
    return bool(found[0]) if found else len(claims([normal]).get(normal, ())) > 1


def note(directory: Directory, whole: bool) -> bool:
    """Keep what the staged people say of their addresses; whether anything of it is new. Within staging().

    People who aren't staged are gone from the directory, unless the reading isn't `whole`: then their last values stay
    known, as that of nobody who is here.
    """
    gone = "deleted" if not whole else "FALSE"
    missing = "external_id NOT IN (SELECT external_id FROM read_person)" if whole else (
        "external_id IN (SELECT external_id FROM read_person WHERE deleted)")
    unmade = ("NOT EXISTS (SELECT 1 FROM directory_entry AS e WHERE e.directory_id = directory_address.directory_id "
              "AND e.external_id = directory_address.external_id)")
    changed = 0
    for statement in (
        f"""DELETE FROM directory_address WHERE directory_id = ?
              AND NOT EXISTS (SELECT 1 FROM read_email AS m WHERE m.external_id = directory_address.external_id
                              AND m.email_key = directory_address.email_key)
              AND EXISTS (SELECT 1 FROM read_person AS r
                          WHERE r.external_id = directory_address.external_id AND NOT {gone})""",
        f"DELETE FROM directory_address WHERE directory_id = ? AND {missing} AND {unmade}",
        f"UPDATE directory_address SET active = FALSE WHERE directory_id = ? AND active AND {missing}",
        """INSERT INTO directory_address (
               directory_id, external_id, email_key, email, main, active, name, employee_number)
           SELECT ?, m.external_id, m.email_key, m.email, m.main, r.status <> 'deprovisioned', r.name, r.employee_number
           FROM read_email AS m JOIN read_person AS r USING (external_id) WHERE true
           ORDER BY m.external_id, m.email_key
           ON CONFLICT (directory_id, external_id, email_key) DO UPDATE SET
               email = excluded.email, main = excluded.main,
               active = excluded.active, name = excluded.name, employee_number = excluded.employee_number
           WHERE (directory_address.email, directory_address.main, directory_address.active, directory_address.name,
                  directory_address.employee_number)
                 IS DISTINCT FROM (
                     excluded.email, excluded.main, excluded.active, excluded.name, excluded.employee_number)""",
    ):  # fmt: skip
        changed += db.execute_sql(statement, (directory.id,)).rowcount
    return changed > 0


def further_of(entry: DirectoryEntry) -> tuple[str, ...]:
    """The addresses beside the main one that the directory reported last for this entry."""
    theirs = (DirectoryAddress.directory == entry.directory_id) & (DirectoryAddress.external_id == entry.external_id)
    further = DirectoryAddress.select().where(theirs, ~DirectoryAddress.main).order_by(DirectoryAddress.id)
    return tuple(row.email for row in further)


def ask_whose(normals: Iterable[str], person: Person | int) -> None:
    """The accounts with these addresses were this person's by them; from now on that is asked, not taken as known.

    If the address becomes the same person's again, so do they. Inside the caller's transaction.
    """
    for normal in normals:
        db.execute_sql("""
            UPDATE account SET moved_email_key = ?1, former_person_id = ?2
            WHERE NOT (match_by_hand AND match_kind = 'matched') AND kind <> 'system'
              AND moved_email_key IS DISTINCT FROM ?1 AND id IN (
                SELECT a.id FROM app AS x CROSS JOIN account AS a ON a.app_id = x.id AND a.email_key = ?1
                UNION ALL
                SELECT a.id FROM app AS x CROSS JOIN account AS a ON a.app_id = x.id
                WHERE x.match_domain IS NOT NULL AND a.user_name IS NOT NULL
                  AND email_key(a.user_name || '@' || x.match_domain) = ?1)""",
            (normal, getattr(person, "id", person)))  # fmt: skip


def keep_a_main_one(person_id: int) -> None:
    """The first of the person's addresses is the main one, if none is."""
    db.execute_sql("""UPDATE person_email SET main = TRUE WHERE id = (
        SELECT min(id) FROM person_email WHERE person_id = ? GROUP BY person_id
        HAVING count(*) FILTER (WHERE main) = 0)""", (person_id,))
