"""An app and a directory with groups, both in memory behind their contracts, that a test plays with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from connectors.base import (
    CHANGE_ROLE,
    INVITE,
    LOOK_UP,
    REMOVE,
    Connector,
    DirectoryPerson,
    Identity,
    Role,
    TemporarilyUnavailable,
)
from connectors.base import Account as Seat
from tests.sync.scripted import ScriptedDirectory

PEOPLE = 6
ROLES = {"admin": 0, "editor": 1, "viewer": 2}  # the highest first


@dataclass
class Space:
    """The app's accounts, the directory's people, and how both misbehave."""

    seats: dict[str, Seat] = field(default_factory=dict)
    groups: dict[int, frozenset[str]] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    outage: str = "none"  # none, error, cut, empty
    acting: str = "well"  # well, error, lost answer
    made: int = 0
    about_to: object = None  # called with (operation, e-mail, role) right before the app changes

    def begin(self) -> None:
        """Persons 0 to 3 have a seat: 0 administers; 1 and 2 are in groups with a rule; 3 was let in by hand."""
        self.__dict__.update(vars(Space()))
        for number, role in enumerate(("admin", "editor", "viewer", "editor")):
            self.add(email(number), role)
        self.groups = {1: frozenset(("Sales",)), 2: frozenset(("Ops",))}

    def add(self, email: str, role: str) -> None:
        self.made += 1
        self.seats[f"U{self.made}"] = Seat(f"U{self.made}", email, email.partition("@")[0], role=role)

    def do(self, what: str, address: str, role: str) -> None:
        if self.acting == "error":
            raise TemporarilyUnavailable("500")
        self.about_to(what, address, role)

    def answer(self) -> None:
        if self.acting == "lost answer":
            raise TemporarilyUnavailable("502")


space = Space()


class InMemory(Connector):
    label = "In memory"
    capabilities = frozenset((LOOK_UP, REMOVE, CHANGE_ROLE, INVITE))

    def test(self) -> Identity:
        return Identity("the bot", None)

    def roles(self) -> list[Role]:
        return [Role(name, name.title(), name == "admin", name == "viewer") for name in ROLES]

    def accounts(self) -> Iterator[Seat]:
        yield from list(space.seats.values())

    def account(self, id: str) -> Seat | None:
        return space.seats.get(id)

    def remove(self, account: Seat) -> None:
        if account.id in space.seats:
            space.do("remove", account.email, "")
            del space.seats[account.id]
        space.answer()

    def change_role(self, account: Seat, role: str) -> None:
        if space.seats[account.id].role != role:
            space.do("role", account.email, role)
            space.seats[account.id] = replace(space.seats[account.id], role=role)
        space.answer()

    def invite(self, email: str, role: str) -> None:
        if email not in {seat.email for seat in space.seats.values()}:
            space.do("invite", email, role)
            space.add(email, role)
        space.answer()


class InMemoryDirectory(ScriptedDirectory):
    def people(self) -> Iterator:
        if space.outage == "error":
            raise TemporarilyUnavailable("no connection")
        for number in range(PEOPLE):
            if space.outage == "empty":
                return
            if space.outage == "cut" and number == PEOPLE - 1:
                raise TemporarilyUnavailable("cut off")
            yield DirectoryPerson(
                id=f"id{number}", email=email(number), name=f"Person {number}",
                status="deprovisioned" if number in space.left else "active",
                groups=tuple(sorted(space.groups.get(number, ()))),
            )  # fmt: skip


def email(number: int) -> str:
    return f"p{number}@acme.example"
