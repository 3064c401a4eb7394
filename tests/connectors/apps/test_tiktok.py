"""The TikTok connector: the contract, then invitations, kinds of assets, codes inside good answers, the credential."""

from __future__ import annotations

import pytest

from connectors.apps.tiktok import TikTok
from connectors.base import Asset, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.tools.http import Forbidden, NotFound
from tests.connectors.apps.fake_tiktok import FakeTikTok
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestTikTok(ConnectorContract):
    kind, fake, address = TikTok, FakeTikTok, "api"
    page = 20
    by_position = True
    may_be_empty = ("asset_ids",)  # required, and nobody is invited to an asset
    role, other_role, owner_role = "STANDARD", "ADMIN", "ADMIN"
    statuses = ("active", "invited")
    refuses_owner = False  # TikTok knows no owner, and does not say whether it keeps a last admin
    asset_role = "OPERATOR"

    def settings(self, app):
        return {"bc_id": app.center, "token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(str(7100 + n), f"person{n}@acme.example", f"Person {n}", role="STANDARD")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"ADVERTISER:{n + 1}", f"Thing {n}")

    # Members and invitations

    def test_an_invitation_is_looked_up_and_cancelled_by_its_email(self, app, connector):
        self.fill(app, 1)
        connector.invite("New@acme.example", "ADMIN")
        [invitation] = [account for account in connector.accounts() if account.status == "invited"]
        assert (invitation.id, invitation.role) == ("invitation:new@acme.example", "ADMIN")
        assert connector.account(invitation.id) == invitation
        with pytest.raises(Refused, match="or cancel the invitation"):
            connector.change_role(invitation, "STANDARD")
        for _ in range(2):
            connector.remove(invitation)
        assert [seat.email for seat in app.seats] == ["person0@acme.example"]

    def test_a_user_who_declined_the_invitation_has_no_account(self, app, connector):
        app.seats = [Seat("7100", "ana@acme.example", "Ana", "rejected", "STANDARD")]
        assert list(connector.accounts()) == []

    def test_a_refused_removal_is_reported_while_the_member_is_there(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        for status in (400, 403):
            app.fail(app.error(status, "The last admin stays."), on="delete")
            with pytest.raises(Refused, match="The last admin stays"):
                connector.remove(account)

    # Assets

    @pytest.fixture
    def stocked(self, app):
        self.fill(app, 2)
        app.things = [
            Thing("ADVERTISER:5", "Spring", members={"7100": "ADMIN", "7101": "ANALYST"}),
            Thing("CATALOG:5", "Shoes", members={"7101": "AD_PROMOTE"}),
            Thing("PIXEL:5", "Shop", members={"7100": ""}),
            Thing("TT_ACCOUNT:5", "@acme", members={"7101": "POST"}),
        ]
        return app

    def test_each_kind_is_read_with_who_has_it(self, stocked, connector):
        assert [(asset.id, asset.kind, asset.name) for asset in connector.assets()] == [
            ("ADVERTISER:5", "ad account", "Spring"), ("CATALOG:5", "catalogue", "Shoes"),
            ("PIXEL:5", "pixel", "Shop"), ("TT_ACCOUNT:5", "TikTok account", "@acme"),
        ]  # fmt: skip
        assert [(a.account, a.asset, a.role, a.privileged) for a in connector.access()] == [
            ("7100", "ADVERTISER:5", "ADMIN", True), ("7101", "ADVERTISER:5", "ANALYST", False),
            ("7101", "CATALOG:5", "AD_PROMOTE", False), ("7100", "PIXEL:5", "", False),
            ("7101", "TT_ACCOUNT:5", "", False),
        ]  # fmt: skip

    def test_assets_that_take_a_call_for_each_member_may_be_left_out(self, stocked):
        connector = self.connect(stocked, by_member="leave out")
        assert {asset.kind for asset in connector.assets()} == {"ad account", "catalogue"}
        assert {access.asset for access in connector.access()} == {"ADVERTISER:5", "CATALOG:5"}
        assert stocked.asked("assets_of") == []
        connector.close()

    def test_shops_and_lead_forms_are_read_where_that_is_chosen(self, stocked):
        """An app that was connected before the choice existed has no value for it."""
        stocked.things += [Thing("TIKTOK_SHOP:6", "Outlet", members={"7100": "AD_PROMOTION"}),
                           Thing("LEAD:7", "Forms", members={"7101": "ADMIN"})]  # fmt: skip
        before, connector = self.connect(stocked), self.connect(stocked, shops="read")
        assert not {"shop", "lead form library"} & {asset.kind for asset in before.assets()}
        assert [(asset.kind, asset.name) for asset in connector.assets()][2:4] == [
            ("shop", "Outlet"), ("lead form library", "Forms"),
        ]  # fmt: skip
        assert [(a.account, a.role, a.privileged) for a in connector.access()][3:5] == [
            ("7100", "AD_PROMOTION", False), ("7101", "ADMIN", True),
        ]  # fmt: skip
        for one in (before, connector):
            one.close()

    @pytest.mark.parametrize("relation, shown", [("BOUND", 1), ("PENDING", 0), ("REJECTED", 0), ("UNBOUND", 0)])
    def test_only_what_the_center_may_manage_is_its_asset(self, app, connector, relation, shown):
        app.things, app.relation = [self.make_thing(0)], {"ADVERTISER:1": relation}
        assert len(list(connector.assets())) == shown

    @pytest.mark.parametrize("id, role", [
        ("CATALOG:5", "ADMIN"), ("TT_ACCOUNT:5", "POST,LIVE"), ("TIKTOK_SHOP:6", "AD_PROMOTION"), ("LEAD:7", "ADMIN"),
    ])  # fmt: skip
    def test_each_kind_but_pixels_is_granted_and_revoked(self, stocked, connector, id, role):
        stocked.things += [Thing("TIKTOK_SHOP:6", "Outlet"), Thing("LEAD:7", "Forms")]
        ana, asset = connector.account("7100"), Asset(id, "")
        connector.grant(ana, asset, role)
        assert stocked.thing(id).members["7100"] == role
        for _ in range(2):
            connector.revoke(ana, asset)
        assert "7100" not in stocked.thing(id).members

    def test_a_pixel_is_not_granted(self, stocked, connector):
        pixel = next(asset for asset in connector.assets() if asset.kind == "pixel")
        for operation in (lambda: connector.grant(connector.account("7101"), pixel, ""),
                    lambda: connector.revoke(connector.account("7100"), pixel)):  # fmt: skip
            with pytest.raises(Refused, match="ad accounts that it is linked to"):
                operation()

    def test_a_refused_revocation_is_reported_while_the_access_is_there(self, stocked, connector):
        asset = next(connector.assets())
        stocked.fail(stocked.error(400, "Not now."), on="unassign")
        with pytest.raises(Refused, match="Not now"):
            connector.revoke(connector.account("7100"), asset)

    def test_more_members_of_an_asset_than_a_page_are_read(self, app, connector):
        app.things = [Thing("ADVERTISER:1", "Spring", members={str(n): "ANALYST" for n in range(21)})]
        assert len({access.account for access in connector.access()}) == 21

    def test_an_asset_that_disappears_while_reading_fails_it(self, stocked, connector):
        stocked.when(stocked.things.clear, on="asset_members")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    # Codes inside good answers

    @pytest.mark.parametrize("raised, codes", [
        (RateLimited, (40016, 40100, 40132, 61000)),
        (TemporarilyUnavailable, (40050, 40201, 40202, 50000, 50002, 51060, 60001, None)),
        (Forbidden, (40001, 40003, 40113, 40117, 40118, 40124, 40125, 40130, 40131)),
        (CredentialRejected, (*range(40101, 40108), 40109, 40110, 40112, 40114, 40115, 40116)),
        (NotFound, (40007,)),
        (Refused, (20001, 40000, 40002, 40006, 40012, 40051, 40108, 40119, 40129, 40133, 40301, 41000, 41001)),
    ], ids=lambda value: getattr(value, "__name__", ""))  # fmt: skip
    def test_a_code_inside_a_good_answer_is_an_error(self, app, connector, raised, codes):
        """Each means what its name in the SDK says (NumericErrorCodes); an unknown one is refused."""
        for code in codes:
            app.fail(Reply(200, {"code": code, "message": "No.", "data": {}}), times=FOREVER)
            with pytest.raises(raised, match="TikTok says “No”") as problem:
                list(connector.accounts())
            assert type(problem.value) is raised, code
            app.behave()

    def test_a_write_conflict_is_tried_again(self, app, connector):
        self.fill(app, 2)
        leaver = next(connector.accounts())
        app.fail(Reply(200, {"code": 40202, "message": "Write conflict.", "data": {}}), on="delete")
        connector.remove(leaver)
        assert [seat.id for seat in app.seats] == ["7101"]

    def test_an_answer_without_its_list_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"code": 0, "message": "OK", "data": {}}), on="members")
        with pytest.raises(TemporarilyUnavailable, match="without its list"):
            list(connector.accounts())

    # The credential

    def test_says_which_center_it_is_and_what_is_missing(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.missing) == ("the Business Center Acme", ())
        app.my_role = "STANDARD"
        app.fail(app.error(403, "No permission."), on="assets")
        missing = " ".join(connector.test().missing)
        assert "let an admin" in missing and "scope Business Center Asset" in missing

    def test_another_center_is_reported(self, app):
        connector = self.connect(app, bc_id="8")
        with pytest.raises(CredentialRejected, match="Check the ID"):
            connector.test()
        connector.close()
