"""People who have left and still have an account in an app: one definition, for lists, numbers and a single account.
A page may only be green where open_in() counts nobody (rule 13)."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from peewee import ModelSelect

from sync import activity
from sync.db import db, utcnow
from sync.listing import Among, in_apps, one_of
from sync.matching.members import REMOVED_BY_SUSPENDING
from sync.models import AcceptedLeaver, Account, App, Change, Person, Report
from sync.names import account_name
from sync.once import once
from sync.prepared import prepared
from sync.states import CONNECTED, AccountState, texts
from sync.unchanged import while_unchanged
from sync.workspace import today

# `a` is an account, `p` its person, `app` its app. An account that is being removed is still there. Where a removal
# only suspends, a suspended account has been removed.
HAS_LEFT = f"""p.status = 'deprovisioned' AND a.match_kind = 'matched' AND a.state <> 'gone'
    AND NOT {REMOVED_BY_SUSPENDING}"""
# An acceptance is about this departure, and holds until its day.
ACCEPTANCE_HOLDS = """x.person_id = a.person_id AND x.ended_at IS NULL AND x.until > :today
    AND x.accepted_at >= p.status_since"""
ACCEPTED = f"SELECT x.id FROM accepted_leaver x WHERE x.account_id = a.id AND {ACCEPTANCE_HOLDS}"
# Why someone may keep the account for now: a day that was set for all accounts of the person, or a decision about this
# account. Anything else is open, also where a protection forbids the removal.
KEPT = "coalesce(p.remove_on > :today, FALSE)"
LEFT_OUT = "coalesce(a.left_out_at >= p.status_since AND a.left_out_person_id = p.id, FALSE)"
DECIDED = f"({KEPT} OR {LEFT_OUT} OR EXISTS ({ACCEPTED}))"
_ROWS = "FROM person p JOIN account a ON a.person_id = p.id JOIN app ON app.id = a.app_id"
_IS_HERE = f"{HAS_LEFT} AND app.state IN ({texts(CONNECTED)})"


@dataclass(frozen=True)
class Numbers:
    """`accounts` of `people` who have left wait for a decision or are being removed; `removing` counts the latter.
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


def numbers() -> dict[int, Numbers]:
    """Of all connected apps that have leavers, by app id."""
    return _counted(today()).by_app


def numbers_in(app_id: int) -> Numbers:
    """Of one app."""
    return numbers().get(app_id, Numbers())


def open_in_all(app_ids: Among) -> Numbers:
    """The numbers of these apps together: someone who has left two of them is one person."""
    if app_ids is None:
        return _counted(today()).together
    each, people = open_in(app_ids).values(), _people_in(json.dumps(sorted(app_ids)), today())
    return Numbers(sum(one.accounts for one in each), len(people), sum(one.decided for one in each),
                   sum(one.removing for one in each))  # fmt: skip


class _Counted(NamedTuple):
    by_app: dict[int, Numbers]
    together: Numbers


@once
@while_unchanged
def _counted(day: date) -> _Counted:
    counted = f"""count(*) FILTER (WHERE NOT decided), count(DISTINCT CASE WHEN NOT decided THEN person_id END),
        count(*) FILTER (WHERE decided), count(*) FILTER (WHERE NOT decided AND state = '{AccountState.REMOVING}')
        FROM seen"""
    *each, (_, *together) = db.execute_sql(
        f"""
        WITH seen AS MATERIALIZED (SELECT a.app_id, a.person_id, a.state, {DECIDED} AS decided {_ROWS} WHERE {_IS_HERE})
        SELECT app_id, {counted} GROUP BY app_id
        UNION ALL SELECT NULL, {counted}
        ORDER BY app_id NULLS LAST
        """,
        {"today": str(day)},
    ).fetchall()  # fmt: skip
    return _Counted({app_id: Numbers(*found) for app_id, *found in each}, Numbers(*together))


def people_still_in() -> list[int]:
    """The ids of the people who have left and have an open account in any connected app, by name."""
    return _people_in("", today())


