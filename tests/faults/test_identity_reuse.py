"""An e-mail address that a leaver had goes to a new hire: by SCIM, by LDAP, by a list. The new hire's account stays,
the leaver stays one who left, and what can't be known is asked. From the directory to the app, all behind HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sync import names
from sync.apps import status
from sync.config import Config
from sync.db import utcnow
from sync.directory import directories, scim_people
from sync.jobs import queue
from sync.matching import decisions as match_decisions
from sync.matching import rules as match_rules
from sync.matching import suggestions
from sync.models import Account, Activity, App, Change, Directory, DirectoryReading, Person, Report, Task
from sync.people import importing, people
from sync.reports import reports
from tests.sync.fixtures import Chat, email
from tests.web.provider import ENTERPRISE, USER, Provider
from tests.web.site import pages_over

ANA = email(1)  # Person 1's, and then the new hire's


@pytest.fixture
def okta(config: Config, chat: Chat) -> Provider:
    """Everyone of the chat is pushed; `okta.users` are their ids there."""
    okta = Provider(pages_over(config), "Okta")
    okta.users = [okta.add(email(number), displayName=f"Person {number}") for number in range(10)]
    okta.add("olga@acme.example", displayName="Olga Brandt")
    return okta


def account(chat: Chat, address: str = ANA) -> Account:
    return Account.get(Account.app == chat.app, Account.email == address)


def waiting(chat: Chat) -> list[str]:
    """The people whose removal is in the open report."""
    rows = Change.select(Change, Account).join(Account).switch(Change).join(Report).where(
        Report.app == chat.app, Report.state == "open", Change.kind == "removed user")
    return [change.account.email for change in rows if change.decision in ("needs confirmation", "held")]


def why_of(chat: Chat, seat: Account) -> str:
    """What Members says of it."""
    return match_rules.why(App.get_by_id(chat.app.id), [seat])[seat.id]


def read(directory: Directory) -> DirectoryReading:
    asked = directories.ask(directory, "schedule")
    directories.run(asked.id)
    reading = DirectoryReading.get_by_id(asked.id)
    assert reading.state == "succeeded", reading.error
    return reading


def work() -> None:
    Task.update(next_at=utcnow()).where(Task.state == "queued").execute()
    queue.drain(("task",))


def free_the_address(okta: Provider) -> None:
    """What identity providers do with a user who was deleted, so that the address can be given again."""
    okta.patch(f"/Users/{okta.users[1]}", {"op": "replace", "value": {
        "userName": f"deleted-{ANA}", "active": False, "emails": [{"value": f"deleted-{ANA}", "primary": True}]}})


def test_the_new_hires_account_is_never_the_leavers(okta, chat):
    leaver = okta.person(okta.users[1])
    okta.deactivate(okta.users[1])
    chat.check()
    assert waiting(chat) == [ANA]
    free_the_address(okta)
    new = okta.add(ANA, displayName="Ana Lima")

    hire = okta.person(new)
    assert hire.id != leaver.id and people.find_by_email(ANA) == hire
    assert (hire.status, Person.get_by_id(leaver.id).status) == ("active", "deprovisioned")
    assert names.main_email(Person.get_by_id(leaver.id)) == f"deleted-{ANA}"
    assert waiting(chat) == [], "the open report lost it at once"
    seat = account(chat)
    assert (seat.match_kind, seat.person_id) == ("unmatched", None)
    why = why_of(chat, seat)
    assert "belonged to Person 1" in why and "belongs to Ana Lima now: decide whose it is" in why
    chat.check()
    assert waiting(chat) == [] and account(chat).match_kind == "unmatched"
    assert App.get_by_id(chat.app.id).unmatched == 1
    moved = Activity.select().where(Activity.what == "moved e-mail address")
    assert {(row.about, row.before, row.after, row.person_id) for row in moved} == {
        (ANA, "Person 1", "Ana Lima", hire.id), (ANA, "Person 1", "Ana Lima", leaver.id)}  # fmt: skip
    work()
    assert chat.removed() == []


def test_a_removal_that_was_approved_before_ends_with_the_reason(okta, chat):
    okta.deactivate(okta.users[1])
    chat.check()
    [task] = reports.finish(reports.open_report(chat.app), chat.by).tasks
    free_the_address(okta)
    okta.add(ANA, displayName="Ana Lima")
    work()
    task = Task.get_by_id(task.id)
    assert task.state == "no longer needed" and "Ana Lima" in task.error
    assert chat.removed() == [] and account(chat).state == "present"


def test_one_that_needs_attention_ends_as_well(okta, chat):
    okta.deactivate(okta.users[1])
    chat.check()
    chat.fault("server-error", method="DELETE")
    [task] = reports.finish(reports.open_report(chat.app), chat.by).tasks
    work()
    Task.update(state="needs attention").where(Task.id == task.id).execute()
    chat.clear()
    free_the_address(okta)
    okta.add(ANA, displayName="Ana Lima")
    queue.drain(("task",))
    assert Task.get_by_id(task.id).state == "no longer needed" and chat.removed() == []


def test_in_the_opposite_order_nobody_has_it_in_between(okta, chat):
    new = okta.add("ana.lima", displayName="Ana Lima", emails=[{"value": ANA, "primary": True}])
    seat = account(chat)
    assert (seat.match_kind, why_of(chat, seat)) == (
        "unmatched", "The e-mail address is claimed by both Person 1 and Ana Lima")
    assert people.find_by_email(ANA) == okta.person(okta.users[1]), "mail and sign-in stay until it is clear"
    okta.deactivate(okta.users[1])
    assert chat.check().waiting == 0
    free_the_address(okta)
    assert people.find_by_email(ANA) == okta.person(new)
    assert "decide whose it is" in why_of(chat, account(chat))
    assert okta.person(okta.users[1]).status == "deprovisioned" and okta.person(new).status == "active"
    assert chat.check().waiting == 0


def test_while_both_are_in_use_and_one_gives_it_up_all_is_as_before(okta, chat):
    new = okta.add("ana.lima", displayName="Ana Lima", emails=[{"value": ANA, "primary": True}])
    okta.patch(f"/Users/{new}", {"op": "replace", "path": "emails", "value": [{"value": "lima@acme.example"}]})
    assert account(chat).person == okta.person(okta.users[1])
    assert okta.person(new).name == "Ana Lima" and names.main_email(okta.person(new)) == "lima@acme.example"


@pytest.mark.parametrize("number", ["", "1008"])
def test_someone_new_in_another_directory_is_not_who_was_marked_as_left_by_hand(okta, chat, number):
    """Okta doesn't know yet that Person 1 has left, so it still says that the address is theirs."""
    okta.call("PUT", f"/Users/{okta.users[1]}", {"schemas": [USER, ENTERPRISE], "userName": ANA, "active": True,
                                                 "displayName": "Person 1", ENTERPRISE: {"employeeNumber": "1001"}})
    leaver = okta.person(okta.users[1])
    people.mark_left(leaver, chat.by)
    chat.check()
    [task] = reports.finish(reports.open_report(chat.app), chat.by).tasks
    entra = Provider(okta.client.application, "Entra ID")
    entra.add(ANA, displayName="Ana Lima", **({ENTERPRISE: {"employeeNumber": number}} if number else {}))
    work()
    assert chat.removed() == [] and Task.get_by_id(task.id).state == "no longer needed"
    seat = account(chat)
    assert (seat.match_kind, why_of(chat, seat)) == (
        "unmatched", "The e-mail address is claimed by both Person 1 and Ana Lima")
    chat.check()
    assert status.standing(App.get_by_id(chat.app.id)).facts.doubtful == 1
    free_the_address(okta)
    scim_people.retry_unclear_users(utcnow())
    hire = people.find_by_email(ANA)
    assert (hire.name, hire.status, Person.get_by_id(leaver.id).status) == ("Ana Lima", "active", "deprovisioned")


