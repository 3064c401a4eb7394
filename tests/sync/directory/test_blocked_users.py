"""A setting of the directory says whether blocked users have left. A change of it is previewed, held and released like
any other change of the people's statuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.directories.entra import EntraDirectory
from sync.directory import directories
from sync.directory import preview as directory_preview
from sync.models import Directory, DirectoryReading, Person
from tests.asking import MACHINE
from tests.connectors.directory_contract import Staff
from tests.connectors.fake_graph import FakeGraph

PEOPLE, MANY, FEW = 20, 8, 2  # the guard holds more than 5 and more than 20 %


@pytest.fixture
def entra(monkeypatch) -> Iterator[FakeGraph]:
    app = FakeGraph()
    app.start()
    monkeypatch.setattr(EntraDirectory, "api", app.url)
    monkeypatch.setattr(EntraDirectory, "login", app.url)
    app.seats = [Staff(f"id-{n}", f"p{n}@acme.example", f"Person {n}", "enabled") for n in range(PEOPLE)]
    yield app
    app.stop()


def values(app: FakeGraph, blocked: str) -> dict[str, str]:
    return {"tenant": app.tenant, "client": app.client, "secret": app.token, "groups": "no", "blocked": blocked}


def connected(app: FakeGraph, blocked: str, by) -> Directory:
    directory = directories.connect("entra", "Entra", values(app, blocked), by)
    directories.run(DirectoryReading.get().id)
    return directory


def changed_to(directory: Directory, app: FakeGraph, blocked: str, by) -> Directory:
    directories.reconnect(directory, values(app, blocked), by)
    return Directory.get_by_id(directory.id)


def read(directory: Directory, by) -> DirectoryReading:
    reading = directories.ask(directory, by)
    directories.run(reading.id)
    return DirectoryReading.get_by_id(reading.id)


def block(app: FakeGraph, number: int) -> None:
    for seat in app.seats[:number]:
        seat.status = "disabled"


def how_many(status: str) -> int:
    return Person.select().where(Person.status == status, Person.name.startswith("Person")).count()


def test_many_who_have_left_by_a_changed_setting_are_previewed_and_held(home, by, entra):
    block(entra, MANY)
    directory = connected(entra, "locked", by)
    assert (how_many("suspended"), how_many("deprovisioned")) == (MANY, 0)
    directory = changed_to(directory, entra, "left", by)
    assert (how_many("suspended"), how_many("deprovisioned")) == (MANY, 0)
    assert directory_preview.preview(directory, MACHINE).counts == {"held": MANY}
    assert read(directory, by).counts["held"] == MANY
    assert (how_many("suspended"), how_many("deprovisioned")) == (MANY, 0)
    assert directories.release(directory, by) == MANY
    assert (how_many("suspended"), how_many("deprovisioned")) == (0, MANY)


def test_a_few_have_left_at_the_next_reading(home, by, entra):
    block(entra, FEW)
    directory = changed_to(connected(entra, "locked", by), entra, "left", by)
    assert directory_preview.preview(directory, MACHINE).counts == {"deprovisioned": FEW}
    assert read(directory, by).counts["deprovisioned"] == FEW
    assert how_many("deprovisioned") == FEW


def test_those_who_had_left_are_locked_out_after_the_opposite_change(home, by, entra):
    directory = connected(entra, "left", by)
    block(entra, FEW)
    read(directory, by)
    assert how_many("deprovisioned") == FEW
    directory = changed_to(directory, entra, "locked", by)
    assert directory_preview.preview(directory, MACHINE).counts == {"suspended": FEW}
    read(directory, by)
    assert (how_many("suspended"), how_many("deprovisioned")) == (FEW, 0)


def test_an_installation_that_has_no_choice_yet_reads_as_before(home, by, entra):
    directory = connected(entra, "left", by)
    Directory.update(settings={k: v for k, v in directory.settings.items() if k != "blocked"}).execute()
    block(entra, FEW)
    read(directory, by)
    assert how_many("deprovisioned") == FEW


def test_a_blocked_user_who_begins_later_has_not_left(home, by, entra):
    block(entra, FEW)
    entra.more["id-0"] = {"employeeHireDate": "2999-01-01T00:00:00Z"}
    connected(entra, "left", by)
    [newcomer] = Person.select().where(Person.name == "Person 0")
    assert (newcomer.status, how_many("deprovisioned")) == ("suspended", FEW - 1)
    assert newcomer.status_reason.startswith("Begins on 1 Jan")
