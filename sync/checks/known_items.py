"""The items of an app's last list, and the accounts that they are: an item that came byte for byte as at the last
reading isn't read again, as long as its account is still as that reading left it.

An item is remembered when its account was listed exactly as it is known, so that there was nothing to apply. It is
trusted only while the account's `version` is the one of then. A trigger counts it up with each write, from any place.
Settings and code must be the same, and after a week all items are read. In any doubt, an item is read as a new one.
"""

from __future__ import annotations

import json
import sys
import time
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

MARK_BYTES = 8  # of a keyed hash: without the key, nobody can make two items with the same mark
ITEMS_IN_A_ROW = 50_000  # of the table
SEARCHED_AROUND = 1_000  # places before and after its own where an item is looked for
ALL_READ_EVERY = timedelta(days=7)  # then every item is read in full again
IDS_IN_A_QUERY = 500
KNOWN_STATUSES = (AccountStatus.ACTIVE, AccountStatus.INVITED, AccountStatus.SUSPENDED)
CODE_FOLDERS = (Path(connectors.__file__).parent, Path(__file__).parent)
# An account that listed.py stages only as listed. The version vouches for all else that a reading compares.
IS_TRUSTED = (f"+app_id = ? AND +state <> '{AccountState.GONE}' AND held_values IS NULL AND missing_since IS NULL "
              f"AND status IN ({texts(KNOWN_STATUSES)})")  # fmt: skip
Note = tuple[str, int, int]
_process_started = time.time()