def test_an_account_that_comes_after_the_move_is_the_new_hires(okta, chat, second):
    second.store.remove(second.id_of(1), via="page")
    second.check()
    okta.deactivate(okta.users[1])
    free_the_address(okta)
    hire = okta.person(okta.add(ANA, displayName="Ana Lima"))
    second.store.add(ANA, "Ana Lima", "member", via="page")
    assert second.check().waiting == 0
    seat = Account.get(Account.app == second.app, Account.email == ANA, Account.state == "present")
    assert seat.person == hire and match_rules.why(second.app, [seat])[seat.id] == "By e-mail"
    assert account(chat).match_kind == "unmatched", "the older one is asked about"


def test_both_are_suggested_and_the_shown_choice_counts(okta, chat):
    free_the_address(okta)
    hire = okta.person(okta.add(ANA, displayName="Ana Lima"))
    leaver = okta.person(okta.users[1])
    seat = account(chat)
    likely = {person.id: why for person, why in suggestions.suggestions(seat)}
    assert likely[hire.id] == "The e-mail is theirs"
    assert likely[leaver.id] == "The e-mail was theirs; has left the company"
    match_decisions.match(seat, hire, chat.by)
    chat.check()
    assert account(chat).person == hire
    okta.patch(f"/Users/{okta.users[2]}", {"op": "replace", "path": "title", "value": "Lead"})
    assert account(chat).person == hire


