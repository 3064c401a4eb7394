"""What Entra ID sends, in the shapes of its public provisioning reference and of what others had trouble with."""

from __future__ import annotations

import json

import pytest

from sync import names
from sync.people import people
from tests.web.provider import ENTERPRISE, GROUP, PATCH, USER, Provider, problem

ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
NEWCOMER = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "Test_User_ab6490ee@testuser.com",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "Test_User_fd0ea19b@testuser.com"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
    "roles": [],
}


def add(entra: Provider, **body) -> str:
    answer = entra.call("POST", "/Users", NEWCOMER | body)
    assert answer.status_code == 201, answer.text
    return json.loads(answer.text)["id"]


def emails(user: dict) -> dict[str, str]:
    return {one.get("type"): one["value"] for one in user.get("emails", [])}


def test_the_test_of_the_connection(entra: Provider) -> None:
    page = entra.get("/Users", filter='userName eq "ab6490ee-1e48-479e-a20b-2d77186b5dd1"')
    assert page["totalResults"] == 0 and page["Resources"] == []
    assert {schema["id"] for schema in entra.get("/Schemas")["Resources"]} >= {USER, GROUP, ENTERPRISE}


def test_a_user_is_found_by_user_name_and_by_external_id_in_any_case(entra: Provider) -> None:
    user = add(entra)
    for asked in ('userName eq "TEST_USER_AB6490EE@testuser.com"', f'externalId eq "{NEWCOMER["externalId"]}"',
                  'emails[type eq "work"].value eq "test_user_fd0ea19b@testuser.com"',
                  'emails[type eq "work" and primary eq true].value sw "test_user_fd"'):  # fmt: skip
        assert [found["id"] for found in entra.get("/Users", filter=asked)["Resources"]] == [user], asked
    assert entra.get("/Users", filter='externalId eq "0A21F0F2"')["totalResults"] == 0
    assert problem(entra.call("POST", "/Users", NEWCOMER | {"userName": "TEST_user_ab6490ee@testuser.COM"})) == (
        409, "uniqueness")  # fmt: skip


def test_entra_patch(entra: Provider) -> None:
    """Capital letters, several at once, a path by a filter: the e-mail is replaced, the others are untouched."""
    user = add(entra, emails=[*NEWCOMER["emails"], {"type": "home", "value": "home@testuser.com"}])
    after = entra.patch(
        f"/Users/{user}",
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "updatedEmail@testuser.com"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
        {"op": "Add", "path": "displayName", "value": "Updated"},
    )
    assert emails(after) == {"work": "updatedEmail@testuser.com", "home": "home@testuser.com"}
    assert after["name"]["familyName"] == "updatedFamilyName" and after["name"]["givenName"] == "givenName"
    person = people.find_by_email("updatedEmail@testuser.com")
    assert (person.name, names.main_email(person)) == ("Updated", "updatedEmail@testuser.com")
    assert people.find_by_email("home@testuser.com") == person


def test_a_value_that_a_path_names_is_added_if_missing(entra: Provider) -> None:
    user = add(entra, emails=[])
    after = entra.patch(
        f"/Users/{user}",
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "new@testuser.com"},
        {"op": "Replace", "path": 'emails[type eq "other"].value', "value": "other@testuser.com"},
        {"op": "Add", "path": 'addresses[type eq "work"].formatted', "value": "1 Street"},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "DE"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 1"},
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "Reader"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Sales"},
        {"op": "Replace", "path": f"{ENTERPRISE}:employeeNumber", "value": "701"},
    )
    assert emails(after) == {"work": "new@testuser.com", "other": "other@testuser.com"}
    assert after["addresses"] == [{"type": "work", "formatted": "1 Street", "country": "DE"}]
    assert after["phoneNumbers"] == [{"type": "mobile", "value": "+49 1"}]
    assert after["roles"] == [{"value": "Reader", "primary": True}]
    assert after[ENTERPRISE] == {"department": "Sales", "employeeNumber": "701"}
    assert people.find_by_email("new@testuser.com").employee_number == "701"


def test_one_operation_without_a_path_sets_many(entra: Provider) -> None:
    user = add(entra)
    after = entra.patch(f"/Users/{user}", {"op": "Replace", "value": {
        "active": "True", "displayName": "Many", "name.givenName": "Ma",
        'emails[type eq "work"].value': "many@testuser.com", f"{ENTERPRISE}:department": "Ops",
        f"{ENTERPRISE}:manager": "boss-1"}})  # fmt: skip
    assert (after["displayName"], after["name"]["givenName"]) == ("Many", "Ma")
    assert emails(after) == {"work": "many@testuser.com"}
    assert after[ENTERPRISE] == {"department": "Ops", "manager": {"value": "boss-1"}}


@pytest.mark.parametrize("value", [False, "False", "false"])
@pytest.mark.parametrize("op", ["Replace", "replace", "Add", "REPLACE"])
def test_disabled(entra: Provider, value, op: str) -> None:
    entra.add("bo@testuser.com")
    user = add(entra)
    after = entra.patch(f"/Users/{user}", {"op": op, "path": "active", "value": value})
    assert after["active"] is False
    assert people.find_by_email("test_user_fd0ea19b@testuser.com").status == "deprovisioned"


