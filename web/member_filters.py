"""The filters and columns of the Members tab, in words: heads, chips, and the dialog with all filters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import url_for

from sync.apps import assets, member_list
from sync.apps.member_list import Members
from sync.listing import whole_number
from sync.models import App
from sync.names import asset_name
from sync.roles import of as roles_of
from web.app_page import can, kind_of, owns
from web.components import Head
from web.list_view import Column, Listed, ListHead, quoted
from web.words import number, plural

INACTIVE = {days: f"Inactive for {days} days" for days in member_list.INACTIVE} | {
    member_list.UNKNOWN: "Last activity unknown"
}
ASKED = ("inactive", "role", "department", "asset")  # in the dialog


def columns(app: App) -> list[Column]:
    return [
        Column("Account", "name"),
        Column("State", "status"),
        Column(kind_of(app).role_word.capitalize(), "role", up="highest first", down="lowest first"),
        Column("Last active", "active", up="longest ago first", down="latest first", down_first=True),
        Column("First seen", "added", up="oldest first", down="newest first", down_first=True),
    ]


def heads(app: App, listed: Listed) -> list[Head]:
    """Only Owners can tick rows and open menus."""
    shown = listed.heads(columns(app)[:-1])
    return [Head("", "tick", True), *shown, Head("", "acts")] if owns() else shown


def head(app: App, listed: Listed) -> ListHead:
    asked = listed.wanted.asked
    labels = {
        "inactive": lambda value: INACTIVE.get(value, f"Inactive: {value}?"),
        "role": quoted(kind_of(app).role_word.capitalize()) if "role" not in asked else _role(app),
        "department": quoted("Department"),
        "asset": lambda value: _asset(app, value),
    }
    more = url_for("members.filters", app_id=app.id)
    query = listed.query
    return listed.head(columns(app), "People who have left first", labels, f"{more}?{query}" if query else more)


def _role(app: App):
    word, labels = kind_of(app).role_word.capitalize(), roles_of(app).labels
    return lambda id: f"{word}: {labels.get(id) or id}"


def _asset(app: App, value: str) -> str:
    [asset] = assets.chosen(app, [id for id in [whole_number(value)] if id is not None]) or [None]
    return f"{asset.kind.capitalize()}: {asset_name(asset)}" if asset else f"{kind_of(app).asset_word}: {value}?"


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class FilterField:
    """One filter in the dialog, with all values that it can have."""

    name: str
    label: str
    anything: str
    options: list[Option]
    help: str = ""


def fields(app: App, wanted: Members) -> list[FilterField]:
    """Those that have something to choose from. A chosen value that is no longer offered stays."""
    word = kind_of(app).asset_word
    inactive = [(choice.value, f"{INACTIVE[choice.value]} ({number(choice.count)})")
                for choice in member_list.inactive_choices(app, wanted)]  # fmt: skip
    found = [
        _field("inactive", "Last activity", "Any", inactive, wanted.inactive),
        _field("role", kind_of(app).role_word.capitalize(), "Any", _counted(member_list.role_choices(app, wanted)),
               wanted.role),
        _field("department", "Department", "Any", _counted(member_list.department_choices(app, wanted)),
               wanted.department),
    ]  # fmt: skip
    offered = member_list.asset_choices(app) if can(app) else []
    shown = [(str(asset.id), f"{asset.kind}: {asset_name(asset)}") for asset in offered]
    many = (f"The first {plural(len(shown), word)}. Open any other on the Assets tab, and choose “Show in Members” there."
            if len(shown) == member_list.ASSETS else "")  # fmt: skip
    found.append(_field("asset", f"Access to a {word}", "Any", shown, wanted.asset, many))
    return [field for field in found if field.options]


def _counted(choices: Iterable[member_list.Choice]) -> list[tuple[str, str]]:
    return [(choice.value, f"{choice.label} ({number(choice.count)})") for choice in choices]


def _field(name: str, label: str, anything: str, options: list[tuple[str, str]], chosen: str,
           help: str = "") -> FilterField:  # fmt: skip
    if chosen and chosen not in dict(options):
        options = [*options, (chosen, f"{chosen} (not found)")]
    return FilterField(name, label, anything,
                       [Option(value, words, value == chosen) for value, words in options], help)  # fmt: skip
