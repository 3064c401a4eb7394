"""The trigram index of what is searched, kept up to date by a job, so that a check isn't slowed down by it.
New rows are those above a mark; triggers note which older ones have changed. Both are read from the rows until then."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import IntEnum

from sync.db import writing
from sync.jobs import queue
from sync.models import Account, Asset, Person, PersonEmail, SearchDue, SearchMark, SearchText
from sync.search import trigrams
from sync.search.texts import text_of
from sync.states import AssetState

JOB = "search"
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


def _above_mark(kind: Kind):
    table = TABLES[kind]
    mark = SearchMark.select(SearchMark.up_to).where(SearchMark.kind == kind)
    return table.select(table.id).where(table.id > mark)


def _new(kind: Kind, most: int) -> dict[int, str]:
    ids = [row.id for row in _above_mark(kind).order_by(TABLES[kind].id).limit(most)]
    if ids:
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
        wanted = {id for id in ids if first <= id <= last}
        yield from (found for found in _texts(kind, [id & ROW for id in wanted]) if found[0] in wanted)


def _texts(kind: Kind, row_ids: list[int]) -> Iterator[tuple[int, str]]:
    if not row_ids:
        return
    if kind == Kind.PERSON:
        yield from _texts_of_people(row_ids)
    elif kind == Kind.ACCOUNT:
        rows = Account.select(
            Account.app_id, Account.id, Account.name, Account.email, Account.user_name, Account.match_note
        ).where(Account.id.in_(row_ids), ~Account.is_gone)
        yield from ((text_id(kind, app_id, id), text_of(fields)) for app_id, id, *fields in rows.tuples().iterator())
    else:
        rows = Asset.select(Asset.app_id, Asset.id, Asset.name, Asset.external_id)
        rows = rows.where(Asset.id.in_(row_ids), Asset.state == AssetState.PRESENT)
        yield from ((text_id(kind, app_id, id), text_of([name or external_id]))
                    for app_id, id, name, external_id in rows.tuples().iterator())


def _texts_of_people(row_ids: list[int]) -> Iterator[tuple[int, str]]:
    fields = {id: [name] for id, name in Person.select(Person.id, Person.name).where(Person.id.in_(row_ids)).tuples()}
    emails = PersonEmail.select(PersonEmail.person_id, PersonEmail.email).where(PersonEmail.person.in_(list(fields)))
    for person_id, email in emails.order_by(PersonEmail.id).tuples():
        fields[person_id].append(email)
    yield from ((text_id(Kind.PERSON, 0, id), text_of(texts)) for id, texts in fields.items())


def not_in_it_yet(kind: Kind, app_id: int | None = None, most: int | None = None) -> Iterator[tuple[int, str]]:
    """(row id, text) of the rows that are new or have changed since; at most about `most`, if it is given."""
    first, last = span(kind, app_id)
    due = SearchDue.select(SearchDue.id).where(SearchDue.id.between(first, last)).limit(most)
    yield from ((id & ROW, text) for id, text in _of_ids(row.id for row in due))
    new = _above_mark(kind)
    if app_id is not None:
        new = new.where(TABLES[kind].app + 0 == app_id)  # by the mark, not by the index of the app's rows
    ids = [row.id for row in new.limit(most)]
    for start in range(0, len(ids), BATCH):
        yield from ((id & ROW, text) for id, text in _texts(kind, ids[start : start + BATCH]))


def is_behind(kind: Kind, most: int) -> bool:
    """Whether more than `most` rows of this kind aren't in the index yet."""
    first, last = span(kind)
    due = SearchDue.select().where(SearchDue.id.between(first, last)).limit(most + 1)
    return due.count() > most or _above_mark(kind).limit(most + 1).count() > most
