"""The Asana connector: the contract, then who counts as a member, teams and projects, refusals, the credential."""

from __future__ import annotations

import pytest

from connectors.apps.asana import Asana
from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_asana import FakeAsana
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestAsana(ConnectorContract):
    kind, fake, address = Asana, FakeAsana, "api"
    role, other_role, owner_role = "member", "guest", "admin"
    sends_total = False  # Asana's lists have offsets only
    refuses_owner = False  # Asana knows no owner; what it answers for a super admin is not documented
    invited_status = "active"  # Asana does not report who has accepted
    asset_role = "editor"
    higher_asset_role = "admin"

    def settings(self, app):
        return {"workspace": app.gid, "token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(str(100 + n), f"person{n}@acme.example", f"Person {n}", role="member")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"project:{n + 1}", f"Thing {n}")

    # Who counts as a member

    def test_a_user_who_has_left_the_workspace_has_no_account(self, app, connector):
        self.fill(app, 2)
        app.more = {"100": {"is_active": False}}
        assert [account.id for account in connector.accounts()] == ["101"]
        assert connector.account("100") is None

    def test_view_only_is_a_seat_of_its_own(self, app, connector):
        self.fill(app, 2)
        app.more = {"101": {"is_view_only": True}}
        assert [account.seat for account in connector.accounts()] == ["", "View only"]

    def test_a_member_whose_email_is_not_listed_is_without_one(self, app, connector):
        self.fill(app, 2)
        app.shown = [*app.seats]
        app.seats.pop()
        assert [account.email for account in connector.accounts()] == ["person0@acme.example", ""]

    def test_no_admin_is_invited(self, connector):
        with pytest.raises(Refused, match="can.t make admins"):
            connector.invite("new@acme.example", "admin")

    def test_an_invitation_that_asana_refuses_is_reported_unless_they_are_there(self, app, connector):
        self.fill(app, 1)
        app.fail(app.error(400, "user: Not allowed"), on="add", times=FOREVER)
        connector.invite("Person0@acme.example", "member")
        with pytest.raises(Refused, match="Not allowed"):
            connector.invite("new@acme.example", "member")

    @pytest.mark.parametrize("status", [400, 403])
    def test_a_refused_removal_is_reported_while_the_member_is_there(self, app, connector, status):
        self.fill(app, 1)
        app.fail(app.error(status, "user: A super admin stays"), on="remove")
        with pytest.raises(Refused, match="A super admin stays"):
            connector.remove(next(connector.accounts()))

    # Teams and projects

    @pytest.fixture
    def stocked(self, app):
        self.fill(app, 2)
        app.things = [
            Thing("team:3", "Design", members={"100": "admin", "101": "guest"}),
            Thing("project:4", "Launch", members={"100": "editor", "101": "admin"}),
        ]
        app.team_of = {"project:4": "3"}
        return app

    def test_both_are_read_with_who_is_in_them(self, stocked, connector):
        assert [(a.id, a.kind, a.name) for a in connector.assets()] == [
            ("team:3", "team", "Design"), ("project:4", "project", "Launch"),
        ]  # fmt: skip
        assert [(a.account, a.asset, a.role, a.privileged) for a in connector.access()] == [
            ("100", "team:3", "admin", True), ("101", "team:3", "guest", False),
            ("100", "project:4", "editor", False), ("101", "project:4", "admin", True),
        ]  # fmt: skip

    def test_a_team_admin_is_made_a_member_in_asana_alone(self, stocked, connector):
        admin, team = connector.account("100"), next(connector.assets())
        with pytest.raises(Refused, match="is an admin there"):
            connector.grant(admin, team, "member")
        connector.grant(admin, team, "")
        assert stocked.thing("team:3").members == {"100": "admin", "101": "guest"}

    def test_a_workspace_that_is_no_organisation_has_no_teams(self, stocked, connector):
        stocked.is_organization = False
        assert [asset.id for asset in connector.assets()] == ["project:4"]
        assert {access.asset for access in connector.access()} == {"project:4"}

    def test_people_join_and_leave_a_team(self, stocked, connector):
        stocked.things[0].members = {"101": "member"}
        ana, team = connector.account("100"), next(connector.assets())
        with pytest.raises(Refused, match="as members only"):
            connector.grant(ana, team, "admin")
        for _ in range(2):
            connector.grant(ana, team, "member")
        assert stocked.things[0].members == {"101": "member", "100": "member"}
        for _ in range(2):
            connector.revoke(ana, team)
        assert stocked.things[0].members == {"101": "member"}

    def test_a_refused_revocation_is_reported_while_they_are_in_the_team(self, stocked, connector):
        stocked.fail(stocked.error(403, "You are not in the team"), on="remove_from_team")
        with pytest.raises(Refused, match="not in the team"):
            connector.revoke(connector.account("100"), next(connector.assets()))

    def test_access_that_is_there_is_changed(self, stocked, connector):
        connector.grant(connector.account("100"), list(connector.assets())[1], "commenter")
        assert stocked.things[1].members == {"100": "commenter", "101": "admin"}

    def test_without_a_role_the_projects_own_default_is_given(self, stocked, connector):
        del stocked.things[1].members["100"]
        for _ in range(2):
            connector.grant(connector.account("100"), list(connector.assets())[1], "")
        assert stocked.things[1].members == {"100": "editor", "101": "admin"}

    def test_more_people_of_a_project_than_a_page_are_read(self, app, connector):
        app.things = [Thing("project:4", "Launch", members={str(100 + n): "editor" for n in range(101)})]
        assert len({access.account for access in connector.access()}) == 101

    def test_a_project_that_disappears_while_reading_fails_it(self, stocked, connector):
        stocked.when(stocked.things.clear, on="in_project")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    # Answers

    def test_an_answer_without_its_data_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"next_page": None}), on="memberships")
        with pytest.raises(TemporarilyUnavailable, match="without its data"):
            list(connector.accounts())

    def test_asanas_limit_is_reported_in_its_words(self, app, connector):
        words = "You've made too many requests and hit a rate limit."
        limited = app.error(429, words)
        app.fail(Reply(429, limited.body, {"Retry-After": "90"}), times=FOREVER)
        with pytest.raises(RateLimited, match="hit a rate limit") as waits:
            list(connector.accounts())
        assert waits.value.retry_after == 90

    # The credential

    def test_says_who_it_is_and_what_is_missing(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Olga in Acme", "7", ())
        app.mine = {"is_admin": False}
        app.fail(app.error(403, "teams:read is missing"), on="teams")
        missing = " ".join(connector.test().missing)
        assert "Olga isn't an admin" in missing and "teams:read" in missing

    def test_a_service_account_that_is_no_member_lacks_nothing(self, app, connector):
        app.mine = None
        assert connector.test().missing == ()

    def test_another_workspace_is_reported(self, app):
        connector = self.connect(app, workspace="8")
        for ask in (connector.test, lambda: connector.account("100")):
            with pytest.raises(CredentialRejected, match="Check the workspace ID"):
                ask()
        connector.close()

    def test_a_removal_has_not_succeeded_because_the_tokens_person_has_left_the_workspace(self, app):
        self.fill(app, 1)
        connector = self.connect(app)
        account = next(connector.accounts())
        app.gid = "8"  # Asana answers 404 to each call about the workspace
        with pytest.raises(CredentialRejected, match="the token's owner is in it"):
            connector.remove(account)
        connector.close()

    def test_a_guest_who_does_not_see_everyone_is_reported(self, app, connector):
        """help.asana.com/hc/en-us/articles/14070393544859-Guests-FAQ: "Guests have limited access to the organization
        and only see what is explicitly shared with them"."""
        self.fill(app, 2)
        app.mine = {"is_admin": False, "is_guest": True}
        for ask in (connector.test, lambda: list(connector.accounts()), lambda: connector.account("999")):
            with pytest.raises(CredentialRejected, match="guest"):
                ask()
