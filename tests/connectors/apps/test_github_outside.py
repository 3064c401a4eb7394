"""GitHub only invites an outside collaborator to another repository, to a team or to the organisation. They have
neither the access nor the role until they accept.

From docs.github.com/rest: “Add a repository collaborator” (201: “a new invitation is created”), “Add or update team
membership for a user” and “Set organization membership for a user” (“pending” until they accept)."""

from __future__ import annotations

import pytest

from connectors.base import Refused
from tests.connectors.apps.fake_github import FakeGitHub, reading
from tests.connectors.fake import Seat, Thing


@pytest.fixture
def app():
    app = FakeGitHub()
    app.seats = [Seat("1000", "ana@acme.example", "Ana", role="admin")]
    app.outsiders = [Seat("50", "kim@freelance.example", "Kim")]
    app.things = [Thing("repository:6", "site"), Thing("team:7", "Sales")]
    app.start()
    yield app
    app.stop()


@pytest.fixture
def connector(app):
    with reading(app) as connector:
        yield connector


def test_an_invitation_to_a_repository_is_not_access(app, connector):
    kim, site = connector.account("50"), next(connector.assets())
    with pytest.raises(Refused, match="invited them to site. They have no access until they accept"):
        connector.grant(kim, site, "write")
    assert app.things[0].members == {} and len(app.repo_invited["site"]) == 1


def test_the_role_of_a_collaborator_is_changed_at_once(app, connector):
    app.things[0].members = {"50": "read"}
    connector.grant(connector.account("50"), next(connector.assets()), "write")
    assert app.things[0].members == {"50": "write"}


def test_nobody_from_outside_is_invited_to_the_organisation_through_a_team(app, connector):
    kim, (_, sales) = connector.account("50"), connector.assets()
    with pytest.raises(Refused, match="Make them a member first"):
        connector.grant(kim, sales, "member")
    assert app.invited == [] and app.asked("join_team") == []


def test_a_collaborator_who_is_invited_to_the_organisation_is_not_a_member_yet(app, connector):
    with pytest.raises(Refused, match="changes when they accept"):
        connector.change_role(connector.account("50"), "member")
    assert connector.account("50").role == "outside_collaborator"
