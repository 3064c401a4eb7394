"""The lines of an offboarding's progress: which task a change has, and whether its account may still be removed."""

from __future__ import annotations

import pytest

from sync.models import Account, App, Change, Offboarding, Report, Task
from sync.offboarding import progress
from sync.states import TaskState
from tests.sync.fixtures import email

REMOVES = {TaskState.QUEUED, TaskState.RUNNING, TaskState.NEEDS_ATTENTION, TaskState.DONE}


@pytest.mark.parametrize("state", TaskState)
def test_an_account_is_removed_unless_its_task_has_ended_otherwise(home, state):
    assert progress.Line(Change(), Task(state=state)).removes == (state in REMOVES)


def test_the_newest_task_of_a_change_is_shown(chat):
    row = Offboarding.create(person=chat.people[3], state="applied", asked_by="Olga")
    account = Account.get(Account.email == email(3))
    change = Change.create(app=chat.app, kind="removed user", account=account, offboarding=row, decision="confirmed")
    _, newer = (Task.create(app=chat.app, kind="remove", account=account, change=change, state=state)
                for state in ("failed", "done"))  # fmt: skip
    [line] = progress.lines(row, [chat.app.id])[0]
    assert line.task == newer


def test_an_account_without_a_task_has_the_reason_and_waits_only_in_an_open_report(home):
    opened, closed = Report(state="open"), Report(state="applied")
    stays = {"protection_reason": "Protected: Needed"}
    held = "So many at once look wrong. An Owner releases the app's report, and finishes it."
    for decision, report, more, shown in (
        ("left out", None, {"account": Account(left_out_reason="A mailbox")}, ("Left out", "A mailbox", None, False)),
        ("left out", None, {"reason": "The archive"}, ("Left out", "The archive", None, False)),
        ("scheduled", None, {}, ("Planned", "", None, True)),
        ("held", opened, {}, ("Held by a guard", held, opened, True)),
        ("needs confirmation", opened, {}, ("Waits in the report", "", opened, True)),
        ("held", closed, stays, ("Stays", "Protected: Needed", None, False)),
        ("needs confirmation", None, stays, ("Stays", "Protected: Needed", None, False)),
        ("ignored", opened, {"reason": "No longer theirs"}, ("No longer needed", "No longer theirs", None, False)),
    ):
        line = progress._line(Change(**{"decision": decision, "report": report, "account": Account()} | more), None)
        assert (line.word, line.detail, line.report, line.removes) == shown


def test_tasks_are_counted_by_how_they_ended(home):
    found = [progress.Line(Change(), Task(state=state)) for state in TaskState] + [progress.Line(Change())]
    assert (progress.tally(found), progress.stuck(found)) == ((1, 5), 1)
    live = {state: progress.is_live([progress.Line(Change(), Task(state=state))]) for state in TaskState}
    assert {state for state, runs in live.items() if runs} == {TaskState.QUEUED, TaskState.RUNNING}
    assert not progress.is_live([progress.Line(Change(), Task(state="queued", detail={"awaited": "1"}))])


def test_the_accounts_of_one_offboarding_are_shown_by_app_and_those_of_other_apps_are_counted(chat):
    apps = [App.create(connector="listed", name=name, category="Test") for name in ("A board", "Z board")]
    this, other = (Offboarding.create(person=chat.people[3], state="applied", asked_by="Olga") for _ in range(2))
    changes = [Change.create(app=app, kind="removed user", offboarding=row, decision="ignored",
                             account=Account.create(app=app, external_id=f"{row.id}"))
               for row in (this, other) for app in (apps[1], chat.app, apps[0])]  # fmt: skip
    found, elsewhere = progress.lines(this, [apps[0].id, apps[1].id])
    assert ([line.change for line in found], elsewhere) == ([changes[2], changes[0]], 1)
