"""The Snapchat Ads connector: the contract, then roles at both levels, failed parts, who sees every member."""

from __future__ import annotations

import pytest

from connectors.apps.snapchat_ads import SnapchatAds
from connectors.base import Access, CredentialRejected, Refused, TemporarilyUnavailable
from connectors.tools.http import Forbidden, NotFound
from tests.connectors.apps.fake_snapchat_ads import ME, ORGANIZATION, FakeSnapchat
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestSnapchatAds(ConnectorContract):
    kind, fake, address = SnapchatAds, FakeSnapchat, ("api", "login")
    page = 1000
    sends_fewer = True
    role, other_role, owner_role = "member", "data_admin", "admin"
    statuses = ("active", "invited")
    several_roles = ("admin", "data_admin")
    unnamed_role = ("agency_admin",)  # new on 1 July 2026
    sends_total = False  # a list has a next_link, and no number
    asset_role = "reports"

    def settings(self, app):
        return {"organization_id": ORGANIZATION, "client_id": "c-77", "client_secret": app.client_secret,
                "refresh_token": app.refresh_token}  # fmt: skip

    def make_thing(self, n: int) -> Thing:
        return Thing(f"8adc3db7-{n}", f"Campaigns {n}")

    def test_reads_assets_and_who_has_access(self, app, connector):
        """The credential's own member is an organization admin, who reaches every ad account."""
        self.fill(app, 3)
        app.seats[2].role = "data_admin"
        app.things = [self.make_thing(0), self.make_thing(1)]
        app.things[1].members = {"id-0": "admin", "id-1": "reports"}
        app.seats[0].further_roles = ("data_admin",)  # reports on everything, and manages one ad account
        assert {asset.id: asset.name for asset in connector.assets()} == {t.id: t.name for t in app.things}
        assert set(connector.access()) == {
            Access("id-0", "8adc3db7-0", "organization data admin"),
            Access(ME, "8adc3db7-0", "organization admin", True), Access(ME, "8adc3db7-1", "organization admin", True),
            Access("id-2", "8adc3db7-0", "organization data admin"), Access("id-0", "8adc3db7-1", "admin", True),
            Access("id-2", "8adc3db7-1", "organization data admin"), Access("id-1", "8adc3db7-1", "reports"),
        }  # fmt: skip

    def test_a_role_of_an_ad_account_is_no_role_in_the_organization(self, app, connector):
        self.fill(app, 1)
        role = app._role("AdAccounts", "8adc3db7-0", "id-0", "admin")
        more = {"sub_request_status": "SUCCESS", "role": role}
        app.fail(lambda reply: Reply(200, {**reply.body, "roles": [*reply.body["roles"], more]}),
                 on="roles", times=FOREVER, acts=True)  # fmt: skip
        assert [account.roles for account in connector.accounts()] == [("member",)]

    def test_a_member_without_a_role_in_the_list_is_not_a_plain_member(self, app, connector):
        app.seats = [Seat("1", "a@acme.example", "A", "invited")]
        [account] = connector.accounts()
        assert (account.status, account.role, account.missing_fields) == ("invited", "", frozenset({"role"}))

    def test_a_failed_part_of_a_list_fails_the_reading(self, app, connector):
        """“sub_request_status” of each entity; the request as a whole may say SUCCESS."""
        self.fill(app, 3)
        app.failed.add("id-1")
        with pytest.raises(TemporarilyUnavailable, match="one of the members: Error code: E3004"):
            list(connector.accounts())
        app.failed.clear()
        failed = {"sub_request_status": "ERROR", "member": {"id": "id-1", "member_status": "MEMBER"}}
        app.fail(Reply(200, {"request_status": "SUCCESS", "members": [failed]}), on="members")
        with pytest.raises(TemporarilyUnavailable, match="one of the members"):
            list(connector.accounts())

    def test_another_host_in_the_next_link_is_not_followed(self, app, connector):
        self.fill(app, 1)
        link = {"next_link": "https://adsapisc.appspot.example/v1/organizations/x/members?cursor=c1"}
        app.fail(lambda reply: Reply(200, {**reply.body, "paging": link}), on="members", acts=True)
        with pytest.raises(Refused, match="another host"):
            list(connector.accounts())

    # The credential

    def test_its_own_account_is_the_member_of_this_organization(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Honey Bear of Acme", ME, ())

    @pytest.mark.parametrize("role", ["member", "data_admin", "agency_admin"])
    def test_a_credential_that_cannot_see_every_member_reads_nobody(self, app, connector, role):
        self.fill(app, 2)
        app.my_role = role
        for ask in (connector.test, lambda: list(connector.accounts()), lambda: connector.account("id-0")):
            with pytest.raises(CredentialRejected, match="Honey Bear isn't an organization admin"):
                ask()

    def test_an_organization_that_the_person_is_not_in_is_reported(self, app):
        connector = self.connect(app, organization_id="40d6719b")
        with pytest.raises(CredentialRejected, match="isn't in the Snapchat organization 40d6719b"):
            connector.test()
        connector.close()

    # Errors

    @pytest.mark.parametrize("status,kind", [
        (200, Refused), (400, Refused), (401, CredentialRejected), (403, Forbidden), (404, NotFound), (410, Refused),
    ])  # fmt: skip
    def test_each_status_of_an_error_has_its_meaning(self, app, connector, status, kind):
        app.fail(app.error(status, "What Snap says."), on="members", times=FOREVER)
        with pytest.raises(kind, match=r"What Snap says”.*E1001"):
            list(connector.accounts())

    def test_a_partial_answer_is_no_whole_list(self, app, connector):
        app.fail(Reply(200, {"request_status": "PARTIAL", "members": []}), on="members", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())

    def test_a_member_that_is_not_listed_is_gone_and_a_refused_list_is_not(self, app, connector):
        """E3004: “Entity does not exist or you do not have permission to access it.”"""
        self.fill(app, 1)
        assert connector.account("id-9") is None
        app.fail(app.error(404, "Entity does not exist or you do not have permission"), on="members", times=FOREVER)
        with pytest.raises(Refused):
            connector.account("id-9")
