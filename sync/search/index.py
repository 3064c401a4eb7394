"""The trigram index of what is searched, kept up to date by a job, so that a check isn't slowed down by it.
New rows are those above a mark; triggers note which older ones have changed. Both are read from the rows until then."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import IntEnum
from itertools import groupby
from operator import itemgetter

from peewee import JOIN, ModelSelect, fn

from sync.db import db, writing
from sync.jobs import queue
from sync.models import Account, Asset, Person, PersonEmail, SearchDue, SearchMark, SearchText
from sync.search import trigrams
from sync.search.texts import text_of
from sync.states import AssetState

JOB = "search"
MANY = 1000  # rows beside the index that a search over everything reads; if there are more, it says so
BATCH = 150  # rows of one transaction: 6 ms of work, and many times that where other threads work too
SECONDS = 20.0  # of one run; the next one continues
PAUSE = 0.02  # seconds between two transactions, in which others write
ROW = (1 << 40) - 1


class Kind(IntEnum):
    """What a text is of. A text's id is made of the kind, the app (0 for a person) and the row's id."""

    PERSON = 1
    ACCOUNT = 2
    ASSET = 3


TABLES = {Kind.PERSON: Person, Kind.ACCOUNT: Account, Kind.ASSET: Asset}


def text_id(kind: Kind, app_id: int, row_id: int) -> int:
    return kind << 60 | app_id << 40 | row_id


def span(kind: Kind, app_id: int | None = None) -> tuple[int, int]:
    """The first and the last id that a text of this kind can have, in one app or in all."""
    first = text_id(kind, app_id or 0, 0)
    return first, first + (1 << (60 if app_id is None else 40)) - 1


def bring_up_soon(rows: int) -> None:
    """Let a worker begin at once, not at the next sweep, if so many rows have changed. Inside the caller's transaction.

    Until it is done, each search in their app reads them all: 5 ms for 1,000.
    """
    if rows > MANY:
        queue.wake_job(JOB)


@queue.woken(JOB)
def bring_up_to_date(now: datetime) -> None:
    """Put into the index what is new or has changed."""
    until = time.monotonic() + SECONDS
    while bring_up_some():
        if time.monotonic() > until:
            with writing():
                queue.wake_job(JOB)
            return
        time.sleep(PAUSE)


def bring_up_some() -> int:
    """One transaction of it; how many rows it looked at."""
    if not _anything_to_do():
        return 0
    with writing():
        ids = [row.id for row in SearchDue.select().order_by(SearchDue.id).limit(BATCH)]
        SearchDue.delete().where(SearchDue.id.in_(ids)).execute()
        texts = dict.fromkeys(ids, "") | dict(_of_ids(ids))
        for kind in Kind:
            if len(texts) < BATCH:
                texts |= _new(kind, BATCH - len(texts))
        _put(texts)
    return len(texts)


def _anything_to_do() -> bool:
    return SearchDue.select().exists() or any(_above_mark(kind).exists() for kind in Kind)


def _above_mark(kind: Kind) -> ModelSelect:
    table = TABLES[kind]
    mark = SearchMark.select(SearchMark.up_to).where(SearchMark.kind == kind)
    return table.select(table.id).where(table.id > mark)


def _new(kind: Kind, most: int) -> dict[int, str]:
    ids = [row.id for row in _above_mark(kind).order_by(TABLES[kind].id).limit(most)]
    if not ids:
        return {}
    SearchMark.update(up_to=ids[-1]).where(SearchMark.kind == kind).execute()
    return dict(_texts(kind, ids))


def _put(texts: dict[int, str]) -> None:
    """Inside the caller's transaction. An empty text takes its row out of the index."""
    before = dict(SearchText.select(SearchText.id, SearchText.text).where(SearchText.id.in_(list(texts))).tuples())
    out = [(id, text) for id, text in before.items() if text != texts[id]]
    into = [(id, text) for id, text in sorted(texts.items()) if text and text != before.get(id)]
    trigrams.put(out, into)


def _of_ids(ids: Iterable[int]) -> Iterator[tuple[int, str]]:
    """(id, text) of those texts whose rows are there."""
    ids = list(ids)
    for kind in Kind:
        first, last = span(kind)
        if wanted := {id for id in ids if first <= id <= last}:
            yield from (found for found in _texts(kind, [id & ROW for id in wanted]) if found[0] in wanted)


def _texts(kind: Kind, row_ids: list[int] | ModelSelect, app_id: int | None = None) -> Iterator[tuple[int, str]]:
    """(id, text) of these rows, in one app or in all, by one statement."""
    table = TABLES[kind]
    if kind == Kind.PERSON:
        yield from _texts_of_people(row_ids)
        return
    if kind == Kind.ACCOUNT:
        rows = Account.select(
            Account.app_id, Account.id, Account.name, Account.email, Account.user_name, Account.match_note
        ).where(~Account.is_gone)
    else:
        name = fn.COALESCE(fn.NULLIF(Asset.name, ""), Asset.external_id)
        rows = Asset.select(Asset.app_id, Asset.id, name).where(Asset.state == AssetState.PRESENT)
    if app_id is not None:
        rows = rows.where(table.app + 0 == app_id)  # by the ids, not by the index of the app's rows
    for of_app, id, *fields in db.execute(rows.where(table.id.in_(row_ids))):  # as the database has them
        yield text_id(kind, of_app, id), text_of(fields)


def _texts_of_people(row_ids: list[int] | ModelSelect) -> Iterator[tuple[int, str]]:
    rows = (Person.select(Person.id, Person.name, PersonEmail.email).join(PersonEmail, JOIN.LEFT_OUTER)
            .where(Person.id.in_(row_ids)).order_by(Person.id, PersonEmail.id).tuples().iterator())  # fmt: skip
    for (id, name), of_one in groupby(rows, key=itemgetter(0, 1)):
        yield text_id(Kind.PERSON, 0, id), text_of([name, *(email for _, _, email in of_one)])


def not_in_it_yet(kind: Kind, app_id: int | None = None, most: int | None = None) -> Iterator[tuple[int, str]]:
    """(row id, text) of the rows that are new or have changed since; at most about `most`, if it is given."""
    first, last = span(kind, app_id)
    changed = SearchDue.select(SearchDue.id.bin_and(ROW)).where(SearchDue.id.between(first, last))
    new = _above_mark(kind).order_by(TABLES[kind].id)
    for row_ids in (changed.order_by(SearchDue.id).limit(most), new.limit(most)):
        yield from ((id & ROW, text) for id, text in _texts(kind, row_ids, app_id))


def is_behind(kind: Kind, most: int) -> bool:
    """Whether more than `most` rows of this kind aren't in the index yet."""
    first, last = span(kind)
    due = SearchDue.select().where(SearchDue.id.between(first, last)).limit(most + 1)
    return due.count() > most or _above_mark(kind).limit(most + 1).count() > most
