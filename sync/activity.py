"""The log of all that happened: who, what, when, why, before, after.
Append-only; each entry is sealed with a hash over the one before (rule 9)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sync.db import connected, db, utcnow
from sync.models import Activity, App, Person, Report

FIRST_SEAL = "0" * 64
SEALED = ("at", "who", "what", "about", "why", "before", "after", "app_id", "person_id", "report_id")


def record(
    who: str,
    what: str,
    *,
    about: str = "",
    why: str = "",
    before: str | None = None,
    after: str | None = None,
    app: App | int | None = None,
    person: Person | int | None = None,
    report: Report | int | None = None,
) -> None:
    """Append one entry. Call it inside the `writing()` of what it tells, so that both happen or neither."""
    record_all([dict(who=who, what=what, about=about, why=why, before=before, after=after,
                     app_id=_id(app), person_id=_id(person), report_id=_id(report))])


def record_all(entries: list[dict]) -> None:
    """Append many entries in order; each a dict of Activity's columns but `at` and `seal`."""
    if not db.in_transaction():
        raise RuntimeError("an activity entry belongs into the transaction of what it tells")
    last = Activity.select(Activity.seal).order_by(Activity.id.desc()).limit(1).scalar() or FIRST_SEAL
    now = utcnow()
    rows = []
    for entry in entries:
        row = {name: None for name in SEALED} | {"about": "", "why": "", "at": now} | entry
        last = row["seal"] = _seal(last, row)
        rows.append(row)
    for start in range(0, len(rows), 500):
        Activity.insert_many(rows[start : start + 500]).execute()


def _id(row: object) -> int | None:
    return getattr(row, "id", row)


def _seal(previous: str, row: dict) -> str:
    told = [row["at"].isoformat(), *(row[name] for name in SEALED[1:])]
    return hashlib.sha256((previous + json.dumps(told, ensure_ascii=True)).encode()).hexdigest()


@dataclass(frozen=True)
class Verification:
    """`broken_at` is the id of the first entry that does not follow from the one before."""

    ok: bool
    entries: int
    broken_at: int | None = None


def verify() -> Verification:
    """Walk the whole chain of seals."""
    with connected():
        last, count, expected = FIRST_SEAL, 0, None
        for row in Activity.select().order_by(Activity.id).dicts().iterator():
            row = {**row, "app_id": row["app"], "person_id": row["person"], "report_id": row["report"]}
            expected = row["id"] if expected is None else expected
            last = _seal(last, row)
            if row["seal"] != last or row["id"] != expected or not isinstance(row["at"], datetime):
                return Verification(False, count, row["id"])
            count, expected = count + 1, expected + 1
        return Verification(True, count)


def entries(
    app: App | None = None,
    person: Person | None = None,
    search: str = "",
    before_id: int | None = None,
    limit: int = 50,
    of_apps: Iterable[int] | None = None,
) -> list[Activity]:
    """The newest entries first; go on with the last one's id as `before_id`.

    Where `of_apps` is given, what concerns an app that is not among them is left out.
    """
    query = Activity.select(Activity, App).left_outer_join(App).order_by(Activity.id.desc()).limit(limit)
    if app is not None:
        query = query.where(Activity.app == app)
    if person is not None:
        query = query.where(Activity.person == person)
    if before_id is not None:
        query = query.where(Activity.id < before_id)
    if of_apps is not None:
        query = query.where(Activity.app.is_null() | Activity.app.in_(list(of_apps)))
    for word in search.split():
        query = query.where(
            Activity.who.contains(word) | Activity.what.contains(word)
            | Activity.about.contains(word) | Activity.why.contains(word)
        )
    return list(query)
