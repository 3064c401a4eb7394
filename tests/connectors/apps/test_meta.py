"""The Meta connector: the contract, then invitations, system users, kinds of assets, error codes, the signature."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from connectors.apps.meta import Meta
from connectors.base import Account, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_meta import BUSINESS, FakeMeta
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestMeta(ConnectorContract):
    kind, fake, address = Meta, FakeMeta, "api"
    role, other_role, owner_role = "EMPLOYEE", "ADMIN", "ADMIN"
    refuses_owner = False  # Meta knows no owner, and does not say whether its API keeps a last admin
    asset_role = "ANALYZE"

    def settings(self, app):
        return {"business_id": BUSINESS, "token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(str(1000 + n), f"person{n}@acme.example", f"Person {n}", role="EMPLOYEE")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"ad_account:act_{n + 1}", f"Thing {n}")

    # Partners: other businesses

    def test_partners_are_shown_where_that_is_chosen_and_match_nobody(self, app, connector):
        app.partners = {"77": "Agency"}
        assert list(connector.accounts()) == [] and app.asked("agencies") == []
        connector = self.connect(app, partners="read")
        [partner] = connector.accounts()
        assert partner == connector.account("partner:77") == Account("partner:77", name="Agency", role="PARTNER")
        assert partner.role in {role.id for role in connector.roles()}
        connector.close()

    def test_removing_a_partner_ends_the_partnership_and_nothing_else(self, app):
        self.fill(app, 1)
        app.partners = {"77": "Agency", "78": "Studio"}
        connector = self.connect(app, partners="read")
        partner = connector.account("partner:77")
        for _ in range(2):
            connector.remove(partner)
        assert list(app.partners) == ["78"] and len(app.seats) == 1
        assert connector.account("partner:77") is None
        connector.close()

    def test_a_partnership_that_did_not_end_is_not_over(self, app):
        app.partners = {"77": "Agency"}
        connector = self.connect(app, partners="read")
        app.fail(app.error(400, "Not allowed"), on="end_partnership", times=FOREVER)
        with pytest.raises(Refused, match="Not allowed"):
            connector.remove(Account("partner:77"))
        connector.close()

    def test_a_partner_is_no_person(self, app):
        app.things = [self.make_thing(0)]
        connector = self.connect(app, partners="read")
        partner, [asset] = Account("partner:77"), connector.assets()
        for operation in (lambda: connector.change_role(partner, "ADMIN"), lambda: connector.revoke(partner, asset),
                          lambda: connector.grant(partner, asset, "ANALYZE")):  # fmt: skip
            with pytest.raises(Refused, match="another business"):
                operation()
        connector.close()

    # Invitations: a list of their own

    def test_invites_once_and_again(self, app, connector):
        for _ in range(2):
            connector.invite("new@acme.example", "ADMIN")
        assert [(seat.email, seat.role) for seat in app.invited] == [("new@acme.example", "ADMIN")]
        assert list(connector.accounts()) == [
            Account("invitation:70", "new@acme.example", status="invited", role="ADMIN")
        ]

    def test_an_invitation_is_looked_up_changed_and_cancelled(self, app, connector):
        connector.invite("new@acme.example", "EMPLOYEE")
        [invitation] = connector.accounts()
        assert connector.account(invitation.id) == invitation
        connector.change_role(invitation, "ADMIN")
        assert app.invited[0].role == "ADMIN"
        for _ in range(2):
            connector.remove(invitation)
        assert app.invited == [] and connector.account(invitation.id) is None

    @pytest.mark.parametrize("status", ["EXPIRED", "declined", "ACCEPTED"])
    def test_an_invitation_that_is_over_is_nobody_and_is_sent_again(self, app, connector, status):
        """“Business Role Request”: status."""
        connector.invite("new@acme.example", "EMPLOYEE")
        app.status["70"] = status
        assert list(connector.accounts()) == [] and connector.account("invitation:70") is None
        if status == "EXPIRED":
            connector.invite("new@acme.example", "EMPLOYEE")
            assert [account.id for account in connector.accounts()] == ["invitation:71"]

    @pytest.mark.parametrize("expires, shown", [("2020-11-01T00:00:00+0000", 0), ("2999-11-01T00:00:00+0000", 1)])
    def test_an_invitation_ends_at_its_time(self, app, connector, expires, shown):
        connector.invite("new@acme.example", "EMPLOYEE")
        app.expires["70"] = expires
        assert len(list(connector.accounts())) == shown

    @pytest.mark.parametrize("status", ["PENDING", "something new"])
    def test_an_invitation_whose_status_is_not_known_to_end_it_is_open(self, app, connector, status):
        connector.invite("new@acme.example", "EMPLOYEE")
        app.status["70"] = status
        assert [account.status for account in connector.accounts()] == ["invited"]

    def test_a_role_in_the_finances_is_the_seat(self, app, connector):
        """“Business User”: finance_permission; “Business Role Request”: finance_role."""
        self.fill(app, 2)
        connector.invite("new@acme.example", "EMPLOYEE")
        app.finance = {"1000": "EDITOR", "70": "FINANCE_ANALYST"}
        assert {account.id: account.seat for account in connector.accounts()} == {
            "invitation:70": "Finance analyst", "1000": "Finance editor", "1001": "",
        }  # fmt: skip

    # System users

    def test_system_users_are_shown_and_left_to_people(self, app, connector):
        app.systems = [Seat("88", name="Robot")]
        [robot] = connector.accounts()
        assert robot == Account("88", name="Robot", kind="system") == connector.account("88")
        for operation in (lambda: connector.remove(robot), lambda: connector.change_role(robot, "ADMIN")):
            with pytest.raises(Refused, match="system user"):
                operation()

    # Removal

    def test_a_refused_removal_is_reported_while_the_person_is_there(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        for no in (app.error(400, "The last admin stays."), Reply(200, {"success": False})):
            app.fail(no, on="delete")
            with pytest.raises(Refused, match="The last admin stays|was not done"):
                connector.remove(account)

    # Assets

    @pytest.fixture
    def stocked(self, app):
        self.fill(app, 2)
        app.things = [
            Thing("ad_account:act_1", "Spring", members={"1000": "ANALYZE,MANAGE", "1001": "ANALYZE"}),
            Thing("ad_account:act_2", "A client's"),
            Thing("page:3", "Acme", members={"1001": "CREATE_CONTENT,MANAGE"}),
            Thing("pixel:4", "Shop", members={"1000": "EDIT"}),
            Thing("catalog:5", "Shoes", members={"1001": "ADVERTISE"}),
        ]
        app.clients = {"ad_account:act_2"}
        return app

    def test_each_kind_is_read_with_who_has_it(self, stocked, connector):
        assert [(asset.id, asset.kind, asset.name) for asset in connector.assets()] == [
            ("ad_account:act_1", "ad account", "Spring"), ("ad_account:act_2", "ad account", "A client's"),
            ("page:3", "page", "Acme"), ("pixel:4", "pixel", "Shop"), ("catalog:5", "catalogue", "Shoes"),
        ]  # fmt: skip
        assert [(a.account, a.asset, a.role, a.privileged) for a in connector.access()] == [
            ("1000", "ad_account:act_1", "ANALYZE,MANAGE", True), ("1001", "ad_account:act_1", "ANALYZE", False),
            ("1000", "pixel:4", "EDIT", False), ("1001", "catalog:5", "ADVERTISE", False),
            ("1001", "page:3", "CREATE_CONTENT,MANAGE", True),
        ]  # fmt: skip

    @pytest.mark.parametrize("id, tasks", [("page:3", "MANAGE, ADVERTISE"), ("catalog:5", "MANAGE")])
    def test_pages_and_catalogues_are_granted_and_revoked(self, stocked, connector, id, tasks):
        ana = connector.account("1000")
        asset = next(asset for asset in connector.assets() if asset.id == id)
        connector.grant(ana, asset, tasks)
        assert stocked.thing(id).members["1000"] == tasks.replace(" ", "")
        for _ in range(2):
            connector.revoke(ana, asset)
        assert "1000" not in stocked.thing(id).members

    def test_pixels_and_catalogues_that_others_share_are_read(self, stocked, connector):
        """facebook-business-sdk, Business: the edges client_pixels and client_product_catalogs."""
        stocked.things += [Thing("pixel:8", "Their pixel", members={"1000": "EDIT"}), Thing("catalog:9", "Theirs")]
        stocked.clients |= {"pixel:8", "catalog:9"}
        assert {("pixel:8", "pixel"), ("catalog:9", "catalogue")} <= {(one.id, one.kind) for one in connector.assets()}
        assert ("1000", "pixel:8") in {(one.account, one.asset) for one in connector.access()}

    def test_instagram_and_whatsapp_accounts_are_read_where_that_is_chosen(self, stocked, connector):
        """An app that was connected before the choice existed has no value for it."""
        stocked.things += [Thing("instagram:6", "acme.shoes", members={"1000": "CONTENT"}),
                           Thing("whatsapp:7", "Support", members={"1001": "MANAGE"})]  # fmt: skip
        stocked.clients.add("whatsapp:7")
        assert not {"Instagram account", "WhatsApp account"} & {asset.kind for asset in connector.assets()}
        chosen = self.connect(stocked, instagram="read", whatsapp="read")
        instagram, whatsapp = list(chosen.assets())[-2:]
        assert (instagram.kind, instagram.name) == ("Instagram account", "acme.shoes")
        assert (whatsapp.kind, whatsapp.name) == ("WhatsApp account", "Support")
        found = {(a.account, a.asset, a.role, a.privileged) for a in chosen.access()}
        assert found >= {("1000", "instagram:6", "CONTENT", False), ("1001", "whatsapp:7", "MANAGE", True)}
        ana = chosen.account("1000")
        chosen.grant(ana, whatsapp, "MESSAGING")
        assert stocked.thing("whatsapp:7").members["1000"] == "MESSAGING"
        chosen.revoke(ana, whatsapp)
        for operation in (lambda: chosen.grant(ana, instagram, "CONTENT"), lambda: chosen.revoke(ana, instagram)):
            with pytest.raises(Refused, match="in the business settings"):
                operation()
        assert stocked.thing("instagram:6").members == {"1000": "CONTENT"}
        chosen.close()

    def test_a_pixel_is_granted_but_not_revoked(self, stocked, connector):
        pixel = next(asset for asset in connector.assets() if asset.kind == "pixel")
        connector.grant(connector.account("1001"), pixel, "ANALYZE")
        assert stocked.thing("pixel:4").members["1001"] == "ANALYZE"
        with pytest.raises(Refused, match="from a pixel"):
            connector.revoke(connector.account("1001"), pixel)

    @pytest.mark.parametrize("id", ["ad_account:act_1", "page:3"])
    def test_a_refused_revocation_is_reported_while_the_access_is_there(self, stocked, connector, id):
        stocked.fail(stocked.error(400, "Not now."), on="unassign")
        asset = next(asset for asset in connector.assets() if asset.id == id)
        with pytest.raises(Refused, match="Not now"):
            connector.revoke(connector.account("1001"), asset)

    def test_a_system_users_pages_are_read_too(self, stocked, connector):
        stocked.systems = [Seat("88", name="Robot")]
        stocked.thing("page:3").members = {"88": "ANALYZE"}
        assert [(a.account, a.role) for a in connector.access() if a.asset == "page:3"] == [("88", "ANALYZE")]

    def test_only_the_businesss_pages_count(self, stocked, connector):
        stocked.fail(Reply(200, {"data": [{"id": "99", "tasks": ["MANAGE"]}]}), on="pages_of", times=FOREVER)
        assert not any(access.asset.startswith("page:") for access in connector.access())

    def test_more_people_of_an_asset_than_one_answer_holds_are_read(self, app, connector):
        app.things = [Thing("catalog:3", "Shoes", members={str(n): "ADVERTISE" for n in range(101)})]
        assert len({access.account for access in connector.access()}) == 101

    # Errors

    @pytest.mark.parametrize(
        "code, raised",
        [(4, RateLimited), (17, RateLimited), (32, RateLimited), (613, RateLimited), (80004, RateLimited),
         (190, CredentialRejected), (102, CredentialRejected), (10, CredentialRejected), (294, CredentialRejected),
         (1, TemporarilyUnavailable), (2, TemporarilyUnavailable), (100, Refused)],
    )  # fmt: skip
    def test_the_code_shows_what_an_error_is(self, app, connector, code, raised):
        app.fail(Reply(400, {"error": {"message": "No.", "code": code}}), times=FOREVER)
        with pytest.raises(raised, match="Meta says “No”"):
            list(connector.accounts())

    def test_the_wait_that_meta_estimates_is_handed_on(self, app, connector):
        usage = json.dumps({BUSINESS: [{"call_count": 100, "estimated_time_to_regain_access": 7}]})
        limited = Reply(400, {"error": {"message": "No.", "code": 80004}}, {"X-Business-Use-Case-Usage": usage})
        app.fail(limited, times=FOREVER)
        with pytest.raises(RateLimited) as waits:
            list(connector.accounts())
        assert waits.value.retry_after == 420

    @pytest.mark.parametrize("body", [{}, {"data": [], "paging": {"next": "https://graph.facebook.com/more"}}])
    def test_an_answer_that_is_not_whole_fails_the_reading(self, app, connector, body):
        app.fail(Reply(200, body), on="pending")
        with pytest.raises(TemporarilyUnavailable, match="Meta"):
            list(connector.accounts())

    # The version

    def test_a_version_that_ended_is_reported_and_another_may_be_set(self, app):
        """Blog, “Upcoming change in Marketing API version deprecation”: the words of 2635."""
        app.base_path = "/v25.0"
        connector = self.connect(app, version="v25.0")
        words = "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version."
        app.fail(Reply(400, {"error": {"message": words, "code": 2635}}), on="pending")
        with pytest.raises(CredentialRejected, match="Enter a later one"):
            list(connector.accounts())
        connector.close()
        assert Meta.api_version.chosen({"version": "v25.0"}).ends == date(2027, 2, 23)
        assert Meta.api_version.chosen({}).ends is None

    # The credential

    def test_calls_are_signed_where_the_secret_is_known(self, app):
        app.wants_proof = True
        unsigned = self.connect(app)
        with pytest.raises(CredentialRejected):
            list(unsigned.accounts())
        self.fill(app, 1)
        app.things = [self.make_thing(0)]
        connector = self.connect(app, app_secret=app.app_secret)
        [account], [asset] = connector.accounts(), connector.assets()
        connector.invite("new@acme.example", "EMPLOYEE")
        connector.grant(account, asset, "ANALYZE")
        connector.revoke(account, asset)
        connector.remove(account)
        assert app.seats == []
        for one in (unsigned, connector):
            one.close()

    def test_says_who_it_is_and_what_is_missing(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.missing) == ("Rollcall in Acme", ())
        app.fail(app.error(403, "Requires ads_management."), on="assets")
        assert "read each ad account" in connector.test().missing[0]

    @pytest.mark.parametrize(("system", "mine", "own", "missing"), [
        (Seat("9", role="Admin"), {}, "9", ""),
        (Seat("9", role="Employee"), {}, "9", "remove, invite and change .* has the role Employee"),
        (None, {"499": ("7", "ADMIN"), "500": ("8", "EMPLOYEE")}, "8", "remove, invite and change .* role Employee"),
        (Seat("10", role="Admin"), {"499": ("7", "ADMIN")}, None, "read everyone: Meta lists the token's user neither"),
    ], ids=["system admin", "system employee", "person", "nobody"])  # fmt: skip
    def test_the_tokens_own_user_and_role_are_known(self, app, connector, system, mine, own, missing):
        """Someone who isn't in the lists that they are shown may not be the only one."""
        app.systems, app.mine = [system] if system else [], mine
        identity = connector.test()
        assert identity.external_id == own
        assert re.match(missing, " ".join(identity.missing)) and len(identity.missing) == bool(missing)

    def test_system_users_that_the_list_lacks_fail_the_reading(self, app, connector):
        app.systems = [Seat("9", name="Rollcall", role="Admin")]
        app.hidden_systems = 1
        with pytest.raises(TemporarilyUnavailable, match="system users"):
            list(connector.accounts())

    def test_another_business_is_reported(self, app):
        connector = self.connect(app, business_id="8")
        with pytest.raises(CredentialRejected, match="Check the business ID"):
            connector.test()
        connector.close()
