"""An address that moved from a leaver to a new hire, on every page: the question, its person, and its source."""

from __future__ import annotations

import pytest

from sync.models import Account, App, Directory, Person
from sync.people import people
from tests.journeys.looks import Look, look_at, nothing_wrong
from tests.sync.fixtures import Chat, email
from tests.sync.scripted import Scripted


@pytest.fixture
def app(chat: Chat, scripted: type[Scripted]) -> App:
    """Person 1's address is Ana Lima's now; someone else also claims Person 2's."""
    company = scripted()
    for number in range(10):
        company.add(f"id{number}", email(number), f"Person {number}", employee_number=str(number))
    company.add("olga", "olga@acme.example", "Olga Brandt")
    company.read()
    company.delete("id1")
    company.read()
    chat.check()
    company.add("id50", email(1), "Ana Lima", employee_number="50")
    company.add("id51", email(2), "Benjamin Okafor-Lindqvist", employee_number="51")
    company.read()
    return App.get_by_id(chat.app.id)


def test_previous_holders_of_an_address_are_shown(visit, live, app: App, olga: Person) -> None:
    asked = Account.get(Account.email == email(1))
    looks = [
        Look("reuse-members", f"/apps/{app.id}/members?tab=unmatched"),
        Look("reuse-match", f"/apps/{app.id}/members/{asked.id}/match"),
        Look("reuse-hire", f"/people/{people.find_by_email(email(1)).id}"),
        Look("reuse-disputed", f"/people/{people.find_by_email(email(2)).id}"),
        Look("reuse-directory", f"/directories/{Directory.get().id}"),
        Look("reuse-reports", f"/apps/{app.id}/reports"),
    ]
    page = visit(olga, at=None)
    nothing_wrong(look_at(page, live.url, *looks))


def test_a_person_who_has_lost_the_address_is_chosen_by_name(visit, live, app: App, olga: Person) -> None:
    """The leaver had this address alone; the account turns out to be theirs."""
    page = visit(olga, at=None)
    asked = Account.get(Account.email == email(1))
    page.goto(f"{live.url}/apps/{app.id}/members?tab=unmatched")
    row = page.locator(f"#account-{asked.id}")
    assert "decide whose it is" in row.inner_text() and row.get_by_role("button", name="Match to Ana Lima").is_visible()
    row.get_by_role("button", name="Match to Person 1").click()
    page.get_by_text("Undo").first.wait_for()
    asked = Account.get_by_id(asked.id)
    assert (asked.match_kind, asked.person.name, asked.match_by_hand) == ("matched", "Person 1", True)
