"""The finished parts of an app's Activity tab that are about its tasks, with their state."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from markupsafe import Markup

from sync.models import DONE_BY, App, Task
from sync.names import name_in_task, short_name
from sync.safety import in_doubt
from sync.states import LIVE_TASKS, TaskKind, TaskState, Tone
from sync.tasks import perform, settle, tasks
from sync.tasks import progress as task_progress
from web.view import Badge
from web.words import plural, when

WORDS = {
    TaskKind.REMOVE: "Remove from {}",
    TaskKind.CHANGE_ROLE: "Change the role in {}",
    TaskKind.INVITE: "Invite to {}",
    TaskKind.GRANT: "Grant access in {}",
    TaskKind.REVOKE: "Revoke access in {}",
}
ATTENTION = TaskState.NEEDS_ATTENTION
BADGES = {
    "done": Badge("Done", Tone.OK),
    "running": Badge("In progress", Tone.WORKING),
    "queued": Badge("Queued", Tone.WORKING, "hourglass"),
    ATTENTION: Badge("Needs attention", Tone.ATTENTION),
    "failed": Badge("Failed", Tone.ATTENTION),
}


def install(app: Flask) -> None:
    """Give templates the badge of a task, which pages of other areas show too."""
    app.jinja_env.globals["task_badge"] = task_badge


def task_badge(task: Task) -> Badge:
    """The state of a task."""
    if task.awaits_approval:
        return Badge("Awaits approval in the app", Tone.WAITING, "clock")
    if perform.is_by_hand(task):
        return Badge("To do by hand", Tone.WAITING, "hand-stop")
    if task.state == TaskState.QUEUED and task.attempts:
        return Badge("Retrying soon", Tone.WORKING, "clock")
    return BADGES.get(task.state) or Badge(task.state.capitalize())


@dataclass(frozen=True)
class Row:
    """A task in the app. `error` is what in_doubt.errors() says of it; `cancel` is the label of giving it up, "" where
    it can't be. `by_hand`: Rollcall can't do it, so there is nothing to retry."""

    task: Task
    name: str
    details: str
    error: str
    needs_attention: bool
    by_hand: bool
    cancel: str


@dataclass(frozen=True)
class Tasks:
    """The tasks of an app; `live` while one of them is queued or running."""

    rows: list[Row]
    summary: str
    live: bool


def of_app(app: App) -> Tasks:
    tally = tasks.tally(app)
    moving, stuck = tally.get(TaskState.QUEUED, 0) + tally.get(TaskState.RUNNING, 0), tally.get(ATTENTION, 0)
    summary = "Nothing in progress"
    if moving:
        summary = f"{plural(moving, 'task')} in progress"
    elif stuck:
        summary = plural(stuck, "task needs attention", "tasks need attention")
    rows = tasks.of_app(app)
    errors = in_doubt.errors(rows)
    return Tasks([_row(app, task, errors.get(task.id, "")) for task in rows], summary, bool(moving))


def _row(app: App, task: Task, error: str) -> Row:
    stuck = task.state == ATTENTION
    keeps = "Cancel (keep the account)" if task.kind == TaskKind.REMOVE else "Cancel (change nothing)"
    return Row(
        task, name_in_task(task), _details(app, task), error, stuck, perform.is_by_hand(task),
        keeps if stuck or task.state == TaskState.QUEUED else "",
    )  # fmt: skip


def done_in_words(task: Task) -> Markup:
    """Who says that this task is done, and since when."""
    by_hand = task.detail.get(DONE_BY)
    who = f"marked as done by {short_name(by_hand)}" if by_hand else "confirmed by the app"
    return Markup("{} {}").format(who, when(task.finished_at))


def _details(app: App, task: Task) -> str:
    """What the task does, for whom, and what comes next: one line."""
    before, after = settle.in_words(task)
    change = " → ".join(filter(None, (before, after)))
    does = WORDS[task.kind].format(app.name) + (f": {change}" if change else "")
    reason = task.detail.get("reason")
    parts = [f"{does} ({reason})" if reason else does]
    if task.state in LIVE_TASKS and not perform.is_by_hand(task):
        parts.append(task_progress.of_task(task).word)
    parts.append(Markup("requested by {} {}").format(short_name(task.asked_by), when(task.created_at)))
    if task.state == TaskState.DONE:
        parts.append(done_in_words(task))
    elif task.state == TaskState.QUEUED and (task.attempts or task.awaits_approval):
        parts.append(Markup("next try {}").format(when(task.next_at)))
    return Markup(" · ").join(parts)
