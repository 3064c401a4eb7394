"""Someone who gets a higher role: nothing that a person below it has made or typed before leads into it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.mail import outbox
from sync.models import Activity, Mail, Offboarding, Person
from sync.offboarding import offboarding
from sync.people import people
from sync.rank import Asker
from sync.sign_in import colleagues, sessions, sign_in
from sync.workspace import today
from tests.web.client import Client


@pytest.fixture
def super_admin(someone) -> Person:
    return someone("Sol Super", role="super admin")


@pytest.fixture
def tom(someone) -> Person:
    return someone("Tom Okafor", role="user")


def test_a_link_that_a_super_admin_made_for_a_user_ends_when_they_become_an_owner(site, super_admin, tom, by):
    token = sign_in.signed_link(tom, Asker.person(super_admin))
    people.set_workspace_role(tom, "owner", by)
    assert not sign_in.link_asks(token) and Client(site).post(f"/sign-in/{token}").status_code == 410


def test_a_link_outlives_a_lower_role(site, super_admin, tom, by):
    token = sign_in.signed_link(tom, Asker.person(super_admin))
    people.set_workspace_role(tom, "guest", by)
    assert sign_in.person_of_link(token) == tom


def test_a_browser_that_was_signed_in_before_is_signed_out(site, tom, by):
    token = sessions.start_session(tom)
    people.set_workspace_role(tom, "guest", by)
    assert sessions.session_of(token), "with a lower role, it may stay"
    people.set_workspace_role(tom, "owner", by)
    assert sessions.session_of(token) is None


def test_an_offboarding_that_an_admin_planned_is_given_up_when_the_person_ranks_above_them(someone, tom, by):
    admin, ana = someone("Mallory Admin", role="admin"), someone("Ana Lima", role="user")
    plans = [offboarding.start(one, admin, set(), {}, on=today() + timedelta(days=1)).offboarding for one in (tom, ana)]
    people.set_workspace_role(tom, "super admin", by)
    Offboarding.update(remove_on=today()).execute()
    offboarding.carry_out_due(utcnow())
    tom, ana = (Person.get_by_id(one.id) for one in (tom, ana))
    assert [Offboarding.get_by_id(plan.id).state for plan in plans] == ["cancelled", "applied"]
    assert (tom.status, tom.remove_on, ana.status) == ("active", None, "deprovisioned")
    entry = Activity.get(Activity.what == "cancelled offboarding")
    assert entry.person == tom and "ranks above the person who planned it" in entry.why


def test_an_invitation_goes_to_the_address_that_was_entered(site, someone, by):
    """An admin has put an address of their own first, in the record of someone who can't sign in yet."""
    admin, nina = someone("Mallory Admin", role="admin"), someone("Nina New", role=None)
    known = nina.addresses()[0].email
    people.edit(nina, Asker.person(admin), emails=["mallory@evil.example", known])
    outbox.configure("smtp://mail.acme.example", "http://127.0.0.1:8000")
    try:
        colleagues.invite("Nina New", f" {known.upper()}", "owner", by, "m" * 16)
    finally:
        outbox.configure(None, "http://127.0.0.1:8000")
    [mail] = Mail.select().where(Mail.kind == "colleague")
    assert mail.to == known
