"""What a directory's reading changes: whom each entry is, what the guard holds, and what is taken over, set by set.
An e-mail that two people claim is never guessed away: it is told, and nobody loses anything by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sync import activity, match_rules, people
from sync.db import db, utcnow
from sync.models import Directory

TOLD_ONE_BY_ONE = 200  # people who join: more than that are one entry of the log
WARNINGS = 50
UNHELD = "person_id NOT IN (SELECT person_id FROM read_leaving)"


@dataclass(frozen=True)
class Guard:
    """More than both `accounts` and `percent` of a directory's people leaving at once are held."""

    accounts: int
    percent: int


@dataclass
class Outcome:
    """How many joined, were updated, suspended, deprovisioned, returned, held; and what somebody should look at."""

    counts: dict[str, int]
    warnings: list[str] = field(default_factory=list)


def apply(directory: Directory, worldwide_ids: bool, guard: Guard, by: str) -> Outcome:
    """Take the staged reading over, inside the caller's writing()."""
    now = utcnow()
    _find_people(directory, worldwide_ids)
    warnings = _warnings(directory)
    _leave_out_the_unclear()
    joined = _add_people(directory, now)
    _add_entries(directory, now)
    _hold_back(directory, guard)
    updated = _take_over_emails(directory, by) | _take_over_names(directory, by)
    _take_over_numbers()
    changed = _take_over_status(directory, now)
    _take_over_groups(directory)
    became = people.recompute_status(changed, by)
    _tell_joined(directory, joined, by)
    counts = {
        "joined": len(joined),
        "updated": len(updated),
        "suspended": became.get("suspended", 0),
        "deprovisioned": became.get("deprovisioned", 0),
        "returned": became.get("active", 0),
        "held": _count("SELECT count(*) FROM read_leaving"),
    }
    return Outcome(counts, warnings)


def apply_pushed(directory: Directory, guard: Guard, by: str) -> Outcome:
    """Take over the staged people of a directory that pushes, inside the caller's writing().

    Who is not staged stays as they are. As people leave one by one, the guard counts those of a day.
    """
    now = utcnow()
    _leave_others_what_is_theirs(directory)
    _find_people(directory, False)
    warnings = _warnings(directory)
    _leave_out_the_unclear()
    joined = _add_people(directory, now)
    _add_entries(directory, now)
    _hold_back_pushed(directory, guard, now)
    updated = _take_over_emails(directory, by) | _take_over_names(directory, by)
    _take_over_numbers()
    became = people.recompute_status(_take_over_status(directory, now, whole=False), by)
    _tell_joined(directory, joined, by)
    held = _count("SELECT count(*) FROM read_leaving")
    return Outcome({"joined": len(joined), "updated": len(updated), **became, "held": held}, warnings)


def _leave_others_what_is_theirs(directory: Directory) -> None:
    """Who is here by an entry that isn't staged can't be found again as somebody who is."""
    _run("""INSERT OR IGNORE INTO read_taken
            SELECT e.person_id FROM read_email AS m JOIN person_email AS pe ON pe.normal = m.normal
            JOIN directory_entry AS e ON e.person_id = pe.person_id
            WHERE e.directory_id = ? AND e.reported <> 'deprovisioned'
              AND e.external_id NOT IN (SELECT external_id FROM read_person)""", directory.id)


