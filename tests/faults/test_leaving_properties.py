"""In whatever order someone leaves, returns, is held, gets a date, is offboarded: no account of someone active,
on hold or before the day is ever removed, nor one that was left out. Two apps in memory; all of Rollcall is real."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from peewee import ModelSelect

import connectors
from connectors.base import LOOK_UP, REMOVE, Connector, Identity, Role, TemporarilyUnavailable
from connectors.base import Account as Seat
from sync import activity, vault, workspace
from sync.apps import apps
from sync.checks import checks
from sync.db import db, utcnow
from sync.jobs import asking, queue, retries
from sync.models import Account, App, Change, Offboarding, Person, Report, Task
from sync.offboarding import offboarding
from sync.people import holds, people
from sync.prepared import prepared_plain
from sync.rank import Asker
from sync.reports import reports
from sync.sign_in import sign_in
from sync.tasks import tasks
from tests import database
from tests.asking import MACHINE

PEOPLE = 3
BY = Asker.command_line("Olga Brandt <olga@acme.example>")
NAMES = ("one", "two")
numbers = st.sampled_from(range(PEOPLE))
places = st.sampled_from(NAMES)
days = st.integers(1, 3)
between = st.sampled_from(["hold", "lift", "day", "back", "nothing"])


class World:
    """What is true in the apps, and the day that it is."""

    def __init__(self):
        self.seats: dict[str, set[str]] = {name: {email(number) for number in range(PEOPLE)} for name in NAMES}
        self.removed: list[tuple[str, str]] = []
        self.failing = False
        self.passed = 0  # days
        self.about_to_remove = None


world: World


def email(number: int) -> str:
    return f"p{number}@acme.example"


class InMemory(Connector):
    capabilities = frozenset((LOOK_UP, REMOVE))
    name = ""

    def test(self) -> Identity:
        return Identity("the bot", "bot")

    def roles(self) -> list[Role]:
        return [Role("admin", "Admin", privileged=True), Role("member", "Member", default=True)]

    def accounts(self) -> Iterator[Seat]:
        yield Seat("boss", "boss@acme.example", "The boss", role="admin")
        for address in sorted(world.seats[self.name]):
            yield self.account(address)

    def account(self, id: str) -> Seat | None:
        if id == "boss":
            return Seat("boss", "boss@acme.example", "The boss", role="admin")
        return Seat(id, id, id, role="member") if id in world.seats[self.name] else None

    def remove(self, account: Seat) -> None:
        if world.failing:
            raise TemporarilyUnavailable("500")
        if account.id in world.seats[self.name]:
            world.about_to_remove(self.name, int(account.id[1 : account.id.index("@")]))
            world.seats[self.name].discard(account.id)
            world.removed.append((self.name, account.id))


KINDS = {name: type(name, (InMemory,), {"slug": name, "label": name, "name": name}) for name in NAMES}


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Olga, three people and both apps, read once: each run begins with a copy of it."""
    global world
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors, "app_connectors", lambda: KINDS)
        patch.setattr(retries, "WITHIN_CHECK", retries.seconds())
        patch.setattr(queue, "queue", None)
        patch.setattr(workspace, "utcnow", lambda: utcnow() + timedelta(days=world.passed))
        home, world = Path(folder), World()
        vault.open_vault(home / "secret.key")
        with database.first_of_many(home):
            olga = sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", "correct horse battery", MACHINE)
            workspace.update_workspace(BY, guard_accounts=100)
            for number in range(PEOPLE):
                people.add(f"Person {number}", email(number), BY)
            for name in NAMES:
                checks.run(asking.ask(apps.connect(name, name, {}, [olga], BY), BY).id)
        yield home


