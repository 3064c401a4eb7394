"""Tasks: each is one operation in an app, done in the background after a last look (rules 4 and 7).
The row is the truth; a worker that dies leaves it to the next, and a second run finds what the first has done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from peewee import Expression, ModelSelect, fn

from connectors.base import AwaitsApproval, ConnectorError, CredentialRejected, RateLimited, TemporarilyUnavailable
from sync import activity, faults
from sync.apps import apps
from sync.db import connected, db, utcnow, writing
from sync.jobs import leases, queue, retries
from sync.listing import one_of
from sync.mail import news
from sync.matching import members
from sync.matching.addresses import ANOTHERS
from sync.models import AWAITED, DONE_BY, WITHDRAWN, Account, App, Asset, Change, Offboarding, Report, Task
from sync.names import name_in_task
from sync.prepared import prepared
from sync.problems import AppProblem, Problem
from sync.states import AppState, TaskKind, TaskState
from sync.tasks import automatic, hand_overs, offboarding_mail, perform, settle, still_to_remove
from sync.tasks.perform import ByHand, NoLongerNeeded, NotConfirmed
from sync.vault import VaultProblem

CHUNK = 500  # rows in one SQL statement
PATIENCE = timedelta(days=1)  # with a rate limit
ASKED_AGAIN = timedelta(hours=1)  # whether someone has approved it in the app
WORDS = {
    TaskKind.REMOVE: "removed from the app",
    TaskKind.CHANGE_ROLE: "role changed in the app",
    TaskKind.INVITE: "invited to the app",
    TaskKind.GRANT: "granted access in the app",
    TaskKind.REVOKE: "revoked access in the app",
}


class TaskProblem(Problem):
    """The task can't be changed like this. The text is for the page."""


class Withdrawn(Exception):
    """Its approval was withdrawn: it waits until someone retries it."""


class Paused(Exception):
    """Its app is paused: approved tasks wait until it is resumed."""


def add(app: App, kind: str, account: Account | None, by: str, *, report: Report | None = None,
        change: Change | None = None, asset: Asset | None = None, **detail: object) -> Task:  # fmt: skip
    """Queue one task; inside the caller's transaction. The account's current values are stored for the last look.

    `detail`: `role` and, where there was one, `before` it (a role's external id); of an invitation its `email`.
    """
    return Task.create(
        app=app, kind=kind, account=account, report=report, change=change, asset=asset, detail=detail, asked_by=by,
        external_id=account.external_id if account else "", email_key=account.email_key if account else "",
    )  # fmt: skip


def add_all(app: App, kind: str, wanted: Sequence[tuple[Account, Asset | None, dict]], by: str) -> list[Task]:
    """The same of many accounts at once, in their order; each with the asset and the `detail` of its task."""
    before = Task.select(fn.MAX(Task.id)).scalar() or 0
    rows = [
        {"app": app.id, "kind": kind, "account": account.id, "asset": asset and asset.id, "detail": detail,
         "asked_by": str(by), "external_id": account.external_id, "email_key": account.email_key}
        for account, asset, detail in wanted
    ]  # fmt: skip
    for start in range(0, len(rows), CHUNK):
        Task.insert_many(rows[start : start + CHUNK]).execute()
    return list(Task.select().where(Task.id > before).order_by(Task.id))  # nobody else writes in that time


def wake(task_id: int) -> None:
    queue.wake("task", task_id)


def of_report(report: Report) -> list[Task]:
    return list(
        Task.select(Task, Account).left_outer_join(Account).where(Task.report == report).order_by(Task.id)
    )


def of_app(app: App, most: int = 50) -> list[Task]:
    """What needs attention first, then what is under way, then what ended last; with accounts, at most so many."""
    return list(
        Task.select(Task, Account).left_outer_join(Account).where(Task.app == app)
        .order_by(Task.needs_attention.desc(), Task.is_live.desc(), Task.id.desc())
        .limit(most)
    )  # fmt: skip


def of_account(account: Account, most: int = 20) -> list[Task]:
    """The account's tasks: running ones first, then the newest."""
    mine = Task.select(Task, Asset).left_outer_join(Asset).where(Task.account == account)
    return list(mine.order_by(Task.is_live.desc(), Task.id.desc()).limit(most))


def tally(app: App) -> dict[str, int]:
    """How many of the app's tasks are in each state of LIVE_TASKS."""
    return dict(_tally(app))


