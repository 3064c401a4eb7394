"""The log of every event, the proof that it is intact, and the e-mails in the outbox."""

from __future__ import annotations

from collections.abc import Collection

from flask import Blueprint, render_template, request, url_for

from sync import activity
from sync.apps import owners
from sync.listing import whole_number
from sync.log_lines import Log
from sync.mail import outbox
from sync.models import Mail
from sync.seals import Verification
from sync.states import ListName
from web import log_view
from web.answers import page_or_part
from web.frame import MANAGERS
from web.log_view import Place
from web.mail_view import outbox_line
from web.permissions import workspace_role
from web.security import signed_in_person
from web.words import plural

pages = Blueprint("activity", __name__, url_prefix="/activity")

SEAL = 16  # characters of a seal that are shown


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    wanted, place = Log.of(request.args), _place()
    app = owners.seen(signed_in_person(), whole_number(wanted.app)) if wanted.app else None
    labels = {"app": lambda value: f"App: {app.name if app else value}"}
    values = {"log": log_view.shown(wanted, place, labels), "here": place.here}
    if log_view.asks_for_more():
        return render_template("activity/_entries.html", **values)
    return page_or_part("activity/index.html", "activity/_list.html", **values,
                        outbox=[outbox_line(mail) for mail in _unsent(place.of_apps)], can_send=outbox.can_send())


def _place() -> Place:
    return Place(url_for("activity.index"), lambda line: url_for("activity.line", line=line), of_apps(),
                 list=ListName.ACTIVITY, filters=url_for("activity.filters"),
                 download=url_for("downloads.of_activity"))  # fmt: skip


@pages.get("/filters")
@workspace_role(*MANAGERS)
def filters() -> tuple[str, int]:
    """The dialog with all filters of the log: its form goes back to the log."""
    return log_view.filters(Log.of(request.args), _place(), owners.seen_names(signed_in_person()))


@pages.get("/lines/<int:line>")
@workspace_role(*MANAGERS)
def line(line: int) -> str:
    """The entries inside a line of the log that match the filters."""
    return log_view.inside(line, _place(), Log.of(request.args))


def _unsent(theirs: Collection[int] | None) -> list[Mail]:
    return [mail for mail in outbox.unsent() if outbox.may_read(mail, theirs)]


def of_apps() -> set[int] | None:
    """The ids of the apps whose entries this person may see; None, for all of them, if they run the workspace."""
    me = signed_in_person()
    return None if me.workspace_role in owners.RUNS_ALL else owners.seen_ids(me)


@pages.get("/verification")
@workspace_role(*MANAGERS)
def verification() -> str:
    result = activity.verify()
    return page_or_part("activity/verification.html", "activity/_verification.html", result=result,
                        words=_in_words(result), seal=(result.head or "")[:SEAL])


def _in_words(result: Verification) -> str:
    entries = plural(result.entries, "entry", "entries")
    if result.ok:
        return f"{entries}, each sealed with the key and the entry before it. None was changed, removed or added."
    if result.why:
        return f"{result.why}."
    return f"Entry {result.broken_at} does not follow from the one before. The {entries} before it are intact."
