"""A keep-until date and a legal hold: what they keep, what ends them, and that pages show them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync import rank
from sync.db import utcnow, writing
from sync.jobs import queue
from sync.models import (
    Account,
    Activity,
    App,
    AppPerson,
    Asset,
    Change,
    Check,
    Mail,
    Offboarding,
    Person,
    Report,
    Task,
)
from sync.offboarding import offboarding
from sync.people import holds, last_owner, people
from sync.reports import reports
from sync.tasks import tasks
from sync.workspace import today, update_workspace
from tests.sync.fixtures import email
from tests.sync.scripted import person as person_of

TOMORROW = timedelta(days=1)


def kept(report: Report) -> dict[str, str | None]:
    return {row.account.email: row.protection_reason for row in report.changes if row.kind == "removed user"}


def entries_of(person: Person) -> list[str]:
    return [entry.what for entry in Activity.select().where(Activity.person == person).order_by(Activity.id)]


def the_day_comes(person: Person) -> None:
    Person.update(remove_on=today()).where(Person.id == person.id).execute()


def test_until_the_day_nobody_is_asked_and_on_it_they_are(chat):
    person = chat.people[3]
    holds.keep_until(person, today() + TOMORROW, chat.by)
    chat.leave(3)
    check = chat.check()
    assert check.waiting == 0 and reports.open_report(chat.app) is None and Mail.select().count() == 0
    chat.leave(4)
    report = chat.check().report
    day = today() + TOMORROW
    assert kept(report) == {email(3): f"Kept until {day.day} {day:%B}" + ("" if day.year == today().year
                            else f" {day.year}"), email(4): None}  # fmt: skip
    the_day_comes(person)
    mails = Mail.select().count()
    report = chat.check().report
    assert kept(report) == {email(3): None, email(4): None} and Mail.select().count() > mails
    assert "set remove-on date" in entries_of(person)


def test_on_the_day_their_apps_are_checked_once(chat):
    holds.keep_until(chat.people[3], today() + TOMORROW, chat.by)
    holds.keep_until(chat.people[4], today() + TOMORROW, chat.by)
    chat.leave(3)
    for number in (3, 4):
        the_day_comes(chat.people[number])
    offboarding.end_keep_until_dates(utcnow())
    offboarding.end_keep_until_dates(utcnow())
    Check.update(next_at=utcnow()).where(Check.state == "queued").execute()
    queue.drain(("check",))
    assert list(kept(reports.open_report(chat.app))) == [email(3)]
    assert Person.get_by_id(chat.people[3].id).remove_on is None and Check.select().count() == 2


def test_a_later_day_that_was_just_chosen_is_kept(chat):
    """Someone chose it between the look at who is due and the transaction."""
    person = chat.people[3]
    holds.keep_until(person, today() + TOMORROW, chat.by)
    with writing():
        offboarding._end_due_days()
    assert Person.get_by_id(person.id).remove_on == today() + TOMORROW


def test_a_hold_keeps_what_someone_may_use_too(chat):
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(3), "member", via="page")
    chat.check()
    account = Account.get(Account.email == email(3))
    holds.hold(chat.people[3], "Lawsuit", chat.by)
    task = tasks.add(chat.app, "revoke", account, chat.by)
    Task.update(asset=Asset.get(Asset.name == "general")).where(Task.id == task.id).execute()
    queue.drain()
    assert Task.get_by_id(task.id).error == "Protected: legal hold: Lawsuit."


def test_a_kept_account_alone_is_not_news(chat):
    chat.leave(4)
    chat.check()
    mails = Mail.select().count()
    holds.keep_until(chat.people[3], today() + TOMORROW, chat.by)
    chat.leave(3)
    report = chat.check().report
    assert email(3) in kept(report) and Mail.select().count() == mails


def test_a_hold_keeps_everyone_from_removing_until_it_is_lifted(chat):
    chat.leave(3)
    report = chat.check().report
    for _click in range(2):
        holds.hold(chat.people[3], "Lawsuit 12/2026", chat.by)
    done = reports.finish(report, chat.by)
    assert done.tasks == [] and Account.get(Account.email == email(3)).state == "present"
    assert Change.get(Change.report == report).protection_reason == "Protected: legal hold: Lawsuit 12/2026"
    holds.lift(chat.people[3], chat.by)
    report = chat.check().report
    assert len(reports.finish(report, chat.by).tasks) == 1
    assert [what for what in entries_of(chat.people[3]) if "hold" in what] == ["set legal hold", "lifted legal hold"]


def test_a_task_looks_for_a_hold_right_before_it_acts(chat):
    chat.leave(3)
    [task] = reports.finish(chat.check().report, chat.by).tasks
    holds.hold(chat.people[3], "Lawsuit", chat.by)
    queue.drain()
    task = Task.get_by_id(task.id)
    assert (task.state, task.error) == ("no longer needed", "Protected: legal hold: Lawsuit.")
    assert chat.removed() == [] and Account.get(Account.email == email(3)).state == "present"


@pytest.mark.parametrize("keeps", ["hold", "day", "return"])
@pytest.mark.parametrize("state", ["needs attention", "queued"])
def test_a_waiting_removal_ends_within_a_minute(chat, keeps, state):
    chat.leave(3)
    [task] = reports.finish(chat.check().report, chat.by).tasks
    Task.update(state=state, next_at=utcnow() + TOMORROW).execute()
    if keeps == "hold":
        holds.hold(chat.people[3], "Lawsuit", chat.by)
    elif keeps == "day":
        holds.keep_until(chat.people[3], today() + TOMORROW, chat.by)
    else:
        people.mark_returned(chat.people[3], chat.by)
    chat.fault("expired-token")  # the app need not be asked
    App.update(credential=b"not sealed with this key").execute()
    tasks.look_again_at_returned(utcnow())
    queue.drain(("task",))
    assert Task.get_by_id(task.id).state == "no longer needed" and chat.removed() == []


def test_an_impossible_day_is_refused_and_changes_nothing(chat):
    person = chat.people[3]
    for day in (today(), today() - TOMORROW, today() + timedelta(days=4000)):
        with pytest.raises(holds.KeepingProblem):
            holds.keep_until(person, day, chat.by)
    with pytest.raises(holds.KeepingProblem):
        holds.hold(person, "   ", chat.by)
    person = Person.get_by_id(person.id)
    assert (person.legal_hold_reason, person.remove_on) == (None, None)
    before = entries_of(person)
    holds.lift(person, chat.by)
    holds.keep_until(person, None, chat.by)
    assert entries_of(person) == before


def test_someone_whom_a_directory_deprovisions_gets_the_days_of_grace(company, by):
    update_workspace(by, grace_days=14)
    company.say("id3", status="deprovisioned")
    company.read()
    person = person_of("p3@acme.example")
    assert person.status == "deprovisioned" and person.remove_on == today() + timedelta(days=14)
    people.mark_left(person_of("p4@acme.example"), by)
    assert person_of("p4@acme.example").remove_on is None, "who was marked by hand gets none"
    company.say("id3", status="active")
    company.read()
    assert person_of("p3@acme.example").remove_on is None


def test_days_of_grace_do_not_replace_a_day_that_was_chosen(company, by):
    update_workspace(by, grace_days=14)
    holds.keep_until(person_of("p3@acme.example"), today() + timedelta(days=30), by)
    company.say("id3", status="deprovisioned")
    company.read()
    assert person_of("p3@acme.example").remove_on == today() + timedelta(days=30)


def test_on_the_day_itself_nothing_is_kept_any_longer(chat):
    person = chat.people[3]
    assert holds.how_long(person) is None
    holds.keep_until(person, today() + TOMORROW, chat.by)
    assert holds.how_long(person).startswith("until ")
    person.remove_on = today()
    assert holds.how_long(person) is None


def test_the_apps_are_compared_again_when_something_keeps_the_accounts_and_when_it_ends(chat):
    person = chat.people[3]
    for change in (lambda: holds.hold(person, "case 12", chat.by), lambda: holds.lift(person, chat.by),
                   lambda: holds.keep_until(person, today() + TOMORROW, chat.by),
                   lambda: holds.keep_until(person, None, chat.by)):  # fmt: skip
        App.update(compare_at=None).execute()
        change()
        assert App.get_by_id(chat.app.id).compare_at is not None


def test_those_who_may_lift_a_hold_are_here_and_rank_no_lower(chat, olga):
    persons = {role: Person.create(name=role, workspace_role=role) for role in rank.RANKS}
    Person.create(name="Away", workspace_role="owner", status="suspended")
    for person in persons.values():
        assert set(holds.people_who_may_lift(person)) == {
            other for other in (olga, *persons.values())
            if other.workspace_role in rank.MANAGERS and rank.may_change(rank.Asker.person(other), person)}


def test_no_grace_by_default_and_a_day_that_was_set_stays(company, by):
    holds.keep_until(person_of("p3@acme.example"), today() + timedelta(days=3), by)
    company.say("id3", status="deprovisioned")
    company.say("id4", status="deprovisioned")
    company.read()
    assert person_of("p3@acme.example").remove_on == today() + timedelta(days=3)
    assert person_of("p4@acme.example").remove_on is None


def test_a_plan_ends_with_the_rights_of_its_planner(home):
    """Those of the apps that it covers and that are connected; super admins manage all apps."""
    ours, other, gone = (App.create(connector="listed", name=name, category="Test", state=state)
                         for name, state in (("Ours", "active"), ("Other", "active"), ("Gone", "disconnected")))
    planned = {}
    for name, status, role, apps in (
        ("Owner", "active", "admin", [ours]), ("Left", "deprovisioned", "admin", [ours]),
        ("Suspended", "suspended", "admin", [ours]), ("Member", "active", None, [ours]),
        ("Stranger", "active", "admin", [ours, other]), ("Earlier", "active", "admin", [gone]),
        ("Super", "active", "super admin", [other]),
    ):  # fmt: skip
        asker, leaver = Person.create(name=name, status=status, workspace_role=role), Person.create(name=f"L {name}")
        AppPerson.create(app=ours, person=asker, manages_as="owner")
        plan = planned[name] = Offboarding.create(person=leaver, key=name, asked_by=name, asker=asker)
        for app in apps:
            Change.create(app=app, kind="removed user", decision="scheduled", offboarding=plan)
    names = {plan.id: name for name, plan in planned.items()}
    assert {names[id]: why for id, why in holds.lapsed().items()} == {
        "Left": "Left, who has left", "Suspended": "Suspended, who is suspended",
        "Member": "Member, who no longer manages people", "Stranger": "Stranger, who is no longer an Owner of Other"}


def test_only_what_was_still_planned_is_given_up(home, by):
    app, ana = App.create(connector="listed", name="Ours", category="Test"), Person.create(name="Ana")
    plan = Offboarding.create(person=ana, key="ana")
    for decision in ("scheduled", "confirmed"):
        Change.create(app=app, kind="removed user", decision=decision, offboarding=plan)
    assert holds.give_up(plan, by) and not holds.give_up(plan, by)
    assert [change.decision for change in Change.select().order_by(Change.id)] == ["ignored", "confirmed"]


def test_only_an_owner_who_can_sign_in_is_the_last_one(home, olga):
    suspended = Person.create(name="Sam", workspace_role="owner", status="suspended")
    admin = Person.create(name="Ada", workspace_role="admin")
    leaving = {olga.id, suspended.id, admin.id}
    assert last_owner.last_owners({olga.id}) == last_owner.last_owners(leaving) == {olga.id}
    jana = Person.create(name="Jana", workspace_role="owner")
    assert last_owner.last_owners(leaving) == set() and last_owner.last_owners({jana.id, olga.id}) == {jana.id, olga.id}
    assert last_owner.last_owners({jana.id}) == set() and last_owner.count_owners() == 2
