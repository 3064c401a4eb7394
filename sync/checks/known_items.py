"""The items of an app's last list, and the accounts that they are: an item that came byte for byte as at the last
reading isn't read again, as long as its account is still as that reading left it.

An item is remembered when its account was listed exactly as it is known, so that there was nothing to apply. It is
trusted only while the account's `version` is the one of then. A trigger counts it up with each write, from any place.
Settings and code must be the same, and after a week all items are read. In any doubt, an item is read as a new one.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from pathlib import Path

import connectors
from connectors.base import Connector
from connectors.memory import Unchanged
from sync import vault
from sync.db import db, utcnow
from sync.models import App
from sync.staging import tables
from sync.staging.check import READ_ITEMS
from sync.states import AccountState, AccountStatus, texts

MARK = 8  # bytes of a keyed hash: without the key, nobody can make two items with the same mark
PART = 50_000  # items in a row of the table
AROUND = 1_000  # places before and after its own, among which an item is looked for
LONGEST = timedelta(days=7)  # since the last reading of every item
ASKED = 500  # accounts in one query
STATUSES = (AccountStatus.ACTIVE, AccountStatus.INVITED, AccountStatus.SUSPENDED)
CODE = (Path(connectors.__file__).parent, Path(__file__).parent)
# What staging in part depends on. All else that a reading compares is vouched for by the version.
TRUSTED = (f"+app_id = ? AND +state <> '{AccountState.GONE}' AND held_values IS NULL AND missing_since IS NULL "
           f"AND status IN ({texts(STATUSES)})")  # fmt: skip
Note = tuple[str, int, int]
_started = datetime.now().timestamp()


class KnownItems:
    """The connectors.memory.KnownItems of one reading of an app."""

    def __init__(self, app: App, connector: Connector):
        self._app = app
        self._key = _key(app, connector)
        self._made_with = self._key and blake2b(self._key, digest_size=16).hexdigest()
        tables.create(READ_ITEMS)
        self._old = _Part()
        self._since = utcnow()
        if self._made_with:
            self._recall()
        self.restart()

    def _recall(self) -> None:
        rows = db.execute_sql(
            "SELECT made_with, since, notes, items FROM remembered_items WHERE app_id = ? ORDER BY place",
            (self._app.id,),
        ).fetchall()
        since = {datetime.fromisoformat(row[1]) for row in rows}
        fresh = all(timedelta() <= utcnow() - one < LONGEST for one in since)
        if rows and len(since) == 1 and fresh and {row[0] for row in rows} == {self._made_with}:
            [self._since] = since
            for _, _, notes, items in rows:
                self._old.extend(_Part.unpacked(json.loads(notes), items))

    def restart(self) -> None:
        """A new reading begins."""
        tables.empty(READ_ITEMS)
        self._at, self._stored, self._new = 0, 0, _Part()

    def look(self, listed: str, items: Sequence[bytes]) -> list[Unchanged | bytes]:
        """See connectors.memory.KnownItems."""
        if not self._key:
            return [b""] * len(items)
        key = blake2b(listed.encode(), key=self._key, digest_size=32).digest()
        marks = [blake2b(item, digest_size=MARK, key=key).digest() for item in items]
        old, places = self._old, self._places(marks)
        known = self._trusted([old.ids[place] for place in places if place is not None])
        found: list[Unchanged | bytes] = []
        for mark, place in zip(marks, places):
            row = None if place is None else known.get(old.ids[place])
            if row is None or row[2] != old.versions[place]:
                found.append(mark)
            else:
                note, missing, defaulted = old.notes[old.noted[place]]
                found.append(Unchanged(row[1], note, (row[0], missing, defaulted, row[3], row[4], row[2], mark)))
        return found

    def _places(self, marks: list[bytes]) -> Sequence[int | None]:
        """Where each was in the last list; it is looked for around the place that it should have."""
        begin, end = self._at, self._at + len(marks)
        places: Sequence[int | None]
        if self._old.marks[begin * MARK : end * MARK] == b"".join(marks):
            places = range(begin, end)
        else:
            first = max(0, begin - AROUND)
            window = bytes(self._old.marks[first * MARK : (end + AROUND) * MARK])
            near = {window[at : at + MARK]: first + at // MARK for at in range(0, len(window), MARK)}
            places = [near.get(mark) for mark in marks]
        last = next((place for place in reversed(places) if place is not None), None)
        self._at = end if last is None else last + 1
        return places

    def _trusted(self, ids: list[int]) -> dict[int, tuple]:
        found = {}
        for begin in range(0, len(ids), ASKED):
            asked = ids[begin : begin + ASKED]
            rows = db.execute_sql(
                "SELECT id, external_id, version, missing_fields, defaulted_fields FROM account "
                f"WHERE id IN ({', '.join('?' * len(asked))}) AND {TRUSTED}", (*asked, self._app.id),
            )  # fmt: skip
            found.update((row[0], row) for row in rows.fetchall())
        return found

    def remember(self, mark: bytes, same: tuple, note: str) -> None:
        """Note an item whose account was listed exactly as it is known, in the order of the list.

        `same`: a row of staged_same, and the account's version.
        """
        if not mark:
            return
        self._new.add(mark, same[0], same[5], (note, same[1], same[2]))
        if len(self._new.ids) == PART:
            self._put_away()

    def end(self) -> None:
        """The list was read to its end."""
        if self._new.ids:
            self._put_away()

    def _put_away(self) -> None:
        part, self._new = self._new, _Part()
        row = (self._stored, self._made_with, str(self._since), json.dumps(part.notes), part.packed())
        tables.insert(READ_ITEMS, [row])
        self._stored += 1

    def save(self) -> None:
        """Keep the items of this reading, inside the caller's transaction. Writes only rows that differ."""
        db.execute_sql(
            "DELETE FROM remembered_items WHERE app_id = ? AND NOT EXISTS (SELECT 1 FROM read_items r "
            "WHERE r.place = remembered_items.place AND r.made_with = remembered_items.made_with "
            "AND r.since = remembered_items.since AND r.notes = remembered_items.notes "
            "AND r.items = remembered_items.items)",
            (self._app.id,),
        )
        db.execute_sql(
            "INSERT INTO remembered_items (app_id, place, made_with, since, notes, items) "
            "SELECT ?, place, made_with, since, notes, items FROM read_items WHERE true ON CONFLICT DO NOTHING",
            (self._app.id,),
        )


