"""Small finished parts that several pages show. A view builds them, and a template only places them."""

from __future__ import annotations

from dataclasses import dataclass

from sync.models import Activity
from sync.states import Tone


@dataclass(frozen=True)
class Badge:
    """A word with an icon. `tone` is one of the macro `badge`, or "plain"; `title` is shown on hover."""

    label: str
    tone: Tone = Tone.NEUTRAL
    icon: str = ""
    title: str = ""


@dataclass(frozen=True)
class LogRow:
    """An entry of the activity log. `change` says what was before and after. A program has a mark that no name can
    imitate, as a person may be called “Okta (directory)”."""

    entry: Activity
    what: str
    change: str
    who: str
    by_program: bool


@dataclass(frozen=True)
class LogLine:
    """A line of the log: one entry, or several that were written together. `together` are those in words, and `inside`
    the address of all of them; "" where there is one."""

    row: LogRow
    about: str
    app_name: str
    app_address: str
    id: int
    together: str = ""
    inside: str = ""


def joined(*parts: str | None) -> str:
    """The texts that aren't empty, with a dot between them."""
    return " · ".join(part for part in parts if part)


def spaced(*sentences: str) -> str:
    """The texts that aren't empty, with a space between them."""
    return " ".join(filter(None, sentences))


def first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]
