"""In whatever order checks, decisions, undos and changes of rules come: a decision is kept, the unclear is nobody's.
A model next to the program says, for each account, what someone decided and what the rules may decide."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sync import activity, vault
from sync.db import db
from sync.jobs import queue, retries
from sync.matching import decisions as match_decisions
from sync.matching import rules as match_rules
from sync.matching.decisions import Decision, DecisionProblem
from sync.models import Account, App, Person, PersonEmail
from sync.people import people
from sync.rank import Asker
from sync.sign_in import sign_in
from sync.tasks import disconnecting
from tests import database
from tests.asking import MACHINE
from tests.sync.listed import Listed, make_known

BY = Asker.command_line("Olga Brandt <olga@acme.example>")
ADDRESSES = ("a@x.example", "b@x.example", "c@x.example")
NAMES, NUMBERS, DOMAINS = ("a", "B", "nobody", ""), ("1", "2", ""), ("", "x.example", "y.example")
SEATS, PEOPLE = ("s0", "s1", "s2"), range(3)
KINDS = ("guest", "local partner", "service account", "nobody", "rules", "person", "person")

seat, person = st.sampled_from(SEATS), st.sampled_from(PEOPLE)
steps = st.one_of(
    st.tuples(st.just("say"), seat, st.fixed_dictionaries({
        "email": st.sampled_from((*ADDRESSES, "")), "user_name": st.sampled_from(NAMES),
        "employee_number": st.sampled_from(NUMBERS), "kind": st.sampled_from(("user", "user", "user", "system"))})),
    st.just(("check",)),
    st.just(("check",)),
    st.tuples(st.just("decide"), st.sampled_from(KINDS), st.sets(seat, min_size=1), person),
    st.tuples(st.just("undo"), st.integers(0, 3)),
    st.tuples(st.just("set_domain"), st.sampled_from(DOMAINS)),
    st.tuples(st.just("set_address"), person, st.sampled_from(ADDRESSES)),
    st.tuples(st.just("set_number"), person, st.sampled_from(NUMBERS)),
    st.just(("reconnect",)),
)  # fmt: skip

BY_USER_NAME = {"email": "", "user_name": "B", "employee_number": "", "kind": "user"}


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """An installation with three people and three accounts, read once: each run starts with a copy of it."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        make_known(patch)
        patch.setattr(retries, "WITHIN_CHECK", retries.seconds())
        patch.setattr(queue, "queue", None)
        home = Path(folder)
        vault.open_vault(home / "secret.key")
        with database.first_of_many(home):
            olga = sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", "correct horse battery", MACHINE)
            for number in PEOPLE:
                people.add(f"Person {number}", f"{'abc'[number]}@x.example", BY)
            listed = _listed(olga)
            listed.connect()
            listed.check()
        yield home


def _listed(olga: Person) -> Listed:
    listed = Listed(olga, BY)
    listed.add("owner", email="olga@acme.example")
    for place, id in enumerate(SEATS):
        listed.add(id, email=ADDRESSES[place], name=id)
    return listed


