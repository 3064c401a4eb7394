"""Groups, outages, checks and decisions in any order: accounts and roles change only by a rule and an approval.
The app and the directory are in memory, behind their contracts; all of Rollcall is real."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import connectors
from sync import activity, vault
from sync.apps import apps
from sync.checks import checks
from sync.db import db, utcnow
from sync.directory import directories
from sync.groups import rules as group_rules
from sync.groups.rules import Draft
from sync.jobs import asking, queue, retries
from sync.models import App, Assignment, Change, Check, DirectoryGroup, GroupRule, LeftOut, Report, Task
from sync.people import people
from sync.rank import Asker
from sync.reports import reports
from sync.sign_in import sign_in
from sync.tasks import tasks
from sync.workspace import update_workspace
from tests import database
from tests.asking import MACHINE
from tests.faults.groups_space import PEOPLE, ROLES, InMemory, InMemoryDirectory, email, space

GUARD = 2
BY = Asker.command_line("Olga Brandt <olga@acme.example>")
RULES = {"Sales": "editor", "Ops": "viewer"}
numbers = st.sampled_from(range(PEOPLE))
movers = st.sampled_from(range(1, PEOPLE))
in_groups = st.sets(st.sampled_from(["Sales", "Ops"]))
actings = st.sampled_from(["well", "well", "well", "error", "lost answer", "cancel"])
between = st.sampled_from([
    "nothing", "nothing", "moves", "moves", "moves unread", "leaves", "viewer", "admin", "none", "check", "error",
    "empty",
])  # fmt: skip


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors, "app_connectors", lambda: {"in-memory": InMemory})
        patch.setattr(connectors, "directory_connectors", lambda: {"scripted": InMemoryDirectory})
        patch.setattr(retries, "WITHIN_CHECK", retries.seconds())
        patch.setattr(queue, "queue", None)
        home = Path(folder)
        space.begin()
        space.about_to = lambda *shown: None
        vault.open_vault(home / "secret.key")
        with database.first_of_many(home):
            olga = sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", "correct horse battery", MACHINE)
            update_workspace(BY, guard_accounts=GUARD)
            directories.connect("scripted", "LDAP", {}, BY)
            queue.drain(("reading",))
            app = apps.connect("in-memory", "The app", {}, [olga], BY)
            checks.run(asking.ask(app, BY).id)
            for name, role in RULES.items():
                group = DirectoryGroup.get(DirectoryGroup.name == name)
                group_rules.save(app, Draft(group=group, role=role), BY)
            Check.update(state="cancelled").where(Check.state == "queued").execute()
            checks.run(asking.ask(app, BY).id)
        yield home


class World(RuleBasedStateMachine):
    home: Path

    @initialize()
    def open(self) -> None:
        space.begin()
        space.about_to = self.may_happen
        database.open_copy(self.home)
        self.app = App.get()
        self.directory = directories.Directory.get()
        self.known = {number: set(groups) for number, groups in space.groups.items()}  # as it was read last
        self.left: set[int] = set()
        self.rests: set[str] = set()
        self.ever = {1, 2}  # people covered by a rule at a check
        self.rules = dict(RULES)
        self.confirmed: set[tuple[str, str, str]] = set()
        self.automatic = False

    def teardown(self) -> None:
        if not db.is_closed():
            assert activity.verify().ok
            db.close()

    # What must be true whenever the app is changed

    def may_happen(self, what: str, address: str, role: str) -> None:
        number = int(address[1 : address.index("@")])
        assert (what, address, role) in self.confirmed, f"{what} without a yes"
        if what == "remove":
            if number not in self.left:
                assert not self.covered(number), "somebody lost a seat that a rule gives"
                assert number in self.ever, "a seat that was given by hand was taken"
            return
        assert number not in self.left, f"{what} of somebody who has left"
        given = [self.rules[name] for name in self.giving(number)]
        assert given and role == min(given, key=ROLES.get), f"{what} to a role that no rule gives"

    def covered(self, number: int) -> set[str]:
        return self.known.get(number, set()) & self.rules.keys()

    def giving(self, number: int) -> set[str]:
        return set() if self.paused() else self.covered(number) - self.rests

    def paused(self) -> bool:
        return db.execute_sql("SELECT state FROM directory").fetchone()[0] != "active"

    # The directory

    @rule(number=numbers, groups=in_groups, comes_late=st.booleans())
    def somebody_moves(self, number: int, groups: set[str], comes_late: bool) -> None:
        space.groups[number] = frozenset(groups)
        if not comes_late:
            self.it_is_read("none")

    @rule(number=numbers.filter(lambda number: number > 1), gone=st.booleans())
    def somebody_leaves_or_comes_back(self, number: int, gone: bool) -> None:
        (space.left.add if gone else space.left.discard)(number)

    @rule(outage=st.sampled_from(["none", "none", "error", "cut", "empty"]))
    def it_is_read(self, outage: str) -> None:
        if self.paused():
            return
        space.outage = outage
        reading = directories.ask(self.directory, BY)
        directories.run(reading.id)
        space.outage = "none"
        if outage == "none":
            self.note_what_was_read()

    def note_what_was_read(self) -> None:
        """An empty group keeps its last members; people who are held back stay in their group."""
        held = {entry.external_id for entry in directories.held(self.directory)}
        here = {number for number in range(PEOPLE) if f"id{number}" not in held}
        was = {number: set(groups) for number, groups in self.known.items()}
        for name in RULES:
            body = {number for number, groups in space.groups.items() if name in groups}
            kept = {number for number in was if name in was[number] and number not in here}
            if not body and (not kept or any(name in was[number] for number in here & was.keys())):
                self.rests.add(name)
                continue
            self.rests.discard(name)
            for number in here:
                (self.known.setdefault(number, set()).add if number in body
                 else self.known.setdefault(number, set()).discard)(name)  # fmt: skip
            for number in body:
                self.known.setdefault(number, set()).add(name)
        self.left = {number for number in range(PEOPLE)
                     if people.find_by_email(email(number)).status == "deprovisioned"}  # fmt: skip

    @rule(paused=st.booleans())
    def it_is_paused(self, paused: bool) -> None:
        (directories.pause if paused else directories.resume)(self.directory, BY)
        if not paused:
            self.it_is_read("none")

    # Rules by hand

    @rule(name=st.sampled_from(list(RULES)), role=st.sampled_from([*ROLES, "none"]))
    def a_rule_is_changed(self, name: str, role: str) -> None:
        found = GroupRule.get_or_none(GroupRule.group_name.startswith(name))
        group = DirectoryGroup.get_or_none(DirectoryGroup.name == name)
        if role == "none" and found is not None:
            group_rules.remove(found, BY)
            del self.rules[name]
            assigned = {row.person.name for row in Assignment.select()}
            self.ever = {number for number in self.ever if f"Person {number}" in assigned}
        elif role != "none" and group is not None:
            group_rules.save(App.get(), Draft(group=group, role=role), BY, found)
            self.rules[name] = role

    # Checks and decisions

    @rule()
    def a_check_is_made_and_a_second_finds_nothing_new(self) -> None:
        self.check()
        queued, before = Task.select().count(), self.contents()
        self.check()
        assert self.contents() == before and Task.select().count() == queued

    def check(self) -> None:
        covered = {number for number in range(PEOPLE) if self.giving(number) and number not in self.left}
        space.outage = "error"  # a check reads the directories itself, so it must keep what was read last
        known = {task.id for task in Task.select()}
        Check.update(state="cancelled").where(Check.state == "queued").execute()
        asked = asking.ask(self.app, BY)
        checks.run(asked.id)
        space.outage = "none"
        assert Check.get_by_id(asked.id).state == "succeeded", Check.get_by_id(asked.id).error
        self.ever |= covered
        made = list(Task.select().where(Task.id.not_in(known)))
        assert self.automatic or not made, "a check acted automatically"
        self.note_confirmed(made)

    def note_confirmed(self, made: list[Task]) -> None:
        words = {"remove": "remove", "change role": "role", "invite": "invite"}
        for task in made:
            address = task.account.email if task.account_id else task.detail["email"]
            self.confirmed.add((words[task.kind], address, task.detail.get("role") or ""))

    @staticmethod
    def contents() -> tuple:
        return (
            list(Change.select(Change.id, Change.decision, Change.report, Change.reason,
                               Change.protection_reason).tuples()),
            list(Report.select(Report.id, Report.state, Report.waiting, Report.held).where(
                Report.counts != {}).tuples()),
            list(Assignment.select(Assignment.person, Assignment.role, Assignment.ended_at).tuples()),
        )  # fmt: skip

    @rule(automatic=st.booleans())
    def the_policy_is_set(self, automatic: bool) -> None:
        word = "automatic" if automatic else None
        group_rules.set_policy(App.get(), word, word, BY)
        self.automatic = automatic

    @rule(what=st.sampled_from(["finish", "finish", "finish", "leave out", "take back", "release", "dismiss"]),
          data=st.data())  # fmt: skip
    def somebody_decides(self, what: str, data: st.DataObject) -> None:
        report = reports.open_report(self.app)
        if report is None:
            return
        if what == "finish":
            waiting = [change.id for change in report.changes if change.decision == "needs confirmation"]
            some = data.draw(st.sampled_from(["none", "none", "none", "some"])) == "some"
            ticks = data.draw(st.sets(st.sampled_from(waiting))) if waiting and some else set()
            try:
                done = reports.finish(report, BY, version=report.version, left_out={id: "not yet" for id in ticks})
            except reports.ReportHeld:
                return
            self.note_confirmed(done.tasks)
            assert not {task.change_id for task in done.tasks} & ticks
        elif what == "release" and report.held:
            reports.release(report, BY)
        elif what == "dismiss":
            reports.dismiss(report, BY, "Not now")
        for change in list(report.changes.where(Change.decision.in_(("needs confirmation", "held", "left out")))):
            if what == "leave out":
                reports.leave_out(change, "not yet", BY)
            elif what == "take back" and change.decision == "left out":
                reports.take_back(change, BY)

    @rule(acting=actings)
    def the_worker_works(self, acting: str) -> None:
        if acting == "cancel":
            for task in list(Task.select().where(Task.state.in_(("queued", "needs attention")))):
                tasks.cancel(task, BY)
            return
        space.acting = acting
        Task.update(next_at=utcnow()).where(Task.state == "queued").execute()
        queue.drain(("task",))
        space.acting = "well"

    @rule(number=movers, groups=in_groups, before=between, after=between, acting=actings, data=st.data())
    def the_main_job(
        self, number: int, groups: set[str], before: str, after: str, acting: str, data: st.DataObject
    ) -> None:
        self.somebody_moves(number, groups, False)
        self.check()
        self.it_happens(before, number, groups)
        self.somebody_decides("release", data)
        self.somebody_decides("finish", data)
        self.it_happens(after, number, groups)
        self.the_worker_works(acting)

    @rule(number=movers, after=between, acting=actings, data=st.data())
    def somebody_comes_into_a_group_and_goes(self, number: int, after: str, acting: str, data: st.DataObject) -> None:
        self.the_main_job(number, {"Sales"}, "nothing", "nothing", "well", data)
        self.the_main_job(number, set(), "nothing", after, acting, data)

    def it_happens(self, what: str, number: int, groups: set[str]) -> None:
        if what == "moves":
            self.somebody_moves(number, {"Sales", "Ops"} - groups, False)
        elif what == "moves unread":
            self.somebody_moves(number, {"Sales", "Ops"} - groups, True)
        elif what == "leaves":
            self.somebody_leaves_or_comes_back(max(number, 2), True)
            self.it_is_read("none")
        elif what in ("viewer", "admin", "none"):
            self.a_rule_is_changed("Sales", what)
        elif what == "check":
            self.check()
        elif what != "nothing":
            self.it_is_read(what)

    # Always

    @invariant()
    def changes_left_out_are_not_made(self) -> None:
        if db.is_closed():
            return
        for row in LeftOut.select():
            mine = (Change.person == row.person_id) if row.person_id else (Change.account == row.account_id)
            live = Task.select().join(Change).where(
                Change.kind == row.kind, mine, Task.state.in_(("queued", "running")), Task.created_at > row.made_at
            )  # fmt: skip
            assert not [task for task in live if task.detail.get("role") == row.role]

    @invariant()
    def somebody_administers_the_app(self) -> None:
        assert any(seat.role == "admin" for seat in space.seats.values())


def test_the_rules_of_groups_hold_whatever_happens(template):
    World.home = template
    run_state_machine_as_test(World, settings=settings(
        max_examples=80, stateful_step_count=7, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate]))  # fmt: skip
