"""Activity as lines: what was written together, such as all that one check found, is one line that opens.
A page has whole lines: none is cut in two, and none is on two pages or on none."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from peewee import Expression, ModelSelect, fn

from sync import activity
from sync.activity_words import in_words
from sync.db import db
from sync.files.cells import Cell
from sync.listing import NOTHING, Filter, Order, Page, one_of, page_of, whole_number
from sync.models import Activity, App, Person
from sync.search import finding
from sync.search.index import Kind
from sync.search.texts import MOST_WORDS
from sync.workspace import workspace

DOWNLOADED = ("when", "who", "what", "about", "why", "before", "after", "app")
ORDER = Order({"when": [Activity.id]}, [Activity.id], [Activity.id.desc()])  # without a choice, the newest is first
OLDEST_FIRST = "when"
MOST_PEOPLE = 100  # whose entries are read by their index; if words mean more, the log is read from its end
line_id = fn.COALESCE(Activity.first_entry, Activity.id)
# What an entry is about, by the beginning of its words, or by all of them after "=". All that has none of these is
# "other".
KINDS: dict[str, tuple[str, ...]] = {
    "checks": (
        "check ", "asked for a check", "cancelled check", "compared last reading", "new ", "updated ", "renamed ",
        "removed asset", "removed user", "changed access", "=revoked access", "=granted access",
    ),
    "approvals": (
        "finished sync", "confirmed ", "left out", "took back", "dismissed report", "closed report", "released ",
        "accepted ", "ended acceptance", "handed over", "protected ", "lifted protection", "withdrew ",
    ),
    "tasks": (
        "removed from the app", "role changed in the app", "invited", "granted access in", "revoked access in",
        "asked to ", "could not ", "did not ", "awaits ", "retried task", "cancelled task", "cancelled invitation",
        "invitation expired", "reminded of", "onboarded",
    ),
    "people": (
        "person ", "people ", "added person", "edited person", "imported people", "planned offboarding", "offboarded",
        "cancelled offboarding", "set legal hold", "lifted legal", "set remove-on", "cleared remove-on", "held ",
        "matched ", "read directory", "directory ", "connected directory", "kept last owner",
    ),
    "sign-in": (
        "signed in", "sign-in", "linked ", "unlinked ", "ended sessions", "refused ", "set password", "made one-time",
        "asked for a new password", "added passkey", "removed passkey",
    ),
}  # fmt: skip
OTHER = "other"
# Which entry of a line says what the whole of it was.
LEADS = (
    "check succeeded", "finished sync", "offboarded person", "read directory", "people joined", "imported people",
    "released mass removal", "released mass change", "released updates", "compared last reading", "connected app",
    "connected directory", "set up workspace", "dismissed report",
)  # fmt: skip
# Each word of the log once, from one to the next in its index.
EACH_WHAT = """
    WITH RECURSIVE word (what) AS (
        SELECT min(what) FROM activity
        UNION ALL
        SELECT (SELECT min(what) FROM activity a WHERE a.what > word.what) FROM word WHERE word.what IS NOT NULL
    ) SELECT what FROM word WHERE what IS NOT NULL
"""


@dataclass(frozen=True)
class Log(Filter):
    """`app` is an app's id, `person` a person's id or parts of a name or address, `kind` one of KINDS or OTHER; `since`
    and `until` are days in the workspace's zone, both included."""

    search: str = ""
    app: str = ""
    person: str = ""
    kind: str = ""
    since: str = ""
    until: str = ""


@dataclass(frozen=True)
class Line:
    """What was written together: the id of its first entry, the entry that says what it was, and how many of each."""

    id: int
    lead: Activity
    counts: dict[str, int]

    @property
    def entries(self) -> int:
        return sum(self.counts.values())


def lines(wanted: Log, beyond: int | None = None, limit: int = 50, of_apps: Collection[int] | None = None,
          sort: str = "") -> tuple[list[Line], bool]:
    """The lines in the order `sort`, each with the entries that match; and whether there are more.

    For the next page, pass the last one's id as `beyond`. Where `of_apps` is given, what concerns an app that is not
    among them is left out.
    """
    conditions = [Activity.id > 0, *_conditions(wanted, of_apps)]
    oldest_first = sort == OLDEST_FIRST
    query = Activity.select(line_id).group_by(line_id).limit(limit + 1)
    query = query.order_by(line_id if oldest_first else line_id.desc())
    if beyond is not None:
        query = query.where(line_id > beyond if oldest_first else line_id < beyond)
    if wanted.kind and not (wanted.app or wanted.person):  # each of these has an index of its own
        beside = [Activity.id > 0, *_conditions(replace(wanted, kind=""), of_apps)]
        found = {id for what in _words_of(wanted.kind)
                 for (id,) in query.where(Activity.what == what, *beside).tuples()}  # fmt: skip
        ids = sorted(found, reverse=not oldest_first)[: limit + 1]
    else:
        ids = [id for (id,) in query.where(*conditions).tuples()]
    return list(_made(ids[:limit], conditions)), len(ids) > limit


