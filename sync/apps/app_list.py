"""The apps that a person may see, as a list: filters, order, and each status. Apps that need attention are first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from peewee import Expression, ModelSelect, fn

from sync.apps import glance, owners, status
from sync.apps.glance import NEEDS_A_PERSON, Glance
from sync.listing import NOTHING, YES, Filter, Order, Page, page_of, page_of_first, page_of_rows
from sync.models import App, Person
from sync.prepared import prepared_plain
from sync.safety import leavers
from sync.states import AppState

PAGE = 60  # cards: full rows of one to five
EVERY = 10**9  # on one page
ORDER = Order(
    {"name": (App.name,), "users": (App.users,), "unmatched": (App.unmatched,), "checked": (App.last_check_at,)},
    ties=(App.name, App.id),
)


@dataclass(frozen=True)
class Apps(Filter):
    """`search` are words of the name, `state` is a Tone. `left` and `unmatched` are YES for apps that have accounts of
    people who have left, and accounts whose person is unknown."""

    search: str = ""
    category: str = ""
    state: str = ""
    left: str = ""
    unmatched: str = ""


def search(person: Person, wanted: Apps, sort: str = "", number: int = 1, size: int = PAGE) -> Page:
    """A page of (app, its Standing). Without a `sort` of ORDER, those that need a person are first; then by name."""
    if not sort and not wanted.asked:
        first = partial(glance.first, person, order=NEEDS_A_PERSON)
        return page_of_first(first, number, glance.count(person), size)
    query = owners.shown(person, wanted.search, wanted.category).where(App.state != AppState.CONNECTING)
    for asked, condition in ((wanted.left, _has_leavers), (wanted.unmatched, _has_unmatched)):
        if asked:
            query = query.where(condition(query) if asked == YES else NOTHING)
    query = query.order_by(*ORDER.terms(sort))
    if sort and not wanted.state:  # only those of the page are asked for their status
        page = page_of(query, number, size=size)
        standings = status.standings(page.rows)
        return replace(page, rows=[(app, standings[app.id]) for app in page.rows])
    page = page_of_rows(_by_need(glance.of(query), wanted.state, first=not sort), number, size)
    return replace(page, rows=glance.in_full(page.rows))


def _by_need(found: list[Glance], state: str, first: bool) -> list[Glance]:
    """Those in this state, if one is given; those that need a person `first`, if that is asked."""
    found = [one for one in found if not state or one.tone == state]
    return sorted(found, key=lambda one: (*NEEDS_A_PERSON, one.loudest).index(one.loudest)) if first else found


def _has_leavers(apps: ModelSelect) -> Expression:
    return App.id.in_(list(leavers.open_in(app.id for app in apps.select(App.id))))


def _has_unmatched(_apps: ModelSelect | None = None) -> Expression:
    return App.unmatched > 0


def marked(person: Person) -> dict[str, int]:
    """How many of the apps that this person may see have each mark."""
    ids = owners.connected_ids(person)
    [(unmatched,)] = _with_unmatched(person, all_apps=person.workspace_role in owners.RUNS_ALL)
    return {"left": len(leavers.numbers() if ids is None else leavers.open_in(ids)), "unmatched": unmatched}


@prepared_plain
def _with_unmatched(person: Person, *, all_apps: bool) -> ModelSelect:
    return owners.connected_of(person, all_apps).select(fn.COUNT(App.id)).where(_has_unmatched())


def drafts(person: Person, wanted: Apps) -> list[App]:
    """Those whose setup isn't finished: they don't count as apps yet, and have no state."""
    if wanted.state or wanted.left or wanted.unmatched:
        return []
    query = owners.shown(person, wanted.search, wanted.category).where(App.state == AppState.CONNECTING)
    return list(query.order_by(*ORDER.terms()))


DOWNLOADED = (
    "app", "connector", "category", "state", "users", "matched", "unmatched", "guests", "service_accounts", "left",
    "last_check",
)  # fmt: skip


def download(person: Person, wanted: Apps, sort: str = "") -> Iterator[tuple]:
    """All apps that search() finds, with DOWNLOADED of each; `left` are accounts of people who have left."""
    found = search(person, wanted, sort, size=EVERY).rows
    left = leavers.open_in(app.id for app, _ in found)
    for app, standing in found:
        still_in = left[app.id].accounts if app.id in left else 0
        yield (app.name, app.connector, app.category, standing.status, app.users, app.matched, app.unmatched,
               app.guests, app.service_accounts, still_in, app.last_check_at)  # fmt: skip
