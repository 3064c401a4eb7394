"""The one number of the first page, and what waits for a person: counted over the apps that they may see.
Nothing is decided here, and each number has its owner elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from peewee import fn

from sync import rank
from sync.directory import figures
from sync.effects import seats_after
from sync.models import Account, App, Directory, Person, Report, Task
from sync.people import held
from sync.reports import stuck
from sync.reports.stuck import Stuck
from sync.safety import leavers, leaving, sole_managers
from sync.sign_in import waiting as waiting_sign_ins
from sync.states import WorkspaceRole


class Waiting(Enum):
    """A kind of thing that waits for someone: the most pressing first."""

    TASK = auto()  # needs attention
    HELD_REPORT = auto()  # held by a guard
    HELD_DIRECTORY = auto()
    STUCK_LEAVER = auto()  # someone who has left can't be removed yet
    REPORT = auto()
    UNMANAGED = auto()  # assets that nobody manages
    SIGN_IN = auto()
    PERSON_CHANGE = auto()


@dataclass(frozen=True)
class StillIn:
    """People who have left and still have accounts. `monthly`: what removing these saves, in hundredths."""

    people: int
    accounts: int
    monthly: int
    decided: int  # further accounts of people who have left, that may stay for now


def still_in(apps: Sequence[App]) -> StillIn:
    ids = [app.id for app in apps]
    together, each = leavers.open_in_all(ids), leavers.open_in(ids)
    monthly = sum(seats_after(app, each[app.id].accounts, 0).saved for app in apps if app.id in each)
    return StillIn(together.people, together.accounts, monthly, together.decided)


@dataclass(frozen=True)
class Item:
    """One thing that waits for this person: how many of what, and where. An open report: its app and id."""

    kind: Waiting
    count: int
    app: App | None = None
    report_id: int | None = None
    leaving: str = ""  # a sentence about people of the report who have left
    directory: Directory | None = None
    stuck: Stuck | None = None


def waiting_for(person: Person, owned: Sequence[App]) -> list[Item]:
    """`owned`: the apps that this person may decide about. The most pressing kind first, then by name."""
    items = [*_reports(owned), *_tasks(owned), *_unmanaged(owned)]
    if person.workspace_role in rank.MANAGERS:
        items += [*_directories(), *_counted(Waiting.PERSON_CHANGE, held.count(person.workspace_role))]
    if person.workspace_role == WorkspaceRole.OWNER:
        items += _counted(Waiting.SIGN_IN, waiting_sign_ins.count())
    order = list(Waiting)
    return sorted(items, key=lambda item: order.index(item.kind))


def _reports(owned: Sequence[App]) -> Iterable[Item]:
    by_id = {app.id: app for app in owned}
    reports = list(Report.select(Report, App).join(App).where(Report.app.in_(list(by_id)), Report.is_open))
    left = leaving.of_reports(reports)
    for report in reports:
        app, of_report = by_id[report.app_id], left[report.id]
        sentence = of_report.sentence() if of_report.people else ""
        if report.held:
            yield Item(Waiting.HELD_REPORT, report.held, app, report.id, sentence)
        elif report.waiting:
            yield Item(Waiting.REPORT, report.waiting, app, report.id, sentence)
    for one in stuck.of_apps(report.app_id for report in reports if left[report.id].stuck):
        yield Item(Waiting.STUCK_LEAVER, 1, by_id[one.account.app_id], one.report_id, one.sentence, stuck=one)


def _tasks(owned: Sequence[App]) -> Iterable[Item]:
    by_id = {app.id: app for app in owned}
    stuck = Task.select(Task.app, fn.count(Task.id)).where(Task.app.in_(list(by_id)), Task.needs_attention)
    for app_id, count in stuck.group_by(Task.app).tuples():
        yield Item(Waiting.TASK, count, by_id[app_id])


def _unmanaged(owned: Sequence[App]) -> Iterable[Item]:
    by_id = {app.id: app for app in owned}
    for app_id, count in sole_managers.count_unmanaged().items():
        if app_id in by_id:
            yield Item(Waiting.UNMANAGED, count, by_id[app_id])


def _directories() -> Iterable[Item]:
    for directory in figures.all_by_name():
        if count := figures.count_held(directory):
            yield Item(Waiting.HELD_DIRECTORY, count, directory=directory)


def _counted(kind: Waiting, count: int) -> list[Item]:
    return [Item(kind, count)] if count else []


def people_with_most(apps: Sequence[App], most: int) -> list[tuple[Person, list[Account]]]:
    """Those who left with their open accounts in these apps, who left first at the top; at most `most` people."""
    found: dict[int, tuple[Person, list[Account]]] = {}
    for leaver in leavers.of_apps(app.id for app in apps):
        if leaver.is_open:
            found.setdefault(leaver.person.id, (leaver.person, []))[1].append(leaver.account)
    by_departure = sorted(found.values(), key=lambda one: (one[0].status_since, one[0].id))
    return by_departure[:most]
