"""The list of accounts that floor and check read. It is generated page by page, the same each time.
A `round` is one reading: 0 is the first, 1 has 1 % changed, 2 is the same as 1."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from connectors.base import LOOK_UP, Account, Connector, Identity, Role

PAGE = 200
STEPS = ("first reading", "1 % changed", "nothing new")  # what each round finds
ROLES = ("member", "member", "member", "guest", "admin")
FIRST = ("Ana", "Ben", "Cléo", "Dāna", "Emre", "Fatma", "Gwen", "Hiroto", "Inês", "Jürgen")
SEEN = datetime(2026, 11, 1, 8)


def accounts(count: int, round: int) -> Iterator[Account]:
    """`count` accounts. From round 1 on, of each 400 one is gone, one new, one with another role, one renamed."""
    for number in range(count):
        kind = number % 400 if round else -1
        if kind == 0:
            yield _account(number + count, "")
        else:
            yield _account(number, "changed" if kind == 2 else "", ROLES[(number + (kind == 3)) % 5])


def _account(number: int, suffix: str, role: str = "member") -> Account:
    name = f"{FIRST[number % 10]} Nº {number} {suffix}".strip()
    return Account(
        id=f"U{number:09}", email=f"Person.{number}@acme.example", name=name, role=role,
        last_activity=SEEN + timedelta(minutes=number % 10_000),
    )


def pages(count: int, round: int) -> Iterator[list[Account]]:
    """The same accounts in lists of PAGE, as an app returns them."""
    reading = accounts(count, round)
    while page := list(islice(reading, PAGE)):
        yield page


class SampleApp(Connector):
    """An app that returns the pages it was given."""

    slug = "bench"
    label = "Bench"
    capabilities = frozenset({LOOK_UP})
    pages = staticmethod(lambda: iter(()))  # set before a check

    def test(self) -> Identity:
        return Identity("bench")

    def roles(self) -> list[Role]:
        return [Role("member", "Member", default=True), Role("guest", "Guest"), Role("admin", "Admin", privileged=True)]

    def accounts(self) -> Iterator[Account]:
        for page in self.pages():
            yield from page

    def account(self, id: str) -> Account | None:
        """None for those that are gone from round 1 on."""
        number = int(id.removeprefix("U"))
        return _account(number, "") if number % 400 else None
