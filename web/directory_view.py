"""The finished parts of a directory's pages: its state, its readings, held changes, and the preview of a new list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from sync.db import utcnow
from sync.directory import directories, ending_rules, figures, push, releases
from sync.directory import preview as directory_preview
from sync.directory.ending_rules import Rule
from sync.effects import directory_version_warning
from sync.matching import vouching
from sync.models import Directory, DirectoryEntry, DirectoryReading, DirectoryToken
from sync.names import short_name
from sync.safety import unread_directories
from sync.states import AppStatus, CheckState, DirectoryState, PersonStatus, ReadingState, ScimKind, Tone
from sync.words import listed
from web import directory_gaps
from web.view import Badge, joined
from web.words import number, plural, when

HELD_SHOWN = 200
RELEASE_SHOWN = 8
PREVIEW_SHOWN = 200  # of one kind of change
OUTCOMES = {"left": "has left", "locked": "is locked", "here": "is still here"}  # of a rule
KINDS = {
    "held": "Held by the guard", "deprovisioned": "Left", "suspended": "Suspended", "returned": "Back",
    "joined": "New people", "updated": "Updated",
}  # fmt: skip


@dataclass(frozen=True)
class Overview:
    """A directory with what its card and the head of its page show. `kind` has a logo and a label."""

    directory: Directory
    kind: Any
    pushed: bool
    uploaded: bool
    is_list: bool
    active: int
    suspended: int
    left: int
    held: str  # changes that a guard holds,
    back: str  # beside those of people who are back with many others
    badge: Badge
    badge_note: str
    subtitle: str
    vouching: str
    live: DirectoryReading | None
    live_progress: str
    next_reading: str
    last_request: datetime | None
    users: int
    groups: int
    version_warning: str
    advice: Markup | str

    @property
    def has_people(self) -> bool:
        return self.active + self.suspended > 0

    @property
    def working(self) -> bool:
        return self.directory.state == DirectoryState.ACTIVE

    @property
    def read_by_rollcall(self) -> bool:
        return self.working and not self.pushed


def overview(directory: Directory, kind: Any) -> Overview:
    pushed = push.is_pushed(directory)
    live = figures.live_reading(directory)
    last_request = push.last_request(directory) if pushed else None
    people, counts = figures.people_by_status(directory), push.counts(directory) if pushed else {}
    held = figures.count_held(directory)
    back = releases.count_back(directory) if directory.many_back_since else 0
    unread = unread_directories.found(directory, utcnow())
    badge, note = _badge(directory, live, held, pushed, last_request, unread)
    return Overview(
        directory,
        kind,
        pushed,
        not pushed and directories.takes_files(directory),
        not pushed and directories.is_list(directory),
        people.get(PersonStatus.ACTIVE, 0),
        people.get(PersonStatus.SUSPENDED, 0),
        people.get(PersonStatus.DEPROVISIONED, 0),
        plural(held - back, "change is", "changes are") if held > back else "",
        plural(back, "person who had left is", "people who had left are") if back else "",
        badge,
        note,
        _subtitle(directory, kind),
        "Stop vouching for it" if directory.vouched_for else "Let it change Owners and admins",
        live,
        _progress(live),
        _next_reading(directory),
        last_request,
        counts.get(ScimKind.USER, 0),
        counts.get(ScimKind.GROUP, 0),
        directory_version_warning(directory),
        directory_gaps.advice(directory, unread),
    )


def _badge(
    directory: Directory, live: DirectoryReading | None, held: int, pushed: bool, last_request: datetime | None,
    unread: unread_directories.Unread | None,
) -> tuple[Badge, str]:
    """How the directory is, and a note beside it."""
    last_read = Markup("last read {}").format(when(directory.last_read_at))
    if live:
        so_far = plural(live.people_read, "person", "people") + " so far" if live.people_read else ""
        note = so_far or Markup("since {}").format(when(live.created_at))
        return Badge("Reading" if live.state == CheckState.RUNNING else "Starting to read", Tone.WORKING), note
    if directory.state == DirectoryState.PAUSED:
        return Badge("Paused", icon="player-pause"), "" if pushed else last_read
    if directory.error:
        return Badge("Needs attention", Tone.ATTENTION), last_read
    if held:
        return Badge("Changes held", Tone.WAITING, "hand-stop"), plural(held, "person", "people")
    if unread is not None:
        return Badge(AppStatus.DIRECTORY_UNCLEAR, Tone.WAITING), directory_gaps.note(unread)
    if not pushed:
        return Badge("Up to date", Tone.OK), Markup("read {}").format(when(directory.last_read_at))
    if last_request:
        return Badge("Connected", Tone.OK), Markup("last request {}").format(when(last_request))
    return Badge("Waiting for its first request", Tone.WAITING), ""


def _subtitle(directory: Directory, kind: Any) -> str:
    held = "" if vouching.rank_of_directory(directory) == 0 else "; its changes to people of higher rank are held"
    return Markup("{} · connected {} · {}{}").format(
        kind.label, when(directory.created_at), vouching.responsibility_in_words(directory), held)  # fmt: skip


def _progress(live: DirectoryReading | None) -> str:
    if live is None:
        return ""
    read = f"{plural(live.people_read, 'person', 'people')} read so far" if live.people_read else "Starting"
    return Markup("{}, {}").format(read, when(live.created_at))


def _next_reading(directory: Directory) -> str:
    return "paused" if directory.state == DirectoryState.PAUSED else when(directory.next_read_at, "soon")


@dataclass(frozen=True)
class HeldRow:
    """Someone whose status a guard holds: `before` it is applied, and `after`; `note`, what others say of them."""

    person_id: int
    name: str
    before: str
    after: str
    reason: str
    note: str


@dataclass(frozen=True)
class Held:
    rows: list[HeldRow]
    count: int
    more: int
    left: int  # people who have left another directory


def held(entries: list[DirectoryEntry], most: int = HELD_SHOWN) -> Held:
    left = releases.left_elsewhere(entries)
    first = sorted(entries, key=lambda entry: entry.person_id not in left)[:most]  # who must not be overlooked
    rows = [HeldRow(entry.person_id, entry.person.name or entry.user_name, entry.status, entry.reported_status,
                    entry.reason, _left_in_words(left.get(entry.person_id, ()))) for entry in first]
    return Held(rows, len(entries), len(entries) - len(rows), len(left))


def _left_in_words(names: Sequence[str]) -> str:
    return f"{listed(names)} {'say' if names[1:] else 'says'} that they have left" if names else ""


@dataclass(frozen=True)
class Unread:
    """Attributes whose meaning nobody has defined, though they may show who has left."""

    names: str
    explanation: str


def unread(directory: Directory) -> Unread | None:
    names = [one["attribute"] for one in directory.unread_attributes]
    if not names:
        return None
    suggests = "Its name suggests that it shows" if len(names) == 1 else "Their names suggest that they show"
    values = "its values mean" if len(names) == 1 else "their values mean"
    because = f"No one counts as having left by {'it' if len(names) == 1 else 'them'} until you define what {values}."
    return Unread(listed(names), f"{suggests} who has left. {because}")


@dataclass(frozen=True)
class RuleLine:
    """A rule in words: "employeeStatus is T: has left"."""

    condition: str
    value: str
    outcome: str


def rule_lines(directory: Directory) -> list[RuleLine] | None:
    """The rules for what ends an account there; None where they are fixed."""
    if not ending_rules.takes_rules(directory):
        return None
    return [_rule_line(rule) for rule in ending_rules.rules_of(directory)]


def _rule_line(rule: Rule) -> RuleLine:
    return RuleLine(f"{rule.attribute} {rule.operator}", rule.value, OUTCOMES[rule.outcome])


@dataclass(frozen=True)
class RuleFields:
    """A row of the form for rules; `seen` says how many entries have an attribute without a rule, and its values."""

    attribute: str
    operator: str
    value: str
    outcome: str
    seen: str


def rule_fields(rows: Iterable[tuple[str, str, str, str]], unread: Iterable[Mapping[str, Any]]) -> list[RuleFields]:
    known = {one["attribute"]: one for one in unread}
    return [RuleFields(*row, "" if row[3] else _seen(known.get(row[0]))) for row in rows]


def _seen(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return ""
    values = f": {', '.join(one['values'])}" if one["values"] else ""
    return plural(one["people"], "entry has it", "entries have it") + values


@dataclass(frozen=True)
class ReadingRow:
    reading: DirectoryReading
    badge: Badge
    summary: str
    warnings: list[str]
    by: str


READING_BADGES = {
    ReadingState.SUCCEEDED: Badge("Applied", Tone.OK),
    ReadingState.FAILED: Badge("Failed", Tone.ATTENTION),
}


def reading_rows(readings: Iterable[DirectoryReading]) -> list[ReadingRow]:
    return [_reading_row(reading) for reading in readings]


def _reading_row(reading: DirectoryReading) -> ReadingRow:
    badge = READING_BADGES.get(reading.state) or Badge("In progress", Tone.WORKING)
    by = short_name(reading.started_by)
    if reading.state != ReadingState.SUCCEEDED:
        return ReadingRow(reading, badge, reading.error or "", [], by)
    counts = [f"{number(count)} {word}" for word, count in reading.counts.items() if count and word != "warnings"]
    return ReadingRow(reading, badge, joined(*counts) or "Nothing new", reading.counts.get("warnings", []), by)


@dataclass(frozen=True)
class TokenRow:
    token: DirectoryToken
    by: str
    about: str
    endpoint: str  # of the row's button


def token_rows(tokens: list[DirectoryToken]) -> list[TokenRow]:
    return [TokenRow(token, short_name(token.created_by or ""),
                     f"{'Delete' if token.ended_at else 'End'} the token made {when(token.created_at).striptags()}",
                     "directory_tokens.delete_ended" if token.ended_at else "directory_tokens.delete")
            for token in tokens]  # fmt: skip


@dataclass(frozen=True)
class UnclearUser:
    name: str
    why: str


def unclear_users(directory: Directory) -> list[UnclearUser]:
    """Users that were pushed but can't be applied yet."""
    return [UnclearUser(user.document.get("userName", ""), user.warning or "") for user in push.unclear(directory)]


