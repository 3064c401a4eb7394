"""Who gets which e-mail, and when: reports, outcomes, failures and reminders.
News is put into the outbox in the transaction that caused it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN, ModelSelect, fn

from sync import roles
from sync.db import utcnow, writing
from sync.effects import removal_in_words
from sync.jobs import queue
from sync.listing import one_of
from sync.mail import outbox
from sync.mail.letters import (
    Sentence,
    day,
    effects_in_words,
    held_subject,
    moment,
    name_in_line,
    outcome_subject,
    people,
    report_subject,
)
from sync.matching.decisions import unanswered
from sync.models import (
    Account,
    App,
    AppPerson,
    Asset,
    Change,
    Check,
    Directory,
    DirectoryEntry,
    Mail,
    Person,
    Report,
    Task,
)
from sync.names import account_name, asset_name, main_email, name_in_change, name_in_task
from sync.prepared import prepared, prepared_plain
from sync.safety import in_doubt, leaving
from sync.safety.sole_managers import sole_assets
from sync.states import (
    AWAITING_APPROVAL,
    REMOVALS,
    AppManager,
    AppState,
    ChangeDecision,
    ChangeKind,
    PersonStatus,
    Protection,
    TaskKind,
    TaskState,
    WorkspaceRole,
)
from sync.words import plural

LISTED = 20  # names in an e-mail, before "and N more"
UNANSWERED = 5  # service accounts without a responsible person, in an e-mail
TOO_MANY_FAILURES = 3
UNDER_WAY = (TaskState.QUEUED, TaskState.RUNNING)
# The groups of an outcome. Nothing is under way then, so each queued task awaits approval
OUTCOMES = {
    "Not done": (TaskState.FAILED, TaskState.NEEDS_ATTENTION),
    "Awaits approval in the app": (TaskState.QUEUED,),
    "Done": (TaskState.DONE,),
    "No longer needed": (TaskState.NO_LONGER_NEEDED,),
    "Cancelled": (TaskState.CANCELLED,),
}
REMIND_AFTER = timedelta(days=7)


def report_ready(report: Report, known: Iterable[int] = ()) -> list[Mail]:
    """E-mail the Owners what waits for approval in the report, if something in it is new since the last e-mail.

    `known`: accounts that can't be removed yet, as in an earlier report. Where a guard holds some of the changes, the
    e-mail says that instead.
    """
    fresh = _fresh(report.id, Report.get_by_id(report.id).mailed_through, json.dumps(list(known)))
    if not fresh:
        return []
    newest, count = max(newest for _, _, newest in fresh), sum(count for _, count, _ in fresh)
    kind = "held" if ChangeDecision.HELD in {decision for decision, _, _ in fresh} else "report"
    mails = _mail_report(report, kind, f"report-{report.id}-through-{newest}", fresh_count=count)
    _note(report, mailed_through=newest, mailed_at=utcnow())
    return mails


@prepared
def _fresh(report: int, mailed_through: int, known: str) -> ModelSelect:
    """By decision: how many changes are new, and the id of the newest."""
    is_new = Change.protection_reason.is_null() | Change.account.is_null() | ~one_of(Change.account, known)
    fresh = _waiting(report).where(Change.id > mailed_through, is_new)
    counted = fresh.select(Change.decision, fn.COUNT(Change.id), fn.MAX(Change.id))
    return counted.group_by(Change.decision).order_by(Change.decision).tuples()


def report_held(report: Report) -> list[Mail]:
    """A guard holds changes of the report back: the same mail as report_ready writes then."""
    return report_ready(report)


@queue.each_minute
def send_reminders(now: datetime) -> int:
    """Queue a reminder for each report that has waited a week without an e-mail. Returns the number of reports."""
    reminded = 0
    with writing():
        still_open = (
            Report.select(Report, App)
            .join(App)
            .where(Report.is_open, App.state != AppState.DISCONNECTED)
            .order_by(Report.id)
        )
        for report in still_open:
            last_mailed = max(filter(None, (report.created_at, report.mailed_at, report.reminded_at)))
            if now - last_mailed >= REMIND_AFTER:
                reminded += bool(remind(report, now))
    return reminded


def remind(report: Report, now: datetime | None = None) -> list[Mail]:
    """E-mail the Owners that the report still waits. Returns the new e-mails; none if everything in it has been
    decided."""
    now = now or utcnow()
    if not _waiting(report.id).exists():
        return []
    _note(report, reminded_at=now)
    return _mail_report(report, "reminder", f"report-{report.id}-reminder-{now:%Y-%m-%d}")


def _waiting(report: int) -> ModelSelect:
    """What needs someone's decision, and what is protected from one: the Owner should know of both."""
    protected = (
        (Change.decision == ChangeDecision.IGNORED)
        & Change.protection_reason.is_null(False)
        & Change.decided_at.is_null()
    )
    protected &= Change.protection.is_null() | (Change.protection != Protection.KEPT_UNTIL)
    return Change.select().where(Change.report == report, Change.decision.in_(AWAITING_APPROVAL) | protected)


