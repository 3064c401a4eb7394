"""Sessions end: after their hours, when they lie idle, one by one from their page, and all at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.models import Activity, Session
from sync.workspace import WorkspaceProblem, update_workspace, workspace
from tests.web.client import Client

PAGE = "/settings/sessions"


def test_each_is_listed_and_signed_out_from_the_page(site, olga):
    here, there = Client(site, olga), Client(site, olga)
    other = Session.select().order_by(Session.id.desc()).get()
    page = here.get(PAGE).text
    assert page.count("This browser") == 1 and "from 127.0.0.1" in page
    assert here.send("DELETE", f"{PAGE}/{other.id}").location == PAGE
    assert here.get(PAGE).status_code == 200 and there.get(PAGE).status_code == 303
    assert Activity.select().where(Activity.what == "ended sessions").count() == 1


def test_each_says_how_it_began(site, olga):
    here = Client(site, olga)
    Session.update(method="password", second_factor="authenticator app").execute()
    assert "Password, authenticator app" in here.get(PAGE).text
    Session.update(method="passkey", second_factor="passkey").execute()
    assert "Passkey</span>" in here.get(PAGE).text


def test_everywhere_else_at_once(site, olga):
    here, others = Client(site, olga), [Client(site, olga) for _ in range(3)]
    here.send("DELETE", PAGE)
    assert here.get(PAGE).status_code == 200 and Session.select().count() == 1
    assert [other.get(PAGE).status_code for other in others] == [303, 303, 303]


def test_nobody_ends_or_sees_anothers(site, olga, someone):
    hers = Client(site, olga)
    ben = Client(site, someone("Ben Roth", role="super admin"))
    session = Session.get(Session.person == olga)
    ben.send("DELETE", f"{PAGE}/{session.id}")
    ben.send("DELETE", PAGE)
    assert hers.get(PAGE).status_code == 200
    assert ben.get(PAGE).text.count("<tr>") == 2, "the head, and his own"


def test_a_session_ends_after_its_hours_however_much_it_is_used_and_when_idle(site, olga, by):
    update_workspace(by, session_hours=2, session_idle_minutes=10)
    browser = Client(site, olga)
    assert Session.get().ends_at <= utcnow() + timedelta(hours=2)
    Session.update(seen_at=utcnow() - timedelta(minutes=9)).execute()
    assert browser.get(PAGE).status_code == 200
    Session.update(seen_at=utcnow() - timedelta(minutes=11)).execute()
    assert browser.get(PAGE).status_code == 303
    again = Client(site, olga)
    Session.update(ends_at=utcnow(), seen_at=utcnow()).execute()
    assert again.get(PAGE).status_code == 303


def test_the_lengths_are_set_on_the_settings_page(owner: Client):
    here = "/settings"
    assert owner.send("PATCH", here, session_hours="8", session_idle_minutes="30").location == "/settings"
    assert (workspace().session_hours, workspace().session_idle_minutes) == (8, 30)
    wrong = owner.send("PATCH", here, session_hours="0", session_idle_minutes="30")
    assert wrong.status_code == 422 and "A session must last 1 to 168 hours" in wrong.text


@pytest.mark.parametrize("values", [
    {"session_hours": 0}, {"session_hours": 169}, {"session_idle_minutes": 4},
    {"session_hours": 1, "session_idle_minutes": 61},
])  # fmt: skip
def test_settings_that_cant_be(olga, by, values):
    with pytest.raises(WorkspaceProblem, match="session"):
        update_workspace(by, **values)
