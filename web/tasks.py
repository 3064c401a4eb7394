"""The Activity tab of an app: its tasks with their state, to be retried or cancelled, and the log."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, render_template, request, url_for

from sync.log_lines import Log
from sync.matching import decisions as match_decisions
from sync.models import App, Task
from sync.rank import Asker
from sync.states import AppManager, ListName, Tone
from sync.tasks import tasks
from sync.tasks.tasks import TaskProblem
from web import log_view, member_view, task_view
from web.answers import go_to, with_toast
from web.app_page import kind_of, owns, page, with_head_again
from web.behind_proxy import here
from web.log_view import Place
from web.permissions import app_manager
from web.security import by

pages = Blueprint("tasks", __name__, url_prefix="/apps/<int:app_id>")

UNDO_SHOWN = 5


@pages.get("/activity")
@app_manager(AppManager.OWNER)
def index(app: App) -> str:
    place = _log_of(app)
    values = {"log": log_view.shown(_wanted(), place), "here": place.here}
    if log_view.asks_for_more():
        return render_template("activity/_entries.html", **values)
    undoable = member_view.undoable(app, match_decisions.undoable(app, UNDO_SHOWN), here())
    values |= {"undoable": undoable, "tasks": task_view.of_app(app)}
    return page(app, "tasks/index.html", "activity/_list.html", **values)


@pages.get("/activity/lines/<int:line>")
@app_manager(AppManager.OWNER)
def line(app: App, line: int) -> str:
    """What is inside a line of this app's log."""
    return log_view.inside(line, _log_of(app), _wanted())


def _log_of(app: App) -> Place:
    return Place(url_for("tasks.index", app_id=app.id), lambda line: url_for("tasks.line", app_id=app.id, line=line),
                 app=app, list=ListName.ACTIVITY, filters=url_for("tasks.filters", app_id=app.id),
                 download=url_for("downloads.of_activity_of_app", app_id=app.id))  # fmt: skip


@pages.get("/activity/filters")
@app_manager(AppManager.OWNER)
def filters(app: App) -> tuple[str, int]:
    return log_view.filters(_wanted(), _log_of(app))


def _wanted() -> Log:
    """A page of an app has no other app to look for, and no person."""
    return Log.of(request.args).without("app").without("person")


@pages.get("/tasks")
@app_manager(AppManager.OWNER)
def task_list(app: App) -> Response:
    """The tasks alone. The page asks for them while one is in progress."""
    return _part(app)


@pages.post("/tasks/<int:task_id>/attempts")
@app_manager(AppManager.OWNER)
def retry(app: App, task: Task) -> Response:
    return _do(app, task, tasks.retry, "Trying again now.")


@pages.post("/tasks/<int:task_id>/completion")
@app_manager(AppManager.OWNER)
def complete(app: App, task: Task) -> Response:
    """Mark a task as done by hand in the app."""
    return _do(app, task, tasks.done_by_hand, "Marked as done by hand.")


@pages.delete("/tasks/<int:task_id>")
@app_manager(AppManager.OWNER)
def cancel(app: App, task: Task) -> Response:
    return _do(app, task, tasks.cancel, "Cancelled. Nothing was changed in the app.")


def _do(app: App, task: Task, operation: Callable[[Task, Asker], object], done: str) -> Response:
    tone = Tone.OK
    try:
        operation(task, by())
    except TaskProblem as problem:
        done, tone = str(problem), Tone.ATTENTION
    if not request.htmx:
        return go_to(url_for("tasks.index", app_id=app.id), done, tone)
    return with_toast(_part(app), done, tone)


def _part(app: App) -> Response:
    part = render_template("tasks/_tasks.html", app=app, kind=kind_of(app), owns=owns(), tasks=task_view.of_app(app))
    return with_head_again(part, app)
