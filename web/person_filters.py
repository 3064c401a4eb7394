"""The filters and columns of the list of people, in words: heads, chips with counts, and the dialog."""

from __future__ import annotations

from dataclasses import replace

from flask import url_for

from sync.listing import YES
from sync.people import people, person_list
from sync.people.person_list import People
from sync.states import ListName, WorkspaceRole
from web import saved_views
from web.list_view import Column, FilterField, Listed, ListHead, Shortcut, filter_field, quoted, yes_or_no
from web.view import first_upper
from web.words import number

COLUMNS = [
    Column("Name", "name"),
    Column("Status", "status"),
    Column("Why", "since", up="longest ago first", down="latest first", down_first=True),
    Column("Workspace role", "role", up="highest first", down="lowest first"),
    Column("Accounts", "accounts", "number", up="fewest first", down="most first", down_first=True),
]
MARKS = {
    "left": ("Left, still has an account", "user-off"),
    "disputed": ("Disputed address", "alert-triangle"),
    "hold": ("On legal hold", "lock"),
}
ASKED = ("status", "role", "department", *MARKS)  # in the dialog


def head(listed: Listed) -> ListHead:
    """Chips with counts offer what is worth a look, while it isn't looked for already."""
    wanted = listed.wanted
    marked = {name: count for name, count in person_list.marked().items() if not getattr(wanted, name)}
    shortcuts = [Shortcut(MARKS[name][0], count, listed.to(replace(wanted, **{name: YES}), listed.sort), MARKS[name][1])
                 for name, count in marked.items()]  # fmt: skip
    labels = {
        "status": lambda value: f"Status: {first_upper(value)}",
        "role": lambda value: f"Workspace role: {first_upper(value)}",
        "department": quoted("Department"),
        **{name: yes_or_no(label) for name, (label, _) in MARKS.items()},
    }
    more = listed.filters(url_for("people.filters"))
    return listed.head(COLUMNS, "Leavers with accounts first", labels, more, shortcuts,
                       saved_views.of_list(ListName.PEOPLE, listed))


def fields(wanted: People) -> list[FilterField]:
    departments = [(name, f"{name} ({number(count)})") for name, count in person_list.departments()]
    marks = [filter_field(name, label, [(YES, "Yes")], getattr(wanted, name)) for name, (label, _) in MARKS.items()]
    found = [
        filter_field("status", "Status", [(word, first_upper(word)) for word in people.STATUSES], wanted.status),
        filter_field("role", "Workspace role", [(word, first_upper(word)) for word in WorkspaceRole], wanted.role),
        filter_field("department", "Department", departments, wanted.department),
        *marks,
    ]
    return [field for field in found if field.options]
