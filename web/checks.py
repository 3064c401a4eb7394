"""Check for updates: started or joined, looked at while it runs, cancelled. A check goes on whoever looks."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from sync import mass_updates, report_rows, soon
from sync.db import utcnow
from sync.models import App, Check
from sync.problems import AppProblem
from web.answers import go_to
from web.app_page import kind_of
from web.permissions import app_part
from web.security import by
from web.words import duration, plural, relative

pages = Blueprint("checks", __name__, url_prefix="/apps/<int:app_id>/checks")

LIVE = ("queued", "running")
COUNTED = {
    "new_users": ("new user", None),
    "removed_users": ("removed user", None),
    "updated_roles": ("updated role", None),
    "updated_profiles": ("updated profile", None),
    "assets": ("change of assets", "changes of assets"),
    "access": ("change of access", "changes of access"),
    "to_invite": ("person to invite", "people to invite"),
    "roles_to_change": ("role to change", "roles to change"),
    "access_to_grant": ("access to grant", "accesses to grant"),
    "access_to_revoke": ("access to revoke", "accesses to revoke"),
    "no_longer_assigned": ("person no longer assigned", "people no longer assigned"),
}


@pages.post("")
@app_part("owner")
def create(app: App) -> Response:
    """Start a check, or join the one that runs."""
    try:
        check = soon.ask(app, by())
    except AppProblem as problem:
        return go_to(url_for("apps.show", app_id=app.id), str(problem), "attention")
    if not request.htmx:
        return redirect(url_for("checks.show", app_id=app.id, check_id=check.id), 303)
    answer = make_response(_dialog(app, check))
    answer.headers["HX-Trigger-After-Swap"] = f"check-{app.id}"  # the card and the title look again
    return answer


@pages.get("/<int:check_id>")
@app_part("owner")
def show(app: App, check: Check) -> str:
    if request.htmx:
        return _dialog(app, check)
    return render_template("checks/show.html", **progress_of(app, check))


@pages.get("/<int:check_id>/progress")
@app_part("owner")
def progress(app: App, check: Check) -> str:
    """What the dialog asks for again and again; the last answer no longer asks."""
    return render_template("checks/_progress.html", **progress_of(app, check))


@pages.delete("/<int:check_id>")
@app_part("owner")
def cancel(app: App, check: Check) -> Response | str:
    soon.cancel(check, by())
    check = Check.get_by_id(check.id)
    if request.htmx:
        return render_template("checks/_progress.html", **progress_of(app, check))
    return redirect(url_for("checks.show", app_id=app.id, check_id=check.id), 303)


def _dialog(app: App, check: Check) -> str:
    return render_template("checks/_dialog.html", **progress_of(app, check))


def progress_of(app: App, check: Check) -> dict:
    """What a page says of a check, while it runs and after it."""
    live = check.state in LIVE
    report = check.report if check.report_id and check.report.state == "open" else None
    return {
        "app": app, "check": check, "live": live, "phase": _phase(check, kind_of(app).asset_word),
        "took": _took(check), "found": "" if live else found(check), "report": report,
        "sentence": report_rows.sentence(report) if report else "",
    }


def _took(check: Check) -> str:
    return duration(((check.finished_at or utcnow()) - check.created_at).total_seconds())


def _phase(check: Check, asset_word: str) -> tuple[str, bool]:
    """(what it does right now, whether it counts)."""
    if check.cancel_asked:
        return "Stopping…", False
    if check.state == "queued" and check.error:
        return f"{check.error} The next try is {relative(check.next_at, utcnow())}.", False
    words = {
        "waiting": ("Waiting for its turn…", False),
        "directory": ("Asking the directory who works here…", False),
        "accounts": ("Reading members…", True),
        "assets": (f"Reading {asset_word}s…", True),
        "access": (f"Reading who may use which {asset_word}…", True),
        "comparing": ("Comparing with what is known…", False),
    }
    return words.get(check.phase, ("Working…", False))


def found(check: Check) -> str:
    """What a check that succeeded took over by itself, in a sentence or two."""
    held = report_rows.held_updates(check.report) if check.report_id else {}
    waits = check.waiting + check.held
    counts = check.counts | {
        "removed_users": check.counts.get("removed_users", 0) - (waits - sum(held.values())),
        "updated_roles": check.counts.get("updated_roles", 0) - held.get(mass_updates.ROLES, 0),
        "updated_profiles": check.counts.get("updated_profiles", 0) - held.get(mass_updates.PROFILES, 0),
    }
    news = [plural(counts[name], *words) for name, words in COUNTED.items() if counts.get(name, 0) > 0]
    read = f"{plural(check.accounts, 'member')} read."
    if not news:
        return f"{read} {'Nothing else is new.' if waits else 'Nothing is new.'}"
    return f"{read} Taken over: {', '.join(news[:-1])}{' and ' if news[1:] else ''}{news[-1]}."
