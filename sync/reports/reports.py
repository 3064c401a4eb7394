"""Reports: changes that wait for approval, and what happens at the approval; one open report per app.
A decision that was made in one outlives every later check."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from peewee import SQL, Expression, Field, ModelSelect, fn

from sync import activity
from sync.apps import access
from sync.db import db, utcnow, writing
from sync.groups import still_wanted
from sync.jobs import asking, comparing
from sync.mail import news
from sync.matching import members
from sync.matching.members import ReasonNeeded
from sync.models import Account, App, Change, Person, Report, Task
from sync.names import account_name, name_in_change
from sync.prepared import prepared, prepared_plain
from sync.problems import Problem
from sync.reports import group_changes, mass_updates
from sync.reports.held import hold_what_is_too_many
from sync.safety import leaving, protection
from sync.safety.sole_managers import Choices
from sync.states import (
    ADJUSTMENTS,
    BY_RULES,
    REMOVALS,
    UPDATES,
    AccountState,
    ChangeDecision,
    ChangeKind,
    CheckTrigger,
    ReportState,
    TaskKind,
)
from sync.tasks import still_to_remove, succession, tasks
from sync.words import plural, reason_given

CONFIRM, HELD, IGNORED = ChangeDecision.NEEDS_CONFIRMATION, ChangeDecision.HELD, ChangeDecision.IGNORED
LEFT_OUT, CONFIRMED, APPLIED = ChangeDecision.LEFT_OUT, ChangeDecision.CONFIRMED, ChangeDecision.APPLIED
UNDECIDED = (CONFIRM, HELD, IGNORED, LEFT_OUT)
NOT_APPLIED = SQL(f"t1.decision <> '{APPLIED}'")  # as the index of these says it


class ReportProblem(Problem):
    """The report can't be changed like this. Nothing was changed. The text is for the page."""


class ReportChanged(ReportProblem):
    """A check or another Owner changed the report after the page was shown: look again."""


class ReportHeld(ReportProblem):
    """A guard holds it: an Owner must release it first."""


def open_report(app: App) -> Report | None:
    return next(iter(_open(app)), None)


@prepared
def _open(app: App) -> ModelSelect:
    return Report.select().where(Report.app == app, Report.is_open).limit(1)


def leave_out(change: Change, reason: str, by: str) -> None:
    """Leave this change out, with the reason; later checks do the same until that is undone. Raises ReportProblem."""
    reason = reason_given(reason)
    if not reason:
        raise ReportProblem("Enter why this person keeps the account: the reason is shown beside it from now on.")
    with writing():
        change = _undecided(change, CONFIRM, HELD, LEFT_OUT)
        if change.kind in UPDATES:
            raise ReportProblem("One of many updates can't be left out: release them all, or dismiss the report.")
        _leave_out(change, reason, by)
        _touch(change.report)


def _leave_out(change: Change, reason: str, by: str) -> None:
    now = utcnow()
    Change.update(decision=LEFT_OUT, decided_by=by, decided_at=now).where(Change.id == change.id).execute()
    if change.kind in ADJUSTMENTS:
        group_changes.leave_out(change, reason, by)
    elif change.account_id and change.in_app:
        decided = {"left_out_reason": reason, "left_out_by": by, "left_out_at": now}
        Account.update(left_out_person=Account.person, **decided).where(Account.id == change.account_id).execute()
    activity.record(by, "left out", about=name_in_change(change), why=reason, app=change.app_id,
                    report=change.report_id, person=change.person_id or (change.account and change.account.person_id))


def take_back(change: Change, by: str) -> None:
    """Put a change that was left out back into the report: it waits for approval again."""
    with writing():
        change = _undecided(change, LEFT_OUT)
        _take_back(change, by)
        hold_what_is_too_many(change.report)
        _touch(change.report)


def _take_back(change: Change, by: str) -> None:
    released = change.report.released_at is not None and change.created_at <= change.report.released_at
    decision = CONFIRM if change.in_app or released else HELD
    Change.update(decision=decision, decided_by=None, decided_at=None).where(Change.id == change.id).execute()
    if change.kind in ADJUSTMENTS:
        group_changes.take_back(change)
        activity.record(by, "took back leaving out", about=name_in_change(change), why=change.reason, app=change.app_id,
                        person=change.person_id or change.account.person_id)
    elif change.account_id:
        undo_leaving_out(change.account, by)


