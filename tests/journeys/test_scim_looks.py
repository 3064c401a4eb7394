"""The pages of a directory that pushes, as pictures; its token is copied and renewed."""

from __future__ import annotations

import json
import urllib.request

import pytest

from sync.directory import push
from sync.models import Directory, Person
from tests.journeys.looks import Look, look_at, nothing_wrong, opens

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def write(url: str, token: str, method: str, path: str, shown: dict) -> dict:
    """An identity provider's request and the answer."""
    sent = urllib.request.Request(f"{url}{push.PATH}{path}", json.dumps(shown).encode(), method=method, headers={
        "Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"})  # fmt: skip
    with urllib.request.urlopen(sent, timeout=30) as answer:
        return json.loads(answer.read() or "{}")


def fill(url: str, token: str) -> None:
    """Twelve people, seven of them disabled, one with someone else's address, and a group."""
    users = [
        write(url, token, "POST", "/Users", {
            "schemas": [USER], "userName": f"person{number}@acme.example", "displayName": f"Person {number}"})["id"]
        for number in range(12)
    ]  # fmt: skip
    write(url, token, "POST", "/Users", {"schemas": [USER], "userName": "admin-of-one",
                                         "emails": [{"value": "person11@acme.example"}]})  # fmt: skip
    write(url, token, "POST", "/Groups", {"displayName": "Staff", "members": [{"value": user} for user in users]})
    for user in users[:7]:
        write(url, token, "PATCH", f"/Users/{user}", {"Operations": [{"op": "replace", "value": {"active": False}}]})


def _connect(page) -> None:
    page.fill("[name=directory_name]", "Okta")
    page.click("text=Create address and token")
    page.wait_for_selector("text=shown only once")


def test_pages(visit, live, olga: Person, by: str) -> None:
    first, _ = push.connect("Google Workspace", by)
    pushed, token = push.connect("Entra ID", by)
    fill(live.url, token)
    push.rotate(pushed, by)
    page = visit(olga, at=None)
    looks = [
        Look("scim-connect", "/directories/new/scim"),
        Look("scim-token", "/directories/new/scim", _connect),
        Look("scim-waits", f"/directories/{first.id}"),
        Look("scim-directory", f"/directories/{pushed.id}"),
        Look("scim-release", f"/directories/{pushed.id}", opens("#release")),
        Look("scim-new-token", f"/directories/{pushed.id}", _new_token),
        Look("scim-directories", "/directories"),
    ]
    nothing_wrong(look_at(page, live.url, *looks))


def _new_token(page) -> None:
    page.click("main summary.icon-button")
    page.click("text=Make a new token")
    page.wait_for_selector("dialog:modal")


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_first_click_to_the_second_token(visit, live, olga: Person, javascript: bool) -> None:
    page = visit(olga, javascript=javascript, at="/directories")
    page.click("text=Connect a directory")
    page.click("a.choice-card:has-text('SCIM')")
    _connect(page)
    address, token = page.input_value("[aria-label=Address]"), page.input_value("[aria-label=Token]")
    assert address == live.url + push.PATH
    write(live.url, token, "POST", "/Users", {"schemas": [USER], "userName": "ana@acme.example"})
    page.click("text=Done")
    assert page.inner_text("dl.figures div:has-text('users') dd") == "1"
    if javascript:
        _new_token(page)
        page.click("dialog button:has-text('Make a new token')")
    else:
        page.goto(f"{live.url}/directories/{Directory.get().id}/tokens/new")
        page.click("button:has-text('Make a new token')")
    second = page.input_value("[aria-label=Token]")
    page.click("text=Done")
    page.wait_for_selector("text=Not used yet")
    assert page.locator("text=Not used yet").count() == 1 and page.locator("tr:has-text('Made')").count() == 2
    write(live.url, second, "POST", "/Users", {"schemas": [USER], "userName": "bo@acme.example"})
    page.reload()
    assert page.locator("tr:has-text('Made')").count() == 1, "the old one ended with the first use of the new one"
