"""The seal of the activity log: each entry is sealed with the key over the one before, and its length and end are kept.
Who has the file without the key can neither rewrite the log nor cut off its end unnoticed."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from peewee import ModelSelect, fn

from sync import vault
from sync.db import connected, db, writing
from sync.models import Activity, Person
from sync.prepared import prepared
from sync.settings import set_setting, setting
from sync.words import plural

FIRST_SEAL = "0" * 64
SEALED = ("at", "who", "what", "about", "why", "before", "after", "app_id", "person_id", "report_id")
ANCHOR = "activity anchor"  # {"count", "head", "key": which key, "mac"}; {"key": "none"} during an update
UNKEYED = "none"  # what an earlier version wrote: SHA-256 without a key
TRIGGERS = ("update", "delete")


@dataclass(frozen=True)
class Verification:
    """`broken_at` is the id of the first entry that does not follow from the one before, `why` what else is wrong."""

    ok: bool
    entries: int
    broken_at: int | None = None
    why: str = ""
    head: str = ""


def seal_all(rows: list[dict]) -> None:
    """Give each of these new entries its seal, in order, and move the anchor. Inside the caller's transaction."""
    anchor = setting(ANCHOR) or {}
    key = _newest()
    last, count = anchor.get("head", FIRST_SEAL), anchor.get("count", 0)
    for row in rows:
        last = row["seal"] = _seal(key, last, row)
    _anchor(key, count + len(rows), last)


def verify() -> Verification:
    """Walk the whole chain, and compare its length and end with the anchor."""
    with connected():
        anchor = setting(ANCHOR)
        key = _by_mark(anchor["key"]) if anchor else _newest()
        if key is None:
            unkeyed = anchor["key"] == UNKEYED
            why = "It isn't sealed with a key" if unkeyed else "It was sealed with a key that is not in secret.key"
            return Verification(False, 0, why=why)
        found = _walk(key)
        if not found.ok:
            return found
        if anchor is None:
            untouched = not found.entries and not Person.select().exists()
            return found if untouched else Verification(False, found.entries, why="Its anchor is missing")
        if not hmac.compare_digest(anchor.get("mac", ""), _mac(key, anchor.get("count"), anchor.get("head"))):
            return Verification(False, found.entries, why="Its anchor was changed")
        if (anchor["count"], anchor["head"]) != (found.entries, found.head):
            return Verification(False, found.entries,
                                why=f"{plural(anchor['count'], 'entry was', 'entries were')} written, but "
                                    f"{plural(found.entries, 'is', 'are')} left")
        return found


def has_its_key() -> bool:
    """Whether the key that seals this log is among those in secret.key."""
    anchor = setting(ANCHOR)
    return anchor is None or anchor["key"] == UNKEYED or _by_mark(anchor["key"]) is not None


def renew(may_be_unkeyed: bool = False) -> None:
    """Seal the log again with the newest key, if an older key sealed it, or an earlier version, which had none. A log
    that doesn't verify isn't touched, so that it is still reported as broken.

    `may_be_unkeyed`: nothing outside of the database says that its log was ever sealed with a key. Anyone who can write
    to the database can make a log without one, and the anchor of an earlier version. Anyone who can write to a file can
    also delete the note in its folder: then only a head() that is kept elsewhere shows it.
    """
    with writing():
        anchor, key = setting(ANCHOR), _newest()
        if anchor is None or anchor["key"] == _mark(key):
            return
        is_earlier = anchor == {"key": UNKEYED} and may_be_unkeyed
        if not (_walk(None) if is_earlier else verify()).ok:
            return
        for statement in TRIGGERS:
            db.no_longer_append_only("activity", statement)
        last, count, renewed = FIRST_SEAL, 0, []
        for row in _rows():
            last, count = _seal(key, last, row), count + 1
            renewed.append((last, row["id"]))
        db.executemany("UPDATE activity SET seal = ? WHERE id = ?", renewed)
        for statement in TRIGGERS:
            db.append_only("activity", statement)
        _anchor(key, count, last)


def head() -> dict:
    """How long the log is and its last seal: kept elsewhere, they show later that nothing before them was changed."""
    anchor = setting(ANCHOR) or {}
    return {"entries": anchor.get("count", 0), "head": anchor.get("head", FIRST_SEAL)}


def end() -> dict:
    """The same, with the mark of its key, and when its first entry was written, which no two logs have in common."""
    began = next((str(first.at) for first in _first()), None)
    return {**head(), "key": (setting(ANCHOR) or {}).get("key", UNKEYED), "began": began}


@prepared
def _first() -> ModelSelect:
    return Activity.select(Activity.at).order_by(Activity.id).limit(1)


def has_lost(noted: dict) -> bool:
    """Whether the log isn't a continuation of the one that had this end(). After another key has sealed it again, only
    its length shows that."""
    now = end()
    if noted["entries"] > now["entries"]:
        return True
    if not noted["entries"] or noted["key"] != now["key"]:
        return False
    first = Activity.select(fn.MIN(Activity.id)).scalar()
    entry = Activity.get_or_none(Activity.id == first + noted["entries"] - 1)
    return entry is None or entry.seal != noted["head"]


def place_of(end: str) -> int | None:
    """After how many entries the log had this end; None where it never had, or was sealed with another key then."""
    if end == FIRST_SEAL:
        return 0
    with connected():
        entry = Activity.select(Activity.id).where(Activity.seal == end).first()
        return entry and Activity.select().where(Activity.id <= entry.id).count()


def _walk(key: bytes | None) -> Verification:
    last, count, expected = FIRST_SEAL, 0, None
    for row in _rows():
        expected = row["id"] if expected is None else expected
        last = _seal(key, last, row)
        if row["seal"] != last or row["id"] != expected or not isinstance(row["at"], datetime):
            return Verification(False, count, row["id"])
        count, expected = count + 1, expected + 1
    return Verification(True, count, head=last)


def _rows():
    for row in Activity.select().order_by(Activity.id).dicts().iterator():
        yield {**row, "app_id": row["app"], "person_id": row["person"], "report_id": row["report"]}


def _seal(key: bytes | None, previous: str, row: dict) -> str:
    """`key` None: as an earlier version did."""
    at = row["at"]
    fields = [at.isoformat() if isinstance(at, datetime) else str(at), *(row[name] for name in SEALED[1:])]
    if row.get("first_entry") is not None:  # entries of an earlier version have none, and are sealed without it
        fields.append(row["first_entry"])
    text = (previous + json.dumps(fields, ensure_ascii=True)).encode()
    return hashlib.sha256(text).hexdigest() if key is None else hmac.digest(key, text, "sha256").hex()


def _anchor(key: bytes, count: int, last: str) -> None:
    set_setting(ANCHOR, {"count": count, "head": last, "key": _mark(key), "mac": _mac(key, count, last)})


def _mac(key: bytes | None, count: int | None, last: str | None) -> str:
    return hmac.new(key or b"", f"anchor {count} {last}".encode(), "sha256").hexdigest()


def _newest() -> bytes:
    return _keys(tuple(vault.all_keys()))[0]


def _by_mark(mark: str) -> bytes | None:
    return next((key for key in _keys(tuple(vault.all_keys())) if _mark(key) == mark), None)


@lru_cache(maxsize=4)
def _keys(every: tuple[bytes, ...]) -> list[bytes]:
    return [vault.derived(key, "activity") for key in every]


def _mark(key: bytes) -> str:
    return hashlib.sha256(b"mark" + key).hexdigest()[:16]
