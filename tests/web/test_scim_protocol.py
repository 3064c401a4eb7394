"""The protocol beside the resources: tokens, what is announced, conditions, sorting, and what nobody should send."""

from __future__ import annotations

import json
import time

import pytest

from sync.db import utcnow
from sync.directory import push
from sync.models import Activity, DirectoryToken, Person, ScimResource
from tests.asking import MACHINE
from tests.web.provider import BULK, GROUP, PATCH, USER, Provider, problem
from web import scim_tokens
from web.scim_service import MOST_BYTES


@pytest.fixture(autouse=True)
def no_refusals_before() -> None:
    """They are counted in memory, beyond a test."""
    scim_tokens.clear_refusals()


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic b2xnYTp4", "Bearer \udcff"])
def test_without_the_token(okta: Provider, sent: str | None) -> None:
    okta.add("ana@acme.example")
    headers = {} if sent is None else {"Authorization": sent.encode("utf-8", "surrogateescape").decode("latin-1")}
    for method, path in (("GET", "/Users"), ("POST", "/Users"), ("POST", "/Bulk"), ("GET", "/Schemas"), ("GET", "/")):
        answer = okta.client.open(f"/scim/v2{path}", method=method, headers=headers)
        assert problem(answer) == (401, None) and answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "ana@" not in answer.text and "Set-Cookie" not in answer.headers
    assert okta.client.get("/scim/v2/ServiceProviderConfig").status_code == 200, "it says how to sign in"


def test_only_the_hash_is_kept(okta: Provider) -> None:
    [row] = DirectoryToken.select().dicts()
    assert okta.token not in json.dumps(row, default=str) and okta.token.startswith("rollcall_scim_")
    assert okta.token not in json.dumps([entry for entry in Activity.select().dicts()], default=str)


def test_rotation_has_no_gap(okta: Provider) -> None:
    okta.get("/Users")
    old, okta.token = okta.token, push.rotate(okta.directory, MACHINE)
    new = okta.token
    for token in (old, old, new):
        okta.token = token
        assert okta.get("/Users")["totalResults"] == 0
    assert problem(_with(okta, old).call("GET", "/Users")) == (401, None), "it ended with the first use of the new one"
    okta.token = new
    assert okta.get("/Users")["totalResults"] == 0 and len(push.tokens(okta.directory)) == 1
    push.end_token(push.tokens(okta.directory)[0], MACHINE)
    assert problem(okta.call("GET", "/Users")) == (401, None)


def _with(provider: Provider, token: str) -> Provider:
    provider.token = token
    return provider


def test_the_last_request_is_known(okta: Provider) -> None:
    assert push.last_request(okta.directory) is None
    okta.get("/Users")
    assert abs((utcnow() - push.last_request(okta.directory)).total_seconds()) < 60


def test_a_client_that_guesses_must_wait_and_one_with_a_token_does_not(okta: Provider) -> None:
    answers = [okta.client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {n}"}) for n in range(40)]
    refused = scim_tokens.REFUSALS
    assert [answer.status_code for answer in answers] == [401] * refused + [429] * (40 - refused)
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert okta.get("/Users")["totalResults"] == 0


def test_the_supported_features_are_announced(okta: Provider) -> None:
    response = okta.get("/ServiceProviderConfig")
    assert all(response[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag"))
    assert not response["changePassword"]["supported"]
    assert response["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    assert {kind["endpoint"] for kind in okta.get("/ResourceTypes")["Resources"]} == {"/Users", "/Groups"}
    assert okta.get(f"/Schemas/{USER}")["id"] == USER
    assert problem(okta.call("GET", "/Me"))[0] == 501
    assert problem(okta.call("GET", "/Nothing"))[0] == 404
    answer = okta.call("PUT", "/Users", {})
    assert problem(answer)[0] == 405 and "POST" in answer.headers["Allow"]


def test_versions(okta: Provider) -> None:
    ana = okta.add("ana@acme.example")
    read = okta.call("GET", f"/Users/{ana}")
    version = read.headers["ETag"]
    assert json.loads(read.text)["meta"]["version"] == version
    assert okta.call("GET", f"/Users/{ana}", If_None_Match=version).status_code == 304
    rename = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "A"}]}
    assert okta.call("PATCH", f"/Users/{ana}", rename, If_Match=version).status_code == 200
    for method in ("PATCH", "PUT", "DELETE"):
        response = rename if method == "PATCH" else {"schemas": [USER], "userName": "x"}
        assert problem(okta.call(method, f"/Users/{ana}", response, If_Match=version)) == (412, None)
    same = okta.call("PATCH", f"/Users/{ana}", rename)
    assert same.headers["ETag"] == okta.call("GET", f"/Users/{ana}").headers["ETag"], "nothing was changed"


def test_sorted_and_searched_by_post(okta: Provider) -> None:
    for name in ("bo", "Ana", "čeněk", "dora"):
        okta.add(f"{name}@acme.example", displayName=name, active=name != "dora")
    okta.add_group("Staff")
    down = okta.get("/Users", sortBy="userName", sortOrder="descending", count="2")
    assert [user["displayName"] for user in down["Resources"]] == ["čeněk", "dora"] and down["totalResults"] == 4
    search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "active eq true",
              "sortBy": "displayName", "startIndex": 2, "count": 1, "attributes": ["userName"]}  # fmt: skip
    answer = okta.call("POST", "/Users/.search", search)
    response = json.loads(answer.text)
    assert answer.status_code == 200 and response["totalResults"] == 3 and response["startIndex"] == 2
    assert [user["userName"] for user in response["Resources"]] == ["bo@acme.example"]
    everything = okta.call("POST", "/.search", {"filter": 'displayName sw "s" or displayName eq "ANA"'})
    assert json.loads(everything.text)["totalResults"] == 2
    assert okta.get("/Users", count="0")["Resources"] == [] and okta.get("/Users", startIndex="-5")["startIndex"] == 1
    assert problem(okta.call("GET", "/Users?count=many"))[0] == 400


