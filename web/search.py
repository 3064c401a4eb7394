"""Search everything: a page, and the list of a dialog that asks as one types. A search never changes anything."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Blueprint, render_template, request, url_for
from markupsafe import Markup

from sync import everywhere, names
from sync.everywhere import Everything, Hits
from sync.models import Account, App, Asset, Person, Report
from sync.search.texts import words_of
from sync.states import AccountState, AppState, PersonStatus, Tone
from web import search_actions
from web.answers import wants_part
from web.app_page import kind_of
from web.permissions import signed_in
from web.reports import STATES, in_words
from web.security import signed_in_person
from web.view import Badge, first_upper, joined
from web.words import dotted, on_day

pages = Blueprint("search", __name__, url_prefix="/search")

SHOWN = 5  # rows of each kind, unless only one kind is asked for
OPTIONS = "search-options"  # the list in the dialog


@dataclass(frozen=True)
class Row:
    """One thing that was found. Either `logo` with `label`, or `icon`, is in front of it."""

    title: str
    address: str
    detail: Markup | str = ""
    icon: str = ""
    logo: str = ""
    badge: Badge | None = None


@dataclass(frozen=True)
class Group:
    """Everything of one kind: `count` in words, the first rows, and the list with all of them if there are more."""

    kind: str
    title: str
    count: str
    rows: list[Row]
    all: str = ""
    numbered: list[tuple[int, Row]] = field(default_factory=list)  # with its place among all rows


@pages.get("")
@signed_in
def index() -> str:
    asked, kind = request.args.get("q", "").strip(), request.args.get("kind", "")
    me = signed_in_person()
    found = everywhere.search(me, asked)
    groups = _groups(found, asked, kind)
    if not kind:
        actions = search_actions.matching(me, asked, found)
        groups += _group("actions", "Actions", Hits(actions), [_action(action) for action in actions], len(actions))
    groups = _numbered(groups)
    values = {"asked": asked, "groups": groups, "kind": kind, "summary": _summary(groups, asked), "hint": _hint(asked),
              "behind": found.behind, "more": _more(found, kind),
              "everything": url_for("search.index", q=asked)}  # fmt: skip
    if wants_part():
        options = request.htmx.target == OPTIONS
        return render_template("search/_options.html" if options else "search/_found.html", **values)
    return render_template("search/index.html", **values)


def _groups(found: Everything, asked: str, only: str) -> list[Group]:
    """Those that have anything, in the order in which they are shown; `only` one of them, with all its rows."""
    of_kinds = (
        ("apps", "Apps", found.apps, _app, url_for("apps.index", search=asked)),
        ("people", "People", found.people, _person, url_for("people.index", search=asked)),
        ("accounts", "Accounts", found.accounts, _account, ""),
        ("assets", "Assets", found.assets, _asset, _assets_of_one_app(found.assets, asked)),
        ("reports", "Reports", found.reports, _report, _reports_of_one_app(found.reports)),
    )
    groups = []
    for kind, title, hits, make, to in of_kinds:
        if only not in ("", kind):
            continue
        shown = hits.rows if only else hits.rows[:SHOWN]
        emails = names.main_emails(row.id for row in shown) if kind == "people" else {}
        rows = [make(row, emails) if kind == "people" else make(row) for row in shown]
        groups += _group(kind, title, hits, rows, len(shown), to or url_for("search.index", q=asked, kind=kind))
    return groups


def _group(kind: str, title: str, hits: Hits, rows: list[Row], shown: int, to: str = "") -> list[Group]:
    if not rows:
        return []
    count = f"{len(hits.rows):,}{'+' if hits.more else ''}"
    return [Group(kind, title, count, rows, to if len(hits.rows) > shown or hits.more else "")]


def _numbered(groups: list[Group]) -> list[Group]:
    place = 0
    for group in groups:
        for row in group.rows:
            group.numbered.append((place, row))
            place += 1
    return groups


def _app(app: App) -> Row:
    kind, draft = kind_of(app), app.state == AppState.CONNECTING
    address = "connect.credential" if draft else "apps.show"
    label = kind.label if kind.label != app.name else ""
    return Row(app.name, url_for(address, app_id=app.id), joined(label, "Setup unfinished" if draft else ""),
               logo=kind.logo, icon="" if kind.logo else "layout-grid")  # fmt: skip


def _person(person: Person, emails: dict[int, str]) -> Row:
    email = emails.get(person.id, "")
    badge = Badge("Has left", Tone.NEUTRAL, "user-off") if person.status == PersonStatus.DEPROVISIONED else None
    return Row(person.name or email or names.person_name(person), url_for("people.show", person_id=person.id),
               email if person.name else "", icon="user", badge=badge)  # fmt: skip


def _account(account: Account) -> Row:
    name = names.account_name(account)
    badge = Badge("Being removed", Tone.WORKING) if account.state == AccountState.REMOVING else None
    email = account.email if account.email != name else ""
    return Row(name, url_for("account.show", app_id=account.app_id, account_id=account.id),
               joined(email, account.app.name), icon="key", badge=badge)  # fmt: skip


def _asset(asset: Asset) -> Row:
    return Row(names.asset_name(asset), url_for("assets.show", app_id=asset.app_id, asset_id=asset.id),
               joined(first_upper(asset.kind), asset.app.name), icon="folder")  # fmt: skip


def _report(report: Report) -> Row:
    state = Badge(STATES["open"], Tone.WAITING) if report.is_open else None
    return Row(f"Report {report.id} of {report.app.name}", url_for("wizard.show", report_id=report.id),
               dotted(first_upper(in_words(report.counts)), on_day(report.created_at)),
               icon="clipboard-check", badge=state)  # fmt: skip


def _action(action: search_actions.Action) -> Row:
    return Row(action.label, action.address, icon=action.icon)


def _assets_of_one_app(found: Hits, asked: str) -> str:
    apps = {asset.app_id for asset in found.rows}
    return url_for("assets.index", app_id=apps.pop(), search=asked) if len(apps) == 1 and not found.more else ""


def _reports_of_one_app(found: Hits) -> str:
    apps = {report.app_id for report in found.rows}
    return url_for("reports.index", app=apps.pop()) if len(apps) == 1 and not found.more else ""


def _more(found: Everything, kind: str) -> str:
    hits = getattr(found, kind, None) if kind in ("apps", "people", "accounts", "assets", "reports") else None
    return f"These are the first {everywhere.MOST}. Add a word to narrow the search." if hits and hits.more else ""


def _summary(groups: list[Group], asked: str) -> str:
    """What a screen reader announces."""
    if not groups:
        return f"Nothing found for “{asked[:60]}”" if words_of(asked) else ""
    return ", ".join(f"{group.title}: {group.count}" for group in groups)


def _hint(asked: str) -> str:
    words = words_of(asked)
    if not words:
        return "Search for a name, a part of an e-mail address, an app, an asset, or something to do."
    if all(len(word) < 2 for word in words):
        return "Type two letters to find people, accounts and assets."
    return ""
