"""Reports as the pages list and count them: open ones first, then what was decided, the latest first.
Nothing is decided here."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from peewee import SQL, ModelSelect, fn

from sync.apps.owners import RUNS_ALL, own_ids
from sync.listing import Filter, Order, Page, one_of, page_of, page_with_first, plain_rows, whole_number
from sync.models import Account, App, Asset, Change, Person, Report
from sync.once import once
from sync.prepared import prepared, prepared_plain
from sync.reports.reports import CONFIRM, LEFT_OUT
from sync.safety import sole_managers
from sync.states import ADJUSTMENTS, REMOVALS, AccountStatus, ChangeDecision, ReportState
from sync.unchanged import while_unchanged

STATES = tuple(ReportState)


ORDER = Order(
    {
        "app": (App.name,),
        "waiting": (Report.waiting,),
        "state": (Report.state,),
        "created": (Report.created_at,),
        "decided": (Report.decided_at,),
    },
    ties=(Report.id,),
    default=(Report.is_open.desc(), Report.id.desc()),
)


@dataclass(frozen=True)
class Reports(Filter):
    """`state` is one of STATES, `app` the id of an app."""

    app: str = ""
    state: str = ""


def search(person: Person, wanted: Reports, sort: str = "", number: int = 1) -> Page:
    """A page of the reports, with their apps; without a `sort` of ORDER, open ones and then the latest first."""
    query = found(person, wanted)
    if sort or wanted.state:
        return page_of(query.order_by(*ORDER.terms(sort)), number)
    newest = query.select(Report.id).order_by(Report.id.desc())
    waiting = [id for (id,) in plain_rows(newest.where(Report.is_open))]
    return page_with_first(waiting, newest.where(~Report.is_open), number, _in_this_order, query.count())


def _in_this_order(ids: list[int]) -> list[Report]:
    reports = {report.id: report for report in _with_ids(json.dumps(ids))}
    return [reports[id] for id in ids if id in reports]


@prepared
def _with_ids(ids: str) -> ModelSelect:
    return Report.select(Report, App).join(App).where(one_of(Report.id, ids))


def count(person: Person, wanted: Reports) -> int:
    return found(person, wanted).count()


def found(person: Person, wanted: Reports) -> ModelSelect:
    """The reports that this person may decide and that match everything, with their apps, in no order.

    Checks that found nothing have a report as well: those are listed under "applied" only.
    """
    query = _of_owned(Report.select(Report, App).join(App), person)
    query = query.where(Report.app == whole_number(wanted.app)) if wanted.app else query.where(~App.is_disconnected)
    if wanted.state == ReportState.OPEN:
        return query.where(Report.is_open)
    return query.where(Report.state == wanted.state) if wanted.state else query.where(Report.counts != {})


DOWNLOADED = ("report", "app", "state", "created", "found", "waiting", "held", "decided", "decided_by")


def download(person: Person, wanted: Reports, in_words: Callable[[dict], str], sort: str = "") -> Iterator[tuple]:
    """All reports that search() finds, with DOWNLOADED of each; `in_words` says what one holds."""
    for report in found(person, wanted).order_by(*ORDER.terms(sort)).iterator():
        yield (report.id, report.app.name, report.state, report.created_at, in_words(report.counts), report.waiting,
               report.held, report.decided_at, report.decided_by)  # fmt: skip


def owned(person: Person) -> ModelSelect:
    """The reports, with their apps, that this person may decide about, in apps that aren't disconnected."""
    return _of_owned(Report.select(Report, App).join(App), person).where(~App.is_disconnected)


def count_open(person: Person) -> int:
    """How many reports wait in the apps that this person owns."""
    [(number,)] = _open_of(person, all_apps=person.workspace_role in RUNS_ALL)
    return number


@prepared_plain
def _open_of(person: Person, *, all_apps: bool) -> ModelSelect:
    is_open = Report.select(fn.COUNT(Report.id)).join(App).where(Report.is_open, ~App.is_disconnected)
    return is_open if all_apps else _of_own(is_open, person)


def _of_owned(reports: ModelSelect, person: Person) -> ModelSelect:
    """Those of the apps that this person may decide about."""
    return reports if person.workspace_role in RUNS_ALL else _of_own(reports, person)


def _of_own(reports: ModelSelect, person: Person) -> ModelSelect:
    return reports.where(App.id.in_(own_ids(person)))


