"""The Members tab: whose accounts are, what a person decides about one, and that it outlives the next check."""

from __future__ import annotations

import re

from sync.db import writing
from sync.models import BIT, Account, App, Report
from tests.sync.fixtures import Chat, after, email
from tests.web.client import Client
from web.member_view import LEFT_STILL_IN


def add_kim(chat: Chat) -> None:
    chat.store.add("kim@freelance.example", "Kim Sørensen", "guest", via="page")
    chat.check()


@after(add_kim)
def kim(chat) -> Account:
    """Someone from outside, unknown to Rollcall."""
    return Account.get(Account.name == "Kim Sørensen")


def put(owner: Client, account: Account, **values):
    return owner.send("PUT", f"/apps/{account.app_id}/members/{account.id}/match", **values)


def now(account: Account) -> Account:
    return Account.get_by_id(account.id)


def test_tabs_hold_who_is_known_unknown_guest_and_service(owner: Client, chat, kim) -> None:
    here = f"/apps/{chat.app.id}/members"
    assert "Person 3" in owner.get(here).text
    page = owner.get(f"{here}?tab=unmatched").text
    assert "Kim Sørensen" in page and "Guest" in page and "Person 3" not in page
    assert "No guests" in owner.get(f"{here}?tab=guests").text
    assert "Access token" in owner.get(f"{here}?tab=service+accounts").text
    assert "Used by Rollcall" in owner.get(f"{here}?tab=service+accounts").text
    assert owner.get(f"{here}?tab=aliens").status_code == 404


def test_search_and_pages(owner: Client, chat) -> None:
    with writing():
        for number in range(120):
            name = f"Many {number:03}"
            Account.create(app=chat.app, external_id=name, name=name, email=f"m{number}@x.example")
        App.update(unmatched=120).where(App.id == chat.app.id).execute()
    here = f"/apps/{chat.app.id}/members?tab=unmatched"
    first = owner.get(here, htmx=True).text
    assert "<html" not in first and "Many 049" in first and "Many 050" not in first and "1–50 of 120" in first
    assert "Many 119" in owner.get(f"{here}&page=3").text
    assert "Many 119" in owner.get(f"{here}&page=999").text, "a page behind the last one is the last one"
    found = owner.get(f"{here}&search=many+07").text
    assert found.count("Many 07") >= 10 and "Many 080" not in found
    assert "Nobody found" in owner.get(f"{here}&search=zzz").text


def test_an_account_is_matched_by_address_in_any_spelling(owner: Client, chat, kim) -> None:
    answer = put(owner, kim, kind="person", email=" P3@ACME.example ")
    assert answer.status_code == 303
    assert now(kim).person == chat.people[3] and now(kim).match_kind == "matched"
    chat.check()
    assert now(kim).person == chat.people[3], "a person's decision outlives every check"
    assert "Person 3" in owner.get(f"/apps/{chat.app.id}/members?search=Kim").text


def test_an_address_that_nobody_has_comes_back(owner: Client, kim) -> None:
    answer = put(owner, kim, kind="person", email="nobody@acme.example")
    assert answer.status_code == 422 and "Nobody in People has the address nobody@acme.example" in answer.text
    assert put(owner, kim, kind="person", email="").status_code == 422
    assert put(owner, kim, kind="emperor").status_code == 400
    assert now(kim).match_kind == "unmatched"


def test_likely_people_are_offered(owner: Client, chat, kim, someone) -> None:
    someone("Kim Sorensen")
    dialog = owner.get(f"/apps/{chat.app.id}/members/{kim.id}/match", htmx=True).text
    assert "Whose account is Kim Sørensen?" in dialog and "Kim Sorensen" in dialog and "The same name" in dialog
    put(owner, kim, kind="person", chosen="kim.sorensen@acme.example", email="")
    assert now(kim).person.name == "Kim Sorensen"


def say(owner: Client, account: Account, kind: str, **values):
    """Through the dialog, as a browser does: its fields are sent back."""
    dialog = owner.get(f"/apps/{account.app_id}/members/decisions/new?kind={kind}&account={account.id}", htmx=True).text
    seen = re.search(r'name="seen" value="(\w+)"', dialog).group(1)
    return owner.post(f"/apps/{account.app_id}/members/decisions", kind=kind, account=account.id, seen=seen, **values)


