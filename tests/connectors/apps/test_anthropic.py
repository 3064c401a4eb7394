"""The Anthropic connector: the contract, then admins, invitations, workspaces and Anthropic's errors."""

from __future__ import annotations

import pytest

from connectors.apps.anthropic import Anthropic
from connectors.base import Access, Account, Asset, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_anthropic import FakeAnthropic
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


def invited(n: int) -> Seat:
    return Seat(f"invite-{n}", f"invited{n}@acme.example", role="user", status="invited")


class TestAnthropic(ConnectorContract):
    kind = Anthropic
    fake = FakeAnthropic
    address = "api"
    page = 1000
    sends_fewer = True
    role, other_role, owner_role = "user", "developer", "admin"
    lesser_roles = ("developer", "billing", "claude_code_user", "managed")
    asset_role = "workspace_developer"
    higher_asset_role = "workspace_admin"
    statuses = ("active", "invited")
    sends_total = False  # Anthropic's lists have cursors only
    refuses_owner = False  # a Console organization has admins, and no owner: see below

    def settings(self, app):
        return {"token": app.token}

    # Admins

    @pytest.mark.parametrize("role", ["admin", "owner", "primary_owner"])
    def test_an_admin_is_not_removed(self, app, connector, role):
        self.fill(app, 2)
        app.seats[0].role = role
        admin = self.by_id(connector)["id-0"]
        with pytest.raises(Refused, match="in the Console first"):
            connector.remove(admin)
        assert app.asked("remove_user") == []

    def test_a_member_who_has_become_an_admin_is_not_removed(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        app.seats[0].role = "admin"
        with pytest.raises(Refused, match="admin role cannot be removed"):
            connector.remove(account)
        assert len(app.seats) == 1

    @pytest.mark.parametrize("role", ["admin", "managed", ""])
    def test_a_role_that_the_api_does_not_give_is_refused(self, app, connector, role):
        self.fill(app, 1)
        account = next(connector.accounts())
        for change in (lambda: connector.change_role(account, role), lambda: connector.invite("a@acme.example", role)):
            with pytest.raises(Refused, match="gives the roles"):
                change()
        assert [seat.role for seat in app.seats] == ["user"]

    # Invitations

    def test_only_open_invitations_are_accounts(self, app, connector):
        app.seats = [invited(0), invited(1), invited(2), invited(3)]
        app.ended = {"invite-0": "accepted", "invite-1": "expired", "invite-2": "deleted"}
        [account] = connector.accounts()
        assert (account.id, account.email, account.status, account.role) == (
            "invitation:invite-3", "invited3@acme.example", "invited", "user",
        )  # fmt: skip
        assert [connector.account(f"invitation:invite-{n}") for n in range(3)] == [None] * 3

    def test_an_expired_invitation_is_sent_again(self, app, connector):
        app.seats, app.ended = [invited(0)], {"invite-0": "expired"}
        connector.invite("invited0@acme.example", "user")
        assert len(app.seats) == 2

    def test_a_status_of_an_invitation_that_is_new_is_asked_about(self, app, connector):
        app.seats, app.ended = [invited(0)], {"invite-0": "frozen"}
        [account] = connector.accounts()
        assert account.status == connector.account(account.id).status == "unknown: frozen"

    def test_an_invitation_is_looked_up_and_removed_once_and_again(self, app, connector):
        app.seats = [invited(0), invited(1)]
        account = next(connector.accounts())
        assert connector.account(account.id) == account
        with pytest.raises(Refused, match="invite the person again"):
            connector.change_role(account, "developer")
        for _ in range(2):
            connector.remove(account)
        assert [seat.id for seat in app.seats] == ["invite-1"]
        assert connector.account(account.id) is None

    # Workspaces

    def test_admins_of_a_workspace_may_hand_it_on(self, app, connector):
        app.things = [Thing("w-1", "Chat", members={"id-0": "workspace_admin", "id-1": "workspace_billing"})]
        assert list(connector.access()) == [
            Access("id-0", "w-1", "workspace_admin", privileged=True), Access("id-1", "w-1", "workspace_billing"),
        ]  # fmt: skip

    def test_a_role_in_a_workspace_is_changed(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("w-1", "Chat", members={"id-0": "workspace_user"})]
        connector.grant(Account("id-0"), Asset("w-1", "workspace"), "workspace_admin")
        assert app.things[0].members == {"id-0": "workspace_admin"}

    @pytest.mark.parametrize("role", ["workspace_billing", ""])
    def test_a_workspace_role_that_is_not_given_is_refused(self, app, connector, role):
        app.things = [Thing("w-1", "Chat")]
        with pytest.raises(Refused, match="gives the roles"):
            connector.grant(Account("id-0"), Asset("w-1", "workspace"), role)

    def test_a_billing_member_keeps_their_workspaces(self, app, connector):
        app.seats = [Seat("id-0", role="billing")]
        app.things = [Thing("w-1", "Chat", members={"id-0": "workspace_billing"})]
        with pytest.raises(Refused, match="organization role"):
            connector.revoke(Account("id-0"), Asset("w-1", "workspace"))

    def test_an_invited_person_is_in_no_workspace(self, app, connector):
        app.seats, app.things = [invited(0)], [Thing("w-1", "Chat")]
        [account] = connector.accounts()
        for change in (lambda: connector.grant(account, Asset("w-1", "workspace"), "workspace_user"),
                       lambda: connector.revoke(account, Asset("w-1", "workspace"))):  # fmt: skip
            with pytest.raises(Refused, match="accepted the invitation"):
                change()

    @pytest.mark.parametrize("count", [1000, 1001])
    def test_a_workspace_of_many_is_read_to_its_end(self, app, connector, count):
        app.things = [Thing("w-1", "Chat", members={f"id-{n}": "workspace_user" for n in range(count)})]
        assert len(set(connector.access())) == count

    def test_a_workspace_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [Thing("w-1", "Chat")]
        app.when(app.things.clear, on="workspace_members")
        with pytest.raises(TemporarilyUnavailable, match="Chat"):
            list(connector.access())

    def test_workspaces_can_be_left_out(self, app):
        app.things = [Thing("w-1", "Chat")]
        connector = self.connect(app, workspaces="leave out")
        assert list(connector.assets()) == list(connector.access()) == []
        assert connector.test().name == "Acme"
        assert app.asked("workspaces") == []
        connector.close()

    # Anthropic's errors

    @pytest.mark.parametrize("body", ['{"detail": "Not Found"}', "", "[]", '{"error": "not_found_error"}'])
    def test_a_404_that_is_not_anthropics_is_nobodys_absence(self, app, connector, body):
        self.fill(app, 1)
        app.fail(Reply(404, body), times=FOREVER)
        with pytest.raises(Refused, match="not as Anthropic does"):
            connector.account("id-0")
        with pytest.raises(Refused, match="not as Anthropic does"):
            connector.remove(Account("id-0"))

    def test_an_overloaded_api_is_asked_again_later(self, app, connector):
        app.fail(Reply(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
                 times=FOREVER)  # fmt: skip
        with pytest.raises(TemporarilyUnavailable, match="Overloaded"):
            list(connector.accounts())

    def test_another_account_than_asked_for_is_rejected(self, app, connector):
        self.fill(app, 2)
        app.fail(Reply(200, app._user(app.seats[1])), on="user")
        with pytest.raises(TemporarilyUnavailable, match="other than the account"):
            connector.account("id-0")

    @pytest.mark.parametrize("body", [{}, {"data": []}, {"data": None, "has_more": False},
                                      {"data": [], "has_more": True, "last_id": None},
                                      {"data": [{"role": "user"}], "has_more": False}])  # fmt: skip
    def test_an_answer_without_a_list_fails_the_reading(self, app, connector, body):
        app.fail(Reply(200, body), on="users", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())
