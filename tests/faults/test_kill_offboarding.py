"""kill -9 at every step of an offboarding through three apps, by hand and on its day, then a start: as in test_kill.py.
Person 3 has an account in Chat, Second chat and Third chat; the one in Second chat is left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sync.apps import apps
from sync.checks import checks
from sync.db import copy_database
from sync.jobs import asking
from sync.models import Offboarding, Person
from sync.offboarding import offboarding
from sync.people import people
from sync.workspace import today
from tests.faults.test_kill import Rehearsal
from tests.sync.fixtures import Chat, email

STAYS = {email(number) for number in range(10) if number != 3}


@pytest.fixture
def third(tmp_path: Path, chat: Chat, olga: Person) -> Iterator[Chat]:
    with Chat(tmp_path / "third") as third:
        third.store.add(email(0), "Person 0", "owner", via="page")
        third.store.add(email(3), "Person 3", "member", via="page")
        third.app = apps.connect("sample-chat", "Third chat", third.settings, [olga], chat.by)
        checks.run(asking.ask(third.app, chat.by).id)
        yield third


class Rehearsals(Rehearsal):
    """One installation and several apps; every attempt starts from the same state."""

    def __init__(self, folder: Path, home: Path, chat: Chat, *others: Chat):
        super().__init__(folder, home, chat)
        self.others = others
        for number, other in enumerate(others):
            copy_database(other.store.path, self.base / f"other-{number}.sqlite")

    @property
    def apps(self) -> list[Chat]:
        return [self.chat, *self.others]

    def begin(self) -> None:
        super().begin()
        for number, other in enumerate(self.others):
            other.replace_file((self.base / f"other-{number}.sqlite").read_bytes())


@pytest.fixture
def rehearsals(tmp_path: Path, home: Path, chat: Chat, second: Chat, third: Chat) -> Iterator:
    made = []

    def make() -> Rehearsals:
        made.append(Rehearsals(tmp_path, home, chat, second, third))
        return made[0]

    yield make
    for stage in made:
        stage.close()


def test_an_approval_across_apps_survives_kill_9_at_every_step(chat, second, third, rehearsals):
    stage = rehearsals()
    for fatal, killed in stage.deaths("offboard", "Second chat"):
        after = stage.order("recover").state
        if not killed.promised and not after["offboardings"]:
            where = f"killed at step {fatal}: half a yes"
            assert (after["tasks"], chat.removed(), third.removed()) == ([], [], []), where
            assert ["Person 3", "active", 1] in after["people"], where
            after = stage.order("offboard", "Second chat").state
        assert_done(after, chat, second, third, f"killed at step {fatal}")
    assert_done(stage.whole.state, chat, second, third, "not killed")


def test_the_day_of_a_planned_one_survives_kill_9_at_every_step(chat, second, third, olga, rehearsals):
    person = chat.people[3]
    seats = people.accounts_of(person)
    left_out = {seat.id: "hand-over" for seat in seats if seat.app_id == second.app.id}
    offboarding.start(person, olga, {seat.id for seat in seats}, left_out, on=today() + timedelta(days=1))
    Offboarding.update(remove_on=today()).execute()
    Person.update(remove_on=today()).where(Person.id == person.id).execute()
    stage = rehearsals()
    for fatal, _ in stage.deaths("recover"):
        assert_done(stage.order("recover").state, chat, second, third, f"killed at step {fatal}")
    assert_done(stage.whole.state, chat, second, third, "not killed")


def assert_done(state: dict, chat: Chat, second: Chat, third: Chat, where: str) -> None:
    assert (chat.removed(), second.removed(), third.removed()) == ([email(3)], [], [email(3)]), where
    assert chat.emails() == STAYS and third.emails() == {email(0)} and email(3) in second.emails(), where
    assert [task[1] for task in state["tasks"]] == ["done", "done"], where
    assert [row[0] for row in state["offboardings"]] == ["applied"], where
    assert ["Person 3", "deprovisioned", 1] in state["people"], where
    decided = sorted(decision for kind, decision, *_ in state["changes"] if kind == "removed user")
    assert decided == ["confirmed", "confirmed", "left out"], where
    assert {row[1] for row in state["reports"]} == {"applied"}, where
    mails = [kind for kind, _ in state["mails"]]
    assert (mails.count("outcome"), mails.count("offboarding")) == (2, 1), where
    assert state["activity"], where
