"""SCIM requests beyond every measure: 400 with a scimType, before any lock is taken, and nothing is stored."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from bench.clock import Stopwatch
from sync.directory.scim_store import LONGEST_NAME, MOST_VALUES
from sync.models import Person, ScimResource
from tests.web.provider import BULK, ERROR, GROUP, PATCH, USER, Provider

HUGE = "9" * 20
NESTED = "[" * 50 + "]" * 50


@pytest.fixture
def locked(okta: Provider, config) -> Iterator[None]:
    """Someone else holds the write lock: everyone who needs it waits half a minute."""
    okta.get("/Users")  # the first use of a token is written down
    other = sqlite3.connect(config.database_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def user(**fields: Any) -> dict:
    return {"schemas": [USER], "userName": "ana@acme.example", "active": True} | fields


def emails(count: int) -> list[dict]:
    return [{"value": f"ana{number}@acme.example"} for number in range(count)]


def refused(answer, kind: str = "invalidValue") -> str:
    shown = json.loads(answer.text)
    assert answer.status_code == 400 and shown["schemas"] == [ERROR] and shown["scimType"] == kind, answer.text[:300]
    assert len(answer.text) < 1000, "what was too long isn't repeated"
    return shown["detail"]


@pytest.mark.parametrize(("body", "kind"), [
    (user(userName="a" * 1_000_000 + "@acme.example"), "invalidValue"),
    (user(displayName="a" * (LONGEST_NAME + 1)), "invalidValue"),
    (user(name={"familyName": "a" * 100_000}), "invalidValue"),
    (user(externalId="a" * 100_000), "invalidValue"),
    (user(title="a" * 100_000), "invalidValue"),
    (user(**{"x" * 100_000: 1}), "invalidValue"),
    (user(**{f"x{number}": 1 for number in range(1000)}), "invalidValue"),
    (user(emails=emails(10_000)), "invalidValue"),
    (user(emails=emails(MOST_VALUES + 1)), "invalidValue"),
    (user(extra=2**64), "invalidValue"),
    (user(extra=-(2**64)), "invalidValue"),
    (json.dumps(user(extra=0)).replace('"extra": 0', '"extra": 1e999').encode(), "invalidValue"),
    (json.dumps(user(extra=0)).replace('"extra": 0', '"extra": NaN').encode(), "invalidSyntax"),
    (json.dumps(user(extra=0)).replace('"extra": 0', '"extra": -Infinity').encode(), "invalidSyntax"),
    (json.dumps(user(extra=0)).replace('"extra": 0', f'"extra": {NESTED}').encode(), "invalidSyntax"),
])  # fmt: skip
def test_a_user_beyond_measure_is_refused_without_a_lock(okta: Provider, locked, body: Any, kind: str):
    refused(okta.call("POST", "/Users", body), kind)
    assert not ScimResource.select().exists()


def test_a_body_that_is_too_deep_to_be_read_may_have_disabled_someone(okta: Provider):
    refused(okta.call("POST", "/Users", b"[" * 100_000), "invalidSyntax")
    assert not ScimResource.select().exists() and okta.row().missing_since is None, "nobody was sent who may have left"
    okta.add("ana@acme.example")
    refused(okta.call("POST", "/Users", b"[" * 100_000), "invalidSyntax")
    assert ScimResource.select().count() == 1 and okta.row().missing_since is not None


def test_a_bulk_request_is_looked_through_once_however_many_operations_are_refused(okta: Provider, monkeypatch):
    looked_through = []
    monkeypatch.setattr("sync.directory.scim_disabling.may_disable", lambda body: looked_through.append(body) or True)
    operations = [{"method": "POST", "path": "/Users", "bulkId": "a", "data": {"active": "inactive"}}] * 5
    answer = okta.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert [done["status"] for done in answer.json["Operations"]] == ["400"] * 5
    assert len(looked_through) == 1


@pytest.mark.parametrize("query", [
    f"startIndex={HUGE}", f"count={HUGE}", f"startIndex=-{HUGE}", f"STARTINDEX={HUGE}", "count=" + "9" * 5000,
])  # fmt: skip
def test_a_page_beyond_64_bits_is_refused(okta: Provider, query: str):
    refused(okta.call("GET", f"/Users?{query}"))


def test_a_search_beyond_64_bits_is_refused(okta: Provider):
    schema = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
    refused(okta.call("POST", "/Users/.search", {"schemas": [schema], "startIndex": int(HUGE)}))


@pytest.mark.parametrize("index", [2**63 - 1, 10**12, 0, -5])
def test_a_page_far_away_is_empty(okta: Provider, index: int):
    answer = okta.call("GET", f"/Users?startIndex={index}&count={2**63 - 1}")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("operation", [
    {"op": "replace", "path": "userName", "value": "a" * (LONGEST_NAME + 1)},
    {"op": "replace", "value": {"externalId": "a" * (LONGEST_NAME + 1)}},
    {"op": "add", "path": "emails", "value": emails(MOST_VALUES)},
])  # fmt: skip
def test_a_patch_makes_nothing_beyond_measure(okta: Provider, operation: dict):
    ana = okta.add("ana@acme.example", emails=emails(1))
    before = okta.get(f"/Users/{ana}")
    operation = operation if "emails" not in str(operation.get("path")) else operation | {
        "value": [{"value": f"other{number}@acme.example"} for number in range(MOST_VALUES)]}
    refused(okta.call("PATCH", f"/Users/{ana}", {"schemas": [PATCH], "Operations": [operation]}))
    assert okta.get(f"/Users/{ana}") == before


def test_users_sent_by_identity_providers_are_far_within_the_limits(okta: Provider):
    certificate = [{"value": "A" * 8000}]
    ana = okta.add("ana@acme.example", emails=emails(MOST_VALUES), displayName="A" * LONGEST_NAME,
                   x509Certificates=certificate)  # fmt: skip
    assert Person.select().where(Person.name == "A" * 200).exists()
    members = [ana, *(f"id-{number}" for number in range(5000))]
    group = okta.add_group("Everyone", *members)
    body = {"schemas": [PATCH], "Operations": [
        {"op": "add", "path": "members", "value": [{"value": f"more-{number}"} for number in range(5000)]}]}
    assert okta.call("PATCH", f"/Groups/{group}", body).status_code in (200, 204)
    body = {"schemas": [GROUP], "displayName": "Everyone", "members": [{"value": one} for one in members]}
    assert okta.call("PUT", f"/Groups/{group}", body).status_code == 200


def test_many_members_are_added_and_removed_in_one_step(okta: Provider):
    """Each operation of a PATCH took a tenth of a second in a group of 5,000, in which nobody else could write."""
    group = okta.add_group("Everyone", *(str(number) for number in range(2000)))
    watch = Stopwatch()
    for number in range(3):
        okta.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{number}"]'})
    for_three = watch.seconds()
    watch = Stopwatch()
    after = okta.patch(
        f"/Groups/{group}",
        *({"op": "Remove", "path": f'members[value eq "{number}"]'} for number in range(3, 301)),
        *({"op": "add", "path": "members", "value": [{"value": f"new{number}"}]} for number in range(300)),
        *({"op": "remove", "path": "Members", "value": [{"value": f"new{number}", "$ref": None}, {"value": "absent"}]}
          for number in range(299)),
    )  # fmt: skip
    assert {member["value"] for member in after["members"]} == {*map(str, range(301, 2000)), "new299"}
    assert watch.seconds() < 10 * for_three


def test_operations_keep_their_order(okta: Provider):
    group = okta.add_group("Everyone", "1", "2")
    removes = {"op": "remove", "path": 'members[value eq "1"]'}
    adds = {"op": "add", "path": "members", "value": [{"value": "1"}]}
    for operations, left in (((removes, adds), {"1", "2"}), ((adds, removes), {"2"})):
        after = okta.patch(f"/Groups/{group}", *operations, {"op": "replace", "path": "displayName", "value": "All"})
        assert {member["value"] for member in after["members"]} == left and after["displayName"] == "All"


def test_operations_that_search_are_few_and_short(okta: Provider):
    ana = okta.add("ana@acme.example")
    one = {"op": "add", "path": 'emails[type eq "t{}"].value', "value": "a@acme.example"}
    many = [one | {"path": one["path"].format(number)} for number in range(201)]
    answer = okta.call("PATCH", f"/Users/{ana}", {"schemas": [PATCH], "Operations": many})
    assert answer.status_code == 413 and "emails" not in okta.get(f"/Users/{ana}")
    long = one | {"path": f"emails[{' or '.join(['type eq 1'] * 100)}].value"}
    refused(okta.call("PATCH", f"/Users/{ana}", {"schemas": [PATCH], "Operations": [long]}))
