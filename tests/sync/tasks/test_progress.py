"""How far an account is: one word for each kind and stage, the foremost of several; of many in few statements."""

from __future__ import annotations

import pytest

from sync.db import db
from sync.jobs import queue
from sync.models import Account, Change, Invitation, Report, Task
from sync.tasks import progress as task_progress
from tests.sync.acting import account, change_role, remove, words


def task(number: int, act: str, state: str) -> Task:
    return Task.create(app=account(number).app, account=account(number), act=act, state=state, error="why",
                       detail={"role": "admin", "before": "member"})  # fmt: skip


@pytest.mark.parametrize(
    "act, state, word",
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
def test_a_task_is_a_state(chat, act, state, word):
    task(3, act, state)
    assert words(3) == word


@pytest.mark.parametrize(
    "kind, decision, word",
    [
        ("removed user", "needs confirmation", "removal awaiting"),
        ("no longer assigned", "held", "removal awaiting"),
        ("to change role", "needs confirmation", "update awaiting"),
        ("to grant access", "needs confirmation", "update awaiting"),
        ("updated role", "applied", "onboarded"),
        ("removed user", "left out", "onboarded"),
    ],
)
def test_what_waits_in_an_open_report_is_awaited(chat, kind, decision, word):
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


def test_many_accounts_are_three_statements(chat):
    for number in range(1, 8):
        task(number, "change role", "queued")
    asked: list[str] = []
    accounts = list(Account.select())
    db.connection().set_trace_callback(asked.append)
    try:
        states = task_progress.states_of(accounts)
    finally:
        db.connection().set_trace_callback(None)
    assert len(asked) == 3 and sum(not state.onboarded for state in states.values()) == 7
    queue.drain(("task",))
