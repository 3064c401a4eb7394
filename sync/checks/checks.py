"""One check from start to end: read the whole app, look again for missing accounts, apply, report.
The row is the truth: a check that fails says why and changes nothing else; one whose worker died starts again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from peewee import ModelSelect

from connectors.base import LOOK_UP, Connector, NotRead, PartsUnread, RateLimited, TemporarilyUnavailable
from sync import activity, faults
from sync.apps import answer_cache, apps, assets, automation_account, failures, kinds, look_ups, spaces
from sync.checks import another_space, compare, known_items, listed, not_read, snapshot
from sync.checks.counted import COUNTED, IN_WORDS
from sync.db import connected, db, own_row, utcnow, writing
from sync.directory import freshness
from sync.groups import assignments
from sync.jobs import asking, daily, leases, queue, retries
from sync.mail import news
from sync.matching import members
from sync.matching import rules as match_rules
from sync.models import Account, App, Change, Check, Report
from sync.names import account_name, name_in_change
from sync.prepared import prepared
from sync.problems import UnusableReading
from sync.reports import mass_updates, merge, policy
from sync.safety import guards, lost_fields, old_files, wanted
from sync.search import index
from sync.states import ChangeDecision, CheckPhase, CheckState, CheckTrigger
from sync.tasks import invitations, settle
from sync.words import plural
from sync.workspace import workspace

LIMIT = timedelta(hours=1)  # for one check, reading and waiting included
# How old a directory may be.
FRESH = {
    CheckTrigger.HAND: timedelta(0), CheckTrigger.CONNECT: timedelta(0), CheckTrigger.DAILY: timedelta(minutes=15),
}  # fmt: skip
LONGEST_WAIT = 60  # seconds that a check waits for a rate limit before it pauses
SAMPLE = 100  # looked for one by one when so many are missing that a guard holds them anyway
ENTRIES = 200  # above this many changes, Activity has their number and the report their names


class Cancelled(Exception):
    """Someone asked the check to stop."""


class Replaced(Exception):
    """Someone replaced the app's credential or settings while it was read with the old ones."""


@queue.runs("check")
def run(check_id: int) -> None:
    """Do one check if it is due and nobody else does it; every outcome is written to its row."""
    with connected():
        if not leases.claim(Check, check_id):
            return
        work = _Work(check_id)
        try:
            with faults.named():
                work.read_and_apply()
        except faults.OwnFault:
            raise
        except Replaced:
            work.begin_again()
        except Cancelled:
            work.end(CheckState.CANCELLED, "The check was cancelled. Nothing was changed.")
        except Exception as problem:
            met = failures.in_app(work.app, problem)
            work.fail(met)
            if met.unexpected:
                raise
        else:
            policy.finish_by_policy(App.get_by_id(work.app.id))


