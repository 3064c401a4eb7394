"""`tasks`: lists the tasks in the apps, and retries those that need attention."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from cli.frame import BY, DONE, FAILED, answer, as_json, end, notice, opened, send_mails
from sync.apps import lists
from sync.db import utcnow
from sync.models import Account, Report, Task
from sync.names import name_in_task
from sync.safety import in_doubt
from sync.states import ENDED_TASKS, TaskState
from sync.tasks import tasks as core

LIMIT = 200
POLL = 0.3  # seconds
RETRY_SECONDS = 120


@click.command()
@click.option("--app", "name", metavar="NAME", help="Show this app only.")
@click.option("--retry", "task_id", type=int, metavar="ID", help="Retry this task now.")
@click.option("--done", "done_id", type=int, metavar="ID", help="Mark this task as done by hand in the app.")
@click.option("--limit", default=LIMIT, show_default=True, help="Show this many of the latest tasks.")
@as_json
@opened
def tasks(name: str | None, task_id: int | None, done_id: int | None, limit: int, as_json: bool) -> None:
    """List the tasks, latest last. A task that needs attention can be retried."""
    if task_id is not None and done_id is not None:
        raise click.UsageError("Use either --retry or --done, not both.")
    if task_id is not None:
        rows = [_retried(core.with_id(task_id))]
        send_mails()
    elif done_id is not None:
        core.done_by_hand(core.with_id(done_id), BY)
        rows = [core.with_id(done_id)]
    else:
        rows = core.newest(lists.named(name) if name else None, limit)[::-1]
    of = {task.report_id for task in rows}
    report = rows[0].report if len(of) == 1 else None
    answer(document(report, rows), lines(rows) or ["There are no tasks."], as_json)
    if task_id is not None and rows[0].state not in ENDED_TASKS:
        notice(in_doubt.errors(rows).get(rows[0].id) or "It is still running.")
        end(FAILED)
    end(DONE)


def _retried(task: Task) -> Task:
    """Run one attempt here, unless the server is faster."""
    core.retry(task, BY)
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        core.run(task.id)
        task = core.with_id(task.id)
        waits = task.state == TaskState.QUEUED and task.next_at > utcnow()  # after its attempt: of a paused app, too
        if not task.is_under_way or waits or time.monotonic() > deadline:
            return task
        time.sleep(POLL)


def document(report: Report | None, rows: list[Task]) -> dict:
    """`report` and `state` are null if the tasks don't all belong to one report."""
    errors = in_doubt.errors(rows)
    return {
        "report": report and report.id,
        "state": report and report.state,
        "tasks": [
            {"id": task.id, "act": task.kind, "account": account_entry(task.account), "state": task.state,
             "attempts": task.attempts, "error": errors.get(task.id), "app": task.app.name, "report": task.report_id}
            for task in rows
        ],
    }  # fmt: skip


def account_entry(account: Account | None) -> dict | None:
    return account and {"external_id": account.external_id, "email": account.email, "name": account.name}


def lines(rows: Sequence[Task]) -> list[str]:
    errors = in_doubt.errors(rows)
    return [f"{task.id}  {task.app.name}: {task.kind} {name_in_task(task)}, "
            + ": ".join(filter(None, (task.state, errors.get(task.id)))) for task in rows]  # fmt: skip
