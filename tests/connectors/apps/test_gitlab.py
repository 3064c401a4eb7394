"""The GitLab connector: the contract, then invitations, people below the group, bots, SAML names and profiles."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.apps.gitlab import GitLab
from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_gitlab import TOP, FakeGitLab
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestGitLab(ConnectorContract):
    kind, fake = GitLab, FakeGitLab
    role, other_role, owner_role = "30", "40", "50"
    several_roles, unnamed_role = ("30", "custom:7"), ()  # each answer names the custom role that it has
    statuses = ("active", "suspended")
    asset_role = "40"
    higher_asset_role = "50"
    not_looked_up = ("last_activity",)  # in the list of billable members only

    def settings(self, app):
        return {"base_url": app.url.removesuffix("/api/v4"), "group": "acme/team", "token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(str(100 + n), f"person{n}@acme.example", f"Person {n}", role="30")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"project:{n + 1}", f"acme/team/thing-{n}")

    # Invitations: a list of their own in GitLab, known by e-mail

    def test_invites_once_and_again(self, app, connector):
        for _ in range(2):
            connector.invite("New@acme.example", "30")
        assert [(seat.email, seat.role) for seat in app.invited] == [("New@acme.example", "30")]
        assert [(a.id, a.email, a.status, a.role) for a in connector.accounts()] == [
            ("invitation:new@acme.example", "New@acme.example", "invited", "30")
        ]

    def test_an_invitation_is_looked_up_changed_and_cancelled(self, app, connector):
        connector.invite("new@acme.example", "30")
        [invitation] = connector.accounts()
        assert connector.account(invitation.id) == invitation
        connector.change_role(invitation, "40")
        assert app.invited[0].role == "40"
        for _ in range(2):
            connector.remove(invitation)
        assert app.invited == [] and connector.account(invitation.id) is None

    def test_an_invitation_that_gitlab_turns_down_is_reported(self, connector):
        with pytest.raises(Refused, match="domain is not allowed"):
            connector.invite("new@blocked.example", "30")

    def test_a_promotion_that_waits_for_an_administrator_is_not_done(self, app, connector):
        """docs.gitlab.com/administration/settings/sign_up_restrictions: “Turn on administrator approval for role
        promotions”. GitLab then answers 200 or 201."""
        self.fill(app, 2)
        app.things, app.queues = [Thing("project:6", "acme/team/site", members={"100": "20"})], True
        one, two = (connector.account(seat.id) for seat in app.seats)
        site = next(connector.assets())
        for ask in (lambda: connector.grant(one, site, "30"), lambda: connector.grant(two, site, "30"),
                    lambda: connector.change_role(one, "40"), lambda: connector.invite("new@acme.example", "30")):
            with pytest.raises(Refused, match="queued for administrator approval.*Approve it in GitLab"):
                ask()
        assert app.things[0].members == {"100": "20"} and app.invited == []

    # People who are only in a subgroup or a project

    @pytest.fixture
    def below(self, app):
        self.fill(app, 1)
        app.below = [Seat("900", "kim@freelance.example", "Kim")]
        app.things = [
            Thing("group:5", "acme/team/sub", members={"900": "20", "100": "50"}),
            Thing("project:6", "acme/team/site", members={"900": "40"}),
        ]
        return app

    def test_they_are_accounts_too(self, below, connector):
        listed = {account.id: account for account in connector.accounts()}
        assert {id: account.role for id, account in listed.items()} == {"100": "30", "900": "0"}
        assert connector.account("900") == self.looked_up(listed["900"]) and listed["900"].user_name == "user-900"

    def test_they_are_removed_wherever_they_are(self, below, connector):
        kim = connector.account("900")
        for _ in range(2):
            connector.remove(kim)
        assert connector.account("900") is None
        assert [thing.members for thing in below.things] == [{"100": "50"}, {}]

    def test_a_member_of_the_group_is_removed_from_all_groups_below_it(self, below, connector):
        connector.remove(connector.account("100"))
        assert [sorted(thing.members) for thing in below.things] == [["900"], ["900"]]

    def test_subgroups_and_projects_are_assets_that_owners_may_hand_on(self, below, connector):
        assert [(a.id, a.kind, a.name) for a in connector.assets()] == [
            ("group:5", "subgroup", "acme/team/sub"), ("project:6", "project", "acme/team/site"),
        ]  # fmt: skip
        assert sorted((a.account, a.asset, a.role, a.privileged) for a in connector.access()) == [
            ("100", "group:5", "50", True), ("900", "group:5", "20", False), ("900", "project:6", "40", False),
        ]  # fmt: skip

    def test_a_role_in_the_group_is_not_given_to_someone_below_it(self, below, connector):
        with pytest.raises(Refused):
            connector.change_role(connector.account("900"), "40")
        with pytest.raises(Refused, match="isn't a role of the group"):
            connector.change_role(connector.account("100"), "0")

    def test_access_that_is_there_is_changed(self, below, connector):
        connector.grant(connector.account("900"), list(connector.assets())[1], "30")
        assert below.things[1].members == {"900": "30"}

    def test_a_project_that_disappears_while_reading_fails_it(self, below, connector):
        below.when(below.things.clear, on="members", skip=1)
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.accounts())

    # Members of an invited group: group_members.md, “including inherited and invited members”

    @pytest.fixture
    def shared(self, app):
        self.fill(app, 1)
        app.below = [Seat("900", "kim@agency.example", "Kim"), Seat("901", "lee@agency.example", "Lee")]
        app.things = [Thing("group:5", "acme/team/sub"), Thing("project:6", "acme/team/site")]
        app.let_in = {TOP: {"900": "30", "100": "10"}}
        return app

    def test_they_are_accounts_with_their_level(self, shared, connector):
        listed = {account.id: account for account in connector.accounts()}
        assert {id: account.roles for id, account in listed.items()} == {"100": ("30",), "900": ("30", "through")}
        assert connector.account("900") == self.looked_up(listed["900"])

    def test_a_removal_that_leaves_them_in_is_not_done(self, shared, connector):
        """GitLab issue 324658: the removal succeeds, and the invited group still lets them in."""
        with pytest.raises(Refused, match=r"still in the group .*Agency"):
            connector.remove(connector.account("100"))
        assert shared.seats == [] and connector.account("100").roles == ("10", "through")
        with pytest.raises(Refused, match="end its invitation"):
            connector.remove(connector.account("100"))

    @pytest.mark.parametrize("place", ["group:5", "project:6"])
    def test_a_group_that_is_invited_below_lets_people_in_too(self, shared, connector, place):
        shared.let_in = {place: {"901": "40"}}
        listed = {account.id: account for account in connector.accounts()}
        assert listed["901"].role == "0" and connector.account("901") == self.looked_up(listed["901"])
        with pytest.raises(Refused, match=r"still in acme/team/(sub|site) .*Agency"):
            connector.remove(listed["901"])

    def test_a_role_that_an_invited_group_gives_is_changed_there(self, shared, connector):
        with pytest.raises(Refused, match="in that group"):
            connector.change_role(connector.account("900"), "40")

    # Invitations to subgroups and projects

    def test_invitations_below_are_read_and_cancelled_everywhere(self, below, connector):
        below.invited = [Seat("", "new@acme.example", role="30")]
        below.invited_below = {
            "group:5": [Seat("", "New@acme.example", role="20"), Seat("", "kit@acme.example", role="20")],
            "project:6": [Seat("", "kit@acme.example", role="40")],
        }
        invited = {a.id: a for a in connector.accounts() if a.status == "invited"}
        assert {id: a.role for id, a in invited.items()} == {
            "invitation:new@acme.example": "30", "invitation:kit@acme.example": "0",
        }  # fmt: skip
        kit = connector.account("invitation:kit@acme.example")
        assert kit == invited[kit.id]
        with pytest.raises(Refused, match="only in subgroups"):
            connector.change_role(kit, "40")
        for _ in range(2):
            connector.remove(kit)
        assert connector.account(kit.id) is None
        assert [[seat.email for seat in seats] for seats in below.invited_below.values()] == [["New@acme.example"], []]

    # Last activity

    def test_owners_see_when_billed_people_were_last_active(self, below, connector):
        below.activity = {"100": "2026-11-20", "900": "2026-11-21"}
        assert {a.id: a.last_activity for a in connector.accounts()} == {
            "100": datetime(2026, 11, 20), "900": datetime(2026, 11, 21),
        }  # fmt: skip

    def test_without_it_the_reading_continues_and_the_test_says_so(self, below, connector):
        below.sends_billable = False
        assert {a.id: a.last_activity for a in connector.accounts()} == {"100": None, "900": None}
        assert any("last active" in missing for missing in connector.test().missing)

    # What the list of members says

    @pytest.mark.parametrize(
        "username, kind",
        [("project_123_bot_4ffca233d8298ea1", "system"), ("group_123_bot", "system"), ("group_9_bot_1a", "system"),
         ("service_account_group_345_6018816a18e515214e0c34c2b33523fc", "system"), ("project_manager", "user"),
         ("service_desk", "user"), ("olga", "user")],
    )  # fmt: skip
    def test_bots_and_service_accounts_are_known_by_their_names(self, app, connector, username, kind):
        self.fill(app, 1)
        app.more = {"100": {"username": username}}
        assert [account.kind for account in connector.accounts()] == [kind]

    @pytest.mark.parametrize("name, email", [("ana@acme.example", "ana@acme.example"), ("ABC-123", ""), (None, "")])
    def test_a_saml_name_that_is_an_email_is_one(self, app, connector, name, email):
        app.seats = [Seat("100", name="Ana", role="30")]
        app.more = {"100": {"group_saml_identity": {"extern_uid": name, "provider": "group_saml"}}}
        assert [account.email for account in connector.accounts()] == [email]

    @pytest.mark.parametrize("uses, seat", [(True, "Billable"), (False, "Not billed"), (None, "")])
    def test_seats_are_reported(self, app, connector, uses, seat):
        self.fill(app, 1)
        app.more = {"100": {"is_using_seat": uses}}
        assert [account.seat for account in connector.accounts()] == [seat]

    def test_profiles_give_what_the_list_hides(self, app):
        app.seats = [Seat("100", name="Ana", role="30"), Seat("101", name="Deploys", role="30")]
        app.profiles = {
            "100": {"email": "ana@acme.example", "last_activity_on": "2026-11-20"},
            "101": {"public_email": "bot@acme.example", "bot": True},
        }
        connector = self.connect(app, emails="profiles")
        ana, bot = connector.accounts()
        assert (ana.email, ana.last_activity, ana.kind) == ("ana@acme.example", datetime(2026, 11, 20), "user")
        assert (bot.email, bot.kind) == ("bot@acme.example", "system")
        connector.close()

    def test_lists_without_a_total_are_read_to_their_end(self, app, connector):
        app.sends_total = False
        self.fill(app, 2 * self.page + 1)
        assert len(list(connector.accounts())) == 2 * self.page + 1

    def test_too_many_calls_is_plain_text_with_a_wait(self, app, connector):
        app.fail(Reply(429, "Retry later\n", {"Retry-After": "120", "Content-Type": "text/plain"}), times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == 120

    # The credential

    def test_says_who_the_token_is(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("olga in acme/team", "7", ())

    @pytest.mark.parametrize("level", [40, 0])
    def test_says_what_is_missing(self, app, connector, level):
        app.scopes, app.my_level = ["read_api"], level
        missing = " ".join(connector.test().missing)
        assert "scope api" in missing and "isn't an owner" in missing

    @pytest.mark.parametrize("visibility", ["public", "internal"])
    def test_a_stranger_who_sees_a_part_of_an_open_group_is_reported(self, below, connector, visibility):
        """gitlab.com/gitlab-org/gitlab, merge request 144638: who isn't in the group “won't see the members from the
        invited group” if that is private. gitlab-foss, issue 31068, on subgroups: “Only groups that are public or you
        have permission to view should be visible”."""
        below.my_level, below.visibility = 0, visibility
        below.things = []
        for ask in (connector.test, lambda: list(connector.accounts()), lambda: connector.account("900")):
            with pytest.raises(CredentialRejected, match="olga, isn't in the group"):
                ask()
        below.my_level = 10
        assert [account.id for account in connector.accounts()] == ["100"] and connector.account("900") is None

    def test_a_group_that_is_not_there_is_reported(self, app):
        connector = self.connect(app, group="other")
        with pytest.raises(Refused, match="no such group"):
            connector.test()
        connector.close()

    def test_a_token_without_the_scope_is_no_refusal(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        app.fail(Reply(403, {"error": "insufficient_scope", "scope": "api"}), on="remove")
        with pytest.raises(CredentialRejected, match="scope api"):
            connector.remove(account)
