"""Reports: who is in them, what an approval covers, and that it never covers anyone else."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from connectors.apps.sample_chat import SampleChat
from sync.apps import apps
from sync.checks import checks
from sync.db import connected, utcnow
from sync.jobs import asking, queue
from sync.matching import decisions as match_decisions
from sync.matching import members
from sync.models import Account, Activity, App, Asset, Change, Check, Mail, Report, Role, Task
from sync.people import people
from sync.reports import reports
from sync.safety import sole_managers
from sync.tasks import disconnecting, tasks
from sync.workspace import update_workspace
from tests.sync.fixtures import MEMBERS, after, departure, email


def decisions(report: Report) -> dict[str, str]:
    return {row.account.email: row.decision for row in report.changes if row.decision != "applied" and row.account}


@after(departure(3))
def report(chat) -> Report:
    """Person 3 has left."""
    return reports.open_report(chat.app)


@after(departure(3, 4))
def report_of_two(chat) -> Report:
    """Persons 3 and 4 have left."""
    return reports.open_report(chat.app)


def account(number: int) -> Account:
    return Account.get(Account.email == email(number))


# Approval


def test_an_approval_makes_one_task_for_each_and_is_reported(chat, report_of_two):
    done = reports.finish(report_of_two, chat.by, version=report_of_two.version)
    assert [task.account.email for task in done.tasks] == [email(3), email(4)] and not done.already
    assert (done.report.state, done.report.decided_by) == ("applied", chat.by)
    assert account(3).state == "removing" and App.get().users == MEMBERS + 1 - 2
    queue.drain()
    assert chat.removed() == [email(3), email(4)] and account(3).state == "gone"


def test_a_second_approval_does_nothing_twice(chat, report):
    first = reports.finish(report, chat.by, version=report.version)
    second = reports.finish(report, chat.by, version=report.version)
    assert second.already and second.report == first.report == report and not first.already
    assert [task.id for task in second.tasks] == [task.id for task in first.tasks]
    queue.drain()
    assert reports.finish(report, chat.by).already and chat.removed() == [email(3)]


def test_two_yeses_at_the_same_instant_make_one_task(chat, report):
    ready, outcomes = threading.Barrier(2), []

    def press() -> None:
        with connected():
            ready.wait()
            outcomes.append(reports.finish(report, chat.by, version=report.version).already)

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, True] and Task.select().count() == 1


def test_an_approval_on_a_page_that_a_check_has_overtaken_is_refused(chat):
    chat.leave(3)
    seen = chat.check().report
    chat.leave(4)
    chat.check()
    with pytest.raises(reports.ReportChanged):
        reports.finish(seen, chat.by, version=seen.version)
    assert Task.select().count() == 0 and account(3).state == "present"


def test_an_approval_given_for_one_leaver_never_covers_another_who_took_the_place(chat):
    """As many wait as before, but a different person: the open page is out of date."""
    chat.leave(3)
    seen = chat.check().report
    people.mark_returned(chat.people[3], chat.by)
    chat.leave(4)
    now = chat.check().report
    assert now.id == seen.id and now.waiting == seen.waiting == 1
    with pytest.raises(reports.ReportChanged):
        reports.finish(seen, chat.by, version=seen.version)
    queue.drain()
    assert chat.removed() == []


def test_a_check_that_finds_the_same_leaves_the_page_good(chat):
    chat.leave(3)
    seen = chat.check().report
    assert chat.check().report.version == seen.version
    assert reports.finish(seen, chat.by, version=seen.version).tasks


def test_an_approval_covers_nobody_who_came_back_since_the_check(chat, report_of_two):
    people.mark_returned(chat.people[3], chat.by)
    done = reports.finish(report_of_two, chat.by)
    assert [task.account.email for task in done.tasks] == [email(4)] and account(3).state == "present"


def test_an_approval_covers_no_account_matched_to_another_leaver_since_the_check(chat, report_of_two):
    match_decisions.unmatch(account(3), chat.by)
    match_decisions.match(account(3), chat.people[4], chat.by)
    done = reports.finish(report_of_two, chat.by)
    assert [task.account.email for task in done.tasks] == [email(4)] and account(3).state == "present"
    [asked] = [row for row in chat.check().report.changes if row.account_id == account(3).id]
    assert (asked.decision, asked.person) == ("needs confirmation", chat.people[4])


def test_an_approval_covers_nobody_protected_since_the_check(chat, report_of_two):
    members.protect(account(3), "legal hold", chat.by)
    done = reports.finish(report_of_two, chat.by)
    assert [task.account.email for task in done.tasks] == [email(4)]
    change = Change.get(Change.account == account(3), Change.kind == "removed user")
    assert change.protection_reason == "Protected: legal hold"


@pytest.mark.parametrize("decide", [match_decisions.mark_guest, match_decisions.mark_service, match_decisions.unmatch])
def test_an_approval_covers_no_account_that_someone_decided_about_since_the_check(chat, report, decide):
    decide(account(3), chat.by)
    assert reports.finish(report, chat.by).tasks == [] and account(3).state == "present"


def test_an_approval_covers_no_service_account_although_who_is_responsible_for_it_has_left(chat, report):
    match_decisions.mark_service(account(3), chat.by)
    Account.update(person=chat.people[3]).where(Account.id == account(3).id).execute()  # as an earlier version let one
    assert reports.finish(report, chat.by).tasks == []
    assert chat.check().waiting == 0


def test_a_report_with_nobody_left_to_confirm_closes(chat, report):
    people.mark_returned(chat.people[3], chat.by)
    assert reports.finish(report, chat.by).report.state == "applied"


def test_a_confirmed_leaver_who_was_not_removed_waits_again_in_the_open_report(chat, report_of_two):
    first = reports.finish(report_of_two, chat.by, only={chat.change(report_of_two, 3).id})
    tasks.cancel(first.tasks[0], chat.by)
    again = chat.check()
    assert again.report.id == report_of_two.id and again.waiting == 2
    assert decisions(again.report) == {email(3): "needs confirmation", email(4): "needs confirmation"}


def test_an_approval_that_is_limited_leaves_the_rest_open(chat, report_of_two):
    done = reports.finish(report_of_two, chat.by, only={chat.change(report_of_two, 3).id})
    assert [task.account.email for task in done.tasks] == [email(3)]
    assert (done.report.state, done.report.waiting) == ("open", 1)


# Leaving out


def test_leaving_out_needs_a_reason(chat, report):
    change = chat.change(report, 3)
    for reason in ("", "   "):
        with pytest.raises(reports.ReportProblem, match="Enter why"):
            reports.leave_out(change, reason, chat.by)
        with pytest.raises(reports.ReportProblem, match="Person 3"):
            reports.finish(report, chat.by, left_out={change.id: reason})
    assert reports.open_report(chat.app).waiting == 1 and Task.select().count() == 0


def test_leaving_out_someone_of_another_report_changes_nothing(chat, report):
    with pytest.raises(reports.ReportChanged):
        reports.finish(report, chat.by, left_out={chat.change(report, 3).id + 999: "hand-over"})
    assert Task.select().count() == 0


def test_a_leaver_left_out_is_reported_again_after_the_next_departure(chat):
    """The reason was given for one departure; a rehire who leaves again is a new question."""
    chat.leave(3)
    report = chat.check().report
    reports.finish(report, chat.by, left_out={chat.change(report, 3).id: "until the hand-over"})
    people.mark_returned(chat.people[3], chat.by)
    chat.check()
    chat.leave(3)
    assert chat.check().waiting == 1


def test_everyone_left_out_closes_the_report(chat):
    chat.leave(*range(2, 9))
    report = chat.check().report
    assert report.held == 7
    everyone = {change.id: "a false alarm" for change in report.changes if change.decision == "held"}
    done = reports.finish(report, chat.by, left_out=everyone)
    assert done.report.state == "applied" and done.tasks == []


def test_taking_back_what_was_left_out_does_not_slip_past_the_guard(chat):
    chat.leave(*range(2, 9))
    report = chat.check().report
    for change in list(report.changes):
        reports.leave_out(change, "a false alarm", chat.by)
    for change in Change.select().where(Change.report == report):
        reports.take_back(change, chat.by)
    assert reports.open_report(chat.app).held == 7
    with pytest.raises(reports.ReportHeld):
        reports.finish(report, chat.by)
    assert Task.select().count() == 0


def test_taking_back_in_the_wizard_does_not_slip_past_the_guard_either(chat):
    chat.leave(*range(2, 9))
    report = chat.check().report
    ids = {change.id for change in report.changes if change.decision == "held"}
    for change in list(report.changes):
        reports.leave_out(change, "a false alarm", chat.by)
    with pytest.raises(reports.ReportHeld):
        reports.finish(report, chat.by, taken_back=ids)
    assert Task.select().count() == 0
    reports.release(report, chat.by)
    assert len(reports.finish(report, chat.by).tasks) == 7


def test_a_release_lets_through_what_was_looked_at_alone(chat):
    """The Owner's standing approval would immediately cover people that a check has added in the meantime."""
    apps.set_removal(chat.app, "automatic", chat.by)
    chat.leave(*range(2, 8))
    report = chat.check().report
    assert report.held == 6
    chat.leave(8)
    chat.check()
    with pytest.raises(reports.ReportChanged):
        reports.release(report, chat.by, report.version)
    assert Report.get_by_id(report.id).held == 7
    chat.check()
    assert Task.select().count() == 0
    reports.release(report, chat.by, Report.get_by_id(report.id).version)
    assert Report.get_by_id(report.id).waiting == 7


