"""A leaver who can't be removed yet, on the pages: what to do first, accepted for some time, withdrawn."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest

from sync.apps import apps
from sync.checks import comparison
from sync.db import utcnow
from sync.models import AcceptedLeaver, Account
from sync.people import holds
from sync.reports import reports
from sync.workspace import today
from tests.sync.fixtures import email
from tests.web.client import Client
from tests.web.test_group_rules import text_of as stripped

SENTENCE = "Person 0 has left and is the last Owner of Chat: make someone else Owner first"


def text_of(page: str) -> str:
    return unescape(stripped(page))


@pytest.fixture
def last(owner: Client, chat) -> Account:
    """The last Owner of the chat, who has left; one other has left too."""
    chat.leave(0, 3)
    comparison.compare_due(utcnow() + timedelta(minutes=1))
    return Account.get(Account.email == email(0))


def acceptance(account: Account) -> str:
    return f"/apps/{account.app_id}/members/{account.id}/acceptance"


def test_every_page_says_what_to_do_first(owner: Client, chat, last) -> None:
    report = reports.open_report(chat.app)
    for address in (f"/apps/{chat.app.id}", f"/apps/{chat.app.id}/members", f"/reports/{report.id}", "/"):
        assert SENTENCE in text_of(owner.get(address).text), address
    count = "2 people have left Acme and still have accounts in Chat. 1 can be removed. Person 0 can't yet."
    for address in ("/reports", f"/reports/{report.id}", "/"):
        assert count in text_of(owner.get(address).text), address


def test_someone_else_is_chosen_and_the_change_previewed(owner: Client, chat, last) -> None:
    page = owner.get(f"/apps/{chat.app.id}/administrators/new").text
    assert f"Person 1 · {email(1)}" in page and email(0) not in page and email(3) not in page
    assert page.index("Owner · can administer the app") < page.index("Admin · can administer the app")


def test_it_is_accepted_and_withdrawn(owner: Client, chat, last) -> None:
    until = today() + timedelta(days=9)
    owner.send("PUT", acceptance(last), reason="Until Mira is trained", until=until.isoformat())
    page = text_of(owner.get(f"/apps/{chat.app.id}").text)
    assert SENTENCE not in page and "keeps an account until" in page and "Until Mira is trained" in page
    report = text_of(owner.get(f"/reports/{reports.open_report(chat.app).id}").text)
    assert "1 can be removed. 1 may stay for now." in report and "Accepted for now by Olga Brandt" in report
    owner.send("DELETE", acceptance(last))
    assert AcceptedLeaver.get().ended_at
    report = text_of(owner.get(f"/reports/{reports.open_report(chat.app).id}").text)
    assert "may stay for now" not in report, "it is compared at once"
    comparison.compare_due(utcnow() + timedelta(minutes=1))
    assert SENTENCE in text_of(owner.get(f"/apps/{chat.app.id}").text)


def test_a_refused_acceptance_keeps_the_entered_values(owner: Client, chat, last) -> None:
    answer = owner.send("PUT", acceptance(last), reason="Until <b>Mira</b>", until=today().isoformat())
    assert answer.status_code == 422 and "future date" in answer.text
    assert "Until &lt;b&gt;Mira&lt;/b&gt;" in answer.text and not AcceptedLeaver.select().exists()


def test_people_begins_with_leavers_who_still_have_an_account(owner: Client, chat, last) -> None:
    page = text_of(owner.get("/people").text)
    assert page.count("Left, still has an account") == 1 + 2, "a chip with the count, and two people"
    assert "Left, still has an account 2" in page
    assert page.index("Person 3") < page.index("Olga Brandt olga@") and page.index("Person 3") < page.index("Person 1 ")


def test_the_card_says_who_is_stuck_with_the_button_for_its_owners(site, owner: Client, chat, last, someone) -> None:
    card = owner.get("/apps").text
    assert SENTENCE in text_of(card) and f'id="fix-{last.id}"' in card and f'id="accept-{last.id}"' in card
    assert SENTENCE in text_of(owner.get(f"/apps/{chat.app.id}/card").text)
    wizard = owner.get(f"/reports/{reports.open_report(chat.app).id}").text
    assert f'id="wizard-accept-{last.id}"' in wizard, "an id is there once, also where the wizard is over such a card"
    reader = someone("Rita Reader", "user")
    apps.set_manager(chat.app, reader, "collaborator", chat.by)
    seen = text_of(Client(site, reader).get("/apps").text)
    assert "still have accounts" in seen and SENTENCE not in seen


def test_people_who_cannot_lift_a_legal_hold_see_who_can(site, owner: Client, chat, someone) -> None:
    holds.hold(chat.people[3], "Lawsuit 12/2026", chat.by)
    chat.leave(3)
    comparison.compare_due(utcnow() + timedelta(minutes=1))
    address = f"/people/{chat.people[3].id}"
    mine = owner.get(f"/apps/{chat.app.id}").text
    assert "is on legal hold: Lawsuit 12/2026" in text_of(mine) and f'href="{address}"' in mine
    app_owner = someone("Ada Owner", "user")
    apps.set_manager(chat.app, app_owner, "owner", chat.by)
    theirs = Client(site, app_owner)
    assert theirs.get(address).status_code == 403
    for page in (f"/apps/{chat.app.id}", f"/reports/{reports.open_report(chat.app).id}", "/apps"):
        seen = theirs.get(page).text
        assert f'href="{address}"' not in seen and "Open the person" not in seen, page
        assert 'Ask <a href="mailto:olga@acme.example">Olga Brandt</a> to lift it.' in seen, page


def test_where_rollcall_cant_change_roles_it_says_where_to_do_it(owner: Client, chat, last, monkeypatch) -> None:
    monkeypatch.setattr(apps.connector_class("sample-chat"), "capabilities", frozenset({"remove"}))
    page = text_of(owner.get(f"/apps/{chat.app.id}").text)
    assert "Rollcall can't do that in Chat: do it there, then check for updates." in page
