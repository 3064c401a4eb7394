"""Owners' changes to members by hand: previewed, done once as requested; protected accounts are kept."""

from __future__ import annotations

import threading

import pytest

from sync import activity
from sync.apps import apps, assets
from sync.checks import snapshot
from sync.db import connected, utcnow, writing
from sync.jobs import queue
from sync.matching import members
from sync.models import Access, Account, App, Asset, Task
from sync.people import holds
from sync.reports import reports
from sync.tasks import by_hand, tasks
from sync.tasks import progress as task_progress
from sync.tasks.by_hand import OperationHeld, OperationProblem, PlanChanged
from sync.tasks.plans import LineState
from tests.sync.acting import account, change_role, grant, ids, remove, revoke, words
from tests.sync.fixtures import email

# Roles


def test_a_role_changed_is_so_in_the_app_and_here_and_the_next_check_finds_nothing_new(chat):
    plan = by_hand.plan_roles(chat.app, ids(1, 2), "admin")
    assert [(line.before, line.after) for line in plan.lines] == [("Member", "Admin")] * 2
    done = change_role(chat, "admin", 1, 2)
    assert len(done.tasks) == 2 and words(1) == "update ongoing" and account(1).role == "member"
    queue.drain()
    assert words(1) == "onboarded" and account(1).role == account(2).role == "admin", "at once, before any check"
    assert {member["role"] for member in chat.members() if member["email"] in (email(1), email(2))} == {"admin"}
    check = chat.check()
    assert check.counts["updated_roles"] == 0 and check.applied == 0
    logged = [(entry.who, entry.what, entry.before, entry.after) for entry in activity.entries(app=chat.app)]
    assert ("Rollcall", "role changed in the app", "Member", "Admin") in logged
    assert (chat.by.name, "asked to change role", "Member", "Admin") in logged


def test_a_role_that_was_changed_in_the_app_in_the_meantime_stays_and_says_so(chat):
    change_role(chat, "admin", 1)
    chat.store.change(chat.id_of(1), via="page", role="guest")
    queue.drain()
    task = Task.get()
    assert (task.state, task.error) == ("no longer needed", "Its role was changed to Guest in the app in the meantime.")
    assert chat.calls("PATCH") == [] and account(1).role == "member"


def test_an_account_with_another_e_mail_than_when_it_was_asked_for_is_left_alone(chat):
    change_role(chat, "admin", 1)
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = 'else@acme.example' WHERE email = ?", (email(1),))
    queue.drain()
    assert "a different e-mail address" in Task.get().error and chat.calls("PATCH") == []


def test_access_is_offered_to_anyone_who_has_joined_and_fits_the_words(chat):
    assert [one.email for one in assets.may_be_given(chat.app, "2 PERSON", 50)] == [email(2)]
    assert len(assets.may_be_given(chat.app, "", 3)) == 3
    with writing():
        Account.update(status="invited").where(Account.email == email(2)).execute()
    assert assets.may_be_given(chat.app, "2 person", 50) == []


def test_a_reading_that_began_before_an_operation_does_not_undo_it(chat, channel, monkeypatch):
    """The check has read everything. Then the operations run, and the check applies its reading."""
    whole = snapshot.read

    def read_then_act(*given):
        read = whole(*given)
        monkeypatch.setattr(snapshot, "read", whole)
        change_role(chat, "admin", 3)
        grant(chat, channel, "manager", 3)
        revoke(chat, channel, 2)
        queue.drain(("task",))
        return read

    monkeypatch.setattr(snapshot, "read", read_then_act)
    check = chat.check()
    assert (check.state, check.applied) == ("succeeded", 0)
    assert account(3).role == "admin"
    assert set(Access.select(Access.account, Access.role).tuples()) == {
        (account(1).id, "manager"), (account(3).id, "manager"),
    }  # fmt: skip
    assert chat.check().applied == 0


def test_an_operation_done_but_not_recorded_is_not_news_of_a_check(chat, channel):
    """The worker died between the operation and its record; a check runs before the next worker."""
    change_role(chat, "admin", 3)
    grant(chat, channel, "manager", 3)
    revoke(chat, channel, 2)
    chat.store.change(chat.id_of(3), via="api", role="admin")
    chat.store.join(channel.external_id, chat.id_of(3), "manager", via="api")
    chat.store.leave(channel.external_id, chat.id_of(2), via="api")
    assert chat.check().applied == 0
    queue.drain()
    assert {task.state for task in Task.select()} == {"done"} and account(3).role == "admin"


