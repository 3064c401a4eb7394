"""What a directory's reading changes: each entry's person, what the guard holds, and what is applied, set by set.
An e-mail that two people claim is never decided by a guess: it is reported, and nobody loses anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sync import activity
from sync.db import db, utcnow
from sync.directory import address_moves, precedence, releases
from sync.directory.address_moves import Moves
from sync.directory.finding import (
    exclude_people_of_others,
    find_people,
    note_unclear_successors,
    note_used_again,
    used_again,
)
from sync.directory.guard import end_burst, hold_back, keep_departures
from sync.jobs import asking
from sync.mail import sign_in_news
from sync.matching import addresses, vouching
from sync.matching import rules as match_rules
from sync.matching.addresses import ENTRY
from sync.models import Directory, Person, entry_is_held
from sync.people import held, people
from sync.safety.guards import Guard
from sync.states import HeldField
from sync.words import are, plural

RECORDED_ONE_BY_ONE = 200  # people who join: more than that are one entry of the log
WARNINGS = 50
NEEDED = (  # groups, by rules
    "SELECT group_id FROM group_rule WHERE group_id IS NOT NULL "
    "UNION SELECT group_id FROM team_group WHERE group_id IS NOT NULL"
)
UNHELD = "person_id NOT IN (SELECT person_id FROM read_leaving)"
_NAMED = "coalesce(nullif(r.name, ''), nullif(r.user_name, ''), 'someone without a name')"
_NOBODYS = """m.email_key NOT IN (SELECT email_key FROM person_email)
    AND m.email_key NOT IN (SELECT email_key FROM read_disputed)"""
# A disabled entry leaves its address to one that is in use and isn't known yet.
_CLAIMED = f"""EXISTS (SELECT 1 FROM directory_address AS d LEFT JOIN {ENTRY}
                    WHERE d.email_key = m.email_key AND d.active AND e.person_id IS DISTINCT FROM r.person_id
                    AND (e.person_id IS NOT NULL OR r.status = 'deprovisioned'))"""
_FREE = f"{_NOBODYS} AND NOT {_CLAIMED}"  # an address `m` of the staged entry `r` that nobody has or claims
FREE = f"{_FREE} AND (r.person_id IS NULL OR r.person_id NOT IN (SELECT person_id FROM read_above))"


@dataclass
class Outcome:
    """How many joined, were updated, suspended, deprovisioned, returned, held; and what someone should look at."""

    counts: dict[str, int]
    warnings: list[str] = field(default_factory=list)


@sign_in_news.watches_addresses
def apply(directory: Directory, worldwide_ids: bool, guard: Guard, by: str) -> Outcome:
    """Apply the staged reading, inside the caller's writing()."""
    now = utcnow()
    _keep_as_known(directory)
    news = addresses.note(directory, whole=True)
    find_people(directory, worldwide_ids, guard)
    became = _follow_the_known(directory, guard, now, by, whole=True)
    moves = address_moves.settle(directory=directory, guard=guard)
    warnings, joined, updated = _apply_the_rest(directory, now, moves, news, by)
    asking.check_apps_of_groups(_apply_groups(directory, now), by)
    counts = {
        "joined": joined,
        "updated": updated,
        "suspended": became.get("suspended", 0),
        "deprovisioned": became.get("deprovisioned", 0),
        "returned": became.get("active", 0),
        "held": _count("SELECT count(*) FROM read_leaving"),
    }
    return Outcome(counts, [*_many_back(directory), *warnings])


def _keep_as_known(directory: Directory) -> None:
    """Someone who had left and whose status is hidden now isn't back, unless their entry is someone else's now."""
    _run("""UPDATE read_person SET status = 'deprovisioned', status_before_dates = 'deprovisioned'
            WHERE hides_status AND status <> 'deprovisioned' AND EXISTS (
                SELECT 1 FROM directory_entry AS e WHERE e.directory_id = ? AND e.external_id = read_person.external_id
                AND e.reported_status = 'deprovisioned'
                AND (e.name = read_person.name OR e.email = read_person.email))""", directory.id)


def _many_back(directory: Directory) -> list[str]:
    """A warning while a guard holds those who are back."""
    if directory.many_back_since is None:
        return []
    back = releases.count_back(directory)
    return [f"{plural(back, 'person', 'people')} who had left {directory.name} {are(back)} back. Check that it still "
            "shows who has left. Until someone confirms it on the directory's page, they count as having left."]


