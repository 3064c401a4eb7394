"""Reports as the pages list and count them: open ones first, then what was decided, the latest first.
Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass

from sync.apps.apps import RUNS_ALL
from sync.listing import Page, page_of
from sync.models import App, AppPerson, Change, Person, Report
from sync.reports.reports import CONFIRM
from sync.states import ADJUSTMENTS, REMOVALS, AppState, Part, ReportState

STATES = tuple(ReportState)


def search(person: Person, app: App | None = None, state: str = "", number: int = 1) -> Page:
    """A page of the reports, with their apps, that this person may decide; `state` is one of STATES or "".

    Checks that found nothing have a report as well: those are listed under "applied" only.
    """
    query = Report.select(Report, App).join(App)
    if person.workspace_role not in RUNS_ALL:
        owned = AppPerson.select(AppPerson.app).where(AppPerson.person == person, AppPerson.part == Part.OWNER)
        query = query.where(App.id.in_(owned))
    query = query.where(Report.app == app) if app is not None else query.where(App.state != AppState.DISCONNECTED)
    query = query.where(Report.state == state) if state else query.where(Report.counts != {})
    return page_of(query.order_by((Report.state == ReportState.OPEN).desc(), Report.id.desc()), number)


@dataclass(frozen=True)
class Ready:
    """What an approval would do now: removals from the app, other changes in it, changes only in Rollcall."""

    removals: int
    acts: int
    others: int


def confirmable(report: Report) -> Ready:
    ready = Change.select().where(Change.report == report, Change.decision == CONFIRM)
    removals = ready.where(Change.kind.in_(REMOVALS), Change.in_app).count()
    acts = ready.where(Change.kind.in_(ADJUSTMENTS)).count()
    return Ready(removals, acts, ready.count() - removals - acts)