@dataclass(frozen=True)
class SoleManagers:
    """Those of a report whose removal would leave an asset without a manager: a successor is chosen first.

    `leaving`: the accounts that an approval may remove; `alone`: what each of them manages, alone or together with
    others of those; `undecided`: the changes that no approval covers before something is chosen.
    """

    leaving: list[int]
    alone: dict[int, list[Asset]]
    undecided: set[int]


def sole_managers_of(report: Report) -> SoleManagers:
    return _sole_managers_of(report.id)


@once
@while_unchanged
def _sole_managers_of(report_id: int) -> SoleManagers:
    rows = _may_leave(report_id)
    leaving = [account_id for _, account_id, _ in rows]
    by_default = sole_managers.sole_assets([account_id for _, account_id, decision in rows if decision == CONFIRM])
    undecided = {id for id, account_id, decision in rows if decision == CONFIRM and account_id in by_default}
    return SoleManagers(leaving, sole_managers.sole_assets(leaving), undecided)


@prepared_plain
def _may_leave(report_id: int) -> ModelSelect:
    return Change.select(Change.id, Change.account, Change.decision).where(
        Change.report == report_id, Change.kind.in_(REMOVALS), Change.in_app, Change.decision.in_((CONFIRM, LEFT_OUT)))


@dataclass(frozen=True)
class Ready:
    """What an approval would do now: removals from the app, other changes in it, changes only in Rollcall, and removals
    that wait for a successor."""

    removals: int
    adjustments: int
    others: int
    undecided: int = 0


def confirmable(report: Report) -> Ready:
    undecided = len(sole_managers_of(report).undecided)
    removals, adjustments, ready = _confirmable(report.id)
    return Ready(removals - undecided, adjustments, ready - removals - adjustments, undecided)


@while_unchanged
def _confirmable(report_id: int) -> tuple[int, int, int]:
    """Of the changes that an approval covers: removals from the app, other changes in it, and all."""
    [found] = _counted_confirmable(report_id)
    return found


@prepared_plain
def _counted_confirmable(report_id: int) -> ModelSelect:
    removals, adjustments = Change.kind.in_(REMOVALS) & Change.in_app, Change.kind.in_(ADJUSTMENTS)
    counted = (fn.COUNT(Change.id).filter(removals), fn.COUNT(Change.id).filter(adjustments), fn.COUNT(Change.id))
    return Change.select(*counted).where(Change.report == report_id, Change.decision == CONFIRM)


def removals_of_invited(report: Report) -> int:
    """How many of the removals that an approval would make now are of accounts that are invited."""
    return len(_removals_of_invited(report.id, report.app_id) - sole_managers_of(report).undecided)


@while_unchanged
def _removals_of_invited(report_id: int, app_id: int) -> frozenset[int]:
    """The ids of these removals, also of those that wait for a successor."""
    return frozenset(id for (id,) in _of_invited(report_id, app_id))


@prepared_plain
def _of_invited(report_id: int, app_id: int) -> ModelSelect:
    in_words = SQL(f"'{AccountStatus.INVITED}'")  # not bound, so that SQLite takes the index of these accounts
    invited = Account.select(Account.id).where(Account.app == app_id, Account.status == in_words)
    return Change.select(Change.id).where(
        Change.report == report_id, Change.decision == CONFIRM, Change.kind.in_(REMOVALS), Change.in_app,
        Change.account.in_(invited),
    )  # fmt: skip


def removals_if(report: Report, left_out: Collection[int], taken_back: Collection[int]) -> int:
    """How many people would leave the app if an approval left out some changes, and took back that others were.

    Both are ids of changes.
    """
    stays = (Change.decision == CONFIRM) & Change.id.not_in(left_out)
    returns = (Change.decision == LEFT_OUT) & Change.id.in_(taken_back)
    return Change.select().where(Change.report == report, Change.kind.in_(REMOVALS), stays | returns).count()


def decided_otherwise(report: Report, left_out: Collection[int], ticked: Collection[int]) -> tuple[int, int]:
    """Of what a form decided after the report was finished: how many of the changes it left out are approved, and how
    many of those it ticked are left out."""
    decisions = dict(Change.select(Change.id, Change.decision).where(Change.report == report).tuples())
    approved = sum(decisions.get(id) in (ChangeDecision.CONFIRMED, ChangeDecision.APPLIED) for id in left_out)
    return approved, sum(decisions.get(id) == ChangeDecision.LEFT_OUT for id in ticked)
