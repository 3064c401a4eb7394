"""Access granted and revoked by hand: at once in Rollcall, as the next check finds it, never what has changed since."""

from __future__ import annotations

from sync.db import writing
from sync.jobs import queue
from sync.models import Access, Account, Asset, Task
from sync.tasks import by_hand
from sync.tasks.plans import LineState
from tests.sync.acting import account, grant, ids, revoke, words
from tests.sync.fixtures import email


def test_access_is_granted_changed_and_revoked_and_shown_at_once(chat, channel):
    grant(chat, channel, "manager", 3)
    assert words(3) == "update ongoing"
    queue.drain()
    access = Access.get(Access.account == account(3))
    assert (access.role, access.privileged) == ("manager", True)
    assert chat.check().applied == 0
    grant(chat, channel, "member", 3)
    queue.drain()
    assert Access.get(Access.account == account(3)).role == "member"
    revoke(chat, channel, 3)
    queue.drain()
    assert not Access.select().where(Access.account == account(3)).exists()
    assert chat.check().applied == 0 and {task.state for task in Task.select()} == {"done"}


def test_one_account_can_be_granted_many_assets_at_once_but_each_once(chat, channel):
    second = Asset.create(app=chat.app, external_id=chat.store.add_channel("random", via="page"), kind="channel",
                          name="random")  # fmt: skip

    def plan():
        return by_hand.plan_grants(chat.app, ids(3, 4), [channel.id, second.id], "member")

    seen = plan().seen
    assert len(by_hand.carry_out(plan, chat.by, seen).tasks) == 4
    assert by_hand.carry_out(plan, chat.by, seen).already
    queue.drain()
    assert Access.select().where(Access.role == "member").count() == 5
    assert chat.check().counts["access"] == 0


def test_someone_who_has_left_is_granted_nothing(chat, channel):
    grant(chat, channel, "member", 3)
    chat.leave(3)
    queue.drain(("task",))
    assert Task.get().error == "Person 3 has left." and chat.calls("PUT") == []
    assert by_hand.plan_grants(chat.app, ids(3), [channel.id], "member").lines[0].why == "Person 3 has left"


def test_an_account_that_is_someone_elses_by_now_is_granted_nothing(chat, channel):
    grant(chat, channel, "member", 3)
    Account.update(person=chat.people[5]).where(Account.id == account(3).id).execute()
    queue.drain(("task",))
    assert chat.calls("PUT") == [] and Task.get().error == (
        "The account belongs to a different person now than when this was requested.")  # fmt: skip


def test_only_assets_that_the_app_has_now_are_meant(chat, second, channel):
    theirs = Asset.create(app=second.app, external_id="t", kind="channel", name="theirs")
    gone = Asset.create(app=chat.app, external_id="g", kind="channel", name="gone", state="gone")
    lines = by_hand.plan_grants(chat.app, ids(3), [theirs.id, gone.id, channel.id], "member").lines
    assert [line.asset for line in lines] == [channel]


def test_taking_the_only_control_away_is_warned_about(chat, channel):
    both = [(account(1).id, channel.id), (account(2).id, channel.id)]
    plan = by_hand.plan_revocations(chat.app, both)
    assert [bool(line.alone) for line in plan.lines] == [True, False]


def test_access_that_changed_in_the_meantime_stays(chat, channel):
    revoke(chat, channel, 2)
    with writing():
        Access.update(role="manager").where(Access.account == account(2)).execute()
    queue.drain()
    assert Task.get().error == "The access was changed to manager in the meantime." and chat.calls("DELETE") == []


def test_access_that_someone_no_longer_has_is_not_revoked(chat, channel):
    plan = by_hand.plan_revocations(chat.app, [(account(5).id, channel.id), (account(2).id, channel.id)])
    assert [(line.account.email, line.state, line.why) for line in plan.lines] == [
        (email(2), LineState.READY, ""), (email(5), LineState.ALREADY_SET, "No longer has access there")]  # fmt: skip
