"""What an approval covers, now or on its day, row by row, and what ends a date without a plan."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.apps import apps
from sync.db import utcnow
from sync.home import summary
from sync.jobs import asking
from sync.matching import members
from sync.models import Access, Account, Activity, App, Change, Person, Report, Task
from sync.offboarding import offboarding
from sync.offboarding.offboarding import OffboardingProblem
from sync.offboarding.preview import preview
from sync.people import holds, people
from sync.rank import NotAllowed
from sync.reports import reports
from sync.safety.successors import SuccessorProblem
from sync.tasks import tasks
from sync.workspace import today
from tests.sync.fixtures import email
from tests.sync.offboarding.test_offboarding import offboard, the_day_comes

TOMORROW = timedelta(days=1)


@pytest.mark.parametrize("values", [{"person": 4}, {"match_kind": "guest"}, {"state": "gone"}],
                         ids=["another person's", "a guest's", "gone"])  # fmt: skip
def test_an_account_that_is_no_longer_theirs_on_the_day_stays(chat, olga, values):
    planned = offboard(chat.people[3], olga, on=today() + TOMORROW)
    if "person" in values:
        values = {"person": chat.people[values["person"]]}
    Account.update(**values).where(Account.email == email(3)).execute()
    the_day_comes()
    assert Person.get_by_id(chat.people[3].id).status == "deprovisioned"
    assert Task.select().count() == 0
    [change] = Change.select().where(Change.offboarding == planned)
    assert (change.decision, change.reason) == ("ignored", "No longer theirs")


def test_the_date_of_a_plan_ends_only_with_the_plan(chat, olga):
    offboard(chat.people[3], olga, on=today() + TOMORROW)
    Person.update(remove_on=today()).where(Person.remove_on.is_null(False)).execute()
    offboarding.end_keep_until_dates(utcnow())
    assert Person.get_by_id(chat.people[3].id).remove_on == today()


def planned_by_ana(chat, number: int = 3) -> Person:
    """Ana, an admin who owns the app, has planned it for tomorrow."""
    ana = people.add("Ana Lima", "ana.lima@acme.example", chat.by, workspace_role="admin")
    apps.set_manager(chat.app, ana, "owner", chat.by)
    offboard(chat.people[number], ana, on=today() + TOMORROW)
    return ana


@pytest.mark.parametrize("end", ["left", "a user", "no owner", "collaborator"])
def test_a_plan_of_someone_who_could_not_make_it_now_waits_for_another_approval(chat, olga, end):
    ana = planned_by_ana(chat)
    assert not holds.lapsed()
    if end == "left":
        people.mark_left(ana, chat.by)
    elif end == "a user":
        people.set_workspace_role(ana, "user", chat.by)
    else:
        apps.set_manager(chat.app, ana, None if end == "no owner" else end, chat.by)
    the_day_comes()
    why = {"left": "has left", "a user": "no longer manages people"}.get(
        end, f"is no longer an Owner of {chat.app.name}")  # fmt: skip
    [item] = summary.waiting_for(olga, None)
    assert (item.offboarding.person, item.by) == (chat.people[3], f"Ana Lima, who {why}")
    assert (Person.get_by_id(chat.people[3].id).status, Task.select().count()) == ("active", 0)
    offboard(chat.people[3], olga)
    assert (Task.select().count(), summary.waiting_for(olga, None)) == (1, [])


def test_a_leaver_whose_plan_was_made_by_someone_who_has_left_is_reported(chat, olga):
    ana = planned_by_ana(chat)
    people.mark_left(ana, chat.by)
    chat.leave(3)
    the_day_comes()
    assert Task.select().count() == 0 and "Ana Lima, who has left" in Activity.get(
        Activity.what == "cancelled offboarding").why
    assert asking.live(chat.app) is not None
    assert chat.check().report.waiting == 1


@pytest.mark.parametrize("has_left", [True, False])
def test_on_the_day_only_the_apps_of_those_who_have_left_are_checked(chat, has_left):
    holds.keep_until(chat.people[3], today() + TOMORROW, chat.by)
    if has_left:
        chat.leave(3)
    Person.update(remove_on=today()).where(Person.remove_on.is_null(False)).execute()
    offboarding.end_keep_until_dates(utcnow())
    assert (asking.live(chat.app) is not None) == has_left


def test_a_legal_hold_shows_before_the_approval(chat, olga):
    holds.hold(chat.people[3], "case 12", chat.by)
    [line] = preview(Person.get_by_id(chat.people[3].id), olga).lines
    assert not line.removable and "case 12" in line.protection_reason


def test_a_change_in_rollcall_alone_is_not_the_question_about_the_account(chat, olga):
    chat.leave(3)
    chat.check()
    report = reports.open_report(chat.app)
    Change.update(in_app=False).where(Change.report == report).execute()
    asked = offboarding._question(report, Account.get(Account.email == email(3)), chat.people[3], None)
    assert asked.in_app and Change.select().where(Change.report == report).count() == 2


def test_an_account_that_was_shown_as_protected_is_not_removed_once_it_is_not(chat, olga):
    """No approval covers it, although the page showed it."""
    account = Account.get(Account.email == email(3))
    members.protect(account, "a pilot", chat.by)
    offboarding.start(chat.people[3], olga, set(), {}, locked={account.id}, on=today() + TOMORROW)
    assert not Change.select().where(Change.account == account, Change.kind == "removed user").exists()
    members.unprotect(account, chat.by)
    with pytest.raises(OffboardingProblem, match="^An account is no longer protected. Nothing was changed."):
        offboarding.start(chat.people[3], olga, set(), {}, locked={account.id})
    assert Person.get_by_id(chat.people[3].id).status == "active" and Task.select().count() == 0


def test_another_account_that_is_found_beside_a_protected_one_is_not_covered(chat, second, olga):
    first = Account.get(Account.app == chat.app, Account.email == email(3))
    members.protect(first, "a pilot", chat.by)
    with pytest.raises(OffboardingProblem, match="^Another account was found while you looked at this."):
        offboarding.start(chat.people[3], olga, set(), {}, locked={first.id})
    assert Person.get_by_id(chat.people[3].id).status == "active" and not Task.select().exists()


def test_nobody_on_legal_hold_is_offboarded(chat, olga):
    Person.update(legal_hold_reason="a case").where(Person.id == chat.people[3].id).execute()
    with pytest.raises(OffboardingProblem, match="^On legal hold: a case. Nothing was changed"):
        offboard(chat.people[3], olga)
    assert Person.get_by_id(chat.people[3].id).status == "active"


def test_nobody_offboards_someone_above(chat, olga):
    boss = chat.people[3]
    Person.update(workspace_role="owner").where(Person.id == boss.id).execute()
    ana = people.add("Ana Lima", "ana.lima@acme.example", chat.by, workspace_role="admin")
    apps.set_manager(chat.app, ana, "owner", chat.by)
    with pytest.raises(NotAllowed):
        offboard(boss, ana, on=today() + TOMORROW)


def test_a_plan_is_carried_out_neither_before_its_day_nor_twice_nor_in_a_disconnected_app(chat, olga):
    planned = offboard(chat.people[3], olga, on=today() + TOMORROW)
    offboarding._carry_out_planned(planned.id)
    assert Person.get_by_id(chat.people[3].id).status == "active", "someone has just moved the day"
    App.update(state="disconnected").execute()
    the_day_comes()
    assert Task.select().count() == 0 and Person.get_by_id(chat.people[3].id).status == "deprovisioned"
    entries = Activity.select().where(Activity.what == "offboarded person").count()
    offboarding._carry_out_planned(planned.id)
    assert Activity.select().where(Activity.what == "offboarded person").count() == entries == 1


def test_an_account_that_is_being_removed_is_not_part_of_an_approval(chat, second, olga):
    """The page doesn't offer it."""
    Account.update(state="removing").where(Account.app == chat.app, Account.email == email(3)).execute()
    theirs = Account.get(Account.app == second.app, Account.email == email(3))
    offboarding.start(chat.people[3], olga, {theirs.id}, {})
    assert [task.account for task in Task.select()] == [theirs]
    assert Activity.get(Activity.what == "offboarded person").after == "1 of 1 account in 1 app"


