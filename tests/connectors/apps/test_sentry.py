"""The Sentry connector: the contract, then owners, invitations, teams, paging, the token and Sentry's errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from connectors.apps.sentry import Sentry
from connectors.base import Access, Account, Asset, CredentialRejected, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_sentry import FakeSentry
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestSentry(ConnectorContract):
    kind = Sentry
    fake = FakeSentry
    other_role = "manager"
    lesser_roles = ("admin", "billing")
    asset_role = "contributor"
    higher_asset_role = managing_role = "admin"
    statuses = ("active", "invited")
    sends_total = False  # Sentry's lists have cursors only
    may_be_empty = ("role", "teamRoles")  # of a team that gives the least role, and of someone who is in no team

    def settings(self, app):
        return {"base_url": app.url.removesuffix("/api/0"), "organization": "acme", "token": app.token}

    # Members

    def test_reads_activity_and_service_accounts(self, app, connector):
        self.fill(app, 2)
        app.users = {"id-0": {"lastActive": "2021-08-02T21:32:18.836829Z"}, "id-1": {"actorType": "service_account"}}
        assert [(account.last_activity, account.kind) for account in connector.accounts()] == [
            (datetime(2021, 8, 2, 21, 32, 18, 836829), "user"), (None, "system"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "more, status",
        [({"inviteStatus": "requested_to_join"}, "unknown: requested_to_join"), ({"pending": None}, "unknown"),
         ({"pending": True}, "invited")],
    )  # fmt: skip
    def test_the_status_of_someone_who_is_not_yet_a_member_is_read(self, app, connector, more, status):
        self.fill(app, 1)
        app.more = {"id-0": more}
        [account] = connector.accounts()
        assert account.status == connector.account("id-0").status == status

    def test_a_user_deactivated_in_all_of_sentry_is_suspended(self, app, connector):
        self.fill(app, 1)
        app.users = {"id-0": {"isActive": False}}
        assert connector.account("id-0").status == "suspended"

    # Roles

    def test_a_change_of_role_keeps_the_teams(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("1", "api", members={"id-0": "admin", "id-1": "contributor"}),
                      Thing("2", "web", members={"id-0": "contributor"})]  # fmt: skip
        connector.change_role(self.by_id(connector)["id-0"], "manager")
        assert app.seats[0].role == "manager"
        assert [thing.members for thing in app.things] == [
            {"id-1": "contributor", "id-0": "admin"}, {"id-0": "contributor"},
        ]  # fmt: skip

    def test_without_the_teams_no_role_is_changed(self, app, connector):
        self.fill(app, 1)
        app.fail(lambda reply: replace(reply, body={**reply.body, "teamRoles": None}), on="member", acts=True)
        with pytest.raises(Refused, match="report this person's teams"):
            connector.change_role(Account("id-0"), "manager")
        assert app.asked("update_member") == []

    def test_refusals_that_name_a_field_are_reported_in_sentrys_words(self, app, connector):
        self.fill(app, 1)
        app.me["orgRole"] = "manager"
        with pytest.raises(Refused, match="do not have permission to assign the given role"):
            connector.change_role(Account("id-0"), "owner")
        with pytest.raises(Refused, match="not a valid choice"):
            connector.invite("new@acme.example", "king")
        app.things = [Thing("1", "api", members={"id-0": "contributor"})]
        with pytest.raises(Refused, match="cannot have team-level permissions"):
            connector.change_role(Account("id-0"), "billing")

    # Removal

    def test_an_owner_is_not_removed_by_a_manager(self, app, connector):
        app.seats = [Seat("id-0", role="owner"), Seat("id-1", role="owner")]
        app.me["orgRole"] = "manager"
        with pytest.raises(Refused, match="more access than you"):
            connector.remove(self.by_id(connector)["id-0"])

    def test_the_removal_of_a_provisioned_user_is_refused_in_sentrys_words(self, app, connector):
        self.fill(app, 1)
        app.provisioned = {"id-0"}
        with pytest.raises(Refused, match="identity provider"):
            connector.remove(next(connector.accounts()))

    def test_the_owner_of_the_token_is_not_removed(self, app, connector):
        self.fill(app, 1)
        app.me["id"] = "id-0"
        with pytest.raises(Refused, match="belongs to"):
            connector.remove(next(connector.accounts()))
        assert len(app.seats) == 1

    # A renamed organization answers 404 for everyone

    def test_a_renamed_organization_is_nobodys_absence(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        app.things = [Thing("1", "api")]
        connector.remove(Account("id-7"))
        app.fail(app.error(404, "The requested resource does not exist"), times=FOREVER)
        for ask in (lambda: connector.account("id-0"), lambda: connector.remove(account),
                    lambda: connector.revoke(account, Asset("1", "team")), connector.test):  # fmt: skip
            with pytest.raises(CredentialRejected, match="no such organization"):
                ask()

    def test_a_token_of_an_integration_is_reported(self, app, connector):
        app.me = None
        with pytest.raises(CredentialRejected, match="personal token"):
            connector.test()

    def test_says_who_the_token_is_and_what_it_lacks(self, app, connector):
        app.things = [Thing("1", "api")]
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Olga", "me", ())
        app.scoped = False
        app.fail(app.error(403, "You do not have permission to perform this action."), on="team_members")
        assert ["Member: Admin" in line or "Team: Admin" in line for line in connector.test().missing] == [True, True]

    def test_invitations_that_the_list_leaves_out_are_reported(self, app, connector):
        """getsentry/sentry, organization_member_index: its list leaves out members that have an
        OrganizationMemberInvite. organization_member_invite/index makes these where the organization has the feature.
        """
        app.features.append("new-organization-member-invite")
        [missing] = connector.test().missing
        assert "see every invitation" in missing

    # Invitations

    def test_an_expired_invitation_lets_nobody_in_and_is_removed_first(self, app, connector):
        app.seats = [Seat("id-0", "new@acme.example", status="invited", role="member")]
        app.more = {"id-0": {"expired": True}}
        [expired] = connector.accounts()
        assert expired.status == connector.account("id-0").status == "suspended"
        with pytest.raises(Refused, match="expired"):
            connector.invite("New@acme.example", "member")
        connector.remove(expired)
        assert app.seats == []

    def test_a_member_is_not_invited_again(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused, match="already been invited"):
            connector.invite("person0@acme.example", "member")

    # Teams

    def test_managers_are_admins_of_their_teams(self, app, connector):
        app.seats = [Seat("id-0", role="manager"), Seat("id-1", role="member"), Seat("id-2", role="member")]
        app.things = [Thing("1", "api", members={"id-0": "contributor", "id-1": "contributor", "id-2": "admin"})]
        assert list(connector.access()) == [
            Access("id-0", "1", "admin", privileged=True), Access("id-1", "1", "contributor"),
            Access("id-2", "1", "admin", privileged=True),
        ]  # fmt: skip
        assert connector.managed(Account("id-0")) == list(connector.assets())

    @pytest.mark.parametrize("said", [{}, {"teamRoles": None}])
    def test_a_member_whose_teams_are_not_named_may_manage_some(self, app, connector, said):
        self.fill(app, 1)
        app.fail(Reply(200, {"id": "id-0", "orgRole": "member"} | said), on="member")
        with pytest.raises(TemporarilyUnavailable, match="without the member's teams"):
            connector.managed(Account("id-0"))

    def test_a_request_to_join_is_not_done(self, app, connector):
        self.fill(app, 1)
        app.things, app.asks_first = [Thing("1", "api")], True
        with pytest.raises(Refused, match="approval"):
            connector.grant(Account("id-0"), Asset("1", "team"), "contributor")
        with pytest.raises(Refused, match="Make team admins in Sentry"):
            connector.grant(Account("id-0"), Asset("1", "team"), "admin")

    def test_a_team_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [Thing("1", "api")]
        app.when(app.things.clear, on="team_members")
        with pytest.raises(TemporarilyUnavailable, match="api"):
            list(connector.access())

    # Paging

    def test_a_member_skipped_because_of_a_removal_is_found_by_the_second_reading(self, app, connector):
        self.fill(app, 150)
        app.when(lambda: app.seats.pop(0), on="members", skip=1)
        assert {account.id for account in connector.accounts()} == {f"id-{n}" for n in range(150)}

    def test_one_page_is_read_once(self, app, connector):
        self.fill(app, 100)
        assert len(list(connector.accounts())) == 100
        assert len(app.asked("members")) == 1

    @pytest.mark.parametrize("link", ["", 'rel="next"; results="true"', '<x>; rel="next"', '<x>; rel="previous"'])
    def test_without_its_link_a_list_has_no_end(self, app, connector, link):
        self.fill(app, 1)
        app.fail(lambda reply: Reply(200, reply.body, {"Link": link}), on="members", acts=True, times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="further page"):
            list(connector.accounts())

    def test_another_member_than_asked_for_is_rejected(self, app, connector):
        self.fill(app, 2)
        app.fail(Reply(200, app._member(app.seats[1])), on="member")
        with pytest.raises(TemporarilyUnavailable, match="other than the member"):
            connector.account("id-0")