def test_neither_the_last_administrator_nor_rollcalls_own_account_loses_the_role(chat):
    own = Account.get(Account.external_id == App.get().automation_external_id)
    plan = by_hand.plan_roles(chat.app, [account(0).id, own.id], "member")
    assert [line.state for line in plan.lines] == ["refused", "refused"]
    assert {line.why for line in plan.lines} == {
        "Protected: the last Owner of the app", "Protected: Rollcall acts with this account",
    }  # fmt: skip
    with pytest.raises(OperationProblem, match="None of this can be done"):
        change_role(chat, "member", 0)


def test_of_all_administrators_together_one_keeps_the_role(chat):
    change_role(chat, "admin", 1)
    queue.drain()
    plan = by_hand.plan_roles(chat.app, ids(0, 1), "member")
    assert sorted(line.state for line in plan.lines) == ["ready", "refused"]


def test_two_demotions_one_after_the_other_leave_an_administrator(chat):
    change_role(chat, "admin", 1)
    queue.drain()
    change_role(chat, "member", 0)
    assert by_hand.plan_roles(chat.app, ids(1), "member").lines[0].state == "refused", "the first is under way"


def test_an_administrator_whose_fellow_went_before_the_task_keeps_the_role(chat):
    change_role(chat, "admin", 1)
    queue.drain()
    change_role(chat, "member", 1)
    with chat.store.writing() as store:
        store.execute("UPDATE member SET role = 'member' WHERE email = ?", (email(0),))
    queue.drain()
    assert Task.select().order_by(Task.id.desc()).get().error == "Protected: the last Admin of the app."


def test_an_administrator_is_not_removed_while_the_other_loses_the_role(chat):
    Account.update(role="owner").where(Account.email == email(1)).execute()
    change_role(chat, "member", 1)
    assert by_hand.plan_removals(chat.app, ids(0)).lines[0].why == "Protected: the last Owner of the app"


def test_of_all_administrators_who_are_removed_together_one_stays(chat):
    Account.update(role="owner").where(Account.email == email(1)).execute()
    assert [line.state for line in by_hand.plan_removals(chat.app, ids(0, 1, 3)).lines] == ["ready", "refused", "ready"]
    members.protect(account(0), "owns the billing", chat.by)
    assert [line.state for line in by_hand.plan_removals(chat.app, ids(0, 1)).lines] == ["refused", "ready"]


# Once


def test_a_second_submit_makes_no_second_task(chat):
    plan = by_hand.plan_roles(chat.app, ids(1, 2), "admin")

    def again() -> by_hand.Plan:
        return by_hand.plan_roles(chat.app, ids(1, 2), "admin")

    assert len(by_hand.carry_out(again, chat.by, plan.seen).tasks) == 2
    assert by_hand.carry_out(again, chat.by, plan.seen).already
    queue.drain()
    assert by_hand.carry_out(again, chat.by, plan.seen).already, "nor once it is done"
    assert Task.select().count() == 2 == len(chat.calls("PATCH"))


def test_two_owners_who_want_different_roles_at_once_make_one_task(chat):
    """Both saw the same; the second is shown what the first has done."""
    wanted = ids(1)
    seen = {role: by_hand.plan_roles(chat.app, wanted, role).seen for role in ("admin", "guest")}
    ready, outcomes = threading.Barrier(2), []

    def press(role: str) -> None:
        with connected():
            ready.wait()
            try:
                by_hand.carry_out(lambda: by_hand.plan_roles(chat.app, wanted, role), role, seen[role])
                outcomes.append("done")
            except PlanChanged:
                outcomes.append("shown again")

    threads = [threading.Thread(target=press, args=(role,)) for role in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "shown again"] and Task.select().count() == 1


def test_two_owners_who_remove_the_same_at_once_remove_once(chat):
    wanted = ids(3, 4)
    seen = by_hand.plan_removals(chat.app, wanted).seen
    ready, outcomes = threading.Barrier(2), []

    def press() -> None:
        with connected():
            ready.wait()
            done = by_hand.carry_out(
                lambda: by_hand.plan_removals(chat.app, wanted), "An Owner", seen, reason="Moved on"
            )
            outcomes.append(done.already)

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.drain()
    assert sorted(outcomes) == [False, True] and sorted(chat.removed()) == [email(3), email(4)]


