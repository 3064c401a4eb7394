"""Holds leavers of a directory, so many within a day that it looks wrong, or everyone; and so many who are back.
They are held until someone releases them, or until the directory no longer says so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sync.db import db
from sync.matching import vouching
from sync.models import Directory, DirectoryEntry, entry_is_held
from sync.people import holds, last_owner
from sync.safety.guards import Guard
from sync.states import PersonStatus

DAY = timedelta(days=1)
AT_ONCE = ", with many others at once"  # ends the reason of those whose status had been applied before


def seen(entries: Iterable[DirectoryEntry]) -> str:
    """A fingerprint of these held entries: only what was shown is released (releases.py)."""
    content = sorted((entry.id, entry.status, entry.reported_status) for entry in entries)
    return hashlib.sha256(repr(content).encode()).hexdigest()[:32]


def hold_back(directory: Directory, guard: Guard, now: datetime, whole: bool) -> set[int]:
    """Leaves in read_leaving whose leaving someone must look at first: those whose address the directory gives to
    someone else who is here, everyone once too many leave within a day or nobody is left, the last Owner, those
    above the person responsible for the directory. Also those who are back, once that are too many. Returns the ids of
    those who left or came back earlier that day, whose status was applied and is held now, too.

    Who is not staged is missing from the directory, unless the reading is not `whole`.
    """
    since = _counted_from(directory, now).isoformat(" ")
    _note_leaving(directory, whole)
    all_leaving = _people("SELECT person_id FROM read_leaving")
    leaving = _count("""
        SELECT count(DISTINCT person_id) FROM directory_entry WHERE directory_id = ?1
          AND (person_id IN (SELECT person_id FROM read_leaving)
               OR reported_status = 'deprovisioned' AND left_at >= ?2
                  AND person_id NOT IN (SELECT person_id FROM read_person
                                        WHERE status <> 'deprovisioned' AND person_id IS NOT NULL)
                  AND person_id NOT IN (SELECT person_id FROM directory_entry
                                        WHERE directory_id = ?1 AND reported_status <> 'deprovisioned'))
        """, directory.id, since)
    before = _count("""SELECT count(DISTINCT person_id) FROM directory_entry WHERE directory_id = ?1
                       AND (status <> 'deprovisioned' OR left_at >= ?2)""", directory.id, since)
    is_mass = leaving > guard.accounts and guard.holds(leaving, before - _newcomers(directory, since))
    is_held = is_mass or _nobody_is_left(directory, leaving, before, whole)
    if not is_held:
        _apply_status(directory, whole)
    within_a_day = max(since, (now - DAY).isoformat(" "))
    first = _hold_first_leavers(directory, within_a_day) if is_held and not whole else set()
    again = first | _hold_returns(directory, guard, now, whole, all_leaving)
    last_owner.hold_last_owner(directory, whole)
    vouching.hold_above(directory, whole)
    return again


def keep_departures(directory: Directory, person_ids: Collection[int]) -> None:
    """Keep the time at which these people left, though their return was applied: what was approved since then holds."""
    if not person_ids:
        return
    db.execute_sql("""
        UPDATE person SET status_since = e.left_at FROM (
            SELECT person_id, max(left_at) AS left_at FROM directory_entry
            WHERE directory_id = ? GROUP BY person_id) AS e
        WHERE person.id = e.person_id AND person.status = 'deprovisioned' AND e.left_at IS NOT NULL
            AND person.id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))""",
        (directory.id, json.dumps(sorted(person_ids))))  # fmt: skip


def end_burst(directory: Directory, whole: bool) -> None:
    """Give people who were part of a burst, and are again what the directory reports, the reason of their entry."""
    staged = "" if whole else "AND e.person_id IN (SELECT person_id FROM read_person)"
    burst = "SELECT EXISTS (SELECT 1 FROM directory_entry WHERE directory_id = ? AND burst_reason IS NOT NULL)"
    if whole and not _count(burst, directory.id):
        return
    is_over = f"e.directory_id = ? AND e.reason <> e.burst_reason AND NOT ({entry_is_held('e')}) {staged}"
    db.execute_sql(f"""
        UPDATE person SET status_reason = e.reason FROM directory_entry AS e
        WHERE e.person_id = person.id AND e.status = person.status AND person.status_entry_id = e.id
            AND {is_over}""", (directory.id,))
    db.execute_sql(f"UPDATE directory_entry AS e SET burst_reason = NULL WHERE {is_over}", (directory.id,))


def _counted_from(directory: Directory, now: datetime) -> datetime:
    """A day ago, or a day before the first of those who are held left: waiting for a day releases nobody."""
    first = _count(f"SELECT min(left_at) FROM directory_entry WHERE directory_id = ? AND {entry_is_held()} "
                   "AND reported_status = 'deprovisioned'", directory.id)
    began = min(now, datetime.fromisoformat(first)) if first else now
    return max(began - DAY, directory.guard_counts_from or directory.created_at)


def _newcomers(directory: Directory, since: str) -> int:
    """How many of the directory's people who are here are known only since then. The guard takes no share of them:
    someone who can write to the directory could add people first, so that the leavers seem few. 0 on its first day, on
    which everyone is new."""
    if not since > directory.created_at.isoformat(" "):
        return 0
    return _count("""SELECT count(DISTINCT e.person_id) FROM directory_entry AS e JOIN person AS p ON p.id = e.person_id
                     WHERE e.directory_id = ? AND e.status <> 'deprovisioned' AND p.created_at >= ?""",
                  directory.id, since)


def _note_leaving(directory: Directory, whole: bool) -> None:
    """Leaves in read_leaving the people who are here by an entry, although nothing that was read says so."""
    asked = "" if whole else "AND e.person_id IN (SELECT person_id FROM read_person)"

    def reported(entry: str, read: str) -> str:
        if_absent = "'deprovisioned'" if whole else f"{entry}.reported_status"
        return f"coalesce({read}.status, {if_absent})"

    db.execute_sql(f"""
        WITH leaving AS MATERIALIZED (
            SELECT DISTINCT e.person_id
            FROM directory_entry AS e LEFT JOIN read_person AS r ON r.external_id = e.external_id
            WHERE e.directory_id = ?1 {asked} AND e.status <> 'deprovisioned'
              AND {reported("e", "r")} = 'deprovisioned')
        INSERT INTO read_leaving SELECT person_id FROM leaving WHERE NOT EXISTS (
            SELECT 1 FROM directory_entry AS x LEFT JOIN read_person AS y ON y.external_id = x.external_id
            WHERE x.directory_id = ?1 AND x.person_id = leaving.person_id AND {reported("x", "y")} <> 'deprovisioned')
        """, (directory.id,))


def _nobody_is_left(directory: Directory, leaving: int, before: int, whole: bool) -> bool:
    if whole:
        return leaving == before or not _count("SELECT count(*) FROM read_person WHERE status = 'active'")
    return leaving > 1 and not _count("""
        SELECT count(*) FROM directory_entry WHERE directory_id = ?
          AND reported_status <> 'deprovisioned' AND person_id NOT IN (SELECT person_id FROM read_leaving)""",
        directory.id)


def _apply_status(directory: Directory, whole: bool) -> None:
    """Not so many leave. Those stay held whose address belongs to someone else who is here. In a directory that
    pushes, those who were held before stay held too, because it doesn't report the others again."""
    held = f"{entry_is_held()} AND reported_status = 'deprovisioned'" if not whole else "FALSE"
    db.execute_sql(f"""
        DELETE FROM read_leaving
        WHERE person_id NOT IN (SELECT person_id FROM directory_entry WHERE directory_id = ? AND {held})
          AND (person_id NOT IN (SELECT person_id FROM read_claimed) OR person_id IN (
              SELECT e.person_id FROM directory_entry AS e JOIN read_person AS r ON r.external_id = e.external_id
              WHERE e.directory_id = ? AND NOT r.deleted))
        """, (directory.id, directory.id))


