"""What every page of an app shows above its tabs, and what all of them need to know: its kind, what one may do."""

from __future__ import annotations

from collections.abc import Collection

from flask import Response, g, make_response, render_template, url_for

from connectors.base import ASSETS
from sync.apps import kinds
from sync.apps import status as app_status
from sync.apps.kinds import kind_of
from sync.models import App
from sync.once import once
from sync.states import AccountMatch, AppManager
from web import app_alerts, app_card, leaver_view
from web.answers import wants_part
from web.behind_proxy import here


def owns() -> bool:
    """True for an Owner of the app that the address names; False for a Collaborator."""
    return g.manages_as == AppManager.OWNER


@once
def can(app: App) -> frozenset[str]:
    """What Rollcall can do in this app."""
    return kinds.can(app)


def tabs(app: App) -> list[tuple[str, str, None]]:
    """The pages of the app that this person may open."""
    shown = [("Settings", "apps.show"), ("Members", "members.index")]
    if ASSETS in can(app):
        shown.append(("Assets", "assets.index"))
    if owns():
        shown += [("Groups", "group_rules.index"), ("Reports", "reports.of_app"), ("Activity", "tasks.index")]
    return [(label, url_for(endpoint, app_id=app.id), None) for label, endpoint in shown]


def page(app: App, whole: str, part: str = "", **values) -> str:
    """A page of the app, or the part of it that htmx swaps."""
    values |= {"app": app, "kind": kind_of(app), "can": can(app), "owns": owns()}
    if part and wants_part():
        return render_template(part, **values)
    return render_template(whole, **above_tabs(app, values["can"], here()), tabs_of_app=tabs(app), **values)


def above_tabs(app: App, can: Collection[str], back: str) -> dict:
    """The title of the app's pages and what needs a person. `can`: what Rollcall can do in it; `back`: the page that is
    shown."""
    mine, standing = owns(), app_status.standing(app)
    alerts = app_alerts.alerts(app, standing, mine)
    leavers = leaver_view.of_app(app, can, back) if mine and app.is_connected else None
    further = [row.sentence for row in leavers.stuck] + [row.words for row in leavers.accepted] if leavers else []
    return {
        "head": app_card.title(app, kind_of(app), standing, mine), "alerts": alerts, "leavers": leavers,
        "warnings": app_alerts.line_for(alerts, further),
    }  # fmt: skip


def with_head_again(answer: Response | str, app: App) -> Response:
    """The same answer, after which the page loads its title and what needs a person again."""
    answer = make_response(answer)
    answer.headers["HX-Trigger-After-Swap"] = f"check-{app.id}"
    return answer


def match_in_words(account) -> str:
    """Whose the account is: "Ana Lopez", "Guest", "Local partner", "Service account of Ana Lopez"."""
    who = account.person.name if account.person is not None else ""
    if account.match_kind == AccountMatch.MATCHED:
        return who or "Matched"
    return f"{account.match_kind.capitalize()} of {who}" if who else account.match_kind.capitalize()