def _find_people(directory: Directory, worldwide_ids: bool) -> None:
    """Whom each entry is: by its id here, by an id that is nobody else's anywhere, then by e-mail."""
    _run("UPDATE read_person SET person_id = (SELECT person_id FROM directory_entry AS e "
         "WHERE e.directory_id = ? AND e.external_id = read_person.external_id)", directory.id)
    if worldwide_ids:
        _run("""UPDATE read_person SET person_id = coalesce(
                    (SELECT e.person_id FROM directory AS d JOIN directory_entry AS e ON e.directory_id = d.id
                     WHERE d.kind = ?1 AND e.external_id = read_person.external_id LIMIT 1),
                    (SELECT f.person_id FROM former_entry AS f
                     WHERE f.kind = ?1 AND f.external_id = read_person.external_id))
                WHERE person_id IS NULL""", directory.kind)
    # A disabled entry leaves the address that it shares to the one that is in use.
    _run("""DELETE FROM read_email
            WHERE external_id IN (SELECT external_id FROM read_person WHERE status = 'deprovisioned')
              AND normal IN (SELECT m.normal FROM read_email AS m JOIN read_person AS p USING (external_id)
                             WHERE p.status <> 'deprovisioned')""")
    _run("""INSERT OR IGNORE INTO read_claimed SELECT m.normal FROM read_email AS m
            JOIN read_person AS r USING (external_id) WHERE m.main AND r.status <> 'deprovisioned'""")
    _run("INSERT INTO read_disputed SELECT normal FROM read_email GROUP BY normal HAVING count(*) > 1")
    _find_by_email("m.main AND pe.main")
    _find_by_email("""m.main AND NOT EXISTS (
        SELECT 1 FROM directory_entry AS e WHERE e.person_id = pe.person_id AND e.directory_id = ?)""", directory.id)
    # A leaver's address is often handed on, so a further one finds only somebody active whom no directory knows.
    _find_by_email("""NOT m.main
        AND EXISTS (SELECT 1 FROM person WHERE person.id = pe.person_id AND person.status = 'active')
        AND NOT EXISTS (SELECT 1 FROM directory_entry AS e WHERE e.person_id = pe.person_id)""")


def _find_by_email(condition: str, *values: object) -> None:
    """One entry finds one person, or nobody; who is somebody else in this reading already is left alone."""
    _run("INSERT OR IGNORE INTO read_taken SELECT person_id FROM read_person "
         "WHERE person_id IS NOT NULL AND status <> 'deprovisioned'")
    _run(f"""WITH found AS (
                 SELECT DISTINCT m.external_id, pe.person_id
                 FROM read_email AS m JOIN person_email AS pe ON pe.normal = m.normal
                 JOIN read_person AS r ON r.external_id = m.external_id AND r.person_id IS NULL
                 WHERE m.normal NOT IN (SELECT normal FROM read_disputed)
                   AND pe.person_id NOT IN (SELECT person_id FROM read_taken) AND {condition}),
             clear AS (
                 SELECT external_id, person_id FROM found
                 WHERE external_id IN (SELECT external_id FROM found GROUP BY external_id HAVING count(*) = 1)
                   AND person_id IN (SELECT person_id FROM found GROUP BY person_id HAVING count(*) = 1))
             UPDATE read_person SET person_id = clear.person_id
             FROM clear WHERE clear.external_id = read_person.external_id""", *values)


def _warnings(directory: Directory) -> list[str]:
    """What somebody should correct, in plain words: addresses that two people claim."""
    disputed = _rows("""SELECT m.normal, group_concat(coalesce(nullif(r.name, ''), r.user_name), ' and ')
                        FROM read_email AS m JOIN read_person AS r USING (external_id)
                        WHERE m.normal IN (SELECT normal FROM read_disputed) GROUP BY m.normal ORDER BY m.normal""")
    held_by_another = _rows("""SELECT m.normal, coalesce(nullif(r.name, ''), r.user_name), person.name
                      FROM read_email AS m JOIN read_person AS r USING (external_id)
                      JOIN person_email AS pe ON pe.normal = m.normal JOIN person ON person.id = pe.person_id
                      WHERE r.person_id IS NOT pe.person_id AND m.normal NOT IN (SELECT normal FROM read_disputed)
                      ORDER BY m.normal""")
    told = [f"{directory.name} gives the e-mail address {email} to {names}. Nobody was given it anew: "
            "correct it in the directory." for email, names in disputed]
    told += [f"{directory.name} gives the e-mail address {email} to {name}, but here it belongs to {holder}. "
             "It stays as it is: take it from one of the two." for email, name, holder in held_by_another]
    more = len(told) - WARNINGS
    return told if more <= 0 else [*told[:WARNINGS], f"And {more} more such addresses."]


def _leave_out_the_unclear() -> None:
    """Somebody new whose main address another claims or holds is taken over once that is cleared up, not guessed."""
    _run("""DELETE FROM read_person WHERE person_id IS NULL AND normal <> '' AND NOT EXISTS (
                SELECT 1 FROM read_email AS m WHERE m.external_id = read_person.external_id AND m.main
                    AND m.normal NOT IN (SELECT normal FROM read_disputed)
                    AND m.normal NOT IN (SELECT normal FROM person_email))""")


