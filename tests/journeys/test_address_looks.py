"""Addresses beyond ASCII in a real browser: it lets them through, and the pages say what mail may not reach."""

from __future__ import annotations

from sync.models import Person
from sync.people import people
from tests.journeys.looks import Look, look_at, nothing_wrong


def _add(page, email: str) -> None:
    page.click("#add-person")
    page.wait_for_selector("dialog:modal")
    page.fill("dialog [name=name]", "Jörg Müller")
    page.fill("dialog [name=email]", email)
    page.click("dialog button[type=submit]")


def _wrong(page) -> None:
    _add(page, "jörg müller@acme.example")
    page.wait_for_selector("dialog [role=alert]")


def test_a_browser_lets_an_address_beyond_ascii_and_what_is_cleaned_through(visit, live, olga: Person) -> None:
    page = visit(olga, at="/people")
    _add(page, "Jörg Müller <jörg@acme.example>,")
    page.wait_for_url("**/people/*")
    page.wait_for_selector(".banner")
    assert "Mail to jörg@acme.example can only be sent through" in page.inner_text("section:has(#h-emails)")
    assert people.find_by_email("JÖRG@acme.example").name == "Jörg Müller"


def test_pages(visit, live, chat, olga: Person, by: str) -> None:
    joerg = people.add("Jörg Müller", "jörg@acme.example", by, ["joerg.mueller@acme.example"])
    people.edit(olga, by, emails=["ölga@acme.example", "olga@acme.example"])

    def invite(page) -> None:
        page.fill("[name=people]", "jörg@acme.example, bo@münchen.example, an na@acme.example")
        page.click("#preview-invitations")
        page.wait_for_selector("#will")

    looks = [
        Look("address-person", f"/people/{joerg.id}"),
        Look("address-refused", "/people", _wrong),
        Look("address-invitation", f"/apps/{chat.app.id}/invitations/new", invite),
        Look("address-settings", "/settings"),
    ]
    page = visit(olga, expected=("422",), at=None)
    nothing_wrong(look_at(page, live.url, *looks))
