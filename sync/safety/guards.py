"""What is so much at once that a guard holds it back until someone releases it (rule 6).
Each app has its guards, and the workspace one over all apps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import fn

from sync.db import db, utcnow
from sync.models import Account, App, Change, Report
from sync.safety.wanted import REMOVES
from sync.states import REMOVALS, UPDATES, AccountState, ChangeKind, texts
from sync.workspace import workspace

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Guard:
    """Holds a mass change: more than `accounts` and more than `percent` of all."""

    accounts: int
    percent: int

    def holds(self, leaving: int, of: int) -> bool:
        return leaving > self.accounts and leaving * 100 > self.percent * of

    def holds_without_approval(self, leaving: int, of: int) -> bool:
        """The same for changes that need no approval: there, nothing may become empty either."""
        return leaving > 0 and (leaving >= of or self.holds(leaving, of))

    def enough(self, leaving: int) -> int:
        """The number of all from which on neither of them holds these: a larger number makes no difference."""
        return max(leaving, leaving * 100 // max(self.percent, 1)) + 1


# The columns of App that hold a guard's numbers, by what it looks at: removals, and what changes in Rollcall's copy.
GUARDS = {
    ChangeKind.REMOVED_USER: ("guard_accounts", "guard_percent"),
    ChangeKind.UPDATED_ROLE: ("guard_roles_accounts", "guard_roles_percent"),
    ChangeKind.UPDATED_PROFILE: ("guard_profiles_accounts", "guard_profiles_percent"),
}


def guard_of(app: App, kind: str = ChangeKind.REMOVED_USER) -> Guard:
    """The guard of this app over changes of a kind of GUARDS, the workspace's where it has no number of its own."""
    default = workspace_guard()
    accounts, percent = (getattr(app, column) for column in GUARDS[kind])
    return Guard(default.accounts if accounts is None else accounts, default.percent if percent is None else percent)


def present_up_to(app: App, most: int) -> int:
    """The number of the app's accounts, those being removed not counted, but at most this many."""
    return db.execute_sql(
        f"SELECT count(*) FROM (SELECT 1 FROM account WHERE app_id = ? AND state = '{AccountState.PRESENT}' LIMIT ?) a",
        (app.id, most),
    ).fetchone()[0]


def has_own_guard(app: App, kind: str) -> bool:
    return any(getattr(app, column) is not None for column in GUARDS[kind])


def workspace_guard() -> Guard:
    settings = workspace()
    return Guard(settings.guard_accounts, settings.guard_percent)


def is_mass(app: App, leaving: int, besides: int = 0) -> bool:
    """Whether a guard, the app's or the workspace's, holds so many more removals from the app now (rule 6); `besides`
    are those from other apps by the same approval."""
    before = confirmed_lately(app)
    users = Account.number_present(app) + before
    elsewhere, others = leaving_elsewhere(app)
    leaving_today = leaving + before
    return leaving > 0 and (
        guard_of(app).holds(leaving_today, users)
        or workspace_guard().holds(leaving_today + elsewhere + besides, users + others)
    )


def counted_from(app: App, *kinds: str) -> datetime:
    """From when changes of these kinds count: for a day, and for a day before the first one that the app's open report
    holds. So waiting for a day releases nothing."""
    now, marks = utcnow(), ", ".join("?" * len(kinds))
    # CROSS JOIN, as SQLite would read every change of all apps for the first one.
    found = db.execute_sql(
        f"""
        SELECT min(c.created_at) FROM report r CROSS JOIN change c ON c.report_id = r.id
        WHERE r.app_id = ? AND r.state = 'open' AND c.kind IN ({marks}) AND c.decision = 'held'
          AND (c.in_app OR c.kind IN ({texts(UPDATES)}))
        """,
        (app.id, *kinds),
    ).fetchone()[0]
    first_held = Change.created_at.python_value(found)
    return min(now, first_held or now) - DAY


def is_mass_of(app: App, kinds: tuple[str, ...], people: int) -> bool:
    """Whether the app's guard would hold this many more people's changes of these kinds: invitations, roles or
    access."""
    marks = ", ".join("?" * len(kinds))
    before = db.execute_sql(
        f"""
        SELECT count(DISTINCT coalesce(c.person_id, -c.account_id)) FROM change c JOIN report r ON r.id = c.report_id
        WHERE r.app_id = ? AND c.kind IN ({marks}) AND c.created_at > ? AND c.decision = 'confirmed'
          AND (r.released_at IS NULL OR c.created_at > r.released_at)
        """,
        (app.id, *kinds, str(counted_from(app, *kinds))),
    ).fetchone()[0]
    users = Account.number_present(app)
    return people > 0 and guard_of(app).holds(people + before, users)


def confirmed_lately(app: App) -> int:
    """Removals that were found in this app since counted_from() and confirmed, or asked for by hand, but not as part of
    a mass that was released."""
    since = str(counted_from(app, *REMOVALS))
    found = db.execute_sql(
        f"""
        SELECT count(DISTINCT c.account_id) FROM change c JOIN report r ON r.id = c.report_id
        WHERE c.{REMOVES} AND c.in_app AND c.created_at > ? AND c.app_id = ? AND c.decision = 'confirmed'
          AND (r.released_at IS NULL OR c.created_at > r.released_at)
        """,
        (since, app.id),
    ).fetchone()[0]
    return found + _by_hand_since(since, "app_id = ? AND detail ->> 'released' IS NULL", app)


def waiting_beside(app: App, accounts: Iterable[int], *decisions: str) -> int:
    """The number of other accounts whose removal has one of these decisions in the app's open report, without those of
    a mass that was released."""
    return (
        Change.select(fn.COUNT(Change.account.distinct())).join(Report)
        .where(Change.app == app, Report.is_open, Change.kind.in_(REMOVALS), Change.in_app,
               Change.decision.in_(decisions), Change.account.not_in(list(accounts)),
               Report.released_at.is_null() | (Change.created_at > Report.released_at))
        .scalar()
    )  # fmt: skip


def _by_hand_since(since: str, which: str, app: App) -> int:
    """Removals that no check found but someone asked for since then, and that were not given up."""
    return db.execute_sql(
        f"""
        SELECT count(*) FROM app_task WHERE kind = 'remove' AND change_id IS NULL AND report_id IS NULL
          AND created_at > ? AND state NOT IN ('cancelled', 'no longer needed') AND {which}
        """,
        (since, app.id),
    ).fetchone()[0]


def leaving_elsewhere(app: App) -> tuple[int, int]:
    """(removals found in other apps since counted_from() that may still happen or did, accounts in all other apps)."""
    since = str(counted_from(app, *REMOVALS))
    leaving = db.execute_sql(
        f"""
        SELECT count(DISTINCT account_id) FROM change
        WHERE {REMOVES} AND in_app AND created_at > ? AND app_id <> ?
          AND decision IN ('needs confirmation', 'held', 'confirmed')
        """,
        (since, app.id),
    ).fetchone()[0]
    others = db.execute_sql(
        "SELECT coalesce(sum(users), 0) FROM app WHERE id <> ? AND state <> 'disconnected'", (app.id,)
    ).fetchone()[0]
    return leaving + _by_hand_since(since, "app_id <> ?", app), others
