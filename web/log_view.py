"""Lines of Activity as pages show them, the filters above them as chips, and what is inside a line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from flask import abort, request, url_for

from sync import log_lines, names
from sync.activity_words import in_words
from sync.apps.owners import owned_among
from sync.listing import whole_number
from sync.log_lines import OTHER, Line, Log
from sync.models import Activity, App, Person
from sync.names import is_a_persons, short_name
from sync.states import ListName
from sync.words import listed
from web import saved_views
from web.answers import asked, dialog, page_or_part, wants_part
from web.app_page import kind_of
from web.components import Head
from web.list_view import (
    ASCENDING,
    DESCENDING,
    FilterField,
    Listed,
    ListHead,
    SortChoice,
    filter_field,
    nothing_matches,
    quoted,
)
from web.security import signed_in_person
from web.view import LogLine, LogRow, first_upper
from web.words import arrow, plural

SHOWN = 50  # lines at a time
KINDS = {
    "checks": "Checks", "approvals": "Approvals", "tasks": "Changes in apps", "people": "People and directories",
    "sign-in": "Sign-in", OTHER: "Everything else",
}  # fmt: skip
# What several entries of a kind are called; "asset" is the app's own word.
SEVERAL = {
    "new user": ("user", "users", "found"), "new asset": ("asset", "assets", "found"),
    "removed user": ("user", "users", "gone"), "removed asset": ("asset", "assets", "gone"),
    "updated role": ("role", "roles", "updated"), "updated profile": ("profile", "profiles", "updated"),
    "renamed asset": ("asset", "assets", "renamed"), "granted access": ("asset role", "asset roles", "granted"),
    "changed access": ("asset role", "asset roles", "changed"),
    "revoked access": ("asset role", "asset roles", "revoked"),
    "confirmed removal": ("removal", "removals", "approved"), "left out": ("change", "changes", "left out"),
    "asked to remove": ("removal", "removals", "asked for"), "matched account": ("account", "accounts", "matched"),
    "removed from the app": ("account", "accounts", "removed"),
    "person deprovisioned": ("person", "people", "left"), "person joined": ("person", "people", "joined"),
    "added person": ("person", "people", "added"), "changed setting": ("setting", "settings", "changed"),
    "changed part in app": ("Owner or Collaborator", "Owners and Collaborators", "changed"),
    "changed workspace role": ("workspace role", "workspace roles", "changed"),
    "changed employee number": ("employee number", "employee numbers", "changed"),
    "person returned": ("person", "people", "returned"),
    "handed over": ("asset", "assets", "handed over"),
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where the log is shown. `inside` makes the address of a line's entries. `app` or `person` is the subject of the
    page. `list` is the list that has saved views, `filters` the address of its dialog, `download` that of the file."""

    here: str
    inside: Callable[[int], str]
    of_apps: Collection[int] | None = None
    app: App | None = None
    person: Person | None = None
    list: ListName | None = None
    filters: str = ""
    download: str = ""
    lines: int = SHOWN

    def asks(self, wanted: Log) -> Log:
        """The filters with the page's own app or person, which its address doesn't name."""
        own = {"app": self.app, "person": self.person}
        return replace(wanted, **{name: str(row.id) for name, row in own.items() if row})

    @property
    def name(self) -> str:
        return self.app.name if self.app else names.person_name(self.person) if self.person else ""


@dataclass(frozen=True)
class Shown:
    """A page of the log. `further` and `back` are addresses, "" where there is nothing to go to."""

    lines: list[LogLine]
    further: str
    further_words: str
    back: str
    back_words: str
    head: ListHead
    columns: list[Head | str]
    wanted: Log
    nothing: str
    filtered: bool
    download: str


def shown(wanted: Log, place: Place, labels: Mapping[str, Callable[[str], str]] | None = None) -> Shown:
    """`labels`: words of further chips."""
    list_ = Listed(place.here, wanted, log_lines.ORDER)
    oldest_first = list_.sort == log_lines.OLDEST_FIRST
    beyond = "after" if oldest_first else "before"
    found, more = log_lines.lines(place.asks(wanted), asked(beyond), place.lines, place.of_apps, list_.sort)
    head = _head(list_, oldest_first, labels or {}, place)
    when = Head("When", address=list_.to(wanted, "" if oldest_first else log_lines.OLDEST_FIRST),
                sorted=ASCENDING if oldest_first else DESCENDING)  # fmt: skip
    owned = owned_among(signed_in_person(), {line.lead.app_id for line in found if line.lead.app_id})
    return Shown(
        [_line(line, place, wanted, owned) for line in found],
        _with(list_.address, {beyond: found[-1].id}) if more else "",
        "Show newer" if oldest_first else "Show older", list_.address if asked(beyond) else "",
        f"Back to the {'oldest' if oldest_first else 'newest'}", head, [when, "What", "Why", "Who"], wanted,
        nothing_matches("No entry matches", wanted, head), bool(wanted.asked),
        list_.download(place.download) if place.download else "",
    )  # fmt: skip


