"""The words of an enum as SQL has them."""

from __future__ import annotations

from collections.abc import Iterable


def texts(words: Iterable[str]) -> str:
    """As SQL has them in a list: 'active', 'paused'."""
    return ", ".join(f"'{word}'" for word in words)