def test_taking_back_one_of_few_lets_it_wait_again(chat, report_of_two):
    reports.leave_out(chat.change(report_of_two, 3), "hand-over", chat.by)
    reports.take_back(chat.change(report_of_two, 3), chat.by)
    assert decisions(report_of_two)[email(3)] == "needs confirmation" and account(3).left_out_reason is None
    assert len(reports.finish(report_of_two, chat.by).tasks) == 2


def test_leaving_out_of_a_mass_of_vanished_accounts_outlives_the_next_check(chat):
    for number in range(2, 9):
        chat.store.remove(chat.id_of(number), via="page")
    report = chat.check().report
    reports.leave_out(chat.change(report, 2), "the app is wrong", chat.by)
    assert decisions(chat.check().report)[email(2)] == "left out" and account(2).left_out_reason is None
    reports.take_back(chat.change(report, 2), chat.by)
    assert decisions(report)[email(2)] == "held"


def test_a_decision_that_the_form_leaves_unchanged_is_not_made_again(chat, report_of_two):
    left_out, ticked = chat.change(report_of_two, 3), chat.change(report_of_two, 4)
    reports.leave_out(left_out, "Hand-over", "Someone Else")
    version = Report.get_by_id(report_of_two.id).version
    reports.finish(report_of_two, chat.by, version, {left_out.id: "Hand-over"}, taken_back={ticked.id})
    assert Activity.select().where(Activity.what == "left out").count() == 1
    assert not Activity.select().where(Activity.what == "took back leaving out").exists()
    assert Activity.get(Activity.what == "finished sync").after == "1 approved, 0 left out"
    assert account(3).left_out_by == "Someone Else" and account(4).state == "removing"