@pytest.mark.parametrize("asked", [
    "userName", 'userName eq', 'userName xx "a"', 'userName eq "a" and', '"', "(" * 5000, "not (" * 2000, '[' * 500,
    " or ".join(['userName eq "x"'] * 5000), 'userName eq "' + "x" * 200_000 + '"', "emails[" * 300, "active gt true",
    'userName eq "\x00"; DROP TABLE person', "\udcff",
])  # fmt: skip
def test_filters_that_are_none_or_too_much(okta: Provider, asked: str) -> None:
    began = time.process_time()
    answer = okta.call("POST", "/Users/.search", {"filter": asked})
    if answer.status_code != 200:
        assert problem(answer) in ((400, "invalidFilter"), (400, "invalidSyntax"), (400, "invalidValue"))
    assert time.process_time() - began < 10
    assert okta.get("/Users")["totalResults"] == 0


def nested(depth: int) -> bytes:
    return b'{"schemas":["%s"],"userName":"deep","x":' % USER.encode() + b'{"a":' * depth + b"1" + b"}" * (depth + 1)


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b'{"schemas": 1}', b"{}", nested(5000),
    b"[" * 100_000,
    b'{"userName": "\\ud800"}', b'{"userName": {"a": 1}}', b'{"userName": ["a"]}', b'{"userName": ""}',
    b'{"userName": "  "}',
    b'{"userName": "x", "emails": "y"}', b'{"userName": "x", "emails": [1]}', b'{"userName": "x", "active": "perhaps"}',
    b'{"userName": "x", "active": 7}', b'{"userName": "x", "name": "y"}', b'{"userName": null}',
])  # fmt: skip
def test_bodies_that_are_none(okta: Provider, body: bytes) -> None:
    people_before = Person.select().count()
    answer = okta.call("POST", "/Users", body)
    status, kind = problem(answer)
    assert status == 400 and kind in ("invalidSyntax", "invalidValue"), answer.text
    assert Person.select().count() == people_before and ScimResource.select().count() == 0


@pytest.mark.parametrize("operations", [
    None, [], [7], [{}], [{"op": "melt"}], [{"op": "replace"}], [{"op": "replace", "path": "id", "value": "x"}],
    [{"op": "remove"}], [{"op": "remove", "path": "userName"}], [{"op": "replace", "path": "userName", "value": ""}],
    [{"op": "replace", "path": "emails[", "value": 1}], [{"op": "replace", "path": "active", "value": {"a": 1}}],
    [{"op": "replace", "path": 'emails[type eq "work"', "value": "x"}], [{"op": "add", "value": "x"}],
    [{"op": "replace", "path": "(" * 3000, "value": "x"}], [{"op": "replace", "path": "title", "value": "x"}] * 1001,
])  # fmt: skip
def test_patches_that_are_none_change_nothing(okta: Provider, operations) -> None:
    ana = okta.add("ana@acme.example", title="Kept", emails=[{"value": "ana@acme.example", "type": "work"}])
    before = okta.get(f"/Users/{ana}")
    first = {"op": "replace", "path": "title", "value": "Lost"}
    response = operations if operations is None or len(operations) > 1000 else [first, *operations]
    if operations != []:
        answer = okta.call("PATCH", f"/Users/{ana}", {"schemas": [PATCH], "Operations": response})
        assert problem(answer)[0] in (400, 413), answer.text
        assert okta.get(f"/Users/{ana}") == before, "none of several was done"


