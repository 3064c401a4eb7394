"""The HubSpot connector: the contract, then permission sets, super admins, teams and HubSpot's errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from connectors.apps.hubspot import NO_SET, SUPER_ADMIN, HubSpot
from connectors.base import Access, Account, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_hubspot import ADDITIONAL, PRIMARY, FakeHubSpot
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestHubSpot(ConnectorContract):
    kind, fake, address = HubSpot, FakeHubSpot, "api"
    role, other_role, owner_role = "100", "200", SUPER_ADMIN
    several_roles = ("100", "200")
    sends_total = False  # HubSpot's list has cursors only
    refuses_owner = False  # no document says that HubSpot refuses to remove a super admin: the core's guard does
    asset_role = ADDITIONAL
    higher_asset_role = PRIMARY
    invited_status = "active"  # HubSpot doesn't say who hasn't accepted
    may_be_empty = ("secondaryTeamIds",)  # of someone who then is in no additional team

    def settings(self, app):
        return {"token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(str(4000 + n), f"person{n}@acme.example", f"Person {n}", role="100")

    # Users

    def test_name_and_seats_are_reported(self, app, connector):
        row = {"id": "1", "email": "ana@acme.example", "firstName": "Ana", "lastName": "Ng", "roleIds": [],
               "superAdmin": False, "seatNames": ["Core", "Sales Hub Professional"]}  # fmt: skip
        app.fail(Reply(200, {"results": [row]}), on="users")
        [account] = connector.accounts()
        assert (account.name, account.seat, account.role) == ("Ana Ng", "Core, Sales Hub Professional", NO_SET)

    def test_no_name_and_no_seat_are_left_out_by_hubspot(self, app, connector):
        app.fail(Reply(200, {"results": [{"id": "1", "email": "", "roleIds": [], "superAdmin": False}]}), on="users")
        [account] = connector.accounts()
        assert account.defaulted_fields == {"name", "seat"} and not account.missing_fields

    def test_a_super_admin_keeps_their_permission_sets_beside(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role, app.seats[0].further_roles = SUPER_ADMIN, ("200",)
        assert next(connector.accounts()).roles == (SUPER_ADMIN, "200")

    def test_an_answer_without_its_list_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"paging": {}}), on="users")
        with pytest.raises(TemporarilyUnavailable, match="without its list of users"):
            list(connector.accounts())

    # A 404 says that nobody is there only in HubSpot's own form

    @pytest.mark.parametrize("body", [{"message": "no Route matched"}, "Not here", None, []])
    def test_a_404_of_another_form_is_no_absence(self, app, connector, body):
        self.fill(app, 1)
        app.fail(Reply(404, body), times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="but without an error in HubSpot's format"):
            connector.account("4000")
        with pytest.raises(TemporarilyUnavailable):
            connector.remove(Account("4000"))

    # Permission sets

    def test_a_super_admin_is_not_changed(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = SUPER_ADMIN
        with pytest.raises(Refused, match="super admin"):
            connector.change_role(Account("4000", role="100"), "200")
        assert app.asked("update") == []

    @pytest.mark.parametrize("role", [SUPER_ADMIN, NO_SET])
    def test_only_a_permission_set_can_be_given(self, app, connector, role):
        self.fill(app, 1)
        with pytest.raises(Refused, match="only give a permission set"):
            connector.change_role(next(connector.accounts()), role)

    def test_an_update_that_keeps_other_permission_sets_is_reported(self, app, connector):
        """No document says whether it may: the answer is compared with what was shown before."""
        self.fill(app, 1)
        app.keeps_sets = True
        with pytest.raises(Refused, match="they now have: 200, 100"):
            connector.change_role(next(connector.accounts()), "200")

    def test_a_change_sends_the_permission_set_alone(self, app, connector):
        self.fill(app, 1)
        connector.change_role(next(connector.accounts()), "200")
        [call] = app.asked("update")
        assert call.body == {"roleId": "200"}

    # Invitations

    def test_someone_who_is_in_the_account_is_not_invited_again(self, app, connector):
        self.fill(app, 1)
        connector.invite("Person0@acme.example", "200")
        assert app.asked("create") == [] and app.seats[0].role == "100"

    def test_nobody_is_invited_as_super_admin(self, app, connector):
        with pytest.raises(Refused, match="makes nobody a super admin"):
            connector.invite("new@acme.example", SUPER_ADMIN)
        assert app.seats == []

    def test_a_permission_set_that_needs_another_scope_is_reported(self, app, connector):
        app.fail(app.error(403, "This app hasn't been granted settings.billing.write."), on="create")
        with pytest.raises(Refused, match="settings.billing.write"):
            connector.invite("new@acme.example", "100")

    # Teams

    def test_primary_and_additional_members_are_distinguished(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("7", "Sales", members={"4000": PRIMARY, "4001": ADDITIONAL})]
        assert list(connector.access()) == [Access("4000", "7", PRIMARY), Access("4001", "7", ADDITIONAL)]

    def test_a_team_that_does_not_say_who_is_in_it_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"results": [{"id": "7", "name": "Sales", "userIds": []}]}), on="teams")
        with pytest.raises(TemporarilyUnavailable, match="who is in a team"):
            list(connector.access())

    def test_other_teams_are_kept(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("7", "Sales", members={"4000": ADDITIONAL}), Thing("8", "Support"),
                      Thing("9", "All", members={"4000": PRIMARY})]  # fmt: skip
        [account], assets = connector.accounts(), {asset.id: asset for asset in connector.assets()}
        connector.grant(account, assets["8"], ADDITIONAL)
        assert [thing.members["4000"] for thing in app.things] == [ADDITIONAL, ADDITIONAL, PRIMARY]
        connector.revoke(account, assets["7"])
        assert [thing.members for thing in app.things] == [{}, {"4000": ADDITIONAL}, {"4000": PRIMARY}]

    def test_other_teams_are_kept_where_a_user_comes_without_them(self, app, connector):
        """userProvisioning.json, PublicUser: neither key is required. An update replaces all additional teams."""
        self.fill(app, 1)
        app.things = [Thing("7", "Sales", members={"4000": ADDITIONAL}), Thing("8", "Support"),
                      Thing("9", "All", members={"4000": PRIMARY})]  # fmt: skip
        app.leaves_out_teams = True
        [account], assets = connector.accounts(), {asset.id: asset for asset in connector.assets()}
        connector.grant(account, assets["8"], ADDITIONAL)
        assert [thing.members["4000"] for thing in app.things] == [ADDITIONAL, ADDITIONAL, PRIMARY]
        connector.revoke(account, assets["7"])
        assert [thing.members for thing in app.things] == [{}, {"4000": ADDITIONAL}, {"4000": PRIMARY}]
        with pytest.raises(Refused, match="primary team"):
            connector.revoke(account, assets["9"])

    def test_the_primary_team_is_left_in_hubspot(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("9", "All", members={"4000": PRIMARY})]
        [account], [team] = connector.accounts(), connector.assets()
        with pytest.raises(Refused, match="primary team"):
            connector.revoke(account, team)
        with pytest.raises(Refused, match="primary team"):
            connector.grant(account, team, PRIMARY)
        connector.grant(account, team, "")
        assert app.asked("update") == []

    def test_teams_can_be_left_out(self, app):
        app.things = [Thing("9", "All")]
        connector = self.connect(app, teams="leave out")
        assert list(connector.assets()) == list(connector.access()) == []
        assert connector.test().missing == () and app.asked("teams") == []
        connector.close()

    def test_nobody_is_protected_as_the_keys_owner_and_a_warning_shows_it(self, connector):
        assert connector.test().external_id is None and "can't protect this super" in connector.own_account_unknown

    def test_a_scope_that_is_missing_for_teams_is_named(self, app, connector):
        app.fail(app.error(403, "This app hasn't been granted all required scopes."), on="teams")
        [missing] = connector.test().missing
        assert "settings.users.teams.read" in missing

    @pytest.mark.parametrize("entered, ends", [("", date(2028, 3, 8)), ("2027-03", date(2028, 9, 1)),
                                               ("2027-09", date(2029, 3, 1))])  # fmt: skip
    def test_a_later_version_can_be_entered(self, app, entered, ends):
        """“Developer platform and API versioning”: a version is supported for 18 months."""
        version = entered or "2026-09"
        app.facts = tuple(replace(fact, path=fact.path.replace("2026-09", version)) for fact in app.facts)
        self.fill(app, 1)
        connector = self.connect(app, version=entered)
        assert [account.id for account in connector.accounts()] == [app.seats[0].id] and connector.roles()
        assert (connector.version_in_use().version, connector.version_in_use().ends) == (version, ends)
        connector.close()

    # Limits

    def test_the_limit_of_a_day_waits_longer(self, app, connector):
        """“Usage guidelines”: a 429 names the policy that was exceeded."""
        body = {"status": "error", "message": "You have reached your daily limit.", "policyName": "DAILY"}
        app.fail(Reply(429, body), on="users", times=FOREVER)
        with pytest.raises(RateLimited, match="daily limit") as limited:
            list(connector.accounts())
        assert limited.value.retry_after == 3600