def _add_people(directory: Directory, now: datetime) -> list[tuple[int, str]]:
    """(id, name) of those who are new to the workspace."""
    last = _count("SELECT coalesce(max(id), 0) FROM person")
    _run("""UPDATE read_person SET person_id = ? + place, new = 1
            FROM (SELECT external_id AS id, row_number() OVER (ORDER BY name, external_id) AS place
                  FROM read_person WHERE person_id IS NULL)
            WHERE id = external_id""", last)
    _run(f"""INSERT INTO person (id, name, status, status_since, status_reason, created_at)
            SELECT person_id, name, status, ?1, {_reason("status")}, ?1 FROM read_person WHERE new""",
         _stored(now), directory.name)
    return _rows("SELECT person_id, coalesce(nullif(name, ''), user_name) FROM read_person "
                 "WHERE new ORDER BY person_id")


def _reason(status: str) -> str:
    """SQL for the reason of a status; the directory's name is ?2."""
    return (f"CASE {status} WHEN 'active' THEN 'Active in ' || ?2 WHEN 'suspended' THEN 'Locked out in ' || ?2 "
            "ELSE 'Disabled in ' || ?2 END")


def _add_entries(directory: Directory, now: datetime) -> None:
    """An entry begins with the status that its person has, so that what it changes meets the guard as well."""
    _run(f"""INSERT INTO directory_entry (directory_id, external_id, person_id, user_name, email, name,
                                         status, reported, reported_at, reason)
            SELECT ?3, r.external_id, r.person_id, r.user_name, r.email, r.name,
                   person.status, person.status, ?1, {_reason("person.status")}
            FROM read_person AS r JOIN person ON person.id = r.person_id
            WHERE NOT EXISTS (SELECT 1 FROM directory_entry AS e
                              WHERE e.directory_id = ?3 AND e.external_id = r.external_id)""",
         _stored(now), directory.name, directory.id)


def _hold_back(directory: Directory, guard: Guard) -> None:
    """Leaves in read_leaving whose leaving somebody must look at first: all, where so many leave at once;
    else those whose address the directory gives to somebody else who is here."""
    _run("""INSERT INTO read_leaving
            SELECT e.person_id FROM directory_entry AS e LEFT JOIN read_person AS r ON r.external_id = e.external_id
            WHERE e.directory_id = ? GROUP BY e.person_id
            HAVING max(e.status <> 'deprovisioned')
               AND max(coalesce(r.status, 'deprovisioned') <> 'deprovisioned') = 0""", directory.id)
    leaving = _count("SELECT count(*) FROM read_leaving")
    before = _count("""SELECT count(DISTINCT person_id) FROM directory_entry
                       WHERE directory_id = ? AND status <> 'deprovisioned'
                         AND person_id NOT IN (SELECT person_id FROM read_person WHERE new)""", directory.id)
    active = _count("SELECT count(*) FROM read_person WHERE status = 'active'")
    everybody = leaving == before or active == 0
    too_many = leaving > guard.accounts and leaving * 100 > guard.percent * before
    if not (everybody or too_many):
        _run("""DELETE FROM read_leaving WHERE person_id NOT IN (
                    SELECT pe.person_id FROM person_email AS pe JOIN read_claimed AS c ON c.normal = pe.normal)""")


def _hold_back_pushed(directory: Directory, guard: Guard, now: datetime) -> None:
    """Leaves in read_leaving whose leaving somebody must look at first: who was held before; those whose address
    somebody else has who is here; and everybody, once too many leave within a day, or nobody would be left."""
    since = max(now - timedelta(days=1), directory.guard_from or directory.created_at)
    _run("""INSERT INTO read_leaving
            SELECT e.person_id FROM directory_entry AS e LEFT JOIN read_person AS r ON r.external_id = e.external_id
            WHERE e.directory_id = ? AND e.person_id IN (SELECT person_id FROM read_person) GROUP BY e.person_id
            HAVING max(e.status <> 'deprovisioned')
               AND max(coalesce(r.status, e.reported) <> 'deprovisioned') = 0""", directory.id)
    here = "directory_id = ?1 AND person_id NOT IN (SELECT person_id FROM read_person WHERE new)"
    leaving = _count(f"""SELECT count(DISTINCT person_id) FROM directory_entry WHERE {here}
                         AND (person_id IN (SELECT person_id FROM read_leaving)
                              OR reported = 'deprovisioned' AND left_at >= ?2)""", directory.id, _stored(since))
    before = _count(f"""SELECT count(DISTINCT person_id) FROM directory_entry WHERE {here}
                        AND (status <> 'deprovisioned' OR left_at >= ?2)""", directory.id, _stored(since))
    everybody = leaving > 1 and not _count(f"""SELECT count(*) FROM directory_entry WHERE {here}
        AND reported <> 'deprovisioned' AND person_id NOT IN (SELECT person_id FROM read_leaving)""", directory.id)
    too_many = leaving > guard.accounts and leaving * 100 > guard.percent * before
    if not (everybody or too_many):
        _run("""DELETE FROM read_leaving
                WHERE person_id NOT IN (SELECT person_id FROM directory_entry
                                        WHERE directory_id = ? AND status <> reported AND reported = 'deprovisioned')
                  AND person_id NOT IN (SELECT pe.person_id FROM person_email AS pe
                                        JOIN read_claimed AS c ON c.normal = pe.normal)""", directory.id)


