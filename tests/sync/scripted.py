"""A directory whose people a test writes down, read by the real code through the connector's contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

import connectors
from connectors.base import DirectoryConnector, DirectoryPerson, Identity, Unread
from sync.directory import directories
from sync.models import (
    Activity,
    Directory,
    DirectoryEntry,
    DirectoryGroupMember,
    DirectoryReading,
    Person,
    PersonEmail,
)
from sync.people import people

SCRIPTS: dict[str, Scripted] = {}


class ScriptedDirectory(DirectoryConnector):
    slug = "scripted"
    label = "Scripted"
    worldwide_ids = True

    def test(self) -> Identity:
        return Identity(name="the script")

    def people(self) -> Iterator[DirectoryPerson]:
        yield from SCRIPTS[self.settings["script"]].give()
        script = SCRIPTS[self.settings["script"]]
        self.unread, self.hidden_users = script.unread, script.hidden_users


class Scripted:
    """`entries` is who is in the directory, `unread` what the connector finds that nothing reads, `hidden_users` how
    many of them it hides; `interrupt` is called before each is given, with how many came so far."""

    unread: tuple[Unread, ...] | None = ()
    hidden_users = 0

    def __init__(self, name: str = "Company LDAP", count: int = 0):
        self.name = name
        self.entries: dict[str, DirectoryPerson] = {}
        self.interrupt: Callable[[int], None] = lambda given: None
        SCRIPTS[name] = self
        for number in range(count):
            self.add(f"id{number}", f"p{number}@acme.example", f"Person {number}")
        self.connect()

    def connect(self) -> None:
        self.directory = Directory.create(kind="scripted", name=self.name, settings={"script": self.name},
                                          vouched_for=True)

    def give(self) -> Iterator[DirectoryPerson]:
        for given, entry in enumerate(list(self.entries.values())):
            self.interrupt(given)
            yield entry

    def add(self, id: str, email: str, name: str = "", **shown: object) -> None:
        self.entries[id] = DirectoryPerson(id=id, email=email, name=name or id, **shown)

    def say(self, id: str, /, **shown: object) -> None:
        self.entries[id] = replace(self.entries[id], **shown)

    def delete(self, *ids: str) -> None:
        for id in ids:
            del self.entries[id]

    def read(self) -> DirectoryReading:
        """One reading from start to end."""
        asked = directories.ask(self.directory, "schedule")
        directories.run(asked.id)
        return DirectoryReading.get_by_id(asked.id)

    def row(self) -> Directory:
        return Directory.get_by_id(self.directory.id)


def status(email: str) -> str:
    return person(email).status


def person(email: str) -> Person:
    found = people.find_by_email(email)
    assert found is not None, f"nobody has {email}"
    return found


def entries_of(what: str) -> list[Activity]:
    return list(Activity.select().where(Activity.what == what).order_by(Activity.id))


def portrait() -> list[tuple]:
    """All that a reading may change."""
    return [
        sorted(model.select(*fields).tuples(), key=repr)
        for model, fields in (
            (Person, (Person.id, Person.name, Person.status, Person.status_by_hand, Person.status_reason)),
            (PersonEmail, (PersonEmail.person, PersonEmail.email, PersonEmail.main)),
            (DirectoryEntry, (DirectoryEntry.external_id, DirectoryEntry.status, DirectoryEntry.reported_status)),
            (DirectoryGroupMember, (DirectoryGroupMember.group, DirectoryGroupMember.entry)),
        )
    ]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    """Makes the kind "scripted" known; Scripted(...) then connects one such directory."""
    kinds = {**connectors.directory_connectors(), "scripted": ScriptedDirectory}
    monkeypatch.setattr(connectors, "directory_connectors", lambda: kinds)
    return Scripted


@pytest.fixture
def company(scripted: type[Scripted], by: str) -> Scripted:
    """Ten active people, read once."""
    company = Scripted(count=10)
    assert company.read().state == "succeeded"
    return company
