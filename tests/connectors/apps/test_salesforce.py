"""The Salesforce connector: the contract, then what Salesforce's SCIM does in its own way."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from connectors.apps.salesforce import Salesforce
from connectors.base import CredentialRejected, RateLimited, Refused
from tests.connectors.apps.fake_salesforce import FakeSalesforce
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply


class TestSalesforce(ConnectorContract):
    kind = Salesforce
    fake = FakeSalesforce
    page = 200
    by_position = True
    role, other_role, owner_role = "00eStandard", "00eAdmin", "00eAdmin"
    several_roles = ("00eStandard", "0PSReports")
    statuses = ("active", "suspended")

    def settings(self, app):
        return {"base_url": app.url, "client_id": app.client_id, "client_secret": app.token}

    def test_profiles_and_permission_sets_are_the_roles(self, app, connector):
        """The role hierarchy isn't: it says whose records a user sees."""
        self.fill(app, 2)
        app.seats[0].further_roles, app.seats[1].role = ("0PSReports",), "00eAdmin"
        assert {(role.label, role.privileged) for role in connector.roles()} == {
            ("Standard User", False), ("Reports", False), ("System Administrator", True),
        }  # fmt: skip

    def test_another_administrator_profile_can_be_named(self, app):
        self.fill(app, 1)
        connector = self.connect(app, privileged="Standard User")
        assert [role.privileged for role in connector.roles()] == [True]
        connector.close()

    def test_more_people_than_salesforce_gives_fail_the_reading_in_its_words(self, app, connector):
        app.last_start = 401
        self.fill(app, 700)
        with pytest.raises(Refused, match="Start index too big"):
            list(connector.accounts())

    def test_a_removal_deactivates(self, app, connector):
        self.fill(app, 1)
        connector.remove(next(connector.accounts()))
        [call] = app.asked("patch_user")
        assert call.body["Operations"] == [{"op": "replace", "value": {"active": False}}]

    def test_the_user_that_the_app_runs_as_is_its_own_account(self, app, connector):
        app.seats = [replace(self.make_seat(0), id=app.own_user)]
        identity = connector.test()
        assert (identity.external_id, identity.name, identity.missing) == (app.own_user, "Integration", ())

    def test_without_the_scope_for_it_that_user_must_be_protected_by_hand(self, app, connector):
        app.sends_own_user = False
        identity = connector.test()
        assert identity.external_id is None and any("runs as" in one for one in identity.missing)

    def test_a_wrong_secret_is_reported(self, app):
        connector = self.connect(app, client_secret="wrong")
        with pytest.raises(CredentialRejected):
            connector.test()
        connector.close()

    def test_a_token_that_ended_is_renewed(self, app, connector):
        self.fill(app, 1)
        list(connector.accounts())
        app.given += 1  # the session ended: the token isn't valid now
        assert len(list(connector.accounts())) == 1

    def test_a_limit_of_calls_that_is_reached_is_no_missing_permission(self, app, connector):
        """developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm, 403: “If the error code is
        REQUEST_LIMIT_EXCEEDED, you've exceeded API request limits in your org.”"""
        self.fill(app, 1)
        [seat] = connector.accounts()
        limit = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
        app.fail(Reply(403, limit), times=FOREVER)
        for asked in (lambda: list(connector.accounts()), lambda: connector.remove(seat)):
            with pytest.raises(RateLimited) as failure:
                asked()
            assert failure.value.retry_after == 3600

    @pytest.mark.parametrize(
        ("address", "right"),
        [
            ("https://acme.my.salesforce.com", True),
            ("https://acme--test.sandbox.my.salesforce.com/", True),
            ("https://acme.lightning.force.com", False),
            ("http://acme.my.salesforce.com", False),
            ("https://acme.my.salesforce.com.evil.example", False),
        ],
    )
    def test_the_address_is_checked(self, address, right):
        assert bool(re.fullmatch(Salesforce.fields[0].pattern, address)) is right
