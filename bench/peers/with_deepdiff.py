"""deepdiff: two dictionaries by id, of the known accounts and of those just read. Its documentation groups a list by a
key before it compares (`group_by`); here both come grouped, which costs less, and an account is a tuple, which costs a
third of a dictionary. The tree view gives the id and the values of each difference without parsing a path."""

from __future__ import annotations

from collections.abc import Iterable

from deepdiff import DeepDiff

from bench.peers.stored import FIELDS, Stored, fields
from connectors.base import Account

ADDED, REMOVED = "dictionary_item_added", "dictionary_item_removed"


class Deepdiff(Stored):
    """A program of bench/programs.py."""

    def check(self, pages: Iterable[list[Account]]) -> None:
        known = {id: tuple(values) for id, *values in self.known()}
        read = {account.id: tuple(fields(account).values()) for page in pages for account in page}
        # threshold_to_diff_deeper=0: one by one also where most accounts differ, as at the first reading
        found = DeepDiff(known, read, view="tree", threshold_to_diff_deeper=0)
        for level in found.get(ADDED, ()):
            self.new(_id(level), _by_field(level.t2))
        for level in found.get(REMOVED, ()):
            self.gone(_id(level), _by_field(level.t1))
        for id in {_id(level) for kind, levels in found.items() if kind not in (ADDED, REMOVED) for level in levels}:
            self.changed(id, _by_field(known[id]), _by_field(read[id]))
        self.write()


def _id(level) -> str:
    return level.path(output_format="list")[0]


def _by_field(values: tuple) -> dict:
    return dict(zip(FIELDS, values))
