"""A number with its noun, for the messages of connectors. sync/words.py has it from here for all others."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """plural(3, "person", "people") → 3 people"""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