def undo_leaving_out(account: Account, by: str) -> None:
    """Delete the decision to leave the account out, so that the next check reports it again."""
    with writing():
        nothing = {"left_out_reason": None, "left_out_by": None, "left_out_at": None, "left_out_person": None}
        Account.update(nothing).where(Account.id == account.id).execute()
        activity.record(by, "took back leaving out", about=account_name(account), app=account.app_id,
                        person=account.person_id)


def _undecided(change: Change, *decisions: str) -> Change:
    change = Change.get_by_id(change.id)
    if change.report is None or change.report.state != ReportState.OPEN or change.decision not in decisions:
        raise ReportChanged("This was decided, or is no longer in the report. Nothing was changed: look again.")
    return change


def _touch(report: Report) -> None:
    report.version += 1
    count(report)


def count(report: Report) -> None:
    """Bring the numbers on the report's row up to date."""
    report.counts = dict(_of_each_kind(report))  # of very many rows, answered by an index
    waiting = dict(_not_applied(report)) if report.is_open else {}
    report.held = waiting.get(HELD, 0)
    report.waiting = waiting.get(CONFIRM, 0) + report.held
    report.save()


@prepared_plain
def _of_each_kind(report: Report) -> ModelSelect:
    return _numbers(Change.report == report, Change.kind)


@prepared_plain
def _not_applied(report: Report) -> ModelSelect:
    return _numbers((Change.report == report) & NOT_APPLIED, Change.decision)


def _numbers(which: Expression, by: Field) -> ModelSelect:
    return Change.select(by, fn.COUNT(SQL("*"))).where(which).group_by(by)


def release(report: Report, by: str, version: int | None = None, only: str = "") -> int:
    """Release a held mass change as it was reviewed: it now waits for confirmation like any other. Roles and profiles
    change only in Rollcall, so they are updated at once, and a check looks at what follows from that.

    `version` is that of the page; `only` is "updates" for roles and profiles alone, or "others". The number of updates.
    Raises ReportProblem, and ReportChanged when more may be held by now.
    """
    with writing():
        report = _as_it_was_seen(report, version)
        updates = mass_updates.release(report, by) if only != "others" else 0
        others = _release_others(report, by) if only != "updates" else 0
        if not updates + others:
            raise ReportProblem("Nothing in this report is held.")
        if updates:
            asking.ask_soon(report.app, by, CheckTrigger.RELEASE)
        if not Change.select().where(Change.report == report, Change.decision.in_((CONFIRM, HELD))).exists():
            _close(report, ReportState.APPLIED, by)
            return updates
        _touch(report)
        return updates


def _release_others(report: Report, by: str) -> int:
    held = Change.select().where(
        Change.report == report, Change.decision == HELD, Change.kind.not_in(UPDATES)
    )
    number = held.count()
    if number:
        Change.update(decision=CONFIRM).where(Change.id.in_(held.select(Change.id))).execute()
        report.released_at = utcnow()
        activity.record(by, "released mass change", about=plural(number, "change"), app=report.app_id, report=report)
    return number


def dismiss(report: Report, by: str, reason: str, version: int | None = None) -> None:
    """Nobody in it is removed, nor asked about again: each counts as left out with this reason.

    `version` is that of the page. Raises ReasonNeeded for an empty reason, ReportProblem for a report that is already
    decided, and ReportChanged when it may have more people in it by now. Accounts that the app no longer lists don't
    change; the next check finds them missing, and reports them again.
    """
    reason = reason_given(reason)
    if not reason:
        raise ReasonNeeded("Enter a reason: it is shown beside each of them from now on.")
    with writing():
        report = _still_open(report, version)
        undecided = Change.select().where(Change.report == report, Change.decision.in_((CONFIRM, HELD)))
        with activity.gathered():
            for change in list(undecided.order_by(Change.id)):
                _leave_out(change, reason, by)  # of an update, only in this report: the app still says so
        _close(report, ReportState.DISMISSED, by)
        activity.record(by, "dismissed report", about=f"report {report.id}", why=reason, app=report.app_id,
                        report=report)


def _still_open(report: Report, version: int | None) -> Report:
    report = Report.get_by_id(report.id)
    if report.state != ReportState.OPEN:
        raise ReportProblem(f"This report is already {report.state}. Nothing was changed.")
    if version is not None and version != report.version:
        raise ReportChanged("A check or another Owner changed this report while you looked at it. Look at it again.")
    return report


