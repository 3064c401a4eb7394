"""A number with its noun, and a value that may be empty, in words: for pages, e-mails, commands and Activity alike."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.counts import plural

NONE = "none"
LONGEST_REASON = 200  # characters, as in the forms


def people(count: int) -> str:
    """people(3) → 3 people"""
    return plural(count, "person", "people")


def are(count: int) -> str:
    """The verb behind a number: is, or are."""
    return "is" if count == 1 else "are"


def listed(words: Sequence[str], most: int = 0) -> str:
    """All of them: “Okta, Entra ID and LDAP”. Of more than `most`, the first ones: “Okta, Entra ID and 4 more”."""
    if most and len(words) > most:
        words = [*words[:most], f"{len(words) - most:,} more"]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def value_in_words(value: object) -> str:
    """A setting before or after a change: "none" where it has no value, "on" and "off"."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def price_in_words(hundredths: int | None, currency: str) -> str:
    """8.75 €, or "none"."""
    return NONE if hundredths is None else f"{hundredths / 100:,.2f} {currency}"


def reason_given(text: str) -> str:
    """A reason that someone entered, on one line and cut: it is stored and shown with each account that it is about."""
    return " ".join(text.split())[:LONGEST_REASON].strip()
