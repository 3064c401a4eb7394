"""One request of someone who is signed in, as large as a form allows: it is refused or cut before it costs much."""

from __future__ import annotations

import pytest

from connectors.base import LONGEST_VALUE, Field
from sync.apps import apps
from sync.matching import members
from sync.models import Account, Activity, Change, HeldChange
from sync.people import importing, people
from sync.problems import AppProblem
from sync.rank import Asker
from sync.reports import reports
from sync.tasks import invitations
from sync.words import LONGEST_REASON
from tests.sync.fixtures import Chat
from tests.web.client import Client
from web.group_rules import MOST_ASSETS
from web.security import LONGEST_QUERY


@pytest.mark.parametrize("address", ["/people", "/search", "/scim/v2/Users", "/nowhere"])
def test_a_long_query_is_refused(owner: Client, address: str):
    """A page repeats its query in each link: one of 240,000 characters made a page of 91 MB."""
    answer = owner.get(f"{address}?{'account=1&' * 2_000}")
    assert answer.status_code == 414 and len(answer.data) < LONGEST_QUERY


def test_the_longest_query_that_is_taken_makes_a_page_of_few_bytes(owner: Client, chat: Chat):
    chat.check()
    answer = owner.get(f"/apps/{chat.app.id}/members?{'account=1&' * (LONGEST_QUERY // 10)}")
    assert answer.status_code == 200 and len(answer.data) < 500 * LONGEST_QUERY


@pytest.mark.parametrize("address", ["/activity?", "/activity.csv?", "/apps/{app}/grants/new?asset=1&about=account&"])
def test_a_search_of_many_words_is_one_of_a_few(owner: Client, chat: Chat, address: str):
    """A hundred conditions were more than SQLite's parser takes."""
    chat.check()
    assert owner.get(f"{address.format(app=chat.app.id)}search={'a%20' * 100}").status_code == 200


def test_a_person_has_so_many_addresses_and_no_more(owner: Client, someone):
    """200,000 took two minutes, in which nobody else could write."""
    many = ",".join(f"a{number}@x.example" for number in range(people.MOST_EMAILS + 1))
    answer = owner.post("/people", name="Ana", email="ana@acme.example", further_emails=many)
    assert answer.status_code == 422 and "can have 100 e-mail addresses" in answer.text
    assert people.find_by_email("ana@acme.example") is None
    ana = someone("Ana Lima")
    assert owner.send("PATCH", f"/people/{ana.id}", name="Ana", emails=many).status_code == 422
    assert owner.send("PATCH", f"/people/{ana.id}", name="Ana", emails=many.rpartition(",")[0]).status_code == 303


@pytest.mark.parametrize("email", ["ana@acme.example", "olga@acme.example"])
def test_nor_in_a_list_not_even_for_someone_above(owner: Client, someone, email: str):
    """Changes of someone above that are in a list are held, an address at a time."""
    many = ";".join(f"a{number}@x.example" for number in range(people.MOST_EMAILS))
    admin = Asker.person(someone("Adam Admin", "admin"))
    with pytest.raises(people.PeopleProblem, match="more than 100 e-mail addresses"):
        importing.import_csv(f"email,further_emails\n{email},{many}\n".encode(), admin)
    assert not HeldChange.select().exists()


def test_a_pasted_list_is_read_to_a_limit(owner: Client, chat: Chat):
    """One of 150,000 addresses made a page of 64 MB."""
    text = ",".join(f"a{number}@x.example" for number in range(invitations.LOOKED_AT + 1000))
    assert len(invitations.addresses(text)) == invitations.LOOKED_AT + 1
    chat.check()
    answer = owner.post(f"/apps/{chat.app.id}/invitations", people=text, role="member")
    assert answer.status_code == 422 and "more than 500 addresses" in answer.text


def test_a_rule_has_so_many_assets_and_no_more(owner: Client, chat: Chat):
    here = f"/apps/{chat.app.id}/rules"
    assert owner.post(here, source="team:1", asset=["1"] * (MOST_ASSETS + 1)).status_code == 400
    assert owner.post(here, source="team:1", asset=["1"] * MOST_ASSETS).status_code == 422


def test_a_reason_is_cut_before_it_is_stored_with_each_account(chat: Chat):
    """One of 5 MB, for a report of a thousand people, filled 10 GB of the disk."""
    reason = "because " * 100_000
    chat.check()
    for person in chat.people[1:3]:
        people.mark_left(person, chat.by, reason)
    chat.check()
    report = reports.open_report(chat.app)
    change = Change.select().where(Change.report == report).order_by(Change.id).first()
    members.protect(Account.get(Account.person == chat.people[3]), reason, chat.by)
    reports.leave_out(change, reason, chat.by)
    reports.dismiss(report, chat.by, reason)
    assert max(len(entry.why) for entry in Activity.select()) < 2 * LONGEST_REASON
    assert {len(one.left_out_reason or one.protection_reason or "") for one in Account.select()} == {0, 199}


def test_a_field_of_a_credential_has_so_many_characters_and_no_more():
    """Each page reads the settings of the apps that it shows."""
    field = Field("key", "Key")
    assert field.fits("x" * LONGEST_VALUE) and not field.fits("x" * (LONGEST_VALUE + 1))
    assert Field("file", "File", upload=True).fits("x" * (LONGEST_VALUE + 1))
    with pytest.raises(AppProblem, match="does not look right"):
        apps.clean(apps.connector_class("scim"), {"base_url": "https://x.example", "token": "x" * (LONGEST_VALUE + 1)})
