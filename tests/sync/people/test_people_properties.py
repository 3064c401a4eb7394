"""Whatever happens in whatever order: nobody active in a healthy directory is deprovisioned, unless by hand;
and everyone missing from a whole reading that isn't held is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from connectors.base import DirectoryPerson, TemporarilyUnavailable
from sync.db import db
from sync.directory import directories
from sync.models import DirectoryEntry, Person, PersonEmail
from sync.people import people
from sync.people.people import PeopleProblem
from tests.asking import MACHINE
from tests.blank import config_of, open_blank
from tests.sync.scripted import Scripted

COUNT = 9
PLACES = {"A": range(0, 7), "B": range(4, COUNT)}  # who is in which directory: some are in both
EXAMPLES = settings(
    max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate),  # shrinking takes minutes: a file each
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip

somebody = st.integers(0, COUNT - 1)
somewhere = st.sampled_from(sorted(PLACES))
steps = st.one_of(
    st.tuples(st.just("say"), somewhere, somebody, st.sampled_from([*people.STATUSES, "missing"])),
    st.tuples(st.just("read"), somewhere),
    st.tuples(st.just("read"), somewhere),
    st.tuples(st.just("fail"), somewhere, somebody),
    st.tuples(st.just("empty"), somewhere),
    st.tuples(st.just("release"), somewhere),
    st.tuples(st.just("left"), somebody),
    st.tuples(st.just("returned"), somebody),
)


@pytest.fixture
def afresh(tmp_path: Path, scripted) -> Iterator[Callable[[], None]]:
    """Opens another, empty installation: one for each example."""
    numbers = count()

    def open_another() -> None:
        if not db.is_closed():
            db.close()
        open_blank(config_of(tmp_path / str(next(numbers))))

    yield open_another
    db.close()


def present(statuses: dict[int, str]) -> set[int]:
    return {number for number, status in statuses.items() if status != "deprovisioned"}


def is_many(some: set[int], of: set[int]) -> bool:
    return len(some) > 5 and len(some) * 100 > len(of) * 20


class ModelGuard:
    """Of one directory, on its first day: who left and who is back since someone released them."""

    def __init__(self):
        self.left: set[int] = set()
        self.back: set[int] = set()
        self.many_are_back = False

    def held(self, taken: dict[int, str], reported: dict[int, str], shown: dict[int, str],
             decided: set[int]) -> tuple[set[int], set[int], set[int]]:  # fmt: skip
        """Who leaves and who is back by `shown`, as far as they are held, and who came back before that was noticed.
        `decided`: by hand."""
        here, now = present(taken), present(shown)
        all_leaving, back = here - now, now & set(taken) - here - decided
        gone, before = all_leaving | self.left - now - present(reported), here | self.left
        is_held = is_many(gone, of=before) or gone == before or "active" not in shown.values()
        leaving = all_leaving if is_held else set()
        came, again = self.back & here, set()
        if back and not self.many_are_back and is_many(back | came - leaving, of=here - self.back):
            self.many_are_back, again = True, came - all_leaving - decided
        self.many_are_back &= bool(back)
        return leaving, back if self.many_are_back else set(), again

    def note(self, taken: dict[int, str], reported: dict[int, str], shown: dict[int, str], decided: set[int]) -> None:
        """Before `taken` is brought in line. `decided`: by hand, and not held."""
        for number in shown:
            if shown[number] == "deprovisioned":
                self.back.discard(number)
                if shown[number] != reported.get(number) and taken.get(number) != "deprovisioned":
                    self.left.add(number)
            elif shown[number] != reported.get(number) and taken.get(number) == "deprovisioned":
                self.back.add(number)
            if number in decided and taken.get(number) != shown[number]:
                self.back.discard(number)

    def release(self, taken: dict[int, str], reported: dict[int, str]) -> None:
        if present(reported) - present(taken):
            self.left -= present(reported)
            self.back.clear()
            self.many_are_back = False
        if present(taken) - present(reported):
            self.left.clear()


class Model:
    """The expected state next to the real one: each directory's status as applied, and each decision by hand."""

    def __init__(self):
        self.directories = {name: Scripted(name) for name in PLACES}
        self.hand: dict[int, str] = {}
        self.taken: dict[str, dict[int, str]] = {name: {} for name in PLACES}
        self.reported: dict[str, dict[int, str]] = {name: {} for name in PLACES}
        self.guards = {name: ModelGuard() for name in PLACES}
        for name, numbers in PLACES.items():
            for number in numbers:
                self.say(name, number, "active")
            self.read(name)

    def say(self, name: str, number: int, status: str) -> None:
        entries = self.directories[name].entries
        if number not in PLACES[name]:
            return
        if status == "missing":
            entries.pop(f"id{number}", None)
        else:
            entries[f"id{number}"] = DirectoryPerson(
                id=f"id{number}", email=f"p{number}@acme.example", name=f"Person {number}", status=status)

    def read(self, name: str) -> None:
        script, guard = self.directories[name], self.guards[name]
        reading = script.read()
        taken, shown = self.taken[name], {
            number: entry.status if (entry := script.entries.get(f"id{number}")) else "deprovisioned"
            for number in PLACES[name]
            if number in self.taken[name] or f"id{number}" in script.entries
        }
        if not script.entries and not present(taken):
            assert reading.state == "failed"
            return
        assert reading.state == "succeeded"
        leaving, back, again = guard.held(taken, self.reported[name], shown, decided=set(self.hand))
        assert reading.counts["held"] == len(leaving | back | again)
        guard.note(taken, self.reported[name], shown, decided=set(self.hand) - leaving)
        self.reported[name] = shown
        taken |= {number: status for number, status in shown.items() if number not in leaving | back | again}
        taken |= dict.fromkeys(again, "deprovisioned")
        self.agree()
        if not leaving:
            for number in PLACES[name]:
                alone = all(self.taken[other].get(number, "deprovisioned") == "deprovisioned" for other in PLACES)
                if f"id{number}" not in script.entries and alone and self.hand.get(number) != "active":
                    assert self.status(number) == "deprovisioned"

    def fail(self, name: str, after: int) -> None:
        def interrupt(given: int) -> None:
            if given == min(after, len(script.entries) - 1):
                raise TemporarilyUnavailable("cut off")

        script = self.directories[name]
        before = self.everything()
        script.interrupt = interrupt
        state = script.read().state
        script.interrupt = lambda given: None
        if script.entries:
            assert state == "failed"
            assert self.everything() == before
        else:
            self.read(name)

    def empty(self, name: str) -> None:
        script = self.directories[name]
        kept, script.entries = script.entries, {}
        before = self.everything()
        self.read(name)
        assert self.everything() == before
        script.entries = kept

    def release(self, name: str) -> None:
        directories.release(self.directories[name].directory, MACHINE)
        self.guards[name].release(self.taken[name], self.reported[name])
        self.taken[name] = dict(self.reported[name])
        self.agree()

    def left(self, number: int) -> None:
        self.decide(number, "deprovisioned", people.mark_left)

    def returned(self, number: int) -> None:
        self.decide(number, "active", people.mark_returned)

    def decide(self, number: int, status: str, step) -> None:
        step(self.person(number), MACHINE)
        self.hand[number] = status
        self.agree()

    def agree(self) -> None:
        """A decision by hand that the directories agree with is cleared."""
        for number in [number for number, status in self.hand.items() if status == self.shown(number)]:
            del self.hand[number]

    def shown(self, number: int) -> str:
        words = {taken[number] for taken in self.taken.values() if number in taken}
        return next(status for status in people.STATUSES if status in words)

    def check(self) -> None:
        for number in range(COUNT):
            expected = self.hand.get(number) or self.shown(number)
            assert self.status(number) == expected, f"person {number}"
            called_active = any(
                self.reported[name].get(number) == "active" and self.directories[name].row().failures == 0
                for name, taken in self.taken.items()
                if number in present(taken) or not self.guards[name].many_are_back
            )
            if called_active and self.hand.get(number) != "deprovisioned":
                assert self.status(number) == "active"

    def person(self, number: int) -> Person:
        return people.find_by_email(f"p{number}@acme.example")

    def status(self, number: int) -> str:
        return self.person(number).status

    @staticmethod
    def everything() -> list[tuple]:
        return [
            *Person.select(Person.id, Person.status, Person.status_by_hand).order_by(Person.id).tuples(),
            *DirectoryEntry.select(DirectoryEntry.id, DirectoryEntry.status).order_by(DirectoryEntry.id).tuples(),
        ]


