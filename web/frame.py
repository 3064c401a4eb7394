"""What every page shows around its column: who is signed in, where one is, how many reports wait."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, g, request

from sync import apps
from sync.models import App, AppPerson, Person, Report
from web.answers import wants_part
from web.permissions import outranks
from web.security import signed_in_person
from web.words import this_workspace

MANAGERS = ("owner", "super admin", "admin")  # of the workspace: its people and directories


@dataclass(frozen=True)
class Place:
    """A line of the navigation drawer."""

    label: str
    address: str
    icon: str
    count: int = 0

    @property
    def here(self) -> bool:
        return request.path == self.address or request.path.startswith(self.address + "/")


def install(app: Flask) -> None:
    app.jinja_env.globals["wants_part"] = wants_part

    @app.context_processor
    def surroundings() -> dict:
        me = signed_in_person() if request.endpoint != "static" and "connection" in g else None
        return {"me": me, "workspace": this_workspace, "places": lambda: places(me), "outranks": outranks}


def manages(person: Person | None) -> bool:
    return person is not None and person.workspace_role in MANAGERS


def places(me: Person) -> list[Place]:
    """What this person may open, in the drawer's order."""
    everywhere = [
        Place("Apps", "/apps", "layout-grid"),
        Place("People", "/people", "users"),
        Place("Reports", "/reports", "clipboard-check", waiting_reports(me)),
        Place("Activity", "/activity", "history"),
        Place("Directory", "/directories", "address-book"),
        Place("Settings", "/settings", "settings"),
    ]
    managers_only = ("/people", "/directories", "/activity")
    return [place for place in everywhere if manages(me) or place.address not in managers_only]


def waiting_reports(me: Person) -> int:
    """Open reports of the apps that this person owns."""
    query = Report.select().join(App).where(Report.state == "open", App.state != "disconnected")
    if me.workspace_role not in apps.RUNS_ALL:
        owned = AppPerson.select(AppPerson.app).where(AppPerson.person == me, AppPerson.part == "owner")
        query = query.where(App.id.in_(owned))
    return query.count()
