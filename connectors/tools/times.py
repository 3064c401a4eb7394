"""Reads times as apps write them, into naive UTC as the contract asks for it.
A time that can't be read counts as missing, so that it doesn't fail a whole reading."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def from_iso(text: object) -> datetime | None:
    """An ISO 8601 time (RFC 3339) in naive UTC; None for anything else. A time without an offset counts as UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return None


def from_http(text: str) -> datetime | None:
    """The date of a header (RFC 9110, 5.6.7), in UTC; None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
