"""Lists as a person uses them: sorted by a click on a head, filtered by chips that are removed one by one, on a phone
and without JavaScript."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from sync import saved_views
from sync.db import utcnow
from sync.models import Account, App, Asset, Person
from sync.states import ListName
from tests.journeys.looks import Look, clicks, look_at, nothing_wrong, opens


@pytest.fixture
def members(chat, by) -> str:
    """The address of Members: someone has left, three were not active for long, of one it is not known."""
    chat.leave(7)
    chat.check()
    read = App.get_by_id(chat.app.id).last_check_at
    Account.update(last_activity=read).where(Account.app == chat.app).execute()
    for number, days in ((1, 40), (2, 70), (3, 100)):
        account = Account.email == f"p{number}@acme.example"
        Account.update(last_activity=read - timedelta(days=days)).where(account).execute()
    Account.update(last_activity=None).where(Account.email == "p4@acme.example").execute()
    Person.update(department="Sales").where(Person.id.in_([chat.people[2].id, chat.people[3].id])).execute()
    return f"/apps/{chat.app.id}/members"


def asked(page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def first_names(page) -> list[str]:
    return page.locator("tbody th a").all_inner_texts()


def test_a_head_sorts_and_back_brings_the_last_order(visit, live, olga: Person, members: str) -> None:
    page = visit(olga, at=members)
    expect(page.locator("tbody th a").first).to_have_text("Person 7")
    page.get_by_role("link", name="Last active").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Last active")
    assert asked(page)["sort"] == ["-active"]
    assert first_names(page)[-1] == "Person 4", "unknown is last"
    page.get_by_role("link", name="Last active").click()
    expect(page.locator("tbody th a").first).to_have_text("Person 3")
    expect(page.locator("tbody th a").last).to_have_text("Person 4")
    page.get_by_role("link", name="Last active").click()
    expect(page.locator("tbody th a").first).to_have_text("Person 7")
    page.go_back()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Last active")


def test_filters_combine_and_are_removed_one_by_one(visit, live, olga: Person, members: str) -> None:
    page = visit(olga, at=members)
    page.click("#more-filters")
    expect(page.get_by_label("Last activity")).to_contain_text("Inactive for 30 days (3)")
    page.get_by_label("Last activity").select_option("60")
    page.get_by_label("Department").select_option("Sales")
    page.click("#show")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert asked(page) == {"inactive": ["60"], "department": ["Sales"]}
    page.click("#chip-inactive")
    expect(page.locator("#chip-inactive")).to_have_count(0)
    expect(page.locator("#chip-department")).to_be_visible()
    assert asked(page) == {"department": ["Sales"]}
    page.goto(f"{live.url}{members}?department=Nowhere&inactive=unknown")
    named = "“Last activity unknown” and “Department: Nowhere”. Remove one of them"
    expect(page.locator(".empty")).to_contain_text(named)


def test_without_javascript(visit, live, olga: Person, members: str) -> None:
    page = visit(olga, javascript=False, at=members)
    page.get_by_role("link", name="Last active").click()
    assert asked(page)["sort"] == ["-active"]
    page.click("#more-filters")
    page.get_by_label("Last activity").select_option("unknown")
    page.click("#show")
    assert first_names(page) == ["Person 4"]
    assert asked(page)["sort"] == ["-active"]
    page.click("#chip-inactive")
    assert len(first_names(page)) > 5


def test_looks(visit, live, olga: Person, members: str) -> None:
    asset = Asset.select().first()
    wanted = f"{members}?inactive=30&department=Sales&sort=-active" + (f"&asset={asset.id}" if asset else "")
    looks = [
        Look("members-sorted", f"{members}?sort=-active"),
        Look("members-filtered", f"{members}?inactive=30&department=Sales"),
        Look("members-nobody", wanted),
        Look("members-filters", members, opens("#more-filters")),
        Look("people-chips", "/people?sort=-accounts"),
        Look("people-filters", "/people?left=yes", opens("#more-filters")),
    ]
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))


def test_on_a_phone_the_order_is_chosen_from_a_list(visit, live, olga: Person, members: str) -> None:
    page = visit(olga, width=390, at=members)
    page.get_by_label("Sort by").select_option("-active")
    page.wait_for_url("**sort=-active")
    expect(page.get_by_label("Sort by")).to_have_value("-active")


def test_a_view_is_saved_opened_and_deleted(visit, live, olga: Person, members: str) -> None:
    page = visit(olga, expected=("status of 422",), at=f"{members}?inactive=30&sort=-active")
    page.click("#views")
    page.click("text=Save this view")
    page.fill("#f-name", "Long gone")
    page.click("#save-view")
    expect(page.locator("#toasts")).to_contain_text("The view “Long gone” is saved.")
    expect(page.locator("#views")).to_contain_text("Long gone")
    page.goto(live.url + members)
    page.click("#views")
    page.click(".list-head .menu-list >> text=Long gone")
    page.wait_for_url("**inactive=30&sort=-active")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.click("#views")
    page.click("text=Rename or delete this view")
    page.click("#delete-view")
    expect(page.locator("#toasts")).to_contain_text("is deleted")
    expect(page.locator("tbody tr")).to_have_count(3)


def test_looks_of_the_other_lists(visit, live, olga: Person, members: str, chat, by) -> None:
    query = "inactive=30&sort=-active"
    saved_views.save("Long gone, in the spring audit", ListName.MEMBERS, chat.app, query, by, shared=True)
    for number in range(70):
        App.create(connector="sample-chat", name=f"Chat {number:03}", category="Seat-based", state="active", users=12,
                   matched=12, last_check_at=utcnow())  # fmt: skip
    for number in range(3):
        Asset.create(app=chat.app, external_id=f"x{number}", kind="channel", name=f"sales-{number}")
    looks = [
        Look("apps-sorted", "/apps?sort=-users&page=2"),
        Look("apps-nobody", "/apps?category=Seat-based&state=working&search=zzz"),
        Look("assets-sorted", f"/apps/{chat.app.id}/assets?sort=-accounts&kind=channel"),
        Look("reports-sorted", "/reports?sort=-created&state=open"),
        Look("reports-of-app", f"/apps/{chat.app.id}/reports?sort=-created"),
        Look("views-menu", f"{members}?inactive=30&sort=-active", clicks("#views"), within=".list-head"),
        Look("view-new", f"{members}?inactive=60", _save_view),
        Look("view-rename", f"{members}?inactive=30&sort=-active", _rename_view),
    ]
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))


def _save_view(page) -> None:
    page.click("#views")
    opens("text=Save this view")(page)


def _rename_view(page) -> None:
    page.click("#views")
    opens("text=Rename or delete this view")(page)
