"""The log of all that happened, the proof that it is whole, and the mails that wait to leave."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for

from sync import activity
from sync.apps import apps
from sync.mail import outbox
from sync.models import App
from web.answers import asked, page_or_part, wants_part
from web.frame import MANAGERS
from web.permissions import workspace_role
from web.security import signed_in_person

pages = Blueprint("activity", __name__, url_prefix="/activity")

SHOWN = 50


@pages.get("")
@workspace_role(*MANAGERS)
def index() -> str:
    search, before = request.args.get("search", ""), asked("before")
    visible = list(apps.apps_of(signed_in_person()))
    app = next((app for app in visible if app.id == asked("app")), None)
    found = activity.entries(app=app, search=search, before_id=before, limit=SHOWN + 1, of_apps=_of_apps(visible))
    entries, more = found[:SHOWN], len(found) > SHOWN
    kept = {name: value for name, value in (("search", search), ("app", app and app.id)) if value}
    older = url_for("activity.index", **kept, before=entries[-1].id) if more else ""
    values = dict(entries=entries, older=older, search=search, app=app, before=before)
    if before and wants_part():
        return render_template("activity/_entries.html", **values)
    return page_or_part("activity/index.html", "activity/_list.html", **values, apps=visible,
                        newest=url_for("activity.index") + ("?" + urlencode(kept) if kept else ""),
                        outbox=outbox.unsent(), can_send=outbox.can_send())


def _of_apps(visible: list[App]) -> list[int] | None:
    """None, that is all, for those who run the workspace."""
    return None if signed_in_person().workspace_role in apps.RUNS_ALL else [app.id for app in visible]


@pages.get("/verification")
@workspace_role(*MANAGERS)
def verification() -> str:
    return page_or_part("activity/verification.html", "activity/_verification.html", result=activity.verify())