def test_a_held_leaver_is_not_decided_on_before_the_release(okta, chat):
    for user in okta.users[2:7]:
        okta.deactivate(user)
    okta.deactivate(okta.users[1])
    leaver = okta.person(okta.users[1])
    held = {entry.person_id for entry in directories.held(okta.directory)}
    assert leaver.status == "active" and leaver.id in held and len(held) == 6
    new = okta.add("ana.lima", displayName="Ana Lima", emails=[{"value": ANA, "primary": True}])
    assert people.find_by_email(ANA) == leaver and account(chat).match_kind == "unmatched"
    assert ANA not in waiting(chat)
    directories.release(okta.directory, chat.by)
    scim_people.retry_unclear_users(utcnow())
    assert okta.person(new) == people.find_by_email(ANA)
    assert Person.get_by_id(leaver.id).status == "deprovisioned"
    chat.check()
    assert ANA not in waiting(chat) and "decide whose it is" in why_of(chat, account(chat))


def test_a_user_who_is_created_under_a_deleted_ones_user_name_is_another(okta, chat):
    """Without an externalId, the userName is all that they have in common."""
    leaver = okta.person(okta.users[1])
    okta.call("DELETE", f"/Users/{okta.users[1]}")
    chat.check()
    assert waiting(chat) == [ANA]
    new = okta.add(ANA, displayName="Ana Lima")
    assert new != okta.users[1], "nothing but the userName is the same"
    assert okta.person(new).id != leaver.id
    assert (okta.person(new).status, Person.get_by_id(leaver.id).status) == ("active", "deprovisioned")
    assert waiting(chat) == [] and names.main_email(Person.get_by_id(leaver.id)) == ""
    assert names.main_email(okta.person(new)) == ANA


def test_a_rehire_under_the_same_user_name_is_the_same(okta, chat):
    leaver = okta.person(okta.users[1])
    okta.call("DELETE", f"/Users/{okta.users[1]}")
    again = okta.add(ANA, displayName="Person 1")
    assert okta.person(again) == leaver and okta.person(again).status == "active"
    assert account(chat).person == leaver


# By LDAP


def read_once(slapd, chat) -> tuple[Directory, Person]:
    """The directory, and someone in it who has an account."""
    chat.store.add("p0001@acme.example", "Person 0001", "member", via="page")
    ldap = directories.connect("ldap", "Company LDAP", slapd.settings(), chat.by)
    read(ldap)
    chat.check()
    return ldap, people.find_by_email("p0001@acme.example")


