"""Many apps at a glance, for pages that list or count all of them. Most apps are plainly up to date: SQL finds those
where nothing can hold that conditions.py asks about, so that only the others are looked at in full."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from peewee import Case, Expression, ModelSelect

import connectors
from sync import workspace
from sync.apps import owners, status
from sync.apps.conditions import MATCHED_AT_LEAST
from sync.apps.status import Standing
from sync.db import utcnow
from sync.listing import one_of, one_of_texts, plain_rows
from sync.models import App, Check, Person, Report, Task
from sync.prepared import prepared, prepared_plain
from sync.safety import leavers
from sync.states import AppState, AppStatus, Tone


class Glance(NamedTuple):
    """An app among many. `standing` is None where it is plainly up to date, with no other condition beside."""

    id: int
    name: str
    users: int
    services: int
    unmatched: int
    created_at: str
    standing: Standing | None

    @property
    def status(self) -> AppStatus:
        return self.standing.status if self.standing else AppStatus.UP_TO_DATE

    @property
    def tone(self) -> Tone:
        return self.standing.tone if self.standing else Tone.OK

    @property
    def loudest(self) -> Tone:
        return self.standing.loudest if self.standing else Tone.OK


def of(asked: ModelSelect) -> list[Glance]:
    """The apps of a query at a glance, in its order."""
    return _glances(plain_rows(_rows_of(asked, utcnow(), json.dumps(_with_versions_to_watch(workspace.today())))))


def of_person(person: Person) -> list[Glance]:
    """All apps at a glance that this person may see, without drafts, by name."""
    watched, all_apps = json.dumps(_with_versions_to_watch(workspace.today())), person.workspace_role in owners.RUNS_ALL
    return _glances(_rows_of_person(person, utcnow(), watched, all_apps=all_apps))


@prepared_plain
def _rows_of_person(person: Person, now: datetime, watched: str, *, all_apps: bool) -> ModelSelect:
    apps = owners.seen_by(person, all_apps).where(App.state != AppState.CONNECTING)
    return _rows_of(apps.order_by(App.name, App.id), now, watched)


def _rows_of(asked: ModelSelect, now: datetime, watched: str) -> ModelSelect:
    """The columns of a Glance, and last whether the app is plainly up to date by its own row."""
    return asked.select(App.id, App.name, App.users, App.services, App.unmatched, App.created_at,
                        _is_plain(now, watched))  # fmt: skip


def _glances(found: Sequence[tuple]) -> list[Glance]:
    """`found`: rows of _rows_of()."""
    ids = [id for id, *_ in found]
    other = {row[0] for row in found if not row[-1]} | _with_more_to_it(ids, json.dumps(ids))
    standings = status.standings(_apps(json.dumps(sorted(other)))) if other else {}
    return [Glance(*row[:-1], standings.get(row[0])) for row in found]


def unknown(apps: Sequence[Glance]) -> int:
    """How many accounts of these apps someone should have, and have an owner who isn't known."""
    own = status.own_accounts(json.dumps([app.id for app in apps]))
    return sum(status.unknown(app, own.get(app.id)) for app in apps)


def in_full(found: Sequence[Glance]) -> list[tuple[App, Standing]]:
    """The rows of these apps with their statuses, in the same order."""
    ids = json.dumps([one.id for one in found])
    apps = {app.id: app for app in _apps(ids)} if found else {}
    plain = status.standings_of_plain(apps[one.id] for one in found if one.standing is None and one.id in apps)
    return [(apps[one.id], one.standing or plain[one.id]) for one in found if one.id in apps]


@prepared
def _apps(ids: str) -> ModelSelect:
    return App.select().where(one_of(App.id, ids))


def _is_plain(now: datetime, watched: str) -> Case:
    """1 where the app's own row gives no condition of conditions.py a reason to hold; 0 where one may. `watched`: the
    connectors whose version may need a look, as JSON."""
    nothing_wrong = App.error.is_null() & (App.failures == 0) & (App.missing_permissions.is_null() | _is_empty())
    not_due = App.next_check_at.is_null() | (App.next_check_at > now)
    read_when_due = App.last_due_at.is_null() | (App.last_check_at >= App.last_due_at)
    read = App.daily & App.last_check_at.is_null(False) & not_due & read_when_due
    is_watched = one_of_texts(App.connector, watched)
    return Case(None, [(App.is_active & nothing_wrong & read & _is_matched() & ~is_watched, 1)], 0)


def _is_empty() -> Expression:
    return App.missing_permissions == []


def _is_matched() -> Expression:
    """Enough accounts are matched, even if one of the others is Rollcall's own, which someone needn't have."""
    return App.unmatched * 100 <= (App.users - App.services - 1) * (100 - MATCHED_AT_LEAST)


def _with_versions_to_watch(today: date) -> Collection[str]:
    """Connectors that may warn of their API's version, by what they declare or by an app's settings."""
    versions = {slug: kind.api_version for slug, kind in connectors.app_connectors().items() if kind.api_version}
    return [slug for slug, version in versions.items() if version.end_of or version.warning(slug, today)]


def _with_more_to_it(ids: Collection[int], among: str) -> set[int]:
    """The apps with a check, a task or a report that is live, and those with accounts of people who have left."""
    found = leavers.open_in(ids).keys() | set()
    for live in (_with_live_check, _with_live_task, _with_open_report):
        found |= {app_id for (app_id,) in live(among)}
    return found


@prepared_plain
def _with_live_check(among: str) -> ModelSelect:
    return Check.select(Check.app).where(one_of(Check.app, among), Check.is_live).distinct()


@prepared_plain
def _with_live_task(among: str) -> ModelSelect:
    return Task.select(Task.app).where(one_of(Task.app, among), Task.is_live).distinct()


@prepared_plain
def _with_open_report(among: str) -> ModelSelect:
    return Report.select(Report.app).where(one_of(Report.app, among), Report.is_open).distinct()

