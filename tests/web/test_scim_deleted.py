"""Users that an identity provider deleted, and names and addresses that it may not write."""

from __future__ import annotations

import json

import pytest

from sync.directory import directories, push
from sync.models import Person, ScimResource
from tests.web.provider import ENTERPRISE, PATCH, Provider, problem


def listed(okta: Provider) -> list[str]:
    answer = okta.get("/Users")
    assert answer["totalResults"] == len(answer["Resources"])
    return [user["userName"] for user in answer["Resources"]]


def test_a_deleted_user_is_in_no_list_and_counted_nowhere(okta: Provider) -> None:
    okta.add("bo@acme.example")
    ana = okta.add("ana@acme.example")
    okta.call("DELETE", f"/Users/{ana}")
    assert listed(okta) == ["bo@acme.example"] and push.counts(okta.directory) == {"User": 1}
    ScimResource.update(entry=None).where(ScimResource.scim_id == ana).execute()
    assert push.unclear(okta.directory) == []


def test_of_several_deleted_users_the_one_with_the_same_id_is_back(okta: Provider) -> None:
    users = {number: okta.add(f"p{number}@acme.example", externalId=str(number)) for number in range(3)}
    for user in users.values():
        okta.call("DELETE", f"/Users/{user}")
    assert okta.add("new@acme.example", externalId="1") == users[1]


@pytest.mark.parametrize(("name", "number"), [("Jo Smith", "2"), ("Jane Roe", "")], ids=["a number", "a name"])
def test_an_id_that_is_given_to_someone_else_brings_no_leaver_back(okta: Provider, name: str, number: str) -> None:
    """Entra ID's default mapping: mailNickname to externalId. An address and its nickname are given again."""
    known = {"externalId": "jsmith", "displayName": "Jo Smith", ENTERPRISE: {"employeeNumber": number and "1"}}
    left = okta.add("jsmith@acme.example", **known)
    leaver = okta.person(left)
    okta.call("DELETE", f"/Users/{left}")
    new = okta.add("jsmith@acme.example", **known | {"displayName": name, ENTERPRISE: {"employeeNumber": number}})
    assert new != left and okta.person(new) != leaver and okta.person(left).status == "deprovisioned"


@pytest.mark.parametrize(("name", "number", "is_same"), [
    ("Jo Smith", "2", False), ("Jane Roe", "", False), ("Jo Smyth", "1", True), ("Jo Smith", "", True),
], ids=["another number", "another name", "a new name", "the same"])  # fmt: skip
def test_a_disabled_user_that_is_used_again_for_someone_else_brings_no_leaver_back(
    okta: Provider, name: str, number: str, is_same: bool
) -> None:
    """An identity provider finds a new hire's user by the user name, and writes them into the one of a leaver."""
    user = okta.add("jsmith@acme.example", displayName="Jo Smith", **{ENTERPRISE: {"employeeNumber": number and "1"}})
    leaver = okta.person(user)
    okta.deactivate(user)
    written = {"active": True, "displayName": name, f"{ENTERPRISE}:employeeNumber": number}
    okta.patch(f"/Users/{user}", *({"op": "Replace", "path": path, "value": value} for path, value in written.items()))
    assert okta.person(user).status == "active" and (okta.person(user) == leaver) is is_same
    assert (Person.get_by_id(leaver.id).status == "active") is is_same


def test_a_user_who_is_here_becomes_someone_else_by_another_name_and_number_alone(okta: Provider) -> None:
    """No push says that the former person is missing: they are held, or they would stay for ever."""
    user = okta.add("jsmith@acme.example", displayName="Jo Smith", **{ENTERPRISE: {"employeeNumber": "1"}})
    known = okta.person(user)
    written = {"userName": "roe@acme.example", "displayName": "Jane Roe", f"{ENTERPRISE}:employeeNumber": "2"}
    okta.patch(f"/Users/{user}", *({"op": "replace", "path": path, "value": value} for path, value in written.items()))
    assert okta.person(user).name == "Jane Roe" and Person.get_by_id(known.id).name == "Jo Smith"
    assert [entry.person for entry in directories.held(okta.directory)] == [known]


def test_the_name_of_another_user_is_refused_and_that_of_a_deleted_one_is_free(okta: Provider) -> None:
    okta.add("bo@acme.example")
    ana = okta.add("ana@acme.example")
    rename = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "userName", "value": "BO@acme.example"}]}
    assert problem(okta.call("PATCH", f"/Users/{ana}", rename)) == (409, "uniqueness")
    assert sorted(listed(okta)) == ["ana@acme.example", "bo@acme.example"]
    okta.call("DELETE", f"/Users/{ana}")
    cy = okta.add("cy@acme.example")
    again = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "userName", "value": "ana@acme.example"}]}
    assert okta.call("PATCH", f"/Users/{cy}", again).status_code == 200, "the name of a deleted user is free"


def test_a_bad_address_keeps_nobody_from_being_switched_off(okta: Provider) -> None:
    ana = okta.add("ana@acme.example")
    bad = [{"value": "not an address"}]

    def write(**values: object) -> int:
        replace = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": values}]}
        return okta.call("PATCH", f"/Users/{ana}", replace).status_code

    assert write(emails=bad) == 400 and okta.person(ana).status == "active"
    assert write(emails=bad, active=False) == 200 and okta.person(ana).status == "deprovisioned"
    assert write(active=True) == 200 and okta.person(ana).status == "active", "it was written before"
    assert json.loads(okta.call("GET", f"/Users/{ana}").text)["emails"] == bad


def test_a_newcomer_of_another_name_or_number_is_not_the_deleted_user(okta: Provider) -> None:
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    known = {"displayName": "John Doe", enterprise: {"employeeNumber": "N1"}}
    okta.add("bo@acme.example")
    for changed, same in (({}, True), ({enterprise: {"employeeNumber": "n1"}, "displayName": "John Roe"}, True),
                          ({enterprise: {"employeeNumber": "N2"}}, False),
                          ({enterprise: {}, "displayName": "Jane Roe"}, False)):  # fmt: skip
        old = okta.add("john@acme.example", **known)
        okta.call("DELETE", f"/Users/{old}")
        new = okta.add("john@acme.example", **(known | changed))
        assert (new == old) is same, changed
        okta.call("DELETE", f"/Users/{new}")
        ScimResource.delete().where(ScimResource.name_key == "john@acme.example").execute()