def _words_of(kind: str) -> list[str]:
    """What entries of the kind are called in this log: a few words, however long the log is."""
    return [what for (what,) in db.execute_sql(EACH_WHAT) if _kind_of(what) == kind]


def _kind_of(what: str) -> str:
    begun = (kind for kind, some in KINDS.items() for words in some
             if what == words[1:] or not words.startswith("=") and what.startswith(words))  # fmt: skip
    return next(begun, OTHER)


def _made(ids: Sequence[int], conditions: Sequence[Expression]) -> Iterator[Line]:
    if not ids:
        return
    of_each: dict[int, dict[str, tuple[int, int]]] = {id: {} for id in ids}
    counted = Activity.select(line_id, Activity.what, fn.COUNT(Activity.id), fn.MIN(Activity.id))
    counted = counted.where(line_id.in_(ids), *conditions).group_by(line_id, Activity.what)
    for line, what, number, first in counted.order_by(fn.MIN(Activity.id)).tuples():
        of_each[line][what] = number, first
    leading = {line: found[_lead(found)][1] for line, found in of_each.items()}
    rows = Activity.select(Activity, App).left_outer_join(App).where(Activity.id.in_(list(leading.values())))
    entries = {entry.id: entry for entry in rows}
    for line, found in of_each.items():
        yield Line(line, entries[leading[line]], {what: number for what, (number, _) in found.items()})


def _lead(found: dict[str, tuple[int, int]]) -> str:
    return min(found, key=lambda what: (LEADS.index(what) if what in LEADS else len(LEADS), -found[what][0]))


def entries_of(line: int, wanted: Log, of_apps: Collection[int] | None = None, number: int = 1) -> Page:
    """One page of a line's entries that match, in the order in which they were written."""
    found = _entries(wanted, of_apps).where(line_id == line)
    return page_of(found.order_by(Activity.id), number)


def download(wanted: Log, of_apps: Collection[int] | None = None, sort: str = "") -> Iterator[tuple[Cell, ...]]:
    """All entries that match, in the order of their lines, with DOWNLOADED of each in the words of the page."""
    for entry in _entries(wanted, of_apps).order_by(*ORDER.terms(sort)).iterator():
        yield (entry.at, entry.who, in_words(entry.what), entry.about, entry.why, entry.before, entry.after,
               entry.app.name if entry.app_id else None)  # fmt: skip


def _entries(wanted: Log, of_apps: Collection[int] | None) -> ModelSelect:
    return Activity.select(Activity, App).left_outer_join(App).where(Activity.id > 0, *_conditions(wanted, of_apps))


def _conditions(wanted: Log, of_apps: Collection[int] | None) -> Iterator[Expression]:
    if of_apps is not None:
        yield Activity.app.is_null() | one_of(Activity.app, json.dumps(list(of_apps)))
    if wanted.app:
        yield Activity.app == (whole_number(wanted.app) or 0)
    if wanted.person:
        yield _about(wanted.person)
    if wanted.kind:
        yield _of_kind(wanted.kind)
    for day, is_last in ((wanted.since, False), (wanted.until, True)):
        if day:
            yield _from(day, is_last)
    for word in wanted.search.split()[:MOST_WORDS]:
        yield activity.contains(word)


def _about(person: str) -> Expression:
    number = whole_number(person)
    if number is not None:
        return Activity.person == number
    if not finding.searches(person):
        return NOTHING
    meant = Person.select(Person.id).where(finding.having(Person.id, Kind.PERSON, person))
    ids = [id for (id,) in meant.order_by(Person.id).limit(MOST_PEOPLE + 1).tuples()]
    if len(ids) > MOST_PEOPLE:
        return (Activity.person + 0).in_(meant)
    return Activity.person.in_(ids) if len(ids) != 1 else Activity.person == ids[0]


def person_of(text: str) -> Person | None:
    """The one that a Log's `person` names by id."""
    number = whole_number(text)
    return None if number is None else Person.get_or_none(Person.id == number)


def _of_kind(kind: str) -> Expression:
    if kind == OTHER:
        return ~_begins(beginning for some in KINDS.values() for beginning in some)
    return _begins(KINDS[kind]) if kind in KINDS else NOTHING


def _begins(beginnings: Iterable[str]) -> Expression:
    first, *others = (Activity.what == words[1:] if words.startswith("=") else Activity.what.startswith(words)
                      for words in beginnings)  # fmt: skip
    for other in others:
        first |= other
    return first


def _from(day: str, is_last: bool) -> Expression:
    """Since the day begins, or until it has ended."""
    try:
        begins = date.fromisoformat(day) + timedelta(days=is_last)
        moment = datetime.combine(begins, time(), ZoneInfo(workspace().zone)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return NOTHING
    return Activity.at < moment if is_last else Activity.at >= moment