def _hold_first_leavers(directory: Directory, since: str) -> set[int]:
    """A provider writes leavers one by one, so the first had left before so many were noticed: they are held too, and
    count as they did before. Not if someone decided that by hand, before or after the directory, offboarded them or
    planned a day for it, or if it is done: an account was removed, and they have no other."""
    theirs = "account AS a WHERE a.person_id = p.id"
    rows = db.execute_sql(f"""
        SELECT p.id, p.remove_on, max(e.left_at), (
            SELECT l.before FROM activity AS l WHERE l.person_id = p.id AND l.what = 'person deprovisioned'
            ORDER BY l.id DESC LIMIT 1)
        FROM directory_entry AS e JOIN person AS p ON p.id = e.person_id
        WHERE e.directory_id = ?1 AND e.left_at >= ?2 AND p.status = 'deprovisioned' AND p.status_by_hand IS NULL
          AND p.id NOT IN (SELECT person_id FROM directory_entry
                           WHERE directory_id = ?1 AND reported_status <> 'deprovisioned')
          AND p.id NOT IN (SELECT person_id FROM read_person WHERE status <> 'deprovisioned' AND person_id IS NOT NULL)
          AND p.status_entry_id IN (SELECT x.id FROM directory_entry AS x WHERE x.person_id = p.id)
          AND NOT EXISTS (SELECT 1 FROM offboarding AS o WHERE o.person_id = p.id AND (
              o.state = 'scheduled' OR o.state = 'applied' AND o.decided_at >= e.left_at))
          AND (EXISTS (SELECT 1 FROM {theirs} AND a.state <> 'gone') OR NOT EXISTS (
              SELECT 1 FROM app_task AS t WHERE t.kind = 'remove' AND t.state = 'done' AND t.finished_at >= e.left_at
                  AND t.account_id IN (SELECT a.id FROM {theirs})))
        GROUP BY p.id, p.remove_on ORDER BY p.id""", (directory.id, since)).fetchall()
    found = {id: before or PersonStatus.ACTIVE for id, keep_until, left_at, before in rows
             if keep_until is None or str(keep_until) == str(holds.end_of_grace(datetime.fromisoformat(str(left_at))))}
    db.executemany("INSERT INTO read_leaving VALUES (?) ON CONFLICT DO NOTHING", [(id,) for id in found])
    db.executemany("""
        UPDATE directory_entry SET status = ?, reason = ?, burst_reason = ?
        WHERE directory_id = ? AND person_id = ? AND left_at >= ?""",
        [(status, *[f"Left {directory.name}{AT_ONCE}"] * 2, directory.id, id, since) for id, status in found.items()])
    return set(found)


