"""The Linear connector: the contract, then invitations, apps, team owners and Linear's errors."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from connectors.apps.linear import Linear
from connectors.base import Account, Asset, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_linear import FakeLinear
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestLinear(ConnectorContract):
    kind, fake, address = Linear, FakeLinear, "api"
    role, other_role, owner_role = "user", "admin", "owner"
    higher_asset_role = managing_role = "owner"
    statuses = ("active", "suspended")
    sends_total = False  # Linear's lists have cursors only

    def settings(self, app):
        return {"token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(f"u-{n}", f"person{n}@acme.example", f"Person {n}", role="user")

    # Invitations: a list of their own in Linear, which keeps the accepted and the cancelled ones

    def test_invites_once_and_again(self, app, connector):
        for _ in range(2):
            connector.invite("new@acme.example", "user")
        assert [(row["email"], row["role"]) for row in app.invites] == [("new@acme.example", "user")]
        assert [(a.id, a.email, a.status, a.role) for a in connector.accounts()] == [
            ("invitation:i-0", "new@acme.example", "invited", "user")
        ]

    def test_an_invitation_is_looked_up_and_cancelled(self, app, connector):
        connector.invite("new@acme.example", "admin")
        [invitation] = connector.accounts()
        assert connector.account(invitation.id) == invitation and connector.managed(invitation) == []
        with pytest.raises(Refused, match="invite the person again"):
            connector.change_role(invitation, "user")
        for _ in range(2):
            connector.remove(invitation)
        assert app.invites[0]["archivedAt"] and list(connector.accounts()) == []
        connector.invite("new@acme.example", "user")
        assert len(app.invites) == 2

    def test_accepted_invitations_are_no_accounts(self, app, connector):
        app.invites = [{"id": "i-0", "email": "a@acme.example", "role": "user", "acceptedAt": "2026-11-20T10:00:00Z",
                        "archivedAt": None}]  # fmt: skip
        assert list(connector.accounts()) == []

    @pytest.mark.parametrize("ends, is_open", [
        ("2026-11-20T10:00:00.000Z", False), ("2999-11-20T10:00:00.000Z", True), (None, True),
    ])  # fmt: skip
    def test_an_invitation_that_expired_is_no_account_and_is_sent_again(self, app, connector, ends, is_open):
        """schema.graphql, OrganizationInvite.expiresAt: “The time at which the invite will expire and can no longer
        be accepted. Null if the invite does not have an expiration date.”"""
        app.invites = [{"id": "i-0", "email": "a@acme.example", "role": "user", "acceptedAt": None, "archivedAt": None,
                        "expiresAt": ends}]  # fmt: skip
        assert [account.id for account in connector.accounts()] == ["invitation:i-0"] * is_open
        assert (connector.account("invitation:i-0") is not None) == is_open
        connector.invite("a@acme.example", "user")
        assert len(app.invites) == (1 if is_open else 2)

    # People

    def test_apps_are_system_accounts_and_guests_are_guests(self, app, connector):
        app.seats = [Seat("u-1", name="Bot", role="app"), Seat("u-2", name="Kim", role="guest")]
        assert [(a.role, a.kind) for a in connector.accounts()] == [("app", "system"), ("guest", "user")]

    def test_an_owner_who_is_an_admin_too_is_an_owner(self, app, connector):
        self.fill(app, 1)
        app.more = {"u-0": {"owner": True, "admin": True, "lastSeen": "2026-11-20T10:30:00.000Z"}}
        [owner] = connector.accounts()
        assert (owner.role, owner.last_activity) == ("owner", datetime(2026, 11, 20, 10, 30))

    def test_an_archived_user_is_suspended(self, app, connector):
        self.fill(app, 1)
        app.more = {"u-0": {"archivedAt": "2026-11-20T10:30:00.000Z"}}
        assert [account.status for account in connector.accounts()] == ["suspended"]

    # Teams

    def test_team_owners_may_hand_the_team_on(self, app, connector):
        app.things = [Thing("t-1", "Platform", members={"u-1": "owner", "u-2": "member"})]
        assert [(a.account, a.role, a.privileged) for a in connector.access()] == [
            ("u-1", "owner", True), ("u-2", "member", False),
        ]  # fmt: skip
        with pytest.raises(Refused, match="make owners in Linear"):
            connector.grant(Account("u-2"), Asset("t-1", "team"), "owner")

    @pytest.mark.parametrize("count", [100, 101])
    def test_a_team_with_more_than_a_page_of_members_is_read_to_its_end(self, app, connector, count):
        app.things = [Thing("t-1", "Everyone", members={f"u-{n}": "member" for n in range(count)})]
        assert len(set(connector.access())) == count

    def test_a_team_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [self.make_thing(0)]
        app.when(app.things.clear, on="do_team")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    # Errors are in the answer's body

    @pytest.mark.parametrize("status", [200, 400])
    @pytest.mark.parametrize(
        "kind, raised",
        [("ratelimited", RateLimited), ("authentication error", CredentialRejected), ("forbidden", CredentialRejected),
         ("feature not accessible", CredentialRejected), ("invalid input", Refused), ("user error", Refused),
         ("internal error", TemporarilyUnavailable), ("lock timeout", TemporarilyUnavailable)],
    )  # fmt: skip
    def test_linears_error_types(self, app, connector, status, kind, raised):
        app.fail(app.error(status, "So says Linear", kind), on="graphql", times=FOREVER)
        with pytest.raises(raised, match="So says Linear"):
            list(connector.accounts())

    @pytest.mark.parametrize("budget", ["Requests", "Complexity", "Endpoint-Requests"])
    def test_too_many_calls_waits_until_the_budget_begins_again(self, app, connector, budget):
        reset = str(int((time.time() + 900) * 1000))
        headers = {f"X-RateLimit-{budget}-Remaining": "0", f"X-RateLimit-{budget}-Reset": reset}
        body = {"errors": [{"message": "Rate limit exceeded", "extensions": {"code": "RATELIMITED"}}]}
        app.fail(Reply(400, body, headers), on="graphql", times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == pytest.approx(900, abs=60)

    def test_a_forbidden_act_is_reported_in_linears_words(self, app, connector):
        self.fill(app, 1)
        app.fail(app.error(200, "Users are managed by SCIM", "forbidden"), on="do_userSuspend")
        with pytest.raises(Refused, match="managed by SCIM"):
            connector.remove(next(connector.accounts()))
        assert app.seats[0].status == "active"

    def test_an_operation_without_success_is_not_done(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(200, {"data": {"userSuspend": {"success": False}}}), on="do_userSuspend")
        with pytest.raises(Refused, match="reports that it failed"):
            connector.remove(next(connector.accounts()))

    def test_an_answer_without_its_list_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"data": {"users": None}}), on="graphql")
        with pytest.raises(TemporarilyUnavailable, match="without its list"):
            list(connector.accounts())

    # The credential

    def test_says_who_the_key_is(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Olga in Acme", "u-me", ())
        app.me["admin"] = False
        assert "isn't an admin" in connector.test().missing[0]

    def test_a_guest_who_does_not_see_everyone_is_reported(self, app, connector):
        app.me = {"admin": False, "owner": False, "guest": True}
        for ask in (connector.test, lambda: list(connector.accounts()), lambda: connector.account("u-99")):
            with pytest.raises(CredentialRejected, match="guest"):
                ask()
