"""Reads days as people write them. The whole column shows which number is the day, or a person is asked; nothing is
guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from connectors.tools.times import from_iso

DAY_FIRST, MONTH_FIRST = "day first", "month first"
NONE = frozenset({"", "-", "–", "—", "n/a", "na", "none", "never", "null", "not set", "nan"})
_MONTHS = {name: number for number, names in enumerate((
    "jan january januar", "feb february februar", "mar march märz", "apr april", "may mai", "jun june juni",
    "jul july juli", "aug august", "sep sept september", "oct october oktober", "nov november",
    "dec december dezember"), 1) for name in names.split()}  # fmt: skip
_NUMBERS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T,].*)?")
_YEAR_FIRST = re.compile(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})(?:[ T,].*)?")
_WORDS = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[. -]*([^\W\d_]{3,9})[., -]*(\d{4})(?:[ T,].*)?")
_AMERICAN = re.compile(r"([^\W\d_]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?:[ T,].*)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]m)?", re.IGNORECASE)


def is_none(text: str) -> bool:
    """Whether the cell means that there is no day."""
    return text.strip().casefold() in NONE


def order_of(texts: Iterable[str]) -> str:
    """DAY_FIRST or MONTH_FIRST if the column shows it, "" if it doesn't matter, "?" if it is unclear."""
    orders, open_ = set(), False
    for text in texts:
        match = _NUMBERS.fullmatch(text.strip())
        if not match or match[2] == ".":
            continue
        first, second = int(match[1]), int(match[3])
        if first > 12:
            orders.add(DAY_FIRST)
        elif second > 12:
            orders.add(MONTH_FIRST)
        elif first != second:
            open_ = True
    if len(orders) == 1:
        return orders.pop()
    return "?" if orders or open_ else ""


def day_of(text: str, order: str) -> date | None:
    """The day that the text names; None if it isn't a day, or the order of its numbers isn't known."""
    text = text.strip()
    try:
        if match := _YEAR_FIRST.fullmatch(text):
            return date(int(match[1]), int(match[3]), int(match[4]))
        if match := _NUMBERS.fullmatch(text):
            first, second, year = int(match[1]), int(match[3]), int(match[4])
            order = DAY_FIRST if match[2] == "." else order
            if order not in (DAY_FIRST, MONTH_FIRST) and first != second:
                return None
            day, month = (second, first) if order == MONTH_FIRST else (first, second)
            return date(year + 2000 if year < 100 else year, month, day)
        if match := _WORDS.fullmatch(text):
            return date(int(match[3]), _MONTHS[match[2].casefold()], int(match[1]))
        if match := _AMERICAN.fullmatch(text):
            return date(int(match[3]), _MONTHS[match[1].casefold()], int(match[2]))
        return date.fromisoformat(text)
    except (ValueError, KeyError):
        return None


def moment_of(text: str, order: str) -> datetime | None:
    """A time as naive UTC. A text without an offset counts as UTC."""
    if moment := from_iso(text):
        return moment
    day = day_of(text, order)
    if day is None:
        return None
    clock = _CLOCK.search(text)
    if not clock:
        return datetime(day.year, day.month, day.day)
    hour = int(clock[1]) % 12 + (12 if clock[4].lower() == "pm" else 0) if clock[4] else int(clock[1])
    try:
        return datetime(day.year, day.month, day.day, hour, int(clock[2]), int(clock[3] or 0))
    except ValueError:
        return None
