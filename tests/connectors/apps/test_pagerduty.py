"""The PagerDuty connector: the contract, then incidents that keep a user, the owner, plans, service regions."""

from __future__ import annotations

import pytest

from connectors.apps.pagerduty import PagerDuty
from connectors.base import Account, Asset, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_pagerduty import FakePagerDuty
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import DROPPED, FOREVER, Reply, Seat, Thing


class TestPagerDuty(ConnectorContract):
    kind, fake, address = PagerDuty, FakePagerDuty, "api"
    role, other_role, owner_role = "user", "limited_user", "owner"
    statuses = ("active", "invited")
    asset_role = "responder"
    higher_asset_role = managing_role = "manager"

    def settings(self, app):
        return {"token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(f"P{n:06}", f"person{n}@acme.example", f"Person {n}", role="user")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"PT{n:05}", f"Team {n}")

    # Reading

    def test_pages_go_on_for_as_long_as_there_is_more(self, app, connector):
        app.most = 30
        self.fill(app, 100)
        assert len(list(connector.accounts())) == 100
        assert [request.params["offset"] for request in app.asked("users")] == ["0", "30", "60", "90"]

    def test_more_users_than_pagerduty_lists_are_no_whole_list(self, app, connector):
        """“offset + limit” beyond 10,000 is a 400; the total shows that there are more."""
        app.fail(app.error(400, "Arguments Caused Error", "Offset must be less than 10000."), on="users", skip=1,
                 times=FOREVER)  # fmt: skip
        self.fill(app, 250)
        with pytest.raises(Refused, match="Offset must be less than 10000"):
            list(connector.accounts())

    def test_another_user_in_the_answer_is_not_the_one_asked_for(self, app, connector):
        self.fill(app, 2)
        app.fail(lambda _: Reply(200, {"user": app._user(app.seats[1])}), on="user", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            connector.account(app.seats[0].id)

    @pytest.mark.parametrize("asked", [lambda app: app.account("P000000"), lambda app: app.remove(Account("P000000"))])
    def test_an_account_that_pagerduty_does_not_find_is_no_user_that_is_gone(self, app, connector, asked):
        """github.com/PagerDuty/developer-docs, docs/REST-API/14-Errors.md: 2007 Account Not Found, 2100 Not Found."""
        self.fill(app, 1)
        app.fail(app.error(404, "Account Not Found", code=2007), on="user", times=FOREVER)
        with pytest.raises(CredentialRejected, match="Account Not Found.*service region"):
            asked(connector)

    @pytest.mark.parametrize("ask", [
        lambda app: app.test(), lambda app: list(app.accounts()), lambda app: app.account("P000009"),
        lambda app: app.remove(Account("P000009")),
    ], ids=["test", "accounts", "account", "remove"])  # fmt: skip
    def test_a_persons_own_key_is_not_taken(self, app, connector, ask):
        """It may do and see what that person may, who would be removed like anyone else. api-schema, getCurrentUser:
        “can only be used with a user-level API key”."""
        self.fill(app, 1)
        assert connector.test().missing == ()
        app.key_of = app.seats[0]
        with pytest.raises(CredentialRejected, match="belongs to Person 0"):
            ask(connector)

    def test_a_user_whose_teams_are_not_named_may_manage_some(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(200, {"user": app._user(app.seats[0]) | {"teams": None}}), on="user")
        with pytest.raises(TemporarilyUnavailable, match="without the user's teams"):
            connector.managed(Account("P000000"))

    def test_a_plan_without_teams_has_none(self, app, connector):
        self.fill(app, 1)
        app.has_teams = False
        assert list(connector.assets()) == list(connector.access()) == []
        assert connector.test().name == "the PagerDuty account acme.pagerduty.com"

    def test_a_team_that_is_deleted_in_the_meantime_fails_the_reading(self, app, connector):
        app.things = [self.make_thing(0)]
        app.when(app.things.clear, on="team_members")
        with pytest.raises(TemporarilyUnavailable, match="team was deleted"):
            list(connector.access())

    def test_a_manager_may_hand_the_team_on(self, app, connector):
        app.things = [Thing("PT1", "Ops", members={"P1": "manager", "P2": "observer"})]
        assert [(a.account, a.role, a.privileged) for a in connector.access()] == [
            ("P1", "manager", True), ("P2", "observer", False),
        ]  # fmt: skip

    def test_the_service_region_decides_where_the_key_is_sent(self, app):
        for region, host in (("", "api.pagerduty.com"), ("us", "api.pagerduty.com"), ("eu", "api.eu.pagerduty.com")):
            assert self.kind({"token": app.token, "region": region})._address == f"https://{host}"

    # Removing and changing

    def test_assigned_incidents_keep_a_user_and_the_refusal_says_what_to_do(self, app, connector):
        """“Returns 400 if the user has assigned incidents unless your pricing plan has the offboarding feature.”"""
        self.fill(app, 2)
        app.busy.add(app.seats[0].id)
        with pytest.raises(Refused, match="has assigned incidents.*schedule or an escalation policy.*Then try again"):
            connector.remove(Account(app.seats[0].id))
        assert len(app.seats) == 2

    def test_a_removal_whose_answer_was_lost_counts_as_done(self, app, connector):
        self.fill(app, 2)
        app.fail(DROPPED, on="delete_user", acts=True)
        connector.remove(Account(app.seats[0].id))
        assert len(app.seats) == 1

    def test_a_read_only_key_is_no_broken_credential(self, app, connector):
        """API requests other than GET with a read-only key are answered 403."""
        self.fill(app, 2)
        app.fail(app.error(403, "Forbidden"), on="delete_user", times=FOREVER)
        with pytest.raises(Refused, match="403"):
            connector.remove(Account(app.seats[0].id))

    def test_the_owner_keeps_the_role_and_nobody_is_made_owner(self, app, connector):
        self.fill(app, 2)
        app.seats[0].role = "owner"
        with pytest.raises(Refused, match="The account owner keeps that role"):
            connector.change_role(Account(app.seats[0].id), "user")
        with pytest.raises(Refused, match="can't make someone the account owner"):
            connector.change_role(Account(app.seats[1].id), "owner")
        assert app.asked("update_user") == []

    def test_a_role_that_the_plan_lacks_is_refused_in_pagerdutys_words(self, app, connector):
        self.fill(app, 1)
        app.fail(app.error(402, "Account does not have the abilities", "read_only_users"), on="update_user")
        with pytest.raises(Refused, match="does not have the abilities: read_only_users"):
            connector.change_role(Account(app.seats[0].id), "read_only_user")

    def test_a_stakeholder_is_refused_by_a_team(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role, app.things = "read_only_user", [self.make_thing(0)]
        with pytest.raises(Refused, match="User is a stakeholder"):
            connector.grant(Account(app.seats[0].id), Asset(app.things[0].id, "team"), "responder")

    def test_too_many_calls_wait_for_as_long_as_pagerduty_says(self, app, connector):
        """“The ratelimit-reset header will let you know how many seconds to wait before retrying.”"""
        connector.patience = 1
        headers = {"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "40"}
        app.fail(Reply(429, headers=headers), on="users", times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == pytest.approx(40, abs=1)
