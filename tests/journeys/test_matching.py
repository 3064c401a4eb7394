"""Whose accounts are, as a hurried person says it: matched, re-assigned, many at once, undone; and how it looks."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from sync.db import writing
from sync.matching import decisions as match_decisions
from sync.matching import rules as match_rules
from sync.models import Account, Activity, App, MatchDecision, Person
from sync.people import people
from tests.journeys.looks import DESK, PHONE, Look, look_at, nothing_wrong
from tests.sync.fixtures import email


@pytest.fixture
def strangers(chat) -> dict[str, Account]:
    """Ana by a private address, Kim from outside, a bot that looks like someone, and sixty of an agency."""
    people.add("Ana López", "a.lopez@acme.example", chat.by)
    given = {"ana": ("analopez@private.example", "Ana Lopez"), "kim": ("kim@freelance.example", "Kim Sørensen"),
             "bot": ("deploys@acme.example", "Deploys")}  # fmt: skip
    for address, name in given.values():
        chat.store.add(address, name, "member", via="page")
    chat.store.add_many([(f"a{number}@agency.example", f"Agency {number:02}", "guest") for number in range(60)])
    chat.check()
    return {key: Account.get(Account.email == address) for key, (address, _) in given.items()}


def now(account: Account) -> Account:
    return Account.get_by_id(account.id)


def members(page, live, app: App, tab: str = "unmatched", search: str = ""):
    page.goto(f"{live.url}/apps/{app.id}/members?tab={tab}&search={search}")
    return page


def act(page, account: Account, words: str) -> None:
    """Choose it in the account's menu, and wait for the dialog."""
    page.click(f"#account-{account.id} .menu summary")
    page.click(f"#account-{account.id} .menu-list >> text={words}")
    page.wait_for_selector("dialog:modal #confirm, dialog:modal [name=chosen], dialog:modal [name=email]")


def message(page) -> str:
    page.wait_for_selector("#toasts .toast")
    return " ".join(page.text_content("#toasts").split())


def test_from_unmatched_to_onboarded_by_one_click_and_back_by_one(visit, live, olga: Person, chat, strangers) -> None:
    page = members(visit(olga, at=None), live, chat.app, search="ana")
    likely = page.locator(f"#account-{strangers['ana'].id} .likely")
    assert "The same name" in likely.text_content()
    likely.locator("button").dblclick()
    page.wait_for_selector(f"#account-{strangers['ana'].id}", state="detached")
    assert now(strangers["ana"]).person.name == "Ana López" and MatchDecision.select().count() == 1
    assert "Ana Lopez: Ana López." in message(page)
    page.locator("#toasts .toast").get_by_text("Undo").dblclick()
    page.wait_for_selector(f"#account-{strangers['ana'].id}")
    assert now(strangers["ana"]).match_kind == "unmatched"
    assert Activity.select().where(Activity.what == "undid a decision").count() == 1
    chat.check()
    assert now(strangers["ana"]).match_kind == "unmatched"


def test_an_onboarded_account_is_re_assigned_step_by_step(visit, live, olga: Person, chat) -> None:
    account = Account.get(Account.email == email(1))
    page = members(visit(olga, expected=("status of 422",), at=None), live, chat.app, "onboarded")
    act(page, account, "Re-assign")
    assert "it isn't removed when a person leaves" in page.text_content("dialog")
    page.keyboard.press("Escape")
    assert now(account).match_kind == "matched" and page.query_selector("dialog:modal") is None
    act(page, account, "Re-assign")
    page.dblclick("#confirm")
    page.wait_for_url("**tab=unmatched**")
    assert MatchDecision.select().count() == 1 and "moved to Unmatched" in message(page)
    act(page, account, "Match to a person")
    page.check("dialog [name=chosen][value='']")
    page.fill("dialog [name=email]", email(2))
    page.click("dialog .button-primary")
    page.wait_for_selector(f"#account-{account.id}", state="detached")
    assert now(account).person == chat.people[2]
    page.go_back()
    page.wait_for_selector("#members")
    page.wait_for_load_state("networkidle")
    page.reload()
    chat.check()
    assert now(account).person == chat.people[2]


def test_many_are_ticked_previewed_decided_and_undone(visit, live, olga: Person, chat, strangers) -> None:
    page = members(visit(olga, expected=("status of 422",), at=None), live, chat.app, search="agency")
    page.check("[data-ticks]")
    page.click("#bulk-are")
    page.click("#bulk-guest")
    page.wait_for_selector("#decision:modal")
    assert "Mark 50 accounts as guest or partner" in page.text_content("#decision")
    assert "and 42 more" in page.text_content("#decision")
    page.check("#decision [value='local partner']")
    page.click("#confirm")
    page.wait_for_selector("#decision [role=alert]")
    assert "Enter the company" in page.text_content("#decision [role=alert]")
    page.fill("#decision [name=note]", "Bright Agency")
    page.dblclick("#confirm")
    page.wait_for_selector("#decision", state="detached")
    assert Account.select().where(Account.match_kind == "local partner").count() == 50
    assert App.get_by_id(chat.app.id).guests == 50 and "50 accounts marked as local partner." in message(page)
    members(page, live, chat.app, "guests")
    assert page.locator(".badge:has-text('Local partner')").count() == 50
    page.click("[id^=undo-] button")
    page.wait_for_selector("text=Undone for 50 accounts.")
    assert App.get_by_id(chat.app.id).unmatched == 63


