"""Many apps at a glance, for pages that list or count all of them. Most apps are plainly up to date: SQL finds those
where nothing can hold that conditions.py asks about, so that only the others are looked at in full."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from peewee import Case, Expression, ModelSelect, fn

import connectors
from sync import workspace
from sync.apps import owners, standing_approvals, status
from sync.apps.conditions import MATCHED_AT_LEAST, Due
from sync.apps.status import Standing
from sync.db import utcnow
from sync.listing import one_of, one_of_texts, plain_rows
from sync.matching import doubtful
from sync.models import App, Check, Person, Report, Task
from sync.once import once
from sync.prepared import prepared, prepared_plain
from sync.safety import leavers, old_files, unread_directories
from sync.states import AppStatus, Tone

NEEDS_A_PERSON = (Tone.ATTENTION, Tone.WAITING)  # is before all others


class Glance(NamedTuple):
    """An app among many. `standing` is None where it is plainly up to date, with no other condition beside."""

    id: int
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
    return _glances(plain_rows(_rows_of(asked, *_moments(), _watched())))


class Counted(NamedTuple):
    """How many connected apps have which status, and which tone."""

    by_status: Counter[AppStatus]
    by_tone: Counter[Tone]


def counted() -> Counted:
    """Of all connected apps. Those that are plainly up to date are only counted."""
    connected, live = App.select().where(App.is_connected), json.dumps(sorted(_all_with_more_to_it()))
    is_plain = _is_plain(*_moments(), _watched())
    seen = of(connected.where((is_plain == 0) | one_of(App.id, live)).order_by(App.id))
    plain = connected.count() - len(seen)
    return Counted(Counter({AppStatus.UP_TO_DATE: plain}) + Counter(one.status for one in seen),
                   Counter({Tone.OK: plain}) + Counter(one.tone for one in seen))  # fmt: skip


def first(person: Person, most: int, order: Sequence[Tone]) -> list[tuple[App, Standing]]:
    """The first of the connected apps that this person may see, with their statuses: by their loudest tones in this
    order, which begins with NEEDS_A_PERSON and ends with all that it doesn't name, then by name. No more apps are
    looked at in full than that takes."""
    red, suspects = status.needing_attention(person), [id for id, *_ in _suspects(person)]
    looked = _look([id for id in suspects if id in red][:most])
    left, step = [id for id in suspects if id not in red], most
    while left and _needing_a_person(looked) < most:
        looked += _look(left[:step])
        left, step = left[step:], step * 2
    if _needing_a_person(looked) < most:
        plain = _plain_of(person, json.dumps(suspects), most, all_apps=person.workspace_role in owners.RUNS_ALL)
        standings = status.standings_of_plain(plain)
        looked += [(app, standings[app.id]) for app in plain]
    place = dict(zip(order, range(len(order)))).get
    return sorted(looked, key=lambda one: (place(one[1].loudest, len(order)), one[0].name, one[0].id))[:most]


def _needing_a_person(looked: Sequence[tuple[App, Standing]]) -> int:
    return sum(standing.loudest in NEEDS_A_PERSON for _, standing in looked)


def _look(ids: Sequence[int]) -> list[tuple[App, Standing]]:
    apps = {app.id: app for app in _apps(json.dumps(ids))} if ids else {}
    standings = status.standings(apps.values())
    return [(apps[id], standings[id]) for id in ids if id in apps]


@prepared
def _plain_of(person: Person, suspects: str, most: int, *, all_apps: bool) -> ModelSelect:
    plain = owners.connected_of(person, all_apps).where(~one_of(App.id, suspects))
    return plain.order_by(App.name, App.id).limit(most)


def count(person: Person) -> int:
    """How many connected apps this person may see."""
    [(number,)] = _counted(person, all_apps=person.workspace_role in owners.RUNS_ALL)
    return number


@prepared_plain
def _counted(person: Person, *, all_apps: bool) -> ModelSelect:
    return owners.connected_of(person, all_apps).select(fn.COUNT(App.id))


def unread(person: Person) -> tuple[list[str], list[str]]:
    """The names of the connected apps that this person may see and that weren't read when due, and of those that were,
    but from a list that is too old, or that may be."""
    facts = [standing.facts for _, standing in _look([id for id, is_read in _suspects(person) if not is_read])]
    late = [of for of in facts if of.read_at is None or of.failed or of.due not in (Due.NO, Due.SOON)]
    old = [of for of in facts if of.old_file_from or of.file_is_undated]
    return [of.name for of in late], [of.name for of in old if of not in late]


@once
def _suspects(person: Person) -> list[tuple[int, bool]]:
    """The ids of the connected apps that this person may see and that aren't plainly up to date, by name; each with
    whether its row and its check say that it was read when due, from no list that is too old."""
    live, all_apps = json.dumps(sorted(_all_with_more_to_it())), person.workspace_role in owners.RUNS_ALL
    found, retried = _suspects_of(person, *_moments(), _watched(), live, all_apps=all_apps), _retried()
    return [(id, bool(is_read) and id not in retried) for id, is_read in found]


@prepared_plain
def _suspects_of(person: Person, now: datetime, oldest: datetime, watched: str, live: str, *,
                 all_apps: bool) -> ModelSelect:  # fmt: skip
    is_suspect = (_is_plain(now, oldest, watched) == 0) | one_of(App.id, live)
    is_read = _nothing_failed() & _is_read(now) & _is_fresh(now, oldest)
    suspects = owners.connected_of(person, all_apps).where(is_suspect)
    return suspects.select(App.id, Case(None, [(is_read, 1)], 0)).order_by(App.name, App.id)


def _retried() -> set[int]:
    """The apps with a check that waits after a failed attempt."""
    return {app_id for app_id, error in _errors_of_live_checks() if error}


@prepared_plain
def _errors_of_live_checks() -> ModelSelect:
    return Check.select(Check.app, Check.error).where(Check.is_live)


def _rows_of(asked: ModelSelect, now: datetime, oldest: datetime, watched: str) -> ModelSelect:
    """Of each app its id, and whether it is plainly up to date by its own row."""
    return asked.select(App.id, _is_plain(now, oldest, watched))


def _glances(found: Sequence[tuple]) -> list[Glance]:
    """`found`: rows of _rows_of()."""
    more = _all_with_more_to_it()
    other = [row[0] for row in found if not row[-1] or row[0] in more]
    standings = status.standings(_apps(json.dumps(other))) if other else {}
    return [Glance(id, standings.get(id)) for id, _ in found]


def in_full(found: Sequence[Glance]) -> list[tuple[App, Standing]]:
    """The rows of these apps with their statuses, in the same order."""
    ids = json.dumps([one.id for one in found])
    apps = {app.id: app for app in _apps(ids)} if found else {}
    plain = status.standings_of_plain(apps[one.id] for one in found if one.standing is None and one.id in apps)
    return [(apps[one.id], one.standing or plain[one.id]) for one in found if one.id in apps]


@prepared
def _apps(ids: str) -> ModelSelect:
    return App.select().where(one_of(App.id, ids))


def _moments() -> tuple[datetime, datetime]:
    """Now, and the time from which a file may be that an app is read from."""
    now = utcnow()
    return now, old_files.oldest(now)


def _watched() -> str:
    return json.dumps(_with_versions_to_watch(workspace.today()))


def _is_plain(now: datetime, oldest: datetime, watched: str) -> Case:
    """1 where the app's own row gives no condition of conditions.py a reason to hold; 0 where one may. `watched`: the
    connectors whose version may need a look, as JSON."""
    nothing_lacks = App.missing_permissions.is_null() | (App.missing_permissions == [])
    is_watched = one_of_texts(App.connector, watched)
    is_read = _nothing_failed() & _is_read(now) & _is_fresh(now, oldest)
    is_well = App.is_active & is_read & nothing_lacks & _is_matched() & ~is_watched
    return Case(None, [(is_well, 1)], 0)


def _is_fresh(now: datetime, oldest: datetime) -> Expression:
    is_dated = App.file_seen_at.is_null() | (App.file_from <= App.file_seen_at)
    return App.file_from.is_null() | App.file_from.between(oldest, now) & is_dated


def _nothing_failed() -> Expression:
    return App.error.is_null() & (App.failures == 0)


def _is_read(now: datetime) -> Expression:
    """It was read since its daily check was last due, and the next one isn't due."""
    not_due = App.next_check_at.is_null() | (App.next_check_at > now)
    read_when_due = App.last_due_at.is_null() | (App.last_check_at >= App.last_due_at)
    return App.checked_daily & App.last_check_at.is_null(False) & not_due & read_when_due


