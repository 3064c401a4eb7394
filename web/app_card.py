"""An app as its card and its title show it: its status, what else is so, its match share, what one may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

from markupsafe import Markup

from connectors.base import Connector
from sync.apps.conditions import first_line
from sync.apps.status import Standing
from sync.models import App
from sync.states import AppState, Tone
from web.components import BADGE_ICONS
from web.leaver_view import StuckRow
from web.row_addresses import row_address
from web.view import Badge
from web.words import number, percent, plural, spoken, when

LEAVERS = "leavers"  # the condition whose words open the list of them
DETAIL = 80  # characters of what is wrong that a card shows
ICONS = {
    "paused": "player-pause", "held": "hand-stop", LEAVERS: "user-off", "failed": "alert-circle", "overdue": "clock",
    "lapsed approval": "hand-stop", "unmatched": "unlink", "not daily": "clock",
}  # fmt: skip
SHOWN_OTHERWISE = ("unmatched",)  # beside the bar of the card


@dataclass(frozen=True)
class Matched:
    """How many of its users are matched: a share for the bar, in words, and those that aren't."""

    share: int
    label: str
    words: str
    unmatched: str


@dataclass(frozen=True)
class Card:
    app: App
    logo: str
    kind: str
    address: str
    owns: bool
    live: bool  # a check is waiting or running
    check: str  # what the menu calls it; empty where none may be started
    paused: bool  # and this person may resume it
    matched: Matched
    badge: Badge
    report: int | None  # the open report, for an Owner
    badge_opens_report: bool
    note: Markup | str
    about_leavers: bool  # the note is
    facts: list[Fact]
    stuck: list[StuckRow]  # leavers who can't be removed yet: the first,
    more_stuck: str  # and how many others


@dataclass(frozen=True)
class Fact:
    """Something that is so beside the status."""

    code: str
    tone: Tone
    icon: str
    words: Markup

    @property
    def about_leavers(self) -> bool:
        return self.code == LEAVERS


def card(app: App, kind: type[Connector], standing: Standing, owns: bool, stuck: Sequence[StuckRow] = ()) -> Card:
    live = standing.check is not None
    report = standing.report.id if standing.report and owns else None
    return Card(
        app, kind.logo, kind.label, row_address("apps.show", "app_id", app.id), owns,
        live, check=_check_button(live) if owns and app.is_active else "",
        paused=owns and app.state == AppState.PAUSED, matched=_matched(app, standing),
        badge=_badge(standing), report=report, badge_opens_report=report is not None and not live,
        note=_note(standing), about_leavers=standing.row.code == LEAVERS, facts=_facts(standing),
        stuck=list(stuck[:1]),
        more_stuck=plural(len(stuck) - 1, "other person", "other people") if len(stuck) > 1 else "",
    )  # fmt: skip


def _facts(standing: Standing) -> list[Fact]:
    return [
        Fact(row.code, row.tone, ICONS.get(row.code) or BADGE_ICONS[row.tone], spoken(row.beside(standing.facts)))
        for row in standing.others if row.code not in SHOWN_OTHERWISE
    ]  # fmt: skip


def _matched(app: App, standing: Standing) -> Matched:
    known = standing.facts.share
    words = plural(app.users, "user") + (f" · {percent(known)} matched" if app.users else "")
    unmatched = f"{number(app.unmatched)} unmatched" if app.unmatched else ""
    return Matched(known if app.users else 0, f"{known} % of the accounts are matched", words, unmatched)


def _note(standing: Standing) -> Markup | str:
    """Beside the badge: since when, or what is wrong."""
    if standing.row.code == "broken":
        return shorten(first_line(standing.facts.error), DETAIL, placeholder="…")
    return spoken(standing.short)


def _check_button(live: bool) -> str:
    return "Show the check" if live else "Check for updates"


def badge_of(standing: Standing) -> Badge:
    """The badge of an app's status, with the whole sentence on hover."""
    return _badge(standing, spoken(standing.sentence).striptags())


def _badge(standing: Standing, title: str = "") -> Badge:
    return Badge(standing.word, standing.tone, ICONS.get(standing.row.code, ""), title)


@dataclass(frozen=True)
class Title:
    """Above the tabs of an app."""

    logo: str
    kind: str
    subtitle: Markup
    live: bool
    check: int | None  # the one that is waiting or running, for an Owner
    badge: Badge
    shows_badge: bool
    wide_only: bool  # beside the button that opens the report
    report: int | None
    may_check: bool
    may_resume: bool


def title(app: App, kind: type[Connector], standing: Standing, owns: bool) -> Title:
    live = standing.check is not None
    report = standing.report.id if standing.report and owns else None
    return Title(
        kind.logo, kind.label, _subtitle(app, standing), live, standing.check.id if live and owns else None,
        badge_of(standing), shows_badge=standing.tone != Tone.OK or not owns, wide_only=report is not None,
        report=None if live else report, may_check=owns and app.is_active,
        may_resume=owns and app.state == AppState.PAUSED,
    )  # fmt: skip


def _subtitle(app: App, standing: Standing) -> Markup:
    if standing.check is not None:
        checked = Markup("check started {}").format(when(standing.check.created_at))
    elif app.file_from:
        checked = Markup("newest list of users: {}").format(when(app.file_from))
    elif app.last_check_at:
        checked = Markup("checked {}").format(when(app.last_check_at))
    else:
        checked = "not read yet"
    return Markup(" · ").join((app.category, plural(app.users, "user"), checked))
