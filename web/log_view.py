"""Lines of Activity as pages show them, the filters above them as chips, and what is inside a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flask import abort, request, url_for

from sync import log_lines, names
from sync.listing import Order, whole_number
from sync.log_lines import OTHER, Line, Log
from sync.models import Activity, App, Person
from sync.names import short_name
from web.answers import asked, page_or_part
from web.app_page import kind_of
from web.list_view import Listed, ListHead, nothing_matches, quoted
from web.view import LogLine, LogRow, first_upper, listed
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
    "renamed asset": ("asset", "assets", "renamed"), "granted access": ("access", "accesses", "granted"),
    "changed access": ("access", "accesses", "changed"), "revoked access": ("access", "accesses", "revoked"),
    "confirmed removal": ("removal", "removals", "approved"), "left out": ("change", "changes", "left out"),
    "asked to remove": ("removal", "removals", "asked for"), "matched account": ("account", "accounts", "matched"),
    "removed from the app": ("account", "accounts", "removed"),
    "person deprovisioned": ("person", "people", "left"), "person returned": ("person", "people", "returned"),
    "handed over": ("asset", "assets", "handed over"),
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A page of the log. `older` and `newest` are addresses, "" where there is nothing to go to."""

    lines: list[LogLine]
    older: str
    newest: str
    head: ListHead
    wanted: Log
    nothing: str
    filtered: bool
    kinds: list[tuple[str, str, bool]]
    kept: list[tuple[str, str]]


def shown(wanted: Log, here: str, inside: Callable[[int], str], of_apps: Iterable[int] | None = None,
          app: App | None = None, labels: Mapping[str, Callable[[str], str]] | None = None) -> Shown:
    """`app`: the one whose page it is. `inside` makes the address of what is inside a line."""
    before = asked("before")
    asked_for = Log(**wanted.asked | {"app": str(app.id)}) if app else wanted
    found, more = log_lines.lines(asked_for, before, SHOWN, of_apps)
    list_ = Listed(here, wanted, Order({}, [Activity.id]))
    head = list_.head([], "Newest first", {
        **(labels or {}), "person": _person_in_words, "kind": lambda kind: f"Kind: {KINDS.get(kind, f'{kind}?')}",
        "since": quoted("Since"), "until": quoted("Until"),
    })  # fmt: skip
    return Shown(
        [_line(line, inside, app) for line in found],
        _with(list_.address, f"before={found[-1].id}") if more else "",
        list_.address if before else "", head, wanted, nothing_matches("No entry matches", wanted, head),
        bool(wanted.asked), [(value, label, value == wanted.kind) for value, label in KINDS.items()],
        list_.kept_beside("search", "app", "person", "kind", "since", "until"),
    )  # fmt: skip


def _with(address: str, further: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{further}"


def _person_in_words(person: str) -> str:
    number = whole_number(person)
    try:
        return f"About: {names.person_name(Person.get_by_id(number))}"
    except Person.DoesNotExist:
        return f"About: {person}"


def _line(line: Line, inside: Callable[[int], str], app: App | None) -> LogLine:
    entry = line.lead
    row, about = log_entry(entry), short_name(entry.about or "")
    if line.entries == 1:
        return LogLine(row, "" if app and about == app.name else about, *_app_of(entry, app), line.id)
    others = dict(line.counts)
    if others[entry.what] == 1:
        del others[entry.what]
    else:  # several of the same: none of them stands for the others
        row, about = LogRow(entry, first_upper(entry.what), "", row.who), ""
    return LogLine(row, "" if app and about == app.name else about, *_app_of(entry, app), line.id,
                   _together(others, entry), inside(line.id))  # fmt: skip


def _app_of(entry: Activity, app: App | None) -> tuple[str, str]:
    if app is not None or not entry.app_id:
        return "", ""
    return entry.app.name, url_for("tasks.index", app_id=entry.app_id)


def _together(counts: Mapping[str, int], entry: Activity) -> str:
    """25 users and 3 channels found, 2 roles updated"""
    by_verb: dict[str, list[str]] = {}
    for what, number in counts.items():
        one, many, verb = SEVERAL.get(what, ("", "", ""))
        if "asset" in what and one == "asset" and entry.app_id:
            one = kind_of(entry.app).asset_word
            many = f"{one}s"
        words = plural(number, one, many) if one else f"{first_upper(what)}: {number:,}"
        by_verb.setdefault(verb or what, []).append(words)
    return ", ".join(f"{listed(words)} {verb}" if verb not in counts or verb in ("left out", "handed over")
                     else listed(words) for verb, words in by_verb.items())  # fmt: skip


def log_entry(entry: Activity) -> LogRow:
    before, after = entry.before, entry.after
    change = arrow(before, after) if after and after != before else f"was {before}" if before and not after else ""
    return LogRow(entry, first_upper(entry.what), "" if change == entry.about else change, short_name(entry.who))


@dataclass(frozen=True)
class Inside:
    """An entry inside a line."""

    row: LogRow
    about: str


def inside(line: int, here: str, back: str, of_apps: Iterable[int] | None = None, app: App | None = None) -> str:
    """The page of all that is inside a line, or the part that opens below it."""
    page = log_lines.entries_of(line, app, of_apps, request.args.get("page", 1, type=int))
    if not page.total:
        abort(404)
    rows = [Inside(log_entry(entry), short_name(entry.about or "")) for entry in page.rows]
    return page_or_part("activity/line.html", "activity/_inside.html", rows=rows, page=page, here=here, back=back,
                        all=here if page.pages > 1 else "")
