"""What the caller of a connector keeps between two readings of an app: answers for conditional requests, and the items
of its lists. Part of the contract (base)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """An app's answer at an earlier reading: its validator for a conditional request, its Link header, its body."""

    etag: str
    link: str
    body: bytes


class Memory(Protocol):
    """Where answers are kept between two readings of an app."""

    def recall(self, key: str) -> Kept | None: ...

    def keep(self, key: str, answer: Kept) -> None: ...


class Unchanged(NamedTuple):
    """Stands for an Account in accounts(): the app sent the same bytes for its item as at the last reading, and nobody
    has written to the row that was made of it since."""

    id: str  # Account.id
    note: str  # what the connector gave along with the item
    row: tuple  # the caller's own


class Marked(NamedTuple):
    """An Account in accounts() that depends on one item alone, with the mark that KnownItems.look() gave the item.

    `note`: what the connector needs of the item besides its account, when it gets it as Unchanged.
    """

    account: Any  # base.Account
    mark: bytes
    note: str = ""

    @property
    def id(self) -> str:
        return self.account.id


class KnownItems(Protocol):
    """The items of the last reading, kept by the caller of accounts()."""

    def look(self, listed: str, items: Sequence[bytes]) -> list[Unchanged | bytes]:
        """For each item as the app sent it, in order: Unchanged, or the mark for Marked.

        `listed`: which of the app's lists it is in, as equal items of two lists may mean different accounts.
        """
