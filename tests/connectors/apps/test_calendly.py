"""The Calendly connector: the contract, then invitations, groups, and who the token belongs to."""

from __future__ import annotations

import pytest

from connectors.apps.calendly import Calendly
from connectors.base import Access, Account, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_calendly import FakeCalendly
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


def invited(n: int) -> Seat:
    return Seat(f"inv-{n}", f"invited{n}@acme.example", role="user", status="invited")


class TestCalendly(ConnectorContract):
    kind = Calendly
    fake = FakeCalendly
    address = "api"
    role, managing_role = "user", "admin"
    statuses = ("active", "invited")
    sends_total = False

    def settings(self, app):
        return {"token": app.token}

    # Invitations

    def test_only_pending_invitations_are_accounts(self, app, connector):
        app.seats = [invited(0), invited(1), invited(2)]
        app.ended = {"inv-0": "accepted", "inv-1": "declined"}
        [account] = connector.accounts()
        assert (account.id, account.email, account.status) == (
            "invitation:inv-2", "invited2@acme.example", "invited",
        )  # fmt: skip

    def test_many_invitations_are_read_to_the_end(self, app, connector):
        app.seats = [invited(n) for n in range(101)]
        assert len(list(connector.accounts())) == 101

    def test_an_invitation_is_looked_up_and_revoked_once_and_again(self, app, connector):
        app.seats = [invited(0), invited(1)]
        account = next(connector.accounts())
        assert connector.account(account.id) == account
        for _ in range(2):
            connector.remove(account)
        assert [seat.id for seat in app.seats] == ["inv-1"]
        assert connector.account(account.id) is None

    def test_an_accepted_invitation_is_none_any_longer(self, app, connector):
        app.seats = [invited(0)]
        app.ended = {"inv-0": "accepted"}
        assert connector.account("invitation:inv-0") is None

    def test_admins_are_not_invited(self, app, connector):
        with pytest.raises(Refused, match="users only"):
            connector.invite("new@acme.example", "admin")
        assert app.seats == []

    def test_a_member_is_not_invited_again(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused, match="in the organization"):
            connector.invite("person0@acme.example", "user")

    # Groups

    def test_an_admin_who_is_a_member_too_comes_once(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("g1", "Sales", members={"id-0": "member,admin", "id-1": "member"})]
        assert list(connector.access()) == [
            Access("id-0", "g1", "admin", privileged=True), Access("id-1", "g1", "member"),
        ]  # fmt: skip

    def test_many_groups_that_one_person_manages_are_read_to_the_end(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing(f"g{n}", members={"id-0": "member,admin"}) for n in range(51)]
        assert len(connector.managed(Account("id-0"))) == 51

    def test_an_invited_user_may_be_in_a_group(self, app, connector):
        app.seats = [invited(0)]
        app.things = [Thing("g1", "Sales", members={"inv-0": "member"})]
        assert [access.account for access in connector.access()] == ["invitation:inv-0"]

    def test_a_group_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [Thing("g1", "Sales")]
        app.when(app.things.clear, on="relationships")
        with pytest.raises(TemporarilyUnavailable, match="Sales"):
            list(connector.access())

    def test_groups_can_be_left_out(self, app):
        app.seats, app.things = [self.make_seat(0)], [Thing("g1", "Sales", members={"id-0": "admin"})]
        connector = self.connect(app, groups="leave out")
        assert list(connector.assets()) == list(connector.access()) == connector.managed(Account("id-0")) == []
        assert connector.test().missing == ()
        assert app.asked("groups") == []
        connector.close()

    def test_groups_that_may_not_be_read_are_reported(self, app, connector):
        app.fail(app.error(403, "You do not have permission"), on="groups", times=FOREVER)
        assert "groups:read" in connector.test().missing[0]

    # Who the token belongs to

    def test_says_who_the_token_is(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Olga", "MINE", ())

    def test_it_is_found_in_a_list_that_is_not_filtered(self, app, connector):
        self.fill(app, 150)
        app.heeds_user = False
        assert connector.test().external_id == "MINE"

    def test_a_credential_of_a_plain_user_is_rejected(self, app, connector):
        self.fill(app, 1)
        app.my_role = "user"
        for ask in (connector.test, lambda: list(connector.accounts())):
            with pytest.raises(CredentialRejected, match="isn't an admin"):
                ask()

    def test_nobody_is_gone_for_a_credential_that_does_not_see_everyone(self, app, connector):
        self.fill(app, 1)
        app.my_role = "user"
        with pytest.raises(CredentialRejected, match="isn't an admin"):
            connector.account("GONE")

    def test_without_an_organisation_there_is_nothing_to_read(self, app, connector):
        app.organization = None
        for ask in (connector.test, lambda: list(connector.accounts())):
            with pytest.raises(CredentialRejected, match="no Calendly organisation"):
                ask()

    def test_the_owner_of_the_token_is_not_removed(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        app.seats = [Seat("MINE", "olga@acme.example", role="admin")]
        mine = connector.account("MINE")
        with pytest.raises(Refused, match="belongs to"):
            connector.remove(mine)
        connector.remove(account)
        assert [seat.id for seat in app.seats] == ["MINE"]

    # Calendly's errors

    def test_a_limit_begins_again_after_the_seconds_that_calendly_says(self, app, connector):
        headers = {"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "120"}
        app.fail(Reply(429, {"title": "Too many"}, headers), times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == 120

    @pytest.mark.parametrize("body", [{}, {"collection": []}, {"collection": None, "pagination": {}},
                                      {"collection": [{"role": "user"}], "pagination": {}},
                                      {"collection": [{"uri": None}], "pagination": {}},
                                      {"collection": ["x"], "pagination": {}}])  # fmt: skip
    def test_an_answer_without_a_list_fails_the_reading(self, app, connector, body):
        connector.test()
        app.fail(Reply(200, body), on="memberships", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())

    def test_an_owner_unknown_in_a_group_fails_the_reading(self, app, connector):
        app.things = [Thing("g1", "Sales")]
        rows = {"collection": [{"uri": "x", "role": "member", "owner": None}], "pagination": {}}
        app.fail(Reply(200, rows), on="relationships", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="who is in a group"):
            list(connector.access())
