"""Writes e-mails: makes names harmless, and fills in the templates of templates/mail.
Whatever an app, a directory or a person supplied is cleaned on its way in: no template can forget it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from connectors.explaining import Explanation
from sync.models import App
from sync.safety.leaving import Leaving
from sync.states import UPDATES, ChangeDecision, ChangeKind, TaskState
from sync.words import are, people, plural
from sync.workspace import to_local

if TYPE_CHECKING:  # imported with the first letter: most commands write none
    from jinja2 import Environment

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "mail"
BIDI_CONTROLS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
ISOLATE, END_ISOLATE = "\u2068", "\u2069"
LONGEST_EFFECT = 2_000  # characters
SEALED_LINK = "⟦one-time link⟧"  # in a stored e-mail: smtp.compose writes the link of Mail.sealed here
BREAKS = {"Cc", "Zl", "Zp", "Zs"}
WORD = re.compile(r"\S+")
ADDRESS = re.compile(  # in its quotes; becomes at most a link to write to it
    r"[<(\[“„‘«\"']*(?!www\.)[\w.+'-]+@[\w-]+(?:\.[\w-]+)+[>)\]”“’»\"',;:.!?]*(?:’s)?", re.IGNORECASE)
DOT_IN_WORD = re.compile(r"(?<=\S)[.。．｡](?=[^\W\d_])")  # browsers take all four (UTS 46, 4); \w has no vowel signs
WWW = re.compile(r"\bwww\.", re.IGNORECASE)
ZERO_WIDTH_SPACE = "\u200b"
BEFORE_A_HOST = r"""(?<![^\s<>()\[\]"'“„‘«,;:/\u2068])"""
AFTER_A_HOST = r"""(?=\.?(?:[\s<>()\[\]"'”’»,;:!?/&…\u2069]|\Z))"""
NOT_COPIED = f'<span style="-webkit-user-select:none;user-select:none">{ZERO_WIDTH_SPACE}</span>'


class Sentence(str):
    """A line of our own wording, whose names went through `name_in_line`: templates take it as it is."""


class Link(str):
    """The address of a page of Rollcall: only these are links in an e-mail."""


@dataclass(frozen=True, slots=True)
class Letter:
    subject: Sentence
    text: str
    html: str


def clean(text: str, longest: int = 500) -> str:
    """One line of at most `longest` characters, without those that steer: no name can add a header or a line,
    or turn the rest around."""
    kept = (
        " " if unicodedata.category(char) in BREAKS else char
        for char in text
        if char not in BIDI_CONTROLS and unicodedata.category(char) != "Cs"
    )
    line = " ".join("".join(kept).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def without_links(text: str) -> str:
    """The text, such that no mail program makes a link of a web address in it: a space parts what begins as one does.
    Names such as acme.example look the same, with a break of no width after the dot. E-mail addresses stay exact."""
    return WORD.sub(lambda word: word[0] if _is_address(word[0]) else _parted(word[0]), text)


def without_breaks(text: str) -> str:
    """The text without what `without_links` put into its names: for places where nothing becomes a link."""
    return text.replace(ZERO_WIDTH_SPACE, "")


def _is_address(word: str) -> bool:
    return "@" in word and ADDRESS.fullmatch("".join(filter(_is_no_mark, word))) is not None


def _is_no_mark(char: str) -> bool:
    return not unicodedata.category(char).startswith("M")


def _parted(word: str) -> str:
    word = word.replace("://", ": //").replace("\\\\", "\\ \\")  # Outlook links the path of a file server
    word = WWW.sub(lambda start: f"{start[0]} ", word)
    return DOT_IN_WORD.sub(lambda dot: f"{dot[0]}{ZERO_WIDTH_SPACE}", word)


def name_in_line(text: str, longest: int = 60) -> str:
    """A name for use in a plain sentence, never as a link; one from right to left is isolated (Unicode UAX 9, 2.7)."""
    name = without_links(clean(text, longest))
    turned = any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in name)
    return f"{ISOLATE}{name}{END_ISOLATE}" if turned else name


def effects_in_words(explanations: Iterable[Explanation], about: str = "") -> list[Sentence]:
    """What a removal does, a paragraph each; `about` is a name that each begins with."""
    begin = f"{name_in_line(about)}: " if about else ""
    return [Sentence(clean(f"{begin}{each}", LONGEST_EFFECT)) for each in explanations]


def write(template: str, subject: Sentence, own_hosts: Iterable[str] = (), **values: Any) -> Letter:
    """Fill templates/mail/TEMPLATE.txt and .html.

    `own_hosts`, and what is below them, may become links, so they stay exact, as does the whole subject: no mail
    program makes links there. Where the HTML part has a break, it is left out of what someone copies.
    """
    values |= {"subject": subject, "plain_subject": Sentence(without_breaks(subject))}
    text = _environment(in_html=False).get_template(f"{template}.txt").render(**values)
    html = _environment(in_html=True).get_template(f"{template}.html").render(**values)
    for host in own_hosts:
        text, html = _unbroken(host, text), _unbroken(host, html)
    html = html.replace(ZERO_WIDTH_SPACE, NOT_COPIED)
    return Letter(values["plain_subject"], text.strip() + "\n", html.strip() + "\n")


def _unbroken(host: str, text: str) -> str:
    below = rf"(?:[\w-]+\.{ZERO_WIDTH_SPACE}?)*"
    whole = rf"{BEFORE_A_HOST}{below}{re.escape(_parted(host))}{AFTER_A_HOST}"
    return re.sub(whole, lambda found: without_breaks(found[0]), text, flags=re.IGNORECASE)


@cache
def _environment(in_html: bool) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(  # nosec B701 # text is escaped in HTML; in plain text there is nothing to escape
        loader=FileSystemLoader(TEMPLATES), autoescape=in_html, undefined=StrictUndefined,
        auto_reload=False, trim_blocks=True, lstrip_blocks=True, finalize=_finalize_html if in_html else _finalize_text,
    )


def _finalize_text(value: Any) -> Any:
    return name_in_line(value, 500) if _foreign(value) else value


def _finalize_html(value: Any) -> Any:
    return without_links(clean(value)) if _foreign(value) else value


def _foreign(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Markup | Sentence | Link)


def report_subject(left: Leaving, tally: dict[tuple[str, str, bool], int], kind: str) -> Sentence:
    """`left`: those of the report who have left; `tally`: (kind, decision, in the app) → how many changes wait."""
    if left.waits:
        subject = left.sentence(name_in_line).removesuffix(".")
    else:
        subject = f"{plural(sum(tally.values()), 'change')} in {name_in_line(left.app.name)} to approve"
    return Sentence(f"Still waiting: {subject}" if kind == "reminder" else subject)


def held_subject(app: App, tally: dict[tuple[str, str, bool], int]) -> Sentence:
    held = {
        (what, in_app): count for (what, decision, in_app), count in tally.items() if decision == ChangeDecision.HELD
    }
    app_name = name_in_line(app.name)
    leaving, missing = held.get((ChangeKind.REMOVED_USER, True), 0), held.get((ChangeKind.REMOVED_USER, False), 0)
    if leaving and not missing:
        return Sentence(f"Held: {leaving:,} of {people(app.users)} would be removed from {app_name}")
    if missing and not leaving:
        return Sentence(f"Held: {missing:,} of {people(app.users)} {are(missing)} missing from {app_name}")
    if set(held) <= {(kind, False) for kind in UPDATES}:
        parts = [plural(count, what.removeprefix("updated ")) for (what, _), count in sorted(held.items())]
        return Sentence(f"Held: {' and '.join(parts)} changed at once in {app_name}")
    return Sentence(f"Held: {plural(sum(held.values()), 'change')} in {app_name} to review")


def outcome_subject(app: App, states: dict[str, int], failed: int, only_removals: bool) -> Sentence:
    """`states`: a task's state → how many tasks of the report have it; those that are queued await approval there."""
    app_name, total, done = name_in_line(app.name), sum(states.values()), states.get(TaskState.DONE, 0)
    if (waiting := states.get(TaskState.QUEUED, 0)) and not failed:
        await_it = "awaits" if waiting == 1 else "await"
        return Sentence(f"{plural(waiting, 'task')} in {app_name} {await_it} approval there")
    if only_removals and failed:
        return Sentence(f"{failed:,} of {people(total)} could not be removed from {app_name}")
    if only_removals and done == total:
        return Sentence(f"{people(done)} {'was' if done == 1 else 'were'} removed from {app_name}")
    if only_removals:
        return Sentence(f"{done:,} of {people(total)} removed from {app_name}, {total - done:,} no longer needed")
    if failed:
        return Sentence(f"{failed:,} of {plural(total, 'task')} in {app_name} failed")
    return Sentence(f"{done:,} of {plural(total, 'task')} in {app_name} done")




def day(when: datetime) -> str:
    """3 Nov 2026, in the workspace's zone."""
    local = to_local(when)
    return f"{local.day} {local:%b %Y}"


def moment(when: datetime) -> str:
    return f"{day(when)}, {to_local(when):%H:%M}"
