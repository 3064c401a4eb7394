"""How far an account is: one word for each kind and stage, the foremost of several; of many in few statements."""

from __future__ import annotations

import pytest

from sync.db import db, utcnow
from sync.jobs import queue
from sync.models import Account, Change, Directory, DirectoryEntry, Invitation, Person, Report, Task
from sync.tasks import progress as task_progress
from tests.sync.acting import account, change_role, remove, words


def task(number: int, kind: str, state: str) -> Task:
    return Task.create(app=account(number).app, account=account(number), kind=kind, state=state, error="why",
                       detail={"role": "admin", "before": "member"})  # fmt: skip


@pytest.mark.parametrize(
    "kind, state, word",
    [
        ("change role", "queued", "update ongoing"),
        ("grant", "running", "update ongoing"),
        ("revoke", "needs attention", "update failed"),
        ("remove", "running", "removal ongoing"),
        ("remove", "needs attention", "removal failed"),
        ("change role", "done", "onboarded"),
        ("remove", "cancelled", "onboarded"),
        ("grant", "no longer needed", "onboarded"),
    ],
)
def test_a_task_is_a_state(chat, kind, state, word):
    task(3, kind, state)
    assert words(3) == word


@pytest.mark.parametrize(
    "kind, decision, word",
    [
        ("removed user", "needs confirmation", "removal pending"),
        ("no longer assigned", "held", "removal pending"),
        ("to change role", "needs confirmation", "update pending"),
        ("to grant access", "needs confirmation", "update pending"),
        ("updated role", "applied", "onboarded"),
        ("removed user", "left out", "onboarded"),
    ],
)
def test_a_change_in_an_open_report_shows_the_account_as_waiting(chat, kind, decision, word):
    report = Report.create(app=chat.app)
    Change.create(app=chat.app, report=report, kind=kind, decision=decision, account=account(3))
    assert words(3) == word
    Report.update(state="applied").execute()
    assert words(3) == "onboarded"


@pytest.mark.parametrize(
    "state, word",
    [("ongoing", "invitation ongoing"), ("invited", "invitation ongoing"), ("failed", "invitation failed"),
     ("expired", "invitation failed"), ("onboarded", "onboarded"), ("cancelled", "onboarded")],
)  # fmt: skip
def test_an_invitation_is_a_state(chat, state, word):
    Invitation.create(
        app=chat.app, email="p3@acme.example", email_key="p3@acme.example", account=account(3), state=state
    )
    assert words(3) == word


def test_the_end_comes_before_a_change_and_the_worse_before_the_better(chat):
    change_role(chat, "admin", 3)
    remove(chat, 3)
    assert words(3) == "removal ongoing"
    task(4, "grant", "queued")
    task(4, "change role", "needs attention")
    state = task_progress.state_of(account(4))
    assert (state.word, state.tone, state.live, state.why) == ("update failed", "attention", True, "why")


def test_a_doubt_about_a_task_comes_before_its_error(chat):
    ldap = Directory.create(kind="scim", name="LDAP", missing_since=utcnow())
    DirectoryEntry.create(directory=ldap, external_id="3", person=account(3).person)
    Task.update(report=Report.create(app=chat.app)).where(Task.id == task(3, "remove", "needs attention").id).execute()
    why = task_progress.state_of(account(3)).why
    assert why.startswith("LDAP may lack changes") and why.endswith("Check that before you remove the account. why")


def test_many_accounts_are_three_statements(chat):
    for number in range(1, 8):
        task(number, "change role", "queued")
    asked: list = []
    accounts = list(Account.select())
    db.query_hooks.append(asked.append)
    try:
        states = task_progress.states_of(accounts)
    finally:
        db.query_hooks.remove(asked.append)
    assert len(asked) == 3 and sum(not state.onboarded for state in states.values()) == 7
    queue.drain(("task",))


@pytest.mark.parametrize(("state", "status", "word"), [
    ("present", "invited", "invitation ongoing"), ("present", "active", "onboarded"), ("gone", "invited", "onboarded"),
    ("removing", "invited", "onboarded")])  # fmt: skip
def test_an_account_invited_by_the_app_itself_is_awaited(chat, state, status, word):
    Account.update(state=state, status=status).where(Account.id == account(3).id).execute()
    found = task_progress.state_of(account(3))
    assert (found.word, found.why, found.live) == (word, "", False)


@pytest.mark.parametrize(("values", "word"), [({}, "removal pending"), ({"in_app": False}, "onboarded"),
                                              ({"kind": "updated profile"}, "onboarded")])  # fmt: skip
def test_a_waiting_change_gives_the_reason(chat, values, word):
    Change.create(app=chat.app, report=Report.create(app=chat.app), account=account(3),
                  **{"kind": "removed user", "decision": "held", "reason": "Left", **values})  # fmt: skip
    found = task_progress.state_of(account(3))
    assert (found.word, found.why) == (word, "" if values else "Left") and not found.live
    assert found.tone == ("ok" if values else "waiting") and task_progress.state_of(account(4)).onboarded