def test_another_reason_is_kept_with_who_gave_it(chat, report_of_two):
    left_out = chat.change(report_of_two, 3)
    reports.leave_out(left_out, "Hand-over", "Someone Else")
    reports.finish(report_of_two, chat.by, Report.get_by_id(report_of_two.id).version, {left_out.id: "Contractor"})
    assert (account(3).left_out_reason, account(3).left_out_by) == ("Contractor", str(chat.by))
    assert Activity.get(Activity.what == "finished sync").after == "1 approved, 1 left out"


def test_leaving_out_of_a_vanished_asset_can_be_taken_back(chat):
    channels = [chat.store.add_channel(f"channel {number}", via="page") for number in range(7)]
    chat.check()
    for channel in channels:
        chat.store.remove_channel(channel, via="page")
    report = chat.check().report
    change = next(row for row in report.changes if row.kind == "removed asset")
    reports.leave_out(change, "the app is wrong", chat.by)
    reports.take_back(change, chat.by)
    assert Change.get_by_id(change.id).decision == "held"
    assert Asset.select().where(Asset.state == "present").count() == 7


# Dismissing and releasing


@pytest.mark.parametrize("reason", ["", "  "])
def test_dismissing_needs_a_reason(chat, report, reason):
    with pytest.raises(members.ReasonNeeded):
        reports.dismiss(report, chat.by, reason)
    assert Report.get_by_id(report.id).state == "open"


