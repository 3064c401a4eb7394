"""The Pinterest connector: the contract, then tokens, system users, partners, invitations, assets and refusals."""

from __future__ import annotations

import pytest

from connectors.apps.pinterest import Pinterest
from connectors.base import Account, CredentialRejected, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_pinterest import FakePinterest
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestPinterest(ConnectorContract):
    kind, fake, address = Pinterest, FakePinterest, "api"
    page = 250
    sends_fewer = True
    role, other_role, owner_role = "EMPLOYEE", "BIZ_ADMIN", "BIZ_ADMIN"
    several_roles = ("BIZ_ADMIN", "EMPLOYEE")
    statuses = ("active", "invited")
    sends_total = False  # a list has more pages as long as there is a bookmark
    refuses_owner = False  # the business's own account isn't a member of it
    asset_role = "ANALYST"

    def settings(self, app):
        return {"business_id": app.business, "way": "refresh", "app_id": app.app_id, "app_secret": app.app_secret,
                "refresh_token": app.token}  # fmt: skip

    def make_seat(self, n: int) -> Seat:
        return Seat(str(140000 + n), f"person{n}@acme.example", f"person{n}", role="EMPLOYEE")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"AD_ACCOUNT:{5490 + n}", f"Thing {n}")

    # Tokens

    def test_an_access_token_alone_will_do(self, app):
        self.fill(app, 2)
        connector = self.connect(app, way="token", token=app.access)
        assert len(list(connector.accounts())) == 2
        assert app.asked("tokens") == []
        connector.close()

    def test_an_access_token_that_ended_is_reported_and_stays_secret(self, app):
        connector = self.connect(app, way="token", token="pina-ended-31")
        with pytest.raises(CredentialRejected, match="expired") as rejected:
            list(connector.accounts())
        assert "pina-ended-31" not in str(rejected.value)
        connector.close()

    def test_one_access_token_serves_until_it_is_rejected(self, app, connector):
        self.fill(app, 1)
        for _ in range(2):
            list(connector.accounts())
        assert len(app.asked("tokens")) == 1
        app.given += 1
        assert len(list(connector.accounts())) == 1
        assert len(app.asked("tokens")) == 2

    @pytest.mark.parametrize("asked", [
        lambda app: list(app.accounts()), lambda app: app.account("nobody"), lambda app: app.test(),
        lambda app: app.remove(Account("nobody")),
    ], ids=["list", "second look", "test", "remove"])  # fmt: skip
    def test_a_token_of_an_employee_does_not_show_everyone(self, app, connector, asked):
        """pinterest/api-description, v5/openapi.yaml, BusinessRoleResponse: “EMPLOYEE: Can only view and access assets
        you assign to them. They cannot see details about other employees, partners, or other assets.”"""
        self.fill(app, 2)
        app.me, app.seats[1].role = {"id": app.seats[1].id, "username": ""}, "EMPLOYEE"
        with pytest.raises(CredentialRejected, match="isn't a manager"):
            asked(connector)

    def test_another_business_is_reported(self, app):
        connector = self.connect(app, business_id="8")
        with pytest.raises(CredentialRejected, match="Check the business ID"):
            connector.test()
        connector.close()

    @pytest.mark.parametrize("me", [{"id": "140001"}, {"username": "Person1"}])
    def test_the_owner_of_the_token_is_known(self, app, connector, me):
        self.fill(app, 2)
        app.seats[1].role = "BIZ_ADMIN"
        assert connector.test().external_id is None
        app.me = me
        assert connector.test().external_id == "140001"
        app.fail(app.error(403, "You are not permitted."), on="user_account", times=FOREVER)
        [missing] = connector.test().missing
        assert "user_accounts:read" in missing

    # Who is there

    @pytest.fixture
    def stocked(self, app):
        self.fill(app, 2)
        app.system = [Seat("990", "", "billing-api", role="EMPLOYEE")]
        app.partner_seats = [Seat("770", "hello@agency.example", "agency", role="PARTNER")]
        app.things = [
            Thing("AD_ACCOUNT:5490", "Spring", members={"140000": "ADMIN, ANALYST", "770": "CAMPAIGN_MANAGER"}),
            Thing("PROFILE:383", "", members={"140001": "PROFILE_PUBLISHER", "990": "ADMIN"}),
        ]
        return app

    def test_system_users_and_partners_are_read_as_what_they_are(self, stocked, connector):
        assert [(account.id, account.role, account.kind) for account in connector.accounts()] == [
            ("140000", "EMPLOYEE", "user"), ("140001", "EMPLOYEE", "user"), ("990", "EMPLOYEE", "system"),
            ("partner:770", "PARTNER", "user"),
        ]  # fmt: skip

    def test_a_partner_has_no_email_because_it_is_a_business(self, stocked, connector):
        """Pinterest gives the address that the other business registered with: it may be an employee's."""
        stocked.partner_seats[0].email = "person0@acme.example"
        partner = connector.account("partner:770")
        assert (partner.email, partner.name, partner.missing_fields) == ("", "agency", frozenset())
        stocked.fail(Reply(200, {"items": [{"id": "770", "business_roles": ["PARTNER"], "user": {}}]}), on="partners")
        assert connector.account("partner:770").missing_fields == {"name"}

    def test_the_highest_of_several_roles_counts(self, app, connector):
        row = {"id": "140000", "business_roles": ["EMPLOYEE", "BIZ_ADMIN"], "user": {"email": None, "username": None}}
        app.fail(Reply(200, {"items": [row], "bookmark": None}), on="members")
        account = next(connector.accounts())
        assert (account.role, account.email, account.name) == ("BIZ_ADMIN", "", "")
        assert account.further_roles == ("EMPLOYEE",)

    def test_an_invitation_is_looked_up_and_cancelled(self, app, connector):
        self.fill(app, 1)
        app.got_invites = [Seat("660", "us@acme.example", "us", role="EMPLOYEE", status="invited")]
        connector.invite("new@acme.example", "BIZ_ADMIN")
        [invitation] = [account for account in connector.accounts() if account.status == "invited"]
        assert (invitation.email, invitation.role) == ("new@acme.example", "BIZ_ADMIN")
        assert connector.account(invitation.id) == invitation
        for operation in (lambda: connector.change_role(invitation, "EMPLOYEE"),
                    lambda: connector.grant(invitation, next(connector.assets(), None), "ANALYST")):  # fmt: skip
            with pytest.raises(Refused):
                operation()
        for _ in range(2):
            connector.remove(invitation)
        assert [seat.id for seat in app.seats] == ["140000"]

    def test_someone_who_is_a_member_is_not_invited_again(self, app, connector):
        self.fill(app, 1)
        connector.invite("Person0@acme.example", "EMPLOYEE")
        assert app.asked("invite") == []

    def test_a_partner_is_removed_as_a_whole_and_has_no_other_role(self, stocked, connector):
        partner = connector.account("partner:770")
        with pytest.raises(Refused, match="Only members"):
            connector.change_role(partner, "EMPLOYEE")
        with pytest.raises(Refused, match="Business Manager"):
            connector.invite("hello@agency.example", "PARTNER")
        for _ in range(2):
            connector.remove(partner)
        assert stocked.partner_seats == [] and len(stocked.seats) == 2

    def test_a_system_user_is_not_removed(self, stocked, connector):
        with pytest.raises(Refused, match="system users"):
            connector.remove(connector.account("990"))

    # Assets

    def test_each_kind_is_read_with_who_has_it(self, stocked, connector):
        assert [(asset.id, asset.kind, asset.name) for asset in connector.assets()] == [
            ("AD_ACCOUNT:5490", "ad account", "Spring"), ("PROFILE:383", "profile", ""),
        ]  # fmt: skip
        assert [(a.account, a.asset, a.role, a.privileged) for a in connector.access()] == [
            ("140000", "AD_ACCOUNT:5490", "ADMIN, ANALYST", True),
            ("partner:770", "AD_ACCOUNT:5490", "CAMPAIGN_MANAGER", False),
            ("140001", "PROFILE:383", "PROFILE_PUBLISHER", False), ("990", "PROFILE:383", "ADMIN", True),
        ]  # fmt: skip

    def test_catalogues_and_asset_groups_are_assets_too(self, app, connector):
        """“Currently we only support AD_ACCOUNT, PROFILE, ASSET_GROUP and CATALOG” (GetBusinessAssetsResponse)."""
        self.fill(app, 1)
        shoes = Thing("CATALOG:1", "Shoes", members={"140000": "CATALOGS_MANAGER"})
        app.things = [shoes, Thing("ASSET_GROUP:2", "Europe")]
        catalogue, group = connector.assets()
        assert (catalogue.kind, catalogue.name) == ("catalogue", "Shoes")
        assert (group.kind, group.name) == ("asset group", "Europe")
        connector.grant(connector.account("140000"), group, "CONSUMER_USER")
        assert [(a.account, a.asset, a.role) for a in connector.access()] == [
            ("140000", "CATALOG:1", "CATALOGS_MANAGER"), ("140000", "ASSET_GROUP:2", "CONSUMER_USER"),
        ]  # fmt: skip

    def test_a_partners_access_is_changed_as_a_partners(self, stocked, connector):
        partner, profile = connector.account("partner:770"), list(connector.assets())[1]
        connector.grant(partner, profile, "PROFILE_PUBLISHER, ADMIN")
        assert stocked.thing("PROFILE:383").members["770"] == "PROFILE_PUBLISHER, ADMIN"
        for _ in range(2):
            connector.revoke(partner, profile)
        assert "770" not in stocked.thing("PROFILE:383").members

    def test_assets_are_read_without_the_scope_for_their_names(self, stocked, connector):
        stocked.fail(stocked.error(403, "You are not permitted."), on="ad_accounts", times=FOREVER)
        assert [asset.name for asset in connector.assets()] == ["", ""]
        [missing] = connector.test().missing
        assert "names" in missing

    def test_an_asset_that_disappears_while_reading_fails_it(self, stocked, connector):
        stocked.when(stocked.things.clear, on="asset_members")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    # Refusals

    def test_a_refused_revocation_is_reported_while_the_access_is_there(self, stocked, connector):
        stocked.fail(stocked.error(400, "Not now."), on="unassign")
        with pytest.raises(Refused, match="Not now"):
            connector.revoke(connector.account("140000"), next(connector.assets()))

    def test_an_exception_inside_a_good_answer_is_a_refusal(self, stocked, connector):
        with pytest.raises(Refused, match="Pinterest says “PROFILE_PUBLISHER is only available to a profile”"):
            connector.grant(connector.account("140000"), next(connector.assets()), "PROFILE_PUBLISHER")

    @pytest.mark.parametrize("role", ["", "OWNER", "ADMIN, OWNER"])
    def test_only_permissions_that_there_are_can_be_given(self, stocked, connector, role):
        with pytest.raises(Refused, match="Pinterest has no permission"):
            connector.grant(connector.account("140000"), next(connector.assets()), role)

    def test_a_refused_removal_is_reported_while_the_member_is_there(self, app, connector):
        self.fill(app, 1)
        account = connector.account("140000")
        for status in (400, 403):
            app.fail(app.error(status, "Not this one."), on="delete")
            with pytest.raises(Refused, match="Not this one"):
                connector.remove(account)
        app.keeps_everyone = True
        with pytest.raises(Refused, match="did not remove them"):
            connector.remove(account)

    def test_a_user_who_leaves_between_look_up_and_removal_counts_as_removed(self, app, connector):
        self.fill(app, 1)
        account = connector.account("140000")
        app.when(app.seats.clear, on="delete")
        connector.remove(account)

    @pytest.mark.parametrize("code", [7, 29])
    def test_a_missing_permission_is_no_token_that_ended(self, app, connector, code):
        app.fail(Reply(401, {"code": code, "message": "You are not permitted."}), on="assets", times=FOREVER)
        [missing] = connector.test().missing
        assert "read assets" in missing and "You are not permitted" in missing
        assert len(app.asked("tokens")) == 1

    def test_an_answer_without_its_list_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"bookmark": None}), on="members")
        with pytest.raises(TemporarilyUnavailable, match="without its list"):
            list(connector.accounts())
