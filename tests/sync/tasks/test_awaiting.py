"""An operation that the app holds for someone's approval waits, is shown as waiting, and is finished once approved;
parts of an app that can't be read stop only the removals that may need them."""

from __future__ import annotations

import pytest

from connectors.apps.sample_chat import SampleChat
from connectors.base import AwaitsApproval, NotRead, PartsUnread, Refused
from sync.db import utcnow
from sync.models import Access, Account, Activity, Asset, Mail, Task
from sync.people import people
from sync.reports import reports
from sync.tasks import progress, tasks
from tests.sync.fixtures import email

REQUESTS = ("request 1", "request 2")


def confirmed(chat, *numbers: int) -> list[Task]:
    chat.leave(*numbers)
    return reports.finish(chat.check().report, chat.by).tasks


def run(task: Task) -> Task:
    Task.update(next_at=utcnow()).where(Task.id == task.id, Task.state == "queued").execute()
    tasks.run(task.id)
    return Task.get_by_id(task.id)


def account(number: int) -> Account:
    return Account.get(Account.email == email(number))


class Held:
    """What a second administrator decides in the app: "waits", "approved" or "declined"."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.state, self.calls, self.really_remove = "waits", 0, SampleChat.remove
        monkeypatch.setattr(SampleChat, "remove", lambda connector, seat: self.remove(connector, seat))
        monkeypatch.setattr(SampleChat, "require_approved", lambda connector, requests: self.ask(requests))

    def remove(self, connector: SampleChat, seat) -> None:
        self.calls += 1
        if self.state == "approved":
            return self.really_remove(connector, seat)
        raise AwaitsApproval("A second admin must approve this.", REQUESTS)

    def ask(self, requests: tuple[str, ...]) -> None:
        assert requests == REQUESTS
        if self.state == "waits":
            raise AwaitsApproval("A second admin must approve this.", REQUESTS)
        if self.state == "declined":
            raise Refused("Another admin declined it.")


@pytest.fixture
def held(monkeypatch) -> Held:
    return Held(monkeypatch)


def test_a_removal_that_awaits_approval_is_neither_failed_nor_done(chat, held):
    [task] = confirmed(chat, 3)
    for _ in range(3):
        task = run(task)
        assert task.awaits_approval and task.state == "queued" and task.attempts == 0
        assert task.error == "A second admin must approve this." and task.next_at > utcnow()
    assert held.calls == 1, "later it is only asked about"
    assert account(3).state == "removing" and chat.removed() == []
    assert progress.state_of(account(3)).word == "removal pending" and not progress.state_of(account(3)).live
    assert [Task.get().id] == [row.id for row in Task.select().where(Task.where_awaits_approval())]
    assert Activity.select().where(Activity.what.startswith("awaits approval")).count() == 1


def test_once_it_is_approved_it_is_finished(chat, held):
    [task] = confirmed(chat, 3)
    run(task)
    held.state = "approved"
    assert run(task).state == "done" and chat.removed() == [email(3)]


def test_a_declined_one_needs_attention_and_retry_asks_again(chat, held):
    [task] = confirmed(chat, 3)
    run(task)
    held.state = "declined"
    task = run(task)
    assert (task.state, task.error) == ("needs attention", "Another admin declined it.")
    held.state = "waits"
    tasks.retry(task, chat.by)
    assert run(task).awaits_approval and held.calls == 2


def test_a_removal_that_is_over_says_that_its_request_still_waits_in_the_app(chat, held):
    [task] = confirmed(chat, 3)
    run(task)
    people.mark_returned(chat.people[3], chat.by)
    task = run(task)
    assert task.state == "no longer needed"
    assert task.error.endswith("Its request still waits in the app: reject it there.")


def test_one_that_is_cancelled_says_so_too(chat, held):
    [task] = confirmed(chat, 3)
    run(task)
    tasks.cancel(Task.get_by_id(task.id), chat.by)
    assert Task.get_by_id(task.id).error == "Its request still waits in the app: reject it there."


def test_the_owners_are_notified_once_that_it_waits_and_once_that_it_is_done(chat, held):
    first, second = confirmed(chat, 3, 4)
    held.state = "approved"
    assert run(first).state == "done"
    held.state = "waits"
    for _ in range(2):
        run(second)
    outcomes = Mail.select().where(Mail.kind == "outcome")
    [mail] = outcomes
    assert mail.subject == "1 task in Chat awaits approval there"
    assert "Awaits approval in the app: 1" in mail.text and "A second admin must approve this." in mail.text
    held.state = "approved"
    run(second)
    assert [mail.subject for mail in outcomes.order_by(Mail.id)][1:] == ["2 people were removed from Chat"]


# Parts of the app that can't be read


@pytest.fixture
def unread(monkeypatch, chat) -> Asset:
    """A channel that can't be read since its people were: person 2 is in it."""
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(2), "member", via="page")
    chat.check()
    part = PartsUnread("general can't be read.", (NotRead(general, "It is suspended."),))
    really_remove, really_look = SampleChat.remove, SampleChat.account

    def remove(connector, seat) -> None:
        really_remove(connector, seat)
        raise part

    def look(connector, id):
        found = really_look(connector, id)
        if found is None:
            raise part
        return found

    monkeypatch.setattr(SampleChat, "remove", remove)
    monkeypatch.setattr(SampleChat, "account", look)
    return Asset.get(Asset.external_id == general)


def removal(chat, number: int) -> Task:
    Account.update(state="removing").where(Account.id == account(number).id).execute()
    people.mark_left(chat.people[number], chat.by, "Left")
    return tasks.add(chat.app, "remove", account(number), "Olga")


def test_a_removal_that_does_not_need_the_unread_part_is_done(chat, unread):
    assert run(removal(chat, 3)).state == "done" and email(3) in chat.removed()


def test_one_that_needs_it_says_which_part_to_fix(chat, unread):
    task = run(removal(chat, 2))
    assert (task.state, task.error) == ("needs attention", "general can't be read.")
    assert account(2).state == "removing"


def test_nobody_counts_as_gone_from_a_part_that_nobody_knows(chat, unread):
    Access.delete().where(Access.asset == unread).execute()
    assert run(removal(chat, 3)).state == "needs attention"