def test_too_large_is_refused_before_it_is_read(okta: Provider) -> None:
    large = json.dumps({"schemas": [USER], "userName": "x", "title": "x" * 10_000_000}).encode()
    for path in ("/Users", "/Bulk", "/Users/.search"):
        assert problem(okta.call("POST", path, large)) == (413, None)
    assert len(large) > MOST_BYTES and ScimResource.select().count() == 0
    many = [{"method": "DELETE", "path": f"/Users/{n}"} for n in range(1001)]
    assert problem(okta.call("POST", "/Bulk", {"schemas": [BULK], "Operations": many})) == (413, None)
    assert problem(okta.call("POST", "/Users", b"<user/>", Content_Type="application/xml")) == (415, None)


def test_a_large_group_is_taken(okta: Provider) -> None:
    users = [okta.add(f"p{n}@acme.example") for n in range(3)]
    members = [{"value": f"{n:08}-0000-4000-8000-000000000000"} for n in range(5000)]
    began = time.process_time()
    group = okta.add_group("Everyone", *users, *(member["value"] for member in members))
    after = okta.patch(f"/Groups/{group}", {"op": "Remove", "path": "members", "value": [{"value": users[0]}]})
    assert len(after["members"]) == 5002 and time.process_time() - began < 60
    assert okta.row().groups.get().members.count() == 2


@pytest.mark.parametrize("one, other, same", [
    ("ÅSA@acme.example", "åsa@acme.example", True), ("Å", "A\u030a", True),
    ("ΣΑΣ", "σας", True), ("STRASSE", "straße", False),
    ("İpek", "i\u0307pek", True), ("a b", "a  b", False), ("x" * 3000, "X" * 3000, True),
])  # fmt: skip
def test_user_names_are_compared_by_their_letters(okta: Provider, one: str, other: str, same: bool) -> None:
    """RFC 7643 4.1.1: without regard to case; answered as they were sent."""
    user = okta.add(one)
    assert okta.get(f"/Users/{user}")["userName"] == one
    again = okta.call("POST", "/Users", {"schemas": [USER], "userName": other})
    assert (problem(again) == (409, "uniqueness")) if same else again.status_code == 201
    found = json.loads(okta.call("POST", "/Users/.search", {"filter": f'userName eq "{other}"'}).text)
    assert found["totalResults"] == 1


def test_a_rename_to_another_case_is_no_conflict_and_is_reported(okta: Provider) -> None:
    ana, bo = okta.add("ana@acme.example"), okta.add("bo@acme.example")
    after = okta.patch(f"/Users/{ana}", {"op": "replace", "path": "userName", "value": "Ana@Acme.example"})
    assert after["userName"] == "Ana@Acme.example"
    taken = okta.call("PATCH", f"/Users/{bo}", {"Operations": [
        {"op": "replace", "path": "userName", "value": "ANA@acme.example"}]})  # fmt: skip
    assert problem(taken) == (409, "uniqueness") and okta.get(f"/Users/{bo}")["userName"] == "bo@acme.example"


def test_no_page_answers_there_and_no_form_is_asked_for(okta: Provider) -> None:
    answer = okta.call("POST", "/Groups", {"schemas": [GROUP], "displayName": "No token of a form"})
    assert answer.status_code == 201 and "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<html" not in okta.call("GET", "/Users/%00%ff/../x").text


def test_an_address_that_was_entered_with_a_slash_at_its_end_works(okta: Provider) -> None:
    """A redirect may lose the token, and a change that is never sent again is noted nowhere."""
    ana = okta.add("ana@acme.example")
    okta.deactivate(f"/{ana}")
    assert okta.call("DELETE", f"//Users//{ana}").status_code == 204
    assert okta.call("GET", "//").status_code == okta.call("GET", "/").status_code
