"""The Zoom connector: the contract, then tokens, statuses, administrators, invitations, groups and Zoom's codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.apps.zoom import Zoom
from connectors.base import Account, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_zoom import FakeZoom
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestZoom(ConnectorContract):
    kind, fake, address = Zoom, FakeZoom, ("api", "sign_in")
    page = 300
    sends_fewer = True
    role, other_role, owner_role = "2", "1", "0"
    statuses = ("active", "suspended", "invited")
    calls_before = 4  # the owner, and the totals of the three statuses

    def settings(self, app):
        return {"account_id": app.account_id, "client_id": app.client_id, "client_secret": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(f"u{n}", f"person{n}@acme.example", f"Person {n}", role="2")

    # Tokens

    def test_a_token_that_ended_is_asked_for_again(self, app, connector):
        self.fill(app, 2)
        list(connector.accounts())
        app.given += 1  # Zoom revokes the one that it gave
        assert len(list(connector.accounts())) == 2
        assert len(app.asked("tokens")) == 2

    def test_a_wrong_account_is_reported(self, app):
        connector = self.connect(app, account_id="another")
        with pytest.raises(CredentialRejected, match="400"):
            connector.test()
        connector.close()

    # Users

    def test_each_status_is_asked_for_and_all_are_counted(self, app):
        shown: list[int] = []
        self.fill(app, 3)
        app.seats[1].status, app.seats[2].status = "suspended", "invited"
        connector = self.connect(app, shown.append)
        assert {account.id: account.status for account in connector.accounts()} == {
            "u0": "active", "u1": "suspended", "invitation:person2@acme.example": "invited",
        }  # fmt: skip
        assert shown == [3]
        connector.close()

    @pytest.mark.parametrize("asked", [
        lambda app: list(app.accounts()), lambda app: app.account("nobody"), lambda app: app.test(),
        lambda app: app.account("invitation:new@acme.example"), lambda app: app.remove(Account("nobody")),
    ], ids=["list", "second look", "test", "invitation", "remove"])  # fmt: skip
    def test_an_app_whose_maker_may_see_some_groups_only_shows_no_whole_list(self, app, connector, asked):
        """docs.parable.work/connectors/zoom/workplace/server-to-server/scoped-access: a role with a “Custom Scope”, and
        an app that someone with this role has made. The owner has a role of their own (support.zoom.com, “Using role
        management”), so an app that sees everyone sees the owner."""
        self.fill(app, 2)
        app.shows_everyone = False
        with pytest.raises(CredentialRejected, match="only some of the users.*“Entire Account”"):
            asked(connector)

    def test_users_in_other_groups_than_the_owners_are_reported_by_the_number_of_members_of_roles(self, app, connector):
        self.fill(app, 2)
        assert connector.test().missing == ()
        app.in_other_groups = 3
        [missing] = connector.test().missing
        assert missing.startswith("read everyone: Zoom's roles have more members than its lists have users.")
        app.in_other_groups = 4
        assert connector.test().missing == (missing,)
        app.lie = None
        assert connector.test().missing == (), "without a total, the lists aren't known to be shorter"

    def test_a_list_begins_once_the_one_before_is_read(self, app, connector):
        """A token for the next page is good for 15 minutes: no list waits with one for another to end."""
        self.fill(app, 2 * self.page)
        for seat in app.seats[: self.page]:
            seat.status = "suspended"
        list(connector.accounts())
        pages = [request.params for request in app.asked("users") if request.params["page_size"] != "1"]
        assert [page["status"] for page in pages] == ["active", "inactive", "pending"]

    def test_plan_and_last_sign_in_are_reported(self, app, connector):
        self.fill(app, 2)
        app.types["u1"] = 2
        basic, licensed = connector.accounts()
        assert (basic.seat, licensed.seat) == ("Basic", "Licensed")
        assert basic.last_activity == datetime(2026, 11, 20, 8)

    def test_a_name_is_put_together_where_none_is_displayed(self, app, connector):
        self.fill(app, 1)
        row = {"id": "u0", "email": "", "first_name": "Ana", "last_name": "Ng", "type": 1, "role_id": "2"}
        app.fail(Reply(200, {"users": [row], "total_records": 1}), on="users", skip=self.calls_before)
        assert next(connector.accounts()).name == "Ana Ng"

    def test_a_status_that_is_not_known_is_no_answer(self, app, connector):
        app.fail(Reply(200, {"id": "u0", "email": ""}), on="user")
        with pytest.raises(TemporarilyUnavailable, match="without a known status"):
            connector.account("u0")

    # Removal

    def test_nobody_is_deleted_or_disassociated(self, app, connector):
        self.fill(app, 1)
        connector.remove(connector.account("u0"))
        assert app.seats[0].status == "suspended" and app.asked("delete") == []
        connector.remove(connector.account("u0"))
        assert len(app.asked("set_status")) == 1

    def test_an_administrator_loses_the_role_first(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = "1"
        connector.remove(connector.account("u0"))
        assert (app.seats[0].status, app.seats[0].role) == ("suspended", "2")

    def test_someone_who_signed_in_by_sso_is_signed_out(self, app, connector):
        """“Revoke a user's SSO token”, optional: its scope is one more."""
        self.fill(app, 2)
        connector.remove(connector.account("u0"))
        assert app.signed_out == ["u0"]
        missing = Reply(400, {"code": 4711, "message": "Invalid access token, does not contain scopes:[…]."})
        app.fail(missing, on="revoke_token", times=FOREVER)
        connector.remove(connector.account("u1"))
        assert app.seats[1].status == "suspended" and app.signed_out == ["u0"]

    @pytest.mark.parametrize(
        "reply",
        [
            Reply(400, {"code": 4711, "message": "Invalid access token, does not contain scopes:[…]."}),
            Reply(400, {"code": 200, "message": "No permission."}),
            Reply(400, {"code": 200, "message": "Only available for paid accounts, or to admin users."}),
            Reply(403, {"code": 200, "message": "No permission to modify the status."}),
            Reply(400, {"code": 300, "message": "Not now."}),
            Reply(400, {"code": 3412, "message": "Your request was not approved at this time."}),
        ],
    )  # fmt: skip
    def test_a_refusal_for_another_reason_takes_no_admin_role(self, app, connector, reply):
        """A scope that is missing, or any error that isn't about the role: the administrator stays one."""
        self.fill(app, 1)
        app.seats[0].role = "1"
        app.fail(reply, on="set_status", times=FOREVER)
        with pytest.raises(Refused, match=reply.body["message"][:10]):
            connector.remove(connector.account("u0"))
        assert app.asked("take_from_role") == [] and len(app.asked("set_status")) == 1
        assert (app.seats[0].status, app.seats[0].role) == ("active", "1")

    def test_a_role_that_was_taken_without_success_is_reported(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = "1"
        app.fail(Reply(400, {"code": 300, "message": "Not now."}), on="set_status", skip=1)
        with pytest.raises(Refused, match="Not now.*had to remove this person's admin role first"):
            connector.remove(connector.account("u0"))

    def test_a_refusal_of_a_members_removal_is_reported_and_takes_no_role(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(400, {"code": 300, "message": "Not now."}), on="set_status")
        with pytest.raises(Refused, match="Not now"):
            connector.remove(connector.account("u0"))
        assert app.asked("take_from_role") == []

    def test_a_user_who_leaves_between_look_up_and_removal_counts_as_removed(self, app, connector):
        self.fill(app, 1)
        account = connector.account("u0")
        app.when(app.seats.clear, on="set_status")
        connector.remove(account)

    # Invitations

    def test_an_invitation_is_looked_up_and_cancelled_by_its_email(self, app, connector):
        self.fill(app, 1)
        connector.invite("New@acme.example", "")
        invitation = connector.account("invitation:new@acme.example")
        assert (invitation.status, invitation.role) == ("invited", "2")
        operations = (
            lambda: connector.change_role(invitation, "1"),
            lambda: connector.grant(invitation, None, ""),
            lambda: connector.revoke(invitation, None),
        )
        for operation in operations:
            with pytest.raises(Refused, match="or cancel the invitation"):
                operation()
        for _ in range(2):
            connector.remove(invitation)
        assert [seat.id for seat in app.seats] == ["u0"]

    def test_an_invitation_that_was_accepted_in_the_meantime_removes_nobody(self, app, connector):
        app.seats = [Seat("u0", "ana@acme.example", "Ana", "invited", "2")]
        [invitation] = connector.accounts()
        app.seats[0].status = "active"
        connector.remove(invitation)
        assert app.seats[0].status == "active"
        assert connector.account(invitation.id) is None

    def test_someone_who_is_pending_again_is_an_invitation_and_no_account(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "invited"
        assert connector.account("u0") is None

    def test_only_members_are_invited(self, app, connector):
        with pytest.raises(Refused, match="once they have joined"):
            connector.invite("new@acme.example", "1")

    # Roles

    def test_a_role_of_the_accounts_own_is_given_and_taken(self, app, connector):
        self.fill(app, 1)
        account = connector.account("u0")
        connector.change_role(account, "R3helpdesk")
        assert app.seats[0].role == "R3helpdesk"
        for _ in range(2):
            connector.change_role(account, "2")
        assert app.seats[0].role == "2"

    def test_nobody_is_made_owner(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused, match="Owner roles"):
            connector.change_role(connector.account("u0"), "0")

    # Groups

    def test_a_user_whom_zoom_names_as_added_is_not_looked_up(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("g1", "Sales")]
        account = connector.account("u0")
        connector.grant(account, next(connector.assets()), "")
        assert app.things[0].members == {"u0": "member"} and len(app.asked("user")) == 1

    def test_a_group_that_takes_nobody_in_is_reported(self, app, connector):
        self.fill(app, 1)
        app.things, app.adds_nobody = [Thing("g1", "Sales")], True
        with pytest.raises(Refused, match="did not add this person to the group Sales"):
            connector.grant(connector.account("u0"), next(connector.assets()), "member")

    def test_no_administrators_of_a_group_are_made(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("g1", "Sales")]
        with pytest.raises(Refused, match="in Zoom"):
            connector.grant(connector.account("u0"), next(connector.assets()), "admin")

    def test_a_pending_member_of_a_group_is_the_invitation(self, app, connector):
        app.seats = [Seat("", "New@acme.example", "", "invited", "2")]
        app.things = [Thing("g1", "Sales", members={"New@acme.example": "member"})]
        assert [access.account for access in connector.access()] == [next(connector.accounts()).id]

    def test_a_group_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [Thing("g1", "Sales")]
        app.when(app.things.clear, on="in_group")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    def test_a_list_of_groups_that_is_cut_short_is_rejected(self, app, connector):
        app.fail(Reply(200, {"groups": [{"id": "g1", "name": "Sales"}], "total_records": 2}), on="groups")
        with pytest.raises(TemporarilyUnavailable):
            list(connector.assets())

    # Codes, limits

    @pytest.mark.parametrize("status", [400, 401, 403])
    def test_a_missing_scope_is_named(self, app, connector, status):
        words = "Invalid access token, does not contain scopes:[role:read:list_roles:admin]."
        app.fail(Reply(status, {"code": 4711, "message": words}), on="roles", times=FOREVER)
        [missing] = connector.test().missing
        assert "scopes:[role:read:list_roles:admin]" in missing

    def test_a_feature_outside_the_plan_is_missing(self, app, connector):
        app.fail(Reply(200, {"code": 200, "message": "Only available for paid accounts."}), on="groups")
        [missing] = connector.test().missing
        assert "Only available for paid accounts" in missing

    @pytest.mark.parametrize("body", [None, "<html>404 Not Found</html>", {"code": 2300, "message": "No endpoint."}])
    def test_a_404_that_is_not_about_the_user_is_nobodys_absence(self, app, connector, body):
        self.fill(app, 1)
        account = next(connector.accounts())
        app.fail(Reply(404, body), times=FOREVER, on="user")
        for ask in (connector.account, lambda id: connector.remove(account)):
            with pytest.raises(TemporarilyUnavailable, match="404"):
                ask(account.id)

    @pytest.mark.parametrize("code, raised", [(124, CredentialRejected), (300, Refused), (1001, Refused)])
    def test_a_code_inside_a_good_answer_is_an_error(self, app, connector, code, raised):
        app.fail(Reply(200, {"code": code, "message": "No."}), times=FOREVER, on="users")
        with pytest.raises(raised, match="Zoom says “No”"):
            list(connector.accounts())

    def test_a_limit_by_the_day_shows_until_when(self, app, connector):
        moment = datetime.now(UTC) + timedelta(hours=2)
        headers = {"X-RateLimit-Type": "Daily-limit", "Retry-After": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}
        app.fail(Reply(429, {"code": 429, "message": "Tomorrow."}, headers), times=FOREVER, on="users")
        with pytest.raises(RateLimited, match="Tomorrow") as limited:
            list(connector.accounts())
        assert limited.value.retry_after == pytest.approx(7200, abs=60)
