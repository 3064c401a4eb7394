"""What the guards count: each condition of each number, at its boundary."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.jobs import queue
from sync.models import Account, App, Change, Report, Task
from sync.reports import reports
from sync.safety import guards
from sync.safety.guards import Guard
from sync.workspace import update_workspace
from tests.sync.fixtures import MEMBERS, after, departure, email

YESTERDAY = timedelta(hours=25)
LATELY = timedelta(hours=12)  # not just within a day: these tests may run hours after they were imported


@pytest.mark.parametrize(("leaving", "of", "held"), [
    (5, 5, False), (6, 6, True), (6, 29, True), (6, 30, False), (7, 35, False), (7, 34, True)])  # fmt: skip
def test_a_guard_holds_more_than_both_its_numbers(leaving, of, held):
    assert Guard(5, 20).holds(leaving, of) is held


@pytest.mark.parametrize(("leaving", "of", "held"), [
    (0, 0, False), (1, 1, True), (1, 2, False), (2, 1, True), (5, 6, False), (6, 7, True)])  # fmt: skip
def test_where_nobody_approves_nothing_may_become_empty_either(leaving, of, held):
    assert Guard(5, 20).holds_without_approval(leaving, of) is held


@pytest.mark.parametrize("percent", (0, 1, 3, 20, 99, 100, 150))
def test_more_than_enough_accounts_make_no_difference(percent):
    guard = Guard(5, percent)
    for leaving in range(1, 30):
        enough = guard.enough(leaving)
        assert enough <= leaving * 100 + 1
        for of in (*range(1, 400), enough - 1, enough, enough + 1):
            few = min(of, enough)
            assert guard.holds(leaving, of) is guard.holds(leaving, few)
            assert guard.holds_without_approval(leaving, of) is guard.holds_without_approval(leaving, few)


def test_accounts_are_counted_until_there_are_enough(chat, second):
    """Those of this app alone, without the ones that are being removed or gone."""
    of = App.get_by_id(chat.app.id).users
    assert [guards.present_up_to(chat.app, most) for most in (1, of - 1, of, of + 1)] == [1, of - 1, of, of]
    Account.update(state="removing").where(Account.app == chat.app, Account.external_id == chat.id_of(1)).execute()
    assert guards.present_up_to(chat.app, of) == of - 1


@after(departure(1, 2, 3))
def leavers(chat):
    """Three have left, and their removal waits: Changes of persons 1 to 3."""
    report = reports.open_report(chat.app)
    return [chat.change(report, number) for number in (1, 2, 3)]


def edit(row: Change, **values: object) -> None:
    Change.update(**values).where(Change.id == row.id).execute()


COUNTED_NO_LONGER = (
    {"created_at": utcnow() - YESTERDAY}, {"in_app": False}, {"kind": "updated role"}, {"decision": "left out"})


@pytest.mark.parametrize("change", ({"created_at": utcnow() - LATELY}, {"kind": "no longer assigned"},
                                    {"decision": "held"}, {"decision": "confirmed"}))  # fmt: skip
def test_elsewhere_removals_of_a_day_count_that_may_still_happen(chat, second, leavers, change):
    edit(leavers[0], **change)
    of = App.get_by_id(chat.app.id).users
    assert of >= MEMBERS and guards.leaving_elsewhere(second.app) == (3, of)
    assert guards.leaving_elsewhere(chat.app) == (0, of)


@pytest.mark.parametrize("change", COUNTED_NO_LONGER)
def test_elsewhere_no_other_changes_count(second, leavers, change):
    edit(leavers[0], **change)
    assert guards.leaving_elsewhere(second.app)[0] == 2


def test_a_disconnected_app_counts_for_none_of_the_accounts(chat, second):
    App.update(state="disconnected").where(App.id == chat.app.id).execute()
    assert guards.leaving_elsewhere(second.app) == (0, 0)


@pytest.mark.parametrize("change", ({"decision": "needs confirmation"}, *COUNTED_NO_LONGER))
def test_only_confirmed_removals_of_a_day_count(chat, second, leavers, change):
    for row in leavers:
        edit(row, decision="confirmed")
    assert (guards.confirmed_lately(chat.app), guards.confirmed_lately(second.app)) == (3, 0)
    edit(leavers[0], **change)
    assert guards.confirmed_lately(chat.app) == 2


def test_removals_confirmed_with_a_released_mass_do_not_count_for_the_next(chat, leavers):
    for row in leavers:
        edit(row, decision="confirmed")
    Report.update(released_at=leavers[0].created_at).execute()
    edit(leavers[2], created_at=leavers[0].created_at + timedelta(seconds=1))
    edit(leavers[1], created_at=leavers[0].created_at - timedelta(seconds=1))
    assert guards.confirmed_lately(chat.app) == 1
    assert guards.waiting_beside(chat.app, [], "confirmed") == 1


def test_beside_some_accounts_the_others_of_the_open_report_wait(chat, leavers):
    assert guards.waiting_beside(chat.app, [], "needs confirmation", "held") == 3
    assert guards.waiting_beside(chat.app, [leavers[0].account_id], "needs confirmation") == 2
    edit(leavers[1], decision="held")
    assert guards.waiting_beside(chat.app, [], "needs confirmation") == 2
    edit(leavers[2], in_app=False)
    assert guards.waiting_beside(chat.app, [], "needs confirmation") == 1
    edit(leavers[0], kind="updated role")
    assert guards.waiting_beside(chat.app, [], "needs confirmation") == 0
    edit(leavers[0], kind="removed user")
    Report.update(state="dismissed").execute()
    assert guards.waiting_beside(chat.app, [], "needs confirmation") == 0


def test_an_account_that_two_changes_remove_counts_once(chat, second, leavers):
    Change.create(app=chat.app, report=leavers[0].report, account=leavers[0].account, kind="no longer assigned",
                  in_app=True, decision="needs confirmation")  # fmt: skip
    assert guards.leaving_elsewhere(second.app)[0] == 3
    assert guards.waiting_beside(chat.app, [], "needs confirmation") == 3
    Change.update(decision="confirmed").execute()
    assert guards.confirmed_lately(chat.app) == 3


@pytest.mark.parametrize(("change", "counted"), [
    ({"state": "queued"}, 1), ({"state": "done"}, 1), ({"state": "needs attention"}, 1), ({"state": "cancelled"}, 0),
    ({"state": "no longer needed"}, 0), ({"kind": "revoke"}, 0), ({"created_at": utcnow() - YESTERDAY}, 0),
    ({"created_at": utcnow() - LATELY}, 1)])  # fmt: skip
def test_removals_by_hand_of_a_day_count_until_they_are_given_up(chat, second, change, counted):
    account = Account.get(Account.email == email(1), Account.app == chat.app)
    task = Task.create(app=chat.app, kind="remove", account=account)
    Task.update(**change).where(Task.id == task.id).execute()
    assert guards.confirmed_lately(chat.app) == counted
    assert guards.leaving_elsewhere(second.app)[0] == counted
    assert guards.confirmed_lately(second.app) == guards.leaving_elsewhere(chat.app)[0] == 0


def test_a_removal_of_a_report_is_not_counted_a_second_time(chat, leavers):
    reports.finish(leavers[0].report, chat.by)
    queue.drain(("task",))
    assert guards.confirmed_lately(chat.app) == 3
    Task.update(change=None).execute()
    assert guards.confirmed_lately(chat.app) == 3


def test_a_released_removal_by_hand_is_no_part_of_the_next_mass_in_its_app(chat, second):
    account = Account.get(Account.email == email(1), Account.app == chat.app)
    Task.create(app=chat.app, kind="remove", account=account, detail={"released": True})
    assert guards.confirmed_lately(chat.app) == 0
    assert guards.leaving_elsewhere(second.app)[0] == 1  # the workspace's guard was not asked then


def test_nobody_is_no_mass(chat):
    App.update(guard_accounts=0, guard_percent=0).execute()
    app = App.get()
    assert not guards.is_mass(app, 0) and guards.is_mass(app, 1)
    assert not guards.is_mass_of(app, ("to invite",), 0) and guards.is_mass_of(app, ("to invite",), 1)


def test_a_mass_of_a_kind_is_more_than_the_percentage_of_those_in_the_app(chat, second):
    App.update(guard_accounts=0, guard_percent=30).execute()
    app = App.get_by_id(chat.app.id)
    assert app.users == MEMBERS + 1
    assert not guards.is_mass_of(app, ("to invite",), 3) and guards.is_mass_of(app, ("to invite",), 4)


def test_earlier_ones_of_the_day_are_part_of_a_mass_of_the_same_kind(chat, leavers):
    """Of ten accounts, more than five and more than 20 percent are a mass."""
    for row in leavers:
        edit(row, kind="to invite", decision="confirmed")
    kinds = ("to invite",)
    assert guards.is_mass_of(chat.app, kinds, 3) and not guards.is_mass_of(chat.app, kinds, 2)
    assert not guards.is_mass_of(chat.app, ("to change role",), 3)
    App.update(guard_accounts=0, guard_percent=0).execute()
    assert not guards.is_mass_of(App.get(), kinds, 0) and guards.is_mass_of(App.get(), kinds, 1)
    edit(leavers[0], created_at=utcnow() - YESTERDAY)
    assert not guards.is_mass_of(chat.app, kinds, 3) and guards.is_mass_of(chat.app, kinds, 4)
    edit(leavers[1], decision="held")
    assert not guards.is_mass_of(chat.app, kinds, 4) and guards.is_mass_of(chat.app, kinds, 5)
    Report.update(released_at=utcnow()).execute()
    assert not guards.is_mass_of(chat.app, kinds, 5)


def test_the_guard_of_the_app_or_that_of_the_workspace_holds_a_mass(chat, second, leavers):
    """Three leave the first app. The workspace's guard also looks at those, and at others of the same approval."""
    def holds(of_app: int, of_all: int, besides: int = 0) -> bool:
        App.update(guard_accounts=of_app, guard_percent=0).execute()
        update_workspace(chat.by, guard_accounts=of_all)
        return guards.is_mass(App.get_by_id(second.app.id), 1, besides)

    update_workspace(chat.by, guard_percent=0)
    assert [holds(0, 9), holds(1, 9), holds(1, 3), holds(1, 4)] == [True, False, True, False]
    assert [holds(1, 5, besides=2), holds(1, 6, besides=2)] == [True, False]
    update_workspace(chat.by, guard_percent=19)  # 4 of the 22 accounts in both apps are fewer
    assert not holds(1, 0)