@prepared
def _tally(app: App) -> ModelSelect:
    counted = Task.select(Task.state, fn.COUNT(Task.id)).where(Task.app == app, Task.is_live)
    return counted.group_by(Task.state).tuples()


def count_needing_attention() -> int:
    """In all apps."""
    return Task.select().where(Task.needs_attention).count()


def newest(app: App | None, most: int) -> list[Task]:
    """The newest tasks of an app, or of all apps, with accounts and apps; the newest first, at most so many."""
    query = Task.select(Task, Account, App).left_outer_join(Account).switch(Task).join(App).order_by(Task.id.desc())
    return list((query if app is None else query.where(Task.app == app)).limit(most))


def with_id(number: int) -> Task:
    """Raises TaskProblem where there is none."""
    task = Task.get_or_none(Task.id == number)
    if task is None:
        raise TaskProblem(f"There is no task {number}.")
    return task


@queue.runs("task")
def run(task_id: int) -> None:
    """Do one task if it is due and nobody else does it; every outcome is written to its row."""
    with connected():
        if not leases.claim(Task, task_id):
            return
        task = Task.get_by_id(task_id)
        try:
            with faults.named():
                _act(task)
        except faults.OwnFault:
            raise
        except perform.NotHeld:
            pass
        except NoLongerNeeded as why:
            _end(task, TaskState.NO_LONGER_NEEDED, f"{why}{_left_behind(task)}")
        except Paused as why:
            _again(task, str(why), retries.PAUSED_APP.after(0), counts=False)
        except RateLimited as wait:
            _wait_for_the_limit(task, wait)
        except AwaitsApproval as waits:
            _await_approval(task, waits)
        except perform.ReturnHeld as why:
            _again(task, str(why), retries.HELD_RETURN.after(0), counts=False)
        except hand_overs.Waits as why:
            _again(task, str(why), retries.HAND_OVER.after(0), counts=False)
        except (TemporarilyUnavailable, NotConfirmed, hand_overs.NotSeenYet) as problem:
            _later(task, str(problem))
        except ByHand as why:
            _needs_attention(task, str(why), f"awaits someone to {task.kind} by hand")
        except (Withdrawn, hand_overs.NotHandedOver) as why:
            _needs_attention(task, str(why))
        except CredentialRejected as problem:
            _app_needs_attention(task.app, str(problem))
            _needs_attention(task, f"{problem} Replace the credential, then retry.")
        except (ConnectorError, VaultProblem, AppProblem) as problem:
            _needs_attention(task, str(problem))
        except Exception as problem:  # a bug must not lose the task
            _needs_attention(task, f"Something unexpected went wrong ({type(problem).__name__}).")
            raise
        else:
            _end(task, TaskState.DONE, None)


def _act(task: Task) -> None:
    if task.app.is_disconnected:
        raise NoLongerNeeded("The app is disconnected in Rollcall.")
    perform.refuse_if_over(task)
    if why := task.detail.get(WITHDRAWN):
        raise Withdrawn(why)
    if task.app.state == AppState.PAUSED:
        raise Paused("The app is paused in Rollcall: this continues when it is resumed.")
    connector = apps.connector_for(task.app)
    try:
        with apps.reaching(task.app):
            if requests := task.detail.get(AWAITED):
                connector.require_approved(tuple(requests))
            perform.do(task, connector)
    finally:
        connector.close()


def _end(task: Task, state: str, error: str | None) -> None:
    with writing():
        if not _write(task, state=state, error=error, finished_at=utcnow(), attempts=Task.attempts + 1):
            return
        _record("Rollcall", WORDS[task.kind] if state == TaskState.DONE else f"did not {task.kind}: {state}", task,
                why=error or f"asked by {task.asked_by}", may_follow=state == TaskState.DONE)  # fmt: skip
        settle.settle(task, state)
        _mail_outcome(task)


def _wait_for_the_limit(task: Task, wait: RateLimited) -> None:
    if utcnow() - task.created_at > PATIENCE:
        _needs_attention(task, f"{wait} This has lasted for more than a day.")
    else:
        _again(task, str(wait), timedelta(seconds=max(1.0, wait.retry_after)), counts=False)


