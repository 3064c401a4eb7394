"""A form without scripts that was sent twice: the second request gets the answer of the first, and does nothing."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask, Response, g

from sync.db import utcnow
from sync.models import Directory, GivenAnswer, Person, Session, Team
from sync.sign_in import given_answers, passwords
from tests.web.client import Client
from web import repeated

TEMPLATES = Path(__file__).parents[2] / "templates"
WITHOUT = {"_sign_out.html", "_account.html"}  # the session has ended then; the same theme is chosen again


def form_id(browser: Client, address: str) -> str:
    [found] = set(re.findall(r'name="form_id" value="([^"]+)"', browser.get(address).text))
    return found


def test_each_form_has_an_id() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if path.name not in WITHOUT:
            assert len(re.findall(r"name=\"csrf_token\"", text)) == len(re.findall(r"name=\"form_id\"", text)), path


def test_the_second_request_leads_to_the_same_page_with_the_same_message(owner: Client) -> None:
    team = Team.create(name="Revenue")
    same = form_id(owner, f"/directories/teams/{team.id}/removal")
    for _ in range(2):
        answer = owner.send("DELETE", f"/directories/teams/{team.id}", form_id=same)
        assert (answer.status_code, answer.location) == (303, "/directories/teams")
        assert owner.messages() == [("ok", "Revenue was removed. No account is removed by this.")]
    GivenAnswer.update(ends_at=utcnow()).execute()
    assert owner.send("DELETE", f"/directories/teams/{team.id}", form_id=same).status_code == 404
    given_answers.delete_expired(utcnow() + given_answers.LASTS + timedelta(seconds=1))
    assert not GivenAnswer.select().exists()
    Team.create(id=team.id, name="Revenue")
    answer = owner.send("DELETE", f"/directories/teams/{team.id}", form_id=same)
    assert answer.status_code == 303, "a refusal isn't kept: by now it is possible"


def test_a_second_request_waits_for_the_answer_of_the_first(owner: Client, site: Flask) -> None:
    team = Team.create(name="Revenue")
    values = {"form_id": form_id(owner, f"/directories/teams/{team.id}/removal"), "csrf": owner.token()}
    other, locations = Client(site), []
    other.client.set_cookie("rollcall", owner.client.get_cookie("rollcall").value)

    def remove(browser: Client) -> None:
        locations.append(browser.send("DELETE", f"/directories/teams/{team.id}", **values).location)

    second = threading.Thread(target=remove, args=(other,))

    def send_the_second() -> None:
        """Called in the first request, before it does anything."""
        if not second.ident:
            second.start()
            while second.is_alive() and repeated._may_wait._value == repeated.AT_ONCE:
                second.join(0.01)

    site.before_request_funcs[None].append(send_the_second)
    try:
        remove(owner)
        second.join()
    finally:
        site.before_request_funcs[None].remove(send_the_second)
    assert locations == ["/directories/teams"] * 2 and owner.messages() == other.messages() != []
    assert not repeated._under_way and repeated._may_wait._value == repeated.AT_ONCE


def test_a_secret_that_is_shown_once_is_shown_to_both_requests_and_kept_sealed(owner: Client) -> None:
    same = form_id(owner, "/directories/new/scim")
    first, second = (owner.post("/directories/new/scim", directory_name="Okta", form_id=same) for _ in range(2))
    assert first.status_code == 200 and first.text == second.text and Directory.select().count() == 1
    token = re.search(r'value="(scim_[^"]+|[^"]{40,})"', first.text).group(1)
    assert token.encode() not in bytes(GivenAnswer.get().sealed)


def test_only_the_same_form_with_the_same_values_counts_as_sent_twice(owner: Client, site: Flask, olga: Person) -> None:
    for place, name in enumerate(("HR", "Staff")):
        csv = Directory.create(kind="csv", name=name, settings={"file": "/x"}, place=place)
    same = form_id(owner, "/directories")

    def moved(browser: Client = owner, **values: str) -> str:
        browser.send("PUT", f"/directories/{csv.id}/place", **values)
        [(_, text)] = browser.messages()
        return text

    up = "Staff was moved up. The new order applies to all people."
    assert moved(step="up", form_id=same) == up
    assert moved(step="down", form_id=same).startswith("Staff was moved down.")
    assert moved(step="up", form_id=same) == up, "only of the last request is the answer kept"
    assert moved(step="up", form_id=same) == up, "it was sent twice"
    by_htmx = owner.send("PUT", f"/directories/{csv.id}/place", htmx=True, step="up", form_id=same)
    assert "Staff is already first." in by_htmx.headers["HX-Trigger"]
    assert moved(Client(site, olga), step="up", form_id=same) == "Staff is already first.", "another session"
    assert moved(step="up", form_id=form_id(owner, "/directories")) == "Staff is already first."


def test_a_second_click_on_sign_in_or_sign_out_is_not_called_a_page_that_was_open_too_long(
        site: Flask, olga: Person) -> None:
    """The first one has renewed or ended the session, and its token with it."""
    Person.update(password_hash=passwords.hashed("a long one for Olga")).where(Person.id == olga.id).execute()
    browser = Client(site)
    mine = {"email": "olga@acme.example", "password": "a long one for Olga", "csrf": browser.token(),
            "form_id": form_id(browser, "/sign-in")}  # fmt: skip
    assert [browser.post("/session", **mine).location for _ in range(2)] == ["/", "/"]
    assert Session.select().count() == 1
    token = browser.token()
    for _ in range(2):
        assert browser.send("DELETE", "/session", csrf=token).location == "/sign-in"
    assert browser.post("/directories/teams", csrf=token).status_code == 400


def test_nothing_is_kept_for_a_session_that_the_form_itself_ends(owner: Client, olga: Person, someone) -> None:
    someone(role="owner")
    same = form_id(owner, f"/people/{olga.id}/departure")
    answer = owner.post(f"/people/{olga.id}/departure", reason="", form_id=same)
    assert answer.status_code == 303 and not Session.select().count() and not GivenAnswer.select().count()


def test_another_file_in_the_same_form_is_another_request_and_each_is_read_whole(owner: Client) -> None:
    same = form_id(owner, "/people/imports/new")
    for name in ("Ana", "Bo", "Bo"):
        file = BytesIO(f"email,name\n{name.lower()}@acme.example,{name}\n".encode()), "staff.csv"
        assert owner.post("/people/imports", file=file, form_id=same).status_code == 303
        assert owner.messages() == [("ok", "1 added, 0 updated, 0 unchanged.")]


@pytest.mark.parametrize(("answer", "is_kept"), [
    (lambda: Response("<p>Done"), True),
    (lambda: Response(iter(["<p>Done"])), False),
    (lambda: Response("a,b", mimetype="text/csv"), False),
    (lambda: Response("x" * (repeated.LONGEST + 1)), False),
], ids=["page", "streamed", "file", "long"])  # fmt: skip
def test_only_a_whole_page_that_is_not_too_long_is_kept(owner: Client, site: Flask, answer, is_kept: bool) -> None:
    cookie = f"rollcall={owner.client.get_cookie('rollcall').value}"
    with site.test_request_context("/", method="POST", headers={"Cookie": cookie}):
        g.asked, g.messages_before = "asked", 0
        given = answer()
        given.mimetype = given.mimetype if given.mimetype == "text/csv" else "text/html"
        assert repeated.keep(given) is given
    assert GivenAnswer.select().exists() is is_kept


def test_only_the_messages_of_the_request_itself_are_given_again(owner: Client) -> None:
    """One of an earlier request may still wait, as no page was shown in between."""
    teams = [Team.create(name=name) for name in ("Revenue", "Support")]
    same, token = form_id(owner, f"/directories/teams/{teams[0].id}/removal"), owner.token()
    for team in (*teams, teams[1]):
        owner.send("DELETE", f"/directories/teams/{team.id}", form_id=same, csrf=token)
    assert [text.split()[0] for _, text in owner.messages()] == ["Revenue", "Support", "Support"]