@pytest.mark.parametrize(("held", "counts"), [
    ({}, True), ({"ago": YESTERDAY * 2}, True), ({"ago": timedelta()}, False),
    ({"decision": "needs confirmation"}, False), ({"kind": "to invite"}, False), ({"in_app": False}, False),
])  # fmt: skip
def test_a_held_removal_counts_those_of_a_day_before_it(chat, second, leavers, held, counts):
    for row in leavers:
        edit(row, created_at=utcnow() - YESTERDAY, decision="confirmed")
    values = {"ago": LATELY, "decision": "held"} | held
    edit(leavers[0], created_at=utcnow() - values.pop("ago"), **values)
    assert guards.confirmed_lately(chat.app) == 2 * counts
    assert guards.leaving_elsewhere(second.app)[0] <= 1
    Report.update(state="dismissed").execute()
    assert guards.confirmed_lately(chat.app) == 0


def test_the_share_is_of_those_present_and_those_who_left_today(chat):
    """Half of 11 accounts, in an app that may lose any number."""
    App.update(guard_accounts=0, guard_percent=50).execute()
    assert App.get().users == 11
    assert not guards.is_mass(App.get(), 5) and guards.is_mass(App.get(), 6)
    chat.leave(1, 2)
    made = reports.finish(chat.check().report, chat.by).tasks
    assert len(made) == 2 and Account.select().where(Account.state == "present").count() == 9
    assert not guards.is_mass(App.get(), 3) and guards.is_mass(App.get(), 4)
