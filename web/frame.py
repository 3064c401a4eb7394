"""What every page shows around its content: the navigation, the signed-in person, how many reports are open."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, g, request, url_for

from sync import rank, sample_data
from sync.apps import status as app_status
from sync.directory import figures as directory_figures
from sync.jobs import health
from sync.mail import mail_server
from sync.models import Person
from sync.people import held
from sync.reports import overview
from sync.sign_in import waiting as waiting_sign_ins
from sync.states import Tone, WorkspaceRole
from web.answers import wants_part
from web.behind_proxy import here
from web.mail_view import MailNotice, mail_notice
from web.permissions import outranks
from web.security import signed_in_person
from web.words import this_workspace

MANAGERS = rank.MANAGERS  # of the workspace: its people and directories

MAIL_BANNER_ON = ("home.show", "apps.index", "people.index", "reports.index", "directories.index")


@dataclass(frozen=True)
class Place:
    """A line of the navigation drawer."""

    label: str
    address: str
    icon: str
    count: int = 0
    tone: Tone = Tone.WAITING

    @property
    def counted(self) -> str:
        """What the number counts, for those who can't see its colour."""
        needs = "needs attention" if self.count == 1 else "need attention"
        return needs if self.tone == Tone.ATTENTION else "waiting"

    @property
    def here(self) -> bool:
        now = here(query=False)
        return now == self.address or not self.address.endswith("/") and f"{now}/".startswith(f"{self.address}/")


def install(app: Flask) -> None:
    app.jinja_env.globals.update(wants_part=wants_part, troubles=health.troubles)

    @app.context_processor
    def surroundings() -> dict:
        me = signed_in_person() if request.endpoint != "static" and "connection" in g else None
        return {"me": me, "workspace": this_workspace, "places": lambda: places(me), "outranks": outranks,
                "current_address": here(), "mail_notice": lambda: mail_notice_for(me),
                "sample": lambda: shown_sample(me)}


@dataclass(frozen=True)
class ShownSample:
    """`mine`: the person who is signed in may remove it."""

    complete: bool
    mine: bool


def shown_sample(me: Person | None) -> ShownSample | None:
    kept = sample_data.loaded() if me else None
    return ShownSample(kept.complete, me.workspace_role == WorkspaceRole.OWNER) if kept else None


def mail_notice_for(me: Person | None) -> MailNotice | None:
    """The notice that e-mails don't leave, for people who may change the mail server, on the pages where they decide
    what to do next."""
    may_set = me is not None and me.workspace_role in mail_server.MAY_SET
    return mail_notice() if may_set and request.endpoint in MAIL_BANNER_ON else None


def manages(person: Person | None) -> bool:
    return person is not None and person.workspace_role in MANAGERS


def places(me: Person) -> list[Place]:
    """What this person may open, in the drawer's order."""
    everywhere = [
        ("Home", "home.show", "home"),
        ("Apps", "apps.index", "layout-grid"),
        ("People", "people.index", "users"),
        ("Reports", "reports.index", "clipboard-check"),
        ("Activity", "activity.index", "history"),
        ("Directory", "directories.index", "address-book"),
        ("Settings", "settings.show", "settings"),
    ]
    managers_only = ("people.index", "directories.index", "activity.index")
    attention = len(app_status.needing_attention(me))
    waiting = {"apps.index": attention, "reports.index": overview.count_open(me), "people.index": waiting_people(me),
               "directories.index": directory_figures.held_in_all() if manages(me) else 0}
    return [
        Place(label, url_for(page), icon, waiting.get(page, 0),
              Tone.ATTENTION if page == "apps.index" else Tone.WAITING)
        for label, page, icon in everywhere
        if manages(me) or page not in managers_only
    ]


def waiting_people(me: Person) -> int:
    """Changes of people that this person may release, and sign-ins that an Owner may approve."""
    if not manages(me):
        return 0
    return held.count(me.workspace_role) + (waiting_sign_ins.count() if me.workspace_role == WorkspaceRole.OWNER else 0)