def _note(report: Report, **values: Any) -> None:
    Report.update(**values).where(Report.id == report.id).execute()
    for name, value in values.items():
        setattr(report, name, value)  # the caller may save its own copy of the row later


def _mail_report(report: Report, kind: str, key: str, fresh_count: int = 0) -> list[Mail]:
    app = App.get_by_id(report.app_id)
    mailed_through = Report.get_by_id(report.id).mailed_through
    counted, left = _counted(report.id), leaving.of(report)
    tally, total = _tally(counted), sum(count for _, _, _, count in counted)
    held = sum(count for (_, decision, _), count in tally.items() if decision == ChangeDecision.HELD)
    changes = _listed(report.id, mailed_through)
    alone = sole_assets([change.account_id for change in changes if change.kind in REMOVALS and change.in_app])
    return outbox.put(
        owners_of(app), kind, key, app=app, template="held" if kind == "held" else "report",
        subject=held_subject(app, tally) if held and kind == "held" else report_subject(left, tally, kind),
        changes=[
            _change_row(change, mailed_through if fresh_count else 0, alone.get(change.account_id, []))
            for change in changes
        ],
        more=max(0, total - LISTED), total=total, held=held, users=plural(app.users, "user"), app_name=app.name,
        fresh=fresh_count if mailed_through and fresh_count < total else 0, unanswered=_unanswered(app),
        **_effects(app, tally),
        since=day(report.created_at), reminder=kind == "reminder", link=outbox.link(f"/reports/{report.id}"),
    )


def _effects(app: App, tally: dict[tuple[str, str, bool], int]) -> dict[str, Any]:
    """What a removal from the app does, for the template; nothing where nobody would be removed from it."""
    removes = any(kind in REMOVALS and in_app for kind, _, in_app in tally)
    return {"effects_title": Sentence(f"What a removal does in {name_in_line(app.name)}"),
            "effects": effects_in_words(removal_in_words(app)) if removes else []}


def _unanswered(app: App) -> list[dict[str, str]]:
    """The first service accounts of the app whose responsible person has left."""
    return [{"name": account_name(account), "person": account.person.name} for account in unanswered(app)[:UNANSWERED]]


@prepared
def _listed(report: int, mailed_through: int) -> ModelSelect:
    """Those that an e-mail names."""
    rows = _waiting(report).select(Change, Account, Person)
    rows = rows.join_from(Change, Account, JOIN.LEFT_OUTER).join_from(Account, Person, JOIN.LEFT_OUTER)
    order = (Change.decision == ChangeDecision.HELD).desc(), (Change.id > mailed_through).desc(), Change.id
    return rows.order_by(*order).limit(LISTED)


@prepared
def _counted(report: int) -> ModelSelect:
    columns = (Change.kind, Change.decision, Change.in_app)
    return _waiting(report).select(*columns, fn.COUNT(Change.id)).group_by(*columns).order_by(*columns).tuples()


def _tally(counted: list[tuple]) -> dict[tuple[str, str, bool], int]:
    """(kind, decision, in the app) → how many changes wait, as the report's page counts them: protected ones count
    only where nothing else waits."""
    tally = {(kind, decision, bool(in_app)): count for kind, decision, in_app, count in counted}
    return {key: count for key, count in tally.items() if key[1] in AWAITING_APPROVAL} or tally


