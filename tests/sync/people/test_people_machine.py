"""Any order of joins, moves, leaves, rehires, outages, pauses, pushes, decisions by hand and changes of precedence:
nobody active in a directory leaves, no leaver is overlooked, and no day has more leavers than the guard allows."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from peewee import ModelSelect

import connectors
from connectors.base import DirectoryPerson, TemporarilyUnavailable
from sync.db import db, utcnow, writing
from sync.directory import directories, precedence, push, scim_people
from sync.models import Directory, DirectoryEntry, Person, PersonEmail, ScimResource
from sync.people import people
from sync.prepared import prepared_plain
from sync.rank import Asker
from tests.blank import config_of, open_blank
from tests.sync.scripted import Scripted, ScriptedDirectory

COUNT = 14
PULLED = {"A": range(0, 11), "B": range(6, COUNT)}  # who may be in which: some are in both
PUSHED = range(8, COUNT)
BY = Asker.command_line("Olga Brandt <olga@acme.example>")
numbers = st.integers(0, COUNT - 1)
pulled = st.sampled_from(sorted(PULLED))
statuses = st.sampled_from(["active", "active", *people.STATUSES])


class Company(RuleBasedStateMachine):
    """`word` is each directory's last status that Rollcall has read; `left` is the people marked as left by hand."""

    @initialize()
    def open(self) -> None:
        if not db.is_closed():
            db.close()
        open_blank(config_of(f"{tempfile.mkdtemp(dir=FOLDER)}/home"))
        self.left: set[int] = set()
        self.word: dict[str, dict[int, str]] = {}
        self.directories = {name: Scripted(name) for name in PULLED}
        self.pushing, _ = push.connect("P", BY)
        self.word["P"] = {}
        for name, those in PULLED.items():
            self.word[name] = {}
            for number in those:
                self.say(name, number, "active")
            self.read(name)

    @rule(name=pulled, number=numbers, status=statuses)
    def say(self, name: str, number: int, status: str) -> None:
        """The directory has changed, but nobody has read it yet. A newcomer may have a new id."""
        if number in PULLED[name]:
            self.directories[name].entries[f"id{number}"] = DirectoryPerson(
                id=f"id{number}", email=f"p{number}@acme.example", name=said_name(name, number), status=status,
                further_emails=(f"{name}{number}@acme.example".lower(),), employee_number=str(number))  # fmt: skip

    @rule(name=pulled, number=numbers)
    def delete(self, name: str, number: int) -> None:
        self.directories[name].entries.pop(f"id{number}", None)

    @rule(name=pulled, some=st.sets(numbers, min_size=3))
    def delete_many(self, name: str, some: set[int]) -> None:
        for number in some:
            self.delete(name, number)

    @rule(name=pulled, some=st.sets(numbers, min_size=6))
    def have_many_back(self, name: str, some: set[int]) -> None:
        for number in some:
            self.say(name, number, "active")

    @rule(name=pulled)
    def read(self, name: str) -> None:
        if self.row(name).state != "active":
            return
        script = self.directories[name]
        if script.read().state == "succeeded":
            known = set(self.word[name]) | {number for number in PULLED[name] if f"id{number}" in script.entries}
            self.word[name] = {
                number: entry.status if (entry := script.entries.get(f"id{number}")) else "deprovisioned"
                for number in known}  # fmt: skip

    @rule(name=pulled, after=numbers)
    def is_out_of_order(self, name: str, after: int) -> None:
        script = self.directories[name]
        if self.row(name).state != "active" or not script.entries:
            return

        def interrupt(given: int) -> None:
            if given >= min(after, len(script.entries) - 1):
                raise TemporarilyUnavailable("cut off")

        before = everything()
        script.interrupt = interrupt
        assert script.read().state == "failed"
        script.interrupt = lambda given: None
        assert everything() == before

    @rule(number=numbers, active=st.booleans(), deleted=st.booleans())
    def push(self, number: int, active: bool, deleted: bool) -> None:
        if number not in PUSHED or self.row("P").state != "active":
            return
        known, _ = ScimResource.get_or_create(
            scim_id=f"s{number}", defaults={"directory": self.pushing, "kind": "User", "name_key": f"p{number}"})
        known.document = {
            "userName": f"p{number}@acme.example", "displayName": said_name("P", number), "active": active,
            scim_people.ENTERPRISE: {"employeeNumber": str(number)}}  # finds who left
        known.deleted_at = utcnow() if deleted and not active else None
        known.save()
        scim_people.apply_user(self.pushing, known)
        self.word["P"][number] = "active" if active else "deprovisioned"

    @rule(name=st.sampled_from("ABP"), step=st.sampled_from([-1, 1]))
    def change_precedence(self, name: str, step: int) -> None:
        before = [(person.id, person.status) for person in Person.select().order_by(Person.id)]
        precedence.move(self.row(name), step, BY)
        assert [(person.id, person.status) for person in Person.select().order_by(Person.id)] == before

    @rule(name=st.sampled_from("ABP"))
    def pause_or_resume(self, name: str) -> None:
        row = self.row(name)
        (directories.pause if row.state == "active" else directories.resume)(row, BY)

    @rule(name=st.sampled_from("ABP"))
    def release(self, name: str) -> None:
        directories.release(self.row(name), BY)

    @rule(number=numbers)
    def leave_by_hand(self, number: int) -> None:
        if person := find(number):
            people.mark_left(person, BY)
            self.left.add(number)

    @rule(number=numbers)
    def come_back_by_hand(self, number: int) -> None:
        if person := find(number):
            people.mark_returned(person, BY)
            self.left.discard(number)

    @rule()
    @precondition(lambda self: hasattr(self, "left"))
    def a_day_passes(self) -> None:
        with writing():
            times = ((Directory, "created_at"), (Directory, "guard_counts_from"), (Directory, "many_back_since"),
                     (DirectoryEntry, "left_at"), (DirectoryEntry, "back_at"))
            for model, field in times:
                for row in model.select().where(getattr(model, field).is_null(False)):
                    earlier = getattr(row, field) - timedelta(hours=25)
                    model.update({getattr(model, field): earlier}).where(model.id == row.id).execute()

    @invariant()
    def nobody_has_left_whom_a_directory_calls_active(self) -> None:
        for name, shown in getattr(self, "word", {}).items():
            for number, status in shown.items():
                person = find(number)
                assert person is not None, f"{number} was forgotten"
                if status == "active" and person.status_by_hand != "deprovisioned":
                    assert person.status == "active" or is_held_as_back(person), f"{name} calls {number} active"

    @invariant()
    def nobody_who_left_is_forgotten(self) -> None:
        for number in range(COUNT):
            words = {shown[number] for shown in getattr(self, "word", {}).values() if number in shown}
            if words != {"deprovisioned"}:
                continue
            person = find(number)
            held = DirectoryEntry.select().where(
                DirectoryEntry.person == person, DirectoryEntry.is_held).exists()
            assert person.status == "deprovisioned" or held or person.status_by_hand, f"{number} has left"

    @invariant()
    def no_day_lets_more_go_than_the_guard(self) -> None:
        for row in Directory.select() if hasattr(self, "word") else ():
            since = max(utcnow() - timedelta(days=1), row.guard_counts_from or row.created_at)
            gone, here = len(_gone_since(row.id, since)), len(_here(row.id))
            assert gone <= 5 or gone * 100 <= 20 * (here + gone), f"{gone} left {row.name}, {here} are here"
            back = len(_back_since(row.id, max(utcnow() - timedelta(days=1), row.created_at)))
            assert back <= 5 or back * 100 <= 20 * here, f"{back} are back in {row.name}, {here} are here"

    @invariant()
    def a_return_waits_only_while_that_is_shown(self) -> None:
        for row in Directory.select() if hasattr(self, "word") else ():
            assert (row.many_back_since is not None) == any(entry.has_left for entry in directories.held(row))

    @invariant()
    def everyone_is_one_person_whose_first_directory_names_them(self) -> None:
        if not hasattr(self, "word"):
            return
        known = [person.id for number in range(COUNT) if (person := find(number))]
        everyone = list(Person.select())
        assert len(known) == len(set(known)) == len(everyone)
        assert sorted(id for id, in _with_main_address()) == sorted(person.id for person in everyone)
        for person in everyone:
            first = precedence.deciding(people.entries_of(person), "name")
            if first and first.reported_status != "deprovisioned":
                assert person.name == first.name

    def row(self, name: str) -> Directory:
        return Directory.get(Directory.name == name)

    def teardown(self) -> None:
        if not db.is_closed():
            db.close()


