"""Asks for checks: now, when someone clicks; within a minute, when the directory says that someone has left or is back.
An app has one live check at most, which further requests join, so a day of many leavers is one check per app."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from peewee import ModelSelect

from sync import activity
from sync.db import utcnow, writing
from sync.jobs import queue
from sync.jobs.messages import Urgency
from sync.models import Account, App, Check, GroupRule, TeamGroup
from sync.prepared import prepared
from sync.problems import AppProblem
from sync.states import AccountState, AppState, CheckState, CheckTrigger, Failure

PAUSE = timedelta(seconds=15)  # so that others who leave at the same time are part of the same check
CHUNK = 500  # ids in one SQL statement


def check_apps_of(person_ids: Iterable[int], by: str) -> None:
    """Ask for a check of each active app in which one of these people has an account, or join its live one."""

    def apps_of(among: list[int]) -> ModelSelect:
        return Account.select(Account.app).where(Account.person.in_(among), Account.state != AccountState.GONE)

    _check_each(apps_of, person_ids, by)


def check_apps_of_groups(group_ids: Iterable[int], by: str) -> None:
    """The same of each active app whose rules ask who is in one of these directory groups."""

    def apps_of(among: list[int]) -> ModelSelect:
        rules = GroupRule.select(GroupRule.app).left_outer_join(TeamGroup, on=(TeamGroup.team == GroupRule.team))
        return rules.where(GroupRule.group.in_(among) | TeamGroup.group.in_(among))

    _check_each(apps_of, group_ids, by)


def _check_each(apps_of: Callable[[list[int]], ModelSelect], of_ids: Iterable[int], by: str) -> None:
    """`apps_of` returns the query of the apps that concern some of these ids."""
    ids, found = sorted(set(of_ids)), {}
    with writing():
        for start in range(0, len(ids), CHUNK):
            concerned = apps_of(ids[start : start + CHUNK])
            found |= {app.id: app for app in App.select().where(App.id.in_(concerned))}
        for app in found.values():
            ask_soon(app, by, CheckTrigger.DIRECTORY)


def ask(app: App, by: str, trigger: str = CheckTrigger.HAND) -> Check:
    """Start a check now, or join the live one; a click doesn't wait until a check that failed is tried again.

    Raises AppProblem for an app that is paused or disconnected.
    """
    with writing():
        app = App.get_by_id(app.id)
        if joined := live(app):
            if trigger != CheckTrigger.DAILY:
                _bring_forward(joined, utcnow(), _urgency(app, trigger))
            return joined
        if app.state != AppState.ACTIVE:
            raise AppProblem(f"{app.name} is {app.state}: it can't be checked.")
        return _begin(app, by, trigger)


def ask_soon(app: App, by: str, trigger: str) -> None:
    """Start a check of the app within a minute if it is active, or join the live one. Inside the caller's transaction.

    A check that runs asks who is here in its last step, after this; one that waits for longer is brought forward.
    """
    if app.state != AppState.ACTIVE:
        return
    if joined := live(app):
        _bring_forward(joined, utcnow() + PAUSE, _urgency(app, trigger))
    else:
        _begin(app, by, trigger, PAUSE)


def live(app: App) -> Check | None:
    """The check of the app that waits or runs."""
    return next(iter(_live(app)), None)


@prepared
def _live(app: App) -> ModelSelect:
    return Check.select().where(Check.app == app, Check.is_live).limit(1)


def latest(app: App) -> Check | None:
    """The app's newest check, however it ended."""
    return Check.select().where(Check.app == app).order_by(Check.id.desc()).first()


def cancel(check: Check, by: str) -> None:
    """Ask a live check to stop; a check that was cancelled changes nothing."""
    with writing():
        still_live = (Check.id == check.id) & Check.is_live
        if Check.update(cancel_asked=True, next_at=utcnow()).where(still_live).execute():
            activity.record(by, "cancelled check", about=check.app.name, app=check.app_id)
            queue.wake("check", check.id)


def _begin(app: App, by: str, trigger: str, pause: timedelta = timedelta()) -> Check:
    check = Check.create(app=app, trigger=trigger, started_by=by, next_at=utcnow() + pause)
    activity.record(by, "asked for a check", about=app.name, why=CheckTrigger(trigger).words, app=app)
    queue.wake("check", check.id, pause.total_seconds(), _urgency(app, trigger))
    return check


def _bring_forward(check: Check, due: datetime, urgency: Urgency) -> None:
    """Let a queued check start at `due` (UTC) at the latest, and before checks that are less urgent."""
    waits = (Check.id == check.id) & (Check.state == CheckState.QUEUED)
    later = Check.update(next_at=due).where(waits & (Check.next_at > due)).execute()
    if later or urgency == Urgency.SOON and Check.select().where(waits).exists():
        queue.wake("check", check.id, max(0.0, (due - utcnow()).total_seconds()), urgency)


def _urgency(app: App, trigger: str) -> Urgency:
    if CheckTrigger(trigger).is_waited_for:
        return Urgency.SOON
    return Urgency.LAST if app.failure == Failure.UNREACHABLE else Urgency.LATER