def _take_over_emails(directory: Directory, by: str) -> set[int]:
    """Addresses that are free are added; the main one follows the directory when the directory changes it."""
    free = "m.normal NOT IN (SELECT normal FROM person_email) AND m.normal NOT IN (SELECT normal FROM read_disputed)"
    new = [normal for (normal,) in _rows(
        f"SELECT m.normal FROM read_email AS m JOIN read_person AS r USING (external_id) WHERE {free}")]
    _run(f"""INSERT INTO person_email (person_id, email, normal, main)
            SELECT r.person_id, m.email, m.normal, 0 FROM read_email AS m JOIN read_person AS r USING (external_id)
            WHERE {free} ORDER BY m.main DESC""")
    _run("""INSERT OR IGNORE INTO read_main
            SELECT r.person_id, r.normal, (SELECT email FROM person_email AS old WHERE old.person_id = r.person_id
                                           AND old.main), r.email
            FROM read_person AS r JOIN directory_entry AS e ON e.directory_id = ? AND e.external_id = r.external_id
            JOIN person_email AS pe ON pe.normal = r.normal AND pe.person_id = r.person_id AND NOT pe.main
            WHERE e.email <> r.email
               OR NOT EXISTS (SELECT 1 FROM person_email AS old WHERE old.person_id = r.person_id AND old.main)""",
         directory.id)
    _run("UPDATE person_email SET main = (normal = (SELECT normal FROM read_main AS n "
         "WHERE n.person_id = person_email.person_id)) WHERE person_id IN (SELECT person_id FROM read_main)")
    match_rules.match_everywhere(new)
    return _tell_updated(directory, "read_main", "changed e-mail", by)


def _take_over_names(directory: Directory, by: str) -> set[int]:
    _run("""INSERT OR IGNORE INTO read_name
            SELECT r.person_id, person.name, r.name FROM read_person AS r JOIN person ON person.id = r.person_id
            JOIN directory_entry AS e ON e.directory_id = ? AND e.external_id = r.external_id
            WHERE r.name NOT IN ('', person.name) AND (e.name <> r.name OR person.name = '')""", directory.id)
    _run("UPDATE person SET name = (SELECT after FROM read_name AS n WHERE n.person_id = person.id) "
         "WHERE id IN (SELECT person_id FROM read_name)")
    _run("""UPDATE directory_entry SET email = r.email, name = r.name, user_name = r.user_name
            FROM read_person AS r
            WHERE directory_id = ? AND r.external_id = directory_entry.external_id
              AND (directory_entry.email, directory_entry.name, directory_entry.user_name)
                  IS NOT (r.email, r.name, r.user_name)""", directory.id)
    return _tell_updated(directory, "read_name", "changed name", by)


def _tell_updated(directory: Directory, table: str, what: str, by: str) -> set[int]:
    rows = _rows(f"SELECT n.person_id, person.name, n.before, n.after FROM {table} AS n "
                 "JOIN person ON person.id = n.person_id "
                 "WHERE n.person_id NOT IN (SELECT person_id FROM read_person WHERE new) ORDER BY n.person_id")
    activity.record_all([
        dict(who=by, what=what, about=name, why=f"In {directory.name}", before=before, after=after, person_id=person)
        for person, name, before, after in rows
    ])
    return {person for person, *_ in rows}


