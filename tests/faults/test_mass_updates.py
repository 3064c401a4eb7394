"""Many roles or profiles that change at once: held by numbers of their own, safe until then, released in one go."""

from __future__ import annotations

import pytest

from sync.apps import apps
from sync.apps import status as app_status
from sync.jobs import queue
from sync.models import Account, Activity, App, Change, Check, Report, Task
from sync.people import people
from sync.reports import reports
from sync.safety import guards
from tests.sync.fixtures import MEMBERS, email


def new_domain(chat, *numbers: int) -> None:
    with chat.store.writing() as store:
        for number in numbers or range(MEMBERS):
            store.execute("UPDATE member SET email = ? WHERE email = ?", (f"p{number}@new.example", email(number)))


def promote(chat, *numbers: int, role: str = "admin") -> None:
    for number in numbers:
        chat.store.change(chat.id_of(number), via="page", role=role)


def roles() -> dict[str, str]:
    return {account.name: account.role for account in Account.select()}


def held(report: Report) -> list[Change]:
    return list(report.changes.where(Change.decision == "held").order_by(Change.id))


@pytest.mark.parametrize("many,is_held", [(5, False), (6, True)])
def test_many_changed_roles_are_held_and_what_is_known_stays(chat, many, is_held):
    promote(chat, *range(1, many + 1))
    check = chat.check()
    assert (check.state, check.counts["updated_roles"]) == ("succeeded", many)
    assert (check.applied, check.held) == ((0, many) if is_held else (many, 0))
    assert roles()["Person 1"] == ("member" if is_held else "admin")
    if is_held:
        change = held(check.report)[0]
        assert (change.kind, change.before, change.after, change.in_app) == ("updated role", "Member", "Admin", False)
        standing = app_status.standing(App.get())
        assert (standing.status, standing.row.code) == ("Approval needed", "held")


def test_many_changed_profiles_are_held_by_their_own_numbers(chat):
    apps.set_guard(chat.app, 2, 0, chat.by, "updated profile")
    promote(chat, 1, 2, 3)
    new_domain(chat, 1, 2, 3)
    check = chat.check()
    assert (check.counts["updated_profiles"], check.counts["updated_roles"]) == (3, 3)
    assert (check.applied, check.held) == (3, 3)  # the roles aren't a mass change
    assert {change.kind for change in held(check.report)} == {"updated profile"}
    assert Account.get(Account.name == "Person 1").email == email(1) and roles()["Person 1"] == "admin"


@pytest.mark.parametrize("kind", guards.GUARDS)
def test_each_kind_has_a_guard_of_its_own(chat, kind):
    apps.set_guard(chat.app, 1, 1, chat.by, kind)
    app = App.get()
    assert {other: guards.guard_of(app, other) for other in guards.GUARDS} == {
        other: guards.Guard(1, 1) if other == kind else guards.Guard(5, 20) for other in guards.GUARDS
    }
    apps.set_guard(chat.app, None, None, chat.by, kind)
    assert guards.guard_of(App.get(), kind) == guards.Guard(5, 20)


def test_a_company_with_a_new_domain_releases_once_and_is_matched_again(chat):
    new_domain(chat)
    report = chat.check().report
    assert report.held == MEMBERS
    for number in range(MEMBERS):
        people.edit(chat.people[number], chat.by, emails=[email(number), f"p{number}@new.example"])
    chat.leave(3)
    assert reports.release(report, chat.by, report.version) == MEMBERS
    accounts = list(Account.select().where(Account.kind == "user"))
    assert {account.email for account in accounts} == {f"p{number}@new.example" for number in range(MEMBERS)}
    assert all(account.match_kind == "matched" and account.held_values is None for account in accounts)
    assert Report.get_by_id(report.id).state == "applied"
    waiting = Check.select().where(Check.state == "queued").get()  # it looks for people who have left at once
    queue.drain(("check",))
    found = Check.get_by_id(waiting.id)
    if found.state == "queued":
        found = chat.check()
    assert (found.held, found.waiting) == (0, 1)
    reports.finish(found.report, chat.by)
    queue.drain(("task",))
    assert chat.removed() == ["p3@new.example"]


