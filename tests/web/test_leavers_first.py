"""People who have left are at the top of Members, and have a tab of their own while there are any."""

from __future__ import annotations

import re

from sync.apps import member_list
from sync.apps.member_list import Members
from sync.db import db
from sync.listing import PAGE
from sync.matching import members
from sync.models import Account, App
from sync.people import people
from sync.safety import leavers
from tests.sync.fixtures import email
from tests.web.client import Client


def listed(owner: Client, app: App, query: str = "") -> list[str]:
    page = owner.get(f"/apps/{app.id}/members?{query}").text
    ids = [int(id) for id in re.findall(r'<tr id="account-(\d+)"', page)]
    return [Account.get_by_id(id).email for id in ids]


def test_a_tab_of_its_own_while_someone_has_left(owner: Client, chat) -> None:
    assert ">Left <" not in owner.get(f"/apps/{chat.app.id}/members").text
    chat.leave(7, 5)
    page = owner.get(f"/apps/{chat.app.id}/members").text
    assert re.search(r'tab=left">Left <span class="quiet">2<', page)
    assert listed(owner, chat.app, "tab=left") == [email(5), email(7)]
    assert listed(owner, chat.app, f"tab=left&search={email(7)}") == [email(7)]
    assert listed(owner, chat.app)[:3] == [email(5), email(7), email(0)]


def test_an_empty_tab_says_so(owner: Client, chat) -> None:
    page = owner.get(f"/apps/{chat.app.id}/members?tab=left").text
    assert "No leavers" in page and "No account here belongs to someone who has left." in page


def test_all_who_left_can_be_selected_together(owner: Client, chat) -> None:
    chat.leave(7, 5)
    page = owner.get(f"/apps/{chat.app.id}/removals/new?all=yes&among=tab%3Dleft").text
    assert email(5) in page and email(7) in page and email(1) not in page


def test_every_page_together_has_every_account_once(chat, by) -> None:
    """Also where those who left fill more than a page."""
    template = Account.get(Account.email == email(1))
    person = people.add("Many Accounts", "many@acme.example", by)
    for number in range(2 * PAGE + 10):
        Account.create(app=chat.app, external_id=f"m{number}", email=f"m{number}@acme.example", name=f"M {number:03}",
                       person=person if number % 2 else template.person, match_kind="matched")  # fmt: skip
    people.mark_left(person, by)
    members.recount(chat.app)
    app = App.get_by_id(chat.app.id)
    left = leavers.accounts_still_in(app.id)
    assert len(left) == PAGE + 5
    first = member_list.search(app, Members())
    pages = [member_list.search(app, Members(), number=number) for number in range(1, first.pages + 1)]
    ids = [row.id for page in pages for row in page.rows]
    assert ids[: len(left)] == left
    rest = [row.id for row in member_list.found(app, Members()).order_by(Account.name, Account.id)]
    assert ids[len(left):] == [id for id in rest if id not in left]
    assert first.total == len(ids) == app.matched


def test_a_page_looks_once_for_those_who_left(owner: Client, chat) -> None:
    chat.leave(7, 5)
    asked: list = []
    db.query_hooks.append(asked.append)
    try:
        owner.get("/activity")
    finally:
        db.query_hooks.remove(asked.append)
    assert len([event for event in asked if "p.status = 'deprovisioned'" in event.sql]) == 1
