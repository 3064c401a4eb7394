"""The Cloudflare connector: the contract, then roles, invitations, the account's id and Cloudflare's errors."""

from __future__ import annotations

import pytest

from connectors.apps.cloudflare import Cloudflare
from connectors.base import Account, CredentialRejected, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_cloudflare import ACCOUNT, ADMIN, READER, SUPER, FakeCloudflare
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat
from tests.connectors.lost_fields_contract import without


class TestCloudflare(ConnectorContract):
    kind = Cloudflare
    fake = FakeCloudflare
    address = "api"
    page = 50
    role, other_role, owner_role = READER, ADMIN, SUPER
    several_roles = (SUPER, READER)
    statuses = ("active", "invited")
    by_position = True
    refuses_owner = False  # Cloudflare doesn't say whether it refuses to remove the last Super Administrator

    def settings(self, app):
        return {"account": ACCOUNT, "token": app.token}

    # Members

    @pytest.mark.parametrize("status", ["rejected", "frozen"])
    def test_another_status_is_asked_about(self, app, connector, status):
        """The list can be filtered by “rejected”. Nothing says whether such an invitation can be accepted."""
        self.fill(app, 1)
        app.more = {"id-0": {"status": status}}
        [account] = connector.accounts()
        assert account.status == connector.account("id-0").status == f"unknown: {status}"

    def test_a_member_of_policies_alone_has_no_role(self, app, connector):
        app.seats = [Seat("id-0", "a@acme.example")]
        [account] = connector.accounts()
        assert (account.role, account.further_roles) == ("", ())

    def test_an_invitation_has_the_address_where_it_has_no_user(self, app, connector):
        app.seats, app.more = [Seat("id-0", "a@acme.example", status="invited", role=READER)], {"id-0": {"user": None}}
        [account] = connector.accounts()
        assert (account.email, account.name, account.status) == ("a@acme.example", "", "invited")

    def test_an_invitation_without_any_address_says_nothing_about_it(self, app, connector):
        app.seats, app.more = [Seat("id-0", status="invited", role=READER)], {"id-0": {"user": None}}
        app.fail(lambda reply: Reply(200, without(reply.body, "email")), on="members", acts=True, times=FOREVER)
        assert "email" in next(connector.accounts()).missing_fields

    def test_an_invitation_is_removed(self, app, connector):
        app.seats = [Seat("id-0", "a@acme.example", status="invited", role=READER)]
        connector.remove(next(connector.accounts()))
        assert app.seats == []

    def test_another_member_than_asked_for_is_rejected(self, app, connector):
        self.fill(app, 2)
        app.fail(Reply(200, {"success": True, "result": app._member(app.seats[1])}), on="member")
        with pytest.raises(TemporarilyUnavailable, match="other than the member"):
            connector.account("id-0")

    # Invitations

    def test_a_member_is_not_invited_again(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused, match="already a member"):
            connector.invite("person0@acme.example", READER)

    def test_a_role_that_the_account_does_not_have_is_refused(self, app, connector):
        with pytest.raises(Refused, match="no such role, so nothing was changed"):
            connector.invite("new@acme.example", "king")
        assert app.asked("add_member") == []

    # The account's id, and the token

    def test_a_404_without_the_account_is_nobodys_absence(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        connector.remove(Account("id-7"))
        app.fail(app.error(404, "Could not route to the account"), times=FOREVER)
        for ask in (lambda: connector.account("id-0"), lambda: connector.remove(account), connector.test):
            with pytest.raises(CredentialRejected, match="no account with this id"):
                ask()

    def test_a_token_that_cannot_be_one_is_reported(self, app, connector):
        app.fail(app.error(400, "Invalid request headers", 6003), times=FOREVER)
        for ask in (connector.test, lambda: list(connector.accounts())):
            with pytest.raises(CredentialRejected, match="Invalid request headers"):
                ask()

    def test_a_token_that_only_reads_refuses_a_removal(self, app, connector):
        self.fill(app, 1)
        app.fail(app.error(403, "Authentication error", 10000), on="remove_member")
        with pytest.raises(Refused, match="Authentication error"):
            connector.remove(Account("id-0"))
        assert len(app.seats) == 1

    @pytest.mark.parametrize("body", [{}, {"success": True, "result": []}, {"success": True, "result": None},
                                      {"success": False, "result": [], "result_info": {"total_count": 0}},
                                      {"success": True, "result": [], "result_info": {}}])  # fmt: skip
    def test_an_answer_without_a_list_fails_the_reading(self, app, connector, body):
        app.fail(Reply(200, body), on="members", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())
