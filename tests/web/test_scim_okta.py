"""What Okta sends, in the shapes of its public SCIM 2.0 reference, one after the other as it sends them."""

from __future__ import annotations

import json

from sync.people import people
from tests.web.provider import GROUP, PATCH, USER, Provider, problem

NEWCOMER = {
    "schemas": [USER],
    "userName": "Test.User@okta.local",
    "name": {"givenName": "Test", "familyName": "User"},
    "emails": [{"primary": True, "value": "test.user@okta.local", "type": "work"}],
    "displayName": "Test User",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}


def test_a_user_from_the_test_of_the_connection_to_the_end(okta: Provider) -> None:
    page = okta.get("/Users", startIndex="1", count="2")
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"], page["Resources"]) == (0, 1, 0, [])
    wanted = {"filter": 'userName eq "test.user@okta.local"', "startIndex": "1", "count": "100"}
    assert okta.get("/Users", **wanted)["totalResults"] == 0

    created = okta.call("POST", "/Users", NEWCOMER)
    shown = json.loads(created.text)
    assert created.status_code == 201 and created.headers["Location"].endswith(f"/scim/v2/Users/{shown['id']}")
    assert shown["userName"] == "Test.User@okta.local", "answered as it was sent: Okta compares it"
    assert "password" not in created.text and shown["active"] is True and shown["meta"]["resourceType"] == "User"
    assert problem(okta.call("POST", "/Users", NEWCOMER)) == (409, "uniqueness")
    [found] = okta.get("/Users", **wanted)["Resources"]
    assert found["id"] == shown["id"]

    whole = okta.get(f"/Users/{shown['id']}") | {"name": {"givenName": "Another", "familyName": "User"},
                                                "displayName": "Another User", "groups": []}  # fmt: skip
    replaced = okta.call("PUT", f"/Users/{shown['id']}", whole)
    assert replaced.status_code == 200 and json.loads(replaced.text)["name"]["givenName"] == "Another"
    assert people.find_by_email("test.user@okta.local").name == "Another User"

    off = okta.call("PATCH", f"/Users/{shown['id']}",
                    {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]})
    assert off.status_code == 200 and json.loads(off.text)["active"] is False
    assert people.find_by_email("test.user@okta.local").status == "deprovisioned"
    okta.patch(f"/Users/{shown['id']}", {"op": "replace", "value": {"active": True}})
    assert people.find_by_email("test.user@okta.local").status == "active"


def test_by_put_alone(okta: Provider) -> None:
    """Apps made with Okta's wizard deactivate by a PUT of the whole user."""
    okta.add("bo@acme.example")
    user = okta.add("ana@acme.example", name={"givenName": "Ana"})
    whole = okta.get(f"/Users/{user}") | {"active": False}
    assert okta.call("PUT", f"/Users/{user}", whole).status_code == 200
    assert people.find_by_email("ana@acme.example").status == "deprovisioned"


def test_groups_as_they_are_pushed(okta: Provider) -> None:
    user, other = okta.add("test.user@okta.local"), okta.add("other@okta.local")
    assert okta.get("/Groups", startIndex="1", count="100")["totalResults"] == 0
    created = okta.call("POST", "/Groups", {"schemas": [GROUP], "displayName": "Test SCIMv2", "members": []})
    group = json.loads(created.text)["id"]
    assert created.status_code == 201
    renamed = okta.patch(f"/Groups/{group}", {"op": "replace", "value": {"id": group, "displayName": "Test SCIMv0"}})
    assert renamed["displayName"] == "Test SCIMv0" and okta.row().groups.get().name == "Test SCIMv0"
    okta.patch(f"/Groups/{group}", {"op": "add", "path": "members",
                                    "value": [{"value": user, "display": "test.user@okta.local"}]})  # fmt: skip
    swapped = okta.patch(
        f"/Groups/{group}",
        {"op": "remove", "path": f'members[value eq "{user}"]'},
        {"op": "add", "path": "members", "value": [{"value": other, "display": "other@okta.local"}]},
    )
    assert swapped["members"] == [{"value": other, "display": "other@okta.local"}]
    replaced = okta.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": [{"value": user}]})
    assert [member["value"] for member in replaced["members"]] == [user]
    whole = {"schemas": [GROUP], "id": group, "displayName": "Test SCIMv0", "members": [{"value": other}]}
    assert okta.call("PUT", f"/Groups/{group}", whole).status_code == 200
    assert [one.entry.user_name for one in okta.row().groups.get().members] == ["other@okta.local"]
    assert okta.call("DELETE", f"/Groups/{group}").status_code == 204
    assert problem(okta.call("GET", f"/Groups/{group}")) == (404, None)


def test_an_import_reads_every_page_once(okta: Provider) -> None:
    for number in range(25):
        okta.add(f"p{number}@acme.example")
    seen: list[str] = []
    while len(seen) < 25:
        page = okta.get("/Users", startIndex=str(len(seen) + 1), count="10")
        assert page["totalResults"] == 25
        seen += [user["id"] for user in page["Resources"]]
    assert len(set(seen)) == 25
    assert okta.get("/Users", count="100000")["itemsPerPage"] == 25


def test_a_resource_is_returned_as_it_was_written(okta: Provider) -> None:
    shown = {
        "title": "Лид <b>", "nickName": "Åsa", "custom": {"a": [1, None, "x"]},
        "urn:okta:acme_1:1.0:user:custom": {"favouriteColour": "blue"},
        "phoneNumbers": [{"value": "+49 30 1", "type": "mobile"}], "roles": [{"value": "reader", "primary": True}],
    }  # fmt: skip
    user = okta.get(f"/Users/{okta.add('Åsa@acme.example', **shown)}")
    assert {name: user[name] for name in shown} == shown
    okta.patch(f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": "Lead"})
    after = okta.get(f"/Users/{user['id']}")
    assert {name: after[name] for name in shown} == shown | {"title": "Lead"}
    only = okta.get(f"/Users/{user['id']}", attributes="title,phoneNumbers.value")
    assert only.keys() <= {"schemas", "id", "title", "phoneNumbers", *shown} and "emails" not in only
    assert "title" not in okta.get(f"/Users/{user['id']}", excludedAttributes="title")
