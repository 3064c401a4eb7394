"""The lines of an offboarding's progress: which task a change has, and whether its account may still be removed."""

from __future__ import annotations

import pytest

from sync.models import Account, Change, Offboarding, Task
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
