"""How to get a credential, as a page shows it: steps whose addresses are links and whose scopes can be copied,
shortcuts to open or copy, and in a fold what the connector can and can't do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors import getting_started
from connectors.getting_started import Shortcut

# Pages of a vendor where something is made: with a path, or one of these first names.
_CONSOLES = "admin|ads|app|business|console|dash|developers|entra|login|marketplace|platform|portal"
_PART = re.compile(
    r"(?P<command>\bcurl .+?(?=\. [A-Z]|\.?$))"
    r"|(?P<address>https://[^\s”“]*[^\s”“.,;:)])"
    rf"|(?<![\w@.-])(?P<page>(?:[a-z0-9-]+\.)+(?:com|io|so|us)(?:/[\w./-]*[\w-])|(?:{_CONSOLES})(?:\.[a-z0-9-]+)+\.(?:com|us))"
    r"|(?<![\w@.:/-])(?P<scope>"
    r"[a-z_]+(?:[.:][a-z_]+)*:[a-z_]+(?:[.:][a-z_]+)*"  # users:read.email, admin:org
    r"|[A-Z]\w+(?:\.[A-Z]\w+)+"  # User.Read.All
    r"|[a-z_]+(?:\.[a-z_]+)*\.(?:read|write|manage|delete)"  # members.read
    r"|[a-z]+(?:_[a-z]+)+"  # business_management
    r")(?![\w@:/-])"
)
_NOT_A_PAGE = re.compile(r"[?]|localhost|oauth2|googleapis\.com|[A-Z]{3,}")


@dataclass(frozen=True)
class Part:
    """A piece of a step. `link` is where it leads, `copies` what can be copied; otherwise it is plain text."""

    text: str
    link: str = ""
    copies: str = ""


@dataclass(frozen=True)
class HowTo:
    steps: list[list[Part]]
    shortcuts: tuple[Shortcut, ...]
    notes: list[list[Part]]


def of_kind(kind: type) -> HowTo:
    """For a connector of an app or a directory."""
    return HowTo(
        [parts(step) for step in getting_started.steps_of(kind.slug, kind.docs)],
        getting_started.SHORTCUTS.get(kind.slug, ()),
        [parts(note) for note in getting_started.notes_of(kind.slug, kind.docs)],
    )


def parts(text: str) -> list[Part]:
    """The text in pieces; together they are the text."""
    found, end = [], 0
    for match in _PART.finditer(text):
        found += [Part(text[end : match.start()]), _part(match)]
        end = match.end()
    return [part for part in (*found, Part(text[end:])) if part.text]


def _part(match: re.Match) -> Part:
    text = match.group()
    if match["page"]:
        return Part(text, link=f"https://{text}")
    if match["command"]:
        return Part(text, copies=text)
    if match["address"] and not _NOT_A_PAGE.search(text):
        return Part(text, link=text)
    return Part(text, copies=text)