@sign_in_news.watches_addresses
def apply_pushed(directory: Directory, guard: Guard, by: str) -> Outcome:
    """Apply the staged people of a directory that pushes, inside the caller's writing().

    People who aren't staged don't change. As people leave one by one, the guard counts those of a day.
    """
    now = utcnow()
    news = addresses.note(directory, whole=False)
    exclude_people_of_others(directory)
    find_people(directory, False, ids_are_reused=True)
    became = _follow_the_known(directory, guard, now, by, whole=False)
    moves = address_moves.settle(address_moves.STAGED)
    warnings, joined, updated = _apply_the_rest(directory, now, moves, news, by)
    held = _count("SELECT count(*) FROM read_leaving")
    return Outcome({"joined": joined, "updated": updated, **became, "held": held}, warnings)


def _follow_the_known(directory: Directory, guard: Guard, now: datetime, by: str, whole: bool) -> dict[str, int]:
    """Give each known person the status of their entry, unless the guard holds it; return how many became what. Only
    then is it known whose an address is."""
    _add_entries(directory, now)
    _note_days(directory)
    vouching.note_above(directory)
    note_unclear_successors()
    note_used_again(directory)
    again = hold_back(directory, guard, now, whole)
    precedence.note_changes(directory)
    became = people.recompute_status(_apply_status(directory, now, whole), by)
    people.recompute_status(again, by)
    keep_departures(directory, again)
    end_burst(directory, whole)
    return became


def _apply_the_rest(directory: Directory, now: datetime, moves: Moves, news: bool,
                        by: str) -> tuple[list[str], int, int]:  # fmt: skip
    """Apply new people, addresses and names. Returns (warnings, how many joined, how many were updated)."""
    warnings = _warnings(directory)
    _leave_out_the_unclear()
    joined = _add_people(directory, now)
    if joined:
        _add_entries(directory, now)
        _note_days(directory)
    moves.disputed += _add_addresses(directory, by)
    updated = precedence.follow(by)
    held.delete_unreported(directory)
    _record_joined(directory, joined, by)
    return [*address_moves.conclude(moves, by, news), *warnings], len(joined), len(updated)


def _warnings(directory: Directory) -> list[str]:
    """What to correct in the directory: addresses that two people claim, and values that aren't addresses."""
    disputed = _rows(f"""SELECT m.email_key, (SELECT group_concat(name, ' and ') FROM (
                                   SELECT {_NAMED} AS name FROM read_email AS o
                                   JOIN read_person AS r USING (external_id)
                                   WHERE o.email_key = m.email_key ORDER BY 1, r.external_id) AS named),
                               count(*) FILTER (WHERE pe.disputed) > 0
                        FROM read_email AS m JOIN read_person AS r USING (external_id)
                        LEFT JOIN person_email AS pe ON pe.email_key = m.email_key
                        WHERE m.email_key IN (SELECT email_key FROM read_disputed)
                        GROUP BY m.email_key ORDER BY m.email_key""")
    held_by_another = _rows(f"""SELECT m.email_key, {_NAMED}, person.name, pe.disputed
                      FROM read_email AS m JOIN read_person AS r USING (external_id)
                      JOIN person_email AS pe ON pe.email_key = m.email_key JOIN person ON person.id = pe.person_id
                      WHERE r.person_id IS DISTINCT FROM pe.person_id
                        AND m.email_key NOT IN (SELECT email_key FROM read_disputed)
                      ORDER BY m.email_key""")
    until_then = " Until then, accounts with this address match nobody."
    warnings = [f"{directory.name} gives the e-mail address {email} to {names}. Both had it before: correct it in the "
                f"directory.{until_then if unclear else ''}" for email, names, unclear in disputed]
    warnings += [f"{directory.name} gives the e-mail address {email} to {name}, but here it belongs to {holder}. "
                 + ("Accounts with this address match nobody until only one of the two has it." if unclear else
                    "It wasn't moved: remove it from one of the two.")
                 for email, name, holder, unclear in held_by_another]
    warnings += _claimed_elsewhere(directory)
    warnings += [f"{directory.name} has {name} in the place of {former}, with another name or employee number. If "
                 f"{former} has left, release them." for former, name in used_again(directory)]
    no_email = _rows(f"""SELECT {_NAMED}, n.reason FROM read_no_email AS n
                        JOIN read_person AS r USING (external_id) ORDER BY 1, 2""")
    warnings += [f"{directory.name} gives {name} an address that was left out. {reason} Correct it in the directory."
                 for name, reason in no_email]
    more = len(warnings) - WARNINGS
    if more <= 0:
        return warnings
    return [*warnings[:WARNINGS], f"And {plural(more, 'more such address', 'more such addresses')}."]