@dataclass(frozen=True)
class PreviewRow:
    name: str
    email: str
    details: str


@dataclass(frozen=True)
class PreviewSection:
    """The changes of one kind."""

    kind: str
    title: str
    held: bool
    rows: list[PreviewRow]
    count: int
    more: int


def preview_sections(preview: directory_preview.Preview) -> list[PreviewSection]:
    sections = [_section(kind, [row for row in preview.rows if row.kind == kind]) for kind in directory_preview.KINDS]
    return [section for section in sections if section.count]


def _section(kind: str, rows: list[directory_preview.Row]) -> PreviewSection:
    shown = [PreviewRow(row.name or row.email, row.email or "–", "; ".join(row.details) or "–")
             for row in rows[:PREVIEW_SHOWN]]
    return PreviewSection(kind, KINDS[kind], kind == "held", shown, len(rows), len(rows) - len(shown))


@dataclass(frozen=True)
class Card:
    """A directory in the list of all; `place` is its number in their order, "" where there is one alone."""

    overview: Overview
    place: str
    place_title: str
    moves: list[tuple[str, str, str]]  # (step, label, what it says to a screen reader)


def cards(overviews: list[Overview]) -> list[Card]:
    return [_card(overview, index, len(overviews)) for index, overview in enumerate(overviews, 1)]