class _Work:
    """One run of a check: its rows, its clock and its progress."""

    def __init__(self, check_id: int):
        self.check = Check.get_by_id(check_id)
        self.app = self.check.app
        self.started = utcnow()
        self.written_at = 0.0
        self.total: int | None = None
        self.warnings: list[str] = []
        self.accounts = 0
        self.absent_once: list[int] = []
        self.unread: list[NotRead] = []
        self.file_from: datetime | None = None

    def read_and_apply(self) -> None:
        self.progress(CheckPhase.DIRECTORY, 0)
        fresh = FRESH.get(self.check.trigger, FRESH[CheckTrigger.DAILY])
        self.warnings += freshness.read_if_older(fresh, self.check.started_by)
        connector = apps.connector_for(self.app, self.on_total)
        connector.memory = self.memory = answer_cache.AnswersOf(self.app)
        try:
            with apps.reaching(self.app), snapshot.staging():
                self.warnings += automation_account.note(self.app, self.patiently(connector.test))
                by_item = connector.reads_item_by_item and self.app.has_accounts  # nothing is known at a first reading
                self.known = known_items.KnownItems(self.app, connector) if by_item else None
                self.accounts = self.patiently(lambda: self.read(connector))
                self.unread = assets.that_matter(self.app, connector.not_read)
                self.warnings += not_read.keep_known(self.app, self.unread)
                self.warnings += lost_fields.find(self.app)
                held_gone = self.look_again_for_missing(connector)
                self.progress(CheckPhase.COMPARING, self.accounts, at_once=True)
                self.file_from = connector.file_from
                self.apply(connector.removal_suspends, held_gone, min(self.started, connector.as_of or self.started))
        finally:
            connector.close()

    def on_total(self, total: int) -> None:
        self.total = total

    def progress(self, phase: str, read: int, at_once: bool = False) -> None:
        """Store how far the check is, at most twice a second. Raises if someone asked it to stop or its time is up."""
        if phase != self.check.phase:
            self.total = None if read == 0 else self.total
        elif not at_once and time.monotonic() - self.written_at < 0.5:
            return
        self.written_at = time.monotonic()
        self.check.phase = phase
        values = {"id": self.check.id, "me": leases.me(), "phase": phase, "items_read": read, "total": self.total,
                  "until": str(utcnow() + leases.LEASE),
                  "started": str(self.check.started_at or self.started)}  # fmt: skip
        with own_row():
            mine = db.execute_sql(_PROGRESS, values).fetchall()
        if mine != [(False,)]:
            raise Cancelled
        if utcnow() - self.started > LIMIT:
            raise TemporarilyUnavailable("The app was not read to the end within an hour.")

    def patiently(self, ask: Callable[[], Any]) -> Any:
        """The app's answer. Retries a passing fault a moment later, and waits for a short rate limit.

        An app that stays silent has kept a worker waiting for a minute: it is asked again with the next attempt.
        """
        tries = 0
        while True:
            try:
                return ask()
            except TemporarilyUnavailable as problem:
                wait, tries = retries.WITHIN_CHECK.after(tries), tries + 1
                if wait is None or problem.silent:
                    raise
                self.wait(wait.total_seconds())
            except RateLimited as problem:
                if problem.retry_after > LONGEST_WAIT:
                    raise
                self.wait(problem.retry_after)

    def read(self, connector: Connector) -> int:
        """Read the whole app; return the number of accounts."""
        left = self.started + LIMIT - utcnow()
        accounts = snapshot.read(self.app, connector, self.progress, left, self.known)
        if accounts == 0 and Account.present(self.app).exists():
            raise failures.IncompleteReading(
                "The app answered with an empty list, although it had accounts before. The list was rejected."
            )
        return accounts

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(1, left))
            self.progress(self.check.phase, 0)

    def look_again_for_missing(self, connector: Connector) -> list[int]:
        """Rule 3. Stages the accounts that a second look finds, and as gone those that are absent twice. Returns the
        ids of those that a guard holds."""
        missing = compare.missing(self.app)
        if self.unread:
            self.warnings += not_read.nobody_is_gone(len(missing))
        if self.unread or not missing:
            return []
        guard = guards.guard_of(self.app)
        users = guards.present_up_to(self.app, guard.enough(len(missing)))
        mass = guard.holds_without_approval(len(missing), users)
        found = set()
        if LOOK_UP in connector.capabilities:
            looked_for = missing[:SAMPLE] if mass else missing
            found = {row for row, external_id in looked_for if self.is_there_after_all(connector, external_id)}
        if mass and found:
            raise failures.IncompleteReading(
                f"{plural(len(missing), 'account is', 'accounts are')} missing from the app's list, but some of them "
                "still exist: the list is incomplete."
            )
        if mass:
            return [row for row, _ in missing]
        gone = [row for row, _ in missing if row not in found]
        if LOOK_UP not in connector.capabilities or gone and not self.finds_others(connector, gone[0]):
            gone, self.absent_once = self.absent_twice(gone)
        db.executemany("INSERT INTO staged_gone VALUES (?)", [(row,) for row in gone])
        return []

    def is_there_after_all(self, connector: Connector, external_id: str) -> bool:
        self.progress(CheckPhase.ACCOUNTS, self.accounts)
        try:
            account = connector.account(external_id)
        except PartsUnread as problem:
            if assets.that_matter(self.app, problem.parts):
                raise
            account = None
        if account is not None:
            if account.id != external_id:
                raise UnusableReading(f"the app returned the account {account.id!r} when asked for {external_id!r}")
            listed.stage_account(account)
            self.warnings.append(f"The app's list left out {account_name(account)}, who is still there.")
        return account is not None

    def finds_others(self, connector: Connector, gone: int) -> bool:
        """Whether the app finds accounts beside this one by id, where its list has any."""
        beside = compare.listed_beside(gone)
        finds = not beside or look_ups.finds_any(connector, beside)
        if not finds:
            self.warnings.append("The app finds nobody by id, not even accounts of its list. So an account counts as "
                                 "gone only if two checks miss it.")  # fmt: skip
        return finds

    def absent_twice(self, missing: list[int]) -> tuple[list[int], list[int]]:
        """(missing before too, missing for the first time): for apps that can't be asked for one account."""
        before = Account.select(Account.id).where(Account.app == self.app, Account.missing_since.is_null(False))
        twice = {row.id for row in before}
        return [row for row in missing if row in twice], [row for row in missing if row not in twice]

    def apply(self, removal_suspends: bool, held_gone: list[int], began: datetime) -> None:
        """Everything the check found in the app as it was at `began`, its report and its end: one transaction."""
        with writing():
            if not leases.holds(self.check, unless_cancelled=True):
                raise Cancelled
            if not App.get_by_id(self.app.id).is_reached_as(self.app):
                raise Replaced
            App.update(removal_suspends=removal_suspends, compare_at=None).where(App.id == self.app.id).execute()
            app = App.get_by_id(self.app.id)
            is_elsewhere = spaces.is_read_elsewhere(app, kinds.kind_of(app))
            if is_elsewhere:
                self.warnings += another_space.ask_again(app)
            same = another_space.PROVEN if is_elsewhere else None  # None: all
            lost_fields.keep_known_values(app, same)
            settle.bring_into_reading(app, began)
            new = compare.apply_accounts(app, removal_suspends, began, same)
            if app.last_check_at is None and (before := apps.predecessor(app)):
                members.inherit(app, before)
            wanted.want_nothing()
            mass_updates.want()
            if held_gone:
                wanted.want_gone(app, held_gone)
            compare.note_missing(app, self.absent_once)
            compare.apply_gone(app)
            compare.apply_assets(app, new)
            self.apply_lost(app)
            match_rules.match_chosen(app)
            found = compare.found_counts(new)
            invitations.look_for(app)
            wanted.want_leavers(app)
            assignments.want(app, removal_suspends)
            self.memory.save(app)
            if self.known:
                self.known.save()
            became = merge.bring_up_to_date(app, self.check, new)
            self.succeed(app, became.report, found)

    def apply_lost(self, app: App) -> None:
        guard = guards.guard_of(app)
        assets, of = compare.lost_assets(app)
        if guard.holds_without_approval(len(assets), of):
            wanted.want_lost_assets(assets)
        else:
            compare.remove_assets(assets)
        access, of = compare.lost_access(app)
        if guard.holds_without_approval(len(access), of):
            wanted.want_lost_access(access)
        else:
            compare.remove_access(access)

    def succeed(self, app: App, report: Report, found: dict[str, int]) -> None:
        now = utcnow()
        counts = dict(found)
        for kind, number in wanted.wanted_counts().items():
            counts[kind] = counts.get(kind, 0) + number
        counts = {name: sum(counts.get(kind, 0) for kind in kinds) for name, kinds in COUNTED.items()}
        activity.record_all([
            *self.entries_of_changes(app, report, found),
            dict(who=self.check.started_by, what="check succeeded", about=app.name, app_id=app.id, report_id=report.id,
                 after=_in_words(self.accounts, counts, report), why=" ".join(self.warnings)),
        ])  # fmt: skip
        self.write(
            state=CheckState.SUCCEEDED, finished_at=now, accounts=self.accounts, counts=counts,
            applied=sum(found.values()), waiting=report.waiting - report.held,
            held=report.held, report=report, error=None, advice=None,
            warning=" ".join(self.warnings) or None,
        )  # fmt: skip
        file = old_files.noted(self.file_from, app, now)
        here = spaces.space(kinds.kind_of(app), app.settings)
        App.update(last_check_at=now, read_in=here, **file, **failures.cleared()).where(App.id == app.id).execute()
        lost_fields.clear(app)
        members.recount(app)
        index.bring_up_soon(sum(found.values()))

    def entries_of_changes(self, app: App, report: Report, found: dict[str, int]) -> list[dict]:
        """For Activity, where they are few."""
        if not found or sum(found.values()) > ENTRIES:
            return []
        return [
            dict(who="Rollcall", what=change.kind, about=name_in_change(change), before=change.before,
                 after=change.after, why=change.reason, app_id=app.id, report_id=report.id,
                 person_id=change.account and change.account.person_id)
            for change in _applied(report.id, self.check.id)
        ]  # fmt: skip

    def begin_again(self) -> None:
        """Nothing was changed: another worker reads the app with the credential and settings of now."""
        with writing():
            if self.write(state=CheckState.QUEUED, next_at=utcnow()):
                queue.wake("check", self.check.id)

    def fail(self, met: failures.Met) -> None:
        """Record why; nothing else is changed. If nobody waits for the check, a passing fault is retried later."""
        wait = retries.CHECK.after(self.check.attempts)
        is_waited_for = CheckTrigger(self.check.trigger).is_waited_for
        if met.passing and not is_waited_for and wait is not None:
            with writing():
                self.write(state=CheckState.QUEUED, next_at=utcnow() + wait, attempts=self.check.attempts + 1,
                           error=met.words)  # fmt: skip
            return
        with writing():
            in_a_row = App.select(App.failures).where(App.id == self.app.id).scalar() + 1
            failures.note(self.app, met, failures=in_a_row)
            self.end(CheckState.FAILED, met.words, met.advice)
            if in_a_row == failures.MANY:
                news.check_failed(App.get_by_id(self.app.id), Check.get_by_id(self.check.id))

    def end(self, state: str, error: str, advice: str | None = None) -> None:
        with writing():
            if self.write(state=state, error=error, advice=advice, finished_at=utcnow()):
                activity.record(self.check.started_by, f"check {state}", about=self.app.name, why=error, app=self.app)

    def write(self, **values: object) -> bool:
        return leases.finish(self.check, **values)


