"""Reads times as LDAP servers store them: GeneralizedTime, Active Directory's count since 1601, counts since 1970.
A time that can't be read raises ValueError with a sentence, and the caller decides what that means."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from connectors.tables import dates

SINCE_1601 = datetime(1601, 1, 1, tzinfo=UTC)
FILETIME_NEVER = (0, -1, 0x7FFFFFFFFFFFFFFF)
PLAUSIBLE = (1990, 2200)  # years, for a number whose length shows its unit
_GENERALIZED = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,]\d+)?(?:Z|([+-])(\d\d)(\d\d)?)")


def from_generalized(text: str) -> datetime:
    """The time in a GeneralizedTime (RFC 4517 3.3.13), such as 20261125093000Z, aware and without fractions. Raises
    ValueError."""
    match = _GENERALIZED.fullmatch(text)
    if not match:
        raise ValueError("That isn't a time as LDAP writes it, such as 20261125093000Z.")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    sign, hours, minutes = match.groups()[6:]
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=timezone(offset))
    except ValueError:
        raise ValueError("There is no such day or time.") from None


def from_filetime(ticks: int) -> datetime | None:
    """The time, aware, of Active Directory's count of 100 ns since 1601; None for never."""
    if ticks in FILETIME_NEVER:
        return None
    try:
        return SINCE_1601 + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None  # beyond the year 9999


def is_never(text: str) -> bool:
    """Whether the value of an attribute that holds an end means that there is no end."""
    return dates.is_none(text) or text.lstrip("-").isdecimal() and int(text) in FILETIME_NEVER


def day_of(text: str) -> date:
    """The day that a value names: a GeneralizedTime, a number whose length shows its unit, or a date as people write
    it. Raises ValueError."""
    text = text.strip()
    if text.isdecimal() and len(text) != 8:
        return _counted(int(text), len(text))
    if text.isdecimal():
        return _checked(lambda: datetime.strptime(text, "%Y%m%d").date())
    if _GENERALIZED.fullmatch(text):
        return from_generalized(text).date()
    day = dates.day_of(text, dates.order_of([text]))
    if day is None:
        raise ValueError("That isn't a day, or it can be read in two ways.")
    return day


def _counted(number: int, digits: int) -> date:
    """The day of a count of days, seconds or milliseconds since 1970, or of 100 ns since 1601."""
    units = {4: 86400, 5: 86400, 9: 1, 10: 1, 12: 0.001, 13: 0.001}
    if digits in (17, 18):
        day = _checked(lambda: (SINCE_1601 + timedelta(microseconds=number // 10)).date())
    elif digits in units:
        day = _checked(lambda: datetime.fromtimestamp(number * units[digits], UTC).date())
    else:
        raise ValueError("That isn't a day.")
    if not PLAUSIBLE[0] <= day.year <= PLAUSIBLE[1]:
        raise ValueError("That isn't a day.")
    return day


def _checked(make) -> date:
    try:
        return make()
    except (ValueError, OverflowError, OSError):
        raise ValueError("That isn't a day.") from None