def test_by_ldap_the_successor_of_a_disabled_user(slapd, chat):
    ldap, leaver = read_once(slapd, chat)
    slapd.disable("p0001")
    read(ldap)
    chat.check()
    assert waiting(chat) == ["p0001@acme.example"]
    [task] = reports.finish(reports.open_report(chat.app), chat.by).tasks
    slapd.add("ana.lima", "Ana Lima", "p0001@acme.example", employeeNumber="2001")
    reading = read(ldap)
    assert (reading.counts["joined"], reading.counts["held"]) == (1, 0)
    hire = people.find_by_email("p0001@acme.example")
    assert (hire.name, hire.status, Person.get_by_id(leaver.id).status) == ("Ana Lima", "active", "deprovisioned")
    assert "p0001@acme.example was Person 0001's and is Ana Lima's now. 1 account" in reading.counts["warnings"][0]
    work()
    assert Task.get_by_id(task.id).state == "no longer needed" and chat.removed() == []
    chat.check()
    assert waiting(chat) == [] and account(chat, "p0001@acme.example").match_kind == "unmatched"


def test_by_ldap_the_mailbox_of_a_role_that_is_passed_on(slapd, chat):
    """The entry and its address stay: name and employee number are another's."""
    ldap, former = read_once(slapd, chat)
    slapd.modify("p0001", cn="Ana Lima", displayName="Ana Lima", employeeNumber="2001")
    reading = read(ldap)
    now = people.find_by_email("p0001@acme.example")
    assert (now.name, now.status, reading.counts["joined"], reading.counts["held"]) == ("Ana Lima", "active", 1, 1)
    assert any("has Ana Lima in the place of Person 0001" in warning for warning in reading.counts["warnings"])
    chat.check()
    seat = account(chat, "p0001@acme.example")
    assert seat.match_kind == "unmatched" and "decide whose it is" in why_of(chat, seat)
    assert status.standing(App.get_by_id(chat.app.id)).facts.doubtful == 1, "the former person may have left"
    directories.release(Directory.get_by_id(ldap.id), chat.by)
    chat.check()
    assert Person.get_by_id(former.id).status == "deprovisioned" and waiting(chat) == []


def test_by_ldap_a_second_entry_of_the_same_human_takes_nothing(slapd, chat):
    """An administrator's second account with the same address: neither is reported, neither is removed."""
    ldap, one = read_once(slapd, chat)
    slapd.add("adm-p0001", "Person 0001", "p0001@acme.example")
    read(ldap)
    assert account(chat, "p0001@acme.example").person == one
    slapd.disable("p0001")
    read(ldap)
    chat.check()
    assert waiting(chat) == [], "the second one is in use, and has the address"


# By a list


@pytest.fixture
def hr(chat: Chat, tmp_path: Path) -> Callable[..., DirectoryReading]:
    """`hr("7,Ana Lopez,ana@acme.example,active", …)` are rows of HR's list, beside twenty others; it is read."""
    file = tmp_path / "staff.csv"
    others = [f"{100 + number},Other {number},o{number}@acme.example,active" for number in range(20)]
    known: list[Directory] = []

    def write(*rows: str) -> DirectoryReading:
        file.write_text("\n".join(["employee_number,name,email,status", *others, *rows]))
        if not known:
            settings = {"source": "path", "file": str(file)}
            known.append(directories.connect("csv", "HR", settings, chat.by))
        return read(known[0])

    return write


