"""Offboard everywhere: the preview of every account, one approval, and one page that follows it across all apps."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from sync.apps import owners
from sync.models import App, Offboarding, Person, Task
from sync.names import person_name
from sync.offboarding import offboarding
from sync.offboarding import progress as offboarding_progress
from sync.offboarding.offboarding import OffboardingProblem
from sync.offboarding.preview import preview
from sync.people import holds
from sync.people.holds import KeepingProblem
from sync.people.people import PeopleProblem
from sync.safety.sole_managers import NeedsSuccessor
from sync.safety.successors import SuccessorProblem
from sync.states import AppManager, OffboardingState, Tone
from sync.tasks import tasks
from sync.tasks.tasks import TaskProblem
from sync.workspace import today
from web import offboarding_rows, successors
from web.answers import INVALID, go_to, whole_numbers, with_toast
from web.confirming import MANY, asks_again
from web.frame import MANAGERS
from web.people import person_address, person_below
from web.permissions import app_manager, outranks, workspace_role
from web.rows import row_or_404
from web.security import by, signed_in_person
from web.words import calendar_day, plural

pages = Blueprint("offboarding", __name__, url_prefix="/people/<int:person_id>/offboardings")


@dataclass
class Given:
    """The form: the accounts it showed, those ticked, the reasons for the others, when to do it, and why."""

    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    shown: set[int] = field(default_factory=set)
    locked: set[int] = field(default_factory=set)
    ticked: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)
    undecided: set[int] = field(default_factory=set)  # they alone manage something, about which nothing is chosen
    when: str = "now"
    day: str = ""
    reason: str = ""

    @classmethod
    def from_form(cls) -> Given:
        form = request.form
        shown, ticked, locked = (set(whole_numbers(form.getlist(name))) for name in ("shown", "yes", "locked"))
        reasons = {id: form.get(f"reason-{id}", "").strip() for id in shown - ticked}
        undecided = {id for id in whole_numbers(form.getlist("undecided")) if reasons.get(id) == ""}
        reasons = {id: reasons[id] for id in reasons.keys() - undecided}
        return cls(form.get("key", "")[:64] or secrets.token_urlsafe(16), shown, locked, ticked, reasons, undecided,
                   form.get("when", "now"), form.get("day", ""), form.get("reason", ""))  # fmt: skip

    @classmethod
    def of_plan(cls, planned: Offboarding, when: str) -> Given:
        """Of a plan that this one replaces: the accounts that it leaves out stay left out until someone ticks them."""
        reasons = offboarding.left_out_of(planned.changes)
        day = str(planned.remove_on) if planned.remove_on > today() else ""
        return cls(shown=set(reasons), reasons=reasons, when=when if day else "now", day=day, reason=planned.reason)

    @property
    def later(self) -> bool:
        return self.when == "day"

    def on(self) -> date | None:
        """The date, or None for now; raises KeepingProblem if it isn't a date."""
        if not self.later:
            return None
        try:
            return date.fromisoformat(self.day)
        except ValueError:
            raise KeepingProblem("Choose the date on which the accounts are removed.") from None


@pages.get("/new")
@workspace_role(*MANAGERS)
def new(person_id: int) -> str:
    """`when` is "day" to approve a plan again for its day."""
    person = person_below(person_id)
    planned = holds.scheduled(person)
    return _preview(person, Given.of_plan(planned, request.args.get("when", "now")) if planned else Given())


def _preview(person: Person, given: Given, problem: str = "") -> str:
    found = preview(person, signed_in_person())
    return render_template(
        "offboarding/new.html", person=person, name=person_name(person), given=given, problem=problem,
        rows=offboarding_rows.preview_rows(found, given.shown, given.ticked, given.reasons, problem),
        texts=offboarding_rows.sentences(found, person), planned=holds.scheduled(person),
        tomorrow=today() + timedelta(days=1),
    )


def _removes_many(person_id: int) -> bool:
    given = Given.from_form()
    return len(given.shown - given.reasons.keys() - given.undecided) > MANY


@pages.post("")
@workspace_role(*MANAGERS)
@asks_again(when=_removes_many)
def create(person_id: int) -> Response | tuple[str, int]:
    """Finish: approve the offboarding."""
    person, given = person_below(person_id), Given.from_form()
    try:
        done = offboarding.start(
            person, signed_in_person(), given.shown, given.reasons, locked=given.locked, key=given.key, on=given.on(),
            reason=given.reason, hand_overs=successors.chosen(), undecided=given.undecided)  # fmt: skip
    except (NeedsSuccessor, SuccessorProblem, OffboardingProblem, PeopleProblem, KeepingProblem) as problem:
        return _preview(person, given, str(problem)), INVALID
    return go_to(_address(done.offboarding), _outcome(person, done, given.on()))