def _change_row(change: Change, mailed_through: int, alone: list[Asset]) -> dict[str, Any]:
    account, person = change.account, change.account.person if change.account else None
    name, email = name_in_change(change), account.email if account else (change.detail or {}).get("email", "")
    left = person is not None and person.status == PersonStatus.DEPROVISIONED and change.in_app
    asset = change.asset.name if change.asset_id else ""
    return {
        "name": name,
        "email": email if email != name else "",
        "kind": "" if change.kind == ChangeKind.REMOVED_USER else change.kind,
        "asset": asset if account else "",
        "role": roles.in_words(change),
        "reason": person.status_reason or change.reason if left else change.reason,
        "since": day(person.status_since if left else change.created_at),
        "protection_reason": change.protection_reason or "",
        "alone": ", ".join(asset_name(asset) for asset in alone),
        "fresh": 0 < mailed_through < change.id,
    }


def outcome(report: Report) -> list[Mail]:
    """The outcome of Finish Sync, once every task of the report has ended; again if failed tasks succeed later."""
    if _under_way(report.id):
        return []
    well = f"report-{report.id}-outcome-well-"  # then the last task in it: its time may be that of a clock ahead
    mailed = Mail.select(Mail.key).where(Mail.key.startswith(well)).order_by(Mail.id.desc()).first()
    beyond = int(mailed.key.removeprefix(well).partition("-")[0]) if mailed else 0
    counted = _ended(report.id, beyond)
    if not counted:
        return []
    states = Counter()
    for state, _, count in counted:
        states[state] += count
    [last] = _last_asked(report.id, beyond)
    app, only_removals = App.get_by_id(report.app_id), {kind for _, kind, _ in counted} == {TaskKind.REMOVE}
    failed = states[TaskState.FAILED] + states[TaskState.NEEDS_ATTENTION]
    ended = "failed" if failed else "awaiting" if states[TaskState.QUEUED] else "well"
    left_out = Change.select().where(Change.report == report.id, Change.decision == ChangeDecision.LEFT_OUT)
    return outbox.put(
        owners_of(app), "outcome", f"report-{report.id}-outcome-{ended}-{last.id}", app=app,
        template="outcome", subject=outcome_subject(app, states, failed, only_removals),
        app_name=app.name, failed_count=failed,
        groups=[
            _group(heading, sum(states[state] for state in members), report.id, beyond, members)
            for heading, members in OUTCOMES.items()
        ],
        left_out=left_out.count(), decided_by=last.asked_by, decided_at=moment(last.created_at),
        link=outbox.link(f"/apps/{app.id}/activity" if failed else f"/reports/{report.id}"),  # where one can retry
    )


@prepared_plain
def _under_way(report: int) -> ModelSelect:
    tasks = Task.select(Task.id).where(Task.report == report, Task.state.in_(UNDER_WAY))
    return tasks.where(~Task.where_awaits_approval()).order_by(Task.id).limit(1)


@prepared
def _ended(report: int, beyond: int) -> ModelSelect:
    counted = _asked_since(report, beyond).select(Task.state, Task.kind, fn.COUNT(Task.id))
    return counted.group_by(Task.state, Task.kind).order_by(Task.state, Task.kind).tuples()


@prepared
def _last_asked(report: int, beyond: int) -> ModelSelect:
    return _asked_since(report, beyond).order_by(Task.id.desc()).limit(1)


@prepared
def _tasks(report: int, beyond: int, *, states: tuple[TaskState, ...]) -> ModelSelect:
    shown = _asked_since(report, beyond).select(Task, Account).join_from(Task, Account, JOIN.LEFT_OUTER)
    return shown.where(Task.state.in_(states)).order_by(Task.id).limit(LISTED)


def _asked_since(report: int, beyond: int) -> ModelSelect:
    """The report's tasks beyond the one with this id."""
    return Task.select().where(Task.report == report, Task.id > beyond)


