"""The one number, and what waits: over the apps of this person alone."""

from __future__ import annotations

import pytest

from sync.db import writing
from sync.home import summary
from sync.home.setup_steps import Step, setup_steps
from sync.home.summary import StillIn, Waiting
from sync.models import App, Directory, DirectoryEntry, Report, Task
from sync.people import people
from sync.states import TaskKind, TaskState


def kinds(items) -> list[tuple]:
    return [(item.kind, item.count, item.app and item.app.name) for item in summary.in_full(items)]


def test_the_one_number(chat, second):
    assert summary.still_in([chat.app.id, second.app.id]) == StillIn(0, 0, 0, 0)
    chat.leave(1, 2)
    App.update(seat_price=700).where(App.id == second.app.id).execute()
    apps = [chat.app.id, second.app.id]
    assert summary.still_in(apps) == StillIn(people=2, accounts=4, monthly=1400, decided=0)
    assert summary.still_in(apps[:1]) == StillIn(people=2, accounts=2, monthly=0, decided=0)
    assert summary.still_in([]) == StillIn(0, 0, 0, 0)


def test_people_are_named_with_their_accounts_who_left_first_at_the_top(chat, second):
    chat.leave(2)
    chat.leave(1)
    found = summary.people_with_most([chat.app.id, second.app.id], 5)
    assert [(person, len(accounts)) for person, accounts in found] == [(chat.people[2], 2), (chat.people[1], 2)]
    assert len(summary.people_with_most([chat.app.id, second.app.id], 1)) == 1


def test_only_waiting_reports_of_ones_own_apps_are_listed(chat, second, olga):
    chat.leave(1, 2)
    chat.check()
    assert kinds(summary.waiting_for(olga, [chat.app.id, second.app.id])) == [(Waiting.REPORT, 2, chat.app.name)]
    assert kinds(summary.waiting_for(olga, [second.app.id])) == []


def test_the_most_pressing_is_first(chat, second, olga):
    chat.leave(1)
    chat.check()
    with writing():
        Report.create(app=second.app, held=7, waiting=0)
        Task.create(app=second.app, kind=TaskKind.REMOVE, state=TaskState.NEEDS_ATTENTION)
    assert kinds(summary.waiting_for(olga, [chat.app.id, second.app.id])) == [
        (Waiting.TASK, 1, second.app.name), (Waiting.HELD_REPORT, 7, second.app.name),
        (Waiting.REPORT, 1, chat.app.name)]  # fmt: skip


def test_the_steps_of_an_empty_workspace(home, olga):
    assert [(step.step, step.done) for step in setup_steps()] == [(step, False) for step in Step]


def test_the_steps_are_done_when_the_workspace_shows_it(chat, olga, by, listed_people):
    done = {step.step for step in setup_steps() if step.done}
    assert done == {Step.DIRECTORY, Step.APP, Step.MATCHING}
    second = people.add("Second Owner", "second@acme.example", by, workspace_role="owner")
    assert Step.SECOND_OWNER in {step.step for step in setup_steps() if step.done}
    people.mark_left(second, by)
    assert Step.SECOND_OWNER not in {step.step for step in setup_steps() if step.done}


@pytest.fixture
def listed_people(chat):
    directory = Directory.create(kind="csv", name="Staff")
    DirectoryEntry.create(directory=directory, external_id="1", person=chat.people[1])


@pytest.mark.parametrize(("matched", "unmatched", "done"), [(8, 2, True), (7, 2, False), (0, 0, True), (0, 1, False)])
def test_matching_is_done_from_80_percent(chat, matched, unmatched, done):
    App.update(matched=matched, unmatched=unmatched, guests=0, service_accounts=5).execute()
    step = next(step for step in setup_steps() if step.step is Step.MATCHING)
    assert (step.done, step.app) == (done, None if done else App.get())