def _claimed_elsewhere(directory: Directory) -> list[str]:
    """About addresses that nobody has here, because another entry gives them to someone who is known."""
    found = _rows(f"""SELECT m.email_key, {_NAMED}, r.person_id
                      FROM read_email AS m JOIN read_person AS r USING (external_id)
                      WHERE r.status <> 'deprovisioned' AND {_NOBODYS} AND {_CLAIMED} ORDER BY m.email_key, 2""")
    claims = addresses.claims(email for email, *_ in found)
    return [f"{directory.name} gives the e-mail address {email} to {name}, but {claim.source} gives it to "
            f"{claim.name}. Nobody has it until only one of the two does: correct it in the directory."
            for email, name, person in found
            for claim in claims[email] if claim.person_id is not None and claim.person_id != person]


def _leave_out_the_unclear() -> None:
    """Someone new whose main address another person claims or has is added only once this is resolved."""
    _run(f"""DELETE FROM read_person AS r WHERE person_id IS NULL AND email_key <> '' AND NOT EXISTS (
                SELECT 1 FROM read_email AS m WHERE m.external_id = r.external_id AND m.main AND {FREE})""")


def _add_people(directory: Directory, now: datetime) -> list[tuple[int, str]]:
    """Add the people who are new to the workspace; return the (id, name) of each."""
    last = _count("SELECT coalesce(max(id), 0) FROM person")
    _run("""UPDATE read_person SET person_id = ? + place, new = TRUE
            FROM (SELECT external_id AS id, row_number() OVER (ORDER BY name, external_id) AS place
                  FROM read_person WHERE person_id IS NULL) AS placed
            WHERE placed.id = external_id""", last)
    _run(f"""INSERT INTO person (id, name, status, status_since, status_reason, created_at)
            SELECT person_id, name, status, ?1, {_reason("status", "why")}, ?1 FROM read_person WHERE new""",
         now, directory.name)
    db.ids_were_given("person")
    return _rows("SELECT person_id, coalesce(nullif(name, ''), user_name) FROM read_person "
                 "WHERE new ORDER BY person_id")


def _reason(status: str, why: str = "''") -> str:
    """SQL for the reason of a status, `why` where it isn't empty; the directory's name is ?2."""
    return (f"CASE WHEN {why} <> '' THEN {why} || ', in ' || ?2 ELSE CASE {status} "
            "WHEN 'active' THEN 'Active in ' || ?2 WHEN 'suspended' THEN 'Locked out in ' || ?2 "
            "ELSE 'Disabled in ' || ?2 END END")


def _add_entries(directory: Directory, now: datetime) -> None:
    """An entry begins with the status that its person has, so that what it changes meets the guard as well."""
    is_new = ("NOT EXISTS (SELECT 1 FROM directory_entry AS e "
              f"WHERE e.directory_id = {directory.id} AND e.external_id = r.external_id)")
    if not _count(f"SELECT EXISTS (SELECT 1 FROM read_person AS r WHERE r.person_id IS NOT NULL AND {is_new})"):
        return
    _run(f"INSERT INTO read_moved SELECT person_id FROM read_person AS r WHERE person_id IS NOT NULL AND {is_new} "
         "ON CONFLICT DO NOTHING")
    _run(f"""INSERT INTO directory_entry (directory_id, external_id, person_id, user_name, email, name,
                                         employee_number, status, reported_status, reported_at, reason)
            SELECT ?3, r.external_id, r.person_id, r.user_name, r.email, r.name, r.employee_number,
                   person.status, person.status, ?1, {_reason("person.status")}
            FROM read_person AS r JOIN person ON person.id = r.person_id WHERE {is_new}""",
         now, directory.name, directory.id)


def _note_days(directory: Directory) -> None:
    """What the directory says beside the status: last_days.py makes the status follow."""
    reported = ("status_before_dates", "last_day", "starts_on", "department", "manager")
    _run(f"""UPDATE directory_entry AS e SET {", ".join(f"{name} = r.{name}" for name in reported)}
            FROM read_person AS r WHERE e.directory_id = ? AND r.external_id = e.external_id
              AND ({" OR ".join(f"e.{name} IS DISTINCT FROM r.{name}" for name in reported)})""", directory.id)


