"""What the macros of components.html have to work out: icons of tones, pages of a list, the controls of a connector.
A template only shows what is made here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask, get_flashed_messages
from markupsafe import Markup

from connectors.base import Field
from sync.models import Asset
from sync.names import asset_name
from sync.states import PersonStatus, Tone
from sync.words import listed
from web import how_to

BADGE_ICONS = {
    Tone.OK: "check", Tone.WORKING: "progress", Tone.WAITING: "circle-dot", Tone.ATTENTION: "alert-triangle",
    Tone.NEUTRAL: "circle-minus", "plain": "check",
}  # fmt: skip
BANNER_ICONS = {
    Tone.OK: "circle-check", Tone.WORKING: "info-circle", Tone.WAITING: "hand-stop", Tone.ATTENTION: "alert-triangle",
    Tone.NEUTRAL: "info-circle",
}  # fmt: skip
NAMED = 4  # assets that a sentence names before it counts the others


def install(app: Flask) -> None:
    app.jinja_env.globals.update(
        written_once=written_once,
        asset_list=asset_list, badge_icon=BADGE_ICONS.get, banner_icon=BANNER_ICONS.get, connector_form=connector_form,
        how_to=how_to.of_kind,
        field_ids=field_ids, first_and_rest=first_and_rest, form_address=form_address, heads=heads,
        initials_of=initials_of, person_status=person_status, toasts=toasts, turns=turns,
        words_and_details=words_and_details,
    )  # fmt: skip


def written_once(macro: Callable[..., Markup]) -> Callable[..., Markup]:
    """The same macro, which is asked once for the same texts. It must depend on nothing else."""
    return lru_cache(maxsize=1000, typed=True)(macro)  # typed: Markup equals a text that still has to be escaped


def initials_of(name: str, words: int = 2) -> str:
    """Olga Maria Brandt → OM"""
    return "".join(word[0] for word in (name or "?").split()[:words]).upper()


def asset_list(assets: Sequence[Asset]) -> str:
    """The first four by name: the channel “sales”, the channel “press” and the page “Acme”."""
    return listed([f"the {asset.kind} “{asset_name(asset)}”" for asset in assets], NAMED)


@dataclass(frozen=True)
class OnlyManager:
    """A warning: what nobody would manage once an account is removed, and what to do about it."""

    sentence: str
    advice: str


@dataclass(frozen=True)
class FirstAndRest:
    first: str
    rest: list[str]
    all: str


def first_and_rest(labels: Sequence[str]) -> FirstAndRest:
    """The roles of an account: the main one, and those that are folded away."""
    return FirstAndRest(labels[0] if labels else "–", list(labels[1:]), ", ".join(labels))


@dataclass(frozen=True)
class ErrorText:
    words: str
    details: str


def words_and_details(error: str | None) -> ErrorText:
    """What happened, for everyone, and the technical lines below it."""
    words, _, details = (error or "").partition("\n")
    return ErrorText(words, details)


@dataclass(frozen=True)
class Status:
    word: str
    tone: Tone
    icon: str


def person_status(status: str) -> Status:
    """The badge of a person's status; the usual one is plain."""
    if status == PersonStatus.ACTIVE:
        return Status("Active", "plain", "check")
    if status == PersonStatus.SUSPENDED:
        return Status("Suspended", Tone.WAITING, "player-pause")
    return Status("Deprovisioned", Tone.NEUTRAL, "user-off")


@dataclass(frozen=True)
class Toast:
    icon: str
    text: str
    undo: str = ""  # the address whose DELETE takes it back
    follow: str = ""  # the address that answers with what became of it


def toasts() -> list[Toast]:
    """What views asked to show on the next page (answers.go_to): once, although two requests may have asked for it."""
    shown = []
    for tone, message in get_flashed_messages(with_categories=True):
        values = message if isinstance(message, dict) else {"text": message}
        shown.append(Toast("check" if tone == Tone.OK else "alert-triangle", **values))
    return list(dict.fromkeys(shown))


def form_address(action: str, method: str) -> str:
    """Where a form is sent: `?_method=DELETE` where a form can't send that method itself."""
    return action if method in ("POST", "GET") else f"{action}{'&' if '?' in action else '?'}_method={method}"