def _await_approval(task: Task, waits: AwaitsApproval) -> None:
    """Keep the task until someone approves its request in the app. The Owners are notified once, as the app itself may
    notify nobody."""
    is_new = AWAITED not in task.detail
    with writing():
        if not _again(task, str(waits), ASKED_AGAIN, counts=False, detail={**task.detail, AWAITED: [*waits.requests]}):
            return
        if is_new:
            _record("Rollcall", f"awaits approval in the app to {task.kind}", task, why=str(waits))
            _mail_outcome(task)


def _later(task: Task, error: str) -> None:
    wait = retries.TASK.after(task.attempts)
    if wait is None:
        _needs_attention(task, f"{error} Tried {task.attempts + 1} times.")
    else:
        _again(task, error, wait, counts=True)


def _again(task: Task, error: str, wait: timedelta, counts: bool, **values: object) -> bool:
    due = utcnow() + wait
    with writing():
        is_mine = _write(task, state=TaskState.QUEUED, error=error, next_at=due, attempts=Task.attempts + int(counts),
                         **values)  # fmt: skip
        queue.wake("task", task.id, wait.total_seconds())
    return is_mine


def _needs_attention(task: Task, error: str, what: str = "") -> None:
    """`what`: the kind of the entry in Activity, if it isn't that Rollcall could not do it."""
    with writing():
        detail = {name: value for name, value in task.detail.items() if name != AWAITED}
        if _write(task, state=TaskState.NEEDS_ATTENTION, error=error, attempts=Task.attempts + 1, detail=detail):
            _record("Rollcall", what or f"could not {task.kind}", task, why=error)
            settle.settle(task, TaskState.NEEDS_ATTENTION)
            _mail_outcome(task)


def withdraw(why: str) -> int:
    """No task that is under way is carried out until someone retries it; how many. Inside the caller's transaction."""
    for task in list(Task.select().where(Task.is_live).order_by(Task.id)):
        Task.update(detail={**task.detail, WITHDRAWN: why}).where(Task.id == task.id).execute()
    under_way = _in_order(Task.is_under_way)
    Task.update(state=TaskState.NEEDS_ATTENTION, error=why, lease_owner=None, lease_until=None).where(
        Task.is_under_way).execute()  # fmt: skip
    activity.record_all([_entry("Rollcall", f"did not {task.kind}: approval withdrawn", task, why)
                         for task in under_way], may_follow=True)  # fmt: skip
    for task in under_way:
        settle.settle(task, TaskState.NEEDS_ATTENTION)
    _mail_outcomes(under_way)
    return len(under_way)


def _in_order(*conditions: Expression) -> list[Task]:
    """These tasks with their accounts."""
    return list(Task.select(Task, Account).left_outer_join(Account).where(*conditions).order_by(Task.id))


def _write(task: Task, **values: object) -> bool:
    """Only the holder of the lease writes: a worker that lost it can't."""
    return leases.finish(task, **values)


def _app_needs_attention(app: App, error: str) -> None:
    with writing():
        App.update(error=error).where(App.id == app.id).execute()


def _record(who: str, what: str, task: Task, why: str = "", may_follow: bool = False) -> None:
    activity.record_all([_entry(who, what, task, why)], may_follow)


def _entry(who: str, what: str, task: Task, why: str) -> dict:
    before, after = settle.in_words(task)
    return dict(who=who, what=what, about=name_in_task(task), why=why, before=before, after=after, app_id=task.app_id,
                person_id=settle.person_of(task), report_id=task.report_id)  # fmt: skip


def _mail_outcome(task: Task) -> None:
    _mail_outcomes([task])


def _mail_outcomes(ended: list[Task]) -> None:
    """One e-mail about each report and each offboarding, however many of its tasks have ended at once."""
    reports = sorted({task.report_id for task in ended} - {None})
    for report in Report.select().where(one_of(Report.id, json.dumps(reports))).order_by(Report.id) if reports else ():
        news.outcome(report)
    changes = sorted({task.change_id for task in ended} - {None})
    theirs = Change.select(Change.offboarding).where(one_of(Change.id, json.dumps(changes)))
    planned = Offboarding.select().where(Offboarding.id.in_(theirs)).order_by(Offboarding.id)
    for offboarding in list(planned) if changes else ():
        offboarding_mail.summary(offboarding)


