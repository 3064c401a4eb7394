"""The Figma connector: the contract, then what Figma's SCIM does in its own way."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from connectors.apps.figma import Figma
from connectors.base import Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_figma import EXTENSION, PLAN_TOKEN, TENANT, FakeFigma
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply


class TestFigma(ConnectorContract):
    kind = Figma
    fake = FakeFigma
    address = ("api", "rest_api")
    page = 200
    owner_role = "admin"
    statuses = ("active", "suspended")
    invited_status = "active"  # SCIM knows no invitations
    refuses_owner = False  # Figma's documents name no such refusal

    def settings(self, app):
        return {"tenant": TENANT, "token": app.token}

    # Members

    def test_a_seat_type_is_reported_and_is_not_a_role(self, app, connector):
        self.fill(app, 2)
        app.raw[app.seats[1].id] = {"roles": [{"type": "seatType", "value": "Collab"}]}
        assert [(account.seat, account.role) for account in connector.accounts()] == [
            ("Full", "member"), ("Collab", "member"),
        ]  # fmt: skip

    def test_without_enterprise_there_are_no_seats(self, app, connector):
        app.enterprise = False
        self.fill(app, 1)
        assert [account.seat for account in connector.accounts()] == [""]

    @pytest.mark.parametrize("flag,role", [(True, "admin"), ("true", "admin"), (False, "member"), (None, "member")])
    def test_an_admin_is_the_person_whom_figma_names(self, app, connector, flag, role):
        self.fill(app, 1)
        app.raw[app.seats[0].id] = {EXTENSION: {"figmaAdmin": flag}}
        assert next(connector.accounts()).role == role

    def test_without_the_extension_a_user_is_a_member(self, app, connector):
        self.fill(app, 1)
        app.raw[app.seats[0].id] = {EXTENSION: None}
        assert next(connector.accounts()).role == "member"

    def test_an_example_user_of_figmas_documents_without_active_is_active(self, app, connector):
        self.fill(app, 1)
        app.raw[app.seats[0].id] = {"active": None}
        account = next(connector.accounts())
        assert (account.status, account.email) == ("active", "person0@acme.example")

    # Last activity: the activity log, which no reading needs

    def event(self, seconds_ago: int, email: str, **more) -> dict:
        actor = {"type": "user", "id": "1", "name": "Somebody", "email": email}
        return {"id": "e", "timestamp": int(time.time()) - seconds_ago, "context": {}, "actor": actor,
                "action": {"type": "fig_file_view", "details": None}, **more}  # fmt: skip

    def activity(self, app) -> dict[str, datetime | None]:
        connector = self.connect(app, plan_token=PLAN_TOKEN)
        found = {account.email: account.last_activity for account in connector.accounts()}
        connector.close()
        return found

    def test_the_last_event_of_each_person_is_when_they_were_active(self, app):
        self.fill(app, 3)
        app.events = [self.event(3000, "person0@acme.example"), self.event(2000, "PERSON0@acme.example"),
                      self.event(1000, "person1@acme.example"), self.event(500, "stranger@else.example")]  # fmt: skip
        when = [datetime.fromtimestamp(app.events[n]["timestamp"], UTC).replace(tzinfo=None) for n in (1, 2)]
        assert list(self.activity(app).values()) == [*when, None]

    def test_events_by_figma_or_a_provider_are_not_the_users_activity(self, app):
        """ActivityLog: “For SCIM events, the value is "SCIM Provider"”; the actor may be null."""
        self.fill(app, 1)
        email = "person0@acme.example"
        app.events = [
            self.event(30, email, context={"is_figma_support_team_action": True}),
            self.event(20, email, actor={"name": "SCIM Provider", "email": email}), self.event(10, email, actor=None),
        ]  # fmt: skip
        assert self.activity(app) == {email: None}

    def test_a_log_of_several_pages_is_read_back(self, app):
        self.fill(app, 2)
        app.events = [self.event(5000, "person1@acme.example"),
                      *(self.event(3000 - n, "person0@acme.example") for n in range(2500))]  # fmt: skip
        assert all(self.activity(app).values()) and len(app.asked("log")) == 3

    def test_a_log_that_does_not_move_ends(self, app):
        self.fill(app, 1)
        app.events = [self.event(100, "person0@acme.example")] * 3000
        assert all(self.activity(app).values()) and len(app.asked("log")) == 2

    @pytest.mark.parametrize("fault", [
        Reply(401, {"status": 401, "error": True, "message": "Invalid token"}), Reply(400, {"error": True}),
        Reply(403, {"status": 403, "error": True, "message": "Invalid scope"}), Reply(429, {}), Reply(500, {}),
        Reply(200, {"meta": {"activity_logs": None}}), Reply(200, {"meta": {"activity_logs": [{"timestamp": "x"}]}}),
    ], ids=lambda reply: str(reply.status))  # fmt: skip
    def test_without_the_log_everyone_is_read(self, app, fault):
        self.fill(app, 3)
        app.fail(fault, on="log", times=FOREVER)
        assert list(self.activity(app).values()) == [None] * 3

    def test_a_token_that_may_not_read_the_log_is_reported(self, app):
        connector = self.connect(app, plan_token=PLAN_TOKEN)
        assert connector.test().missing == ()
        app.fail(Reply(403, {"status": 403, "error": True, "message": "Invalid scope"}), on="log")
        [missing] = connector.test().missing
        assert "last active" in missing and "Invalid scope" in missing
        connector.close()

    def test_without_a_plan_token_nobody_asks_for_the_log(self, app, connector):
        self.fill(app, 1)
        list(connector.accounts()), connector.test()
        assert app.asked("log") == []

    # Operations

    def test_nobody_is_deleted_and_their_profile_is_not_rewritten(self, app, connector):
        self.fill(app, 2)
        connector.remove(next(connector.accounts()))
        [call] = app.asked("patch_user")
        assert call.body["Operations"] == [{"op": "replace", "path": "active", "value": False}]

    def test_a_removal_that_figma_did_not_do_is_refused(self, app, connector):
        self.fill(app, 1)
        app.raw[app.seats[0].id] = {"active": True}
        with pytest.raises(Refused, match="is unchanged"):
            connector.remove(next(connector.accounts()))

    def test_an_administrator_that_figma_did_not_make_is_reported(self, app, connector):
        app.enterprise = False
        self.fill(app, 1)
        with pytest.raises(Refused, match="plan"):
            connector.change_role(next(connector.accounts()), "admin")

    def test_a_seat_type_is_not_a_role_to_change_to(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused, match="Full"):
            connector.change_role(next(connector.accounts()), "Full")
        assert app.asked("patch_user") == []

    def test_an_administrator_is_invited_as_one(self, app, connector):
        connector.invite("new@acme.example", "admin")
        connector.invite("second@acme.example", "")
        assert [seat.role for seat in app.seats] == ["admin", "member"]
        assert EXTENSION not in app.asked("create_user")[1].body

    def test_a_list_that_fails_is_no_second_look(self, app, connector):
        self.fill(app, 3)
        app.fail(app.error(500, "Unwell"), on="users", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            connector.account("gone")

    # The credential

    def test_a_wrong_tenant_is_reported(self, app):
        connector = self.connect(app, tenant="1234")
        with pytest.raises(Refused, match="tenant ID"):
            connector.test()
        connector.close()

    def test_administrators_that_figma_does_not_show_must_be_protected_by_hand(self, app, connector):
        self.fill(app, 1)
        app.raw[app.seats[0].id] = {EXTENSION: None}
        [missing] = connector.test().missing
        assert "Protect yours by hand" in missing

    def test_a_good_token_says_how_many_there_are(self, app, connector):
        self.fill(app, 3)
        identity = connector.test()
        assert identity.may[0] == "read 3 users"
        assert identity.missing == ()
