"""The log of all that happened: who, what, when, why, before, after. Entries are only added; seals.py makes a later
change to one of them visible (rule 9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from operator import itemgetter

from peewee import Expression, ModelInsert, ModelSelect, fn

from sync import activity_words, sample_data, seals
from sync.db import db, noted_in_write, postponed, utcnow, writing
from sync.models import Activity, App, Person, Report
from sync.prepared import prepared, prepared_plain, prepared_rows
from sync.rank import Asker
from sync.seals import Verification, head, place_of, verify
from sync.settings import set_setting, setting

TOGETHER = timedelta(minutes=10)
GATHERED = "entries of the log"  # what a write has noted
MIGRATED = "told by migrations"  # a list of entries for record_all()

COLUMNS = ("id", *seals.SEALED, "first_entry", "seal")
_KNOWN, _in_columns = frozenset(COLUMNS), itemgetter(*COLUMNS)

__all__ = ["Verification", "contains", "entries", "gathered", "head", "place_of", "record", "record_all",
           "record_migrations", "verify"]  # fmt: skip


def record(
    who: str | Asker,
    what: str,
    *,
    about: str = "",
    why: str = "",
    before: str | None = None,
    after: str | None = None,
    app: App | int | None = None,
    person: Person | int | None = None,
    report: Report | int | None = None,
    may_follow: bool = False,
) -> None:
    """Append one entry. Call it inside the `writing()` of the change that it records, so that both happen or neither;
    outside a transaction it raises RuntimeError.

    `what` is a kind of activity_words.py, `about` the name of a person or thing, `before` and `after` are values in
    words. `may_follow`: the entry joins the line of the one before if that is of the same kind, by the same person and
    in the same app, at most TOGETHER ago.
    """
    record_all([dict(who=who, what=what, about=about, why=why, before=before, after=after,
                     app_id=_id(app), person_id=_id(person), report_id=_id(report))], may_follow)


def record_all(entries: list[dict], may_follow: bool = False) -> None:
    """Append many entries in order. Each is a dict of Activity's columns without `at`, `first_entry` and `seal`. Raises
    RuntimeError outside a transaction."""
    if not db.in_transaction():
        raise RuntimeError("an activity entry is written in the transaction of the change that it records")
    if (gathered := noted_in_write().get(GATHERED)) is not None and not may_follow:
        gathered += entries
        return
    now = utcnow()
    entries = sample_data.without_sample_people(entries)
    defaults = {name: None for name in seals.SEALED} | {"about": "", "why": "", "at": now}
    defaults["first_entry"] = _first_entry(entries, may_follow)
    [(newest,)] = _newest_id()
    rows = [defaults | _storable(entry) | {"id": id} for id, entry in enumerate(entries, (newest or 0) + 1)]  # no gaps
    seals.seal_all(rows)
    if unknown := set().union(*rows) - _KNOWN:
        raise ValueError(f"an activity entry has no {', '.join(unknown)}")
    _add(map(_in_columns, rows))


@contextmanager
def gathered() -> Iterator[None]:
    """In this block of the caller's transaction, entries are written at its end, in their order: to seal many at once
    takes a third of the time. Nothing in the block reads the log, or catches what undoes a part of the block. None of
    its entries `may_follow`."""
    with postponed(GATHERED, [], lambda entries: entries and record_all(entries)):
        yield


@prepared_plain
def _newest_id() -> ModelSelect:
    return Activity.select(fn.MAX(Activity.id))


@prepared
def _newest() -> ModelSelect:
    return Activity.select().order_by(Activity.id.desc()).limit(1)


@prepared_rows
def _add(id, at, who, what, about, why, before, after, app_id, person_id, report_id, first_entry, seal) -> ModelInsert:
    return Activity.insert(locals())


def _storable(entry: dict) -> dict:
    """The entry with the texts that the database will return, because the seal is made of exactly these."""
    entry = entry | {"who": str(entry["who"])}
    if db.on_server:
        return {name: value.replace(*db.NOT_TEXT) if isinstance(value, str) else value for name, value in entry.items()}
    return entry


def _first_entry(entries: list[dict], may_follow: bool) -> int | None:
    """The line of the new entries: the id of its first entry, or None without entries.

    All entries of one transaction are one line. With `may_follow`, they join the line of the last entry if that is
    alike, such as the removals of many people after one approval.
    """
    noted = noted_in_write()
    if "first_entry" not in noted and entries:
        last = next(iter(_newest()), None)
        joins = may_follow and last is not None and _continues(last, entries[0])
        noted["first_entry"] = (last.first_entry or last.id) if joins else (last.id if last else 0) + 1
    return noted.get("first_entry")


def _continues(last: Activity, entry: dict) -> bool:
    same = (last.who, last.what, last.app_id) == (str(entry["who"]), entry["what"], entry.get("app_id"))
    return same and timedelta() <= utcnow() - last.at < TOGETHER


def record_migrations() -> None:
    """Append the entries that migrations have left in the settings. The start calls this."""
    if setting(MIGRATED):
        with writing():
            record_all(setting(MIGRATED) or [])
            set_setting(MIGRATED, None)


def _id(row: object) -> int | None:
    return getattr(row, "id", row)


def entries(
    app: App | None = None, search: str = "", before_id: int | None = None, limit: int = 50
) -> list[Activity]:
    """The newest entries first; for the next page, pass the last one's id as `before_id`."""
    query = Activity.select(Activity, App).left_outer_join(App).order_by(Activity.id.desc()).limit(limit)
    if app is not None:
        query = query.where(Activity.app == app)
    if before_id is not None:
        query = query.where(Activity.id < before_id)
    for word in search.split():
        query = query.where(contains(word))
    return list(query)


def contains(word: str) -> Expression:
    """The condition that an entry has this word or part of one, as it is stored or as it is shown."""
    found = (Activity.who.contains(word) | Activity.what.contains(word)
             | Activity.about.contains(word) | Activity.why.contains(word))  # fmt: skip
    kinds = activity_words.kinds_shown_with(word)
    return found | Activity.what.in_(kinds) if kinds else found