def _hold_returns(directory: Directory, guard: Guard, now: datetime, whole: bool, leaving: set[int]) -> set[int]:
    """Adds to read_leaving everyone who is back, once more are back within a day than may leave: perhaps the directory
    no longer shows who has left. From then on, each return is held until someone confirms them, or until all of these
    people have left again. Returns those who came back before that was noticed. They count as having left again, except
    `leaving`, who do anyway."""
    back = _people(_returning(whole), directory.id)
    if not back and directory.many_back_since is None:
        return set()
    waiting = set() if whole else _people(f"""
        SELECT person_id FROM directory_entry WHERE directory_id = ? AND {entry_is_held()}
          AND status = 'deprovisioned'
          AND person_id NOT IN (SELECT person_id FROM read_person WHERE person_id IS NOT NULL)""", directory.id)
    since, again = directory.many_back_since, set()
    if since is None and _is_mass_return(directory, guard, now, back | waiting):
        since, again = now, _hold_earlier(directory, now, leaving)
    if since is not None:
        db.executemany("INSERT INTO read_leaving VALUES (?) ON CONFLICT DO NOTHING", [(id,) for id in sorted(back)])
    directory.many_back_since = since if back | waiting else None
    Directory.update(many_back_since=directory.many_back_since).where(Directory.id == directory.id).execute()
    return again