def asks_for_more() -> bool:
    """True when htmx asks for further lines of the list that it shows."""
    return wants_part() and ("before" in request.args or "after" in request.args)


def filters(wanted: Log, place: Place, apps: Iterable[tuple[int, str]] = ()) -> tuple[str, int]:
    """The dialog with all filters. `apps`: ids and names. Someone who was chosen on their own page, by id, stays
    chosen."""
    list_, chosen = Listed(place.here, wanted, log_lines.ORDER), whole_number(wanted.person) is not None
    of_apps = [(str(id), name) for id, name in apps]
    fields = [
        filter_field("app", "App", of_apps, wanted.app) if of_apps else None,
        None if place.app or chosen else FilterField("person", "About a person", type="search", value=wanted.person,
                                                     help="A name, or part of an e-mail address."),
        filter_field("kind", "Kind", KINDS.items(), wanted.kind),
        FilterField("since", "From", type="date", value=wanted.since),
        FilterField("until", "To", type="date", value=wanted.until),
    ]  # fmt: skip
    shown_fields = [field for field in fields if field]
    return dialog("lists/_filters.html", "Filter activity", here=place.here, back=list_.address, fields=shown_fields,
                  kept=list_.kept_beside(*(field.name for field in shown_fields)))  # fmt: skip


def _head(list_: Listed, oldest_first: bool, labels: Mapping[str, Callable[[str], str]], place: Place) -> ListHead:
    head = list_.head([], "", labels | {
        "person": _person_in_words, "kind": lambda kind: f"Kind: {KINDS.get(kind, f'{kind}?')}",
        "since": quoted("From"), "until": quoted("To"),
    }, list_.filters(place.filters) if place.filters else "",
        views=saved_views.of_list(place.list, list_, place.app) if place.list else None)  # fmt: skip
    return replace(head, sorts=[SortChoice("", "Newest first", not oldest_first),
                                SortChoice(log_lines.OLDEST_FIRST, "Oldest first", oldest_first)])  # fmt: skip


def _with(address: str, further: Mapping[str, object]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(further)}" if further else address


def _person_in_words(person: str) -> str:
    row = log_lines.person_of(person)
    return f"About: {names.person_name(row) if row else person}"


def _line(line: Line, place: Place, wanted: Log, owned: Collection[int]) -> LogLine:
    entry = line.lead
    row, about = log_entry(entry), short_name(entry.about or "")
    together = inside = ""
    if line.entries > 1:
        others = dict(line.counts)
        if others[entry.what] == 1:
            del others[entry.what]
        else:  # several of the same: none of them stands for the others
            row, about = replace(row, what=first_upper(in_words(entry.what)), change=""), ""
        together, inside = _together(others, entry), _with(place.inside(line.id), wanted.asked)
    app_name, app_address = _app_of(entry, place.app, owned)
    shown = "" if about in (place.name, app_name) else about
    return LogLine(row, shown, app_name, app_address, line.id, together, inside)


def _app_of(entry: Activity, app: App | None, owned: Collection[int]) -> tuple[str, str]:
    """Its name and address: that of its Activity for those who may open it, its Owners."""
    if app is not None or not entry.app_id:
        return "", ""
    return entry.app.name, url_for("tasks.index" if entry.app_id in owned else "apps.show", app_id=entry.app_id)


def _together(counts: Mapping[str, int], entry: Activity) -> str:
    """The other entries of a line in words: 25 users and 3 channels found, 2 roles updated."""
    by_verb: dict[str, list[str]] = {}
    for what, number in counts.items():
        one, many, verb = SEVERAL.get(what, ("", "", ""))
        if "asset" in what and one == "asset" and entry.app_id:
            one = kind_of(entry.app).asset_word
            many = f"{one}s"
        words = plural(number, one, many) if one else f"{first_upper(in_words(what))}: {number:,}"
        by_verb.setdefault(verb or what, []).append(words)
    return ", ".join(f"{listed(words)} {verb}" if verb not in counts or verb in ("left out", "handed over")
                     else listed(words) for verb, words in by_verb.items())  # fmt: skip


def log_entry(entry: Activity) -> LogRow:
    before, after = entry.before, entry.after
    change = arrow(before, after) if after and after != before else f"was {before}" if before and not after else ""
    what = first_upper(in_words(entry.what))
    return LogRow(entry, what, "" if change == entry.about else change, short_name(entry.who),
                  not is_a_persons(entry.who))


@dataclass(frozen=True)
class Inside:
    """An entry inside a line."""

    row: LogRow
    about: str


def inside(line: int, place: Place, wanted: Log) -> str:
    """The page of all that matches inside a line, or the part that opens below it."""
    page = log_lines.entries_of(line, place.asks(wanted), place.of_apps, asked("page") or 1)
    if not page.total:
        abort(404)
    here, back = _with(place.inside(line), wanted.asked), _with(place.here, wanted.asked)
    rows = [Inside(log_entry(entry), short_name(entry.about or "")) for entry in page.rows]
    return page_or_part("activity/line.html", "activity/_inside.html", rows=rows, page=page, here=here, back=back,
                        all=here if page.pages > 1 else "")
