"""Invitations as time passes: one reminder, the end, and what can't be accepted any longer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.models import App, Invitation, Mail, Person, Task
from sync.people import people
from sync.tasks import invitations
from tests.sync.tasks.test_invitations_recorded import NINA, edit, entry, now


@pytest.fixture
def nina(chat) -> Person:
    return people.add("Nina Vogel", NINA, chat.by)


@pytest.fixture
def invitation(chat, nina) -> Invitation:
    return invitations.invite(chat.app, NINA, "guest", chat.by)


@pytest.mark.parametrize(("values", "why"), [({"person": "left"}, "Nina Vogel has left"),
                                             ({"app": "disconnected"}, "The app is disconnected")])  # fmt: skip
@pytest.mark.parametrize("known", [True, False], ids=["the person is known", "only by the address"])
def test_an_invitation_that_can_no_longer_be_accepted_is_cancelled(chat, nina, invitation, values, why, known):
    edit(invitation, state="invited", mailed_at=utcnow(), **({} if known else {"person": None}))
    if "person" in values:
        people.mark_left(nina, chat.by)
    else:
        App.update(state=values["app"]).execute()
    assert invitations.remind_and_expire(utcnow()) == 1
    assert now(invitation).state == "cancelled"
    assert entry("cancelled invitation")[0] == "Rollcall" and entry("cancelled invitation")[2] == why
    assert invitations.remind_and_expire(utcnow()) == 0


def test_a_leaver_without_a_name_is_called_by_the_address(chat, nina, invitation):
    Person.update(name="", status="deprovisioned").where(Person.id == nina.id).execute()
    assert invitations.remind_and_expire(utcnow()) == 1 and entry("cancelled invitation")[2] == f"{NINA} has left"


def test_while_the_app_is_asked_nothing_is_cancelled(chat, nina, invitation):
    people.mark_left(nina, chat.by)
    Task.update(state="running").execute()
    assert invitations.remind_and_expire(utcnow()) == 0 and now(invitation).state == "ongoing"
    edit(invitation, task=None)
    assert invitations.remind_and_expire(utcnow()) == 1 and now(invitation).state == "cancelled"


@pytest.mark.parametrize("app", ["active", "paused"])
@pytest.mark.parametrize("state", ["ongoing", "invited", "failed"])
def test_only_what_is_invited_to_an_app_that_runs_expires(chat, nina, invitation, app, state):
    App.update(state=app).execute()
    edit(invitation, state=state, mailed_at=utcnow(), expires_at=utcnow())
    expires = (app, state) == ("active", "invited")
    assert invitations.remind_and_expire(utcnow() + timedelta(days=1)) == expires
    assert now(invitation).state == ("expired" if expires else state)
    if expires:
        assert entry("invitation expired") == (
            "Rollcall", "Nina Vogel", "It may still be open in the app: cancel it there, or invite again", None, None,
            chat.app.id, nina.id, None)  # fmt: skip
        assert Mail.select().where(Mail.kind == "invitations expired").count() == 1


def test_one_reminder_is_sent(chat, nina, invitation):
    other = invitations.invite(chat.app, "kim@x.example", "member", chat.by)
    edit(invitation, state="invited", mailed_at=utcnow(), expires_at=utcnow() + timedelta(days=999))
    edit(other, state="invited", mailed_at=utcnow() + timedelta(days=900), expires_at=utcnow() + timedelta(days=999))
    later = utcnow() + timedelta(days=400)
    assert invitations.remind_and_expire(later) == 1 and now(invitation).state == "invited"
    assert (now(invitation).reminded_at, now(other).reminded_at) == (later, None)
    assert entry("reminded of invitation") == (
        "Rollcall", "Nina Vogel", "", None, None, chat.app.id, nina.id, None)  # fmt: skip
    assert invitations.remind_and_expire(later + timedelta(days=400)) == 0 and now(invitation).reminded_at == later
