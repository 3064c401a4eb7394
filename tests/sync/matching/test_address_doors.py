"""An account whose address is in use isn't a leaver's, in each place where an account can be removed: the
report, its yes, a standing one, an offboarding, a removal by hand, and the last look. Here it was matched by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from sync.apps import apps
from sync.db import utcnow, writing
from sync.jobs import queue
from sync.matching import decisions as match_decisions
from sync.models import Account, App, Change, Directory, DirectoryAddress, Person, Report, Task
from sync.offboarding import offboarding
from sync.offboarding.preview import preview
from sync.people import people
from sync.reports import merge, policy, reports
from sync.safety import guards, protection
from sync.tasks import by_hand as tasks_by_hand
from tests.sync.fixtures import Chat, after, email
from tests.sync.scripted import Scripted

THEIRS = "ana@acme.example"
PROTECTED = "Protected: its e-mail is that of Ana Lima in Company LDAP"


def match_and_leave(chat: Chat) -> None:
    chat.store.add(THEIRS, "Ana", "member", via="page")
    chat.check()
    match_decisions.match(seat(), chat.people[1], chat.by)
    chat.leave(1)


@after(match_and_leave)
def leaver(chat) -> Person:
    """Person 1 has left; the account was matched to them by hand."""
    return chat.people[1]


@pytest.fixture
def given(home) -> Callable[[], None]:
    """From then on a directory gives the address to someone who isn't a person here yet. Nothing else happens."""
    directory = Directory.create(kind="scim", name="Company LDAP", vouched_for=True)

    def give() -> None:
        DirectoryAddress.create(directory=directory, external_id="new", email_key=THEIRS, email=THEIRS, name="Ana Lima")

    return give


def seat() -> Account:
    return Account.get(Account.email == THEIRS)


def decision(chat) -> tuple[str, str | None]:
    """What the app's last report says of the account."""
    found = Change.select().where(Change.account == seat(), Change.kind == "removed user").order_by(Change.id.desc())
    return found.first().decision, found.first().protection_reason


def work() -> None:
    Task.update(next_at=utcnow()).where(Task.state == "queued").execute()
    queue.drain(("task",))


def test_without_anybody_else_it_goes(chat, leaver):
    """What the others are compared with."""
    chat.check()
    assert decision(chat) == ("needs confirmation", None)
    reports.finish(reports.open_report(chat.app), chat.by)
    work()
    assert THEIRS in chat.removed()


def test_the_report_does_not_ask_about_it(chat, leaver, given):
    given()
    chat.check()
    assert decision(chat) == ("ignored", PROTECTED)
    assert protection.of(seat()).words == PROTECTED, "the rule for one says the same"


def test_the_open_report_is_corrected_at_once(chat, leaver, given):
    chat.check()
    version = reports.open_report(chat.app).version
    given()
    with writing():
        merge.drop_removals_of_others("Company LDAP")
    assert decision(chat) == ("ignored", PROTECTED)
    assert reports.open_report(chat.app).version > version, "a page that was shown before is stale"


def test_the_approval_does_not_take_it(chat, leaver, given):
    chat.check()
    given()
    reports.finish(reports.open_report(chat.app), chat.by)
    assert decision(chat) == ("ignored", PROTECTED) and seat().state == "present"
    work()
    assert THEIRS not in chat.removed()


def test_a_standing_approval_does_not_take_it(chat, leaver, given):
    chat.check()
    apps.set_removal(chat.app, "automatic", chat.by)
    given()
    policy.finish_by_policy(App.get_by_id(chat.app.id))
    assert decision(chat) == ("ignored", PROTECTED) and seat().state == "present"
    work()
    assert chat.removed() == [email(1)], "the leaver's other account goes"
    chat.check()
    assert decision(chat)[1] == PROTECTED and seat().state == "present"


def test_an_offboarding_does_not_take_it(chat, leaver, given, olga):
    people.mark_returned(leaver, chat.by)
    given()
    leaver = Person.get_by_id(leaver.id)
    lines = {line.account.email: line for line in preview(leaver, olga).lines}
    assert lines[THEIRS].protection_reason == PROTECTED and not lines[THEIRS].removable and lines[email(1)].removable
    offboarding.start(leaver, olga, {line.account.id for line in lines.values()}, {}, locked=[seat().id])
    work()
    assert chat.removed() == [email(1)]


def test_one_that_was_planned_does_not_take_it_on_the_day(chat, leaver, given, olga):
    people.mark_returned(leaver, chat.by)
    leaver = Person.get_by_id(leaver.id)
    seats = {seat.id for seat in people.accounts_of(leaver)}
    planned = offboarding.start(leaver, olga, seats, {}, on=offboarding.today() + guards.DAY).offboarding
    given()
    type(planned).update(remove_on=offboarding.today()).execute()
    Person.update(remove_on=offboarding.today()).where(Person.id == leaver.id).execute()
    offboarding.carry_out_due(utcnow())
    work()
    assert chat.removed() == [email(1)]


def test_by_hand_nobody_takes_it(chat, leaver, given):
    given()
    plan = tasks_by_hand.plan_removals(chat.app, [seat().id])
    assert [(line.state, line.why) for line in plan.lines] == [("refused", PROTECTED)]


@pytest.mark.parametrize("by_hand", [True, False], ids=["asked by hand", "from the report"])
def test_a_task_does_not_take_it_after_a_last_look(chat, leaver, given, by_hand):
    ask(chat, by_hand)
    given()
    calls = chat.calls(seat().external_id)
    work()
    assert chat.calls(seat().external_id) == calls, "the app isn't even asked"
    task = Task.get(Task.account == seat())
    assert (task.state, task.error) == ("no longer needed", f"{PROTECTED}.")
    assert THEIRS not in chat.removed() and seat().state == "present"


def test_the_last_look_goes_by_the_address_that_the_app_says_now(chat, leaver, given):
    """A check has seen another one in between, and the app has given the old one back."""
    ask(chat, by_hand=False)
    others = "another@acme.example"
    Account.update(email=others, email_key=others, email_when_matched=others).where(Account.email == THEIRS).execute()
    given()
    work()
    task = Task.get(Task.email_key == THEIRS)
    assert (task.state, task.error) == ("no longer needed", f"{PROTECTED}.")
    assert THEIRS not in chat.removed()


def test_the_address_of_a_known_person_protects_the_account(chat, leaver, scripted):
    company = Scripted()
    company.add("1", THEIRS, "Ana Lima")
    company.read()
    chat.check()
    assert decision(chat) == ("ignored", "Protected: its e-mail is that of Ana Lima")


def test_an_own_entry_does_not_protect_a_person_marked_as_left(chat, scripted):
    """Someone marked them as left by hand; the directory is slow."""
    company = Scripted()
    for number in range(10):
        company.add(f"id{number}", email(number), f"Person {number}")
    company.read()
    chat.leave(3)
    chat.check()
    [change] = Change.select().join(Report).where(Report.state == "open", Change.decision == "needs confirmation")
    assert change.account.email == email(3)


def ask(chat, by_hand: bool) -> None:
    if by_hand:
        plan = tasks_by_hand.plan_removals(chat.app, [seat().id])
        again = partial(tasks_by_hand.plan_removals, chat.app, [seat().id])
        tasks_by_hand.carry_out(again, chat.by, plan.seen, reason="x")
    else:
        chat.check()
        reports.finish(reports.open_report(chat.app), chat.by)
