"""diffsync (networktocode): two adapters, one loaded with the known accounts, one with those just read.
`sync_from` compares them, and calls create, update and delete for each difference; `sync_complete` writes them in
bulk, which its docstring recommends."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import structlog
from diffsync import Adapter, DiffSyncModel

from bench.peers.stored import FIELDS, Stored, fields
from connectors.base import Account

# Otherwise it formats a line for each account. structlog recommends this as the cheapest way of leaving lines out.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


class ReadAccount(DiffSyncModel):
    _modelname = "account"
    _identifiers = ("external_id",)
    _attributes = FIELDS

    external_id: str
    email: str
    name: str
    status: str
    role: str
    last_activity: str | None


class KnownAccount(ReadAccount):
    @classmethod
    def create(cls, adapter, ids, attrs):
        adapter.stored.new(ids["external_id"], attrs)
        return super().create(adapter, ids, attrs)

    def update(self, attrs):
        before = self.get_attrs()
        self.adapter.stored.changed(self.external_id, before, {**before, **attrs})
        return super().update(attrs)

    def delete(self):
        self.adapter.stored.gone(self.external_id, self.get_attrs())
        return super().delete()


class Read(Adapter):
    account = ReadAccount
    top_level = ["account"]

    def load(self, pages: Iterable[list[Account]]) -> None:
        for page in pages:
            for account in page:
                self.add(self.account(external_id=account.id, **fields(account)))


class Known(Adapter):
    account = KnownAccount
    top_level = ["account"]

    def __init__(self, stored: Stored):
        super().__init__()
        self.stored = stored

    def load(self) -> None:
        for id, *values in self.stored.known():
            self.add(self.account(external_id=id, **dict(zip(FIELDS, values))))

    def sync_complete(self, *_, **__) -> None:
        self.stored.write()


class Diffsync:
    """A program of bench/programs.py."""

    def __init__(self, folder: Path):
        self._stored = Stored(folder)
        self.found = self._stored.found

    def check(self, pages: Iterable[list[Account]]) -> None:
        known, read = Known(self._stored), Read()
        known.load()
        read.load(pages)
        known.sync_from(read)
