"""The last Owner can't vanish: not by a directory, a list or a suspension; and the recovery link works to the end."""

from __future__ import annotations

import pytest

from sync import names
from sync.directory import directories
from sync.models import Activity, DirectoryEntry, Person, Session
from sync.people import last_owner, people
from sync.people.people import PeopleProblem
from sync.sign_in import sign_in
from tests.web.client import Client


def _person(person: Person) -> Person:
    return Person.get_by_id(person.id)


@pytest.mark.parametrize("how", ["delete", "deactivate"])
def test_a_push_about_the_last_owner_is_held(okta, olga: Person, how: str):
    user = okta.add(names.main_email(olga))
    if how == "delete":
        assert okta.call("DELETE", f"/Users/{user}").status_code == 204
    else:
        okta.patch(f"/Users/{user}", {"op": "replace", "path": "active", "value": False})
    assert _person(olga).status == "active" and last_owner.has_owner()
    [held] = directories.held(okta.directory)
    assert (held.person_id, held.status, held.reported_status) == (olga.id, "active", "deprovisioned")


def test_releasing_it_is_refused_until_someone_else_owns_the_workspace(okta, olga: Person, by: str, someone):
    okta.call("DELETE", f"/Users/{okta.add(names.main_email(olga))}")
    directory = okta.directory
    with pytest.raises(directories.DirectoryProblem, match="make someone else an Owner first"):
        directories.release(directory, by)
    assert _person(olga).status == "active"
    someone("Jana Kowalski", role="owner")
    assert directories.release(directory, by) == 1
    assert _person(olga).status == "deprovisioned" and last_owner.has_owner()


def _list(tmp_path, *rows: str) -> str:
    file = tmp_path / "staff.csv"
    file.write_text("\n".join(["email,name,status", *rows]) + "\n")
    return str(file)


@pytest.mark.parametrize("later", [
    ["ana@acme.example,Ana,active", "ben@acme.example,Ben,active"],
    ["ana@acme.example,Ana,active", "ben@acme.example,Ben,active", "olga@acme.example,Olga,suspended"],
    ["ana@acme.example,Ana,active", "ben@acme.example,Ben,active", "olga@acme.example,Olga,left"],
])  # fmt: skip
def test_a_list_that_misses_or_locks_out_the_last_owner_is_held(tmp_path, olga: Person, by: str, later: list[str]):
    rows = ["ana@acme.example,Ana,active", "ben@acme.example,Ben,active", "olga@acme.example,Olga,active"]
    directory = directories.connect("csv", "Staff", {"file": _list(tmp_path, *rows)}, by)
    directories.run(directory.readings.get().id)
    _list(tmp_path, *later)
    directories.run(directories.ask(directory, by).id)
    assert _person(olga).status == "active"
    assert [entry.person_id for entry in directories.held(directory)] == [olga.id]


def test_another_directory_that_locks_the_last_owner_out_lets_nobody_else_do_it(tmp_path, olga: Person, by: str):
    others = [f"p{number}@acme.example,P{number},active" for number in range(8)]
    (tmp_path / "it").mkdir()
    read = []
    for name, folder, status in (("Staff", tmp_path, "active"), ("IT", tmp_path / "it", "suspended")):
        file = _list(folder, *others, f"olga@acme.example,Olga,{status}")
        read.append(directories.connect("csv", name, {"file": file}, by))
        directories.run(read[-1].readings.get().id)
    assert _person(olga).status == "active"
    _list(tmp_path, *others)
    directories.run(directories.ask(read[0], by).id)
    assert _person(olga).status == "active"
    assert [entry.person_id for entry in directories.held(read[0])] == [olga.id]


def test_two_owners_leaving_at_once_are_both_held_one_of_two_is_not(tmp_path, olga: Person, by: str, someone):
    jana = someone("Jana Kowalski", role="owner")
    others = [f"p{number}@acme.example,P{number},active" for number in range(8)]
    file = _list(tmp_path, *others, "olga@acme.example,Olga,active", "jana.kowalski@acme.example,Jana,active")
    directory = directories.connect("csv", "Staff", {"file": file}, by)
    directories.run(directory.readings.get().id)
    _list(tmp_path, *others)
    directories.run(directories.ask(directory, by).id)
    assert {_person(olga).status, _person(jana).status} == {"active"}
    _list(tmp_path, *others, "olga@acme.example,Olga,active")
    directories.run(directories.ask(directory, by).id)
    assert (_person(olga).status, _person(jana).status) == ("active", "deprovisioned")


def test_a_suspended_owner_is_none(olga: Person, by: str, someone):
    jana = someone("Jana Kowalski", role="owner")
    Person.update(status="suspended").where(Person.id == jana.id).execute()
    with pytest.raises(PeopleProblem, match="only Owner"):
        people.mark_left(olga, by)
    with pytest.raises(PeopleProblem, match="only Owner"):
        people.set_workspace_role(olga, "admin", by)


@pytest.mark.parametrize("status", ["suspended", "deprovisioned"])
def test_the_recovery_link_works_to_the_end(site, olga: Person, status: str):
    Person.update(status=status).where(Person.id == olga.id).execute()
    token = sign_in.setup_link_token()
    assert token, "the next start prints a link"
    browser = Client(site)
    page = browser.get(f"/setup?token={token}").text
    assert "Make a new Owner" in page and 'value="Acme"' in page
    answer = browser.post("/setup", token=token, workspace="Acme", name="Olga Brandt", email="olga@acme.example",
                          password="a new passphrase for olga", password_again="a new passphrase for olga")
    assert answer.status_code == 303
    assert "Olga Brandt" in browser.get("/settings").text
    assert _person(olga).status == "active" and last_owner.has_owner()
    assert Client(site).get(f"/setup?token={token}").location == "/sign-in", "it works once"
    assert Activity.select().where(Activity.what == "set up workspace").count() == 2


def test_a_suspended_persons_sessions_end_at_once_and_no_way_in_is_open(site, olga, by, someone, tmp_path):
    jana = someone("Jana Kowalski", role="admin")
    sign_in.set_password(jana, "correct horse battery", by)
    browser = Client(site, jana)
    assert browser.get("/people").status_code == 200
    link = sign_in.signed_link(jana)
    file = _list(tmp_path, "olga@acme.example,Olga,active", "jana.kowalski@acme.example,Jana,suspended")
    directory = directories.connect("csv", "Staff", {"file": file}, by)
    directories.run(directory.readings.get().id)
    assert _person(jana).status == "suspended"
    assert browser.get("/people").status_code == 303
    assert not Session.select().where(Session.person == jana).exists()
    assert sign_in.authenticate("jana.kowalski@acme.example", "correct horse battery") is None
    assert sign_in.person_of_link(link) is None
    assert not last_owner.may_sign_in(_person(jana))
    assert DirectoryEntry.select().where(DirectoryEntry.reported_status == "suspended").count() == 1