def test_a_plan_that_has_changed_since_it_was_shown_is_shown_again(chat):
    plan = by_hand.plan_removals(chat.app, ids(3))
    matching_protect(chat, 3)
    with pytest.raises(PlanChanged):
        by_hand.carry_out(lambda: by_hand.plan_removals(chat.app, ids(3)), chat.by, plan.seen, reason="x")
    assert Task.select().count() == 0 and account(3).state == "present"


def matching_protect(chat, number: int) -> None:
    members.protect(account(number), "owns the billing", chat.by)


# Removals


def test_someone_who_has_not_left_is_removed_with_a_reason(chat):
    remove(chat, 3, reason="Moved to another team")
    assert words(3) == "removal ongoing" and App.get().users == 10
    queue.drain()
    assert chat.removed() == [email(3)] and account(3).state == "gone"
    assert chat.check().applied == 0, "the next check agrees"
    logged = [(entry.what, entry.about, entry.why) for entry in activity.entries(app=chat.app)]
    assert ("confirmed removal", "Person 3", "Moved to another team") in logged


def test_a_protected_account_is_not_removed_and_the_reason_is_shown(chat):
    matching_protect(chat, 3)
    holds.hold(chat.people[4], "lawsuit", chat.by)
    own = Account.get(Account.external_id == App.get().automation_external_id)
    plan = by_hand.plan_removals(chat.app, [*ids(0, 3, 4, 5), own.id])
    assert {line.name: line.why for line in plan.others} == {
        "Person 0": "Protected: the last Owner of the app",
        "Person 3": "Protected: owns the billing", "Person 4": "Protected: legal hold: lawsuit",
        "Access token": "Protected: Rollcall acts with this account",
    }  # fmt: skip
    assert [line.name for line in plan.ready] == ["Person 5"]


def test_the_removal_of_a_sole_manager_shows_a_warning(chat, channel):
    [line] = by_hand.plan_removals(chat.app, ids(1)).lines
    assert [asset.name for asset in line.alone] == ["general"]


def test_an_account_that_became_someone_elses_before_the_task_stays(chat):
    remove(chat, 3)
    Account.update(person=chat.people[5]).where(Account.id == account(3).id).execute()
    queue.drain()
    assert Task.get().state == "no longer needed" and chat.removed() == [] and account(3).state == "present"


def test_removals_that_wait_in_the_report_count_for_the_guard(chat):
    """Four approved in the report and four by hand are eight, whichever comes first."""
    chat.leave(1, 2, 3, 4)
    report = chat.check().report
    assert report.held == 0 and by_hand.plan_removals(chat.app, ids(5, 6, 7, 8)).held
    assert not by_hand.plan_removals(chat.app, ids(5)).held
    assert not by_hand.plan_removals(chat.app, ids(1, 2, 3, 4)).held, "the same seats are not counted twice"
    with pytest.raises(OperationHeld):
        remove(chat, 5, 6, 7, 8)
    remove(chat, 5, 6, 7, 8, released=4)
    assert len(reports.finish(report, chat.by, version=report.version).tasks) == 4


def test_more_than_the_guard_allows_waits_for_a_release(chat):
    apps.set_guard(chat.app, 2, 10, chat.by)
    plan = by_hand.plan_removals(chat.app, ids(2, 3, 4))
    assert plan.held
    with pytest.raises(OperationHeld):
        remove(chat, 2, 3, 4)
    with pytest.raises(OperationHeld):
        remove(chat, 2, 3, 4, released=2)
    assert Task.select().count() == 0
    remove(chat, 2, 3, 4, released=3)
    queue.drain()
    assert len(chat.removed()) == 3
    released = [entry for entry in activity.entries(app=chat.app) if entry.what == "released mass removal"]
    assert [(entry.about, entry.why) for entry in released] == [("3 accounts", "Moved on")]
    assert not by_hand.plan_removals(chat.app, ids(5)).held, "what was released counts no more"


