"""The log of every event, the proof that it is intact, and the e-mails in the outbox."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from sync import activity
from sync.apps import apps
from sync.log_lines import Log
from sync.mail import outbox
from sync.models import App, Mail
from sync.seals import Verification
from web import log_view
from web.answers import page_or_part, wants_part
from web.frame import MANAGERS
from web.mail_view import outbox_line
from web.permissions import workspace_role
from web.security import signed_in_person
from web.words import plural

pages = Blueprint("activity", __name__, url_prefix="/activity")

SEAL = 16  # characters of a seal that are shown


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    visible = list(apps.apps_of(signed_in_person()))
    wanted = Log.of(request.args)
    app = next((app for app in visible if str(app.id) == wanted.app), None)
    labels = {"app": lambda value: f"App: {app.name if app else value}"}
    here = url_for("activity.index")
    log = log_view.shown(wanted, here, _inside, of_apps(visible), labels=labels)
    kept = {name: value for name, value in wanted.asked.items() if name in ("search", "app")}
    download = url_for("downloads.of_activity", **kept) if kept == wanted.asked else ""  # it has no other filters
    values = {"log": log, "apps": visible, "app": app, "here": here, "download": download}
    if request.args.get("before") and wants_part():
        return render_template("activity/_entries.html", **values)
    return page_or_part("activity/index.html", "activity/_list.html", **values,
                        outbox=[outbox_line(mail) for mail in _unsent(visible)], can_send=outbox.can_send())


def _inside(line: int) -> str:
    return url_for("activity.line", line=line)


@pages.get("/lines/<int:line>")
@workspace_role(*MANAGERS)
def line(line: int) -> str:
    """What is inside a line: all that was written together."""
    visible = of_apps(list(apps.apps_of(signed_in_person())))
    return log_view.inside(line, _inside(line), url_for("activity.index"), of_apps=visible)


def _unsent(visible: list[App]) -> list[Mail]:
    theirs = of_apps(visible)
    return [mail for mail in outbox.unsent() if outbox.may_read(mail, theirs)]


def of_apps(visible: list[App]) -> list[int] | None:
    """None, which means all of them, for people who run the workspace."""
    return None if signed_in_person().workspace_role in apps.RUNS_ALL else [app.id for app in visible]


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
