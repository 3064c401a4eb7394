"""The Activity tab of an app: its tasks with their state, to be retried or cancelled, and the log."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, make_response, render_template, request, url_for

from sync import activity
from sync.matching import decisions as match_decisions
from sync.models import App, Task
from sync.rank import Asker
from sync.states import Part
from sync.tasks import tasks
from sync.tasks.tasks import TaskProblem
from web import member_view, task_view
from web.answers import asked, go_to, with_toast
from web.app_page import kind_of, owns, page
from web.behind_proxy import here
from web.permissions import app_part
from web.security import by

pages = Blueprint("tasks", __name__, url_prefix="/apps/<int:app_id>")

ENTRIES = 50
UNDO_SHOWN = 5


@pages.get("/activity")
@app_part(Part.OWNER)
def index(app: App) -> str:
    before, search = asked("before"), request.args.get("search", "")
    entries = activity.entries(app=app, search=search, before_id=before, limit=ENTRIES + 1)
    older = None
    if len(entries) > ENTRIES:
        entries = entries[:ENTRIES]
        older = url_for("tasks.index", app_id=app.id, search=search or None, before=entries[-1].id)
    values = {"entries": task_view.entries(app, entries), "older": older, "before": before, "search": search,
              "newest": here(query=False)}  # fmt: skip
    if before and request.htmx:
        return render_template("tasks/_entries.html", app=app, **values)
    undoable = member_view.undoable(app, match_decisions.undoable(app, UNDO_SHOWN), here())
    return page(app, "tasks/index.html", "tasks/_log.html", tasks=task_view.of_app(app), **values, undoable=undoable)


@pages.get("/tasks")
@app_part(Part.OWNER)
def acts(app: App) -> str:
    """The tasks alone: the page asks for them while one is in progress."""
    return _part(app)


@pages.post("/tasks/<int:task_id>/attempts")
@app_part(Part.OWNER)
def retry(app: App, task: Task) -> Response:
    return _do(app, task, tasks.retry, "Trying again now.")


@pages.post("/tasks/<int:task_id>/completion")
@app_part(Part.OWNER)
def complete(app: App, task: Task) -> Response:
    """Someone did it in the app by hand."""
    return _do(app, task, tasks.done_by_hand, "Marked as done by hand.")


@pages.delete("/tasks/<int:task_id>")
@app_part(Part.OWNER)
def cancel(app: App, task: Task) -> Response:
    return _do(app, task, tasks.cancel, "Cancelled. Nothing was changed in the app.")


def _do(app: App, task: Task, operation: Callable[[Task, Asker], object], done: str) -> Response:
    tone = "ok"
    try:
        operation(task, by())
    except TaskProblem as problem:
        done, tone = str(problem), "attention"
    if not request.htmx:
        return go_to(url_for("tasks.index", app_id=app.id), done, tone)
    return with_toast(make_response(_part(app)), done, tone)


def _part(app: App) -> str:
    return render_template("tasks/_acts.html", app=app, kind=kind_of(app), owns=owns(), tasks=task_view.of_app(app))