@pytest.mark.parametrize("left", ["7,Ana Lopez,ana@acme.example,terminated", None], ids=["disabled", "gone"])
@pytest.mark.parametrize("name", ["Ana Lima", "Ana Lopez"], ids=["another name", "the same name"])
@pytest.mark.parametrize("together", [True, False], ids=["in one list", "one after the other"])
def test_by_csv_another_number_is_another_human(chat, hr, left, name, together):
    chat.store.add("ana@acme.example", "Ana", "member", via="page")
    hr("7,Ana Lopez,ana@acme.example,active")
    chat.check()
    leaver = people.find_by_email("ana@acme.example")
    assert account(chat, "ana@acme.example").person == leaver
    gone = [left] if left else []
    if not together:
        hr(*gone)
        chat.check()
        assert waiting(chat) == ["ana@acme.example"]
    reading = hr(*gone, f"12,{name},ana@acme.example,active")
    hire = people.find_by_email("ana@acme.example")
    assert (hire.employee_number, hire.status, reading.counts["held"]) == ("12", "active", 0)
    assert (Person.get_by_id(leaver.id).status, hire.id != leaver.id) == ("deprovisioned", True)
    assert waiting(chat) == []
    chat.check()
    assert waiting(chat) == [] and account(chat, "ana@acme.example").match_kind == "unmatched"


def test_by_csv_without_numbers_the_address_is_no_proof_either(chat, hr):
    chat.store.add("ana@acme.example", "Ana", "member", via="page")
    hr(",Ana Lopez,ana@acme.example,active")
    chat.check()
    leaver = people.find_by_email("ana@acme.example")
    hr()
    chat.check()
    assert waiting(chat) == ["ana@acme.example"]
    hr(",Ana Lima,ana@acme.example,active")
    hire = people.find_by_email("ana@acme.example")
    assert (hire.name, hire.status, Person.get_by_id(leaver.id).status) == ("Ana Lima", "active", "deprovisioned")
    assert waiting(chat) == [] and account(chat, "ana@acme.example").match_kind == "unmatched"
    hr()
    hr(",Ana Lima,ana@acme.example,active")
    assert people.find_by_email("ana@acme.example") == hire and hire.status == "active", "who comes back is the same"


def test_a_leavers_own_accounts_are_still_found(chat, hr):
    """Nobody else has the address: a list that no longer names them is what shows that they left."""
    chat.store.add("ana@acme.example", "Ana", "member", via="page")
    hr("7,Ana Lopez,ana@acme.example,active")
    hr()
    chat.check()
    assert waiting(chat) == ["ana@acme.example"]
    reports.finish(reports.open_report(chat.app), chat.by)
    work()
    assert chat.removed() == ["ana@acme.example"]


@pytest.mark.parametrize("status", [",active", ""], ids=["with a status", "without"])
def test_by_an_import_another_human_is_not_the_leaver(chat, status):
    leaver = chat.people[1]
    chat.leave(1)
    chat.check()
    head = "email,name" + (",status" if status else "")
    given = f"{head}\n{ANA},Ana Lima{status}\n".encode()
    assert importing.import_csv(given, chat.by).added == 1
    hire = people.find_by_email(ANA)
    assert (hire.name, hire.status) == ("Ana Lima", "active")
    assert (Person.get_by_id(leaver.id).name, Person.get_by_id(leaver.id).status) == ("Person 1", "deprovisioned")
    assert "belonged to Person 1" in why_of(chat, account(chat))
    chat.check()
    assert waiting(chat) == [] and account(chat).match_kind == "unmatched"
    assert Activity.select().where(Activity.what == "moved e-mail address").count() == 2
    assert importing.import_csv(given, chat.by).unchanged == 1


@pytest.mark.parametrize(("row", "came"), [(f"{ANA},Person 1,active", "held"), (f"{ANA},Ana Lima,left", "updated")],
                         ids=["same name", "left too"])
def test_by_an_import_the_same_human_stays_the_same(chat, row, came):
    chat.leave(1)
    assert getattr(importing.import_csv(f"email,name,status\n{row}\n".encode(), chat.by), came) == 1
    assert people.find_by_email(ANA) == chat.people[1]
