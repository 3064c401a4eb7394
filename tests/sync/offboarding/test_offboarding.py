"""Offboarding: one approval for all apps, by the code of Finish Sync, now or on a date; completely or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync import activity
from sync.apps import apps
from sync.checks import checks
from sync.db import connected, utcnow
from sync.jobs import asking, queue
from sync.matching import members
from sync.models import Account, App, Change, Mail, Offboarding, Person, Report, Task
from sync.offboarding import offboarding
from sync.offboarding.offboarding import OffboardingProblem
from sync.offboarding.preview import preview
from sync.people import holds, people
from sync.reports import reports
from sync.tasks import disconnecting, tasks
from sync.workspace import today, update_workspace
from tests.sync.fixtures import email

TOMORROW = timedelta(days=1)


def seats(person: Person) -> dict[int, Account]:
    return {seat.app_id: seat for seat in people.accounts_of(person)}


def seen(person: Person) -> set[int]:
    return {seat.id for seat in people.accounts_of(person)}


def state(person: Person) -> dict[str, str]:
    return {account.app.name: account.state for account in Account.select().where(Account.person == person)}


def offboard(person: Person, olga: Person, left_out: dict[int, str] | None = None, **how) -> Offboarding:
    return offboarding.start(person, olga, seen(person), left_out or {}, **how).offboarding


def the_day_comes() -> None:
    Offboarding.update(remove_on=today()).where(Offboarding.state == "scheduled").execute()
    Person.update(remove_on=today()).where(Person.remove_on.is_null(False)).execute()
    offboarding.carry_out_due(utcnow())


@pytest.fixture
def both(chat, second) -> list[App]:
    """Person 3 has an account in each; Olga owns both."""
    apps.set_seat_price(chat.app, 875, chat.by)
    apps.set_seat_price(second.app, 1200, chat.by)
    return [chat.app, second.app]


# Now


def test_one_approval_removes_every_account_in_every_app(chat, second, both, olga):
    person = chat.people[3]
    before = preview(person, olga)
    assert [line.removable for line in before.lines] == [True, True] and before.saved == 2075 and before.elsewhere == 0
    done = offboard(person, olga, reason="Last day was Friday")
    person = Person.get_by_id(person.id)
    assert (person.status, done.state) == ("deprovisioned", "applied")
    assert "Last day was Friday" in person.status_reason
    assert state(person) == {"Chat": "removing", "Second chat": "removing"}
    assert {report.state for report in Report.select().join(Change).where(Change.offboarding == done)} == {"applied"}
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [email(3)])
    assert state(person) == {"Chat": "gone", "Second chat": "gone"}
    assert [mail.kind for mail in Mail.select().order_by(Mail.id)].count("outcome") == 2
    [summary] = Mail.select().where(Mail.kind == "offboarding")
    assert summary.to == "olga@acme.example" and summary.subject == "Person 3: 2 of 2 accounts removed"
    assert activity.verify().ok and checks.run(asking.ask(chat.app, chat.by).id) is None
    assert reports.open_report(chat.app) is None


def test_someone_who_approved_it_and_has_left_gets_no_summary(chat, second, both, olga):
    offboard(chat.people[3], olga)
    Person.update(status="deprovisioned").where(Person.id == olga.id).execute()
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [email(3)])
    assert not Mail.select().where(Mail.kind == "offboarding").exists()


def test_a_person_left_out_keeps_the_account_with_the_reason(chat, second, both, olga):
    person = chat.people[3]
    keeps = seats(person)[second.app.id].id
    with pytest.raises(OffboardingProblem, match="Enter why"):
        offboard(person, olga, {keeps: "  "})
    assert Person.get_by_id(person.id).status == "active" and Offboarding.select().count() == 0
    done = offboard(person, olga, {keeps: "hand-over"})
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [])
    second.check()
    assert reports.open_report(second.app) is None, "it stays left out"
    assert Account.get_by_id(keeps).left_out_reason == "hand-over"
    assert sorted(change.decision for change in done.changes) == ["confirmed", "left out"]
    assert "Left out and unchanged: 1" in Mail.get(Mail.kind == "offboarding").text


def test_sent_twice_it_is_one(chat, second, both, olga):
    person, ids = chat.people[3], seen(chat.people[3])
    first = offboarding.start(person, olga, ids, {}, key="k")
    again = offboarding.start(person, olga, ids, {}, key="k")
    assert again.already and again.offboarding == first.offboarding and not first.already
    assert Task.select().count() == 2 and Offboarding.select().count() == 1


def test_a_key_is_one_persons(chat, olga):
    for number in (3, 4):
        person = chat.people[number]
        assert not offboarding.start(person, olga, seen(person), {}, key="k").already
    assert Task.select().count() == 2


def test_offboarding_settles_what_group_rules_wanted_of_the_account(chat, olga):
    report = Report.create(app=chat.app)
    account = Account.get(Account.email == email(3))
    Change.create(app=chat.app, report=report, account=account, kind="no longer assigned", decision=reports.CONFIRM)
    reports.count(report)
    offboard(chat.people[3], olga)
    assert Report.get_by_id(report.id).state == "applied" and Task.select().count() == 1


def test_another_tab_finds_nothing_left_to_do(chat, second, both, olga):
    person, ids = chat.people[3], seen(chat.people[3])
    offboarding.start(person, olga, ids, {}, key="a")
    offboarding.start(person, olga, ids, {}, key="b")
    assert Task.select().count() == 2


def test_an_approval_covers_only_what_was_on_the_page(chat, second, both, olga):
    person = chat.people[3]
    with pytest.raises(OffboardingProblem, match="Look again"):
        offboarding.start(person, olga, {seats(person)[chat.app.id].id}, {})
    assert Person.get_by_id(person.id).status == "active" and Task.select().count() == 0


def test_an_owner_of_one_app_takes_that_one_alone(chat, second, both, by, olga):
    ana = people.add("Ana Lopez", "ana@acme.example", by, workspace_role="admin")
    apps.set_manager(chat.app, ana, "owner", by)
    person = chat.people[3]
    before = preview(person, ana)
    assert len(before.lines) == 1 and before.elsewhere == 1
    offboarding.start(person, ana, seen(person), {})
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [])
    assert second.check().waiting == 1, "the other's Owner is asked by its check"


def test_it_joins_the_open_report_and_leaves_the_others_waiting(chat, olga):
    chat.leave(4)
    report = chat.check().report
    offboard(chat.people[3], olga)
    queue.drain()
    report = Report.get_by_id(report.id)
    assert (report.state, report.waiting, chat.removed()) == ("open", 1, [email(3)])
    reports.finish(report, chat.by)
    queue.drain()
    assert sorted(chat.removed()) == [email(3), email(4)]


def test_one_that_waits_in_the_report_or_was_left_out_there_gets_the_approval(chat, second, both, olga):
    person = chat.people[3]
    chat.leave(3)
    waiting, out = chat.check().report, second.check().report
    reports.leave_out(second.change(out, 3), "hand-over", chat.by)
    assert [line.left_out_reason for line in preview(Person.get_by_id(person.id), olga).lines] == ["", "hand-over"]
    done = offboard(person, olga)
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [email(3)])
    assert chat.change(waiting, 3).offboarding == done and Account.get(Account.app == second.app,
                                                                      Account.email == email(3)).left_out_reason is None


def test_a_protected_account_stays_and_is_reported(chat, second, both, olga):
    members.protect(seats(chat.people[3])[chat.app.id], "Owns the billing", chat.by)
    lines = preview(chat.people[3], olga).lines
    assert [line.protection_reason for line in lines] == ["Protected: Owns the billing", None]
    done = offboard(chat.people[3], olga)
    queue.drain()
    assert (chat.removed(), second.removed()) == ([], [email(3)])
    assert {change.app.name: change.protection_reason for change in done.changes} == {
        "Chat": "Protected: Owns the billing", "Second chat": None}


def test_the_last_owner_of_an_app_stays(chat, olga):
    assert "the last Owner" in preview(chat.people[0], olga).lines[0].protection_reason
    offboard(chat.people[0], olga)
    queue.drain()
    assert chat.removed() == []


def test_the_last_owner_of_the_workspace_is_not_offboarded(chat, olga):
    with pytest.raises(people.PeopleProblem, match="only Owner"):
        offboarding.start(olga, olga, set(), {})
    assert Offboarding.select().count() == 0


def test_a_guard_holds_it_until_the_report_is_released(chat, second, both, olga):
    update_workspace(chat.by, guard_accounts=1, guard_percent=0)
    offboard(chat.people[3], olga)
    assert Task.select().count() == 1, "the first is let through, the second is one too many within a day"
    held = reports.open_report(second.app)
    assert held.held == 1 and Mail.get(Mail.kind == "held").app == second.app
    queue.drain()
    reports.release(held, chat.by)
    reports.finish(held, chat.by)
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [email(3)])
    assert [mail.subject for mail in Mail.select().where(Mail.kind == "offboarding").order_by(Mail.id)] == [
        "Person 3: 1 of 1 account removed", "Person 3: 2 of 2 accounts removed"]


def test_an_app_that_cannot_be_reached_needs_attention_and_is_fixed(chat, second, both, olga):
    second.stop()
    done = offboard(chat.people[3], olga)
    Task.update(attempts=6).execute()
    queue.drain()
    [stuck] = [task for task in Task.select() if task.state == "needs attention"]
    assert stuck.app == second.app and chat.removed() == [email(3)]
    assert "1 to fix" in Mail.get(Mail.kind == "offboarding").subject
    tasks.done_by_hand(stuck, chat.by)
    assert Mail.select().where(Mail.kind == "offboarding").count() == 2
    assert state(done.person) == {"Chat": "gone", "Second chat": "gone"}


def test_a_paused_app_waits(chat, second, both, olga):
    apps.pause(second.app, chat.by)
    assert "paused" in preview(chat.people[3], olga).lines[1].warnings[0]
    offboard(chat.people[3], olga)
    queue.drain()
    assert second.removed() == []
    apps.resume(second.app, chat.by)
    Task.update(next_at=utcnow()).where(Task.state == "queued").execute()
    queue.drain()
    assert second.removed() == [email(3)]


def test_accounts_they_are_responsible_for_are_reported_and_not_removed(chat, olga):
    account = Account.get(Account.email == email(4))
    Account.update(match_kind="service account", person=chat.people[3], match_by_hand=True).where(
        Account.id == account.id).execute()
    found = preview(chat.people[3], olga)
    assert len(found.lines) == 1 and [service.id for service in found.services] == [account.id]
    offboard(chat.people[3], olga)
    queue.drain()
    assert chat.removed() == [email(3)]


# On a day


def test_on_the_day_it_carries_itself_out(chat, second, both, olga):
    person, keeps = chat.people[3], seats(chat.people[3])[second.app.id].id
    planned = offboard(person, olga, {keeps: " his\nPC"}, on=today() + TOMORROW, reason="Contract ends")
    assert [change.reason for change in planned.changes if change.decision == "left out"] == ["his PC"]
    person = Person.get_by_id(person.id)
    assert (person.status, person.remove_on, planned.state) == ("active", today() + TOMORROW, "scheduled")
    offboarding.carry_out_due(utcnow())
    assert Task.select().count() == 0 and chat.check().waiting == 0
    the_day_comes()
    offboarding.carry_out_due(utcnow())
    queue.drain()
    person = Person.get_by_id(person.id)
    assert (person.status, person.remove_on) == ("deprovisioned", None)
    assert (chat.removed(), second.removed()) == ([email(3)], [])
    assert (Account.get_by_id(keeps).left_out_reason, Offboarding.get_by_id(planned.id).state) == ("his PC", "applied")
    assert Mail.select().where(Mail.kind == "offboarding").count() == 1


def test_a_person_who_left_before_the_day_keeps_the_accounts_until_it(chat, second, both, olga):
    offboard(chat.people[3], olga, on=today() + TOMORROW)
    chat.leave(3, 4)
    chat.check()
    assert chat.change(reports.open_report(chat.app), 3).protection_reason.startswith("Kept until ")
    the_day_comes()
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [email(3)])
    assert Report.get_by_id(reports.open_report(chat.app).id).waiting == 1, "person 4 still waits for a yes"


def test_on_the_day_the_plan_decides_and_no_standing_approval(chat, olga):
    person = chat.people[3]
    apps.set_removal(chat.app, "automatic", chat.by)
    offboard(person, olga, {seats(person)[chat.app.id].id: "The archive"}, on=today() + TOMORROW)
    chat.leave(3)
    Person.update(remove_on=today()).where(Person.id == person.id).execute()
    chat.check()  # in the minute before the plan is carried out
    assert not Task.select().exists()
    the_day_comes()
    queue.drain()
    assert chat.removed() == [] and Account.get(Account.person == person).left_out_reason == "The archive"


def test_an_account_found_after_the_approval_waits_for_another(chat, second, both, olga):
    Account.update(state="gone", gone_at=utcnow()).where(Account.app == second.app, Account.email == email(3)).execute()
    offboard(chat.people[3], olga, on=today() + TOMORROW)
    second.check()
    the_day_comes()
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [])
    assert second.check().waiting == 1


@pytest.mark.parametrize("how", ["by hand", "suspended and back"])
def test_a_person_who_comes_back_is_not_offboarded(chat, second, both, olga, how):
    person = chat.people[3]
    planned = offboard(person, olga, on=today() + TOMORROW)
    if how == "by hand":
        chat.leave(3)
        people.mark_returned(person, chat.by)
    else:
        Person.update(status="suspended").where(Person.id == person.id).execute()
        people.mark_returned(person, chat.by)
    the_day_comes()
    queue.drain()
    person = Person.get_by_id(person.id)
    assert (person.status, person.remove_on, Offboarding.get_by_id(planned.id).state) == ("active", None, "cancelled")
    assert chat.removed() == [] and Task.select().count() == 0


def test_a_hold_keeps_the_day_from_coming(chat, second, both, olga):
    planned = offboard(chat.people[3], olga, on=today() + TOMORROW)
    holds.hold(chat.people[3], "Lawsuit", chat.by)
    the_day_comes()
    queue.drain()
    assert chat.removed() == [] and Offboarding.get_by_id(planned.id).state == "scheduled"
    holds.lift(chat.people[3], chat.by)
    offboarding.carry_out_due(utcnow())
    queue.drain()
    assert (chat.removed(), second.removed()) == ([email(3)], [email(3)])


def test_another_offboarding_takes_the_planned_ones_place(chat, second, both, olga):
    planned = offboard(chat.people[3], olga, on=today() + TOMORROW)
    now = offboard(chat.people[3], olga)
    assert Offboarding.get_by_id(planned.id).state == "cancelled" and now.state == "applied"
    queue.drain()
    assert chat.removed() == [email(3)] and Person.get_by_id(chat.people[3].id).remove_on is None


def test_one_that_fails_keeps_no_other_from_its_day(chat, second, both, olga, monkeypatch):
    offboard(chat.people[3], olga, on=today() + TOMORROW)
    offboard(chat.people[4], olga, on=today() + TOMORROW)
    mark_left = people.mark_left

    def fails_for_one(person: Person, *how) -> None:
        if person.name == "Person 3":
            raise RuntimeError("the file is on fire")
        mark_left(person, *how)

    monkeypatch.setattr(people, "mark_left", fails_for_one)
    the_day_comes()
    queue.drain()
    assert chat.removed() == [email(4)] and holds.scheduled(chat.people[3]) is not None


def test_a_day_that_is_past_is_refused(chat, second, both, olga):
    with pytest.raises(holds.KeepingProblem):
        offboard(chat.people[3], olga, on=today())
    assert Offboarding.select().count() == 0 and Change.select().where(Change.offboarding.is_null(False)).count() == 0


def test_the_day_can_be_moved_but_not_cleared_beneath_a_plan(chat, second, both, olga):
    planned = offboard(chat.people[3], olga, on=today() + TOMORROW)
    holds.keep_until(chat.people[3], today() + 2 * TOMORROW, chat.by)
    assert Offboarding.get_by_id(planned.id).remove_on == today() + 2 * TOMORROW
    with pytest.raises(holds.KeepingProblem, match="cancel it"):
        holds.keep_until(chat.people[3], None, chat.by)
    assert holds.cancel(planned, chat.by) and not holds.cancel(planned, chat.by)
    assert Person.get_by_id(chat.people[3].id).remove_on is None


def test_to_cancel_one_plan_leaves_the_others(chat, olga):
    others = offboard(chat.people[4], olga, on=today() + TOMORROW)
    assert holds.cancel(offboard(chat.people[3], olga, on=today() + TOMORROW), chat.by)
    assert [change.decision for change in Change.select().where(Change.offboarding == others)] == ["scheduled"]


def test_the_last_owner_on_the_day_is_not_offboarded(chat, by, olga):
    boss = people.add("Boss", "boss@acme.example", by, workspace_role="owner")
    planned = offboarding.start(olga, boss, seen(olga), {}, on=today() + TOMORROW).offboarding
    people.mark_left(boss, by)
    with connected():
        the_day_comes()
    assert Offboarding.get_by_id(planned.id).state == "scheduled" and Person.get_by_id(olga.id).status == "active"


def test_disconnecting_the_last_app_with_an_open_removal_shows_how_the_offboarding_ended(chat, second, both, olga):
    offboard(chat.people[3], olga)
    for app in (chat.app, second.app):
        assert Mail.select().where(Mail.kind == "offboarding").count() == 0
        disconnecting.disconnect(app, chat.by)
    [summary] = Mail.select().where(Mail.kind == "offboarding")
    assert summary.subject.startswith("Person 3: 0 of 2 accounts removed")
