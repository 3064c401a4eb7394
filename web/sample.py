"""Sample data: loaded and removed with one click each, by an Owner of the workspace."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template, url_for

from sync import sample, sample_data
from sync.models import Person
from sync.sample_data import SampleProblem
from sync.states import Tone, WorkspaceRole
from web.answers import go_to
from web.permissions import workspace_role
from web.security import by, signed_in_person
from web.words import plural

pages = Blueprint("sample", __name__, url_prefix="/sample")

RUNNER = "SAMPLE"  # in the app's configuration: demo.sample.SampleApps, where this process can run them
NOT_HERE = "The sample apps only run if one process serves both the pages and the queue. Nothing was changed."


def is_offered(me: Person) -> bool:
    may = me.workspace_role == WorkspaceRole.OWNER and current_app.config.get(RUNNER) is not None
    return may and sample.is_offered()


@pages.get("")
@workspace_role(WorkspaceRole.OWNER)
def show() -> Response | str:
    runner = current_app.config.get(RUNNER)
    if sample_data.loaded() is None or runner is None:
        return go_to(url_for("apps.index"))
    return render_template("sample/show.html", addresses=runner.addresses)


@pages.post("")
@workspace_role(WorkspaceRole.OWNER)
def create() -> Response:
    runner = current_app.config.get(RUNNER)
    if runner is None:
        return go_to(url_for("apps.index"), NOT_HERE, Tone.ATTENTION)
    try:
        is_new = runner.load(signed_in_person())
    except SampleProblem as problem:
        return go_to(url_for("apps.index"), str(problem), Tone.ATTENTION)
    if not is_new:  # the second request of a double click
        return go_to(url_for("apps.index"), "The sample data is loaded.")
    message = "The sample data is loaded. Three people have left Acme: check an app for updates."
    return go_to(url_for("apps.index"), message)


@pages.delete("")
@workspace_role(WorkspaceRole.OWNER)
def delete() -> Response:
    runner = current_app.config.get(RUNNER)
    if runner is None:
        return go_to(url_for("apps.index"), NOT_HERE, Tone.ATTENTION)
    try:
        removed = runner.remove(by())
    except SampleProblem as problem:
        return go_to(url_for("apps.index"), str(problem), Tone.ATTENTION)
    gone = plural(removed, "person", "people")
    return go_to(url_for("apps.index"), f"The sample data was removed: {gone}, their apps and reports.")
