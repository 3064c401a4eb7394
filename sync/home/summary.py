"""The one number of the first page, and what waits for a person: counted over the apps that they may see.
Nothing is decided here, and each number has its owner elsewhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from peewee import ModelSelect, fn

from sync import rank
from sync.apps import standing_approvals
from sync.apps.standing_approvals import Given
from sync.db import utcnow
from sync.directory import figures, releases
from sync.effects import seats_after
from sync.listing import Among, one_of
from sync.models import Account, App, Directory, Offboarding, Person, Report, Task
from sync.people import held, holds
from sync.prepared import prepared, prepared_plain
from sync.reports import stuck
from sync.reports.stuck import Stuck
from sync.safety import leavers, leaving, sole_managers, unread_directories
from sync.sign_in import waiting as waiting_sign_ins
from sync.states import DirectoryGap, TaskKind, WorkspaceRole
from sync.tasks import perform


class Waiting(Enum):
    """A kind of thing that waits for someone: the most pressing first."""

    TASK = auto()  # needs attention
    HELD_REPORT = auto()  # held by a guard
    UNREAD_DIRECTORY = auto()  # doesn't show who has left: no app is up to date
    HELD_DIRECTORY = auto()
    BY_HAND = auto()  # a task that Rollcall can't do
    STUCK_LEAVER = auto()  # someone who has left can't be removed yet
    REPORT = auto()
    UNMANAGED = auto()  # assets that nobody manages
    STANDING_APPROVAL = auto()  # given by someone who could not give it now
    OFFBOARDING = auto()  # planned by someone who could not plan it now
    SIGN_IN = auto()
    PERSON_CHANGE = auto()


@dataclass(frozen=True)
class StillIn:
    """People who have left and still have accounts. `monthly`: what removing these saves, in hundredths."""

    people: int
    accounts: int
    monthly: int
    decided: int  # further accounts of people who have left, that may stay for now


def still_in(app_ids: Among) -> StillIn:
    together, each = leavers.open_in_all(app_ids), leavers.numbers()
    each = each if app_ids is None else leavers.open_in(app_ids)
    monthly = sum(seats_after(app, each[app.id].accounts, 0).saved for app in _apps(each).values())
    return StillIn(together.people, together.accounts, monthly, together.decided)


@dataclass(frozen=True)
class Item:
    """One thing that waits for this person: how many of what, and where. An open report: its id, and once it is asked
    for in full(), its app."""

    kind: Waiting
    count: int
    app: App | None = None
    report_id: int | None = None
    leaving: str = ""  # a sentence about people who have left; of a report once it is asked for in full()
    directory: Directory | None = None
    gap: DirectoryGap | None = None  # why the directory doesn't show who has left
    stuck: Stuck | None = None
    offboarding: Offboarding | None = None
    given: Given | None = None  # what the standing approval is about
    by: str = ""  # who planned or approved it, and why they could not now


def waiting_for(person: Person, owned: Among) -> list[Item]:
    """`owned`: the apps that this person may decide about. The most pressing kind first, then by name."""
    items = [*_reports(owned), *_tasks(owned), *_unmanaged(owned), *_standing_approvals(owned)]
    if person.workspace_role in rank.MANAGERS:
        items += [*_directories(), *_offboardings()]
        items += _counted(Waiting.PERSON_CHANGE, held.count(person.workspace_role))
    if person.workspace_role == WorkspaceRole.OWNER:
        items += _counted(Waiting.SIGN_IN, waiting_sign_ins.count())
    order = list(Waiting)
    return sorted(items, key=lambda item: order.index(item.kind))


def _reports(owned: Among) -> Iterable[Item]:
    app_of = {}
    for id, app_id, to_decide, by_guard in _open_reports() if owned is None else _open_reports_of(json.dumps(owned)):
        app_of[id] = app_id
        if by_guard:
            yield Item(Waiting.HELD_REPORT, by_guard, report_id=id)
        elif to_decide:
            yield Item(Waiting.REPORT, to_decide, report_id=id)
    for one in stuck.of_apps(app_of[id] for id in leaving.with_stuck(app_of)):
        yield Item(Waiting.STUCK_LEAVER, 1, one.account.app, one.report_id, one.sentence, stuck=one)


@prepared_plain
def _open_reports() -> ModelSelect:
    return _shown_of_reports().join(App).where(Report.is_open, App.is_connected)


@prepared_plain
def _open_reports_of(apps: str) -> ModelSelect:
    return _shown_of_reports().where(one_of(Report.app, apps), Report.is_open)


def _shown_of_reports() -> ModelSelect:
    return Report.select(Report.id, Report.app, Report.waiting, Report.held).order_by(Report.id)


def in_full(items: Iterable[Item]) -> list[Item]:
    """The same, and reports have their app and their sentence, which are read for these alone."""
    found = list(items)
    ids = [item.report_id for item in found if item.app is None and item.report_id]
    reports = {report.id: report for report in _reports_with_apps(json.dumps(ids))} if ids else {}
    left = leaving.of_reports(reports.values())
    return [replace(item, app=reports[item.report_id].app, leaving=left[item.report_id].sentence_if_any())
            if item.app is None and item.report_id else item for item in found]  # fmt: skip


@prepared
def _reports_with_apps(ids: str) -> ModelSelect:
    return Report.select(Report, App).join(App).where(one_of(Report.id, ids))


def _tasks(owned: Among) -> Iterable[Item]:
    rows = sorted(row for row in _failed_tasks() if owned is None or row[0] in owned)
    found, counts = _apps({id for id, *_ in rows}), Counter()
    for id, kind, count in rows:
        counts[id, Waiting.TASK if perform.is_able(found[id], TaskKind(kind)) else Waiting.BY_HAND] += count
    yield from (Item(waits, count, found[id]) for (id, waits), count in counts.items())


@prepared_plain
def _failed_tasks() -> ModelSelect:
    failed = Task.select(Task.app, Task.kind, fn.COUNT(Task.id)).join(App)
    return failed.where(Task.needs_attention, App.is_connected).group_by(Task.app, Task.kind)


def _unmanaged(owned: Among) -> Iterable[Item]:
    counts = {id: count for id, count in sole_managers.count_unmanaged().items()
              if owned is None or id in owned}
    yield from (Item(Waiting.UNMANAGED, counts[id], app) for id, app in _apps(counts).items())


def _standing_approvals(owned: Among) -> Iterable[Item]:
    lapsed = {key: by for key, by in standing_approvals.lapsed().items() if owned is None or key[0] in owned}
    found = _apps({id for id, _ in lapsed})
    yield from (Item(Waiting.STANDING_APPROVAL, 1, found[id], given=given, by=lapsed[id, given])
                for id in found for given in Given if (id, given) in lapsed)  # fmt: skip


def _apps(ids: Iterable[int]) -> dict[int, App]:
    """By id, in its order."""
    ids = sorted(ids)
    return {app.id: app for app in App.select().where(one_of(App.id, json.dumps(ids))).order_by(App.id)} if ids else {}


def _directories() -> Iterable[Item]:
    now = utcnow()
    for directory in figures.all_by_name():
        if unread := unread_directories.found(directory, now):
            yield Item(Waiting.UNREAD_DIRECTORY, 1, directory=directory, gap=unread.why)
        count = figures.count_held(directory)
        if unread and unread.why == DirectoryGap.MANY_BACK:
            count -= releases.count_back(directory)  # the same cause
        if count:
            yield Item(Waiting.HELD_DIRECTORY, count, directory=directory)


def _offboardings() -> Iterable[Item]:
    if planned_by := holds.lapsed():
        rows = Offboarding.select(Offboarding, Person).join(Person, on=Offboarding.person == Person.id)
        for row in rows.where(Offboarding.id.in_(list(planned_by))).order_by(Person.name, Offboarding.id):
            yield Item(Waiting.OFFBOARDING, 1, offboarding=row, by=planned_by[row.id])


def _counted(kind: Waiting, count: int) -> list[Item]:
    return [Item(kind, count)] if count else []


def people_with_most(app_ids: Among, most: int) -> list[tuple[Person, list[Account]]]:
    """Those who left with their open accounts in these apps, who left first at the top; at most `most` people."""
    found: dict[int, tuple[Person, list[Account]]] = {}
    for account in leavers.of_those_who_left_first(app_ids, most):
        found.setdefault(account.person_id, (account.person, []))[1].append(account)
    return list(found.values())
