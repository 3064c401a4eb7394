"""An e-mail address moves to the person to whom a directory now gives it, or to nobody while that is unclear.
Accounts matched by it are open again, the open reports lose them at once, and running tasks look again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sync import activity
from sync.db import db, writing
from sync.directory import precedence
from sync.directory.reading import staging
from sync.jobs import queue
from sync.mail import sign_in_news
from sync.matching import addresses, vouching
from sync.matching import rules as match_rules
from sync.matching.addresses import BACKED, CLAIMED, CONTESTED, ENTRY, ask_whose, keep_a_main_one
from sync.models import Directory
from sync.reports import merge
from sync.safety.guards import Guard
from sync.tasks import tasks
from sync.words import plural

EVERYONE = "TRUE"
STAGED = """pe.id IN (
    SELECT x.id FROM read_email AS m JOIN person_email AS x ON x.email_key = m.email_key
    UNION SELECT x.id FROM read_person AS r JOIN person_email AS x ON x.person_id = r.person_id
    UNION SELECT x.id FROM person_email AS x WHERE x.disputed)"""
BY_HAND = "(pe.disputed OR pe.by_hand)"
OF_LEAVERS = "(pe.disputed OR pe.person_id IN (SELECT id FROM person WHERE status = 'deprovisioned'))"
HELD_BY = "FROM person_email AS pe JOIN person AS p ON p.id = pe.person_id"
_IS_ONE = "pe.email_key IN (SELECT value FROM json_each(?))"


@dataclass
class Moves:
    """Removed addresses (normal, as written, person id), those that became or ceased to be disputed, and the number of
    people whose addresses weren't moved because they are too many at once."""

    lost: list[tuple[str, str, int]] = field(default_factory=list)
    disputed: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    frozen: int = 0

    @property
    def normals(self) -> list[str]:
        return [*(normal for normal, *_ in self.lost), *self.disputed, *self.settled]


def settle(which: str = EVERYONE, directory: Directory | None = None, guard: Guard | None = None) -> Moves:
    """Take each address from who no longer has it while another has, and give it to the only one; mark as disputed
    what two people have. Within staging(), in the caller's transaction; conclude() then records it, and does the rest.

    `which` is SQL: the rows of person_email to look at. More people of `directory` than its `guard` allows keep what
    they have, though: a list whose rows were mixed up gives everyone someone else's address.
    """
    db.execute_sql(f"""
        UPDATE person_email AS pe SET by_hand = FALSE WHERE {which} AND by_hand AND EXISTS (
            SELECT 1 FROM directory_address AS d JOIN {ENTRY}
            WHERE d.email_key = pe.email_key AND d.active AND e.person_id = pe.person_id)""")
    moves, unclear = Moves(), json.dumps(_unclear(which))
    moves.lost = _rows(f"SELECT pe.email_key, pe.email, pe.person_id {HELD_BY} "
                       f"WHERE {_IS_ONE} AND {CLAIMED} AND NOT {BACKED} ORDER BY pe.id", unclear)
    if directory is not None and guard is not None:
        _freeze(moves, directory, guard)
    for normal, _, person_id in moves.lost:
        ask_whose([normal], person_id)
        db.execute_sql("DELETE FROM person_email WHERE email_key = ?", (normal,))
        _give_to_the_only_one(normal)
        keep_a_main_one(person_id)
    flipped = _rows(f"SELECT pe.email_key, pe.disputed {HELD_BY} WHERE {which} AND {_IS_ONE} "
                    f"AND pe.disputed <> ({CONTESTED} AND {BACKED}) ORDER BY pe.id", unclear)
    for normal, was in flipped:
        db.execute_sql("UPDATE person_email SET disputed = NOT disputed WHERE email_key = ?", (normal,))
        (moves.settled if was else moves.disputed).append(normal)
    return moves


def _unclear(which: str, *values: str) -> list[str]:
    """The keys of the addresses that are disputed, or that another entry claims: only these can move or change."""
    found = _rows(f"SELECT pe.email_key FROM person_email AS pe WHERE {which} AND (pe.disputed OR {CLAIMED})", *values)
    return [normal for (normal,) in found]


def contest(added: Iterable[str]) -> list[str]:
    """Mark those of the addresses just added as disputed that an entry which isn't a person here has too, and return
    them. Inside the caller's transaction."""
    claimed = _unclear(_IS_ONE, json.dumps(list(added)))
    if not claimed:  # nearly always, and to look at all of them in detail takes four times as long
        return []
    contested = [normal for (normal,) in _rows(
        f"SELECT pe.email_key {HELD_BY} WHERE {_IS_ONE} AND NOT pe.disputed AND {CONTESTED} AND {BACKED} "
        "ORDER BY pe.id", json.dumps(claimed))]
    db.execute_sql("UPDATE person_email SET disputed = TRUE WHERE email_key IN (SELECT value FROM json_each(?))",
                   (json.dumps(contested),))  # fmt: skip
    return contested


