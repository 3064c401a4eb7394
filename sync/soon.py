"""Checks that the directory starts: within a minute after somebody left or came back, of the apps they have a seat in.
What comes meanwhile joins the check that waits, so that a day of many leavers is one check an app."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sync import activity, schedule
from sync.db import utcnow, writing
from sync.models import Account, App, Check, GroupRule, TeamGroup

PAUSE = timedelta(seconds=15)  # for others who leave at the same time
CHUNK = 500  # ids in one SQL statement


def check_apps_of(person_ids: Iterable[int], by: str) -> list[App]:
    """Ask for a check of each active app in which one of these people has a seat, or join its live one."""
    ids, found = sorted(set(person_ids)), {}
    with writing():
        for start in range(0, len(ids), CHUNK):
            with_seat = Account.select(Account.app).where(
                Account.person.in_(ids[start : start + CHUNK]), Account.state != "gone"
            )
            found |= {app.id: app for app in App.select().where(App.state == "active", App.id.in_(with_seat))}
        for app in found.values():
            ask(app, by, "directory")
    return list(found.values())


def check_apps_of_groups(group_ids: Iterable[int], by: str) -> list[App]:
    """The same of each active app whose rules ask who is in one of these directory groups."""
    ids, found = sorted(set(group_ids)), {}
    with writing():
        for start in range(0, len(ids), CHUNK):
            among = ids[start : start + CHUNK]
            rules = GroupRule.select(GroupRule.app).left_outer_join(TeamGroup, on=(TeamGroup.team == GroupRule.team))
            asked = rules.where(GroupRule.group.in_(among) | TeamGroup.group.in_(among))
            found |= {app.id: app for app in App.select().where(App.state == "active", App.id.in_(asked))}
        for app in found.values():
            ask(app, by, "directory")
    return list(found.values())


def ask(app: App, by: str, trigger: str) -> None:
    """A check of an active app within a minute. Inside the caller's transaction.

    A check that runs asks who is here in its last step, after this; one that waits for longer is brought on.
    """
    if app.state != "active":
        return
    due = utcnow() + PAUSE
    waiting = Check.get_or_none(Check.app == app, Check.state.in_(("queued", "running")))
    if waiting is None:
        waiting = Check.create(app=app, trigger=trigger, started_by=by, next_at=due)
        activity.record(by, "asked for a check", about=app.name, why=trigger, app=app)
    elif waiting.state == "running" or waiting.next_at <= due:
        return
    else:
        Check.update(next_at=due).where(Check.id == waiting.id).execute()
    schedule.wake("check", waiting.id, PAUSE.total_seconds())
