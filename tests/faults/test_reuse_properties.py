"""Five humans, four addresses that go from one to another, three directories and an app: in whatever order they are
hired, renamed, leave and return, no account is removed or reported as a leaver's if someone else has its address
by a directory; none moves silently from one human to another, and no leaver without a successor is overlooked."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import connectors
from connectors.base import LOOK_UP, REMOVE, Connector, DirectoryPerson, Identity, Role
from connectors.base import Account as Seat
from sync import activity, vault
from sync.apps import apps
from sync.checks import checks
from sync.db import db, utcnow
from sync.directory import address_moves, directories, push, scim_people
from sync.jobs import asking, queue, retries
from sync.matching import decisions as match_decisions
from sync.models import Account, App, Directory, DirectoryEntry, Person, PersonEmail, ScimResource, Task
from sync.offboarding import offboarding
from sync.people import people
from sync.rank import Asker
from sync.reports import reports
from sync.sign_in import sign_in
from sync.tasks import by_hand, tasks
from tests import database
from tests.asking import MACHINE
from tests.faults import reuse_rows as rows
from tests.sync.scripted import Scripted, ScriptedDirectory

BY = Asker.command_line("Olga Brandt <olga@acme.example>")
HUMANS = range(5)
ADDRESSES = [f"{letter}@acme.example" for letter in "abcd"]
PULLED = ("Numbered", "Unnumbered")
humans, addresses, pulled = st.sampled_from(HUMANS), st.sampled_from(ADDRESSES), st.sampled_from(PULLED)
statuses = st.sampled_from(["active", "active", "suspended", "deprovisioned"])


class World:
    def __init__(self):
        self.seats: dict[str, str] = {f"s{number}": address for number, address in enumerate(ADDRESSES[:2])}
        self.about_to_remove = None


world: World


class InMemory(Connector):
    slug = label = "one"
    capabilities = frozenset((LOOK_UP, REMOVE))

    def test(self) -> Identity:
        return Identity("the bot", "bot")

    def roles(self) -> list[Role]:
        return [Role("admin", "Admin", privileged=True), Role("member", "Member", default=True)]

    def accounts(self) -> Iterator[Seat]:
        yield Seat("boss", "boss@elsewhere.example", "The boss", role="admin")
        for id in sorted(world.seats):
            yield self.account(id)

    def account(self, id: str) -> Seat | None:
        if id == "boss":
            return Seat("boss", "boss@elsewhere.example", "The boss", role="admin")
        return Seat(id, world.seats[id], "", role="member") if id in world.seats else None

    def remove(self, account: Seat) -> None:
        if account.id in world.seats:
            world.about_to_remove(account.id)
            del world.seats[account.id]


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Olga, three directories without anyone, and the app, read once: each run begins with a copy of it."""
    global world
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors, "app_connectors", lambda: {"one": InMemory})
        kinds = {**connectors.directory_connectors(), "scripted": ScriptedDirectory}
        patch.setattr(connectors, "directory_connectors", lambda: kinds)
        patch.setattr(retries, "WITHIN_CHECK", retries.seconds())
        patch.setattr(queue, "queue", None)
        home, world = Path(folder), World()
        vault.open_vault(home / "secret.key")
        with database.first_of_many(home):
            olga = sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", "correct horse battery", MACHINE)
            for name in PULLED:
                Scripted(name)
            push.connect("Pushed", BY)
            checks.run(asking.ask(apps.connect("one", "one", {}, [olga], BY), BY).id)
        yield home