def _freeze(moves: Moves, directory: Directory, guard: Guard) -> None:
    """Leave out of `moves` what takes addresses from people who are here, if they are too many."""
    losing = {person for _, _, person in moves.lost}
    marks = ", ".join(str(person) for person in losing) or "NULL"
    here = {person for (person,) in _rows(f"SELECT id FROM person WHERE id IN ({marks}) AND status <> 'deprovisioned'")}
    of = _rows("SELECT count(*) FROM directory_entry WHERE directory_id = ? AND status <> 'deprovisioned'",
               directory.id)[0][0]  # fmt: skip
    if guard.holds(len(here), of):
        moves.lost = [row for row in moves.lost if row[2] not in here]
        moves.frozen = len(here)


def _give_to_the_only_one(normal: str) -> None:
    """Who is already known here; someone who isn't gets it by becoming known."""
    above = vouching.sql_above("d.directory_id", "p.workspace_role")
    found = _rows(f"""SELECT e.person_id, d.email, e.id, d.main, {above}
                      FROM directory_address AS d JOIN {ENTRY} JOIN person AS p ON p.id = e.person_id
                      WHERE d.email_key = ? AND d.active ORDER BY 5, d.main DESC""", normal)
    if len({person for person, *_ in found}) != 1:
        return
    person, email, entry, main, above = found[0]
    if above:
        return  # the directory may not change them: the address is held (held.py)
    db.execute_sql("INSERT INTO person_email (person_id, email, email_key, main, by_hand, disputed) "
                   "VALUES (?, ?, ?, FALSE, FALSE, FALSE)", (person, email, normal))
    if main:
        db.execute_sql("INSERT INTO read_changed VALUES (?, ?, 'email')", (entry, person))
    keep_a_main_one(person)


def conclude(moves: Moves, by: str, news: bool = True) -> list[str]:
    """Match again, correct the reports, wake the tasks, write to Activity; what someone should look at, in words.

    `news` is whether directories reported anything new about addresses; otherwise only what moved is looked at.
    """
    match_rules.match_everywhere(moves.normals)
    warnings = list(_record_moved(moves, by)) if moves.lost else []
    _record_disputes(moves, by)
    if news or moves.normals:
        merge.drop_removals_of_others(by)
        tasks.look_again_at_others()
    if moves.frozen:
        here = plural(moves.frozen, "person who is", "people who are")
        warnings.append(f"The e-mail addresses of {here} here would move to other people, all at once. That "
                        "looks wrong, so nothing was changed. Correct the directory.")
    return warnings


def _record_moved(moves: Moves, by: str) -> Iterator[str]:
    had = ", ".join(str(person) for _, _, person in moves.lost)
    names = dict(_rows(f"SELECT id, coalesce(nullif(name, ''), 'person ' || id) FROM person WHERE id IN ({had})"))
    claims = addresses.claims(normal for normal, *_ in moves.lost)
    for normal, email, person in moves.lost:
        now = _rows(f"SELECT p.id, coalesce(nullif(p.name, ''), pe.email) {HELD_BY} WHERE pe.email_key = ?", normal)
        holder, name = now[0] if now else (None, "nobody")
        source = " and ".join(dict.fromkeys(claim.source for claim in claims.get(normal, ())))
        others = " and ".join(claim.name for claim in claims.get(normal, ()))
        why = f"{source} now gives it to {others}, and no directory gives it to {names[person]}"
        activity.record_all([
            dict(who=by, what="moved e-mail address", about=email, why=why, before=names[person], after=name,
                 person_id=one) for one in (person, holder) if one is not None
        ])  # fmt: skip
        [(unmatched,)] = _rows(
            "SELECT count(*) FROM account WHERE moved_email_key = ? AND former_person_id = ? "
            "AND match_kind = 'unmatched' AND NOT match_by_hand AND state <> 'gone'", normal, person)  # fmt: skip
        with_it = plural(unmatched, "account with it is unmatched until someone decides whose it is",
                         "accounts with it are unmatched until someone decides whose they are")
        asked = f" {with_it}." if unmatched else ""
        yield f"{email} was {names[person]}'s and is {others}'s now.{asked}"


def _record_disputes(moves: Moves, by: str) -> None:
    claims = addresses.claims(moves.disputed)
    for normals, what, has_claims in ((moves.disputed, "e-mail address is disputed", True),
                                      (moves.settled, "e-mail address is settled", False)):  # fmt: skip
        for normal in normals:
            [(email, person)] = _rows("SELECT email, person_id FROM person_email WHERE email_key = ?", normal)
            why = addresses.claimed_by(claims.get(normal, ())) if has_claims else ""
            activity.record(by, what, about=email, why=why, person=person)


def settle_again(by: str, which: str = OF_LEAVERS) -> None:
    """The same outside a reading: after people were released, or after a change by hand."""
    with writing(), staging(), sign_in_news.addresses_watched(by):
        moves = settle(which)
        precedence.follow(by)
        conclude(moves, by)


@queue.each_minute
def follow_decisions_by_hand(now: datetime) -> None:
    """For someone marked by hand as left or returned, or given an address that a directory gives to another person."""
    otherwise = f"({CLAIMED} AND NOT {BACKED} OR pe.disputed <> ({CONTESTED} AND {BACKED}))"
    if _rows(f"SELECT 1 {HELD_BY} WHERE {BY_HAND} AND {otherwise} LIMIT 1"):
        settle_again("Rollcall", BY_HAND)


def _rows(sql: str, *values: object) -> list[tuple]:
    return db.execute_sql(sql, values).fetchall()