def _card(overview: Overview, index: int, count: int) -> Card:
    if count == 1:
        return Card(overview, "", "", [])
    name = overview.directory.name
    moves = [("up", "Move up", f"Move {name} up")] if index > 1 else []
    moves += [("down", "Move down", f"Move {name} down")] if index < count else []
    return Card(overview, str(index), f"Number {index} of {count}", moves)


def ended(directory: Directory) -> str:
    """What a directory's removal does."""
    forgets = "Rollcall deletes its settings, its credential and its groups."
    if push.is_pushed(directory):
        forgets = "Its requests will be rejected. Rollcall deletes its tokens and its groups."
    return f"{forgets} Its people keep their current status. If you connect it again, they are recognised."


@dataclass(frozen=True)
class Failure:
    """Why the last reading failed, and what comes next."""

    headline: str
    error: str
    then: str


def failure(directory: Directory) -> Failure | None:
    if not directory.error:
        return None
    times = f", {directory.failures} times in a row" if directory.failures > 1 else ""
    last = Markup(" since it was read {}").format(when(directory.last_read_at)) if directory.last_read_at else ""
    again = when(directory.next_read_at, "soon")
    then = Markup("No one's status has changed{}. Rollcall tries again {}.").format(last, again)
    return Failure(f"The last reading failed{times}.", directory.error, then)