def retry(task: Task, by: str) -> None:
    """Try a task that needs attention again, at once. Raises TaskProblem when it waits for nobody."""
    with writing():
        task = Task.get_by_id(task.id)
        if task.state not in (TaskState.NEEDS_ATTENTION, TaskState.QUEUED):
            raise TaskProblem(f"This task is {task.state}: there is nothing to retry.")
        detail = {name: value for name, value in task.detail.items() if name != WITHDRAWN}
        approver = str(by) if automatic.is_one(task) else task.asked_by
        Task.update(state=TaskState.QUEUED, attempts=0, next_at=utcnow(), detail=detail, asked_by=approver).where(
            Task.id == task.id).execute()  # fmt: skip
        _record(by, "retried task", task)
        settle.settle(task, TaskState.QUEUED)
        queue.wake("task", task.id)


def done_by_hand(task: Task, by: str) -> None:
    """Mark the task as done by hand in the app. Raises TaskProblem unless it needs attention."""
    with writing():
        task = Task.get_by_id(task.id)
        if task.state != TaskState.NEEDS_ATTENTION:
            raise TaskProblem(f"This task is {task.state}: it isn't waiting for anyone.")
        detail = {**task.detail, DONE_BY: str(by)}
        done = {"state": TaskState.DONE, "error": None, "finished_at": utcnow(), "detail": detail}
        Task.update(done).where(Task.id == task.id).execute()
        _record(by, f"{WORDS[task.kind]}, by hand", task)
        settle.settle(task, TaskState.DONE)
        _mail_outcome(task)


def cancel(task: Task, by: str) -> None:
    """Cancel a task that isn't running: Rollcall then shows what is in the app."""
    with writing():
        task = Task.get_by_id(task.id)
        if task.state not in (TaskState.NEEDS_ATTENTION, TaskState.QUEUED):
            raise TaskProblem(f"This task is {task.state}: it can't be cancelled.")
        _cancel([task], by)


def cancel_all(app: App, by: str) -> None:
    """Cancel each of the app's tasks that isn't running; inside the caller's transaction."""
    _cancel(_in_order(Task.app == app, Task.state.in_((TaskState.QUEUED, TaskState.NEEDS_ATTENTION))), by)


def _cancel(which: list[Task], by: str) -> None:
    left = {task.id: _left_behind(task).strip() for task in which}
    for text in set(left.values()):
        theirs = one_of(Task.id, json.dumps([id for id in left if left[id] == text]))
        done = {"state": TaskState.CANCELLED, "finished_at": utcnow(), "error": text or Task.error}
        Task.update(done).where(theirs).execute()
    activity.record_all([_entry(by, "cancelled task", task, left[task.id]) for task in which])
    with members.counted_once():
        for task in which:
            settle.settle(task, TaskState.CANCELLED)
    _mail_outcomes(which)


def _left_behind(task: Task) -> str:
    """What someone must do about a request that still waits in the app; it could be approved there later."""
    return " Its request still waits in the app: reject it there." if AWAITED in task.detail else ""


def look_again_at_others() -> None:
    """A removal under way whose account is no longer its person's, or has an address that is someone else's: look
    again now, which ends it. Inside the transaction that found this out."""
    rows = db.execute_sql(f"""
        SELECT t.id FROM app_task AS t JOIN account AS a ON a.id = t.account_id
        LEFT JOIN change AS c ON c.id = t.change_id
        WHERE t.kind = 'remove' AND t.state IN ('queued', 'needs attention') AND (
            t.report_id IS NOT NULL AND a.match_kind <> 'matched'
            OR c.person_id <> a.person_id OR {ANOTHERS} IS NOT NULL)
        ORDER BY t.id""").fetchall()
    _look_again([task_id for (task_id,) in rows])


def _look_again(ids: list[int]) -> None:
    if ids:
        with writing():
            waits = Task.state.in_((TaskState.QUEUED, TaskState.NEEDS_ATTENTION))  # some may just have ended
            for task in list(Task.select().where(Task.id.in_(ids), waits).order_by(Task.id)):
                Task.update(state=TaskState.QUEUED, next_at=utcnow()).where(Task.id == task.id).execute()
                wake(task.id)


@queue.each_minute
def look_again_at_returned(now: datetime) -> None:
    """A removal that waits although its person is back, on hold, or in a group again: look again now, which ends it."""
    _look_again(still_to_remove.over_while_waiting(now))