def close_or_touch(report: Report, by: str) -> None:
    """After something in it was decided: closed where nothing in it waits any longer."""
    if leaving.has_open(report):
        _touch(report)
    else:
        _close(report, ReportState.APPLIED, by)


def _close(report: Report, state: str, by: str) -> None:
    now = utcnow()
    if _stuck(report.id):
        comparing.app(report.app_id)  # those who couldn't be removed stay an open question, in the next report
    Change.update(decided_by=by, decided_at=now).where(
        Change.report == report, Change.decision == IGNORED, Change.decided_at.is_null()
    ).execute()
    report.state, report.decided_at, report.decided_by = state, now, by
    report.version += 1
    count(report)


@prepared_plain
def _stuck(report: int) -> ModelSelect:
    return Change.select(Change.id).where(Change.report == report, leaving.IS_STUCK).order_by(Change.id).limit(1)


@dataclass(frozen=True)
class Finish:
    """What Finish Sync did. `already` is True when it had been pressed before: nothing happened twice."""

    report: Report
    tasks: list[Task]
    already: bool = False


def finish(report: Report, by: str, version: int | None = None, left_out: dict[int, str] | None = None,
           only: set[int] | None = None, taken_back: set[int] | None = None, undecided: Collection[int] = (),
           hand_overs: Choices | None = None) -> Finish:  # fmt: skip
    """Approve: everyone confirmed leaves the app in Rollcall, and a task for each removes the account in the app.

    `version` is that of the page on which it was pressed. `left_out` maps the ids of changes to reasons and
    `taken_back` holds other ids, both as a form showed them: a change that is already left out for that reason, or
    one of `taken_back` that isn't left out, is unchanged. `only` limits the approval to these ids, and it doesn't
    cover those `undecided`; other changes stay open. `hand_overs`: what becomes of assets whose only manager leaves.
    Raises NeedsSuccessor where that is missing, SuccessorProblem, ReportChanged, ReportHeld or ReportProblem.
    """
    if taken_back:
        version = _take_back_all(report, taken_back, by, version)
    with writing():
        report = Report.get_by_id(report.id)
        if report.state == ReportState.APPLIED:
            return Finish(report, tasks.of_report(report), already=True)
        report = _as_it_was_seen(report, version)
        newly_left_out = _leave_out_all(report, left_out or {}, by)
        with activity.gathered():
            confirmed, made = _carry_out_confirmed(report, by, only, undecided)
        made = [*succession.arrange(report.app, made, hand_overs or {}, by, report), *made]
        if not confirmed and Change.select().where(Change.report == report, Change.decision == HELD).exists():
            raise ReportHeld("A guard holds these changes because so many at once look wrong. Release them first.")
        if not confirmed + newly_left_out and undecided:
            raise ReportProblem("Nobody is selected. Nothing was changed. Choose a successor, or leave someone out.")
        rest = Change.select().where(Change.report == report, Change.decision.in_((CONFIRM, HELD)))
        if not rest.exists():
            _close(report, ReportState.APPLIED, by)
        else:
            _touch(report)
        activity.record(by, "finished sync", about=f"report {report.id}", app=report.app_id, report=report,
                        after=f"{confirmed} approved, {newly_left_out} left out")
        members.recount(report.app)
        news.outcome(report)
        for task in made:
            tasks.wake(task.id)
        return Finish(report, made)


def _as_it_was_seen(report: Report, version: int | None) -> Report:
    report = _still_open(report, version)
    if report.app.is_disconnected:
        raise ReportProblem(f"{report.app.name} is disconnected, so nothing can be done in it. Nothing was changed. "
                            "Once it is connected again, a check reports who has left.")
    return report


def _take_back_all(report: Report, change_ids: set[int], by: str, version: int | None) -> int | None:
    """In a transaction of its own: where that makes a mass, it is then held and can be released. The version since."""
    with writing():
        report = Report.get_by_id(report.id)
        if report.state == ReportState.APPLIED:
            return version
        report = _as_it_was_seen(report, version)
        mine = Change.select().where(Change.report == report, Change.decision == LEFT_OUT, Change.id.in_(change_ids))
        if not (left_out := list(mine.order_by(Change.id))):
            return version
        for change in left_out:
            _take_back(change, by)
        hold_what_is_too_many(report)
        _touch(report)
        return report.version