# No row where another worker has it, else whether someone has asked the check to stop.
_PROGRESS = """
    UPDATE app_check SET phase = :phase, items_read = :items_read, total = :total, lease_until = :until,
        started_at = :started
    WHERE id = :id AND lease_owner = :me RETURNING cancel_asked
"""


@prepared
def _applied(report_id: int, check_id: int) -> ModelSelect:
    """What Activity says of the changes that the check has applied."""
    return (
        Change.select(Change.kind, Change.before, Change.after, Change.reason, Change.person, Change.asset,
                      Change.detail, Account.name, Account.email, Account.external_id, Account.person)
        .left_outer_join(Account)
        .where(Change.report == report_id, Change.found_by == check_id, Change.decision == ChangeDecision.APPLIED)
        .order_by(Change.id)
    )  # fmt: skip


def _in_words(accounts: int, counts: dict[str, int], report: Report) -> str:
    parts = [plural(number, *IN_WORDS[name]) for name, number in counts.items() if number]
    waits = f"; {report.waiting:,} to approve" if report.is_open and report.waiting else ""
    return f"{plural(accounts, 'account')}; {', '.join(parts) or 'nothing new'}{waits}"


@queue.each_minute
def start_due(now: datetime) -> int:
    """Start the daily checks that are due, each once however many days were missed; how many."""
    started, zone = 0, workspace().zone
    # As a list: while a SELECT is open, the queue's own write makes its snapshot stale, and no transaction can begin.
    are_due = App.select().where(App.is_active, App.checked_daily, App.next_check_at <= now)
    for app in list(are_due.order_by(App.next_check_at, App.id)):
        with writing():
            due = daily.next_time(now, app.check_minute, zone)
            claimed = App.update(next_check_at=due, last_due_at=app.next_check_at).where(
                App.id == app.id, App.next_check_at == app.next_check_at)
            if claimed.execute():
                asking.ask(app, "schedule", CheckTrigger.DAILY)
                started += 1
    return started
