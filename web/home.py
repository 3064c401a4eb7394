"""The first page after signing in: people who left and are still in, what waits for me, the apps, what to set up."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template

from sync.apps import glance, owners, status
from sync.apps.gap_words import GAPS
from sync.db import utcnow
from sync.home import history, summary
from sync.home.history import Day
from sync.home.setup_steps import setup_steps
from sync.listing import Among
from sync.matching import doubtful
from sync.models import Person
from sync.safety import unread_directories
from sync.states import WorkspaceRole
from web import charts, home_rows
from web.frame import manages
from web.permissions import signed_in
from web.security import signed_in_person
from web.words import calendar_day, number, plural

pages = Blueprint("home", __name__)

DAYS = 30
LEAVERS = 5  # people that the page names


@pages.get("/")
@signed_in
def show() -> str:
    me = signed_in_person()
    apps, ids = owners.connected_rows(me), owners.connected_ids(me)
    waiting = summary.waiting_for(me, owners.connected_ids(me, owned=True))
    still_in = summary.still_in(ids)
    days = history.by_day(apps, DAYS)
    return render_template(
        "home/show.html",
        answer=home_rows.answer(still_in, _known(me, ids) if apps else None),
        leavers=_leavers(ids, manages(me)),
        waiting=[home_rows.waiting_row(item) for item in summary.in_full(waiting[:home_rows.WAITING])],
        more_waiting=len(waiting[home_rows.WAITING:]),
        steps=_steps(me),
        week=home_rows.week_in_words(history.week(ids, days)) if apps else [],
        accounts=_accounts(days),
        rows=home_rows.app_rows(glance.first(me, home_rows.APPS, home_rows.TONES)),
        more=max(0, len(apps) - home_rows.APPS),
        manages=manages(me),
    )


def _known(me: Person, app_ids: Among) -> home_rows.Unknown:
    (late, old_lists), gap = glance.unread(me), unread_directories.longest(utcnow())
    doubts = [found for id, found in doubtful.numbers().items() if app_ids is None or id in app_ids]
    return home_rows.Unknown(
        late, old_lists, f"{gap.name} {GAPS[gap.why].of_home}" if gap else "", sum(found.accounts for found in doubts),
        any(found.held_people for found in doubts), status.unknown_in(app_ids))  # fmt: skip


def _leavers(app_ids: Among, links: bool) -> list[home_rows.LeaverRow]:
    return [home_rows.leaver_row(person, accounts, links) for person, accounts in
            summary.people_with_most(app_ids, LEAVERS)]  # fmt: skip


def _steps(me: Person) -> list[home_rows.StepRow]:
    """The steps of the set-up; none once all are done, or if someone else does them."""
    steps, owns = setup_steps() if manages(me) else [], me.workspace_role == WorkspaceRole.OWNER
    return [] if all(step.done for step in steps) else [home_rows.step_row(step, owns) for step in steps]


@dataclass(frozen=True)
class Accounts:
    """The accounts of the apps over time: a line, the changes below it, and both as a table of days with changes."""

    line: charts.Line
    changes: charts.Bars | None
    first: str
    label: str
    table: list[tuple[str, str, str, str]]


def _accounts(days: list[Day]) -> Accounts | None:
    drawn = charts.line([day.accounts for day in days])
    if drawn is None:
        return None
    joined, removed = [day.joined for day in days], [day.removed for day in days]
    now = days[-1].accounts
    label = (f"{plural(now, 'account')} today. In {DAYS} days {number(sum(joined))} joined and {number(sum(removed))} "
             "were or are being removed.")  # fmt: skip
    table = [
        (calendar_day(day.day), number(day.accounts), number(day.joined), number(day.removed))
        for day in reversed(days)
        if day.accounts is not None
    ]
    return Accounts(drawn, charts.up_and_down(joined, removed), calendar_day(days[0].day), label, table)