def _hold_earlier(directory: Directory, now: datetime, leaving: set[int]) -> set[int]:
    """The first people of such a burst came back before it was noticed: their returns are held too, unless someone has
    decided that by hand, they rank above, or nobody would own the workspace."""
    earlier = _people(f"""
        {_LATELY} AND person_id NOT IN (SELECT person_id FROM read_above)
            AND person_id NOT IN (SELECT id FROM person WHERE status_by_hand IS NOT NULL)""",
        directory.id, _a_day_before(directory, now)) - leaving  # fmt: skip
    again = earlier & last_owner.spare_last(earlier | leaving)
    db.executemany("INSERT INTO read_leaving VALUES (?) ON CONFLICT DO NOTHING", [(id,) for id in sorted(again)])
    db.execute_sql("""
        UPDATE directory_entry SET status = 'deprovisioned', reason = ?2, burst_reason = ?2
        WHERE directory_id = ?1 AND status <> 'deprovisioned'
            AND person_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?3))""",
        (directory.id, f"Back in {directory.name}{AT_ONCE}", json.dumps(sorted(again))))  # fmt: skip
    return again


def _returning(whole: bool) -> str:
    """SQL: those who count as having left, but not by what was read, unless someone has decided that by hand."""
    if_absent = "'deprovisioned'" if whole else "e.reported_status"
    asked = "" if whole else "AND e.person_id IN (SELECT person_id FROM read_person)"
    return f"""
        SELECT e.person_id FROM directory_entry AS e JOIN person AS p ON p.id = e.person_id
        LEFT JOIN read_person AS r ON r.external_id = e.external_id
        WHERE e.directory_id = ?1 AND e.person_id IN (
            SELECT person_id FROM directory_entry WHERE directory_id = ?1 AND status = 'deprovisioned')
          AND p.status_by_hand IS NULL {asked} GROUP BY e.person_id
        HAVING count(*) FILTER (WHERE e.status <> 'deprovisioned') = 0
           AND count(*) FILTER (WHERE coalesce(r.status, {if_absent}) <> 'deprovisioned') > 0"""


def _is_mass_return(directory: Directory, guard: Guard, now: datetime, back: set[int]) -> bool:
    """Whether too many are back with those who came back before, within a day. Of those who were here then, as for
    leavers."""
    since = _a_day_before(directory, now)
    lately = _people(f"{_LATELY} AND person_id NOT IN (SELECT person_id FROM read_leaving)", directory.id, since)
    of = _count(f"SELECT count(DISTINCT person_id) FROM directory_entry WHERE {_HERE} AND person_id IN ({_BEFORE})",
                directory.id, since)
    return guard.holds(len(back) + len(lately), of - _newcomers(directory, since))


_HERE = "directory_id = ?1 AND status <> 'deprovisioned'"
_BEFORE = f"SELECT person_id FROM directory_entry WHERE {_HERE} AND (back_at IS NULL OR back_at < ?2)"
_LATELY = f"""SELECT DISTINCT person_id FROM directory_entry WHERE {_HERE} AND back_at >= ?2
    AND person_id NOT IN ({_BEFORE})"""


def _a_day_before(directory: Directory, now: datetime) -> str:
    return max(now - DAY, directory.created_at).isoformat(" ")


def _people(sql: str, *values: object) -> set[int]:
    return {id for (id,) in db.execute_sql(sql, values).fetchall()}


def _count(sql: str, *values: object) -> int:
    return db.execute_sql(sql, values).fetchone()[0]