def test_a_release_matches_the_accounts_by_their_new_addresses_and_counts_them(chat):
    """Nobody here has these addresses."""
    new_domain(chat)
    report = chat.check().report
    assert App.get_by_id(chat.app.id).matched == MEMBERS
    reports.release(report, chat.by)
    app = App.get_by_id(chat.app.id)
    assert not Account.select().where(Account.match_kind == "matched").exists()
    assert (app.matched, app.unmatched) == (0, MEMBERS)


def test_released_updates_are_the_owners_decision_and_reported(chat):
    promote(chat, *range(1, 7))
    report = chat.check().report
    reports.release(report, chat.by)
    assert [change.decision for change in report.changes.where(Change.kind == "updated role")] == ["confirmed"] * 6
    assert {change.decided_by for change in report.changes} == {chat.by.name}
    entry = Activity.get(Activity.what == "released updates")
    assert (entry.about, entry.who) == ("6 roles and profiles", chat.by.name)
    assert roles()["Person 6"] == "admin"


def test_a_release_updates_only_what_is_held_of_accounts_that_are_still_there(chat):
    promote(chat, *range(1, 7))
    report = chat.check().report
    Change.create(app=chat.app, report=report, account=Account.get(Account.name == "Person 7"), kind="updated role",
                  decision="applied", detail={"role": "admin", "further_roles": "[]"})  # fmt: skip
    Account.update(state="gone").where(Account.name == "Person 5").execute()
    reports.release(report, chat.by)
    assert [roles()[f"Person {number}"] for number in (5, 6, 7)] == ["member", "admin", "member"]


def test_updates_can_be_released_while_a_mass_of_removals_waits(chat):
    promote(chat, *range(1, 7))
    chat.leave(*range(4, 10))
    report = chat.check().report
    assert report.held == 12
    assert reports.release(report, chat.by, report.version, "updates") == 6
    report = Report.get_by_id(report.id)
    assert (report.state, report.held, report.waiting, report.released_at) == ("open", 6, 6, None)
    assert roles()["Person 1"] == "admin"
    with pytest.raises(reports.ReportHeld):
        reports.finish(report, chat.by)
    with pytest.raises(reports.ReportProblem, match="Nothing in this report is held"):
        reports.release(report, chat.by, only="updates")


def test_removals_can_be_released_while_updates_wait(chat):
    promote(chat, *range(1, 7))
    chat.leave(*range(4, 10))
    report = chat.check().report
    assert reports.release(report, chat.by, only="others") == 0
    report = Report.get_by_id(report.id)
    assert (report.held, report.waiting) == (6, 12) and roles()["Person 1"] == "member"


def test_a_release_is_of_what_was_seen(chat):
    promote(chat, *range(1, 7))
    seen = chat.check().report.version
    promote(chat, 7)
    report = chat.check().report
    with pytest.raises(reports.ReportChanged):
        reports.release(report, chat.by, seen)
    assert roles()["Person 1"] == "member"


# While it waits


def test_one_open_report_is_kept_and_follows_the_app(chat):
    promote(chat, *range(1, 8))
    first = chat.check().report
    promote(chat, 7, role="member")
    promote(chat, 1, role="guest")
    second = chat.check().report
    assert second.id == first.id and len(held(second)) == 6
    assert {change.account.name: change.after for change in held(second)}["Person 1"] == "Guest"
    promote(chat, *range(1, 7), role="member")
    third = chat.check().report
    assert Report.get_by_id(first.id).state == "superseded" and third.held == 0
    assert not Account.select().where(Account.held_values.is_null(False)).exists()


def test_held_changes_that_are_no_longer_many_are_applied(chat):
    promote(chat, *range(1, 7))
    chat.check()
    promote(chat, 6, role="member")
    check = chat.check()
    assert (check.applied, check.held) == (5, 0) and roles()["Person 1"] == "admin"