class Leaving(RuleBasedStateMachine):
    home: Path

    def __init__(self):
        super().__init__()
        global world
        world = World()
        world.about_to_remove = self.may_be_removed
        self.here = [True] * PEOPLE
        self.hold = [False] * PEOPLE
        self.day: list[date | None] = [None] * PEOPLE
        self.plan: dict[int, set[str]] = {}  # whose offboarding is planned, and the apps left out of it
        self.covered: dict[int, set[str]] = {}  # the apps that the planned one's approval covers
        self.left_out: set[tuple[str, int]] = set()
        self.yes: set[tuple[str, int]] = set()

    @initialize()
    def open(self) -> None:
        database.open_copy(self.home)
        self.olga = Person.get(Person.name == "Olga Brandt")
        self.people = [Person.get(Person.name == f"Person {number}") for number in range(PEOPLE)]

    def teardown(self) -> None:
        if not db.is_closed():
            assert activity.verify().ok
            db.close()

    # What must be true whenever an account is removed

    def may_be_removed(self, name: str, number: int) -> None:
        assert not self.here[number], "somebody active lost a seat"
        assert not self.hold[number], "somebody on legal hold lost a seat"
        assert self.day[number] is None or self.day[number] <= workspace.today(), "a seat went before the day"
        assert (name, number) not in self.left_out, "a seat that was left out went"
        assert (name, number) in self.yes, "a seat went without a yes"

    # What happens to people

    @rule(number=numbers)
    def leaves(self, number: int) -> None:
        people.mark_left(self.people[number], BY)
        self.here[number] = False

    @rule(number=numbers)
    def returns(self, number: int) -> None:
        people.mark_returned(self.people[number], BY)
        if not self.here[number]:
            self.here[number], self.day[number] = True, None
            self.plan.pop(number, None)
            self.left_out -= {(name, number) for name in NAMES}
            self.yes -= {(name, number) for name in NAMES}

    @rule(number=numbers, lifted=st.booleans())
    def is_put_on_hold_or_off(self, number: int, lifted: bool) -> None:
        if lifted:
            holds.lift(self.people[number], BY)
        else:
            holds.hold(self.people[number], "Lawsuit", BY)
        self.hold[number] = not lifted

    @rule(number=numbers, far=st.one_of(st.none(), days))
    def is_given_a_day(self, number: int, far: int | None) -> None:
        day = workspace.today() + timedelta(days=far) if far else None
        try:
            holds.keep_until(self.people[number], day, BY)
        except holds.KeepingProblem:
            assert day is None and number in self.plan
            return
        self.day[number] = day

    @rule(number=numbers, far=st.one_of(st.none(), days), out=st.sets(places, max_size=1))
    def is_offboarded(self, number: int, far: int | None, out: set[str]) -> None:
        person = self.people[number]
        seats = people.accounts_of(person)
        day = workspace.today() + timedelta(days=far) if far else None
        left_out = {seat.id: "hand-over" for seat in seats if seat.app.name in out}
        try:
            offboarding.start(person, self.olga, {seat.id for seat in seats}, left_out, on=day)
        except offboarding.OffboardingProblem:
            assert self.hold[number]
            return
        assert not self.hold[number]
        self.day[number] = day
        self.plan.pop(number, None)
        if day:
            self.plan[number] = {seat.app.name for seat in seats if seat.id in left_out and seat.state == "present"}
            self.covered[number] = {seat.app.name for seat in seats if seat.state == "present"}
        else:
            self.approves(number, {seat.app.name for seat in seats if seat.state == "present"}, out)

    def approves(self, number: int, covered: set[str], out: set[str]) -> None:
        self.here[number] = False
        for name in covered:
            (self.left_out.add if name in out else self.left_out.discard)((name, number))
            (self.yes.discard if name in out else self.yes.add)((name, number))

    @rule(number=numbers)
    def the_planned_one_is_cancelled(self, number: int) -> None:
        planned = holds.scheduled(self.people[number])
        assert (planned is not None) == (number in self.plan)
        if planned:
            holds.cancel(planned, BY)
            self.plan.pop(number)
            self.day[number] = None

    # Time, checks, reports, tasks

    @rule(passes=st.booleans())
    def the_minute_comes(self, passes: bool) -> None:
        world.passed += passes
        for number, out in list(self.plan.items()):
            if self.day[number] <= workspace.today() and not self.hold[number]:
                self.approves(number, self.covered[number], out)
                self.plan.pop(number)
        offboarding.end_keep_until_dates(utcnow())
        offboarding.carry_out_due(utcnow())
        tasks.look_again_at_returned(utcnow())

    @rule(name=places, number=numbers, added=st.booleans(), finish=st.booleans())
    def an_app_is_checked(self, name: str, number: int, added: bool, finish: bool) -> None:
        if added and email(number) not in world.seats[name]:
            world.seats[name].add(email(number))
            world.removed = [row for row in world.removed if row != (name, email(number))]
        app = App.get(App.name == name)
        checks.run(asking.ask(app, BY).id)
        report = reports.open_report(app)
        if finish and report:
            self.finish(report, name)

    def finish(self, report: Report, name: str) -> None:
        waits = Change.select(Change, Account).join(Account).where(
            Change.report == report, Change.decision == "needs confirmation")
        self.yes |= {(name, int(change.account.email[1])) for change in waits}
        reports.finish(report, BY)

    @rule(failing=st.booleans())
    def the_worker_works(self, failing: bool) -> None:
        world.failing = failing
        Task.update(next_at=utcnow()).where(Task.state == "queued").execute()
        queue.drain(("task",))

    @rule(number=numbers, everywhere=st.booleans(), before=st.booleans(), happens=between, minute=st.booleans())
    def the_main_job_with_something_in_between(
        self, number: int, everywhere: bool, before: bool, happens: str, minute: bool
    ) -> None:
        """Between the report and its approval, or between the approval and the task."""
        self.leaves(number)
        self.an_app_is_checked("one", number, True, False)
        if before:
            self.it_happens(happens, number)
        if everywhere:
            self.is_offboarded(number, None, set())
        elif report := reports.open_report(App.get(App.name == "one")):
            self.finish(report, "one")
        if not before:
            self.it_happens(happens, number)
        if minute:
            self.the_minute_comes(False)
        self.the_worker_works(False)

    def it_happens(self, what: str, number: int) -> None:
        if what in ("hold", "lift"):
            self.is_put_on_hold_or_off(number, what == "lift")
        elif what == "day":
            self.is_given_a_day(number, 2)
        elif what == "back":
            self.returns(number)

    # Always

    @invariant()
    def the_rows_agree(self) -> None:
        if db.is_closed():
            return
        rows = [Person.get_by_id(person.id) for person in self.people]
        assert [row.status == "active" for row in rows] == self.here
        assert [row.legal_hold_reason is not None for row in rows] == self.hold
        assert len(world.removed) == len(set(world.removed)), "a seat was removed twice"
        assert len(_scheduled()) == len(self.plan)


@prepared_plain
def _scheduled() -> ModelSelect:
    return Offboarding.select(Offboarding.id).where(Offboarding.state == "scheduled")


def test_no_account_that_must_stay_is_removed(template):
    Leaving.home = template
    run_state_machine_as_test(Leaving, settings=settings(
        max_examples=80, stateful_step_count=14, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate]))  # fmt: skip