@once
@while_unchanged
def _people_in(apps: str, day: date) -> list[int]:
    """Those in these apps, which are ids as JSON; "" for all."""
    of_these = "+a.app_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:apps))" if apps else "TRUE"
    rows = db.execute_sql(
        f"SELECT DISTINCT p.name, p.id {_ROWS} WHERE {_IS_HERE} AND NOT {DECIDED} AND {of_these} ORDER BY p.name, p.id",
        {"today": str(day), "apps": apps},
    )
    return [id for _, id in rows.fetchall()]


def accounts_still_in(app_id: int) -> list[int]:
    """The ids of an app's open accounts of people who have left, by the account's name."""
    return _accounts_in(app_id, today())


def removing_of(app_id: int) -> int:
    """How many of accounts_still_in() are being removed."""
    return numbers_in(app_id).removing


@once
@while_unchanged
def _accounts_in(app_id: int, day: date) -> list[int]:
    rows = db.execute_sql(
        f"SELECT a.id {_ROWS} WHERE {_IS_HERE} AND +a.app_id = :app AND NOT {DECIDED} ORDER BY a.name, a.id",
        {"app": app_id, "today": str(day)},
    )
    return [id for (id,) in rows.fetchall()]


def of_apps(app_ids: Iterable[int]) -> list[Leaver]:
    """Every account of someone who has left, decided or open, by the person's name and the app's."""
    rows = _rows(_here(app_ids))
    return _leavers(rows, _by_id(_changes, rows, 4))


def to_explain(app_ids: Iterable[int]) -> list[Leaver]:
    """Those of them whose removal something forbids, and those that someone has accepted; in the same order."""
    return list(_to_explain(tuple(sorted(set(app_ids)))))


@once
def _to_explain(app_ids: tuple[int, ...]) -> list[Leaver]:
    rows = _rows(_here(app_ids, _accepted_or_protected()))
    protected = _by_id(_protected_changes, rows, 4)
    return _leavers([row for row in rows if row[3] is not None or row[4] in protected], protected)


def _here(app_ids: Iterable[int], among: Collection[int] | None = None) -> list[int]:
    """The ids of the accounts in these apps of people who have left; `among` these alone, if any are given."""
    if among is not None and not among:
        return []
    of_those = "a.id IN (SELECT CAST(value AS INTEGER) FROM json_each(:among))" if among else "TRUE"
    of_apps, values = in_apps("+a.app_id", list(app_ids))
    rows = db.execute_sql(f"SELECT a.id {_ROWS} WHERE {_IS_HERE} AND {of_apps} AND {of_those}",
                          values | ({"among": json.dumps(list(among))} if among else {}))  # fmt: skip
    return [id for (id,) in rows.fetchall()]


@while_unchanged
def _accepted_or_protected() -> list[int]:
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
    rows = _first(None if app_ids is None else json.dumps(sorted(app_ids)), most, today())
    accounts = _accounts(json.dumps([id for id, *_ in rows])) if rows else []
    place = {id: place for place, (id, *_) in enumerate(rows)}
    return sorted(accounts, key=lambda account: place[account.id])


@while_unchanged
def _first(apps: str | None, most: int, day: date) -> list[tuple]:
    """The ids of these accounts in their order. `apps` are ids as JSON; None: all."""
    of_these = "TRUE" if apps is None else "+a.app_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:apps))"
    is_open = f"{_IS_HERE} AND NOT {DECIDED} AND {of_these}"
    return db.execute_sql(
        f"""
        SELECT a.id, p.status_since, p.id, app.name
        FROM (SELECT p.id FROM person p WHERE p.status = 'deprovisioned' AND EXISTS (
                SELECT 1 FROM account a JOIN app ON app.id = a.app_id WHERE a.person_id = p.id AND {is_open})
            ORDER BY p.status_since, p.id LIMIT :most) AS first
        CROSS JOIN person p ON p.id = first.id JOIN account a ON a.person_id = p.id JOIN app ON app.id = a.app_id
        WHERE {is_open} ORDER BY p.status_since, p.id, app.name, a.id
        """,
        {"today": str(day), "most": most, "apps": apps},
    ).fetchall()


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