def _take_over_numbers() -> None:
    differs = "r.person_id = person.id AND r.employee_number NOT IN ('', coalesce(person.employee_number, ''))"
    changed = _rows(f"SELECT person.employee_number, r.employee_number FROM read_person AS r JOIN person ON {differs}")
    _run(f"UPDATE person SET employee_number = r.employee_number FROM read_person AS r WHERE {differs}")
    match_rules.match_everywhere(numbers=(number for row in changed for number in row))


def _take_over_status(directory: Directory, now: datetime, whole: bool = True) -> list[int]:
    """The people whose status may follow; what is held is only noted as reported.

    Who is not staged is missing from the directory, unless the reading is not `whole`.
    """
    _run(f"""UPDATE directory_entry SET reported = said.status, reported_at = ?1,
                left_at = CASE WHEN said.status = 'deprovisioned' THEN ?1 END,
                reason = CASE WHEN said.missing THEN 'No longer in ' || ?2 ELSE {_reason("said.status")} END
            FROM (SELECT e.id, coalesce(r.status, 'deprovisioned') AS status, coalesce(r.deleted, 1) AS missing
                  FROM directory_entry AS e {"LEFT" if whole else ""} JOIN read_person AS r
                       ON r.external_id = e.external_id
                  WHERE e.directory_id = ?3) AS said
            WHERE said.id = directory_entry.id AND directory_entry.reported <> said.status""",
         _stored(now), directory.name, directory.id)
    asked = "" if whole else "AND e.external_id IN (SELECT external_id FROM read_person)"
    due = f"e.directory_id = ? AND e.status <> e.reported AND e.{UNHELD} {asked}"
    changed = _rows(f"SELECT e.person_id FROM directory_entry AS e WHERE {due}", directory.id)
    _run(f"UPDATE directory_entry AS e SET status = reported WHERE {due}", directory.id)
    by_hand = _rows("SELECT person.id FROM directory_entry AS e JOIN person ON person.id = e.person_id "
                    f"WHERE e.directory_id = ? AND person.status_by_hand IS NOT NULL {asked}", directory.id)
    return [person for (person,) in (*changed, *by_hand)]


def _take_over_groups(directory: Directory) -> None:
    """The directory's groups and who is in them; somebody who is held back stays in theirs."""
    _run("""INSERT INTO directory_group (directory_id, external_id, name)
            SELECT DISTINCT ?1, name, name FROM read_group WHERE external_id IN (SELECT external_id FROM read_person)
              AND name NOT IN (SELECT external_id FROM directory_group WHERE directory_id = ?1)""", directory.id)
    _run("""INSERT INTO read_member SELECT g.id, e.id FROM read_group AS said
            JOIN directory_group AS g ON g.directory_id = ?1 AND g.external_id = said.name
            JOIN directory_entry AS e ON e.directory_id = ?1 AND e.external_id = said.external_id""", directory.id)
    _run(f"""DELETE FROM directory_group_member AS known
            WHERE entry_id IN (SELECT id FROM directory_entry WHERE directory_id = ? AND {UNHELD})
              AND NOT EXISTS (SELECT 1 FROM read_member AS said
                              WHERE said.group_id = known.group_id AND said.entry_id = known.entry_id)""",
         directory.id)
    _run("""INSERT INTO directory_group_member (group_id, entry_id) SELECT group_id, entry_id FROM read_member AS said
            WHERE NOT EXISTS (SELECT 1 FROM directory_group_member AS known
                              WHERE known.group_id = said.group_id AND known.entry_id = said.entry_id)""")
    _run("DELETE FROM directory_group WHERE directory_id = ? "
         "AND id NOT IN (SELECT group_id FROM directory_group_member)", directory.id)


def _tell_joined(directory: Directory, joined: list[tuple[int, str]], by: str) -> None:
    if len(joined) > TOLD_ONE_BY_ONE:
        activity.record(by, "people joined", about=directory.name, after=f"{len(joined)} people")
        return
    activity.record_all([
        dict(who=by, what="person joined", about=name, why=f"In {directory.name}", person_id=person)
        for person, name in joined
    ])


def _stored(moment: datetime) -> str:
    return moment.isoformat(" ")


def _run(sql: str, *values: object) -> None:
    db.execute_sql(sql, values)


def _rows(sql: str, *values: object) -> list[tuple]:
    return db.execute_sql(sql, values).fetchall()


def _count(sql: str, *values: object) -> int:
    return db.execute_sql(sql, values).fetchone()[0]
