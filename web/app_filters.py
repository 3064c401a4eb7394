"""The filters of the list of apps, in words: chips with counts, and the dialog with all filters."""

from __future__ import annotations

from dataclasses import replace

from flask import url_for

from sync.apps import app_list, owners
from sync.apps.app_list import Apps
from sync.listing import YES
from sync.models import Person
from sync.states import ListName, Tone
from web import saved_views
from web.list_view import Column, FilterField, Listed, ListHead, Shortcut, filter_field, quoted, yes_or_no
from web.words import WAITING_FOR_APPROVAL

STATES = {
    Tone.WAITING: WAITING_FOR_APPROVAL,
    Tone.ATTENTION: "Needs attention",
    Tone.WORKING: "Being checked",
    Tone.OK: "Up to date",
    Tone.NEUTRAL: "Paused or not set up",
}
COLUMNS = [
    Column("Name", "name"),
    Column("Users", "users", up="fewest first", down="most first", down_first=True),
    Column("Unmatched", "unmatched", up="fewest first", down="most first", down_first=True),
    Column("Last check", "checked", up="longest ago first", down="latest first"),
]
MARKS = {"left": ("Left", "user-off", "Someone has left"), "unmatched": ("Unmatched", "unlink", "Unmatched accounts")}
ASKED = ("state", "category", *MARKS)  # in the dialog


def head(me: Person, listed: Listed) -> ListHead:
    """Chips with counts offer what is worth a look, while it isn't looked for already."""
    wanted = listed.wanted
    shortcuts = [Shortcut(MARKS[name][0], count, listed.to(replace(wanted, **{name: YES}), listed.sort), MARKS[name][1])
                 for name, count in app_list.marked(me).items() if count and not getattr(wanted, name)]  # fmt: skip
    labels = {"state": lambda value: STATES.get(value, f"State: {value}?"), "category": quoted("Category"),
              **{name: yes_or_no(label) for name, (_, _, label) in MARKS.items()}}  # fmt: skip
    return listed.head(COLUMNS, "Needs attention first", labels, listed.filters(url_for("apps.filters")), shortcuts,
                       saved_views.of_list(ListName.APPS, listed))  # fmt: skip


def fields(me: Person, wanted: Apps) -> list[FilterField]:
    categories = [(word, word.capitalize()) for word in owners.categories(me)]
    marks = [filter_field(name, label, [(YES, "Yes")], getattr(wanted, name)) for name, (_, _, label) in MARKS.items()]
    return [filter_field("state", "State", STATES.items(), wanted.state),
            filter_field("category", "Category", categories, wanted.category), *marks]  # fmt: skip
