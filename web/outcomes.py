"""What became of an operation that was asked for: the toast that announced it asks here until the app has confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, make_response, render_template, url_for

from sync.apps.conditions import first_line
from sync.db import utcnow
from sync.models import DONE_BY, App, Task
from sync.safety import in_doubt
from sync.states import AppManager, TaskKind, TaskState, Tone
from sync.tasks import perform, progress
from web.answers import asked
from web.app_page import with_head_again
from web.permissions import app_manager
from web.words import plural

pages = Blueprint("outcomes", __name__, url_prefix="/apps/<int:app_id>")

ENDED = 286  # htmx ends its polling
PATIENCE = timedelta(minutes=1)  # a toast doesn't wait longer for the next attempt
WORDS = {
    TaskKind.REMOVE: ("Removing", "Removed", "account", "accounts", "from"),
    TaskKind.CHANGE_ROLE: ("Changing", "Changed", "role", "roles", "in"),
    TaskKind.INVITE: ("Inviting", "Invited", "person", "people", "to"),
    TaskKind.GRANT: ("Granting", "Granted", "asset role", "asset roles", "in"),
    TaskKind.REVOKE: ("Revoking", "Revoked", "asset role", "asset roles", "in"),
}  # fmt: skip
FIRST = tuple(WORDS)  # the kind that the sentence names; others are counted


@dataclass(frozen=True)
class Outcome:
    """`live`: more may come. `shows_tasks`: something needs a person, so the toast links to the tasks."""

    words: str
    live: bool = False
    tone: Tone = Tone.OK
    shows_tasks: bool = False


def address(app: App, tasks: Sequence[Task]) -> str:
    """Where the outcome of these is; "" for none. They were made in one transaction, so their ids are a range."""
    ids = [task.id for task in tasks]
    return url_for("outcomes.show", app_id=app.id, first=min(ids), last=max(ids)) if ids else ""


@pages.get("/tasks/outcome")
@app_manager(AppManager.OWNER)
def show(app: App) -> Response:
    found = outcome(app, progress.between(app, asked("first") or 0, asked("last") or 0))
    answer = make_response(render_template("tasks/_outcome.html", app=app, outcome=found))
    if found.live:
        return answer
    answer.status_code = ENDED
    return with_head_again(answer, app)  # it still asks for what has been done


def outcome(app: App, tasks: Sequence[Task]) -> Outcome:
    if not tasks:
        return Outcome(f"{app.name} has nothing more to do.")
    failed = [task for task in tasks if task.state in (TaskState.NEEDS_ATTENTION, TaskState.FAILED)]
    waiting = [task for task in tasks if task.state in (TaskState.QUEUED, TaskState.RUNNING)]
    put_off = [task for task in waiting if task.awaits_approval or task.error and task.next_at > utcnow() + PATIENCE]
    if len(waiting) > len(put_off):
        ended = len(tasks) - len(waiting)
        so_far = f" {ended} of {len(tasks)} done." if ended else ""
        return Outcome(f"{_named(app, tasks, 0)}.{so_far}", live=True)
    if failed:
        by_hand = all(perform.is_by_hand(task) for task in failed)
        words = (plural(len(failed), "change has to be made by hand", "changes have to be made by hand") if by_hand else
                 plural(len(failed), "change failed and needs attention", "changes failed and need attention"))
        why = first_line(in_doubt.errors(failed[:1]).get(failed[0].id, ""))
        return Outcome(f"{app.name}: {words}. {why}".strip(), tone=Tone.ATTENTION, shows_tasks=True)
    if put_off:
        words = plural(len(put_off), "change isn't done yet", "changes aren't done yet")
        why = first_line(put_off[0].error or "") or "Someone has to approve it there."
        return Outcome(f"{app.name}: {words}. {why} Rollcall keeps trying.", tone=Tone.ATTENTION, shows_tasks=True)
    return _ended(app, tasks)


def _ended(app: App, tasks: Sequence[Task]) -> Outcome:
    done = [task for task in tasks if task.state == TaskState.DONE]
    others = len(tasks) - len(done)
    rest = plural(others, "change was no longer needed", "changes were no longer needed") if others else ""
    if not done:
        return Outcome(f"{app.name}: {rest}. Nothing was changed.")
    is_confirmed = not any(DONE_BY in task.detail for task in done)
    how = f"{app.name} has confirmed it" if is_confirmed else "marked as done by hand"
    return Outcome(f"{_named(app, done, 1)}: {how}.{f' {rest}.' if rest else ''}")


def _named(app: App, tasks: Sequence[Task], tense: int) -> str:
    """`tense` 0: “Removing 2 accounts from Chat and making 1 other change”; 1: “Removed …”."""
    kind = min((TaskKind(task.kind) for task in tasks), key=FIRST.index)
    verbs, (one, many, where) = WORDS[kind][:2], WORDS[kind][2:]
    count = sum(task.kind == kind for task in tasks)
    others = len(tasks) - count
    also = f" and {('making', 'made')[tense]} {plural(others, 'other change')}" if others else ""
    return f"{verbs[tense]} {plural(count, one, many)} {where} {app.name}{also}"
