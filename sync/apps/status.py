"""The status of each app, for cards, titles, commands and metrics alike: its facts are gathered here, for many apps
by a handful of queries, and conditions.py decides."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import Case, ModelSelect, fn

from sync import effects, workspace
from sync.apps import apps, failures, owners, standing_approvals
from sync.apps.conditions import Condition, Due, Facts, Words, that_hold
from sync.apps.standing_approvals import Given
from sync.db import db, utcnow
from sync.listing import Among, in_apps, one_of
from sync.matching import doubtful
from sync.models import Account, App, Check, Person, Report, Task
from sync.once import once
from sync.prepared import prepared, prepared_plain
from sync.problems import AppProblem
from sync.safety import leavers, old_files, unread_directories
from sync.states import CONNECTED, AccountMatch, AppState, AppStatus, CheckState, Step, Tone, texts

PATIENCE = timedelta(minutes=5)  # so long after its time, a daily check isn't late yet
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Standing:
    """`check` is the one that waits or runs, `report` the open one, with its numbers; `others` hold beside what decided
    the status."""

    facts: Facts
    row: Condition
    others: tuple[Condition, ...]
    check: Check | None = None
    report: Report | None = None

    @property
    def status(self) -> AppStatus:
        return self.row.status or AppStatus.UP_TO_DATE

    @property
    def tone(self) -> Tone:
        return self.row.tone

    @property
    def word(self) -> str:
        """The status, with how far a running check is: “Checking 62 %”."""
        return f"{self.status}{_percent(self.check)}" if self.status == AppStatus.CHECKING else self.status

    @property
    def sentence(self) -> Words:
        """What is so, and what to do next."""
        return self.row.says(self.facts)

    @property
    def short(self) -> Words:
        return self.row.short(self.facts)

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.row.steps(self.facts)

    @property
    def loudest(self) -> Tone:
        """The loudest tone of all conditions, also of those beside the status: red, else amber, else the status's
        own."""
        tones = {row.tone for row in (self.row, *self.others)}
        return next((tone for tone in (Tone.ATTENTION, Tone.WAITING) if tone in tones), self.tone)


def standings(apps_asked: Iterable[App]) -> dict[int, Standing]:
    """By app id."""
    asked, now = list(apps_asked), utcnow()
    if not asked:
        return {}
    known = _known(*(app.id for app in asked))
    return {app.id: _standing(app, known, now) for app in asked}


def standing(app: App) -> Standing:
    return standings([app])[app.id]


def standings_of_plain(found: Iterable[App]) -> dict[int, Standing]:
    """By app id, of apps that glance.py has found to be plainly up to date: nothing waits, runs or is open in them."""
    plain, now = list(found), utcnow()
    known = _Known([app.id for app in plain], plain=True)
    return {app.id: _standing(app, known, now) for app in plain}


@once
def needing_attention(person: Person) -> frozenset[int]:
    """The ids of the apps that this person may see where something is red, also beside the status: what the red rows
    of conditions.py ask, without a look at each app."""
    red = {app_id for app_id, *error in _with_error() if failures.need_a_person(*error)}
    red |= {app_id for (app_id,) in _with_stuck_task()} | _with_leavers()
    if not red:
        return frozenset()
    seen = _seen_among(json.dumps(sorted(red)), person, all_apps=person.workspace_role in owners.RUNS_ALL)
    return frozenset(app_id for (app_id,) in seen)


@prepared_plain
def _with_error() -> ModelSelect:
    return App.select(App.id, App.error, App.failure, App.failures).where(App.error != "", App.is_connected)


@prepared_plain
def _with_stuck_task() -> ModelSelect:
    return Task.select(Task.app).where(Task.needs_attention).distinct()


def _with_leavers() -> set[int]:
    """The apps where someone who has left has an open account that nothing removes."""
    return {app_id for app_id, left in leavers.numbers().items() if left.accounts > left.removing}


@prepared_plain
def _seen_among(among: str, person: Person, *, all_apps: bool) -> ModelSelect:
    return owners.connected_of(person, all_apps).select(App.id).where(one_of(App.id, among))


def credential_works(app: App, standing: Standing) -> bool:
    """It was used since the app was connected, the last time successfully and not long ago."""
    used = app.tested_at is not None and app.tested_at > app.created_at
    return used and not standing.facts.failed and standing.facts.due in (Due.NO, Due.SOON)


@once
def _known(*ids: int) -> _Known:
    return _Known(list(ids))


class _Known:
    """What other tables hold about these apps, by app id."""

    def __init__(self, ids: list[int], plain: bool = False):
        among = json.dumps(ids)
        self.own = _own_accounts(among)
        self.today = workspace.today()
        if plain:
            self.checks, self.reports, self.tasks, self.left, self.doubtful = {}, {}, {}, {}, {}
            self.lapsed, self.unread = {}, None
            return
        self.checks = {row.app_id: row for row in _live_checks(among)}
        self.reports = {row.app_id: row for row in _open_reports(among)}
        self.tasks = _tasks(among)
        self.left, self.doubtful = leavers.open_in(ids), doubtful.numbers()
        self.lapsed, self.unread = standing_approvals.lapsed(), unread_directories.longest(utcnow())


@prepared
def _live_checks(among: str) -> ModelSelect:
    return Check.select().where(one_of(Check.app, among), Check.is_live)


@prepared
def _open_reports(among: str) -> ModelSelect:
    return Report.select(Report.id, Report.app, Report.waiting, Report.held).where(
        one_of(Report.app, among), Report.is_open)  # fmt: skip


def _tasks(among: str) -> dict[int, tuple[int, int, str]]:
    """Tasks that wait or run, those that need attention, and the error of one of these."""
    return {app_id: (under_way, stuck, error or "") for app_id, under_way, stuck, error in _counted_tasks(among)}


@prepared
def _counted_tasks(among: str) -> ModelSelect:
    return (
        Task.select(Task.app, fn.COUNT(Task.id).filter(Task.is_under_way),
                    fn.COUNT(Task.id).filter(Task.needs_attention),
                    fn.MAX(Case(None, [(Task.needs_attention, Task.error)])))
        .where(one_of(Task.app, among), Task.is_live).group_by(Task.app).tuples()
    )  # fmt: skip


def _own_accounts(among: str) -> dict[int, AccountMatch]:
    """Whose the account is that Rollcall acts with, where the app lists it."""
    return dict(_own_accounts_of(among))


@prepared
def _own_accounts_of(among: str) -> ModelSelect:
    return (
        Account.select(Account.app, Account.match_kind).join(App)
        .where(one_of(Account.app, among), Account.external_id == App.automation_external_id, Account.is_present)
        .tuples()
    )  # fmt: skip


def _standing(app: App, known: _Known, now: datetime) -> Standing:
    check, report = known.checks.get(app.id), known.reports.get(app.id)
    facts = _facts(app, known, now, check, report)
    return Standing(facts, *that_hold(facts), check, report)


def _facts(app: App, known: _Known, now: datetime, check: Check | None, report: Report | None) -> Facts:
    retries = check is not None and check.state == CheckState.QUEUED and bool(check.error)
    under_way, stuck, stuck_error = known.tasks.get(app.id, (0, 0, ""))
    left = known.left.get(app.id) or leavers.Numbers()
    doubts = known.doubtful.get(app.id) or doubtful.Numbers()
    to_match, matched = matching(app, known.own.get(app.id))
    return Facts(
        name=app.name, state=app.state, read_at=app.last_check_at,
        old_file_from=app.file_from if old_files.is_old(app.file_from, now) else None,
        file_is_undated=old_files.is_undated(app.file_from, app.file_seen_at, now),
        check=check and check.state, check_since=check and check.created_at,
        retry_error=check.error if retries else "", retry_at=check.next_at if retries else None,
        failures=app.failures, failure=app.failure, failed_at=app.failed_at, error=app.error or "",
        has_address=_has_address(app), due=_due(app, now), left=left.people, left_accounts=left.accounts,
        leaving=left.removing,
        report=report is not None, waiting=report.waiting if report else 0, held=report.held if report else 0,
        stuck=stuck, stuck_error=stuck_error, under_way=under_way, to_match=to_match, matched=matched,
        doubtful=doubts.accounts, doubtful_name=doubts.name,
        removals_by=known.lapsed.get((app.id, Given.REMOVALS), ""),
        groups_by=known.lapsed.get((app.id, Given.GROUPS), ""), held_leavers=doubts.held_people,
        held_leaver=doubts.held_name,
        unread_directory=known.unread.name if known.unread else "",
        unread_directory_id=known.unread.id if known.unread else None,
        unread_since=known.unread.since if known.unread else None,
        unread_why=known.unread.why if known.unread else None,
        version_warning=effects.version_warning(app, known.today) if app.is_connected else "",
        lacks=tuple(app.missing_permissions or ()) if app.is_connected else (),
    )  # fmt: skip


def matching(app: App, own: AccountMatch | None) -> tuple[int, int]:
    """How many accounts someone should have, and how many of these have an owner that is known.

    The accounts of services and of Rollcall itself count as neither.
    """
    beside = own is not None and own != AccountMatch.SERVICE_ACCOUNT
    to_match = max(0, app.users - app.service_accounts - beside)
    return to_match, max(0, to_match - app.unmatched + (own == AccountMatch.UNMATCHED))


def unknown_in(app_ids: Among) -> int:
    """How many accounts of these apps someone should have, and have an owner who isn't known: matching() of each."""
    of_these, values = in_apps("app.id", app_ids)
    [(found,)] = db.execute_sql(
        f"""
        SELECT coalesce(sum(CASE WHEN to_match <= 0 THEN 0 WHEN unknown < to_match THEN unknown ELSE to_match END), 0)
        FROM (SELECT app.users - app.service_accounts - CASE WHEN own.match_kind <> 'service account' THEN 1 ELSE 0 END
                AS to_match, app.unmatched - CASE WHEN own.match_kind = 'unmatched' THEN 1 ELSE 0 END AS unknown
            FROM app LEFT JOIN account own
                ON own.app_id = app.id AND own.external_id = app.automation_external_id AND own.state = 'present'
            WHERE app.state IN ({texts(CONNECTED)}) AND app.unmatched > 0 AND {of_these}) AS each_app
        """,
        values,
    ).fetchall()
    return found


def _has_address(app: App) -> bool:
    """Something in its settings says where it is. An app whose kind this version doesn't know has no form for it."""
    try:
        fields = apps.connector_class(app.connector).fields
    except AppProblem:
        return False
    return any(not (field.secret or field.choices or field.mapping or field.upload) for field in fields)


def _due(app: App, now: datetime) -> Due:
    if app.state != AppState.ACTIVE:
        return Due.NO
    if not app.checked_daily:
        return Due.OFF if app.last_check_at is not None and app.last_check_at < now - DAY else Due.NO
    if app.next_check_at is not None and app.next_check_at <= now:
        return Due.SOON if now - app.next_check_at < PATIENCE else Due.LATE
    missed = app.last_due_at is not None and app.last_check_at is not None and app.last_check_at < app.last_due_at
    return Due.LATE if missed else Due.NO


def _percent(check: Check | None) -> str:
    known = check is not None and check.total and check.items_read
    return f" {min(99, check.items_read * 100 // check.total)} %" if known else ""