def test_no_value_at_all_is_no_leaver(entra: Provider) -> None:
    user = add(entra, active=None)
    entra.patch(f"/Users/{user}", {"op": "Replace", "path": "active", "value": None})
    assert people.find_by_email("test_user_fd0ea19b@testuser.com").status == "active"
    unclear = {"Operations": [{"op": "Replace", "path": "active", "value": "perhaps"}]}
    answer = entra.call("PATCH", f"/Users/{user}", unclear)
    assert problem(answer) == (400, "invalidValue")
    assert people.find_by_email("test_user_fd0ea19b@testuser.com").status == "active"


@pytest.mark.parametrize("value", ["boss-1", {"value": "boss-1"}, [{"$ref": "x", "value": "boss-1"}]])
def test_a_manager_in_each_form(entra: Provider, value) -> None:
    user = add(entra, **{ENTERPRISE: {"manager": value}})
    assert entra.get(f"/Users/{user}")[ENTERPRISE]["manager"]["value"] == "boss-1"
    other = value if isinstance(value, list) else "boss-2" if isinstance(value, str) else {"value": "boss-2"}
    after = entra.patch(f"/Users/{user}", {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": other})
    assert after[ENTERPRISE]["manager"]["value"] in ("boss-1", "boss-2")
    gone = entra.patch(f"/Users/{user}", {"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": ""})
    assert "manager" not in gone.get(ENTERPRISE, {})


def test_removals_with_and_without_a_value(entra: Provider) -> None:
    user = add(entra, title="T", displayName="D", nickName="N")
    after = entra.patch(
        f"/Users/{user}",
        {"op": "Remove", "path": "title"},
        {"op": "Remove", "path": "displayName", "value": ""},
        {"op": "Remove", "path": "nickName", "value": None},
        {"op": "Remove", "path": 'phoneNumbers[type eq "work"].value'},
        {"op": "Replace", "path": "locale", "value": [{"$ref": None, "value": "de-DE"}]},
    )
    assert {"title", "displayName", "nickName"}.isdisjoint(after) and after["locale"] == "de-DE"


def test_an_attribute_that_is_not_declared_does_no_harm(entra: Provider) -> None:
    tag = "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User"
    user = add(entra, **{tag: {"tag": "701984"}})
    after = entra.patch(f"/Users/{user}", {"op": "Add", "path": f"{tag}:other", "value": "x"},
                        {"op": "Replace", "path": "displayName", "value": "Kept"})  # fmt: skip
    assert after["displayName"] == "Kept" and after[tag] == {"tag": "701984"}


def test_groups(entra: Provider) -> None:
    user, other = add(entra), entra.add("other@testuser.com")
    body = {"schemas": [GROUP, ADSCIM], "externalId": "8aa1a0c0", "displayName": "displayName",
            "meta": {"resourceType": "Group"}}  # fmt: skip
    group = json.loads(entra.call("POST", "/Groups", body).text)["id"]
    assert "members" not in entra.get(f"/Groups/{group}", excludedAttributes="members")
    [found] = entra.get("/Groups", excludedAttributes="members", filter='displayName eq "DISPLAYNAME"')["Resources"]
    assert found["id"] == group and found["externalId"] == "8aa1a0c0"
    entra.patch(f"/Groups/{group}", {"op": "Add", "path": "members", "value": [{"$ref": None, "value": user}]})
    both = entra.patch(f"/Groups/{group}", {"op": "Add", "path": "members", "value": [{"value": other}]})
    assert {member["value"] for member in both["members"]} == {user, other}
    for asked in (f'id eq "{group}" and members eq "{user}"', f'members[value eq "{user}"]',
                  f'members.value eq "{user}"'):  # fmt: skip
        assert entra.get("/Groups", filter=asked)["totalResults"] == 1, asked
    assert entra.get("/Groups", filter=f'id eq "{group}" and members eq "nobody"')["totalResults"] == 0
    one = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": user}]}
    less = entra.patch(f"/Groups/{group}", one)
    assert [member["value"] for member in less["members"]] == [other]
    none = entra.patch(f"/Groups/{group}", {"op": "Remove", "path": "members", "value": {"value": other}})
    assert "members" not in none
    named = entra.patch(f"/Groups/{group}", {"op": "Replace", "path": "displayName", "value": "1879db59"})
    assert named["displayName"] == "1879db59"
    answer = entra.call("PATCH", f"/Groups/{group}", {"schemas": [PATCH], "Operations": [
        {"op": "Add", "path": "members", "value": [{"value": user}]}]})  # fmt: skip
    assert answer.status_code == 204 and answer.data == b"", "a group may be large: Entra ID asks for nothing back"


def test_soft_deleted_then_deleted(entra: Provider) -> None:
    entra.add("bo@testuser.com")
    user = add(entra)
    entra.patch(f"/Users/{user}", {"op": "Replace", "path": "active", "value": False})
    assert entra.call("DELETE", f"/Users/{user}").status_code == 204
    assert people.find_by_email("test_user_fd0ea19b@testuser.com").status == "deprovisioned"
    again = add(entra)
    assert entra.person(again).status == "active"
