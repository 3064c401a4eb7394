"""How values are shown on a page: times, numbers, money, counted words.
Times are relative, with the exact time on hover, in the workspace's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import Flask, g
from markupsafe import Markup, escape

from sync.apps.conditions import At, Words
from sync.db import utcnow
from sync.names import account_name, asset_name, name_in_change, short_name
from sync.words import plural
from sync.workspace import Workspace, workspace

FIXED = "\u00a0"  # a space that does not break the line
HELD_BY_A_GUARD = "Held by a guard"  # words that several pages show
WAITING_FOR_APPROVAL = "Waiting for approval"
APPLIED_AUTOMATICALLY = "Applied automatically"
APP_NAME_HELP = "Shown on cards, in reports and in e-mails. At most 80 characters."
NEEDS_APPROVAL = "No account is removed until an Owner of the app approves, unless automatic removal is on."


def install(app: Flask) -> None:
    app.jinja_env.filters.update(number=number, percent=percent, money=money, when=when, at=at, on_day=on_day,
                                 clock=clock, short_name=short_name, account_name=account_name, asset_name=asset_name,
                                 name_in_change=name_in_change, calendar_day=calendar_day)
    app.jinja_env.globals.update(plural=plural, share=share, duration=duration, needs_approval=NEEDS_APPROVAL,
                                 app_name_help=APP_NAME_HELP)


def number(value: int | None) -> str:
    """1234567 → 1,234,567"""
    return "–" if value is None else f"{value:,}"


def share(part: int, whole: int) -> int:
    """Per cent, rounded down, so that 100 means all of them; 100 where `whole` is 0."""
    return 100 if not whole else part * 100 // whole


def percent(value: int) -> str:
    return f"{value}{FIXED}%"


def money(cents: int | None) -> str:
    """Hundredths of the workspace's currency; no decimals where they are zero."""
    if cents is None:
        return "–"
    amount = f"{cents // 100:,}" if cents % 100 == 0 else f"{cents / 100:,.2f}"
    return f"{amount}{FIXED}{this_workspace().currency}"


def dotted(*parts: Markup | str | None) -> Markup:
    """The texts that aren't empty, as one text with dots between them: "Left on 3 Nov · last active 2 h ago"."""
    return Markup(" · ").join(part for part in parts if part)


def arrow(before: str | None, after: str | None) -> str:
    """Member → Admin; one of them alone where the other is empty."""
    return " → ".join(filter(None, (before, after)))


def duration(seconds: float) -> str:
    seconds = max(0, int(seconds))
    if seconds < 60:
        return f"{seconds}{FIXED}s"
    if seconds < 3600:
        return f"{seconds // 60}{FIXED}min {seconds % 60}{FIXED}s"
    return f"{seconds // 3600}{FIXED}h {seconds % 3600 // 60}{FIXED}min"


def when(moment: datetime | None, otherwise: str = "never") -> Markup | str:
    """A naive UTC time as <time>: "2 h ago", "in 9 h", the exact time on hover."""
    if moment is None:
        return otherwise
    return _time(moment, relative(moment, utcnow()))


def at(moment: datetime) -> Markup:
    """A naive UTC time as <time>: "16:29", with the day unless that is today."""
    there = local(moment)
    today = there.date() == local(utcnow()).date()
    return _time(moment, f"{there:%H:%M}" if today else f"{_day(there)}, {there:%H:%M}")


def spoken(words: Words) -> Markup:
    """A sentence of sync/apps/conditions, with its times as pages show them."""
    parts = (at(part.moment) if isinstance(part, At) else part if isinstance(part, str) else when(part)
             for part in words)
    return Markup("").join(parts)


def on_day(moment: datetime | None, otherwise: str = "–") -> Markup | str:
    """A naive UTC time as <time>: "3 Nov", with the year unless it is this year."""
    return otherwise if moment is None else _time(moment, _day(local(moment)))


def calendar_day(day: date) -> str:
    """A day of the workspace's calendar: "3 December", with the year unless it is this year."""
    year = "" if day.year == local(utcnow()).year else f" {day.year}"
    return f"{day.day}{FIXED}{day:%B}{year}"


def clock(minute: int) -> str:
    """A minute of the day as 04:20."""
    return f"{minute // 60:02}:{minute % 60:02}"


def relative(moment: datetime, now: datetime) -> str:
    seconds = int((now - moment).total_seconds())
    size = abs(seconds)
    if size < 60:
        return "just now" if seconds >= 0 else "in a moment"
    if size < 3600:
        words = f"{size // 60}{FIXED}min"
    elif size < 24 * 3600:
        words = f"{size // 3600}{FIXED}h"
    elif size < 14 * 24 * 3600:
        days = size // (24 * 3600)
        words = plural(days, "day")
    else:
        return _day(local(moment))
    return f"{words} ago" if seconds >= 0 else f"in {words}"


def local(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(this_workspace().zone))


def _day(moment: datetime) -> str:
    year = "" if moment.year == local(utcnow()).year else f" {moment.year}"
    return f"{moment.day}{FIXED}{moment:%b}{year}"


def _time(moment: datetime, words: str) -> Markup:
    return Markup(f"{_begun_time(moment, this_workspace().zone)}{escape(words)}</time>")


@lru_cache(maxsize=4000)
def _begun_time(moment: datetime, zone: str) -> str:
    """Of <time>, all that doesn't depend on now: rows share many moments, such as that of a check."""
    there = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    exact = f"{there:%A}, {there.day} {there:%B %Y, %H:%M:%S} ({there.tzinfo})"
    return f'<time datetime="{there.isoformat(timespec="seconds")}" title="{escape(exact)}">'


def this_workspace() -> Workspace:
    """The workspace's settings, read once a request."""
    if "workspace" not in g:
        g.workspace = workspace()
    return g.workspace
