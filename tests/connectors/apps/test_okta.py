"""One application in Okta as an app: the contract, then what a group's assignment means."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.apps.okta import OktaApp
from connectors.base import REMOVE, Refused, TemporarilyUnavailable
from connectors.effects import Reach
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing
from tests.connectors.fake_okta import FakeOktaApp


class TestOktaApp(ConnectorContract):
    kind, fake = OktaApp, FakeOktaApp
    page = 500
    sends_fewer = True
    role = "assigned"
    statuses = ("active", "suspended")
    has_roles = False  # the application itself decides what someone may do in it
    several_roles = ("Admin", "CEO", "Employee")
    refuses_owner = False  # nobody owns an assignment
    sends_total = False  # lists have a Link header only
    invited_status = "active"  # someone who is in Okta is assigned at once

    def settings(self, app):
        return {**super().settings(app), "app_id": app.app_id, "roles_in": "role, salesforceGroups"}

    def make_seat(self, n: int) -> Seat:
        return Seat(f"00u{n:05}", f"person{n}@acme.example", f"Person {n}", role="assigned")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"00g{n:05}", f"Group {n}")

    def test_shows_how_someone_is_assigned(self, app, connector):
        self.fill(app, 3)
        app.scopes[app.seats[1].id] = "GROUP"
        app.statuses[app.seats[2].id] = "SUSPENDED"
        assert [(a.seat, a.status, a.role) for a in connector.accounts()] == [
            ("Direct", "active", "assigned"), ("Through a group", "active", "assigned"),
            ("Direct", "suspended", "assigned"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "status,shown",
        [("ACTIVE", "active"), ("PROVISIONED", "active"), ("IMPLICIT", "active"), ("STAGED", "invited"),
         ("PENDING", "invited"), ("APPROVED", "invited"), ("SUSPENDED", "suspended"), ("INACTIVE", "suspended"),
         ("REVOKED", "suspended"), ("DEPROVISIONED", "suspended"), ("IMPORTED", "unknown: IMPORTED"),
         ("MATCHED", "unknown: MATCHED"), ("UNASSIGNED", "unknown: UNASSIGNED"), ("FROZEN", "unknown: FROZEN")],
    )  # fmt: skip
    def test_each_status_of_an_assignment_is_reported(self, app, connector, status, shown):
        """“AppUserStatus”: only two of the thirteen, and implicit assignment, let someone use the application."""
        self.fill(app, 1)
        app.statuses[app.seats[0].id] = status
        assert [account.status for account in connector.accounts()] == [shown]
        assert connector.account(app.seats[0].id).status == shown

    # Removal

    def test_an_assignment_without_a_manual_acknowledgment_is_gone_at_once(self, app, connector):
        self.fill(app, 2)
        app.is_acknowledged_by_hand = False
        leaver = next(connector.accounts())
        for _ in range(2):
            connector.remove(leaver)
        assert connector.account(leaver.id) is None and len(app.seats) == 1

    def test_an_assignment_that_waits_for_an_acknowledgment_is_suspended(self, app, connector):
        self.fill(app, 1)
        leaver = next(connector.accounts())
        for _ in range(2):
            connector.remove(leaver)
        assert connector.removal_suspends and connector.account(leaver.id).status == "suspended"
        assert len(app.asked("unassign")) == 1

    @pytest.mark.parametrize("kind", ["active_directory", "ldap_sun_one", ""])
    def test_nobody_is_removed_from_a_directory(self, app, connector, kind):
        """“Unassign an application user”: with delegated authentication, the user is left without a password."""
        self.fill(app, 1)
        app.app_name = kind
        with pytest.raises(Refused, match="Figma is a directory" if kind else "what kind of application"):
            connector.remove(next(connector.accounts()))
        assert app.asked("unassign") == [] and app.seats[0].status == "active"
        [missing] = connector.test().missing
        assert missing.startswith("remove: ")

    def test_an_application_that_needs_no_assignments_is_not_read_and_nobody_counts_as_gone(self, app, connector):
        """help.okta.com, “Manage Federation Broker Mode”: “without the need to pre-assign apps to specific users”.
        “Enable Federation Broker Mode”: it removes explicit assignments, and people keep their access."""
        self.fill(app, 2)
        one, other = connector.accounts()
        app.is_open_to_all, app.is_acknowledged_by_hand = True, False
        app.seats.remove(app.seats[0])
        for call in (connector.test, lambda: list(connector.accounts()), lambda: connector.account(one.id),
                    lambda: connector.remove(one), lambda: connector.remove(other)):  # fmt: skip
            with pytest.raises(Refused, match="Federation Broker Mode"):
                call()
        assert app.asked("unassign") == []

    # Sessions

    def test_sessions_stay_open_unless_that_is_chosen(self, app, connector):
        self.fill(app, 1)
        connector.remove(next(connector.accounts()))
        assert app.signed_out == []

    def test_sessions_end_where_that_is_chosen_and_the_declaration_says_so(self, app):
        self.fill(app, 2)
        connector = self.connect(app, sessions="end")
        self.stays_within(app, connector, REMOVE, next(connector.accounts()))
        assert app.signed_out == ["00u00000"] and app.asked("clear_sessions")[0].params == {"oauthTokens": "true"}
        assert [seat.status for seat in app.seats] == ["suspended", "active"]
        [effect] = connector.effects_of(REMOVE)
        assert effect.reach is Reach.TENANT and "every application" in effect.does
        connector.close()

    def test_someone_is_removed_by_an_admin_who_may_not_clear_sessions(self, app):
        self.fill(app, 1)
        connector = self.connect(app, sessions="end")
        app.fail(app.error(403, "You do not have permission", code="E0000006"), on="clear_sessions", times=FOREVER)
        connector.remove(next(connector.accounts()))
        assert app.seats[0].status == "suspended"
        connector.close()

    def test_only_someone_who_is_removed_is_signed_out(self, app):
        self.fill(app, 1)
        app.scopes[app.seats[0].id] = "GROUP"
        connector = self.connect(app, sessions="end")
        with pytest.raises(Refused):
            connector.remove(next(connector.accounts()))
        assert app.signed_out == [] and app.seats[0].status == "active"
        connector.close()

    # Last use

    def test_the_last_use_is_read_from_the_system_log(self, app, connector):
        self.fill(app, 3)
        first, second, third = (seat.id for seat in app.seats)
        app.events = [(first, "2026-11-25T08:00:00.000Z"), *[(second, "2026-11-24T08:00:00.000Z")] * 1500,
                      (first, "2026-10-01T08:00:00.000Z")]  # fmt: skip
        found = self.by_id(connector)
        assert found[first].last_activity == datetime(2026, 11, 25, 8)
        assert found[second].last_activity == datetime(2026, 11, 24, 8)
        assert found[third].last_activity is None and "last_activity" in found[third].missing_fields
        assert "last_activity" not in found[first].missing_fields

    @pytest.mark.parametrize(
        "fault", [Reply(403, {"errorCode": "E0000006"}), Reply(429, {}, {"Retry-After": "9000"}), Reply(500),
                  Reply(400, {"errorCode": "E0000053"}), Reply(200, [{"actor": None}]), Reply(200, {})])  # fmt: skip
    def test_a_log_that_is_not_given_fails_no_reading(self, app, connector, fault):
        self.fill(app, 2)
        app.events = [(app.seats[0].id, "2026-11-25T08:00:00.000Z")]
        app.fail(fault, on="logs", times=FOREVER)
        assert [account.last_activity for account in connector.accounts()] == [None, None]
        assert all("last_activity" in account.missing_fields for account in connector.accounts())

    @pytest.mark.parametrize("fault", [Reply(500), Reply(429, {}, {"Retry-After": "900"})])
    def test_a_fault_that_passes_is_no_missing_permission(self, app, connector, fault):
        app.fail(fault, on="logs", times=FOREVER)
        assert connector.test().missing == ()

    def test_a_token_that_may_not_read_the_log_is_reported(self, app, connector):
        app.fail(app.error(403, "You do not have permission", code="E0000006"), on="logs", times=FOREVER)
        [missing] = connector.test().missing
        assert missing.startswith("see when someone last used it: ") and "do not have permission" in missing

    # Roles

    def test_roles_are_read_from_the_attributes_that_were_named_alone(self, app):
        self.fill(app, 2)
        self.give_roles(app, app.seats[0], ("CEO", "Employee", "Chief"))
        for roles_in, privileged, held in (
            ("", "", ("assigned",)), ("role", "", ("CEO",)), ("nothing", "", ("assigned",)),
            ("role,salesforceGroups", "", ("CEO", "Chief", "Employee")),
            (" salesforceGroups ", "chief", ("Chief", "Employee")),
        ):  # fmt: skip
            connector = self.connect(app, roles_in=roles_in, privileged=privileged)
            accounts = list(connector.accounts())
            assert [account.roles for account in accounts] == [held, ("assigned",)]
            assert {role.id for role in connector.roles() if role.privileged} == ({"Chief"} if privileged else set())
            assert ("role" in accounts[1].defaulted_fields) == bool(roles_in)
            connector.close()

    def test_a_user_name_that_is_an_address_replaces_a_missing_one(self, app, connector):
        bare = {"id": "00u1", "scope": "USER", "status": "ACTIVE", "profile": {}}
        rows = [{**bare, "credentials": {"userName": "zoe@acme.example"}},
                {**bare, "id": "00u2", "credentials": {"userName": "zoe"}}, {**bare, "id": "00u3"}]  # fmt: skip
        app.fail(Reply(200, rows), on="app_users")
        assert [account.email for account in connector.accounts()] == ["zoe@acme.example", "", ""]

    def test_a_user_assigned_by_a_group_cannot_be_removed_alone_and_the_reason_is_shown(self, app, connector):
        self.fill(app, 2)
        app.things = [self.make_thing(0), self.make_thing(1), self.make_thing(2)]
        for thing in app.things[:2]:
            thing.members = {app.seats[0].id: "member"}
        app.scopes[app.seats[0].id] = "GROUP"
        leaver = next(connector.accounts())
        with pytest.raises(Refused, match="Person 0 is assigned through the group Group 0 and Group 1"):
            connector.remove(leaver)
        assert app.asked("unassign") == [] and len(app.seats) == 2

    def test_a_direct_assignment_beside_a_group_is_refused_in_oktas_words(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_thing(0)]
        app.things[0].members = {app.seats[0].id: "member"}
        with pytest.raises(Refused, match="while their group memberships grant them access"):
            connector.remove(next(connector.accounts()))
        assert len(app.seats) == 1

    def test_a_group_that_another_directory_keeps_is_not_changed(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_thing(0)]
        app.things[0].kind = "APP_GROUP"
        [account], [asset] = connector.accounts(), connector.assets()
        for change in (lambda: connector.grant(account, asset, "member"), lambda: connector.revoke(account, asset)):
            with pytest.raises(Refused, match="do not have permission"):
                change()

    def test_a_group_that_disappears_while_reading_fails_it(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_thing(0)]
        for call in ("group", "members"):
            app.fail(app.error(404, "Not found"), on=call)
            with pytest.raises(TemporarilyUnavailable, match="disappeared"):
                list(connector.access())

    @pytest.mark.parametrize("ids,words", [([], "Nobody in Okta"), (["00u1", "00u2"], "More than one person in Okta")])
    def test_only_someone_who_is_in_okta_once_is_added(self, app, connector, ids, words):
        app.not_assigned['"kim"@acme.example'] = ids
        with pytest.raises(Refused, match=words):
            connector.invite('"kim"@acme.example', "assigned")
        assert app.seats == []

    def test_a_wrong_application_is_reported_with_the_right_ones(self, app):
        connector = self.connect(app, app_id="0oawrong")
        with pytest.raises(Refused, match=f"no application with this ID.*Figma .{app.app_id}"):
            connector.test()
        with pytest.raises(Refused):
            connector.account("00u1")
        connector.close()

    def test_an_application_that_is_switched_off_is_reported(self, app, connector):
        assert connector.test().missing == ()
        app.app_status = "INACTIVE"
        identity = connector.test()
        assert identity.name == "Olga Brandt, for Figma at 127.0.0.1"
        assert identity.missing == ("Figma is inactive in Okta: nobody can use it.",)