class Model:
    """`decided` is the decisions by hand, account → (match, person id, note); `past` is what each batch replaced."""

    def __init__(self) -> None:
        self.listed = _listed(Person.get(Person.workspace_role == "owner"))
        self.listed.app = App.get()
        self.read = dict(self.listed.seats)
        self.decided: dict[str, tuple] = {}
        self.past: list[tuple[str, dict[str, tuple | None]]] = []
        self.people = [people.find_by_email(address) for address in ADDRESSES]

    def say(self, id: str, values: dict) -> None:
        self.listed.say(id, **values)

    def check(self) -> None:
        self.listed.check()
        self.read = dict(self.listed.seats)

    def decide(self, kind: str, ids: set[str], number: int) -> None:
        who = self.people[number] if kind in ("person", "service account") else None
        accounts = [self.listed.account(id) for id in ids]
        note = "note" if kind in ("guest", "local partner") else ""
        decision = Decision(kind, who, note=note)
        taken = [a for a in accounts if kind == "person" and a.match_kind == "matched" and a.person_id != who.id]
        try:
            made = match_decisions.decide(self.listed.app, [account.id for account in accounts], decision, BY)
        except DecisionProblem:
            assert taken
            return
        assert not taken
        match = {"person": "matched", "nobody": "unmatched"}.get(kind, kind)
        after = None if kind == "rules" else (match, who and who.id, note or None)
        changed = {id: self.decided.get(id) for id in ids if self.decided.get(id) != after}
        assert made.count == len(changed)
        if made.batch:
            self.past.append((made.batch, changed))
        for id in changed:
            self.decided.pop(id, None)
            if after:
                self.decided[id] = after

    def undo(self, back: int) -> None:
        if back >= len(self.past):
            return
        place = len(self.past) - 1 - back
        batch, replaced = self.past[place]
        newer = {id for _, later in self.past[place + 1 :] for id in later}
        restored = {id: before for id, before in replaced.items() if id not in newer}
        if not restored:
            with pytest.raises(DecisionProblem):
                match_decisions.undo(self.listed.app, batch, BY)
            return
        assert match_decisions.undo(self.listed.app, batch, BY) == len(restored)
        for id, before in restored.items():
            del replaced[id]
            self.decided.pop(id, None)
            if before:
                self.decided[id] = before
        if not replaced:
            del self.past[place]

    def set_domain(self, domain: str) -> None:
        match_rules.set_domain(App.get_by_id(self.listed.app.id), domain, BY)

    def set_address(self, number: int, address: str) -> None:
        """The person gets the address, if it is nobody else's; their own stays a further one."""
        holder = people.find_by_email(address)
        if holder is None:
            people.edit(self.people[number], BY, emails=[address])
        elif holder == self.people[number]:
            people.edit(holder, BY, emails=[f"other{number}@z.example"])

    def set_number(self, number: int, given: str) -> None:
        before = Person.get_by_id(self.people[number].id).employee_number
        Person.update(employee_number=given or None).where(Person.id == self.people[number].id).execute()
        match_rules.match_everywhere(numbers=(before or "", given))

    def reconnect(self) -> None:
        disconnecting.disconnect(App.get_by_id(self.listed.app.id), BY)
        self.listed.connect()
        self.past = []
        self.check()

    def verify(self) -> None:
        app = App.get_by_id(self.listed.app.id)
        for id in SEATS:
            row = Account.get(Account.app == app, Account.external_id == id)
            if id in self.decided:
                assert (row.match_kind, row.person_id, row.match_note) == self.decided[id] and row.match_by_hand, id
            else:
                assert (row.match_kind, row.person_id) == self._by_rules(id, app) and not row.match_by_hand, id
        present = Account.select().where(Account.app == app, Account.state == "present")
        assert (app.matched, app.unmatched, app.guests, app.service_accounts) == tuple(
            sum(row.match_kind in words for row in present) for words in
            (("matched",), ("unmatched",), ("guest", "local partner"), ("service account",)))  # fmt: skip

    def _by_rules(self, id: str, app: App) -> tuple[str, int | None]:
        """Written in a different way from the program: every rule as a set of people, then one look at the sets."""
        seat = self.read[id]
        if seat.kind == "system":
            return "service account", None
        having: dict[str | None, set[int]] = defaultdict(set)  # by an address
        for email in PersonEmail.select():
            having[email.email_key].add(email.person_id)
        address = f"{seat.user_name}@{app.match_domain}".lower() if seat.user_name and app.match_domain else None
        rules = [
            having[seat.email],
            {one.id for one in Person.select() if seat.employee_number and one.employee_number == seat.employee_number},
            having[address],
        ]
        naming = [rule for rule in rules if rule]
        if naming and len(naming[0]) == 1 and all(naming[0] <= rule for rule in naming):
            return "matched", next(iter(naming[0]))
        return "unmatched", None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=14))
@example([("set_domain", "x.example"), ("say", "s0", BY_USER_NAME), ("check",)])
def test_any_order_of_checks_decisions_undos_and_rules(template, sequence):
    database.open_copy(template)
    try:
        model = Model()
        for step, *arguments in sequence:
            getattr(model, step)(*arguments)
            model.verify()
        assert activity.verify().ok
    finally:
        db.close()
