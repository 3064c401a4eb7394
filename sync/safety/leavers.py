"""People who have left and still have an account in an app: one definition, for lists, numbers and a single account.
A page may only be green where open_in() counts nobody (rule 13)."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from peewee import ModelSelect

from sync import activity
from sync.db import db, utcnow
from sync.listing import Among, one_of
from sync.models import AcceptedLeaver, Account, App, Change, Person, Report
from sync.names import account_name
from sync.once import once
from sync.prepared import prepared
from sync.states import CONNECTED, AccountState, texts
from sync.workspace import today

# `a` is an account, `p` its person, `app` its app. An account that is being removed is still there. Where a removal
# only suspends, a suspended account has been removed.
HAS_LEFT = """p.status = 'deprovisioned' AND a.match_kind = 'matched' AND a.state <> 'gone'
    AND NOT (a.status = 'suspended' AND coalesce(app.removal_suspends, FALSE))"""
# An acceptance is about this departure, and holds until its day.
ACCEPTANCE_HOLDS = """x.person_id = a.person_id AND x.ended_at IS NULL AND x.until > :today
    AND x.accepted_at >= p.status_since"""
ACCEPTED = f"SELECT x.id FROM accepted_leaver x WHERE x.account_id = a.id AND {ACCEPTANCE_HOLDS}"
# Why someone may keep the account for now: a day that was set for all accounts of the person, or a decision about this
# account. Anything else is open, also where a protection forbids the removal.
KEPT, LEFT_OUT = "coalesce(p.remove_on > :today, FALSE)", "coalesce(a.left_out_at >= p.status_since, FALSE)"
DECIDED = f"({KEPT} OR {LEFT_OUT} OR EXISTS ({ACCEPTED}))"
_ROWS = "FROM person p JOIN account a ON a.person_id = p.id JOIN app ON app.id = a.app_id"
_IN_USE = f"app.state IN ({texts(CONNECTED)})"


@dataclass(frozen=True)
class Numbers:
    """`accounts` of `people` who have left wait for a decision, or a task removes them, as it does `removing` of them;
    `decided` further accounts may stay for now."""

    accounts: int = 0
    people: int = 0
    decided: int = 0
    removing: int = 0


@dataclass(frozen=True)
class Leaver:
    """One account of someone who has left. `change` is its removal in the app's open report, with what protects it."""

    account: Account
    person: Person
    kept_until: date | None = None  # by the workspace's grace period, or a day set by hand
    left_out_reason: str = ""  # the reason, where an Owner left out the removal
    acceptance: AcceptedLeaver | None = None
    change: Change | None = None

    @property
    def is_open(self) -> bool:
        """True unless someone has decided that the account may stay for now."""
        return not (self.kept_until or self.left_out_reason or self.acceptance)

    @property
    def protection_reason(self) -> str:
        """Why Rollcall can't remove the account, in words; empty where it can."""
        return (self.change and self.change.protection_reason) or ""


def has_left(account: Account) -> bool:
    """Whether this is an account of someone who has left, by the rows as they are now."""
    return _asks(account, HAS_LEFT)


def is_open(account: Account) -> bool:
    """The same, and nobody has decided that it may stay for now."""
    return _asks(account, f"{HAS_LEFT} AND NOT {DECIDED}")


def _asks(account: Account, condition: str) -> bool:
    row = db.execute_sql(f"SELECT 1 {_ROWS} WHERE a.id = :id AND {condition}",
                         {"id": account.id, "today": str(today())}).fetchone()  # fmt: skip
    return row is not None


def open_in(app_ids: Iterable[int]) -> dict[int, Numbers]:
    """By app id, the numbers of these apps; apps without a leaver are missing. One query for all that a page asks."""
    found = numbers()
    return {app_id: found[app_id] for app_id in sorted(set(app_ids) & found.keys())}


@once
def numbers() -> dict[int, Numbers]:
    """Of all connected apps that have leavers, by app id."""
    by_app: dict[int, list[_Seen]] = {}
    for one in _all():
        by_app.setdefault(one.app_id, []).append(one)
    return {app_id: _counted(found) for app_id, found in by_app.items()}


def open_in_all(app_ids: Among) -> Numbers:
    """The numbers of these apps together: someone who has left two of them is one person."""
    return _counted(_in(app_ids))


def _counted(found: Sequence[_Seen]) -> Numbers:
    waiting = [one for one in found if not one.decided]
    people = {one.person_id for one in waiting}
    return Numbers(len(waiting), len(people), len(found) - len(waiting), sum(one.removing for one in waiting))


class _Seen(NamedTuple):
    """An account of someone who has left, `since` when. `decided`: it may stay for now. `removing`: until a task has
    removed it."""

    id: int
    app_id: int
    person_id: int
    name: str
    since: str | None
    decided: bool
    removing: bool


def _in(app_ids: Among) -> list[_Seen]:
    """Those in these apps, as far as they are connected."""
    if app_ids is None:
        return _all()
    wanted = set(app_ids)
    return [one for one in _all() if one.app_id in wanted] if wanted else []


@once
def _all() -> list[_Seen]:
    """Those in all connected apps, read once for all that a page asks: they are found by the people who have left, so
    those of some apps would take as long."""
    rows = db.execute_sql(f"SELECT a.id, a.app_id, p.id, a.name, p.status_since, {DECIDED}, "
                          f"a.state = '{AccountState.REMOVING}' {_ROWS} "
                          f"WHERE {HAS_LEFT} AND {_IN_USE}", {"today": str(today())}).fetchall()  # fmt: skip
    return [_Seen._make(row) for row in rows]