@dataclass(frozen=True)
class Ids:
    """The ids of a control, of what describes it, and both of those as aria-describedby takes them."""

    control: str
    error: str
    help: str
    described: str


def field_ids(name: str, given: str, error: str, help: str) -> Ids:
    control = given or f"f-{name}"
    described = [id for id, words in ((f"{control}-error", error), (f"{control}-help", help)) if words]
    return Ids(control, f"{control}-error", f"{control}-help", " ".join(described))


@dataclass(frozen=True)
class Head:
    """The head of a column: its words and its class; `ticks` holds the box that ticks all rows of the page. `address`
    sorts the list by it; `sorted` is how it is sorted now, as aria-sort says it."""

    words: str
    css: str = ""
    ticks: bool = False
    address: str = ""
    sorted: str = ""

    @property
    def icon(self) -> str:
        return {"ascending": "arrow-up", "descending": "arrow-down"}.get(self.sorted, "arrows-sort")


def heads(columns: Iterable[str | tuple[str, str] | Head]) -> list[Head]:
    """Heads, words, or (words, class); the class "tick" makes the column of check boxes."""
    return [_head(column) for column in columns]


def _head(column: str | tuple[str, str] | Head) -> Head:
    if isinstance(column, Head):
        return column
    words, css = (column, "") if isinstance(column, str) else column
    return Head(words, css, css == "tick")


@dataclass(frozen=True)
class Turns:
    """What the pager of a list says: rows `first` to `last`, and the pages beside it ("" where there is none)."""

    first: int
    last: int
    previous: str
    next: str


def turns(page: Any, address: str, size: int) -> Turns | None:
    """None where one page holds everything; `address` already has a query, or gets one."""
    if page.pages <= 1:
        return None
    to = f"{address}{'&' if '?' in address else '?'}page="
    before = (page.number - 1) * size
    return Turns(
        before + 1, before + len(page.rows),
        f"{to}{page.number - 1}" if page.number > 1 else "",
        f"{to}{page.number + 1}" if page.number < page.pages else "",
    )  # fmt: skip


@dataclass(frozen=True)
class Control:
    """How a form asks for a field of a connector; `attributes` are those of the HTML element."""

    name: str
    label: str
    value: str
    type: str
    help: str
    required: bool
    options: tuple[tuple[str, str], ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class ConnectorForm:
    """The controls of a connector: those that everyone answers, and those that are folded away, perhaps open."""

    first: list[Control]
    more: list[Control]
    open: bool


def connector_form(fields: Iterable[Field], given: Mapping[str, str], stored: bool) -> ConnectorForm:
    """`given` is what was entered; `stored` is True where the secrets are kept already and may stay empty.

    Optional fields at the end are folded away, and open where one of them is set. Secrets are never written back.
    """
    fields = [field for field in fields if not field.mapping]
    needed = max((place for place, field in enumerate(fields, 1) if field.required or field.secret), default=0)
    controls = [_control(field, "" if field.secret else given.get(field.name, ""), stored) for field in fields]
    is_set = stored and any(field.name in given for field in fields[needed:])
    return ConnectorForm(controls[:needed], controls[needed:], is_set)


def _control(field: Field, value: str, stored: bool) -> Control:
    kept = stored and field.secret
    return Control(
        name=field.name, label=field.label, value=value or (field.choices[0][0] if field.choices else ""),
        type=_type_of(field), help=field.help + (" Leave this empty to keep the stored value." if kept else ""),
        required=bool(field.choices) or field.required and not field.when and not kept, options=field.choices,
        attributes={
            "placeholder": field.placeholder or None, "autocomplete": "new-password" if field.secret else "off",
            "spellcheck": "false", "rows": 4 if field.multiline else None,
            "accept": ".csv,.tsv,.txt,.xlsx,text/csv,text/plain" if field.upload else None,
            "data_when": "=".join(field.when) if field.when else None,
        },
    )  # fmt: skip


def _type_of(field: Field) -> str:
    kinds: Collection[tuple[Any, str]] = (
        (field.choices, "select"), (field.upload, "file"), (field.multiline, "textarea"), (field.secret, "password"),
    )  # fmt: skip
    return next((type for asked, type in kinds if asked), "text")
