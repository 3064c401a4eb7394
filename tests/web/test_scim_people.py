"""Who works here by what an identity provider pushes: joining, leaving, coming back, two directories, guards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync import names
from sync.db import utcnow
from sync.directory import directories, freshness
from sync.jobs import asking, queue
from sync.models import Account, Activity, Check, Directory, DirectoryEntry, Mail, Person, Report, ScimResource
from sync.people import people
from tests.asking import MACHINE
from tests.sync.fixtures import Chat
from tests.sync.scripted import Scripted
from tests.web.provider import BULK, ENTERPRISE, PATCH, USER, Provider, problem


def status(email: str) -> str:
    return people.find_by_email(email).status


def left_before(ago: timedelta) -> None:
    """Everyone who left did so this long ago."""
    then = utcnow() - ago
    DirectoryEntry.update(left_at=then, reported_at=then).where(DirectoryEntry.left_at.is_null(False)).execute()


def test_a_pushed_user_becomes_a_person(okta: Provider) -> None:
    ana = okta.add(
        "Ana.Brandt", displayName="Ana Brandt", externalId="00u1",
        emails=[{"value": "home@ana.example", "type": "home"}, {"value": "Ana@acme.example", "type": "work"}],
        **{ENTERPRISE: {"employeeNumber": "701"}},
    )  # fmt: skip
    person = okta.person(ana)
    assert (person.name, person.status, person.employee_number) == ("Ana Brandt", "active", "701")
    assert names.main_email(person) == "Ana@acme.example"
    assert people.find_by_email("home@ana.example") == person
    assert [entry.what for entry in Activity.select().where(Activity.person == person)] == ["person joined"]


@pytest.mark.parametrize("change", [{"active": False}, {"active": "False"}])
def test_inactive_is_deprovisioned_at_once_and_active_again(okta: Provider, change: dict) -> None:
    okta.add("bo@acme.example")
    ana = okta.add("ana@acme.example")
    okta.patch(f"/Users/{ana}", {"op": "replace", "value": change})
    assert (status("ana@acme.example"), status("bo@acme.example")) == ("deprovisioned", "active")
    assert okta.person(ana).status_reason == "Disabled in Okta"
    okta.patch(f"/Users/{ana}", {"op": "replace", "path": "active", "value": True})
    assert status("ana@acme.example") == "active"


@pytest.mark.parametrize(("method", "document"), [
    ("PUT", {"schemas": [USER], "userName": "ana@acme.example"}),
    ("PATCH", {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "active"}]}),
    ("PATCH", {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": None}}]}),
], ids=["replaced without it", "removed", "null"])  # fmt: skip
def test_a_leaver_is_not_back_because_active_is_missing(okta: Provider, method: str, document: dict) -> None:
    okta.add("bo@acme.example")
    ana = okta.add("ana@acme.example")
    okta.deactivate(ana)
    assert okta.call(method, f"/Users/{ana}", document).status_code == 200
    assert status("ana@acme.example") == "deprovisioned"
    okta.patch(f"/Users/{ana}", {"op": "add", "path": "title", "value": "Contractor"})
    assert status("ana@acme.example") == "deprovisioned"
    okta.patch(f"/Users/{ana}", {"op": "replace", "path": "active", "value": True})
    assert status("ana@acme.example") == "active"


@pytest.mark.parametrize("again", [{"externalId": "00u1"}, {}], ids=["by externalId", "by userName"])
def test_deleted_is_deprovisioned_and_created_again_is_the_same_person(okta: Provider, again: dict) -> None:
    okta.add("bo@acme.example")
    ana = okta.add("ana@acme.example", **again)
    person = okta.person(ana)
    assert okta.call("DELETE", f"/Users/{ana}").status_code == 204
    assert status("ana@acme.example") == "deprovisioned"
    assert okta.person(ana).status_reason == "No longer in Okta"
    assert problem(okta.call("GET", f"/Users/{ana}")) == (404, None)
    assert problem(okta.call("DELETE", f"/Users/{ana}")) == (404, None)
    assert okta.get("/Users", filter='userName eq "ana@acme.example"')["totalResults"] == 0
    rehired = okta.add("ana@acme.example" if not again else "ana.new@acme.example", **again)
    assert (okta.person(rehired).id, okta.person(rehired).status) == (person.id, "active")
    assert DirectoryEntry.select().where(DirectoryEntry.person == person).count() == 1


def test_someone_who_is_created_again_is_back_also_without_active(okta: Provider) -> None:
    okta.add("bo@acme.example")
    ana = okta.add("ana@acme.example")
    okta.call("DELETE", f"/Users/{ana}")
    assert okta.call("POST", "/Users", {"schemas": [USER], "userName": "ana@acme.example"}).status_code == 201
    assert status("ana@acme.example") == "active"


def test_another_person_under_an_old_user_name_is_another(okta: Provider) -> None:
    okta.add("bo@acme.example")
    old = okta.add("john", externalId="1", emails=[{"value": "john@acme.example"}])
    okta.call("DELETE", f"/Users/{old}")
    new = okta.add("john", externalId="2", emails=[{"value": "john.second@acme.example"}])
    assert new != old and okta.person(new).id != okta.person(old).id
    assert (status("john@acme.example"), status("john.second@acme.example")) == ("deprovisioned", "active")


def test_created_inactive_nobody_left(okta: Provider) -> None:
    okta.add("ana@acme.example", active=False)
    assert status("ana@acme.example") == "deprovisioned"
    assert not directories.held(okta.directory)
    assert DirectoryEntry.get().left_at is None


def test_people_of_two_directories_are_one_by_e_mail_and_active_in_one_wins(okta: Provider, entra: Provider) -> None:
    for provider in (okta, entra):
        provider.add("bo@acme.example")
    here, there = okta.add("ana@acme.example"), entra.add("ANA@Acme.example")
    assert okta.person(here) == entra.person(there)
    okta.deactivate(here)
    assert status("ana@acme.example") == "active"
    entra.deactivate(there)
    assert status("ana@acme.example") == "deprovisioned"


def test_beside_a_directory_that_is_read(okta: Provider, company: Scripted) -> None:
    company.add("1", "ana@acme.example", "Ana")
    company.add("2", "bo@acme.example", "Bo")
    company.read()
    ana = okta.add("ana@acme.example")
    okta.add("bo@acme.example")
    okta.deactivate(ana)
    assert status("ana@acme.example") == "active", "active in any directory wins"
    company.say("1", status="deprovisioned")
    company.read()
    assert status("ana@acme.example") == "deprovisioned"


def test_a_token_never_sees_what_is_another_directorys(okta: Provider, entra: Provider) -> None:
    ana, group = okta.add("ana@acme.example"), okta.add_group("Staff")
    assert entra.get("/Users")["totalResults"] == entra.get("/Groups")["totalResults"] == 0
    assert entra.get("/Users", filter='userName eq "ana@acme.example"')["totalResults"] == 0
    for path in (f"/Users/{ana}", f"/Groups/{group}"):
        rename = {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
        for method, body in (("GET", None), ("DELETE", None), ("PUT", {"userName": "x"}), ("PATCH", rename)):
            assert problem(entra.call(method, path, body))[0] == 404
    theirs = entra.add_group("Theirs", ana)
    assert entra.get(f"/Groups/{theirs}")["members"] == [{"value": ana}], "as it was written"
    assert "groups" not in okta.get(f"/Users/{ana}")
    assert entra.add("ana@acme.example") != ana, "a userName is unique within its directory"


def test_a_users_groups_are_reported_and_kept(okta: Provider) -> None:
    ana, bo = okta.add("ana@acme.example"), okta.add("bo@acme.example")
    staff = okta.add_group("Staff", ana, bo)
    version = okta.get(f"/Users/{ana}")["meta"]["version"]
    [theirs] = okta.get(f"/Users/{ana}")["groups"]
    assert theirs["value"] == staff and theirs["display"] == "Staff"
    assert theirs["$ref"].endswith(f"/scim/v2/Groups/{staff}")
    assert {member.entry.email for group in okta.row().groups for member in group.members} == {
        "ana@acme.example", "bo@acme.example"}  # fmt: skip
    okta.patch(f"/Groups/{staff}", {"op": "remove", "path": f'members[value eq "{ana}"]'})
    assert okta.get(f"/Users/{ana}")["meta"]["version"] != version
    assert [member.entry.email for group in okta.row().groups for member in group.members] == ["bo@acme.example"]
    okta.call("DELETE", f"/Users/{bo}")
    assert "members" not in okta.get(f"/Groups/{staff}")
    okta.call("DELETE", f"/Groups/{staff}")
    assert okta.row().groups.count() == 0 and okta.get("/Groups")["totalResults"] == 0


def test_one_address_for_two_users_is_never_guessed(okta: Provider) -> None:
    okta.add("ana", emails=[{"value": "ana@acme.example"}])
    admin = okta.add("ana-admin", emails=[{"value": "ana@acme.example"}], displayName="Ana's other")
    assert Person.select().count() == 2, "Olga and Ana"
    assert "belongs to" in ScimResource.get(ScimResource.scim_id == admin).warning
    assert okta.get(f"/Users/{admin}")["displayName"] == "Ana's other"
    assert Activity.select().where(Activity.what == "directory needs a look").count() == 1
    okta.patch(f"/Users/{admin}", {"op": "replace", "path": "emails", "value": [{"value": "admin@acme.example"}]})
    assert okta.person(admin).name == "Ana's other"
    assert ScimResource.get(ScimResource.scim_id == admin).warning is None


def test_the_leavers_of_a_day_are_counted_and_held(okta: Provider) -> None:
    users = [okta.add(f"p{n}@acme.example", displayName=f"P{n}") for n in range(20)]
    for user in users[:12]:
        okta.deactivate(user)
    left = Person.select().where(Person.status == "deprovisioned").count()
    assert left == 0, "of 20 people, 5 may leave within a day; with the sixth, more than 5 and more than 20 %, all wait"
    assert len(directories.held(okta.directory)) == 12
    assert okta.get(f"/Users/{users[11]}")["active"] is False, "the identity provider reads what it wrote"
    assert Mail.select().count() == 0
    left_before(timedelta(minutes=2))
    for _ in range(2):
        queue.sweep()
    assert [(mail.kind, "12" in mail.subject) for mail in Mail.select()] == [("directory held", True)], "one mail"
    left_before(timedelta(days=2))
    okta.patch(f"/Users/{users[11]}", {"op": "replace", "path": "title", "value": "Left"})
    assert len(directories.held(okta.directory)) == 12, "who is held stays held until someone releases them"
    assert directories.release(okta.directory, MACHINE) == 12
    assert Person.select().where(Person.status == "deprovisioned").count() == 12
    okta.deactivate(users[12])
    assert not directories.held(okta.directory), "those who were looked at count no more"


def test_those_who_are_back_under_another_id_are_no_leavers_of_the_day(okta: Provider) -> None:
    users = [okta.add(f"p{n}@acme.example", displayName=f"P{n}") for n in range(10)]
    for user in users[:5]:
        okta.deactivate(user)
    for n in range(3):
        okta.add(f"back{n}", displayName=f"P{n}", emails=[{"value": f"p{n}@acme.example"}])
        assert status(f"p{n}@acme.example") == "active"
    okta.deactivate(users[9])
    assert status("p9@acme.example") == "deprovisioned"


def grown_old() -> None:
    """Everyone, and each directory, has been known for two days."""
    for table in (Person, Directory):
        table.update(created_at=utcnow() - timedelta(days=2)).execute()


def test_people_who_were_just_added_make_no_room_for_leavers(okta: Provider) -> None:
    """A stolen token could add as many as it takes for the others to be few."""
    users = [okta.add(f"p{n}@acme.example", displayName=f"P{n}") for n in range(20)]
    grown_old()
    for number in range(40):
        okta.add(f"new{number}@acme.example", displayName=f"New {number}")
    for user in users[:12]:
        okta.deactivate(user)
    assert len(directories.held(okta.directory)) == 12, "5 of 20 people may leave within a day"


def test_nor_in_a_directory_that_is_read(company: Scripted) -> None:
    grown_old()
    for number in range(40):
        company.add(f"new{number}", f"new{number}@acme.example", f"New {number}")
    company.read()
    company.delete(*[id for id in company.entries if not id.startswith("new")][:6])
    company.read()
    assert len(directories.held(company.row())) == 6


def test_an_empty_directory_is_held_and_a_return_needs_no_approval(okta: Provider) -> None:
    ana, bo = okta.add("ana@acme.example"), okta.add("bo@acme.example")
    okta.deactivate(ana)
    okta.deactivate(bo)
    assert (status("ana@acme.example"), status("bo@acme.example")) == ("active", "active")
    assert {entry.person_id for entry in directories.held(okta.directory)} == {okta.person(ana).id, okta.person(bo).id}
    okta.patch(f"/Users/{bo}", {"op": "replace", "path": "active", "value": True})
    assert [entry.person_id for entry in directories.held(okta.directory)] == [okta.person(ana).id]


def test_the_returns_of_a_day_are_counted_and_held(okta: Provider) -> None:
    """A burst of `active: true` from a provider that no longer knows who has left."""
    users = [okta.add(f"p{n}@acme.example", displayName=f"P{n}") for n in range(20)]

    def active(number: int, value: bool) -> None:
        okta.patch(f"/Users/{users[number]}", {"op": "replace", "path": "active", "value": value})

    def here() -> int:
        return Person.select().where(Person.status == "active", Person.name.startswith("P")).count()

    for number in range(8):
        active(number, False)
    directories.release(okta.directory, MACHINE)
    for number in range(7):
        active(number, True)
        assert here() == 12 + (number + 1 if number < 5 else 0), "the sixth is more than 5 and more than 20 % of 12"
    assert okta.row().many_back_since
    assert okta.get(f"/Users/{users[6]}")["active"] is True, "the identity provider reads what it wrote"
    answer = okta.call("PUT", f"/Users/{users[6]}", {"schemas": [USER], "userName": "p6@acme.example"})
    assert answer.status_code == 200
    left_before(timedelta(days=2))
    active(7, True)
    assert len(directories.held(okta.directory)) == 8, "each is held until someone decides"
    active(7, False)
    assert len(directories.held(okta.directory)) == 7 and okta.row().many_back_since
    assert directories.release(okta.directory, MACHINE, back=True) == 7
    active(7, True)
    assert here() == 20 and okta.row().many_back_since is None, "those who were looked at count no more"


def test_a_user_that_becomes_someone_else_ends_the_held_return_of_the_former_person(okta: Provider) -> None:
    """Someone who confirms it would otherwise bring the former person back."""
    user = okta.add("p1@acme.example", displayName="Ben")
    ben = okta.person(user)
    left = utcnow() - timedelta(days=3)
    DirectoryEntry.update(status="deprovisioned", left_at=left, back_at=utcnow()).execute()
    Person.update(status="deprovisioned").where(Person.id == ben.id).execute()
    assert directories.held(okta.directory, back=True)
    okta.patch(f"/Users/{user}", {"op": "replace", "path": "displayName", "value": "Ana"})
    assert not directories.held(okta.directory)
    assert (Person.get_by_id(ben.id).name, Person.get_by_id(ben.id).status) == ("Ben", "deprovisioned")
    assert [(entry.left_at, entry.back_at) for entry in people.entries_of(ben)] == [(left, None)]


def test_a_user_with_another_name_and_number_is_someone_new_and_the_former_person_is_held(okta: Provider) -> None:
    """No push says that the former person is missing, so nobody would ever look at them again."""
    desk = okta.add("desk@acme.example", displayName="Ben", **{ENTERPRISE: {"employeeNumber": "7"}})
    ben = okta.person(desk)
    staff = okta.add_group("Staff", desk)

    def is_now(name: str, number: str) -> Person:
        okta.call("PUT", f"/Users/{desk}", {"schemas": [USER, ENTERPRISE], "userName": "desk@acme.example",
                                            "displayName": name, ENTERPRISE: {"employeeNumber": number}})
        return okta.person(desk)

    ana = is_now("Ana", "12")
    assert (ana.name, ana.status, people.find_by_email("desk@acme.example")) == ("Ana", "active", ana) and ana != ben
    [held] = directories.held(okta.directory)
    assert (held.person, held.person.name, held.person.status) == (ben, "Ben", "active")
    assert held.reason == "No longer in Okta" and held.left_at and held.reported_at == held.left_at
    assert {member.entry.person for member in okta.row().groups.get().members} == {ana, ben}, "and in the groups"
    assert okta.get(f"/Groups/{staff}")["members"][0]["value"] == desk
    okta.patch(f"/Users/{desk}", {"op": "replace", "path": "title", "value": "Desk"})
    assert directories.held(okta.directory)[0].reported_at == held.reported_at, "since when stays known"
    assert is_now("Ben", "7") == ben, "it was a mistake"
    assert [entry.person for entry in directories.held(okta.directory)] == [ana]
    assert is_now("Ana", "12") == ana
    assert directories.release(okta.directory, MACHINE) == 1
    assert (Person.get_by_id(ben.id).status, okta.person(desk).status) == ("deprovisioned", "active")


def test_a_leavers_apps_are_checked_within_a_minute_once_an_app(okta: Provider, chat: Chat, second: Chat) -> None:
    """Also when many leave at the same time."""
    users = [okta.add(f"p{n}@acme.example") for n in range(30)]
    checks = Check.select().count()
    for user in users[1:3]:
        okta.deactivate(user)
    waiting = list(Check.select().where(Check.state == "queued").order_by(Check.app))
    assert [(check.app_id, check.trigger, check.started_by) for check in waiting] == [
        (app.app.id, "directory", "Okta (directory)") for app in (chat, second)]  # fmt: skip
    assert Check.select().count() == checks + 2
    assert all(check.next_at <= utcnow() + timedelta(minutes=1) for check in waiting)
    Check.update(next_at=utcnow()).where(Check.state == "queued").execute()
    queue.drain(("check",))
    assert {report.waiting for report in Report.select().where(Report.state == "open")} == {2}


def test_no_account_means_no_check_and_a_running_check_is_joined(okta: Provider, chat: Chat) -> None:
    users = [okta.add(f"p{n}@acme.example") for n in range(30)]
    nobody = okta.add("nobody@acme.example")
    checks = Check.select().count()
    okta.deactivate(nobody)
    assert Check.select().count() == checks
    later = Check.create(app=chat.app, trigger="daily", next_at=utcnow() + timedelta(hours=1))
    okta.deactivate(users[0])
    assert Check.get_by_id(later.id).next_at <= utcnow() + asking.PAUSE
    assert Check.select().count() == checks + 1


def test_a_held_leaver_starts_no_check_until_released(okta: Provider, chat: Chat) -> None:
    users = [okta.add(f"p{n}@acme.example") for n in range(10)]
    for user in users[:5]:
        okta.deactivate(user)
    Check.delete().where(Check.state == "queued").execute()
    okta.deactivate(users[5])
    assert not Check.select().where(Check.state == "queued").exists()
    directories.release(okta.directory, MACHINE)
    assert Check.get(Check.state == "queued").trigger == "directory"


def test_paused_it_is_asked_to_come_again_and_removed_it_is_refused(okta: Provider) -> None:
    ana = okta.add("ana@acme.example")
    directories.pause(okta.directory, MACHINE)
    answer = okta.call("PATCH", f"/Users/{ana}", {"Operations": [{"op": "replace", "value": {"active": False}}]})
    assert problem(answer) == (503, None) and int(answer.headers["Retry-After"]) > 0
    assert status("ana@acme.example") == "active"
    directories.resume(okta.directory, MACHINE)
    assert freshness.read_if_older(timedelta(0), "schedule") == [] and directories.due(utcnow()) == []
    assert okta.row().next_read_at is None, "it isn't read, so it is never overdue"
    assert okta.get("/Users")["totalResults"] == 1
    directories.remove(okta.directory, MACHINE)
    assert problem(okta.call("GET", "/Users")) == (401, None)
    assert status("ana@acme.example") == "active" and ScimResource.select().count() == 0
    assert Directory.select().count() == 0


def test_a_decision_by_hand_outlives_what_is_pushed(okta: Provider) -> None:
    okta.add("bo@acme.example")
    ana = okta.add("ana@acme.example")
    okta.deactivate(ana)
    people.mark_returned(okta.person(ana), MACHINE)
    okta.patch(f"/Users/{ana}", {"op": "replace", "path": "title", "value": "Contractor"})
    assert status("ana@acme.example") == "active"


def test_a_bulk_request_is_as_many_requests(okta: Provider) -> None:
    users = [{"method": "POST", "path": "/Users", "bulkId": f"u{n}",
              "data": {"schemas": [USER], "userName": f"b{n}@acme.example", ENTERPRISE: {"manager": "m1"}}}
             for n in range(3)]  # fmt: skip
    group = {"method": "POST", "path": "/Groups", "bulkId": "g",
             "data": {"displayName": "All", "members": [{"value": "bulkId:u0"}, {"value": "bulkId:u2"}]}}  # fmt: skip
    taken = users[1] | {"bulkId": "x", "data": {"schemas": [USER], "userName": "B1@acme.example"}}
    answer = okta.call("POST", "/Bulk", {"schemas": [BULK], "Operations": [*users, group, taken]})
    assert [one["status"] for one in answer.get_json(force=True)["Operations"]] == ["201"] * 4 + ["409"]
    assert people.find_by_email("b2@acme.example").status == "active"
    assert Account.select().count() == 0
    [group] = okta.get("/Groups")["Resources"]
    assert len(group["members"]) == 2