@pytest.mark.parametrize("way", ["undecided", "left out"])
def test_a_sole_manager_who_is_undecided_or_left_out_stays_whatever_was_chosen_before(chat, channel, olga, way):
    """A form keeps the successor that was chosen before."""
    mine = Account.get(Account.email == email(1))
    chosen = {(mine.id, channel.id): None}
    more = {"undecided": {mine.id}, "hand_overs": chosen} if way == "undecided" else {}
    out = {} if way == "undecided" else {mine.id: "the archive"}
    offboarding.start(chat.people[1], olga, {mine.id}, out, **more)
    assert not Task.select().exists() and Account.get_by_id(mine.id).state == "present"
    assert Activity.get(Activity.what == "offboarded person").after == "0 of 1 account in 1 app"
    asked = Change.get(Change.account == mine, Change.kind == "removed user")
    assert asked.decision == ("needs confirmation" if way == "undecided" else "left out")


def test_nobody_is_offboarded_now_whose_successor_cannot_get_the_asset(chat, channel, olga):
    mine, gone = (Account.get(Account.email == email(number)) for number in (1, 5))
    Account.update(status="suspended").where(Account.id == gone.id).execute()
    with pytest.raises(SuccessorProblem, match="can't manage anything in Chat"):
        offboarding.start(chat.people[1], olga, {mine.id}, {}, hand_overs={(mine.id, channel.id): gone.id})
    assert Person.get_by_id(chat.people[1].id).status == "active" and not Task.select().exists()


def test_nothing_is_asked_about_the_assets_of_a_protected_account_that_no_approval_covers(chat, channel, olga):
    mine = Account.get(Account.email == email(1))
    members.protect(mine, "a pilot", chat.by)
    offboarding.start(chat.people[1], olga, set(), {}, locked={mine.id})
    assert Person.get_by_id(chat.people[1].id).status == "deprovisioned"
    assert not Task.select().exists() and Account.get_by_id(mine.id).state == "present"