def _leave_out_all(report: Report, left_out: dict[int, str], by: str) -> int:
    """How many of them weren't yet left out for that reason."""
    known = list(Change.select().where(Change.report == report, Change.decision == LEFT_OUT))
    reasons = {change_id: reason for change_id, (reason, *_) in group_changes.reasons(known).items()}
    given = {change_id: reason_given(reason) for change_id, reason in left_out.items()}
    new = {change_id: reason for change_id, reason in given.items() if reasons.get(change_id) != reason}
    for change_id, reason in new.items():
        change = Change.get_or_none(Change.id == change_id, Change.report == report)
        if change is None or change.decision not in (CONFIRM, HELD, LEFT_OUT) or change.kind in UPDATES:
            raise ReportChanged("Someone you left out is no longer in this report. Look at it again.")
        if not reason:
            kept = "is left out" if change.kind in ADJUSTMENTS else "keeps the account"
            why = f"Enter why {name_in_change(change)} {kept}"
            raise ReportProblem(f"{why}: the reason is shown beside it from now on.")
        _leave_out(change, reason, by)
    return len(new)


def _carry_out_confirmed(report: Report, by: str, only: set[int] | None, undecided: Collection[int]
                         ) -> tuple[int, list[Task]]:  # fmt: skip
    """One by one, so that each sees the effect of those before it: changes that are no longer valid are dropped."""
    waiting = (
        Change.select(Change, Account, Person)
        .left_outer_join(Account)
        .left_outer_join(Person)
        .where(Change.report == report, Change.decision == CONFIRM, Change.id.not_in(list(undecided)))
        .order_by(Change.id)
    )
    if only is not None:
        waiting = waiting.where(Change.id.in_(only))
    confirmed, made, found = 0, [], list(waiting)
    protected = protection.of_each(report.app, [change.account_id for change in found if change.account_id])
    for change in found:
        change.report, change.app = report, report.app
        if change.account:
            change.account.app = report.app
        by_rules = change.kind in BY_RULES
        if change.in_app and (why := _no_longer_holds(change)):
            Change.update(decision=IGNORED, reason=why, report=None).where(Change.id == change.id).execute()
        elif change.in_app and (why := still_wanted.protected(change) if by_rules else protected(change.account)):
            Change.update(decision=IGNORED, protection=why.code, protection_reason=why.words).where(
                Change.id == change.id).execute()  # fmt: skip
        else:
            change.decision, change.decided_by, change.decided_at = CONFIRMED, by, utcnow()
            change.save(only=[Change.decision, Change.decided_by, Change.decided_at])
            confirmed += 1
            if task := _carry_out(change, by):
                made.append(task)
    return confirmed, made


def _no_longer_holds(change: Change) -> str | None:
    if change.kind in BY_RULES:
        return still_wanted.no_longer_holds(change)
    if change.account.state != AccountState.PRESENT:
        return "No longer in the app"
    return still_to_remove.no_longer_theirs(change.account, change)


def _carry_out(change: Change, by: str) -> Task | None:
    """Update Rollcall at once; the task that updates the app, where the app has something to update."""
    if change.kind in ADJUSTMENTS:
        return group_changes.carry_out(change, by)
    if change.kind == ChangeKind.REMOVED_ASSET:
        access.drop_asset(change.asset_id)
    elif change.kind == ChangeKind.REVOKED_ACCESS:
        access.drop(change.account_id, change.asset_id)
    elif change.kind in REMOVALS and not change.in_app:
        Account.update(state=AccountState.GONE, gone_at=utcnow()).where(Account.id == change.account_id).execute()
        db.execute_sql("DELETE FROM access WHERE account_id = ?", (change.account_id,))
    elif change.kind in REMOVALS:
        Account.update(state=AccountState.REMOVING).where(Account.id == change.account_id).execute()
        activity.record(by, "confirmed removal", about=name_in_change(change), why=change.reason, before=change.before,
                        app=change.app_id, person=change.account.person_id, report=change.report_id)
        return tasks.add(change.app, TaskKind.REMOVE, change.account, by, report=change.report, change=change)
    activity.record(by, f"confirmed {change.kind}", about=name_in_change(change), why=change.reason,
                    before=change.before, app=change.app_id, report=change.report_id)
    return None
