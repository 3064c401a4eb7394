"""The LinkedIn Ads connector: the contract, then ad accounts, who sees which members, tokens, the API's version."""

from __future__ import annotations

import pytest

from connectors.apps.linkedin_ads import LinkedInAds
from connectors.base import Account, CredentialRejected, PartsUnread, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_linkedin_ads import HOME, ME, FakeLinkedIn
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestLinkedInAds(ConnectorContract):
    kind, fake, by_position = LinkedInAds, FakeLinkedIn, True
    role, other_role, owner_role = "VIEWER", "CAMPAIGN_MANAGER", "ACCOUNT_MANAGER"
    sends_names = False  # LinkedIn forbids to store the names of others
    sends_emails = False
    refuses_owner = False  # LinkedIn does not say what it answers when the billing admin is removed
    asset_role = "VIEWER"

    def settings(self, app):
        return {"way": "refresh", "client_id": "77abc", "client_secret": app.secret, "refresh_token": app.refresh_token}

    def connect(self, app, on_total=None, **settings):
        connector = self.kind({**self.settings(app), **settings}, on_total)
        connector.api, connector.oauth = f"{app.url}/rest", f"{app.url}/oauth/v2"
        return connector

    def make_seat(self, n: int) -> Seat:
        return Seat(f"urn:li:person:_p-{n}", role="VIEWER")

    def make_thing(self, n: int) -> Thing:
        return Thing(str(516986977 + n), f"Campaigns {n}")

    # People and ad accounts

    @pytest.fixture
    def stocked(self, app):
        app.seats = [Seat("urn:li:person:ana", role="VIEWER"), Seat("urn:li:person:bo", role="ACCOUNT_BILLING_ADMIN")]
        app.add("516", "Spring", ana="ACCOUNT_MANAGER", bo="CREATIVE_MANAGER", cy="CAMPAIGN_MANAGER")
        return app

    def test_reads_assets_and_who_has_access(self, stocked, connector):
        """The ad account with the contract's accounts is one of the assets, too."""
        assert [(asset.id, asset.kind, asset.name) for asset in connector.assets()] == [
            ("1", "ad account", "Acme"), ("516", "ad account", "Spring"),
        ]  # fmt: skip
        assert [(a.account.rpartition(":")[2], a.asset, a.role, a.privileged) for a in connector.access()] == [
            ("ana", "1", "VIEWER", False), ("bo", "1", "ACCOUNT_BILLING_ADMIN", True),
            ("ana", "516", "ACCOUNT_MANAGER", True), ("bo", "516", "CREATIVE_MANAGER", False),
            ("cy", "516", "CAMPAIGN_MANAGER", False),
        ]  # fmt: skip

    def test_grants_and_revokes_access_once_and_again(self, stocked, connector):
        spring = list(connector.assets())[1]
        dee = Account("urn:li:person:dee")
        for role in ("VIEWER", "VIEWER", "CAMPAIGN_MANAGER"):
            connector.grant(dee, spring, role)
            assert stocked.thing("516").members[dee.id] == role
        assert [request.method for request in stocked.requests if "user:" in request.path] == ["PUT", "POST"]
        for _ in range(2):
            connector.revoke(dee, spring)
        assert dee.id not in stocked.thing("516").members

    def test_someone_with_several_ad_accounts_is_one_account_with_the_highest_role(self, stocked, connector):
        assert {account.id.rpartition(":")[2]: account.role for account in connector.accounts()} == {
            "ana": "ACCOUNT_MANAGER", "bo": "ACCOUNT_BILLING_ADMIN", "cy": "CAMPAIGN_MANAGER",
        }  # fmt: skip

    def test_a_removal_reaches_every_ad_account(self, stocked, connector):
        ana = connector.account("urn:li:person:ana")
        connector.remove(ana)
        assert stocked.seat(ana.id) is None and ana.id not in stocked.thing("516").members
        assert connector.account(ana.id) is None

    def test_one_ad_account_that_refuses_is_named_and_does_not_keep_the_others(self, stocked, connector):
        ana = connector.account("urn:li:person:ana")
        for status in (400, 403):
            stocked.fail(stocked.error(status, "Not this one"), on="delete")
            with pytest.raises(Refused, match=r"(?s)^Acme: .*Not this one"):
                connector.remove(ana)
            assert stocked.seat(ana.id) and ana.id not in stocked.thing("516").members

    def test_people_of_an_ad_account_that_is_no_longer_managed_are_in_a_part_that_is_not_read(self, stocked, connector):
        """“Ad Account Users API” (learn.microsoft.com/linkedin/marketing/integrations/ads/account-structure/
        create-and-manage-account-users): only a manager sees the others."""
        cy = connector.account("urn:li:person:cy")
        stocked.my_roles["516"] = "CAMPAIGN_MANAGER"
        assert [account.id.rpartition(":")[2] for account in connector.accounts()] == ["ana", "bo"]
        [part] = connector.not_read
        assert (part.asset, part.if_known) == ("516", True) and "“Spring”" in part.why
        for act in (lambda: connector.account(cy.id), lambda: connector.remove(cy)):
            with pytest.raises(PartsUnread, match="may still have access.*Spring.*Account manager there") as unread:
                act()
            assert unread.value.parts == (part,)

    # The billing admin

    def test_the_only_billing_admin_stays_although_there_is_an_account_manager(self, stocked, connector):
        stocked.seats[0].role = "ACCOUNT_MANAGER"
        bo, acme = connector.account("urn:li:person:bo"), next(connector.assets())
        operations = (lambda: connector.remove(bo), lambda: connector.revoke(bo, acme),
                      lambda: connector.grant(bo, acme, "VIEWER"))  # fmt: skip
        for operation in operations:
            with pytest.raises(Refused, match="only billing admin.*Campaign Manager.*Then try again"):
                operation()
        assert stocked.seat(bo.id).role == "ACCOUNT_BILLING_ADMIN" and bo.id not in stocked.thing("516").members

    def test_one_of_two_billing_admins_is_removed(self, stocked, connector):
        stocked.seats[0].role = "ACCOUNT_BILLING_ADMIN"
        bo = connector.account("urn:li:person:bo")
        connector.remove(bo)
        assert stocked.seat(bo.id) is None

    def test_nobody_is_made_billing_admin(self, stocked, connector):
        spring = list(connector.assets())[1]
        for who in ("dee", "cy"):
            with pytest.raises(Refused, match="makes nobody billing admin"):
                connector.grant(Account(f"urn:li:person:{who}"), spring, "ACCOUNT_BILLING_ADMIN")
        assert "ACCOUNT_BILLING_ADMIN" not in stocked.thing("516").members.values()

    def test_access_that_may_not_be_changed_is_linkedins_no_and_no_broken_credential(self, stocked, connector):
        spring, dee, cy = list(connector.assets())[1], Account("urn:li:person:dee"), Account("urn:li:person:cy")
        operations = {"create": lambda: connector.grant(dee, spring, "VIEWER"),
                      "update": lambda: connector.grant(cy, spring, "VIEWER"),
                      "delete": lambda: connector.revoke(cy, spring)}  # fmt: skip
        for answer, operation in operations.items():
            stocked.fail(stocked.error(403, "Not this one"), on=answer)
            with pytest.raises(Refused, match="Not this one"):
                operation()

    def test_a_user_who_leaves_during_the_removal_counts_as_removed(self, stocked, connector):
        ana = connector.account("urn:li:person:ana")
        stocked.when(stocked.seats.clear, on="delete")
        connector.remove(ana)
        assert ana.id not in stocked.thing("516").members

    def test_many_ad_accounts_are_read(self, app, connector):
        for n in range(230):
            app.add(str(1000 + n), f"Campaigns {n}", ana="VIEWER")
        assert len({asset.id for asset in connector.assets()}) == 231
        assert len(list(connector.access())) == 230

    def test_a_server_that_pages_nothing_is_read_whole(self, app, connector):
        app.pages = False
        self.fill(app, 250)
        assert len(list(connector.accounts())) == 250

    @pytest.mark.parametrize("pages, most", [(True, 10), (True, 100), (False, 0)])
    def test_without_a_total_a_page_that_is_smaller_than_asked_is_not_the_last(self, app, connector, pages, most):
        app.pages, app.most, app.sends_total = pages, most, False
        self.fill(app, 250)
        assert len(list(connector.accounts())) == 250

    def test_an_answer_without_its_list_fails_the_reading(self, app, connector):
        for list_of in ("mine", "users", "ad_accounts"):
            app.fail(Reply(200, {"message": "?"}), on=list_of)
            with pytest.raises(TemporarilyUnavailable, match="without its list"):
                list(connector.accounts())

    def test_brackets_come_unencoded_and_urns_encoded(self, app, connector):
        list(connector.accounts())
        answer = connector._http.get("/adAccountUsers?q=accounts&accounts=List(urn%3Ali%3AsponsoredAccount%3A1)",
                                     {"start": 0, "count": 1})  # fmt: skip
        assert "?q=accounts&accounts=List(urn%3Ali%3AsponsoredAccount%3A1)&start=0&count=1" in answer.url

    # Who can see which members

    def test_an_ad_account_that_is_not_managed_is_left_out_and_named(self, stocked, connector):
        stocked.my_roles = {"516": "CAMPAIGN_MANAGER"}
        assert [asset.name for asset in connector.assets()] == ["Acme"]
        assert {access.asset for access in connector.access()} == {"1"}
        identity = connector.test()
        assert (identity.name, identity.external_id) == ("a manager of Acme", ME)
        [missing] = identity.missing
        assert missing.startswith("see who uses some ad accounts: ") and missing.endswith("Account manager of Spring.")

    @pytest.mark.parametrize("status, shown", [("REMOVED", 1), ("CANCELED", 2), ("PENDING_DELETION", 2), ("DRAFT", 2)])
    def test_a_removed_ad_account_is_none(self, stocked, connector, status, shown):
        stocked.statuses = {"516": status}
        assert len(list(connector.assets())) == shown == len({access.asset for access in connector.access()})

    def test_a_credential_that_manages_nothing_is_rejected_and_nobody_counts_as_gone(self, app, connector):
        self.fill(app, 3)
        app.my_roles = {HOME: "CREATIVE_MANAGER"}
        for ask in (connector.test, lambda: list(connector.accounts()), lambda: list(connector.assets())):
            with pytest.raises(CredentialRejected, match="manages no ad account"):
                ask()

    def test_the_credentials_own_member_is_one_of_them(self, stocked, connector):
        stocked.shows_me = True
        assert connector.test().external_id in {account.id for account in connector.accounts()}
        for n in range(3):
            stocked.add(str(600 + n), f"Summer {n}")
        assert connector.test().name == "a manager of Acme, Spring, Summer 0 and 2 more"

    # The credential

    def test_a_missing_scope_is_reported(self, app, connector):
        assert connector.test().missing == ()
        app.scope = "r_ads,r_basicprofile"
        assert "scope rw_ads" in connector.test().missing[0]

    def test_an_access_token_that_ends_is_renewed(self, app, connector):
        self.fill(app, 120)
        app.fail(app.unauthorised(), on="users", skip=1)
        assert len(list(connector.accounts())) == 120
        assert len(app.asked("give_token")) == 2

    def test_a_refresh_token_that_ended_is_reported_in_linkedins_words(self, app):
        connector = self.connect(app, refresh_token="0ld")
        with pytest.raises(CredentialRejected, match="expired or revoked"):
            list(connector.accounts())
        connector.close()

    def test_an_access_token_alone_will_do(self, app):
        self.fill(app, 1)
        connector = self.kind({"way": "token", "token": app.token})
        connector.api = f"{app.url}/rest"
        assert connector.test().missing == () and len(list(connector.accounts())) == 1
        assert app.asked("give_token") == app.asked("inspect") == []
        app.fail(app.error(403, f"Not for {app.token}"), times=FOREVER)
        with pytest.raises(CredentialRejected) as refusal:
            connector.test()
        assert app.token not in str(refusal.value)
        connector.close()

    # The version of the API

    @pytest.mark.parametrize("entered, sent", [("", "202607"), ("202512", "202512"), ("202706", "202706")])
    def test_a_version_that_is_not_active_is_named_and_another_may_be_set(self, app, entered, sent):
        """NONEXISTENT_VERSION comes for a month that has ended, and for one that never had a version, such as 202512
        (n8n-io/n8n issue 14737, ComposioHQ/composio issue 3231)."""
        body = {"status": 426, "code": "NONEXISTENT_VERSION", "message": f"Requested version {sent}01 is not active"}
        app.fail(Reply(426, body), on="mine")
        connector = self.connect(app, version=entered)
        with pytest.raises(CredentialRejected, match=f"version {sent} of its API isn't active.*listed as active"):
            list(connector.accounts())
        connector.close()
        assert app.requests[-1].headers["linkedin-version"] == sent
