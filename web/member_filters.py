"""The filters and columns of the Members tab, in words: heads, chips, and the dialog with all filters."""

from __future__ import annotations

from collections.abc import Iterable

from flask import url_for

from sync.apps import assets, member_list
from sync.apps.member_list import Members
from sync.listing import whole_number
from sync.models import App
from sync.names import asset_name
from sync.roles import of as roles_of
from sync.states import ListName
from web import saved_views
from web.app_page import can, kind_of, owns
from web.components import Head
from web.list_view import Column, FilterField, Listed, ListHead, filter_field, quoted
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
    return [Head("", "tick", True), *shown, Head("", "actions")] if owns() else shown


def head(app: App, listed: Listed) -> ListHead:
    asked = listed.wanted.asked
    labels = {
        "inactive": lambda value: INACTIVE.get(value, f"Inactive: {value}?"),
        "role": quoted(kind_of(app).role_word.capitalize()) if "role" not in asked else _role(app),
        "department": quoted("Department"),
        "asset": lambda value: _asset(app, value),
    }
    views = saved_views.of_list(ListName.MEMBERS, listed, app)
    more = listed.filters(url_for("members.filters", app_id=app.id))
    return listed.head(columns(app), "People who have left first", labels, more, views=views)


def _role(app: App):
    word, labels = kind_of(app).role_word.capitalize(), roles_of(app).labels
    return lambda id: f"{word}: {labels.get(id) or id}"


def _asset(app: App, value: str) -> str:
    [asset] = assets.chosen(app, [id for id in [whole_number(value)] if id is not None]) or [None]
    return f"{asset.kind.capitalize()}: {asset_name(asset)}" if asset else f"{kind_of(app).asset_word}: {value}?"


def fields(app: App, wanted: Members) -> list[FilterField]:
    """The filters that have something to choose from. A chosen value that is no longer offered is kept."""
    word = kind_of(app).asset_word
    inactive = [(choice.value, _with_count(INACTIVE[choice.value], choice))
                for choice in member_list.inactive_choices(app, wanted)]  # fmt: skip
    found = [
        filter_field("inactive", "Last activity", inactive, wanted.inactive),
        filter_field("role", kind_of(app).role_word.capitalize(), _counted(member_list.role_choices(app, wanted)),
                     wanted.role),
        filter_field("department", "Department", _counted(member_list.department_choices(app, wanted)),
                     wanted.department),
    ]  # fmt: skip
    offered = member_list.asset_choices(app) if can(app) else []
    shown = [(str(asset.id), f"{asset.kind}: {asset_name(asset)}") for asset in offered]
    many = f"The first {plural(len(shown), word)}. For another, open it on the Assets tab and choose “Show in Members”."
    help = many if len(shown) == member_list.ASSETS else ""
    found.append(filter_field("asset", f"Access to a {word}", shown, wanted.asset, help))
    return [field for field in found if field.options]


def _counted(choices: Iterable[member_list.Choice]) -> list[tuple[str, str]]:
    return [(choice.value, _with_count(choice.label, choice)) for choice in choices]


def _with_count(label: str, choice: member_list.Choice) -> str:
    return label if choice.count is None else f"{label} ({number(choice.count)})"
