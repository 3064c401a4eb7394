"""The monday.com connector: the contract, then kinds of users, teams and monday.com's errors."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.apps.monday import Monday
from connectors.base import Account, Asset, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_monday import FakeMonday
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestMonday(ConnectorContract):
    kind, fake, address = Monday, FakeMonday, "api"
    page = 200
    role, other_role, owner_role = "member", "admin", "admin"
    higher_asset_role = managing_role = "owner"
    statuses = ("active", "suspended", "invited")
    sends_total = False  # its list has neither a total nor a last page's mark
    by_position = True
    refuses_owner = False  # its reference names no such refusal, but of the token's own user

    def settings(self, app):
        return {"token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(str(1000 + n), f"person{n}@acme.example", f"Person {n}", role="member")

    # People

    @pytest.mark.parametrize("kind, is_system", [
        ("guest", False), ("view_only", False), ("portal", False), ("ADMIN", False), ("agent_member", True),
        ("portfolio_api_user", True), ("crm_user_agent_member", True), ("something_new", False),
    ])  # fmt: skip
    def test_each_kind_of_user(self, app, connector, kind, is_system):
        """UserKindFilter names them. One that it doesn't name is shown by its own word."""
        app.seats = [Seat("1", "a@acme.example", "A", role=kind)]
        [account] = connector.accounts()
        assert (account.role, account.kind) == (kind.lower(), "system" if is_system else "user")

    def test_a_status_that_nobody_knows_is_asked_about(self, app, connector):
        self.fill(app, 1)
        app.more = {"1000": {"status": "FROZEN"}}
        assert next(connector.accounts()).status == connector.account("1000").status == "unknown: FROZEN"

    def test_a_user_who_is_deleted_is_gone(self, app, connector):
        self.fill(app, 2)
        app.more = {"1000": {"is_deleted": True}}
        assert [account.id for account in connector.accounts()] == ["1001"]
        assert connector.account("1000") is None

    def test_last_activity(self, app, connector):
        """“Returned as YYYY-MM-DDT00:00:00.”"""
        self.fill(app, 1)
        app.more = {"1000": {"last_activity": "2026-11-20T09:15:00"}}
        assert next(connector.accounts()).last_activity == datetime(2026, 11, 20, 9, 15)

    # Operations

    def test_an_invited_user_can_be_deactivated(self, app, connector):
        connector.invite("new@acme.example", "member")
        connector.remove(next(connector.accounts()))
        assert app.seats[0].status == "suspended"

    @pytest.mark.parametrize("code", ["CANNOT_UPDATE_SELF", "EXCEEDS_BATCH_LIMIT", "FAILED", "INVALID_INPUT"])
    def test_an_error_of_a_mutation_is_no_success(self, app, connector, code):
        self.fill(app, 1)
        app.refuses = {"1000": code}
        [account] = connector.accounts()
        for operation in (lambda: connector.remove(account), lambda: connector.change_role(account, "admin")):
            with pytest.raises(Refused, match=code):
                operation()
        assert (app.seats[0].status, app.seats[0].role) == ("active", "member")

    def test_a_user_that_is_not_found_is_already_removed(self, app, connector):
        self.fill(app, 1)
        [account] = connector.accounts()
        app.refuses = {"1000": "USER_NOT_FOUND"}
        connector.remove(account)
        with pytest.raises(Refused, match="USER_NOT_FOUND"):
            connector.change_role(account, "admin")

    def test_nobody_is_invited_as_an_admin_or_in_place_of_a_deactivated_user(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "suspended"
        with pytest.raises(Refused, match="invites nobody"):
            connector.invite("new@acme.example", "admin")
        with pytest.raises(Refused, match="is deactivated"):
            connector.invite("person0@acme.example", "member")
        assert len(app.seats) == 1

    @pytest.mark.parametrize("role", ["portal", "agent_member"])
    def test_a_role_that_the_api_does_not_give_is_refused(self, app, connector, role):
        self.fill(app, 1)
        with pytest.raises(Refused, match=role):
            connector.change_role(next(connector.accounts()), role)

    # Teams

    def test_an_owner_of_a_team_may_hand_it_on(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("7", "Design", members={"1000": "owner", "1001": "member"})]
        assert [(access.account, access.role, access.privileged) for access in connector.access()] == [
            ("1000", "owner", True), ("1001", "member", False),
        ]  # fmt: skip
        with pytest.raises(Refused, match="make owners in monday.com"):
            connector.grant(Account("1001"), Asset("7", "team"), "owner")

    def test_someone_who_could_not_join_a_team_is_not_in_it(self, app, connector):
        self.fill(app, 1)
        app.things, app.cannot_join = [Thing("7", "Design")], True
        with pytest.raises(Refused, match="failed"):
            connector.grant(next(connector.accounts()), Asset("7", "team"), "member")

    def test_a_team_larger_than_a_page_is_read_to_its_end(self, app, connector):
        self.fill(app, 401)
        app.things = [Thing("7", "Everyone", members={seat.id: "member" for seat in app.seats})]
        assert len(list(connector.access())) == 401

    def test_an_answer_without_teams_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"data": {"users": [{"id": "1"}]}}), on="graphql")
        with pytest.raises(TemporarilyUnavailable, match="which teams"):
            list(connector.access())

    # Errors: “Errors by status code”

    @pytest.mark.parametrize("status, code, raised", [
        (200, "API_TEMPORARILY_BLOCKED", TemporarilyUnavailable), (200, "InvalidArgumentException", Refused),
        (200, "InvalidUserIdException", Refused), (200, "InvalidVersionException", Refused),
        (200, "missingRequiredPermissions", CredentialRejected), (200, "ResourceNotFoundException", Refused),
        (200, "undefinedField", Refused), (200, "USER_UNAUTHORIZED", CredentialRejected),
        (400, "JsonParseException", Refused), (401, "Unauthorized", CredentialRejected),
        (403, "UserUnauthorizedException", CredentialRejected), (403, "USER_ACCESS_DENIED", CredentialRejected),
        (404, "ResourceNotFoundException", Refused), (422, "RecordInvalidException", Refused),
        (423, "", TemporarilyUnavailable), (429, "maxConcurrencyExceeded", RateLimited),
        (429, "IP_RATE_LIMIT_EXCEEDED", RateLimited), (200, "COMPLEXITY_BUDGET_EXHAUSTED", RateLimited),
        (500, "INTERNAL_SERVER_ERROR", TemporarilyUnavailable),
    ])  # fmt: skip
    def test_each_documented_error_in_a_reading_and_in_a_second_look(self, app, connector, status, code, raised):
        self.fill(app, 1)
        asks = {"graphql": lambda: list(connector.accounts()), "do_users": lambda: connector.account("1000")}
        for name, ask in asks.items():
            app.fail(app.error(status, "So says monday", code), on=name, times=FOREVER)
            with pytest.raises(raised, match="So says monday"):
                ask()

    @pytest.mark.parametrize("reply", [
        Reply(429, {"errors": [{"message": "Too many"}]}, {"Retry-After": "300"}),
        Reply(200, {"errors": [{"message": "Too many", "extensions": {"code": "COMPLEXITY_BUDGET_EXHAUSTED",
                                                                     "retry_in_seconds": 300}}]}),
    ])  # fmt: skip
    def test_it_waits_as_long_as_monday_says(self, app, connector, reply):
        app.fail(reply, on="graphql", times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == 300

    def test_part_of_the_data_beside_an_error_is_not_used(self, app, connector):
        """“Requests will return partial data.”"""
        self.fill(app, 2)
        app.fail(Reply(200, {"data": {"users": []}, "errors": [{"message": "Only a part", "extensions": {}}]}),
                 on="graphql", times=FOREVER)  # fmt: skip
        with pytest.raises(Refused, match="Only a part"):
            list(connector.accounts())

    def test_deactivated_people_are_asked_for(self, app, connector):
        """`status` “defaults to [ACTIVE, PENDING] when omitted”."""
        list(connector.accounts()), connector.account("1"), list(connector.access())
        asked = [request.body["query"] for request in app.requests if " users(" in request.body["query"]]
        assert len(asked) == 3 and all("status: [ACTIVE, INACTIVE, PENDING]" in query for query in asked)

    # The credential and the version

    def test_says_whose_token_it_is(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Olga in Acme", "900", ())
        app.my_kind = "member"
        assert "isn't an admin" in connector.test().missing[0]

    @pytest.mark.parametrize("kind", ["guest", "view_only", "portal", ""])
    def test_someone_from_outside_may_not_see_everyone(self, app, connector, kind):
        app.my_kind = kind
        for ask in (connector.test, lambda: list(connector.accounts()), lambda: connector.account("404")):
            with pytest.raises(CredentialRejected, match="isn't a member"):
                ask()

    @pytest.mark.parametrize("entered, sent", [("", "2026-10"), ("2027-01", "2027-01")])
    def test_the_version_can_be_entered(self, app, entered, sent):
        connector = self.connect(app, version=entered)
        connector.test()
        assert {request.headers["api-version"] for request in app.requests} == {sent}
        assert connector.version_in_use().version == sent
        connector.close()
