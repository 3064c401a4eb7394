"""The Google Ads connector: the contract, then accounts below, invitations, approvals by a second admin, errors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.apps.google_ads import GoogleAds
from connectors.base import (
    Account,
    Asset,
    AwaitsApproval,
    CredentialRejected,
    PartsUnread,
    RateLimited,
    Refused,
    TemporarilyUnavailable,
)
from tests.connectors.apps.fake_google_ads import MANAGER, FakeGoogleAds, below
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestGoogleAds(ConnectorContract):
    kind, fake, address = GoogleAds, FakeGoogleAds, ("api", "login")
    page = 10_000
    sends_fewer = True
    role, other_role, owner_role = "STANDARD", "ADMIN", "ADMIN"
    statuses = ("active", "invited")
    sends_total = False  # each account has its own; none has how many people these are together
    sends_names = False
    refuses_owner = False  # Google knows admins, no owner: see the last admin below
    asset_role = "STANDARD"

    def settings(self, app):
        return {"customer_id": "123-456-7890", "developer_token": app.developer_token, "client_id": "c.example",
                "client_secret": app.client_secret, "refresh_token": app.refresh_token,
                "admin": "Rollcall@acme.example"}  # fmt: skip

    def secrets(self, app):
        return [app.client_secret, app.refresh_token]

    def make_seat(self, n: int) -> Seat:
        return Seat(str(9000 + n), f"person{n}@acme.example", role="STANDARD")

    def make_thing(self, n: int) -> Thing:
        return Thing(str(5550000000 + n), f"Thing {n}")

    @pytest.fixture
    def agency(self, app):
        self.fill(app, 2)
        app.things = [
            below("5551", "Shoes", u9000="ADMIN", u77="READ_ONLY"),
            below("5552", "Regions", "manager", u77="STANDARD"),
            below("5553", "Gone", u88="ADMIN"),
        ]
        app.status["5553"] = "CANCELED"
        return app

    # Accounts below

    def test_people_of_the_accounts_below_are_read_once_and_cancelled_accounts_are_not(self, agency, connector):
        assert list(connector.accounts()) == [
            Account("9000", "person0@acme.example", role="STANDARD"),
            Account("9001", "person1@acme.example", role="STANDARD"),
            Account("77", "77@other.example", role="CLIENTS_ONLY"),
        ]
        assert connector.account("77") == Account("77", "77@other.example", role="CLIENTS_ONLY")
        assert connector.account("88") is None and connector.account("7 OR 1") is None

    def test_the_people_of_a_suspended_account_are_read(self, agency, connector):
        """Its people keep their access, and Google may activate it again: CustomerStatusEnum, at
        developers.google.com/google-ads/api/reference/rpc/v22/CustomerStatusEnum.CustomerStatus."""
        agency.status["5552"] = agency.status["5553"] = "SUSPENDED"
        assert [account.id for account in connector.accounts()] == ["9000", "9001", "77", "88"]
        assert [asset.id for asset in connector.assets()] == ["5551", "5552", "5553"]
        assert connector.account("88").role == "CLIENTS_ONLY"
        connector.remove(connector.account("88"))
        assert connector.account("88") is None

    def test_each_account_below_is_an_asset_with_who_may_use_it(self, agency, connector):
        assert list(connector.assets()) == [
            Asset("5551", "ad account", "Shoes"), Asset("5552", "manager account", "Regions")
        ]  # fmt: skip
        assert [(a.account, a.asset, a.role, a.privileged) for a in connector.access()] == [
            ("9000", "5551", "ADMIN", True), ("77", "5551", "READ_ONLY", False), ("77", "5552", "STANDARD", False),
        ]  # fmt: skip

    def test_an_account_that_two_managers_share_is_one(self, agency, connector):
        agency.things.append(agency.things[0])
        assert [asset.id for asset in connector.assets()] == ["5551", "5552"]

    def test_an_account_below_without_an_id_fails_the_reading(self, agency, connector):
        agency.things.append(below(None, "Odd"))
        with pytest.raises(TemporarilyUnavailable, match="without its ID"):
            list(connector.accounts())

    def test_a_removal_is_one_everywhere(self, agency, connector):
        for id in ("9000", "77"):
            account = connector.account(id)
            for _ in range(2):
                connector.remove(account)
            assert connector.account(id) is None
        assert [thing.members for thing in agency.things] == [{}, {}, {"88": "ADMIN"}]

    def test_access_to_one_account_is_taken_once_and_again(self, agency, connector):
        account, asset = connector.account("77"), next(connector.assets())
        for _ in range(2):
            connector.revoke(account, asset)
        assert [thing.members for thing in agency.things[:2]] == [{"9000": "ADMIN"}, {"77": "STANDARD"}]

    def test_a_no_in_one_account_stops_no_removal_in_another(self, agency, connector):
        agency.seats[0].role = "ADMIN"
        with pytest.raises(Refused, match="Last admin user cannot be removed.*LAST_ADMIN_USER_OF_MANAGER"):
            connector.remove(connector.account("9000"))
        assert agency.seat("9000") and "9000" not in agency.things[0].members

    def test_a_missing_right_in_one_account_stops_no_removal_in_another(self, agency, connector):
        agency.fail(agency.failure(403, "authorizationError", "ACTION_NOT_PERMITTED", "Not here."), on="mutate_access")
        with pytest.raises(Refused, match="Not here.*ACTION_NOT_PERMITTED"):
            connector.remove(connector.account("9000"))
        assert agency.seat("9000") and "9000" not in agency.things[0].members

    def test_the_admin_whose_token_it_is_stays(self, agency, connector):
        agency.seats[1].email, agency.seats[1].role = "ROLLCALL@acme.example", "ADMIN"
        assert connector.test().external_id == "9001"
        me = connector.account("9001")
        for operation in (lambda: connector.remove(me), lambda: connector.change_role(me, "STANDARD")):
            with pytest.raises(Refused, match="Rollcall acts with"):
                operation()
        assert agency.seat("9001").role == "ADMIN"

    def test_an_admin_who_is_not_there_is_reported(self, agency, connector):
        [missing] = connector.test().missing
        assert "Rollcall@acme.example isn't a user here" in missing

    @pytest.mark.parametrize("code", [
        "CUSTOMER_NOT_ENABLED", "INCOMPLETE_SIGNUP", "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT",
    ])  # fmt: skip
    def test_one_account_that_cannot_be_used_does_not_fail_the_reading(self, agency, connector, code):
        """AuthorizationErrorEnum: it is about the account, and says nothing about the credential."""
        agency.unusable = {"5552": code}
        agency.things[1].members["78"] = "STANDARD"
        assert {account.id for account in connector.accounts()} == {"9000", "9001", "77"}
        assert [asset.id for asset in connector.assets()] == ["5551", "5552"]
        assert {(a.account, a.asset) for a in connector.access()} == {("9000", "5551"), ("77", "5551")}
        [part] = connector.not_read
        assert part.asset == "5552" and code in part.why
        agency.unusable = {}
        assert len(list(connector.accounts())) == 4 and connector.not_read == ()

    def test_nobody_is_gone_while_an_account_cannot_be_read(self, agency, connector):
        agency.unusable = {"5552": "CUSTOMER_NOT_ENABLED"}
        assert connector.account("9001").id == "9001"
        for unclear in ("78", f"invitation:{5552}:70"):
            with pytest.raises(Refused, match="CUSTOMER_NOT_ENABLED"):
                connector.account(unclear)
        with pytest.raises(PartsUnread) as unread:
            connector.account("78")
        assert [part.asset for part in unread.value.parts] == ["5552"]

    def test_a_removal_names_the_account_that_cannot_be_read_and_is_done_everywhere_else(self, agency, connector):
        """Whether the person is in that account as well is known to the caller alone."""
        leaver = connector.account("77")
        agency.unusable = {"5552": "CUSTOMER_NOT_ENABLED"}
        with pytest.raises(PartsUnread, match=r"the account Regions \(5552\).*CUSTOMER_NOT_ENABLED") as unread:
            connector.remove(leaver)
        assert [part.asset for part in unread.value.parts] == ["5552"]
        assert "77" not in agency.things[0].members and "77" in agency.things[1].members

    def test_a_refusal_counts_more_than_an_account_that_cannot_be_read(self, agency, connector):
        agency.seats[0].role, agency.unusable = "ADMIN", {"5552": "CUSTOMER_NOT_ENABLED"}
        with pytest.raises(Refused, match="In the manager account 1234567890: .*LAST_ADMIN") as no:
            connector.remove(connector.account("9000"))
        assert not isinstance(no.value, PartsUnread)

    def test_access_to_an_account_that_cannot_be_used_is_refused_and_says_nothing_of_the_credential(
        self, agency, connector
    ):
        leaver, asset = connector.account("77"), list(connector.assets())[1]
        agency.unusable = {"5552": "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT"}
        with pytest.raises(Refused, match="The account Regions can't be used.*suspended the account"):
            connector.revoke(leaver, asset)

    def test_the_manager_itself_must_be_usable(self, agency, connector):
        no = agency.failure(403, "authorizationError", "CUSTOMER_NOT_ENABLED", "Not enabled.")
        agency.fail(no, on="users", times=FOREVER)
        with pytest.raises(CredentialRejected, match="CUSTOMER_NOT_ENABLED"):
            list(connector.accounts())

    def test_a_user_of_a_client_account_alone_has_no_role_to_change(self, agency, connector):
        for account, role in ((connector.account("77"), "ADMIN"), (connector.account("9000"), "CLIENTS_ONLY")):
            with pytest.raises(Refused, match="itself"):
                connector.change_role(account, role)

    # Invitations

    def test_an_invitation_is_looked_up_and_cancelled_but_not_changed(self, app, connector):
        connector.invite("new@acme.example", "READ_ONLY")
        [invitation] = connector.accounts()
        assert invitation == Account(f"invitation:{MANAGER}:70", "new@acme.example", status="invited", role="READ_ONLY")
        assert connector.account(invitation.id) == invitation
        with pytest.raises(Refused, match="invite the person again"):
            connector.change_role(invitation, "ADMIN")
        for _ in range(2):
            connector.remove(invitation)
        assert app.seats == [] and connector.account(invitation.id) is None

    def test_invitations_that_wait_no_longer_are_nobody(self, app, connector):
        app.seats = [Seat("71", "no@acme.example", status="declined", role="ADMIN"),
                     Seat("72", "old@acme.example", status="expired", role="ADMIN")]  # fmt: skip
        assert list(connector.accounts()) == []

    # Approval by a second admin

    def test_a_change_that_a_second_admin_must_approve_does_not_count_as_done(self, app, connector):
        self.fill(app, 2)
        app.holds_back = True
        account = next(connector.accounts())
        operations = (lambda: connector.remove(account), lambda: connector.change_role(account, "ADMIN"),
                      lambda: connector.invite("new@acme.example", "STANDARD"))  # fmt: skip
        for operation in operations:
            with pytest.raises(AwaitsApproval, match="second admin approves") as waits:
                operation()
            assert all(request in app.held for request in waits.value.requests)
        assert [(seat.role, seat.status) for seat in app.seats] == [("STANDARD", "active")] * 2
        assert len(app.held) == 2, "the change of role waits for the removal that was requested before it"

    @pytest.fixture
    def held(self, agency, connector) -> tuple[str, ...]:
        """The removal of 9000 from the manager account and Shoes waits."""
        agency.holds_back = True
        with pytest.raises(AwaitsApproval, match="1234567890 and 5551") as waits:
            connector.remove(connector.account("9000"))
        return waits.value.requests

    def test_a_removal_that_waits_is_not_requested_twice(self, agency, connector, held):
        with pytest.raises(AwaitsApproval) as still:
            connector.remove(connector.account("9000"))
        assert still.value.requests == held and len(agency.held) == 2
        with pytest.raises(AwaitsApproval) as still:
            connector.require_approved(held)
        assert still.value.requests == held and agency.seat("9000")

    def test_a_removal_that_was_approved_is_done(self, agency, connector, held):
        agency.decide("APPROVED")
        connector.require_approved(held)
        assert connector.account("9000") is None

    def test_one_approval_of_two_still_waits_for_the_other(self, agency, connector, held):
        agency.held[held[0]]["status"] = "APPROVED"
        with pytest.raises(AwaitsApproval) as still:
            connector.require_approved(held)
        assert still.value.requests == held[1:]

    @pytest.mark.parametrize("status, why", [
        ("REJECTED", "another admin rejected it"), ("EXPIRED", "nobody approved it"), ("REVOKED", "was withdrawn"),
        ("UNKNOWN", "UNKNOWN"), ("SOMETHING_NEW", "SOMETHING_NEW"),
    ])  # fmt: skip
    def test_every_other_status_of_a_request_is_asked_about(self, agency, connector, held, status, why):
        """MultiPartyAuthReviewStatusEnum, v26."""
        agency.held[held[1]]["status"] = status
        with pytest.raises(Refused, match=f"in the account 5551: .*{why}"):
            connector.require_approved(held)

    def test_a_request_that_google_no_longer_lists_is_asked_about(self, agency, connector, held):
        del agency.held[held[0]]
        with pytest.raises(Refused, match="not in the list"):
            connector.require_approved(held)

    # Reading, errors, the credential

    @pytest.mark.parametrize("lie", [1, -1])
    def test_an_account_that_lies_about_how_many_use_it_fails_the_reading(self, app, connector, lie):
        self.fill(app, 3)
        app.lie = lie
        with pytest.raises(TemporarilyUnavailable, match="returned 3"):
            list(connector.accounts())

    def test_an_answer_without_rows_is_not_an_empty_one(self, app, connector):
        app.fail(Reply(200, {}), on="users", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="without what was asked for"):
            list(connector.accounts())

    @pytest.mark.parametrize("details, wait", [({"quotaErrorDetails": {"retryDelay": "900.5s"}}, 900.5), ({}, 60)])
    def test_a_quota_is_waited_for(self, app, connector, details, wait):
        no = app.failure(429, "quotaError", "RESOURCE_EXHAUSTED", "Too many requests.", **details)
        app.fail(no, on="users", times=FOREVER)
        with pytest.raises(RateLimited, match="RESOURCE_EXHAUSTED") as limited:
            list(connector.accounts())
        assert limited.value.retry_after == wait

    @pytest.mark.parametrize("kind, code, what_to_do", [
        ("authorizationError", "USER_PERMISSION_DENIED", "must be an admin of the account"),
        ("authorizationError", "SOMETHING_NEW", "must be an admin of the account"),
        ("authorizationError", "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION", "apply for Explorer or Basic access"),
        ("authorizationError", "DEVELOPER_TOKEN_NOT_APPROVED", "apply for Explorer or Basic access"),
        ("authorizationError", "DEVELOPER_TOKEN_PROHIBITED", "Remove the developer token"),
        ("authorizationError", "PROJECT_DISABLED", "Enable the Google Ads API"),
        ("authorizationError", "ACTION_NOT_PERMITTED", "at least Basic access"),
        ("authorizationError", "CUSTOMER_NOT_ENABLED", "isn't enabled yet, or has been deactivated"),
        ("authenticationError", "NOT_ADS_USER", "refresh token is wrong"),
    ])  # fmt: skip
    def test_a_missing_permission_is_reported_in_googles_words(self, app, connector, kind, code, what_to_do):
        """googleads/google-ads-python, v25: AuthorizationErrorEnum."""
        app.fail(app.failure(403, kind, code, "User doesn't have permission."), on="me", times=FOREVER)
        with pytest.raises(CredentialRejected, match=f"User doesn't have permission. .{code}.*{what_to_do}"):
            connector.test()

    @pytest.mark.parametrize("token", ["", "dev-3c9f"])
    def test_the_developer_token_is_sent_only_where_there_is_one(self, app, token):
        """Google ignores it, and a future version will reject it (kLOsk/adloop, release notes of v0.15.0)."""
        connector = self.connect(app, developer_token=token)
        list(connector.accounts())
        assert {request.headers.get("developer-token", "") for request in app.asked("users")} == {token}
        connector.close()

    def test_another_version_may_be_entered(self, app):
        app.facts = tuple(replace(fact, path=fact.path.replace("/v26/", "/v27/")) for fact in app.facts)
        self.fill(app, 1)
        connector = self.connect(app, version="v27")
        assert len(list(connector.accounts())) == 1
        connector.close()

    def test_prohibited_access_is_no_rate_limit(self, app, connector):
        app.fail(app.failure(400, "quotaError", "ACCESS_PROHIBITED", "Access is prohibited."), on="users")
        with pytest.raises(Refused, match="ACCESS_PROHIBITED"):
            list(connector.accounts())

    def test_a_refresh_token_that_ended_is_reported(self, app):
        connector = self.connect(app, refresh_token="old")
        with pytest.raises(CredentialRejected, match="expired or revoked"):
            connector.test()
        connector.close()

    def test_tokens_that_are_sent_are_never_reported(self, app, connector):
        app.fail(app.error(400, f"No {app.developer_token} and {app.token}"), on="users", times=FOREVER)
        with pytest.raises(Refused) as raised:
            list(connector.accounts())
        assert "No ••• and •••" in str(raised.value)

    def test_says_what_it_is_connected_to(self, agency, connector):
        assert connector.test().name == f"Acme ({MANAGER}), with 2 accounts below"
