"""What a connector's caller keeps between two readings of an app: answers for conditional requests, and the items of
its lists. This is a part of the contract (base)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """An app's answer at an earlier reading: its ETag for a conditional request, its Link header and its body."""

    etag: str
    link: str
    body: bytes


class Memory(Protocol):
    """Keeps answers between two readings of an app."""

    def recall(self, key: str) -> Kept | None: ...

    def keep(self, key: str, answer: Kept) -> None: ...


class Unchanged(NamedTuple):
    """In place of an Account in accounts(): the app sent the same bytes for its item as at the last reading, and the
    row that was made of it hasn't changed since."""

    id: str  # Account.id
    note: str  # the Marked.note of the last reading
    row: tuple  # private to the caller


class Marked(NamedTuple):
    """An Account in accounts() that depends on one item alone, with the mark that KnownItems.compare() returned for it.

    `note`: a text that the connector needs, beside the account, when the item is Unchanged at the next reading.
    """

    account: Any  # base.Account
    mark: bytes
    note: str = ""

    @property
    def id(self) -> str:
        return self.account.id


class KnownItems(Protocol):
    """The items of the last reading, kept by the caller of accounts()."""

    def compare(self, list_name: str, items: Sequence[bytes]) -> list[Unchanged | bytes]:
        """For each item as the app sent it, in order: Unchanged, or the mark for Marked.

        `list_name`: needed because equal items of two lists may mean different accounts.
        """