def test_a_dismissed_report_asks_nobody_again(chat, report_of_two):
    reports.dismiss(report_of_two, chat.by, "all of them are contractors")
    again = chat.check()
    assert (again.waiting, again.held, again.report.state) == (0, 0, "applied")
    assert account(3).left_out_reason == "all of them are contractors"
    for decide, *more in ((reports.finish,), (reports.dismiss, "again"), (reports.release,)):
        with pytest.raises(reports.ReportProblem, match="dismissed"):
            decide(report_of_two, chat.by, *more)


def test_releasing_lets_through_what_was_seen_and_holds_the_next_mass(chat):
    more = [people.add(f"More {number}", f"m{number}@acme.example", chat.by) for number in range(8)]
    chat.store.add_many([(f"m{number}@acme.example", f"More {number}", "member") for number in range(8)])
    chat.leave(*range(2, 9))
    report = chat.check().report
    reports.release(report, chat.by)
    for person in more:
        people.mark_left(person, chat.by)
    check = chat.check()
    assert (check.report.id, check.waiting, check.held) == (report.id, 7, 8)
    done = reports.finish(report, chat.by)
    assert len(done.tasks) == 7 and (done.report.state, done.report.held) == ("open", 8)
    queue.drain()
    assert len(chat.removed()) == 7


def test_only_what_is_held_can_be_released(chat):
    chat.leave(3)
    with pytest.raises(reports.ReportProblem, match="Nothing in this report is held"):
        reports.release(chat.check().report, chat.by)


@pytest.mark.parametrize("act", ["finish", "release"])
def test_nothing_is_approved_in_an_app_that_was_disconnected(chat, report, act):
    disconnecting.disconnect(chat.app, chat.by)
    with pytest.raises(reports.ReportProblem, match="Chat is disconnected, so nothing can be done in it"):
        getattr(reports, act)(report, chat.by)
    assert Report.get_by_id(report.id).is_open and not Task.select().exists()


# The guard


def test_removals_by_and_by_within_a_day_are_one_mass(chat):
    chat.leave(1, 2, 3, 4, 5)
    reports.finish(chat.check().report, chat.by)
    queue.drain()
    chat.leave(6, 7)
    check = chat.check()
    assert (check.waiting, check.held) == (0, 2)
    Change.update(created_at=utcnow() - timedelta(hours=25)).execute()
    assert chat.check().held == 2, "waiting for a day releases nobody"


def test_removals_of_yesterday_are_no_part_of_todays_mass(chat):
    chat.leave(1, 2, 3, 4, 5)
    reports.finish(chat.check().report, chat.by)
    queue.drain()
    Change.update(created_at=utcnow() - timedelta(hours=25)).execute()
    chat.leave(6, 7)
    assert chat.check().held == 0


def test_a_mass_over_two_apps_is_held_although_it_is_small_in_each(chat, second):
    chat.leave(1, 2, 3, 4)
    assert chat.check().held == 0
    assert (second.check().waiting, second.check().held) == (0, 4)
    Change.update(created_at=utcnow() - timedelta(hours=25)).execute()
    assert second.check().held == 4, "waiting for a day releases nobody"


def test_the_apps_own_guard_counts(chat):
    apps.set_guard(chat.app, 1, 10, chat.by)
    chat.leave(1, 2)
    assert chat.check().held == 2


def test_fewer_leavers_than_the_guard_holds_are_let_through_again(chat):
    chat.leave(1, 2, 3, 4, 5, 6)
    assert chat.check().held == 6
    people.mark_returned(chat.people[1], chat.by)
    check = chat.check()
    assert (check.waiting, check.held) == (5, 0)


def test_an_approval_of_people_who_were_shown_as_held_does_not_cover_them_later(chat):
    chat.leave(1, 2, 3, 4, 5, 6)
    seen = chat.check().report
    update_workspace(chat.by, guard_accounts=9)
    assert chat.check().held == 0
    with pytest.raises(reports.ReportChanged):
        reports.finish(seen, chat.by, seen.version)