class KnownItems:
    """The connectors.memory.KnownItems of one reading of an app."""

    def __init__(self, app: App, connector: Connector):
        self._app = app
        self._key = _key(app, connector)
        self._code_and_settings = self._key and blake2b(self._key, digest_size=16).hexdigest()
        tables.create(READ_ITEMS)
        self._last = _Items()
        self._all_read_at = utcnow()
        if self._code_and_settings:
            self._load()
        self.restart()

    def _load(self) -> None:
        rows = db.execute_sql(
            "SELECT code_and_settings, all_read_at, notes, items FROM remembered_items WHERE app_id = ? ORDER BY place",
            (self._app.id,),
        ).fetchall()
        moments = {datetime.fromisoformat(row[1]) for row in rows}
        fresh = all(timedelta() <= utcnow() - moment < ALL_READ_EVERY for moment in moments)
        if rows and len(moments) == 1 and fresh and {row[0] for row in rows} == {self._code_and_settings}:
            [self._all_read_at] = moments
            for _, _, notes, items in rows:
                self._last.extend(_Items.unpacked(json.loads(notes), items))

    def restart(self) -> None:
        """A new reading begins."""
        tables.empty(READ_ITEMS)
        self._next_place, self._rows_stored, self._current = 0, 0, _Items()

    def compare(self, list_name: str, items: Sequence[bytes]) -> list[Unchanged | bytes]:
        """See connectors.memory.KnownItems."""
        if not self._key:
            return [b""] * len(items)
        key = blake2b(list_name.encode(), key=self._key, digest_size=32).digest()
        marks = [blake2b(item, digest_size=MARK_BYTES, key=key).digest() for item in items]
        last, places = self._last, self._places(marks)
        trusted = self._trusted([last.account_ids[place] for place in places if place is not None])
        found: list[Unchanged | bytes] = []
        for mark, place in zip(marks, places):
            account = None if place is None else trusted.get(last.account_ids[place])
            if account is None or account[2] != last.versions[place]:
                found.append(mark)
            else:
                account_id, external_id, version, missing_now, defaulted_now = account
                note, missing, defaulted = last.notes[last.note_numbers[place]]
                row = (account_id, missing, defaulted, missing_now, defaulted_now, version, mark)
                found.append(Unchanged(external_id, note, row))
        return found

    def _places(self, marks: list[bytes]) -> Sequence[int | None]:
        """Where each was in the last list: around the place that it should have. None: not there."""
        begin, end = self._next_place, self._next_place + len(marks)
        places: Sequence[int | None]
        if self._last.marks[begin * MARK_BYTES : end * MARK_BYTES] == b"".join(marks):
            places = range(begin, end)
        else:
            first = max(0, begin - SEARCHED_AROUND)
            window = bytes(self._last.marks[first * MARK_BYTES : (end + SEARCHED_AROUND) * MARK_BYTES])
            starts = range(0, len(window), MARK_BYTES)
            place_of = {window[start : start + MARK_BYTES]: first + start // MARK_BYTES for start in starts}
            places = [place_of.get(mark) for mark in marks]
        last_found = next((place for place in reversed(places) if place is not None), None)
        self._next_place = end if last_found is None else last_found + 1
        return places

    def _trusted(self, ids: list[int]) -> dict[int, tuple]:
        """By id, the accounts that IS_TRUSTED describes: (id, external id, version, missing, defaulted fields)."""
        found = {}
        for begin in range(0, len(ids), IDS_IN_A_QUERY):
            asked = ids[begin : begin + IDS_IN_A_QUERY]
            rows = db.execute_sql(
                "SELECT id, external_id, version, missing_fields, defaulted_fields FROM account "
                f"WHERE id IN ({', '.join('?' * len(asked))}) AND {IS_TRUSTED}", (*asked, self._app.id),
            )  # fmt: skip
            found.update((row[0], row) for row in rows.fetchall())
        return found

    def remember(self, mark: bytes, same: tuple, note: str) -> None:
        """Note an item whose account was listed exactly as it is known, in the order of the list.

        `same`: a row of staged_same, and the account's version.
        """
        if not mark:
            return
        self._current.add(mark, same[0], same[5], (note, same[1], same[2]))
        if len(self._current.account_ids) == ITEMS_IN_A_ROW:
            self._store_row()

    def end_of_list(self) -> None:
        """The list was read to its end."""
        if self._current.account_ids:
            self._store_row()

    def _store_row(self) -> None:
        items, self._current = self._current, _Items()
        row = (self._rows_stored, self._code_and_settings, str(self._all_read_at), json.dumps(items.notes),
               items.packed())  # fmt: skip
        tables.insert(READ_ITEMS, [row])
        self._rows_stored += 1

    def save(self) -> None:
        """Keep the items of this reading, inside the caller's transaction. Writes only rows that differ."""
        db.execute_sql(
            "DELETE FROM remembered_items WHERE app_id = ? AND NOT EXISTS (SELECT 1 FROM read_items r "
            "WHERE r.place = remembered_items.place AND r.code_and_settings = remembered_items.code_and_settings "
            "AND r.all_read_at = remembered_items.all_read_at AND r.notes = remembered_items.notes "
            "AND r.items = remembered_items.items)",
            (self._app.id,),
        )
        db.execute_sql(
            "INSERT INTO remembered_items (app_id, place, code_and_settings, all_read_at, notes, items) "
            "SELECT ?, place, code_and_settings, all_read_at, notes, items FROM read_items WHERE true "
            "ON CONFLICT DO NOTHING",
            (self._app.id,),
        )


class _Items:
    """Items in the order of the list: of each the mark, its account's id and version, and the number of its note.

    A note is the connector's, with the bits of the missing and of the defaulted fields.
    """

    def __init__(self):
        self.marks, self.account_ids, self.versions, self.note_numbers = bytearray(), array("q"), array("q"), array("I")
        self.notes: list[Note] = []
        self._number_of_note: dict[Note, int] = {}

    def add(self, mark: bytes, account_id: int, version: int, note: Note) -> None:
        number = self._number_of_note.get(note)
        if number is None:
            number = self._number_of_note[note] = len(self.notes)
            self.notes.append(note)
        self.marks += mark
        self.account_ids.append(account_id)
        self.versions.append(version)
        self.note_numbers.append(number)

    def extend(self, more: _Items) -> None:
        numbers = [self._number_of_note.setdefault(note, len(self._number_of_note)) for note in more.notes]
        self.notes = list(self._number_of_note)
        self.marks += more.marks
        self.account_ids += more.account_ids
        self.versions += more.versions
        self.note_numbers += array("I", map(numbers.__getitem__, more.note_numbers))

    def packed(self) -> bytes:
        numbers = (self.account_ids, self.versions, self.note_numbers)
        return b"".join((bytes(self.marks), *(column.tobytes() for column in numbers)))

    @classmethod
    def unpacked(cls, notes: list[list], packed: bytes) -> _Items:
        items = cls()
        items.notes = list(map(tuple, notes))
        count = len(packed) // (MARK_BYTES + 8 + 8 + 4)
        items.marks += packed[: count * MARK_BYTES]
        begin = count * MARK_BYTES
        for column in (items.account_ids, items.versions, items.note_numbers):
            end = begin + count * column.itemsize
            column.frombytes(packed[begin:end])
            begin = end
        return items


def _key(app: App, connector: Connector) -> bytes | None:
    """The key of the marks: other settings, another secret or other code give every item another mark. None: no item
    is trusted."""
    code = _hash_of_code()
    if code is None:
        return None
    parts = [app.id, connector.slug, sorted(connector.settings.items()), code, connector.read_with, sys.version,
             sys.byteorder]  # fmt: skip
    return blake2b(json.dumps(parts).encode(), key=vault.derive("items of a reading"), digest_size=32).digest()


@cache
def _hash_of_code() -> str | None:
    """The code that makes accounts of items; None where a file of it is newer than this process, which may run with
    what was there before."""
    code = blake2b(digest_size=16)
    for path in _code_files():
        about = path.stat()
        if max(about.st_mtime, about.st_ctime) > _process_started:  # a copy may have the time of the original
            return None
        text = path.read_bytes()
        code.update(f"{path.name} {len(text)} ".encode() + text)
    return code.hexdigest()


def _code_files() -> Iterator[Path]:
    for folder in CODE_FOLDERS:
        yield from sorted(path for path in folder.rglob("*.*") if path.suffix in (".py", ".json", ".yaml", ".yml"))
