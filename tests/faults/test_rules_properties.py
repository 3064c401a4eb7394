"""Whatever happens in whatever order, the rules hold: hypothesis plays people, app, Owner and luck against the core.
The app is in memory, behind the connector's contract; all of Rollcall is real. `Space` is what is true in the app."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import connectors
from connectors.base import LOOK_UP, REMOVE, Connector, Identity, Refused, Role, TemporarilyUnavailable
from connectors.base import Account as Seat
from sync import activity, vault
from sync.apps import apps
from sync.checks import checks
from sync.db import db, utcnow
from sync.jobs import asking, queue, retries
from sync.matching import decisions as match_decisions
from sync.matching import members
from sync.models import Account, App, Change, Check, Person, Report, Task
from sync.people import people
from sync.rank import Asker
from sync.reports import reports
from sync.sign_in import sign_in
from sync.states import LIVE_TASKS
from sync.tasks import tasks
from sync.workspace import update_workspace
from tests import database
from tests.asking import MACHINE

PEOPLE = 7
GUARD = 2  # accounts that may leave within a day without a release: more of these few are always over 20 %
BY = Asker.command_line("Olga Brandt <olga@acme.example>")
numbers = st.sampled_from(range(PEOPLE))
READINGS = ("whole", "error", "cut", "empty", "half", "one missing", "lost role", "lost e-mail", "lost both")
LOST = {"lost role": {"role"}, "lost e-mail": {"email"}, "lost both": {"role", "email"}}  # what the app no longer says
IN_APP = ("added", "removed", "admin", "member", "e-mail")
BY_HAND = ("protect", "unprotect", "unmatch", "match")
IN_REPORT = ("leave out", "take back", "release", "dismiss")
actings = st.sampled_from(["well"] * 6 + ["error", "lost answer", "refuses", "ignores", "retry", "cancel"])
before_the_yes = st.sampled_from(["nothing", "nothing", "another takes the place", "whole", "half", *IN_REPORT])
after_the_yes = st.sampled_from([
    "nothing", "the last admin", "the last admin, no role", "back", "the last admin, no role", "protect", "unmatch",
    "e-mail", "dismiss", "lost both",
])  # fmt: skip


@dataclass
class Space:
    """The app: its accounts, how it misbehaves next, and which accounts were removed through its API."""

    seats: dict[str, Seat] = field(default_factory=dict)
    reading: str = "whole"  # one of READINGS
    acting: str = "well"  # well, error, lost answer, refuses, ignores
    removed: list[str] = field(default_factory=list)
    made: int = 0
    about_to_remove: object = None  # called right before an account is removed

    def add(self, email: str, role: str) -> str:
        self.made += 1
        id = f"U{self.made}"
        self.seats[id] = Seat(id, email, email.partition("@")[0], role=role)
        return id

    def admins(self) -> set[str]:
        return {seat.id for seat in self.seats.values() if seat.role == "admin" and seat.kind == "user"}


space = Space()


class InMemory(Connector):
    label = "In memory"
    capabilities = frozenset((LOOK_UP, REMOVE))

    def test(self) -> Identity:
        return Identity("the bot", "U0")

    def roles(self) -> list[Role]:
        return [Role("admin", "Admin", privileged=True), Role("member", "Member", default=True)]

    def accounts(self) -> Iterator[Seat]:
        if space.reading == "error":
            raise TemporarilyUnavailable("500")
        seats = [] if space.reading == "empty" else list(space.seats.values())
        if space.reading in ("half", "one missing"):
            seats = seats[::2] if space.reading == "half" else seats[:-1]
        for number, seat in enumerate(seats):
            if space.reading == "cut" and number == len(seats) - 1:
                raise TemporarilyUnavailable("cut off")
            yield as_told(seat)

    def account(self, id: str) -> Seat | None:
        return as_told(space.seats[id]) if id in space.seats else None

    def remove(self, account: Seat) -> None:
        if space.acting == "error":
            raise TemporarilyUnavailable("500")
        if space.acting == "refuses":
            raise Refused("Your plan does not allow this.")
        if space.acting == "ignores":
            return
        if account.id in space.seats:
            space.about_to_remove(account.id)
            del space.seats[account.id]
            space.removed.append(account.id)
        if space.acting == "lost answer":
            raise TemporarilyUnavailable("502")


def as_told(seat: Seat) -> Seat:
    lost = frozenset(LOST.get(space.reading, ()))
    return replace(seat, **dict.fromkeys(lost, ""), missing_fields=lost)


def email(number: int) -> str:
    return f"p{number}@acme.example"


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """An installation with Olga, seven people and the connected app, read once: each run begins with a copy of it."""
    global space
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors, "app_connectors", lambda: {"in-memory": InMemory})
        patch.setattr(retries, "WITHIN_CHECK", retries.seconds())
        patch.setattr(queue, "queue", None)
        home = Path(folder)
        space = fresh_space()
        vault.open_vault(home / "secret.key")
        with database.first_of_many(home):
            olga = sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", "correct horse battery", MACHINE)
            update_workspace(BY, guard_accounts=GUARD)
            for number in range(PEOPLE):
                people.add(f"Person {number}", email(number), BY)
            app = apps.connect("in-memory", "The app", {}, [olga], BY)
            checks.run(asking.ask(app, BY).id)
        yield home


def fresh_space() -> Space:
    fresh = Space()
    fresh.seats["U0"] = Seat("U0", "bot@acme.example", "the bot", role="admin", kind="system")
    for number in range(PEOPLE):
        fresh.add(email(number), "member" if number > 1 else "admin")
    return fresh


class World(RuleBasedStateMachine):
    home: Path

    def __init__(self):
        super().__init__()
        global space
        space = fresh_space()
        space.about_to_remove = self.may_be_removed
        self.here = [True] * PEOPLE
        self.protected: set[str] = set()
        self.left_out: set[str] = set()
        self.nobodys: set[str] = set()  # unmatched by hand
        self.confirmed: set[str] = set()
        self.seen: tuple[Report, set[str]] | None = None  # the page that someone has open, and the people on it
        self.automatic = False

    @initialize(left=st.sets(numbers, max_size=4), seen=st.booleans())
    def open(self, left: set[int], seen: bool) -> None:
        database.open_copy(self.home)
        self.app = App.get()
        self.people = [Person.get(Person.name == f"Person {number}") for number in range(PEOPLE)]
        for number in left:
            self.somebody_leaves_or_comes_back(number, False)
        if seen:
            self.a_check_is_made("whole", look=True)

    def teardown(self) -> None:
        if not db.is_closed():
            assert activity.verify().ok
            db.close()

    # What must be true whenever an account is removed

    def may_be_removed(self, id: str) -> None:
        seat = space.seats[id]
        assert seat.kind == "user", "what the app made for itself was removed"
        number = int(seat.email.partition("@")[0][1:])
        assert number < PEOPLE and not self.here[number], "somebody who is here was removed"
        assert id not in self.protected, "somebody protected was removed"
        assert id not in self.left_out, "somebody left out was removed"
        assert id not in self.nobodys, "a seat that is nobody's was removed"
        assert id in self.confirmed, "somebody was removed without a yes"
        assert space.admins() - {id}, "the last admin was removed"

    # People and the app

    @rule(number=numbers, comes=st.booleans())
    def somebody_leaves_or_comes_back(self, number: int, comes: bool) -> None:
        if comes == self.here[number]:
            return
        (people.mark_returned if comes else people.mark_left)(self.people[number], BY)
        self.here[number] = comes
        # Leaving out holds for one departure.
        self.left_out -= {account.external_id for account in self.people[number].accounts}

    @rule(number=numbers, other=numbers, what=st.sampled_from(IN_APP))
    def the_app_is_changed_in_the_app(self, number: int, other: int, what: str) -> None:
        by_email = {seat.email: seat for seat in space.seats.values()}
        seat = by_email.get(email(number))
        if seat is None:
            if what == "added":
                space.add(email(number), "member")
        elif what == "e-mail":
            free = email(other) not in by_email
            space.seats[seat.id] = replace(seat, email=email(other if free else PEOPLE + space.made))
        elif what == "admin" or what == "member" and space.admins() - {seat.id}:
            space.seats[seat.id] = replace(seat, role=what)
        elif what == "removed" and space.admins() - {seat.id}:
            del space.seats[seat.id]

    # Decisions by hand

    @rule(number=numbers, what=st.sampled_from(BY_HAND))
    def something_is_decided_by_hand(self, number: int, what: str) -> None:
        for account in list(Account.select().where(Account.email == email(number), Account.state != "gone")):
            id = account.external_id
            if what == "protect":
                members.protect(account, "legal hold", BY)
                self.protected.add(id)
            elif what == "unprotect":
                members.unprotect(account, BY)
                self.protected.discard(id)
            elif what == "unmatch":
                match_decisions.unmatch(account, BY)
                self.nobodys.add(id)
            else:
                match_decisions.leave_to_rules(account, BY)
                self.nobodys.discard(id)

    @rule(automatic=st.booleans())
    def the_policy_is_set(self, automatic: bool) -> None:
        apps.set_removal(App.get(), "automatic" if automatic else "ask", BY)
        self.automatic = automatic

    # Checks

    @rule(reading=st.sampled_from(["whole", *READINGS]), look=st.booleans())
    def a_check_is_made(self, reading: str, look: bool) -> None:
        space.reading = reading
        gone, before = self.gone(), self.contents()
        check = self.check()
        if reading in ("half", "one missing"):  # a second look finds the missing account, or the list is rejected
            assert not (self.gone() - gone) & space.seats.keys()
        elif reading in LOST:
            assert check.state == "succeeded" or self.contents() == before
            self.values_not_sent_are_unchanged(before, LOST[reading])
        elif reading == "whole":
            assert check.state == "succeeded", check.error
            self.rollcall_equals_the_app()
            if look:
                self.somebody_looks_at_the_report()
        else:
            assert check.state == "failed" and self.contents() == before

    def rollcall_equals_the_app(self) -> None:
        in_app = {seat.id: (seat.email, seat.role) for seat in space.seats.values()}
        known = {
            account.external_id: tuple(
                {"email": account.email, "role": account.role, **(account.held_values or {})}[key]
                                       for key in ("email", "role"))
            for account in Account.select().where(Account.state.in_(("present", "removing")))
        }
        waits_for_a_look = {
            change.account.external_id
            for change in Change.select().join(Report).where(Report.state == "open", ~Change.in_app)
        }
        under_way = {task.external_id for task in Task.select().where(Task.state.in_(LIVE_TASKS))}
        assert in_app.items() <= known.items()
        assert known.keys() - in_app.keys() <= waits_for_a_look | under_way

    def values_not_sent_are_unchanged(self, before: tuple, lost: set[str]) -> None:
        """Nobody's role or address changes by a reading that does not say it; nobody leaves Rollcall by it, either."""
        now = {row[0]: row for row in self.contents()[0]}
        for row in before[0]:
            same = {"email": now[row[0]][1] == row[1], "role": now[row[0]][2] == row[2]}
            assert all(same[field] for field in lost), f"{row[0]} has lost its {lost}"

    @staticmethod
    def gone() -> set[str]:
        return {account.external_id for account in Account.select().where(Account.state == "gone")}

    def check(self) -> Check:
        queued = {task.id for task in Task.select()}
        asked = asking.ask(self.app, BY)
        checks.run(asked.id)
        self.confirmed |= {task.external_id for task in Task.select() if task.id not in queued}
        assert self.automatic or {task.id for task in Task.select()} == queued, "a check removed someone automatically"
        return Check.get_by_id(asked.id)

    @staticmethod
    def contents() -> tuple:
        columns = (Account.external_id, Account.email, Account.role, Account.state, Account.person, Account.match_kind)
        return (
            list(Account.select(*columns).order_by(Account.id).tuples()),
            list(Change.select().order_by(Change.id).tuples()),
            list(Report.select().order_by(Report.id).tuples()),
        )

    # Reports

    def somebody_looks_at_the_report(self) -> None:
        report = reports.open_report(self.app)
        self.seen = report and (report, {change.account.external_id for change in self.waiting(report)})

    @staticmethod
    def waiting(report: Report, *decisions: str) -> list[Change]:
        decisions = decisions or ("needs confirmation", "held")
        return [change for change in Change.select().where(Change.report == report, Change.decision.in_(decisions))
                if change.in_app]  # fmt: skip

    @rule(look=st.booleans(), data=st.data())
    def somebody_finishes(self, look: bool, data: st.DataObject) -> None:
        if look or not self.seen:
            self.somebody_looks_at_the_report()
        if not self.seen:
            return
        report, seen = self.seen
        there = self.waiting(report)
        some = data.draw(st.sampled_from(["none", "none", "some"])) == "some"
        ticks = data.draw(st.sets(st.sampled_from([change.id for change in there]))) if there and some else set()
        left_out = {change.account.external_id for change in there if change.id in ticks}
        try:
            done = reports.finish(report, BY, version=report.version, left_out={id: "hand-over" for id in ticks})
        except reports.ReportProblem:
            return
        if done.already:
            return
        asked_of = {task.external_id for task in done.tasks}
        assert asked_of <= seen - left_out, "a yes covered somebody who was not on the page, or was left out"
        self.confirmed |= asked_of
        self.left_out |= left_out

    @rule(number=numbers, what=st.sampled_from(IN_REPORT))
    def something_is_decided_in_the_report(self, number: int, what: str) -> None:
        report = reports.open_report(self.app)
        if report is None:
            return
        if what == "release" and report.held:
            reports.release(report, BY)
        elif what == "dismiss":
            self.left_out |= {change.account.external_id for change in self.waiting(report)}
            reports.dismiss(report, BY, "Not now")
        for change in self.waiting(report, "needs confirmation", "held", "left out"):
            if change.account.email == email(number):
                if what == "take back" and change.decision == "left out":
                    reports.take_back(change, BY)
                    self.left_out.discard(change.account.external_id)
                elif what == "leave out":
                    reports.leave_out(change, "hand-over", BY)
                    self.left_out.add(change.account.external_id)

    # Tasks

    @rule(acting=actings)
    def the_worker_works(self, acting: str) -> None:
        if acting in ("retry", "cancel"):
            for task in list(Task.select().where(Task.state.in_(("needs attention", "queued")))):
                getattr(tasks, acting)(task, BY)
        else:
            space.acting = acting
            Task.update(next_at=utcnow()).where(Task.state == "queued").execute()
            queue.drain(("task",))
        self.confirmed &= {task.external_id for task in Task.select().where(Task.state.in_(LIVE_TASKS))}

    @rule(number=numbers, other=numbers, before=before_the_yes, left_out=st.data(), after=after_the_yes, acting=actings)
    def the_main_job_with_something_in_between(
        self, number: int, other: int, before: str, left_out: st.DataObject, after: str, acting: str
    ) -> None:
        self.somebody_leaves_or_comes_back(number, False)
        self.a_check_is_made("whole", look=True)
        self.it_happens(before, number, other)
        self.somebody_finishes(False, left_out)
        self.it_happens(after, number, other)
        self.the_worker_works(acting)

    def it_happens(self, what: str, number: int, other: int) -> None:
        if what == "back":
            self.somebody_leaves_or_comes_back(number, True)
        elif what == "another takes the place":
            self.somebody_leaves_or_comes_back(number, True)
            self.somebody_leaves_or_comes_back(other, False)
            self.a_check_is_made("whole", look=False)
        elif what in ("the last admin", "the last admin, no role"):
            self.the_app_is_changed_in_the_app(number, other, "admin")
            for someone in range(PEOPLE):
                if someone != number:
                    self.the_app_is_changed_in_the_app(someone, other, "member")
            space.reading = "lost role" if "no role" in what else space.reading
        elif what in BY_HAND:
            self.something_is_decided_by_hand(number, what)
        elif what in IN_APP:
            self.the_app_is_changed_in_the_app(number, other, what)
        elif what in IN_REPORT:
            self.something_is_decided_in_the_report(number, what)
        elif what in READINGS:
            self.a_check_is_made(what, look=False)

    # Always

    @invariant()
    def each_seat_is_removed_once_and_what_is_gone_is_gone(self) -> None:
        assert len(space.removed) == len(set(space.removed))
        done = {task.external_id for task in Task.select().where(Task.state == "done")}
        assert not done & space.seats.keys(), "a seat that is still there was reported as removed"

    @invariant()
    def no_mass_leaves_without_a_release(self) -> None:
        unreleased = [
            change for change in Change.select(Change, Report).join(Report)
            .where(Change.kind == "removed user", Change.in_app, Change.decision == "confirmed")
            if not (change.report.released_at and change.created_at <= change.report.released_at)
            and change.account.external_id in space.removed
        ]  # fmt: skip
        assert len(unreleased) <= GUARD


def test_the_rules_hold_whatever_happens(template):
    World.home = template
    run_state_machine_as_test(World, settings=settings(
        max_examples=130, stateful_step_count=8, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate]))  # fmt: skip