class Reuse(RuleBasedStateMachine):
    """`heard` is what each directory reported of each entry last: (human, status, addresses).

    If two directories give one address to two active people, they mean one human as far as Rollcall can know: so it is
    Rollcall's people that must not be mixed up, and an account that must not go from one of them to another.
    """

    home: Path

    def __init__(self):
        super().__init__()
        global world
        world = World()
        world.about_to_remove = self.may_be_removed
        self.heard: dict[str, dict[str, tuple[int, str, tuple[str, ...]]]] = defaultdict(dict)
        self.ever: dict[str, set[int]] = defaultdict(set)
        self.holders: dict[str, set[int]] = defaultdict(set)  # Rollcall's people who had an address
        self.first: dict[tuple[str, str], int] = {}  # whose an account was by the rules at first, under an address

    @initialize()
    def open(self) -> None:
        database.open_copy(self.home)
        self.olga, self.app = Person.get(Person.name == "Olga Brandt"), App.get()
        self.scripts = {}
        for name in PULLED:
            self.scripts[name] = Scripted.__new__(Scripted)
            self.scripts[name].name, self.scripts[name].entries = name, {}
            self.scripts[name].interrupt = lambda given: None
            self.scripts[name].directory = Directory.get(Directory.name == name)
            self.scripts[name].add("root", f"root@{name.lower()}.example", f"Root of {name}")
            register(self.scripts[name])
        self.pushing = Directory.get(Directory.name == "Pushed")

    def teardown(self) -> None:
        if not db.is_closed():
            assert activity.verify().ok
            db.close()

    # What happens in the directories

    @rule(name=pulled, human=humans, address=addresses, further=st.sets(addresses, max_size=1), status=statuses,
          again=st.booleans())  # fmt: skip
    def says(self, name: str, human: int, address: str, further: set[str], status: str, again: bool) -> None:
        """Hired, renamed, disabled or back; `again`: entered again under another id."""
        number = str(human) if name == "Numbered" else ""
        entries = self.scripts[name].entries
        ids = [id for id in entries if id.startswith(f"{human}.")]
        id = ids[0] if ids else f"{human}.0"
        if again and ids:
            del entries[id]
            id = f"{human}.{int(id.partition('.')[2]) + 1}"
        entries[id] = DirectoryPerson(id=id, email=address, name=f"Human {human}", status=status,
                                      further_emails=tuple(further), employee_number=number)  # fmt: skip

    @rule(name=pulled, human=humans)
    def deletes(self, name: str, human: int) -> None:
        entries = self.scripts[name].entries
        for id in [id for id in entries if id.startswith(f"{human}.")]:
            del entries[id]

    @rule(name=pulled)
    def is_read(self, name: str) -> None:
        assert self.scripts[name].read().state == "succeeded"
        self.is_heard(name)

    def is_heard(self, name: str) -> None:
        script = self.scripts[name]
        gone = {id: (human, "deprovisioned", ()) for id, (human, *_) in self.heard[name].items()}
        self.heard[name] = gone | {
            id: (int(id.partition(".")[0]), entry.status, (entry.email, *entry.further_emails))
            for id, entry in script.entries.items() if id != "root"}  # fmt: skip
        self.note_ever(name)
        made = {entry.external_id for entry in DirectoryEntry.select().where(
            DirectoryEntry.directory == script.directory)}
        for id, (human, status, shown) in self.heard[name].items():
            address = shown[0] if shown else ""
            if id not in made and status != "deprovisioned" and self.humans_with(address) == {human}:
                holder = people.find_by_email(address)
                assert holder is not None and holder.status != "deprovisioned", f"{id} became nobody"

    @rule(human=humans, address=addresses, active=st.booleans(), freed=st.booleans(), deleted=st.booleans())
    def is_pushed(self, human: int, address: str, active: bool, freed: bool, deleted: bool) -> None:
        """`freed`: renamed when disabled, so that the address can be given again."""
        user, _ = ScimResource.get_or_create(
            scim_id=f"{human}.0", defaults={"directory": self.pushing, "kind": "User", "name_key": f"human{human}"})
        shown = f"deleted-{human}-{address}" if freed and not active else address
        user.document = {"userName": shown, "displayName": f"Human {human}", "active": active}
        user.deleted_at = utcnow() if deleted and not active else None
        if user.deleted_at:
            user.document = {}
        user.save()
        scim_people.apply_user(self.pushing, user)
        self.heard["Pushed"][user.scim_id] = (human, "active" if active else "deprovisioned",
                                              () if user.deleted_at else (shown,))  # fmt: skip
        self.note_ever("Pushed")

    def note_ever(self, name: str) -> None:
        for human, _, shown in self.heard[name].values():
            for address in shown:
                self.ever[address].add(human)

    @rule(name=st.sampled_from([*PULLED, "Pushed"]))
    def is_released(self, name: str) -> None:
        directories.release(Directory.get(Directory.name == name), BY)

    # What happens in the app

    @rule(address=addresses)
    def a_seat_is_made(self, address: str) -> None:
        if address not in world.seats.values():
            world.seats[f"s{len(world.seats)}-{Account.select().count()}"] = address

    @rule(place=st.integers(0, 3), address=addresses)
    def a_seat_gets_another_address(self, place: int, address: str) -> None:
        ids = sorted(world.seats)
        if place < len(ids) and address not in world.seats.values():
            world.seats[ids[place]] = address

    # What people do

    @rule(finish=st.booleans())
    def is_checked(self, finish: bool) -> None:
        checks.run(asking.ask(self.app, BY).id)
        for name in PULLED:  # a check reads them first
            self.is_heard(name)
        report = reports.open_report(self.app)
        if finish and report:
            with suppress(reports.ReportHeld):
                reports.finish(report, BY)

    @rule(standing=st.booleans())
    def has_a_standing_approval(self, standing: bool) -> None:
        apps.set_removal(App.get(), "automatic" if standing else "ask", BY)

    @rule(place=st.integers(0, 3), human=humans, who=st.sampled_from(["person", "rules"]))
    def is_matched_by_hand(self, place: int, human: int, who: str) -> None:
        accounts = list(Account.select().where(Account.state == "present", Account.external_id != "boss"))
        person = Person.get_or_none(Person.name == f"Human {human}")
        if place < len(accounts) and (person or who == "rules"):
            with suppress(match_decisions.DecisionProblem):
                match_decisions.decide(self.app, [accounts[place].id], match_decisions.Decision(
                    who, person if who == "person" else None), BY)  # fmt: skip

    @rule(human=humans, left=st.booleans())
    def is_said_by_hand(self, human: int, left: bool) -> None:
        if person := Person.get_or_none(Person.name == f"Human {human}"):
            (people.mark_left if left else people.mark_returned)(person, BY)

    @rule(place=st.integers(0, 3))
    def is_removed_by_hand(self, place: int) -> None:
        accounts = list(Account.select().where(Account.state == "present", Account.external_id != "boss"))
        if place < len(accounts):
            ids = [accounts[place].id]
            plan = by_hand.plan_removals(self.app, ids)
            with suppress(by_hand.OperationProblem):
                by_hand.carry_out(lambda: by_hand.plan_removals(self.app, ids), BY, plan.seen, reason="x",
                                      released=len(plan.ready))  # fmt: skip

    @rule(human=humans)
    def is_offboarded(self, human: int) -> None:
        if person := Person.get_or_none(Person.name == f"Human {human}"):
            seats = {seat.id for seat in people.accounts_of(person)}
            with suppress(offboarding.OffboardingProblem):
                offboarding.start(person, self.olga, seats, {})

    @rule()
    def a_minute_passes(self) -> None:
        scim_people.retry_unclear_users(utcnow())
        address_moves.follow_decisions_by_hand(utcnow())
        tasks.look_again_at_returned(utcnow())

    @rule()
    def the_worker_works(self) -> None:
        Task.update(next_at=utcnow()).where(Task.state == "queued").execute()
        queue.drain(("task",))

    @rule(address=addresses, leaver=humans, hire=humans, freed=st.booleans(), first=st.booleans(), then=st.booleans())
    def the_main_story(self, address: str, leaver: int, hire: int, freed: bool, first: bool, then: bool) -> None:
        """One leaves, is reported and approved, and another gets the address, before or after."""
        if leaver == hire:
            return
        self.is_pushed(leaver, address, True, False, False)
        self.a_seat_is_made(address)
        self.is_checked(False)
        if first:
            self.is_pushed(hire, address, True, False, False)
        self.is_pushed(leaver, address, False, freed, False)
        self.is_checked(then)
        self.is_pushed(hire, address, True, False, False)
        self.the_worker_works()

    # What must be true

    def claimants(self, address: str) -> set[int | None]:
        """Whose the address is by the entries in use that Rollcall has heard of; None: of one that became nobody."""
        found = set()
        for name, entries in self.heard.items():
            made = dict(rows.people_by_id(name))
            found |= {made.get(id) for id, (_, status, shown) in entries.items()
                      if status != "deprovisioned" and address in shown}
        return found

    def humans_with(self, address: str) -> set[int]:
        return {human for entries in self.heard.values() for human, status, shown in entries.values()
                if status != "deprovisioned" and address in shown}

    def may_be_removed(self, id: str) -> None:
        account = Account.get(Account.external_id == id)
        assert self.claimants(world.seats[id]) <= {account.person_id}, "somebody else has this address"

    @invariant()
    def no_report_asks_about_what_is_somebody_elses(self) -> None:
        if db.is_closed():
            return
        for address, person in rows.asked_about():
            assert self.claimants(address) <= {person}, address

    @invariant()
    def nothing_is_matched_by_an_address_that_another_has_or_has_got_since(self) -> None:
        if db.is_closed():
            return
        for account in rows.matched():
            names = {account.person.name, *(name for name, in rows.names_in_directories(account.person_id))}
            others = {f"Human {human}" for human in self.humans_with(account.email_key)} - names
            whose = self.claimants(account.email_key)
            assert whose <= {account.person_id} or not others, f"{account.email_key} is {others}'s as well"
            before = self.first.setdefault((account.external_id, account.email_key), account.person_id)
            assert before == account.person_id, f"{account.email_key} went from one to another unasked"

    @invariant()
    def no_leaver_is_forgotten(self) -> None:
        if db.is_closed():
            return
        held = rows.addresses_of_people()
        for email in held:
            self.holders[email.email_key].add(email.person_id)
        for email in held:
            if email.email_key not in ADDRESSES or self.has_been_shared(email.email_key):
                continue
            for account in rows.present_with(email.email_key):
                assert account.person_id == email.person_id, f"nobody else ever had {email.email_key}"
        for address in ADDRESSES:
            if self.holders[address] and len(self.ever[address]) == 1:
                assert people.find_by_email(address) is not None, f"nobody has {address} any longer"

    def has_been_shared(self, address: str) -> bool:
        """By two humans, or by two of Rollcall's people, who may be one human that it couldn't recognise."""
        return len(self.ever[address]) != 1 or len(self.holders[address]) != 1


def register(script: Scripted) -> None:
    from tests.sync.scripted import SCRIPTS

    SCRIPTS[script.name] = script


def test_no_account_follows_an_address_to_someone_else(template):
    Reuse.home = template
    run_state_machine_as_test(Reuse, settings=settings(
        max_examples=50, stateful_step_count=16, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate]))  # fmt: skip


def test_an_address_that_two_entries_of_a_list_dispute_is_nobodys_by_a_push(template):
    Reuse.home = template
    story = Reuse()
    story.open()
    for human, further in ((1, set()), (0, {"a@acme.example"})):
        story.says("Unnumbered", human, "b@acme.example", further, "active", False)
    story.the_main_story("a@acme.example", leaver=0, hire=4, freed=False, first=False, then=False)
    story.is_pushed(0, "b@acme.example", True, False, False)
    assert PersonEmail.get(PersonEmail.email_key == "b@acme.example").disputed
    assert not Account.select().where(Account.email_key == "b@acme.example", Account.is_matched).exists()
    assert db.execute_sql("SELECT 1 FROM activity WHERE what = 'e-mail address is disputed'").fetchone()
    story.nothing_is_matched_by_an_address_that_another_has_or_has_got_since()
    story.teardown()