class _Part:
    """Items in the order of the list: the mark of each, its account's id and version, and which of the notes.

    A note is the connector's, with the bits of the missing and of the defaulted fields.
    """

    def __init__(self):
        self.marks, self.ids, self.versions, self.noted = bytearray(), array("q"), array("q"), array("I")
        self.notes: list[Note] = []
        self._places: dict[Note, int] = {}

    def add(self, mark: bytes, account_id: int, version: int, note: Note) -> None:
        place = self._places.get(note)
        if place is None:
            place = self._places[note] = len(self.notes)
            self.notes.append(note)
        self.marks += mark
        self.ids.append(account_id)
        self.versions.append(version)
        self.noted.append(place)

    def extend(self, part: _Part) -> None:
        places = [self._places.setdefault(note, len(self._places)) for note in part.notes]
        self.notes = list(self._places)
        self.marks += part.marks
        self.ids += part.ids
        self.versions += part.versions
        self.noted += array("I", map(places.__getitem__, part.noted))

    def packed(self) -> bytes:
        return b"".join((bytes(self.marks), *(one.tobytes() for one in (self.ids, self.versions, self.noted))))

    @classmethod
    def unpacked(cls, notes: list[list], items: bytes) -> _Part:
        part = cls()
        part.notes = list(map(tuple, notes))
        number = len(items) // (MARK + 8 + 8 + 4)
        part.marks += items[: number * MARK]
        begin = number * MARK
        for one in (part.ids, part.versions, part.noted):
            end = begin + number * one.itemsize
            one.frombytes(items[begin:end])
            begin = end
        return part


def _key(app: App, connector: Connector) -> bytes | None:
    """The key of the marks: other settings, another secret or other code give every item another mark. None: no item
    is trusted."""
    code = _code()
    if code is None:
        return None
    parts = [app.id, connector.slug, sorted(connector.settings.items()), code, connector.read_with, sys.version,
             sys.byteorder]  # fmt: skip
    return blake2b(json.dumps(parts).encode(), key=vault.derive("items of a reading"), digest_size=32).digest()


@cache
def _code() -> str | None:
    """The code that makes accounts of items; None where a file of it is newer than this process, which may run with
    what was there before."""
    code = blake2b(digest_size=16)
    for path in _files():
        about = path.stat()
        if max(about.st_mtime, about.st_ctime) > _started:  # a copy may have the time of the original
            return None
        text = path.read_bytes()
        code.update(f"{path.name} {len(text)} ".encode() + text)
    return code.hexdigest()


def _files() -> Iterator[Path]:
    for folder in CODE:
        yield from sorted(path for path in folder.rglob("*.*") if path.suffix in (".py", ".json", ".yaml", ".yml"))