def test_all_that_the_search_found_and_two_tabs(visit, live, olga: Person, chat, strangers) -> None:
    page, other = visit(olga, expected=("status of 422",), at=None), visit(olga, expected=("status of 422",), at=None)
    for tab in (page, other):
        members(tab, live, chat.app, search="agency")
        expect(tab.locator("#bulk")).to_be_hidden()
        tab.check("[data-ticks]")
        expect(tab.locator("#bulk")).to_contain_text("50 selected")
        tab.check("[data-all]")
        expect(tab.locator("#bulk")).to_contain_text("60 selected")
        tab.click("#bulk-are")
        tab.click("#bulk-guest")
        tab.wait_for_selector("#decision:modal")
        assert "Mark 60 accounts" in tab.text_content("#decision")
    page.click("#confirm")
    page.wait_for_selector("#decision", state="detached")
    assert App.get_by_id(chat.app.id).guests == 60
    other.click("#confirm")
    other.wait_for_selector("#decision:has-text('No account is selected'), #toasts .toast")
    assert MatchDecision.select().count() == 60, "nothing is done twice"


def test_the_second_tab_sees_what_the_first_changed(visit, live, olga: Person, chat, strangers) -> None:
    page = members(visit(olga, expected=("status of 422",), at=None), live, chat.app, search="kim")
    act(page, strangers["kim"], "Mark as service account")
    match_decisions.mark_guest(strangers["kim"], chat.by, "Studio")
    page.click("#confirm")
    page.wait_for_selector("#decision [role=alert]")
    text = page.text_content("#decision")
    assert "changed while you looked" in text and "now: Guest" in text
    page.click("#confirm")
    page.wait_for_selector("#decision", state="detached")
    assert now(strangers["kim"]).match_kind == "service account"


def test_without_javascript_it_all_works(visit, live, olga: Person, chat, strangers) -> None:
    page = members(visit(olga, javascript=False, at=None), live, chat.app, search="agency")
    page.check("td.tick input >> nth=0")
    page.check("td.tick input >> nth=1")
    page.click("#bulk-are")
    page.click("#bulk-guest")
    assert "Mark 2 accounts as guest or partner" in page.text_content("main")
    page.click("#confirm")
    assert page.url.endswith("search=agency") and "2 accounts marked as guest." in page.text_content("#toasts")
    page.click("#toasts button")
    assert "Undone for 2 accounts." in page.text_content("#toasts")
    assert App.get_by_id(chat.app.id).guests == 0


def test_a_rule_is_set_and_matches_at_once(visit, live, olga: Person, chat) -> None:
    with writing():
        Account.update(email="", email_key="", user_name="p1", person=None, match_kind="unmatched").where(
            Account.email == email(1)).execute()  # fmt: skip
    page = visit(olga, at=f"/apps/{chat.app.id}")
    page.click("#change-rules")
    page.wait_for_selector("dialog:modal")
    page.fill("dialog [name=domain]", "acme.example")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=then user name@acme.example")
    assert "The match of 1 account changed" in message(page)
    assert Account.get(Account.user_name == "p1").person == chat.people[1]


def test_how_it_looks(visit, live, olga: Person, chat, strangers) -> None:
    unclear = Account.get(Account.email == email(6))
    with writing():
        Person.update(employee_number="E8").where(Person.id.in_([chat.people[7].id, chat.people[8].id])).execute()
        unclear.email, unclear.email_key, unclear.user_name, unclear.employee_number = "", "", "p6", "E8"
        unclear.save()
        match_rules.match(App.get_by_id(chat.app.id))
    partner = Account.get(Account.name == "Agency 00")
    match_decisions.mark_local_partner(partner, chat.by, "Bright Agency: runs the spring campaign")
    match_decisions.mark_guest(Account.get(Account.name == "Agency 01"), chat.by)
    match_decisions.mark_service(strangers["bot"], chat.by, chat.people[3])
    chat.leave(3)

    def bulk(page) -> None:
        page.check("td.tick input >> nth=0")
        page.check("td.tick input >> nth=1")

    def bulk_menu(page) -> None:
        bulk(page)
        page.click("#bulk-are")

    def dialog(*clicks: str):
        def open_it(page) -> None:
            if clicks[0] == "#bulk-are":
                page.check("td.tick input >> nth=0")
                page.check("td.tick input >> nth=1")
            for selector in clicks:
                page.click(selector)
            page.wait_for_selector("dialog:modal")

        return open_it

    def rules(page) -> None:
        page.click("#change-rules")
        page.wait_for_selector("dialog:modal")

    here = f"/apps/{chat.app.id}/members"
    menu, acts = ".table tbody tr:first-child .actions summary", ".table tbody tr:first-child .menu-list >> text="
    looks = [
        Look("matching-unmatched", f"{here}?tab=unmatched"),
        Look("matching-bulk", f"{here}?tab=unmatched&search=agency+0", bulk, sizes=(PHONE,)),
        # On a phone the open menu lies half over the next button, which axe takes amiss.
        Look("matching-bulk", f"{here}?tab=unmatched&search=agency+0", bulk_menu, sizes=(DESK,)),
        Look("matching-guests-dialog", f"{here}?tab=unmatched&search=agency+0", dialog("#bulk-are", "#bulk-guest")),
        Look("matching-guests", f"{here}?tab=guests"),
        Look("matching-services", f"{here}?tab=service+accounts"),
        Look("matching-service-dialog", f"{here}?tab=service+accounts", dialog(menu, f"{acts}Responsible person")),
        Look("matching-re-assign", f"{here}?tab=onboarded", dialog(menu, f"{acts}Re-assign")),
        Look("matching-rules", f"/apps/{chat.app.id}", rules),
        Look("matching-unanswered", f"/apps/{chat.app.id}"),
        Look("matching-activity", f"/apps/{chat.app.id}/activity"),
        Look("matching-dialog-page", f"{here}/decisions/new?kind=rules&account={unclear.id}"),
    ]
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))