@EXAMPLES
@given(st.lists(steps, max_size=25))
@example([("empty", "A"), ("say", "B", 3, "active"), ("fail", "A", 7), ("release", "A"), ("read", "A"),
          ("say", "A", 6, "active"), ("release", "B")])
def test_any_order_of_readings_decisions_and_failures(afresh, sequence):
    afresh()
    model = Model()
    for step, *arguments in sequence:
        getattr(model, step)(*arguments)
        model.check()


addresses = st.sampled_from(["a@x.example", "A@x.example", "b@x.example", "c@x.example", "d@x.example", ""])
entries = st.builds(
    DirectoryPerson,
    id=st.sampled_from(["1", "2", "3", "4"]),
    email=addresses,
    name=st.sampled_from(["Ana", "Bo", ""]),
    status=st.sampled_from(["active", "active", "suspended", "deprovisioned"]),
    further_emails=st.lists(addresses, max_size=2).map(tuple),
    employee_number=st.sampled_from(["", "1", "2"]),
)
readings = st.lists(
    st.tuples(somewhere, st.lists(entries, min_size=1, max_size=4, unique_by=lambda entry: entry.id)), max_size=6
)


@EXAMPLES
@given(by_hand=st.lists(st.sampled_from(["a@x.example", "b@x.example"]), unique=True), sequence=readings)
def test_directories_may_mix_up_any_addresses_and_ids(afresh, by_hand, sequence):
    """No reading breaks, no address is lost or moves that another entry doesn't have while nobody says it is its
    holder's, no leaver keeps one that another has, and nobody leaves whose address someone active has. No entry makes
    its person someone with another name and another number."""
    afresh()
    company = {name: Scripted(name) for name in PLACES}
    for email in by_hand:
        people.add("By hand", email, MACHINE)
    for name, shown in sequence:
        holders = {email.email_key: email.person_id for email in PersonEmail.select()}
        were = {person.id: person.status for person in Person.select()}
        known_as, made_before = called(), entries_of_directory(company[name])
        company[name].entries = {entry.id: entry for entry in shown}
        reading = company[name].read()
        assert reading.state == "succeeded", reading.error
        made = entries_of_directory(company[name])
        for entry in shown:
            stays = made.get(entry.id) == made_before.get(entry.id)
            names, numbers = known_as[made.get(entry.id)] if stays else ((), ())
            is_other = entry.name and names and entry.name not in names
            is_other = is_other and entry.employee_number and numbers and entry.employee_number not in numbers
            assert not is_other or entry.status == "deprovisioned", f"{entry} is made someone else"
        now = {email.email_key: email.person_id for email in PersonEmail.select()}
        in_use = said_by(company)
        for normal, holder in holders.items():
            if now.get(normal) != holder:
                assert holder not in in_use[normal] and in_use[normal], "taken from somebody whose it is"
                assert now.get(normal) in in_use[normal] | {None}, "given to somebody whose it isn't"
        for normal, holder in now.items():
            if Person.get_by_id(holder).status == "deprovisioned":
                assert in_use[normal] <= {holder}, "a leaver keeps what is another's"
        for entry in shown:
            holder = people.find_by_email(entry.email)
            if holder and entry.status == "active" and were.get(holder.id) == "active":
                assert holder.status != "deprovisioned"
        mains = PersonEmail.select(PersonEmail.person).where(PersonEmail.main)
        assert len({row.person_id for row in mains}) == mains.count()
        known = {entry.external_id for entry in DirectoryEntry.select().where(
            DirectoryEntry.directory == company[name].directory)}
        for entry in shown:
            clear = [other for other in shown if entry.email and other.email.lower() == entry.email.lower()] == [entry]
            if clear and entry.status != "deprovisioned" and entry.id not in known:
                assert reading.counts["warnings"], entry