def _group(
    heading: str, count: int, report: int, beyond: int, states: tuple[TaskState, ...]
) -> dict[str, Any]:
    tasks = list(_tasks(report, beyond, states=states)) if count else []
    errors = in_doubt.errors(tasks)
    return {
        "heading": heading, "count": count, "more": max(0, count - LISTED),
        "tasks": [
            {
                "name": name_in_task(task),
                "email": task.account.email if task.account and task.account.email != name_in_task(task) else "",
                "operation": task.kind if task.kind != TaskKind.REMOVE else "",
                "error": errors.get(task.id, ""),
            }
            for task in tasks
        ],
    }


def check_failed(app: App, check: Check) -> list[Mail]:
    """Three checks in a row failed: e-mail the Owners, once until one succeeds. To be called on each failure, after
    App.failures has been counted up."""
    app = App.get_by_id(app.id)
    if app.failures < TOO_MANY_FAILURES:
        return []
    since = app.last_check_at
    return outbox.put(
        owners_of(app), "check failed", f"app-{app.id}-failing-since-{since or 'connected'}", app=app,
        template="check_failed",
        subject=Sentence(f"{name_in_line(app.name)} could not be checked {app.failures} times in a row"),
        app_name=app.name, failures=app.failures, error=check.error or "", advice=check.advice or "",
        last=moment(since) if since else "", link=outbox.link(f"/apps/{app.id}"),
    )


def directory_failed(directory: Directory, error: str) -> list[Mail]:
    """Three readings in a row failed: e-mail the workspace owners, once until one succeeds. To be called on each
    failure, after Directory.failures has been counted up."""
    directory = Directory.get_by_id(directory.id)
    if directory.failures < TOO_MANY_FAILURES:
        return []
    since = directory.last_read_at
    return outbox.put(
        _workspace_owners(), "directory failed",
        f"directory-{directory.id}-failing-since-{since or directory.created_at}",
        template="directory_failed",
        subject=Sentence(f"{name_in_line(directory.name)} could not be read {directory.failures} times in a row"),
        directory_name=directory.name, failures=directory.failures, error=error,
        last=moment(since) if since else "", link=outbox.link("/directories"),
    )


def directory_held(directory: Directory) -> list[Mail]:
    """A guard holds people of a directory who have left or are back: e-mail the workspace owners, once while it holds
    the same people."""
    held = (
        DirectoryEntry.select(DirectoryEntry, Person).join(Person)
        .where(DirectoryEntry.directory == directory.id, DirectoryEntry.is_held)
        .order_by(DirectoryEntry.id)
    )
    entries = list(held)
    back = len({entry.person_id for entry in entries if entry.has_left})
    left, name = len({entry.person_id for entry in entries if not entry.has_left}), name_in_line(directory.name)
    seen = " ".join(f"{entry.id}:{entry.reported_status}:{entry.back_at or entry.left_at}" for entry in entries)
    who = hashlib.sha256(seen.encode()).hexdigest()[:24]
    active = DirectoryEntry.select().where(
        DirectoryEntry.directory == directory.id, DirectoryEntry.status == PersonStatus.ACTIVE
    ).count()
    return outbox.put(
        _workspace_owners(), "directory held", f"directory-{directory.id}-held-{who}", template="directory_held",
        subject=Sentence(
            f"Held: {left:,} of {people(active)} in {name} would count as having left" if left else
            f"Held: {people(back)} who had left {name} would count as back"
        ),
        directory_name=directory.name, left=left, active=plural(active, "active person", "active people"),
        back=plural(back, "person who had left is", "people who had left are") if back else "",
        more=max(0, len(entries) - LISTED),
        people=[
            {"name": entry.person.name or entry.user_name, "email": main_email(entry.person), "reason": entry.reason}
            for entry in entries[:LISTED]
        ],
        link=outbox.link("/directories"),
    )


def owners_of(app: App) -> list[str]:
    """The addresses of the app's Owners who may sign in; of the workspace's owners where there are none."""
    query = Person.select().join(AppPerson).where(
        AppPerson.app == app.id, AppPerson.manages_as == AppManager.OWNER, Person.where_may_sign_in())
    return _addresses(query) or _workspace_owners()


def _workspace_owners() -> list[str]:
    return _addresses(Person.select().where(Person.workspace_role == WorkspaceRole.OWNER, Person.where_may_sign_in()))


def _addresses(people: Iterable[Person]) -> list[str]:
    return sorted({email for person in people if (email := main_email(person))})