def test_nobody_takes_back_what_a_decided_report_has_left_out(chat, report):
    reports.dismiss(report, chat.by, "The list is wrong")
    with pytest.raises(reports.ReportChanged):
        reports.take_back(chat.change(report, 3), chat.by)


def test_someone_can_be_left_out_while_nothing_is_decided_about_the_others(chat, report_of_two):
    one, other = chat.change(report_of_two, 3), chat.change(report_of_two, 4)
    assert not reports.finish(report_of_two, chat.by, left_out={one.id: "Hand-over"}, undecided=[other.id]).tasks
    assert decisions(report_of_two) == {email(3): "left out", email(4): "needs confirmation"}


def test_an_account_that_is_being_removed_already_is_dropped_from_the_report(chat, report_of_two):
    change = chat.change(report_of_two, 3)
    Account.update(state="removing").where(Account.id == change.account_id).execute()
    assert len(reports.finish(report_of_two, chat.by).tasks) == 1
    now = Change.get_by_id(change.id)
    assert (now.report, now.decision, now.reason) == (None, "ignored", "No longer in the app")


def test_nobody_in_another_report_is_left_out_with_this_one(chat, second):
    chat.leave(3)
    report, other = chat.check().report, second.check().report
    with pytest.raises(reports.ReportChanged):
        reports.finish(report, chat.by, left_out={second.change(other, 3).id: "Hand-over"})
    assert decisions(other) == {email(3): "needs confirmation"}


# Protections


def test_the_automation_account_is_never_asked_about(chat):
    bot = Account.get(Account.external_id == App.get().automation_external_id)
    match_decisions.match(bot, chat.people[3], chat.by)
    chat.leave(3)
    report = chat.check().report
    change = Change.get(Change.account == bot, Change.report == report)
    assert change.decision == "ignored" and "acts with this account" in change.protection_reason
    reports.finish(report, chat.by)
    queue.drain()
    assert chat.removed() == [email(3)]


def test_the_last_owner_is_shown_greyed_and_stays(chat):
    chat.leave(0)
    report = chat.check().report
    change = chat.change(report, 0)
    assert (change.decision, change.protection_reason) == ("ignored", "Protected: the last Owner of the app")
    assert reports.finish(report, chat.by).tasks == []
    mails = Mail.select().count()
    again = chat.check().report
    assert again != report and again.is_open, "it stays an open question"
    assert Mail.select().count() == mails, "that was mailed already"
    assert chat.check().report == again


def test_two_last_admins_who_leave_together_both_stay(chat):
    chat.store.change(chat.id_of(1), via="page", role="admin")
    chat.leave(0, 1)
    report = chat.check().report
    assert set(decisions(report).values()) == {"ignored"}
    assert reports.finish(report, chat.by).tasks == []


def test_of_two_admins_confirmed_together_one_stays_when_the_third_went_in_the_meantime(chat):
    for number in (1, 2):
        chat.store.change(chat.id_of(number), via="page", role="admin")
    chat.leave(0, 1)
    report = chat.check().report
    assert set(decisions(report).values()) == {"needs confirmation"}
    Account.update(role="member").where(Account.email == email(2)).execute()
    assert len(reports.finish(report, chat.by).tasks) == 1


def test_a_suspended_or_invited_admin_does_not_count_as_one_who_stays(chat):
    chat.store.change(chat.id_of(1), via="page", role="admin", status="deactivated")
    chat.leave(0)
    assert chat.change(chat.check().report, 0).protection_reason


def test_roles_that_the_app_forgets_to_list_stay_known_as_long_as_someone_has_one(chat, monkeypatch):
    monkeypatch.setattr(SampleChat, "roles", lambda self: [])
    chat.check()
    chat.leave(0)
    assert chat.change(chat.check().report, 0).protection_reason


# The Owner's standing yes


def test_the_standing_approval_removes_automatically(chat):
    apps.set_removal(chat.app, "automatic", chat.by)
    chat.leave(3)
    chat.check()
    queue.drain()
    assert chat.removed() == [email(3)] and Report.select().where(Report.state == "open").count() == 0