def entries_of_directory(script: Scripted) -> dict[str, int]:
    """The person of each entry, by its id in the directory."""
    return {entry.external_id: entry.person_id for entry in DirectoryEntry.select().where(
        DirectoryEntry.directory == script.directory)}  # fmt: skip


def called() -> dict[int, tuple[set[str], set[str]]]:
    """By person, their names and their employee numbers, here and in each directory."""
    found: dict[int | None, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for row in (*Person.select(), *DirectoryEntry.select()):
        names, numbers = found[row.id if isinstance(row, Person) else row.person_id]
        names |= {row.name} - {""}
        numbers |= {row.employee_number} - {"", None}
    return found


def said_by(company: dict[str, Scripted]) -> dict[str, set[int | None]]:
    """By address, whose it is by the entries in use; None stands for those that became nobody."""
    found: dict[str, set[int | None]] = defaultdict(set)
    for script in company.values():
        made = entries_of_directory(script)
        for entry in script.entries.values():
            for email in (entry.email, *entry.further_emails):
                if email and entry.status != "deprovisioned":
                    found[email.lower()].add(made.get(entry.id))
    return found


def test_the_last_owner_leaves_neither_by_hand_nor_by_a_directory_until_there_is_another(scripted, olga):
    company = Scripted()
    company.add("1", "olga@acme.example")
    company.add("2", "bo@acme.example")
    company.read()
    with pytest.raises(PeopleProblem):
        people.mark_left(olga, MACHINE)
    company.delete("1")
    company.read()
    assert Person.get_by_id(olga.id).status == "active"
    people.set_workspace_role(people.find_by_email("bo@acme.example"), "owner", MACHINE)
    company.read()
    assert Person.get_by_id(olga.id).status == "deprovisioned"
