"""All reports that one may decide, and those of one app: open ones first."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for

from sync import apps, report_list, report_rows
from sync.models import App
from web.answers import wants_part
from web.app_page import kind_of, page
from web.permissions import app_part, signed_in
from web.security import signed_in_person
from web.words import plural

pages = Blueprint("reports", __name__)

STATES = {
    "open": "Open",
    "applied": "Finished",
    "dismissed": "Dismissed",
    "superseded": "No longer needed",
}
KINDS = {
    "removed user": "removed user",
    "new user": "new user",
    "updated role": "updated role",
    "updated profile": "updated profile",
}


@pages.get("/reports")
@signed_in
def index() -> str:
    owned = list(apps.owned_by(signed_in_person()))
    chosen = next((app for app in owned if app.id == request.args.get("app", type=int)), None)
    values = _found(chosen, url_for("reports.index"), {"app": chosen.id} if chosen else {})
    values |= {"chosen": chosen, "choices": owned, "kind_of": kind_of}
    return render_template("reports/_list.html" if wants_part() else "reports/index.html", **values)


@pages.get("/apps/<int:app_id>/reports")
@app_part("owner")
def of_app(app: App) -> str:
    values = _found(app, url_for("reports.of_app", app_id=app.id), {})
    return page(app, "reports/of_app.html", "reports/_list.html", chosen=app, of_app=True, **values)


def _found(app: App | None, here: str, wanted: dict) -> dict:
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    found = report_list.search(signed_in_person(), app, state, request.args.get("page", 1, type=int))
    return {
        "page": found, "state": state, "states": STATES, "in_words": in_words,
        "address": f"{here}?" + urlencode(wanted | ({"state": state} if state else {})), "here": here,
    }


def in_words(counts: dict[str, int]) -> str:
    """What a report holds: "2 removed users, 1 new user, 3 changes of assets and access"."""
    told = [plural(counts[kind], word) for kind, word in KINDS.items() if counts.get(kind)]
    told += [plural(counts[kind], *words) for kind, words in report_rows.WANTED.items() if counts.get(kind)]
    rest = sum(number for kind, number in counts.items() if kind not in {*KINDS, *report_rows.WANTED})
    if rest:
        told.append(plural(rest, "change of assets and access", "changes of assets and access"))
    return ", ".join(told) or "nothing new"