def _add_addresses(directory: Directory, by: str) -> list[str]:
    """Addresses that nobody has; those of people that the directory may not change are held. Returns the ones that an
    entry without a person claims too, which identify nobody until that is settled."""
    for person, email in _rows(f"""SELECT r.person_id, m.email FROM read_email AS m JOIN read_person AS r
            USING (external_id) WHERE r.person_id IN (SELECT person_id FROM read_above) AND {_FREE}"""):
        held.hold(Person.get_by_id(person), HeldField.ADDRESS, email, by, directory)
    new = [normal for (normal,) in _rows(
        f"SELECT m.email_key FROM read_email AS m JOIN read_person AS r USING (external_id) WHERE {FREE}")]
    _run(f"""INSERT INTO person_email (person_id, email, email_key, main, by_hand, disputed)
            SELECT r.person_id, m.email, m.email_key, FALSE, FALSE, FALSE
            FROM read_email AS m JOIN read_person AS r USING (external_id)
            WHERE {FREE} ORDER BY m.main DESC""")
    contested = address_moves.contest(new)
    match_rules.match_everywhere(new)
    return contested


def _apply_status(directory: Directory, now: datetime, whole: bool = True) -> list[int]:
    """The people whose status may change now; held changes are only stored as reported.

    Who is not staged is missing from the directory, unless the reading is not `whole`.
    """
    reported = f"""(SELECT e.id, e.person_id, e.reported_status, coalesce(r.status, 'deprovisioned') AS status,
                       coalesce(r.deleted, TRUE) AS missing, coalesce(r.why, '') AS why
                FROM directory_entry AS e {"LEFT" if whole else ""} JOIN read_person AS r
                     ON r.external_id = e.external_id
                WHERE e.directory_id = ?1) AS staged"""
    if _count(f"SELECT EXISTS (SELECT 1 FROM {reported} WHERE staged.reported_status <> staged.status)", directory.id):
        _follow_reported(directory, reported, now)
    asked = "" if whole else "AND e.external_id IN (SELECT external_id FROM read_person)"
    due = f"e.directory_id = ? AND {entry_is_held('e')} AND e.{UNHELD} {asked}"
    changed = _rows(f"SELECT e.person_id FROM directory_entry AS e WHERE {due}", directory.id)
    decided = "e.person_id IN (SELECT id FROM person WHERE status_by_hand IS NOT NULL)"  # nobody need confirm that
    _run(f"""UPDATE directory_entry AS e SET status = reported_status,
                back_at = CASE WHEN NOT {decided} THEN back_at END WHERE {due}""", directory.id)
    by_hand = _rows("SELECT person.id FROM directory_entry AS e JOIN person ON person.id = e.person_id "
                    f"WHERE e.directory_id = ? AND person.status_by_hand IS NOT NULL {asked}", directory.id)
    return [person for (person,) in (*changed, *by_hand)]


def _follow_reported(directory: Directory, reported: str, now: datetime) -> None:
    """The entries have the status that was read. Who decides for people who leave or come back is looked up again."""
    _run(f"""INSERT INTO read_moved SELECT staged.person_id FROM {reported}
            WHERE (staged.reported_status = 'deprovisioned') <> (staged.status = 'deprovisioned')
            ON CONFLICT DO NOTHING""", directory.id)
    _run(f"""UPDATE directory_entry SET reported_status = staged.status, reported_at = ?3,
                left_at = CASE WHEN directory_entry.status <> 'deprovisioned' AND staged.status = 'deprovisioned'
                    THEN ?4 ELSE left_at END,
                back_at = CASE WHEN staged.status = 'deprovisioned' THEN NULL
                    WHEN directory_entry.status = 'deprovisioned' THEN coalesce(back_at, ?4) ELSE back_at END,
                reason = CASE WHEN staged.missing THEN 'No longer in ' || ?2
                    ELSE {_reason("staged.status", "staged.why")} END
            FROM {reported}
            WHERE staged.id = directory_entry.id AND directory_entry.reported_status <> staged.status""",
         directory.id, directory.name, now, now)


