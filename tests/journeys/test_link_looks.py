"""The page of a one-time link that was handed to someone: it signs in by a click, without JavaScript too."""

from __future__ import annotations

from sync.models import Person
from sync.people import people
from sync.sign_in import sign_in
from tests.journeys.looks import Look, look_at, nothing_wrong


def test_it_looks_right_and_signs_in_by_a_click(visit, live, olga: Person, by: str) -> None:
    jana = people.add("Jana Kowalski", "jana@acme.example", by, workspace_role="user")
    address = f"/sign-in/{sign_in.signed_link(jana, by)}"
    page = visit(None, at=None)
    nothing_wrong(look_at(page, live.url, Look("sign-in-link", address)))
    page.click("button:has-text(\"Sign in\")")
    page.wait_for_url(f"{live.url}/")