def test_only_what_is_undecided_about_the_account_in_the_open_report_is_settled(chat, olga):
    mine, report, old = Account.get(Account.email == email(3)), Report.create(app=chat.app), Report.create(
        app=chat.app, state="applied")  # fmt: skip
    made = [Change.create(app=chat.app, report=of, account=mine, kind=kind, in_app=True, decision=decision)
            for of, kind, decision in ((report, "to change role", "left out"), (report, "to grant access", "confirmed"),
                                       (old, "to change role", "left out"))]  # fmt: skip
    offboard(chat.people[3], olga)
    assert [(one.report, one.decision) for one in map(Change.get_by_id, made)] == [
        (None, "ignored"), (report, "confirmed"), (old, "left out")]


@pytest.mark.parametrize(("decision", "is_as_old"), [("held", True), ("needs confirmation", True), ("left out", False)])
def test_one_that_was_left_out_is_new_to_the_guard(chat, olga, decision, is_as_old):
    """A release of the report covers only what it showed as waiting."""
    chat.leave(3)
    report, long_ago = chat.check().report, utcnow() - 9 * TOMORROW
    Change.update(decision=decision, created_at=long_ago).where(Change.report == report).execute()
    asked = offboarding._question(report, Account.get(Account.email == email(3)), chat.people[3], None)
    assert (asked.created_at == long_ago) is is_as_old


def test_one_who_is_left_out_finishes_nothing_while_others_wait_in_the_report(chat, olga):
    chat.leave(4)
    chat.check()
    mine = Account.get(Account.email == email(3))
    offboarding.start(chat.people[3], olga, {mine.id}, {mine.id: "the archive"})
    assert not Activity.select().where(Activity.what == "finished sync").exists()
    assert reports.open_report(chat.app).waiting == 1


def test_an_approval_whose_task_was_cancelled_is_not_the_new_one(chat, olga):
    chat.leave(3, 4)
    report = chat.check().report
    [old] = reports.finish(report, chat.by, only={chat.change(report, 3).id}).tasks
    tasks.cancel(old, chat.by)
    offboard(chat.people[3], olga)
    new = Task.select().order_by(Task.id.desc()).get()
    assert (new.change.id != old.change_id, new.change.report, new.state) == (True, report, "queued")
    spent = Change.get_by_id(old.change_id)
    assert (spent.decision, spent.report, spent.offboarding) == ("confirmed", None, None)


def test_the_last_owner_is_not_offboarded_on_their_own_day(chat, olga):
    planned = offboard(olga, olga, on=today() + TOMORROW)
    the_day_comes()
    assert (Person.get_by_id(olga.id).status, holds.scheduled(olga)) == ("active", None)
    assert [(entry.person, "only Owner" in entry.why) for entry in Activity.select().where(
        Activity.what == "cancelled offboarding")] == [(planned.person, True)]  # fmt: skip


def test_a_plan_of_someone_who_ranks_above_its_planner_by_then_is_given_up(chat, olga):
    planned_by_ana(chat)
    Person.update(workspace_role="super admin").where(Person.id == chat.people[3].id).execute()
    the_day_comes()
    assert (Person.get_by_id(chat.people[3].id).status, holds.scheduled(chat.people[3])) == ("active", None)


def test_someone_who_has_left_by_a_directory_may_come_back_by_it_after_their_offboarding(chat, olga):
    """The offboarding of someone who is still here is a decision by hand."""
    left = {"status": "deprovisioned", "status_reason": "Disabled in LDAP", "status_since": utcnow() - TOMORROW}
    for number, values in ((3, left), (4, {})):
        Person.update(status_by_hand=None, **values).where(Person.id == chat.people[number].id).execute()
        offboard(chat.people[number], olga)
    three, four = (Person.get_by_id(chat.people[number].id) for number in (3, 4))
    assert (three.status_by_hand, three.status_reason, three.status_since) == (None, *list(left.values())[1:])
    assert four.status_by_hand == "deprovisioned"


def test_another_account_of_theirs_that_is_left_out_keeps_the_asset_managed(chat, channel, olga):
    one, two = (Account.get(Account.app == chat.app, Account.email == email(number)) for number in (1, 2))
    Account.update(person=one.person, match_by_hand=True).where(Account.id == two.id).execute()
    Access.update(privileged=True).where(Access.account == two, Access.asset == channel).execute()
    offboarding.start(one.person, olga, {one.id, two.id}, {two.id: "the archive"})
    assert [task.account for task in Task.select()] == [one]


def test_an_account_that_is_left_out_again_was_left_out_all_the_time(chat, olga):
    chat.leave(3)
    change = chat.change(chat.check().report, 3)
    reports.leave_out(change, "a hand-over", chat.by)
    offboarding.start(chat.people[3], olga, {change.account_id}, {change.account_id: "the archive"})
    assert Account.get_by_id(change.account_id).left_out_reason == "the archive"
    assert not Activity.select().where(Activity.what == "took back leaving out").exists()
