"""The Google Workspace connector: the contract, then administrators, guests, nested groups, scopes and rate limits."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from connectors.apps.google_workspace import GoogleWorkspace
from connectors.base import Account, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.tools.http import NotFound
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing
from tests.connectors.fake_google_admin import ADMIN, CUSTOMER, SCOPE, FakeGoogleAdmin, pem


class TestGoogleWorkspace(ConnectorContract):
    kind, fake, address = GoogleWorkspace, FakeGoogleAdmin, ("api", "login")
    page = 500
    sends_fewer = True
    role, other_role, owner_role = "user", "super-admin", "super-admin"
    lesser_roles = ("delegated-admin",)
    several_roles, unnamed_role = ("super-admin", "role:71", "role:72"), ()  # see below
    statuses = ("active", "suspended")
    sends_total = False  # a list of users says only whether more come
    refuses_owner = False  # the description does not say whether Google keeps a last super admin
    asset_role = "MEMBER"
    higher_asset_role = "OWNER"

    def settings(self, app):
        return {"key": app.key_file, "admin": ADMIN}

    def secrets(self, app):
        return [app.key_file, pem(), pem().splitlines()[5]]

    def make_seat(self, n: int) -> Seat:
        return Seat(str(11000 + n), f"person{n}@acme.example", f"Person {n}", role="user")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"group:g{n}", f"Thing {n}")

    def give_roles(self, app, seat, roles):
        """Admin roles are things, whose members have them."""
        seat.role = roles[0]
        for id in roles[1:]:
            if app.thing(id) is None:
                app.things.append(Thing(id, f"Role {id[-2:]}"))
            app.thing(id).members[seat.id] = ""

    def test_an_admin_role_that_the_list_of_roles_lacks_is_reported_by_its_id(self, app, connector):
        self.fill(app, 1)
        self.give_roles(app, app.seats[0], ("delegated-admin", "role:99"))
        app.fail(Reply(200, {"kind": "admin#directory#roles"}), on="roles", times=FOREVER)
        assert next(connector.accounts()).roles == ("delegated-admin", "role:99")

    @pytest.mark.parametrize("types", [("user", "group"), ("USER", "GROUP")])
    def test_an_admin_role_through_a_group_and_the_one_of_super_admins(self, stocked, connector, types):
        """The super admin's role isn't an additional one; a group's members have the group's role. Of assigneeType,
        Google's description has the values “user” and “group” in its list, and “USER” and “GROUP” in its text."""
        stocked.assignee_types = types
        stocked.seats[0].role = "super-admin"
        held = {account.id: account.roles for account in connector.accounts()}
        assert held == {
            "11000": ("super-admin", "role:71"), "11001": ("delegated-admin", "role:71"), "11002": ("user", "role:71"),
        }  # fmt: skip
        assert {id: connector.account(id).roles for id in held} == held
        assert [role.label for role in connector.roles()] == ["Super admin", "Delegated admin", "Help desk", "User"]

    def test_another_admin_role_takes_the_place_of_the_others(self, stocked, connector):
        stocked.things += [Thing("role:73", "Groups", members={})]
        account = connector.account("11001")
        assert connector.roles_after(account, "role:73") == ("role:73", "delegated-admin")
        connector.change_role(account, "role:73")
        assert stocked.thing("role:73").members == {"11001": ""} and stocked.thing("role:71").members == {"g1": ""}
        with pytest.raises(Refused, match="through a group"):
            connector.change_role(connector.account("11002"), "role:73")
        assert stocked.thing("role:73").members == {"11001": ""}

    # Accounts

    def test_a_guest_has_the_address_that_is_theirs_and_an_archived_user_is_reported(self, app, connector):
        self.fill(app, 3)
        app.more = {
            "11000": {"isGuestUser": True, "guestAccountInfo": {"primaryGuestEmail": "gil@other.example"}},
            "11001": {"lastLoginTime": "2026-11-20T08:15:00.000Z"},
        }
        app.seats[2].status = "archived"
        guest, active, archived = connector.accounts()
        assert (guest.email, guest.seat, guest.last_activity) == ("gil@other.example", "Guest", None)
        assert (active.last_activity, active.seat) == (datetime(2026, 11, 20, 8, 15), "")
        assert (archived.status, archived.seat) == ("suspended", "Archived")
        connector.remove(archived)
        assert archived == connector.account(archived.id) and not app.asked("update")

    def test_an_answer_that_is_no_list_of_users_is_not_an_empty_one(self, app, connector):
        app.fail(Reply(200, {}), on="users", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="without its list"):
            list(connector.accounts())

    def test_an_answer_without_the_user_is_no_user(self, app, connector):
        app.fail(Reply(200, {}), on="user", times=FOREVER)
        for ask in (connector.test, lambda: connector.account("11000")):
            with pytest.raises(TemporarilyUnavailable, match="without"):
                ask()

    # Deleted users

    def test_a_user_who_was_deleted_days_ago_is_gone(self, app, connector):
        self.fill(app, 2)
        deleted = connector.account("11001")
        app.delete("11001")
        assert [account.id for account in connector.accounts()] == ["11000"] and connector.account("11001") is None
        connector.remove(deleted)
        assert not app.asked("update") and not app.signed_out

    def test_a_user_who_is_deleted_during_the_removal_is_gone(self, app, connector):
        self.fill(app, 2)
        account = connector.account("11001")
        app.when(lambda: app.delete("11001"), on="update")
        connector.remove(account)
        assert connector.account("11001") is None

    @pytest.mark.parametrize("reason", ["failedPrecondition", "preconditionFailed", ""])
    def test_another_412_is_nobodys_absence(self, app, connector, reason):
        self.fill(app, 1)
        answer = app.error(412, "Precondition failed", reason) if reason else Reply(412, {"error": "?"})
        app.fail(answer, on="user", times=FOREVER)
        with pytest.raises(Refused) as no:
            connector.account("11000")
        assert not isinstance(no.value, NotFound)

    def test_a_condition_of_a_group_is_no_proof_that_its_member_is_gone(self, stocked, connector):
        stocked.fail(stocked.error(412, "Condition not met"), on="leave", times=FOREVER)
        with pytest.raises(Refused, match="Condition not met"):
            connector.revoke(connector.account("11000"), next(connector.assets()))

    # Sessions

    def test_a_removal_ends_the_sessions(self, app, connector):
        self.fill(app, 2)
        connector.remove(connector.account("11000"))
        assert (app.signed_out, app.seats[0].status) == (["11000"], "suspended")

    def test_without_the_scope_the_user_is_still_suspended_and_test_says_so(self, app, connector):
        self.fill(app, 1)
        app.delegated.discard(f"{SCOPE}user.security")
        connector.remove(connector.account("11000"))
        assert (app.signed_out, app.seats[0].status) == ([], "suspended")
        [missing] = connector.test().missing
        assert "end the sessions" in missing and f"{SCOPE}user.security" in missing

    @pytest.mark.parametrize("status", [400, 403, 404])
    def test_a_sign_out_that_google_refuses_does_not_keep_the_user_in(self, app, connector, status):
        self.fill(app, 1)
        app.fail(app.error(status, "No"), on="sign_out", times=FOREVER)
        connector.remove(connector.account("11000"))
        assert app.seats[0].status == "suspended"

    def test_a_sign_out_that_fails_for_now_delays_nothing_and_is_tried_again(self, app, connector):
        self.fill(app, 1)
        account = connector.account("11000")
        app.fail(Reply(500), on="sign_out", times=4)  # as often as one call is tried
        connector.remove(account)
        assert (app.signed_out, app.seats[0].status) == (["11000"], "suspended")

    def test_a_sign_out_that_keeps_failing_is_reported_and_the_user_is_suspended(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(500), on="sign_out", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="signOut"):
            connector.remove(connector.account("11000"))
        assert app.seats[0].status == "suspended"

    # Removal and roles

    def test_a_user_that_was_not_suspended_is_not_taken_for_removed(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(200, {"suspended": False}), on="update")
        with pytest.raises(Refused, match="not suspended"):
            connector.remove(next(connector.accounts()))

    def test_an_operation_that_is_forbidden_is_googles_no_and_no_broken_credential(self, app, connector):
        self.fill(app, 1)
        app.fail(app.error(403, "Not Authorized to access this resource/api"), on="update", times=FOREVER)
        with pytest.raises(Refused, match="Not Authorized"):
            connector.remove(next(connector.accounts()))

    def test_the_administrator_that_rollcall_acts_as_stays(self, app, connector):
        me = Account(app.me["id"], ADMIN)
        for operation in (lambda: connector.remove(me), lambda: connector.change_role(me, "user")):
            with pytest.raises(Refused, match="Rollcall acts as"):
                operation()

    @pytest.fixture
    def stocked(self, app):
        self.fill(app, 3)
        app.seats[1].role = "delegated-admin"
        app.things = [
            Thing("group:g1", "Sales", members={"11000": "OWNER", "11002": "MEMBER", "g2": "MEMBER"}),
            Thing("group:g2", "Berlin", members={"11001": "MEMBER", CUSTOMER: "MEMBER"}),
            Thing("role:71", "Help desk", members={"11001": "", "g1": ""}),
            Thing("role:72", "_SEED_ADMIN_ROLE", kind="super", members={"11000": ""}),
        ]
        return app

    def test_a_change_that_is_already_made_is_not_sent_again(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "suspended"
        account = connector.account("11000")
        asked = len(app.asked("assignments"))  # by the look-up, which shows the admin roles
        connector.remove(account)
        connector.change_role(account, "user")
        assert not app.asked("update") and not app.asked("make_admin") and len(app.asked("assignments")) == asked

    def test_a_super_admin_becomes_a_user(self, stocked, connector):
        stocked.seats[0].role = "super-admin"
        stocked.things[2].members = {"11001": ""}
        connector.change_role(connector.account("11000"), "user")
        assert stocked.seats[0].role == "user" and stocked.thing("role:72").members == {}

    def test_a_delegated_admin_becomes_a_user_by_losing_each_admin_role(self, stocked, connector):
        account = connector.account("11001")
        connector.change_role(account, "user")
        assert stocked.thing("role:71").members == {"g1": ""}
        assert stocked.asked("make_admin") == []

    def test_an_admin_role_that_comes_from_a_group_is_not_pretended_away(self, stocked, connector):
        stocked.seats[2].role = "delegated-admin"
        account = connector.account("11002")
        role = next(asset for asset in connector.assets() if asset.id == "role:71")
        for operation in (lambda: connector.change_role(account, "user"), lambda: connector.revoke(account, role)):
            with pytest.raises(Refused, match="group"):
                operation()
        assert not stocked.asked("unassign")

    def test_nobody_is_made_a_delegated_admin_without_an_admin_role(self, stocked, connector):
        with pytest.raises(Refused, match="admin role"):
            connector.change_role(connector.account("11002"), "delegated-admin")
        with pytest.raises(Refused, match="no longer has this user"):
            connector.change_role(Account("999"), "super-admin")

    # Groups and admin roles

    def test_groups_and_admin_roles_are_read_with_who_has_them(self, stocked, connector):
        assert [(asset.id, asset.kind, asset.name) for asset in connector.assets()] == [
            ("group:g1", "group", "Sales"), ("group:g2", "group", "Berlin"),
            ("role:71", "admin role", "Help desk"), ("role:72", "admin role", "_SEED_ADMIN_ROLE"),
        ]  # fmt: skip
        assert sorted((a.account, a.asset, a.role, a.privileged) for a in connector.access()) == [
            ("11000", "group:g1", "OWNER", True), ("11000", "role:71", "", False), ("11000", "role:72", "", True),
            ("11001", "group:g2", "MEMBER", False), ("11001", "role:71", "", False),
            ("11002", "group:g1", "MEMBER", False), ("11002", "role:71", "", False),
        ]  # fmt: skip

    def test_an_admin_role_is_given_and_taken_once_and_again(self, stocked, connector):
        account, role = connector.account("11002"), next(a for a in connector.assets() if a.id == "role:72")
        for _ in range(2):
            connector.grant(account, role, "")
        assert stocked.thing("role:72").members == {"11000": "", "11002": ""} and len(stocked.asked("assign")) == 1
        for _ in range(2):
            connector.revoke(account, role)
        assert stocked.thing("role:72").members == {"11000": ""}
        connector.revoke(Account("999"), role)

    def test_a_member_is_made_an_owner(self, stocked, connector):
        group = next(connector.assets())
        connector.grant(connector.account("11002"), group, "OWNER")
        assert stocked.thing("group:g1").members["11002"] == "OWNER"

    def test_a_group_that_goes_while_it_is_read_fails_the_reading(self, stocked, connector):
        stocked.fail(stocked.none("groupKey"), on="members")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    # The credential

    def test_the_account_that_it_acts_as_is_shown(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == (f"Rollcall, {ADMIN}", "100", ())

    def test_an_administrator_who_is_none_is_reported(self, app, connector):
        app.me["isAdmin"] = False
        app.fail(app.error(403, "Not Authorized to access this resource/api"), on="roles")
        roles, admin = connector.test().missing
        assert "read admin roles" in roles and "Not Authorized" in roles and "isn't a super admin" in admin

    @pytest.mark.parametrize(("scopes", "limited"), [
        ((), False), (("ORG_UNIT",), True), (("CUSTOMER",), False), (("ORG_UNIT", "CUSTOMER"), False)])
    def test_an_administrator_of_a_part_of_the_company_is_reported(self, app, connector, scopes, limited):
        """developers.google.com/workspace/admin/directory/v1/guides/manage-roles: scopeType and orgUnitId."""
        app.me["isAdmin"] = False
        for number, scope in enumerate(scopes):
            app.things.append(Thing(f"role:{number}", f"Role {number}", members={"100": ""}))
            app.scope_types[str(number)] = scope
        assert any("a part of your company" in missing for missing in connector.test().missing) == limited

    def test_a_scope_that_is_not_delegated_is_named(self, app, connector):
        app.delegated.discard(f"{SCOPE}rolemanagement")
        with pytest.raises(CredentialRejected) as raised:
            connector.test()
        assert f"{SCOPE}rolemanagement" in str(raised.value) and f"{SCOPE}user" not in str(raised.value)

    def test_delegation_that_is_none_is_reported_in_googles_words(self, app, connector):
        app.delegated.clear()
        with pytest.raises(CredentialRejected, match="Client is unauthorized.*client ID"):
            connector.test()

    @pytest.mark.parametrize("key", ["", "{}", "[1]", '{"type": "authorized_user"}', "broken", "no pem", "no email"])
    def test_a_file_that_is_not_a_service_account_key_is_reported(self, app, key):
        whole = json.loads(app.key_file)
        made = {"broken": app.key_file[:-9], "no pem": json.dumps({**whole, "private_key": "none"}),
                "no email": json.dumps({**whole, "client_email": None})}  # fmt: skip
        connector = self.connect(app, key=made.get(key, key))
        with pytest.raises(CredentialRejected, match="isn't a service account key"):
            connector.test()
        connector.close()
        assert not app.requests

    def test_the_token_that_google_gave_is_a_secret_too(self, app, connector):
        app.fail(app.error(400, f"No {app.token}"), on="users", times=FOREVER)
        with pytest.raises(Refused) as raised:
            list(connector.accounts())
        assert "No •••" in str(raised.value) and app.token not in str(raised.value)

    def test_a_token_that_ended_is_renewed_once(self, app, connector):
        self.fill(app, 1)
        app.fail(app.unauthorised(), on="users")
        assert len(list(connector.accounts())) == 1 and len(app.asked("token_call")) == 2

    @pytest.mark.parametrize("reason", ["userRateLimitExceeded", "quotaExceeded", "rateLimitExceeded"])
    def test_a_403_that_is_a_rate_limit_is_one(self, app, connector, reason):
        app.fail(app.error(403, "Quota exceeded.", reason), on="users", times=FOREVER)
        with pytest.raises(RateLimited, match="Quota exceeded"):
            list(connector.accounts())