def people_still_in() -> list[int]:
    """The ids of the people who have left and have an open account in any connected app."""
    return list({one.person_id: None for one in _all() if not one.decided})


def accounts_still_in(app_id: int) -> list[int]:
    """The ids of an app's open accounts of people who have left, by the account's name."""
    waiting = [one for one in _in([app_id]) if not one.decided]
    return [one.id for one in sorted(waiting, key=lambda one: (one.name, one.id))]


def removing_of(app_id: int) -> int:
    """How many of accounts_still_in() are being removed."""
    return open_in_all([app_id]).removing


def of_apps(app_ids: Iterable[int]) -> list[Leaver]:
    """Every account of someone who has left, decided or open, by the person's name and the app's."""
    rows = _rows([one.id for one in _in(list(app_ids))])
    return _leavers(rows, _by_id(_changes, rows, 4))


def to_explain(app_ids: Iterable[int]) -> list[Leaver]:
    """Those of them whose removal something forbids, and those that someone has accepted; in the same order."""
    return list(_to_explain(tuple(sorted(set(app_ids)))))


@once
def _to_explain(app_ids: tuple[int, ...]) -> list[Leaver]:
    left = {one.id for one in _in(app_ids)}
    rows = _rows(sorted(left.intersection(_accepted_or_protected()))) if left else []
    protected = _by_id(_protected_changes, rows, 4)
    return _leavers([row for row in rows if row[3] is not None or row[4] in protected], protected)


def _accepted_or_protected() -> Iterable[int]:
    """The ids of accounts that someone has accepted, and of those whose removal something forbids. CROSS JOIN, so that
    SQLite begins with the few open reports."""
    rows = db.execute_sql(
        """
        SELECT account_id FROM accepted_leaver WHERE ended_at IS NULL
        UNION SELECT c.account_id FROM report r CROSS JOIN change c
        WHERE r.state = 'open' AND c.report_id = r.id AND c.kind = 'removed user' AND c.in_app
            AND c.protection_reason IS NOT NULL
        """
    ).fetchall()
    return [account_id for (account_id,) in rows]


def _rows(account_ids: Sequence[int]) -> list[tuple]:
    """Of each of these accounts, whose people have left: its id, until when it is kept, why its removal was left out,
    and the ids of its acceptance and of its change."""
    if not account_ids:
        return []
    return db.execute_sql(
        f"""
        SELECT a.id, CASE WHEN {KEPT} THEN p.remove_on END, CASE WHEN {LEFT_OUT} THEN a.left_out_reason END,
            ({ACCEPTED}),
            (SELECT c.id FROM change c JOIN report r ON r.id = c.report_id WHERE c.account_id = a.id
             AND c.decision <> 'applied' AND c.kind = 'removed user' AND c.in_app AND r.state = 'open')
        {_ROWS} WHERE a.id IN (SELECT CAST(value AS INTEGER) FROM json_each(:accounts))
        ORDER BY p.name, p.id, app.name, a.id
        """,
        {"accounts": json.dumps(account_ids), "today": str(today())},
    ).fetchall()


def _leavers(rows: list[tuple], changes: dict[int, Change]) -> list[Leaver]:
    accounts, accepted = _by_id(_accounts, rows, 0), _by_id(_acceptances, rows, 3)
    return [
        Leaver(accounts[id], accounts[id].person, day and date.fromisoformat(day), reason or "",
               accepted.get(acceptance), changes.get(change))
        for id, day, reason, acceptance, change in rows
    ]  # fmt: skip


@prepared
def _accounts(ids: str) -> ModelSelect:
    """With their apps and people."""
    accounts = Account.select(Account, App, Person).join(App).switch(Account).join(Person)
    return accounts.where(one_of(Account.id, ids))


@prepared
def _acceptances(ids: str) -> ModelSelect:
    return AcceptedLeaver.select().where(one_of(AcceptedLeaver.id, ids))


@prepared
def _changes(ids: str) -> ModelSelect:
    return Change.select(Change, Report).join(Report).where(one_of(Change.id, ids))


@prepared
def _protected_changes(ids: str) -> ModelSelect:
    changes = Change.select(Change, Report).join(Report)
    return changes.where(Change.protection_reason.is_null(False), one_of(Change.id, ids))


def of_those_who_left_first(app_ids: Among, most: int) -> list[Account]:
    """The open accounts in these apps, with app and person, of the `most` people who left first, by the app's name."""
    waiting = [one for one in _in(app_ids) if not one.decided]
    people = heapq.nsmallest(most, {(one.since or "", one.person_id) for one in waiting})
    place = {person_id: place for place, (_, person_id) in enumerate(people)}
    accounts = _accounts(json.dumps([one.id for one in waiting if one.person_id in place])) if place else []
    return sorted(accounts, key=lambda account: (place[account.person_id], account.app.name, account.id))


def of_app(app: App) -> list[Leaver]:
    """Those of one app."""
    return of_apps([app.id])


def end_acceptance(row: AcceptedLeaver, by: str, why: str) -> bool:
    """From now on the account is open again; False if it was already over. Inside the caller's transaction."""
    still = (AcceptedLeaver.id == row.id) & AcceptedLeaver.ended_at.is_null()
    if not AcceptedLeaver.update(ended_at=utcnow()).where(still).execute():
        return False
    account = Account.get_by_id(row.account_id)
    activity.record(by, "ended acceptance", about=account_name(account), why=why, before=row.reason, app=account.app_id,
                    person=row.person_id)
    return True


def _by_id(with_ids: Callable[[str], list], rows: list[tuple], place: int) -> dict[int, object]:
    ids = [row[place] for row in rows if row[place] is not None]
    return {row.id: row for row in with_ids(json.dumps(ids))} if ids else {}