def test_guest_service_account_nobody_and_back_to_the_rules(owner: Client, chat, kim) -> None:
    say(owner, kim, "guest", what="guest")
    assert now(kim).match_kind == "guest"
    say(owner, kim, "service account", email="p2@acme.example")
    assert (now(kim).match_kind, now(kim).person) == ("service account", chat.people[2])
    assert "Responsible: Person 2" in owner.get(f"/apps/{chat.app.id}/members?tab=service+accounts").text
    say(owner, kim, "nobody")
    assert (now(kim).match_kind, now(kim).person) == ("unmatched", None)
    person = Account.get(Account.email == "p1@acme.example")
    say(owner, person, "nobody")
    chat.check()
    assert now(person).match_kind == "unmatched"
    say(owner, person, "rules")
    assert now(person).match_kind == "matched"


def test_protection_needs_a_reason_and_keeps_the_account(owner: Client, chat) -> None:
    account = Account.get(Account.email == "p1@acme.example")
    here = f"/apps/{chat.app.id}/members/{account.id}/protection"
    assert owner.send("PUT", here, reason="  ").status_code == 422
    owner.send("PUT", here, reason="Owns the billing")
    page = owner.get(f"/apps/{chat.app.id}/members").text
    assert "Owns the billing" in page and page.count("Lift the protection") == 1
    chat.leave(1, 2)
    chat.check()
    wizard = owner.get(f"/reports/{Report.get(Report.state == 'open').id}").text
    assert "is protected: Owns the billing" in wizard
    owner.send("DELETE", here)
    assert now(account).protection_reason is None


def test_left_out_is_shown_and_taken_back(owner: Client, chat) -> None:
    chat.leave(1)
    chat.check()
    report = Report.get(Report.state == "open")
    change = chat.change(report, 1)
    owner.post(f"/reports/{report.id}/application", version=report.version, shown=change.id,
               **{f"reason-{change.id}": "Hand-over until Friday"})  # fmt: skip
    page = owner.get(f"/apps/{chat.app.id}/members").text
    assert "Left out" in page and "Hand-over until Friday" in page and page.count("Report it again") == 1
    account = owner.get(f"/apps/{chat.app.id}/members/{change.account_id}").text
    assert "still has an account" in account and "Left out" in account and "Onboarded" not in account
    owner.send("DELETE", f"/apps/{chat.app.id}/members/{change.account_id}/leaving-out")
    chat.check()
    assert Report.select().where(Report.state == "open").count() == 1, "it is asked about again"


def test_after_an_operation_one_is_where_one_was_and_nowhere_else(owner: Client, chat, kim) -> None:
    back = f"/apps/{chat.app.id}/members?tab=unmatched&search=kim"
    assert put(owner, kim, kind="guest", back=back).location == back
    for elsewhere in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert put(owner, kim, kind="guest", back=elsewhere).location == f"/apps/{chat.app.id}/members"


def test_the_next_check_is_announced_for_who_left(owner: Client, chat) -> None:
    chat.leave(4)
    page = owner.get(f"/apps/{chat.app.id}/members?search=Person+4").text
    assert "Left" in page and ", still has an account" in page


def test_a_leavers_account_is_removed_where_the_app_says_now_that_it_is_suspended(owner: Client, chat) -> None:
    chat.leave(4)
    account = Account.get(Account.email == email(4))
    for status, suspends, missing, is_in in (
        ("suspended", True, None, False), ("suspended", True, BIT["role"], False), ("active", True, 0, True),
        ("suspended", True, BIT["status"], True), ("suspended", False, 0, True),
    ):  # fmt: skip
        Account.update(status=status, missing_fields=missing).where(Account.id == account.id).execute()
        App.update(removal_suspends=suspends).where(App.id == chat.app.id).execute()
        page = owner.get(f"/apps/{chat.app.id}/members?search=Person+4")
        assert (page.status_code, LEFT_STILL_IN in page.text) == (200, is_in)