@prepared_plain
def _gone_since(directory: int, since: datetime) -> ModelSelect:
    return DirectoryEntry.select(DirectoryEntry.id).where(
        DirectoryEntry.directory == directory, DirectoryEntry.status == "deprovisioned",
        DirectoryEntry.left_at >= since)  # fmt: skip


@prepared_plain
def _back_since(directory: int, since: datetime) -> ModelSelect:
    return DirectoryEntry.select(DirectoryEntry.id).where(
        DirectoryEntry.directory == directory, DirectoryEntry.status != "deprovisioned",
        DirectoryEntry.back_at >= since)  # fmt: skip


@prepared_plain
def _here(directory: int) -> ModelSelect:
    return DirectoryEntry.select(DirectoryEntry.id).where(
        DirectoryEntry.directory == directory, DirectoryEntry.status != "deprovisioned")  # fmt: skip


@prepared_plain
def _with_main_address() -> ModelSelect:
    """The person of each main address."""
    return PersonEmail.select(PersonEmail.person).where(PersonEmail.main)


def said_name(directory: str, number: int) -> str:
    """Each directory writes names in its own way; the first two people have the same name."""
    return f"{directory} {max(number, 1)}"


def is_held_as_back(person: Person) -> bool:
    return any(entry.has_left and entry.reported_status != "deprovisioned" for entry in people.entries_of(person))


def find(number: int) -> Person | None:
    return people.find_by_email(f"p{number}@acme.example")


def everything() -> list[tuple]:
    return [
        *Person.select(Person.id, Person.name, Person.status, Person.status_by_hand).order_by(Person.id).tuples(),
        *DirectoryEntry.select(DirectoryEntry.id, DirectoryEntry.status, DirectoryEntry.reported_status).order_by(
            DirectoryEntry.id).tuples(),
    ]  # fmt: skip


FOLDER: Path


def test_any_order_of_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    global FOLDER
    FOLDER = tmp_path
    kinds = {**connectors.directory_connectors(), "scripted": ScriptedDirectory}
    monkeypatch.setattr(connectors, "directory_connectors", lambda: kinds)
    run_state_machine_as_test(Company, settings=settings(
        max_examples=20, stateful_step_count=30, deadline=None, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck)))
