"""The apps that a person may see as a list: filters, order, and how each stands. Apps that need attention are first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sync.apps import owners, status
from sync.apps.status import Standing
from sync.listing import Filter, Order
from sync.models import App, Person
from sync.safety import leavers
from sync.states import AppState, Tone

PAGE = 60  # cards: full rows of one to five
FIRST = (Tone.ATTENTION, Tone.WAITING)  # what needs a person, before all others
ORDER = Order(
    {"name": (App.name,), "users": (App.users,), "unmatched": (App.unmatched,), "checked": (App.last_check_at,)},
    ties=(App.name, App.id),
)


@dataclass(frozen=True)
class Apps(Filter):
    """`search` are words of the name, `state` is a Tone."""

    search: str = ""
    category: str = ""
    state: str = ""


@dataclass(frozen=True)
class Found:
    """Apps with how they stand, and those whose setup isn't finished."""

    apps: list[tuple[App, Standing]]
    drafts: list[App]


def search(person: Person, wanted: Apps, sort: str = "") -> Found:
    """All of them. Without a `sort` of ORDER, those that need a person are first; then by name."""
    shown = list(owners.shown(person, wanted.search, wanted.category).order_by(*ORDER.terms(sort)))
    drafts = [app for app in shown if app.state == AppState.CONNECTING]
    shown = [app for app in shown if app.state != AppState.CONNECTING]
    standings = status.standings(shown)
    if not sort:
        shown.sort(key=lambda app: (*FIRST, standings[app.id].loudest).index(standings[app.id].loudest))
    found = [(app, standings[app.id]) for app in shown]
    if not wanted.state:
        return Found(found, drafts)
    return Found([(app, standing) for app, standing in found if standing.tone == wanted.state], [])


DOWNLOADED = (
    "app", "connector", "category", "state", "users", "matched", "unmatched", "guests", "service_accounts", "left",
    "last_check",
)  # fmt: skip


def download(person: Person, wanted: Apps, sort: str = "") -> Iterator[tuple]:
    """All apps that search() finds, with DOWNLOADED of each; `left` are accounts of people who have left."""
    found = search(person, wanted, sort).apps
    left = leavers.open_in(app.id for app, _ in found)
    for app, standing in found:
        still_in = left[app.id].accounts if app.id in left else 0
        yield (app.name, app.connector, app.category, standing.status, app.users, app.matched, app.unmatched,
               app.guests, app.services, still_in, app.last_check_at)  # fmt: skip
