"""Who gets which e-mail, and when: reports, outcomes, failures and reminders.
News is put into the outbox in the transaction that caused it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN, ModelSelect, fn

from sync import roles
from sync.db import utcnow, writing
from sync.effects import removal_in_words
from sync.jobs import queue
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
from sync.safety import leaving
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
REMIND_AFTER = timedelta(days=7)

def report_ready(report: Report, known: Iterable[int] = ()) -> list[Mail]:
    """E-mail the Owners what waits for approval in the report, if something in it is new since the last e-mail.

    `known`: accounts that can't be removed yet, as in an earlier report. Where a guard holds some of the changes, the
    e-mail says that instead.
    """
    fresh = _waiting(report).where(Change.id > Report.get_by_id(report.id).mailed_through)
    is_new = Change.protection_reason.is_null() | Change.account.is_null() | Change.account.not_in(list(known))
    fresh = fresh.where(is_new)
    news = dict(fresh.select(Change.decision, fn.COUNT(Change.id)).group_by(Change.decision).tuples())
    if not news:
        return []
    newest = fresh.select(fn.MAX(Change.id)).scalar()
    kind = "held" if ChangeDecision.HELD in news else "report"
    mails = _mail_report(report, kind, f"report-{report.id}-through-{newest}", fresh_count=sum(news.values()))
    _note(report, mailed_through=newest, mailed_at=utcnow())
    return mails


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
    if not _waiting(report).exists():
        return []
    _note(report, reminded_at=now)
    return _mail_report(report, "reminder", f"report-{report.id}-reminder-{now:%Y-%m-%d}")


def _waiting(report: Report):
    """What needs someone's decision, and what is protected from one: the Owner should know of both."""
    protected = (
        (Change.decision == ChangeDecision.IGNORED)
        & Change.protection_reason.is_null(False)
        & Change.decided_at.is_null()
    )
    protected &= Change.protection.is_null() | (Change.protection != Protection.KEPT_UNTIL)
    return Change.select().where(Change.report == report.id, Change.decision.in_(AWAITING_APPROVAL) | protected)


def _note(report: Report, **values: Any) -> None:
    Report.update(**values).where(Report.id == report.id).execute()
    for name, value in values.items():
        setattr(report, name, value)  # the caller may save its own copy of the row later


def _mail_report(report: Report, kind: str, key: str, fresh_count: int = 0) -> list[Mail]:
    app = App.get_by_id(report.app_id)
    mailed_through = Report.get_by_id(report.id).mailed_through
    tally, left = _tally(report), leaving.of(report)
    total = _waiting(report).count()
    rows = (
        _waiting(report)
        .select(Change, Account, Person)
        .join_from(Change, Account, JOIN.LEFT_OUTER)
        .join_from(Account, Person, JOIN.LEFT_OUTER)
        .order_by((Change.decision == ChangeDecision.HELD).desc(), (Change.id > mailed_through).desc(), Change.id)
        .limit(LISTED)
    )
    held = sum(count for (_, decision, _), count in tally.items() if decision == ChangeDecision.HELD)
    changes = list(rows)
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


def _tally(report: Report) -> dict[tuple[str, str, bool], int]:
    """(kind, decision, in the app) → how many changes wait, as the report's page counts them: protected ones count
    only where nothing else waits."""
    columns = (Change.kind, Change.decision, Change.in_app)
    counted = _waiting(report).select(*columns, fn.COUNT(Change.id)).group_by(*columns).tuples()
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
    tasks = Task.select().where(Task.report == report.id)
    if tasks.where(Task.state.in_(UNDER_WAY), ~Task.where_awaits_approval()).exists():
        return []
    mailed_well = Mail.select(Mail.created_at).where(Mail.key.startswith(f"report-{report.id}-outcome-well-"))
    if last := mailed_well.order_by(Mail.id.desc()).first():
        tasks = tasks.where(Task.created_at > last.created_at)
    last = tasks.order_by(Task.id.desc()).first()
    if last is None:
        return []
    states = dict(tasks.select(Task.state, fn.COUNT(Task.id)).group_by(Task.state).tuples())
    app, only_removals = App.get_by_id(report.app_id), not tasks.where(Task.kind != TaskKind.REMOVE).exists()
    failed = sum(states.get(state, 0) for state in (TaskState.FAILED, TaskState.NEEDS_ATTENTION))
    awaiting = tasks.where(Task.where_awaits_approval())
    ended = "failed" if failed else "awaiting" if awaiting.exists() else "well"
    left_out = Change.select().where(Change.report == report.id, Change.decision == ChangeDecision.LEFT_OUT)
    return outbox.put(
        owners_of(app), "outcome", f"report-{report.id}-outcome-{ended}-{last.id}", app=app,
        template="outcome", subject=outcome_subject(app, states, failed, only_removals),
        app_name=app.name, failed_count=failed,
        groups=[
            _task_rows("Failed", tasks.where(Task.state.in_((TaskState.FAILED, TaskState.NEEDS_ATTENTION)))),
            _task_rows("Awaits approval in the app", awaiting),
            _task_rows("Done", tasks.where(Task.state == TaskState.DONE)),
            _task_rows("No longer needed", tasks.where(Task.state == TaskState.NO_LONGER_NEEDED)),
            _task_rows("Cancelled", tasks.where(Task.state == TaskState.CANCELLED)),
        ],
        left_out=left_out.count(), decided_by=last.asked_by, decided_at=moment(last.created_at),
        link=outbox.link(f"/reports/{report.id}"),
    )


def _task_rows(heading: str, chosen: ModelSelect) -> dict[str, Any]:
    shown = chosen.select(Task, Account).join_from(Task, Account, JOIN.LEFT_OUTER).order_by(Task.id).limit(LISTED)
    count = chosen.count()
    return {
        "heading": heading, "count": count, "more": max(0, count - LISTED),
        "tasks": [
            {
                "name": name_in_task(task),
                "email": task.account.email if task.account and task.account.email != name_in_task(task) else "",
                "operation": task.kind if task.kind != TaskKind.REMOVE else "",
                "error": task.error or "",
            }
            for task in shown
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


def directory_held(directory: Directory, count: int) -> list[Mail]:
    """The guard holds `count` people of a directory back: e-mail the workspace owners, once while it holds the same
    people."""
    held = (
        DirectoryEntry.select(DirectoryEntry, Person).join(Person)
        .where(DirectoryEntry.directory == directory.id, DirectoryEntry.status != DirectoryEntry.reported_status)
        .order_by(DirectoryEntry.id)
    )
    entries = list(held)
    seen = " ".join(f"{entry.id}:{entry.reported_status}:{entry.left_at}" for entry in entries)
    who = hashlib.sha256(seen.encode()).hexdigest()[:24]
    active = DirectoryEntry.select().where(
        DirectoryEntry.directory == directory.id, DirectoryEntry.status == PersonStatus.ACTIVE
    ).count()
    return outbox.put(
        _workspace_owners(), "directory held", f"directory-{directory.id}-held-{who}", template="directory_held",
        subject=Sentence(
            f"Held: {count:,} of {people(active)} in {name_in_line(directory.name)} would count as having left"
        ),
        directory_name=directory.name, count=count, active=plural(active, "active person", "active people"),
        more=max(0, count - LISTED),
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