def test_a_removal_by_hand_that_waits_for_someone_ends_once_there_is_a_legal_hold(chat):
    chat.fault("forbidden", on="/members/", method="DELETE")
    remove(chat, 3)
    queue.drain()
    assert Task.get().state == "needs attention"
    tasks.look_again_at_returned(utcnow())
    queue.drain()
    assert Task.get().state == "needs attention", "nothing keeps it: it waits as it did"
    holds.hold(chat.people[3], "a lawsuit", chat.by)
    tasks.look_again_at_returned(utcnow())
    queue.drain()
    assert (Task.get().state, account(3).state) == ("no longer needed", "present")
    assert Task.get().error == "Protected: legal hold: a lawsuit."


def test_one_after_the_other_is_as_many_as_all_at_once(chat):
    apps.set_guard(chat.app, 2, 10, chat.by)
    remove(chat, 2)
    remove(chat, 3)
    assert by_hand.plan_removals(chat.app, ids(4)).held
    chat.leave(5)
    assert chat.check().held == 1, "and a report counts them too"


# By hand, given up, failed


def test_an_operation_that_fails_says_so_and_can_be_done_by_hand(chat):
    chat.fault("forbidden", on="/members/", method="PATCH")
    change_role(chat, "admin", 1)
    queue.drain()
    assert words(1) == "update failed" and task_progress.state_of(account(1)).why
    tasks.done_by_hand(Task.get(), chat.by)
    assert account(1).role == "admin" and words(1) == "onboarded"


def test_an_operation_given_up_changes_nothing(chat):
    change_role(chat, "admin", 1)
    tasks.cancel(Task.get(), chat.by)
    queue.drain()
    assert account(1).role == "member" and chat.calls("PATCH") == [] and words(1) == "onboarded"


def test_a_worker_that_died_after_the_operation_finds_it_done(chat, channel):
    change_role(chat, "admin", 1)
    grant(chat, channel, "member", 3)
    chat.store.change(chat.id_of(1), via="api", role="admin")
    chat.store.join(channel.external_id, chat.id_of(3), "member", via="api")
    Task.update(state="running", lease_owner="gone:1:x", lease_until=utcnow()).execute()
    queue.drain()
    assert {task.state for task in Task.select()} == {"done"} and chat.calls("PATCH") == []
    assert account(1).role == "admin"


def test_only_accounts_of_the_app_are_meant(chat, second):
    theirs = Account.select().where(Account.app == second.app).first()
    assert by_hand.plan_roles(chat.app, [theirs.id], "admin").lines == []
    with pytest.raises(OperationProblem, match="Select at least one account"):
        by_hand.plan_removals(chat.app, [])
    with pytest.raises(OperationProblem, match="no such role"):
        by_hand.plan_roles(chat.app, ids(1), "emperor")


def test_a_leaver_in_a_report_awaits_removal(chat):
    chat.leave(3)
    chat.check()
    assert words(3) == "removal pending" and words(4) == "onboarded"


def test_an_administrator_whose_change_is_refused_still_counts_as_one_who_stays(chat):
    chat.store.change(chat.id_of(1), via="page", role="owner")
    chat.check()
    App.update(automation_external_id=chat.id_of(0)).execute()
    plan = by_hand.plan_roles(App.get(), ids(0, 1), "member")
    assert [line.state for line in plan.lines] == [LineState.REFUSED, LineState.READY]


def test_one_held_removal_is_released_by_its_number(chat):
    App.update(guard_accounts=0, guard_percent=0).execute()
    plan = by_hand.plan_removals(App.get(), ids(3))
    assert plan.held and len(plan.ready) == 1

    def again() -> by_hand.Plan:
        return by_hand.plan_removals(App.get(), ids(3))

    with pytest.raises(OperationHeld):
        by_hand.carry_out(again, chat.by, plan.seen, reason="Left")
    assert not Task.select().exists()
    assert len(by_hand.carry_out(again, chat.by, plan.seen, reason="Left", released=1).tasks) == 1


def test_only_the_line_that_is_kept_is_left_out(chat, channel):
    """Of two who each manage something alone."""
    own = Asset.create(app=chat.app, external_id="own", kind="channel", name="own")
    Access.create(app=chat.app, account=account(2), asset=own, role="manager", privileged=True)
    with pytest.raises(OperationProblem, match="^Nobody is selected"):
        remove(chat, 1, kept={str(account(1).id)})
    remove(chat, 1, 2, kept={str(account(1).id)}, hand_overs={(account(2).id, own.id): None})
    assert [task.account for task in Task.select()] == [account(2)] and account(1).state == "present"
