"""The Activity tab of an app: its acts with their live state, retried or given up, and all that happened."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request, url_for

from sync import activity, match_decisions, provisioning, settling, tasks
from sync.models import App, Task
from sync.tasks import TaskProblem
from web.answers import asked, go_to, with_toast
from web.app_page import kind_of, match_in_words, owns, page
from web.behind_proxy import here
from web.permissions import app_part
from web.security import by

pages = Blueprint("tasks", __name__, url_prefix="/apps/<int:app_id>")

ENTRIES = 50
UNDO_SHOWN = 5


@pages.get("/activity")
@app_part("owner")
def index(app: App) -> str:
    before, search = asked("before"), request.args.get("search", "")
    entries = activity.entries(app=app, search=search, before_id=before, limit=ENTRIES + 1)
    older = None
    if len(entries) > ENTRIES:
        entries = entries[:ENTRIES]
        older = url_for("tasks.index", app_id=app.id, search=search or None, before=entries[-1].id)
    values = {"entries": entries, "older": older, "before": before, "search": search, "newest": here(query=False)}
    if before and request.htmx:
        return render_template("tasks/_entries.html", app=app, **values)
    return page(app, "tasks/index.html", "tasks/_log.html", **_acts(app), **values,
                undoable=match_decisions.undoable(app, UNDO_SHOWN), match_in_words=match_in_words)


@pages.get("/tasks")
@app_part("owner")
def acts(app: App) -> str:
    """The acts alone: what the page asks for while one is under way."""
    return _part(app)


@pages.post("/tasks/<int:task_id>/attempts")
@app_part("owner")
def retry(app: App, task: Task) -> Response:
    return _do(app, task, tasks.retry, "It is tried again now.")


@pages.post("/tasks/<int:task_id>/completion")
@app_part("owner")
def complete(app: App, task: Task) -> Response:
    """Somebody did it in the app itself."""
    return _do(app, task, tasks.done_by_hand, "Noted as done by hand.")


@pages.delete("/tasks/<int:task_id>")
@app_part("owner")
def cancel(app: App, task: Task) -> Response:
    return _do(app, task, tasks.cancel, "Given up. In the app all stays as it is.")


def _do(app: App, task: Task, act, said: str) -> Response:
    tone = "ok"
    try:
        act(task, by())
    except TaskProblem as problem:
        said, tone = str(problem), "attention"
    if not request.htmx:
        return go_to(url_for("tasks.index", app_id=app.id), said, tone)
    return with_toast(make_response(_part(app)), said, tone)


def _part(app: App) -> str:
    return render_template("tasks/_acts.html", app=app, kind=kind_of(app), owns=owns(), **_acts(app))


def _acts(app: App) -> dict:
    tally, acts = tasks.tally(app), tasks.of_app(app)
    return {
        "acts": acts, "tally": tally, "words": WORDS, "changes": {task.id: settling.in_words(task) for task in acts},
        "stages": {task.id: provisioning.of_task(task).word for task in acts if task.state in tasks.LIVE},
        "live": bool(tally.get("queued") or tally.get("running")),
    }


WORDS = {
    "remove": "Remove from {}",
    "change role": "Change the role in {}",
    "invite": "Invite to {}",
    "grant": "Grant access in {}",
    "revoke": "Revoke access in {}",
}