def _is_matched() -> Expression:
    """Enough accounts are matched, even if one of the others is Rollcall's own, which someone needn't have."""
    return App.unmatched * 100 <= (App.users - App.service_accounts - 1) * (100 - MATCHED_AT_LEAST)


def _with_versions_to_watch(today: date) -> Collection[str]:
    """Connectors that may warn of their API's version, by what they declare or by an app's settings."""
    versions = {slug: kind.api_version for slug, kind in connectors.app_connectors().items() if kind.api_version}
    return [slug for slug, version in versions.items() if version.end_of or version.warning(slug, today)]


def _all_with_more_to_it() -> set[int]:
    """The apps with a check, a task or a report that is live, and those with accounts of people who have left, or may
    have, or with a standing approval that no longer holds: all connected ones while a directory isn't read."""
    if unread_directories.longest(utcnow()):
        return {app_id for (app_id,) in _all_connected()}
    found = {app_id for app_id, _ in _errors_of_live_checks()} | leavers.numbers().keys() | doubtful.numbers().keys()
    found |= {app_id for app_id, _ in standing_approvals.lapsed()}
    return found | {app_id for (app_id,) in (*_with_live_task(), *_with_open_report())}


@prepared_plain
def _all_connected() -> ModelSelect:
    return App.select(App.id).where(App.is_connected)


@prepared_plain
def _with_live_task() -> ModelSelect:
    return Task.select(Task.app).where(Task.is_live).distinct()


@prepared_plain
def _with_open_report() -> ModelSelect:
    return Report.select(Report.app).where(Report.is_open)