@pytest.mark.parametrize(("state", "shown"), [
    ("queued", ("update ongoing", "working", "why", True)), ("running", ("update ongoing", "working", "why", True)),
    ("needs attention", ("update failed", "attention", "why", False))])  # fmt: skip
def test_one_task_is_shown_as_its_account_is(chat, state, shown):
    made = task(3, "grant", state)
    for found in (task_progress.of_task(made), task_progress.state_of(account(3))):
        assert (found.word, found.tone, found.why, found.live) == shown
    Task.update(error=None).execute()
    assert task_progress.of_task(Task.get()).why == task_progress.state_of(account(3)).why == ""


@pytest.mark.parametrize(("state", "has_task", "shown"), [
    ("ongoing", True, ("invitation ongoing", "working", "why", True)),
    ("invited", True, ("invitation ongoing", "working", "", False)),
    ("failed", True, ("invitation failed", "attention", "why", False)),
    ("failed", False, ("invitation failed", "attention", "", False)),
    ("expired", True, ("invitation failed", "attention", "It expired: nobody has joined in time", False)),
])  # fmt: skip
def test_an_invitation_without_an_account_says_what_failed_or_what_it_waits_for(chat, state, has_task, shown):
    made = Task.create(app=chat.app, kind="invite", error="why") if has_task else None
    row = Invitation.create(app=chat.app, email="x@x.example", email_key="x@x.example", state=state, task=made)
    found = task_progress.of_invitation(row)
    assert (found.word, found.tone, found.why, found.live) == shown
    Task.update(error=None).execute()
    assert not task_progress.of_invitation(Invitation.get()).why or state == "expired"
    Invitation.update(account=account(3)).execute()
    found = task_progress.state_of(account(3))
    assert (found.word, found.live) == (shown[0], shown[3])
    assert found.why == ("It expired: nobody has joined in time" if state == "expired" else "")


def test_a_removal_comes_before_a_change_and_that_before_an_invitation(chat):
    Invitation.create(app=chat.app, email="x@x.example", email_key="x@x.example", account=account(3), state="failed")
    assert words(3) == "invitation failed"
    grant = task(3, "grant", "queued")
    assert words(3) == "update ongoing"
    Report.create(app=chat.app)
    Change.create(app=chat.app, report=Report.get(Report.state == "open"), kind="removed user", decision="held",
                  account=account(3))  # fmt: skip
    assert words(3) == "removal pending"
    state = task_progress.state_of(account(3))
    assert state.live, "the change is still made"
    Task.update(state="needs attention").where(Task.id == grant.id).execute()
    assert not task_progress.state_of(account(3)).live


def test_people_to_invite_are_listed_until_it_is_decided(chat, second):
    report, closed = Report.create(app=chat.app), Report.create(app=chat.app, state="applied")

    def row(number: int, decision: str, **values: object) -> dict:
        return {"app": chat.app, "report": report, "kind": "to invite", "decision": decision,
                "person": chat.people[number], **values}  # fmt: skip

    decisions = ("needs confirmation", "held", "left out", "confirmed", "ignored")
    rows = [row(number, decision) for number, decision in enumerate(decisions)]
    rows += [row(5, "held", report=closed), row(6, "held", kind="to change role")]
    Change.insert_many(rows).execute()
    found = task_progress.awaiting_invitation(chat.app)
    assert [row.decision for row in found] == ["needs confirmation", "held"] and found[0].person == chat.people[0]
    assert task_progress.awaiting_invitation(second.app) == []
    Person.insert_many([{"name": f"More {number}"} for number in range(50)]).execute()
    more = Person.select().where(Person.name.startswith("More"))
    Change.insert_many([row(0, "held", person=person) for person in more]).execute()
    assert len(task_progress.awaiting_invitation(chat.app)) == 50
    assert [row.id for row in task_progress.awaiting_invitation(chat.app, 1)] == [found[0].id]


def test_those_on_their_way_out_are_listed_by_name(chat, second):
    Account.update(state="removing").where(Account.app == chat.app, Account.kind == "user").execute()
    Account.update(state="gone").where(Account.id == account(3).id).execute()
    names = [f"Person {number}" for number in range(10) if number != 3]
    assert [row.name for row in task_progress.leaving(chat.app)] == names and not task_progress.leaving(second.app)
    assert [row.name for row in task_progress.leaving(chat.app, 2)] == names[:2]
    rows = [{"app": chat.app, "external_id": f"x{number}", "name": "A", "state": "removing"} for number in range(51)]
    Account.insert_many(rows).execute()
    shown = task_progress.leaving(chat.app)
    assert len(shown) == 50 and [row.id for row in shown] == sorted(row.id for row in shown)
