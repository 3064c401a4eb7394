"""A text from an app that is written as HTML stays a text, also in an answer that is a file and escapes nothing."""

from __future__ import annotations

import pytest
from flask import Flask

from sync.models import Account, Person
from tests.web.client import Client

MARKUP = "<dialog><form hx-post=/views hx-trigger=load></form></dialog>"


@pytest.fixture
def hostile(owner: Client, chat) -> str:
    """The address of the members of an app in which someone has given themselves this name."""
    Account.update(name=MARKUP).execute()
    Person.update(name=MARKUP).where(Person.id == chat.people[3].id).execute()
    return f"/apps/{chat.app.id}/members.csv"


def test_htmx_gets_no_list_which_it_would_take_for_html(owner: Client, hostile: str) -> None:
    for address in (hostile, "/people.csv"):
        assert MARKUP in owner.get(address).text
        answer = owner.get(address, htmx=True)
        assert (answer.status_code, answer.data) == (405, b"")  # swapped into no page


def test_htmx_gets_nothing_else_that_is_no_html(site: Flask, owner: Client, hostile: str) -> None:
    """Of what can be opened without knowing more than an app's number."""
    adapter, opened = site.url_map.bind(""), 0
    for rule in site.url_map.iter_rules():
        if "GET" in rule.methods and rule.arguments <= {"app_id"} and rule.endpoint != "static":
            address = adapter.build(rule.endpoint, {"app_id": 1} if rule.arguments else {})
            answer = owner.get(address, htmx=True)
            opened += 1
            assert not answer.data or answer.mimetype == "text/html", address
    assert opened > 80
