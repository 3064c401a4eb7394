"""Deciding what accounts are, one or many: preview, approval, undo; and the rule for user names."""

from __future__ import annotations

import html
import json
import re

import pytest

from sync.db import writing
from sync.matching import decisions as match_decisions
from sync.models import Account, Activity, App, MatchDecision, Report
from sync.people import importing
from tests.sync.fixtures import email
from tests.web.client import Client


def account(number: int) -> Account:
    return Account.get(Account.email == email(number))


def here(chat) -> str:
    return f"/apps/{chat.app.id}/members"


def preview(owner: Client, chat, kind: str, query: str) -> tuple[str, dict]:
    """The dialog's words, and what its form would send; several accounts are one value each."""
    page = owner.get(f"{here(chat)}/decisions/new?kind={kind}&{query}", htmx=True)
    assert page.status_code == 200
    fields = re.findall(r'<input type="hidden" name="([\w]+)" value="([^"]*)"', page.text)
    form: dict = {}
    for name, value in fields:
        form.setdefault(name, []).append(html.unescape(value))
    form.pop("csrf_token")
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split()), form


def send(owner: Client, chat, form: dict, htmx: bool = False, **values):
    return owner.send("POST", f"{here(chat)}/decisions", htmx=htmx, **(form | values))


def undo_of(answer) -> str:
    return json.loads(answer.headers["HX-Trigger"])["toast"]["undo"]


def test_several_are_previewed_decided_and_undone(owner: Client, chat) -> None:
    ticked = "&".join(f"account={account(number).id}" for number in (1, 2, 3))
    words, form = preview(owner, chat, "guest", ticked)
    assert words.startswith("Mark 3 accounts as guest or partner")
    assert all(f"Person {number}" in words for number in (1, 2, 3)) and "Person 4" not in words
    answer = send(owner, chat, form, htmx=True, what="local partner", note="Bright Agency")
    assert [account(number).match_kind for number in (1, 2, 3, 4)] == ["local partner"] * 3 + ["matched"]
    text = owner.get(f"{here(chat)}?tab=guests").text
    assert text.count("Local partner") >= 3 and "Bright Agency" in text and "Undo" in text
    assert owner.send("DELETE", undo_of(answer)).status_code == 303
    assert [account(number).match_kind for number in (1, 2, 3)] == ["matched"] * 3
    again = owner.send("DELETE", undo_of(answer), htmx=True)
    assert "already undone" in json.loads(again.headers["HX-Trigger"])["toast"]["text"]
    assert "Undo" not in owner.get(here(chat)).text.split("members-table")[0]


def test_all_that_was_found_is_more_than_the_page(owner: Client, chat) -> None:
    chat.store.add_many([(f"m{number}@out.example", f"Out {number:03}", "guest") for number in range(130)])
    chat.check()
    page = owner.get(f"{here(chat)}?tab=unmatched&search=out").text
    assert "Select all 130 found" in page
    words, form = preview(owner, chat, "guest", "all=yes&among=tab%3Dunmatched%26search%3Dout")
    assert "130 accounts" in words and "and 122 more found by “out”" in words and "account" not in form
    entries = Activity.select().count()
    answer = send(owner, chat, form, htmx=True, what="guest")
    assert App.get_by_id(chat.app.id).guests == 130
    assert Activity.select().count() == entries + 130, "one entry for each"
    owner.send("DELETE", undo_of(answer))
    assert App.get_by_id(chat.app.id).unmatched == 130


def test_a_changed_account_is_shown_again_and_a_repeated_decision_counts_once(owner: Client, chat) -> None:
    _, form = preview(owner, chat, "nobody", f"account={account(1).id}&account={account(2).id}")
    match_decisions.mark_guest(account(1), chat.by)
    answer = send(owner, chat, form)
    assert (
        answer.status_code == 422 and "changed while you looked" in answer.text and account(2).match_kind == "matched"
    )
    _, form = preview(owner, chat, "nobody", f"account={account(1).id}&account={account(2).id}")
    send(owner, chat, form)
    assert account(1).match_kind == account(2).match_kind == "unmatched"
    made = MatchDecision.select().count()
    assert send(owner, chat, form).status_code == 303 and MatchDecision.select().count() == made


@pytest.mark.parametrize("kind", ["guest", "service account", "nobody", "rules"])
def test_nobody_ticked_is_shown_and_decides_nothing(owner: Client, chat, kind: str) -> None:
    words, form = preview(owner, chat, kind, "account=&account=x&account=999999999999")
    assert "No account is selected" in words
    send(owner, chat, form)
    assert MatchDecision.select().count() == 0


def test_a_local_partner_needs_a_company_and_a_guest_may_have_a_note(owner: Client, chat) -> None:
    _, form = preview(owner, chat, "guest", f"account={account(1).id}")
    answer = send(owner, chat, form, what="local partner", note="  ")
    assert answer.status_code == 422 and "Enter the company" in answer.text and account(1).match_kind == "matched"
    assert re.search(r'value="local partner" checked', answer.text), "what was chosen is still there"
    send(owner, chat, form, what="guest", note="<b>Studio</b>")
    assert account(1).match_note == "<b>Studio</b>"
    shown = owner.get(f"{here(chat)}?tab=guests").text
    assert "&lt;b&gt;Studio" in shown and "<b>Studio" not in shown
    words, _ = preview(owner, chat, "guest", f"account={account(1).id}")
    assert "now: Guest" in words