def test_a_day_of_small_changes_is_a_mass(chat):
    promote(chat, *range(1, 6))
    assert chat.check().applied == 5
    promote(chat, 6)
    check = chat.check()
    assert (check.applied, check.held) == (0, 1)


def test_finish_sync_removes_leavers_and_leaves_the_updates_held(chat):
    promote(chat, *range(1, 7))
    chat.leave(9)
    report = chat.check().report
    assert (report.held, report.waiting) == (6, 7)
    done = reports.finish(report, chat.by)
    assert len(done.tasks) == 1 and Report.get_by_id(report.id).state == "open"
    assert roles()["Person 1"] == "member" and not Account.select().where(Account.state == "gone").exists()


def test_a_dismissed_update_is_asked_about_again_and_removes_nobody(chat):
    promote(chat, *range(1, 7))
    report = chat.check().report
    with pytest.raises(reports.ReportProblem, match="can't be left out"):
        reports.leave_out(held(report)[0], "no", chat.by)
    reports.dismiss(report, chat.by, "The app is wrong")
    assert Account.select().where(Account.left_out_reason.is_null(False)).count() == 0
    again = chat.check().report
    assert again.id != report.id and len(held(again)) == 6


# Rule 5 by the worse of the two


def test_neither_the_known_nor_the_new_role_ends_the_last_administrators_protection(chat):
    """Persons 0 and 1 are owners. Many become plain members, person 1 among them, while person 0 leaves."""
    promote(chat, *range(1, 8), role="owner")
    App.update(guard_roles_accounts=1000).execute()
    chat.check()
    App.update(guard_roles_accounts=None).execute()
    chat.leave(0)
    promote(chat, *range(1, 8), role="member")
    check = chat.check()
    assert check.held == 7
    change = chat.change(check.report, 0)
    assert change.protection_reason and change.protection_reason.startswith("Protected: the last Owner")
    with pytest.raises(reports.ReportHeld):
        reports.finish(check.report, chat.by)
    queue.drain(("task",))
    assert chat.removed() == []


def test_an_administrator_by_a_held_change_may_be_the_last(chat):
    """The only owner is suspended in that time; many others get the role, and one of them leaves."""
    promote(chat, *range(1, 8), role="owner")
    with chat.store.writing() as store:
        for number in (0, *range(2, 8)):
            store.execute("UPDATE member SET status = 'deactivated' WHERE email = ?", (email(number),))
    chat.leave(1)
    check = chat.check()
    assert check.held and roles()["Person 1"] == "member"
    assert "the last Owner" in (chat.change(check.report, 1).protection_reason or "")


def test_a_held_suspension_counts_against_an_administrator(chat):
    promote(chat, 1, role="owner")
    chat.check()
    with chat.store.writing() as store:
        store.execute("UPDATE member SET status = 'deactivated' WHERE email <> ?", (email(0),))
    chat.leave(0)
    check = chat.check()
    assert check.held >= 9
    assert "the last Owner" in (chat.change(check.report, 0).protection_reason or "")


def test_a_held_address_of_someone_active_protects_the_account(chat):
    """The account of person 3, who left, has got person 4's address in the app; many others have new addresses too."""
    chat.leave(3)
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = 'x@x.example' WHERE email = ?", (email(4),))
        store.execute("UPDATE member SET email = ? WHERE email = ?", (email(4), email(3)))
    new_domain(chat, 5, 6, 7, 8)
    check = chat.check()
    assert check.held == 6
    change = chat.change(check.report, 3)
    assert change.protection_reason == "Protected: its e-mail is that of Person 4"
    with pytest.raises(reports.ReportHeld):
        reports.finish(check.report, chat.by)


def test_the_last_look_goes_by_the_address_that_was_confirmed(chat):
    chat.leave(3)
    new_domain(chat)
    report = chat.check().report
    assert chat.change(report, 3).decision == "needs confirmation"
    reports.finish(report, chat.by)
    queue.drain(("task",))
    task = Task.get()
    assert task.state == "no longer needed" and "a different e-mail address" in task.error and chat.removed() == []
