"""Times as apps write them, read into what the contract asks for: naive UTC.
A time that can't be read counts as none: it must not fail a whole reading."""

from __future__ import annotations

from datetime import UTC, datetime


def from_iso(text: object) -> datetime | None:
    """An ISO 8601 time (RFC 3339), without an offset taken as UTC; None for anything else."""
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