def _outcome(person: Person, done: offboarding.Start, day: date | None) -> str:
    name = person_name(person)
    if done.already:
        return "This was already finished. Nothing was changed."
    if day and done.offboarding.state == OffboardingState.SCHEDULED:
        return f"Planned. {name}'s accounts are removed automatically on {calendar_day(day)}."
    found = offboarding_progress.lines(done.offboarding, _visible())[0]
    going, held = sum(line.task is not None for line in found), sum(line.report is not None for line in found)
    waits = f" {plural(held, 'account waits', 'accounts wait')} for an Owner's release." if held else ""
    if not going:
        return f"{name} is marked as having left.{waits or ' No account is removed by this.'}"
    return f"{name} is marked as having left. Removing {plural(going, 'account')}.{waits} Progress is shown below."


@pages.get("/<int:offboarding_id>")
@workspace_role(*MANAGERS)
def show(person_id: int, offboarding_id: int) -> str:
    row = _offboarding(person_id, offboarding_id)
    return render_template("offboarding/show.html", **_progress(row))


@pages.get("/<int:offboarding_id>/tasks")
@workspace_role(*MANAGERS)
def task_list(person_id: int, offboarding_id: int) -> str:
    """The progress of the offboarding. The page asks for it while a task is in progress."""
    return render_template("offboarding/_tasks.html", **_progress(_offboarding(person_id, offboarding_id)))


def _progress(row: Offboarding) -> dict:
    person, me = row.person, signed_in_person()
    owned = owners.owned_ids(me)
    return {
        "offboarding": row, "person": person, "name": person_name(person), "subtitle": offboarding_rows.subtitle(row),
        "progress": offboarding_rows.progress(row, _visible(), owned),
        "lapsed": holds.lapsed().get(row.id),
        "may_cancel": row.state == OffboardingState.SCHEDULED and outranks(me, person),
    }


@pages.delete("/<int:offboarding_id>")
@workspace_role(*MANAGERS)
def cancel(person_id: int, offboarding_id: int) -> Response:
    person = person_below(person_id)
    row = _offboarding(person_id, offboarding_id)
    if holds.cancel(row, by()):
        return go_to(person_address(person), "Cancelled. No account is removed on that date.")
    return go_to(_address(row), f"It is already {row.state}. Nothing was changed.", Tone.ATTENTION)


@pages.post("/<int:offboarding_id>/tasks/<int:task_id>/attempts")
@app_manager(AppManager.OWNER)
def retry(app: App, task: Task, person_id: int, offboarding_id: int) -> Response:
    return _do(_offboarding(person_id, offboarding_id), task, tasks.retry, "Trying again now.")


@pages.post("/<int:offboarding_id>/tasks/<int:task_id>/completion")
@app_manager(AppManager.OWNER)
def complete(app: App, task: Task, person_id: int, offboarding_id: int) -> Response:
    """Mark a task as done by hand in the app."""
    return _do(_offboarding(person_id, offboarding_id), task, tasks.done_by_hand, "Marked as done by hand.")


@pages.delete("/<int:offboarding_id>/tasks/<int:task_id>")
@app_manager(AppManager.OWNER)
def give_up(app: App, task: Task, person_id: int, offboarding_id: int) -> Response:
    row = _offboarding(person_id, offboarding_id)
    return _do(row, task, tasks.cancel, "Cancelled. The account stays in the app.")


def _do(row: Offboarding, task: Task, operation: Callable[[Task, str], None], done: str) -> Response:
    if task.change_id is None or task.change.offboarding_id != row.id:
        abort(404)
    tone = Tone.OK
    try:
        operation(task, by())
    except TaskProblem as problem:
        done, tone = str(problem), Tone.ATTENTION
    if not request.htmx:
        return go_to(_address(row), done, tone)
    return with_toast(make_response(render_template("offboarding/_tasks.html", **_progress(row))), done, tone)


def _visible() -> set[int]:
    return owners.seen_ids(signed_in_person())


def _offboarding(person_id: int, offboarding_id: int) -> Offboarding:
    return row_or_404(Offboarding, offboarding_id, person=person_id)


def _address(row: Offboarding) -> str:
    return url_for("offboarding.show", person_id=row.person_id, offboarding_id=row.id)