def test_re_assigning_says_what_it_means_and_leads_to_unmatched(owner: Client, chat) -> None:
    words, form = preview(owner, chat, "nobody", f"account={account(1).id}")
    assert "It is matched to Person 1 , by e-mail." in words
    assert "While it is unmatched" in words and "removed when a person leaves" in words
    answer = send(owner, chat, form)
    assert "tab=unmatched" in answer.location and "p1" in answer.location
    page = owner.get(answer.location).text
    assert "Person 1" in page and "Match to Person 1" in page, "and who is likely"
    taken = owner.send("PUT", f"{here(chat)}/{account(2).id}/match", kind="person", email=email(3))
    assert taken.status_code == 422 and "re-assign it first" in taken.text and account(2).person == chat.people[2]


def test_a_service_account_has_a_responsible_person(owner: Client, chat) -> None:
    _, form = preview(owner, chat, "service account", f"account={account(1).id}")
    for mistaken in ("nobody@acme.example", "nobody"):
        answer = send(owner, chat, form, email=mistaken)
        assert answer.status_code == 422 and "Nobody in People has the address" in answer.text
    chat.leave(5)
    assert "Person 5 has left" in send(owner, chat, form, email=email(5)).text
    send(owner, chat, form, email=email(2))
    assert account(1).person == chat.people[2]
    assert "no one responsible" not in owner.get(f"/apps/{chat.app.id}").text
    chat.leave(2)
    for page in (f"/apps/{chat.app.id}", here(chat)):
        text = owner.get(page).text
        assert "Person 2 has left" in text and "may be the account of someone who has left" not in text
        assert text.count("A service account has no one responsible.") == text.count('id="unanswered"') == 1
    tab = owner.get(f"{here(chat)}?tab=service+accounts").text
    assert "Person 2 was responsible, and has left" in tab
    App.update(removal_suspends=True).execute()
    Account.update(status="suspended").where(Account.id == account(1).id).execute()
    Account.update(match_kind="unmatched", person=None, former_person=chat.people[2]).where(
        Account.id == account(4).id).execute()
    text = owner.get(f"/apps/{chat.app.id}").text
    assert "may be the account of someone who has left" in text, "another one"
    Account.update(status="active").execute()
    chat.leave(3)
    chat.check()
    report = Report.get(Report.state == "open")
    assert account(1).id not in [change.account_id for change in report.changes], "it goes with nobody"


def test_undo_is_on_the_activity_too_and_without_javascript_in_the_page(owner: Client, chat) -> None:
    _, form = preview(owner, chat, "guest", f"account={account(1).id}")
    answer = send(owner, chat, form, what="guest")
    page = owner.get(answer.location).text
    undo = re.search(r'class="toast">.*?<form action="([^"]+)"', page, re.S).group(1)
    assert "Undo" in owner.get(f"/apps/{chat.app.id}/activity").text
    assert owner.post(html.unescape(undo)).status_code == 303
    assert account(1).match_kind == "matched"


def test_a_match_to_someone_who_has_left_says_so(owner: Client, chat) -> None:
    chat.leave(4)
    chat.store.add("p.four@private.example", "Person 4", "member", via="page")
    chat.check()
    stranger = Account.get(Account.email == "p.four@private.example")
    dialog = owner.get(f"{here(chat)}/{stranger.id}/match", htmx=True).text
    assert "has left the company" in dialog
    answer = owner.send("PUT", f"{here(chat)}/{stranger.id}/match", htmx=True, kind="person", email=email(4))
    assert "has left, so the next check reports this account" in answer.headers["HX-Trigger"]


def test_the_rule_for_user_names(owner: Client, chat) -> None:
    with writing():
        Account.update(email="", email_key="", user_name="p1", person=None, match_kind="unmatched").where(
            Account.id == account(1).id).execute()  # fmt: skip
    stranger = Account.get(Account.user_name == "p1")
    refused = owner.send("PUT", f"{here(chat)}/rules", domain="no domain")
    assert refused.status_code == 422 and "isn&#39;t a domain" in refused.text and "no domain" in refused.text
    answer = owner.send("PUT", f"{here(chat)}/rules", htmx=True, domain="acme.example")
    assert "The match of 1 account changed" in answer.headers["HX-Trigger"]
    assert Account.get_by_id(stranger.id).person == chat.people[1]
    assert "user name@acme.example" in owner.get(f"/apps/{chat.app.id}").text
    assert "by user name" in owner.get(f"{here(chat)}?search=p1").text


def test_unclear_accounts_say_why(owner: Client, chat) -> None:
    importing.import_csv(
        b"email,name,employee_number\np1@acme.example,Person 1,E1\np2@acme.example,Person 2,E2\n", chat.by)
    with writing():
        Account.update(employee_number="E2").where(Account.id == account(1).id).execute()
    match_decisions.unmatch(account(1), chat.by)
    match_decisions.leave_to_rules(account(1), chat.by)
    page = html.unescape(owner.get(f"{here(chat)}?tab=unmatched").text)
    assert "The e-mail is Person 1's, the employee number is Person 2's" in page


@pytest.mark.parametrize("address", ["decisions/new?kind=emperor", "decisions/new", "decisions/new?kind=rules&all=y"])
def test_nonsense_is_refused(owner: Client, chat, address: str) -> None:
    assert owner.get(f"{here(chat)}/{address}").status_code == 400
    assert owner.post(f"{here(chat)}/decisions", kind="emperor").status_code == 400
    assert owner.post(f"{here(chat)}/decisions", kind="guest", what="x", account=account(1).id).status_code == 400