def _apply_groups(directory: Directory, now: datetime) -> list[int]:
    """The directory's groups and who is in them; someone who is held back stays in theirs.

    A group that rules need and that is now empty counts as gone from the directory: its last members stay
    known. Gives the ids of the groups that rules need and that changed.
    """
    _run("""INSERT INTO directory_group (directory_id, external_id, name)
            SELECT DISTINCT CAST(?1 AS INTEGER), name, name FROM read_group
            WHERE external_id IN (SELECT external_id FROM read_person)
              AND name NOT IN (SELECT external_id FROM directory_group WHERE directory_id = ?1)""", directory.id)
    # CROSS JOIN: one look for each staged member, where SQLite would try each group with each entry.
    _run("""INSERT INTO read_member SELECT g.id, e.id FROM read_group AS staged
            CROSS JOIN directory_group AS g CROSS JOIN directory_entry AS e
            WHERE g.directory_id = ?1 AND g.external_id = staged.name
              AND e.directory_id = ?1 AND e.external_id = staged.external_id""", directory.id)
    moved = _note_changed_groups(directory, now)
    _run(f"""DELETE FROM directory_group_member AS known
            WHERE entry_id IN (SELECT id FROM directory_entry WHERE directory_id = ? AND {UNHELD})
              AND group_id NOT IN (SELECT id FROM directory_group WHERE gone_at IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM read_member AS staged
                              WHERE staged.group_id = known.group_id AND staged.entry_id = known.entry_id)""",
         directory.id)
    _run("""INSERT INTO directory_group_member (group_id, entry_id) SELECT group_id, entry_id FROM read_member AS staged
            WHERE NOT EXISTS (SELECT 1 FROM directory_group_member AS known
                              WHERE known.group_id = staged.group_id AND known.entry_id = staged.entry_id)""")
    _run(f"""DELETE FROM directory_group WHERE directory_id = ? AND id NOT IN ({NEEDED})
              AND id NOT IN (SELECT group_id FROM directory_group_member)""", directory.id)
    return moved


def _note_changed_groups(directory: Directory, now: datetime) -> list[int]:
    needed = _rows(f"SELECT id FROM directory_group WHERE directory_id = ? AND id IN ({NEEDED})", directory.id)
    if not needed:
        return []
    ids = ", ".join(str(id) for (id,) in needed)
    # With nobody in it but people who are held back, it has only lost them if all its members were such people.
    here = f"""(SELECT group_id FROM read_member UNION SELECT m.group_id FROM directory_group_member AS m
                JOIN directory_entry AS e ON e.id = m.entry_id WHERE m.group_id IN ({ids})
                GROUP BY m.group_id HAVING count(*) FILTER (WHERE e.{UNHELD}) = 0)"""
    flips = f"id IN ({ids}) AND (gone_at IS NULL) <> (id IN {here})"
    moved = _rows(f"""
        SELECT id FROM directory_group WHERE {flips}
        UNION SELECT staged.group_id FROM read_member AS staged WHERE staged.group_id IN ({ids}) AND NOT EXISTS (
            SELECT 1 FROM directory_group_member AS known
            WHERE known.group_id = staged.group_id AND known.entry_id = staged.entry_id)
        UNION SELECT known.group_id FROM directory_group_member AS known
            JOIN directory_entry AS e ON e.id = known.entry_id AND e.{UNHELD}
            WHERE known.group_id IN (SELECT id FROM directory_group WHERE id IN ({ids}) AND gone_at IS NULL)
              AND NOT EXISTS (
                SELECT 1 FROM read_member AS staged
                WHERE staged.group_id = known.group_id AND staged.entry_id = known.entry_id)""")
    _run(f"UPDATE directory_group SET gone_at = CASE WHEN gone_at IS NULL THEN ? END WHERE {flips}", now)
    return [id for (id,) in moved]


def _record_joined(directory: Directory, joined: list[tuple[int, str]], by: str) -> None:
    if len(joined) > RECORDED_ONE_BY_ONE:
        activity.record(by, "people joined", about=directory.name, after=plural(len(joined), "person", "people"))
        return
    activity.record_all([
        dict(who=by, what="person joined", about=name, why=f"In {directory.name}", person_id=person)
        for person, name in joined
    ])


def _run(sql: str, *values: object) -> None:
    db.execute_sql(sql, values)


def _rows(sql: str, *values: object) -> list[tuple]:
    return db.execute_sql(sql, values).fetchall()


def _count(sql: str, *values: object) -> int:
    return db.execute_sql(sql, values).fetchone()[0]
