"""The log of every event, the proof that it is intact, and the e-mails in the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for

from sync import activity
from sync.apps import apps
from sync.mail import outbox
from sync.models import Activity, App, Mail
from sync.names import short_name
from sync.seals import Verification
from web.answers import asked, page_or_part, wants_part
from web.frame import MANAGERS
from web.mail_view import outbox_line
from web.permissions import workspace_role
from web.security import signed_in_person
from web.view import first_upper
from web.words import arrow, plural

pages = Blueprint("activity", __name__, url_prefix="/activity")

SHOWN = 50
SEAL = 16  # characters of a seal that are shown


@dataclass(frozen=True)
class Line:
    """An entry of the log."""

    entry: Activity
    what: str
    about: str
    app_name: str
    change: str  # from what to what
    who: str


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    search, before = request.args.get("search", ""), asked("before")
    visible = list(apps.apps_of(signed_in_person()))
    app = next((app for app in visible if app.id == asked("app")), None)
    found = activity.entries(app=app, search=search, before_id=before, limit=SHOWN + 1, of_apps=of_apps(visible))
    entries, more = found[:SHOWN], len(found) > SHOWN
    kept = {name: value for name, value in (("search", search), ("app", app and app.id)) if value}
    older = url_for("activity.index", **kept, before=entries[-1].id) if more else ""
    download = url_for("downloads.of_activity", **kept)
    values = {"download": download, "lines": [_line(entry) for entry in entries], "older": older, "search": search,
              "app": app, "before": before}  # fmt: skip
    if before and wants_part():
        return render_template("activity/_entries.html", **values)
    return page_or_part("activity/index.html", "activity/_list.html", **values, apps=visible,
                        newest=url_for("activity.index") + ("?" + urlencode(kept) if kept else ""),
                        outbox=[outbox_line(mail) for mail in _unsent(visible)], can_send=outbox.can_send())


def _line(entry: Activity) -> Line:
    change = arrow(entry.before, entry.after) if entry.after else f"was {entry.before}" if entry.before else ""
    return Line(entry, first_upper(entry.what), short_name(entry.about or ""), entry.app.name if entry.app_id else "",
                change, short_name(entry.who))  # fmt: skip


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