def test_the_standing_approval_never_covers_an_account_that_someone_kept(chat):
    apps.set_removal(chat.app, "automatic", chat.by)
    chat.leave(3)
    chat.check()
    tasks.cancel(Task.get(), chat.by)
    chat.check()
    assert reports.open_report(chat.app).waiting == Task.select().count() == 1
    people.mark_returned(chat.people[3], chat.by)
    chat.leave(3)
    chat.check()
    queue.drain(("task",))
    assert chat.removed() == [email(3)], "the decision was about the first time"


def test_the_standing_approval_never_covers_what_a_guard_holds(chat):
    apps.set_removal(chat.app, "automatic", chat.by)
    chat.leave(*range(2, 9))
    assert chat.check().held == 7
    queue.drain()
    assert chat.removed() == []


def test_the_standing_approval_never_covers_a_sole_manager(chat):
    apps.set_removal(chat.app, "automatic", chat.by)
    channel = chat.store.add_channel("launch", via="page")
    chat.store.join(channel, chat.id_of(3), "manager", via="page")
    chat.store.join(channel, chat.id_of(4), "member", via="page")
    chat.leave(3, 4)
    chat.check()
    queue.drain()
    assert chat.removed() == [email(4)] and decisions(reports.open_report(chat.app))[email(3)] == "needs confirmation"


def test_the_standing_approval_never_covers_those_who_together_are_all_that_control_an_asset(chat):
    apps.set_removal(chat.app, "automatic", chat.by)
    channel = chat.store.add_channel("launch", via="page")
    for number in (3, 4):
        chat.store.join(channel, chat.id_of(number), "manager", via="page")
    chat.leave(3, 4)
    chat.check()
    queue.drain()
    assert chat.removed() == []
    alone = sole_managers.sole_assets([account(3).id, account(4).id])
    assert {name for assets in alone.values() for name in (asset.name for asset in assets)} == {"launch"}
    assert set(alone) == {account(3).id, account(4).id}


def test_someone_who_cannot_sign_in_to_the_app_is_no_second_hand_on_an_asset(chat):
    channel = chat.store.add_channel("launch", via="page")
    for number in (3, 4):
        chat.store.join(channel, chat.id_of(number), "manager", via="page")
    chat.store.change(chat.id_of(4), via="page", status="deactivated")
    chat.check()
    assert sole_managers.sole_assets([account(3).id])


def test_the_standing_approval_never_empties_an_app(chat, monkeypatch):
    """Roles unknown, everyone left: that needs a person's approval."""
    monkeypatch.setattr(SampleChat, "roles", lambda self: [])
    apps.set_removal(chat.app, "automatic", chat.by)
    apps.set_guard(chat.app, 100, 100, chat.by)
    update_workspace(chat.by, guard_accounts=100)
    Role.delete().execute()
    chat.leave(*range(10))
    chat.check()
    queue.drain()
    assert chat.removed() == []


# What a check shows


def test_a_reading_that_began_before_a_removal_does_not_bring_the_account_back(chat, report, monkeypatch):
    whole = SampleChat.access

    def remove_in_between(self):
        yield from whole(self)
        reports.finish(report, chat.by)
        queue.drain(("task",))

    monkeypatch.setattr(SampleChat, "access", remove_in_between)
    check = chat.check()
    assert check.state == "succeeded" and chat.removed() == [email(3)]
    assert account(3).state == "gone" and check.counts["new_users"] == 0


def test_an_e_mail_names_someone_who_took_anothers_place(chat):
    chat.leave(3)
    chat.check()
    mails = Mail.select().count()
    people.mark_returned(chat.people[3], chat.by)
    chat.leave(4)
    chat.check()
    assert Mail.select().count() > mails


def test_two_checks_at_the_same_time_are_one(chat):
    ready, asked = threading.Barrier(2), []

    def press() -> None:
        with connected():
            ready.wait()
            check = asking.ask(chat.app, chat.by)
            asked.append(check.id)
            checks.run(check.id)

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = {check.state for check in Check.select().where(Check.id.in_(asked))}
    assert states == {"succeeded"}
