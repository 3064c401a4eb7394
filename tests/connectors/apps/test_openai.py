"""The OpenAI connector: the contract, then invitations, projects, service accounts and OpenAI's errors."""

from __future__ import annotations

import pytest

from connectors.apps.openai import OpenAI
from connectors.base import Access, Account, Asset, CredentialRejected, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_openai import FakeOpenAI
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


def invited(n: int) -> Seat:
    return Seat(f"invite-{n}", f"invited{n}@acme.example", role="reader", status="invited")


class TestOpenAI(ConnectorContract):
    kind = OpenAI
    fake = FakeOpenAI
    address = "api"
    role, other_role, owner_role = "reader", "owner", "owner"
    higher_asset_role = "owner"
    statuses = ("active", "invited")
    sends_total = False  # OpenAI's lists have cursors only
    refuses_owner = False  # OpenAI doesn't say whether it refuses to remove an Owner
    may_be_empty = ("projects",)  # of an invitation: else it leads into the default project

    def settings(self, app):
        return {"token": app.token}

    # Users

    def test_a_service_account_is_a_system_account(self, app, connector):
        self.fill(app, 2)
        app.more = {"id-1": {"is_service_account": True}}
        assert {account.id: account.kind for account in connector.accounts()} == {"id-0": "user", "id-1": "system"}

    @pytest.mark.parametrize(
        "details, status",
        [({"banned": True}, "unknown: banned"), ({"enabled": False}, "unknown: not enabled"), (None, "active")],
    )
    def test_a_ban_is_asked_about(self, app, connector, details, status):
        self.fill(app, 1)
        app.more = {"id-0": {"user": details}}
        [account] = connector.accounts()
        assert account.status == connector.account("id-0").status == status

    # Invitations

    def test_only_open_invitations_are_accounts(self, app, connector):
        app.seats = [invited(0), invited(1), invited(2)]
        app.ended = {"invite-0": "accepted", "invite-1": "expired"}
        [account] = connector.accounts()
        assert (account.id, account.email, account.status, account.role) == (
            "invitation:invite-2", "invited2@acme.example", "invited", "reader",
        )  # fmt: skip
        assert connector.account("invitation:invite-0") is connector.account("invitation:invite-1") is None

    def test_an_expired_invitation_is_sent_again(self, app, connector):
        app.seats, app.ended = [invited(0)], {"invite-0": "expired"}
        connector.invite("invited0@acme.example", "reader")
        assert len(app.seats) == 2

    def test_a_status_of_an_invitation_that_is_new_is_asked_about(self, app, connector):
        app.seats, app.ended = [invited(0)], {"invite-0": "frozen"}
        [account] = connector.accounts()
        assert account.status == connector.account(account.id).status == "unknown: frozen"

    def test_many_invitations_are_read_to_the_end(self, app, connector):
        app.seats = [invited(n) for n in range(101)]
        assert len(list(connector.accounts())) == 101

    def test_an_invitation_is_looked_up_and_removed_once_and_again(self, app, connector):
        app.seats = [invited(0), invited(1)]
        account = next(connector.accounts())
        assert connector.account(account.id) == account
        with pytest.raises(Refused, match="invite the person again"):
            connector.change_role(account, "owner")
        for _ in range(2):
            connector.remove(account)
        assert [seat.id for seat in app.seats] == ["invite-1"]
        assert connector.account(account.id) is None

    def test_an_invitation_that_was_accepted_in_the_meantime_is_refused_in_openais_words(self, app, connector):
        app.seats = [invited(0)]
        account = next(connector.accounts())
        app.ended = {"invite-0": "accepted"}
        with pytest.raises(Refused, match="already been accepted"):
            connector.remove(account)

    # Projects

    def test_owners_of_a_project_may_hand_it_on(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("proj_1", "Chat", members={"id-0": "owner", "id-1": "member"})]
        assert list(connector.access()) == [
            Access("id-0", "proj_1", "owner", privileged=True), Access("id-1", "proj_1", "member"),
        ]  # fmt: skip

    def test_a_role_in_a_project_is_changed(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("proj_1", "Chat", members={"id-0": "member"})]
        connector.grant(Account("id-0"), Asset("proj_1", "project"), "owner")
        assert app.things[0].members == {"id-0": "owner"}

    def test_an_invited_person_is_in_no_project(self, app, connector):
        app.seats, app.things = [invited(0)], [Thing("proj_1", "Chat")]
        [account] = connector.accounts()
        for change in (lambda: connector.grant(account, Asset("proj_1", "project"), "member"),
                       lambda: connector.revoke(account, Asset("proj_1", "project"))):  # fmt: skip
            with pytest.raises(Refused, match="accepted the invitation"):
                change()

    @pytest.mark.parametrize("count", [100, 101])
    def test_a_project_of_many_is_read_to_its_end(self, app, connector, count):
        app.things = [Thing("proj_1", "Chat", members={f"id-{n}": "member" for n in range(count)})]
        assert len(set(connector.access())) == count

    def test_a_project_that_is_archived_in_the_meantime_is_refused(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("proj_1", "Chat", members={"id-0": "member"})]
        app.archived = {"proj_1"}
        assert list(connector.assets()) == []
        with pytest.raises(Refused, match="archived"):
            connector.revoke(Account("id-0"), Asset("proj_1", "project"))

    def test_a_project_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [Thing("proj_1", "Chat")]
        app.when(app.things.clear, on="project_users")
        with pytest.raises(TemporarilyUnavailable, match="Chat"):
            list(connector.access())

    # Whose key it is

    @pytest.mark.parametrize(("shown", "owner"), [
        (["sk-admin...b34"], "user-0"), (["sk-admin-***34"], None), (["sk-admin-7f…ab34"], "user-0"),
        (["sk-admin...xyz"], None), (["sk-admin...b34", "sk-admin...b34"], None), (["sk-admin"], None), ([], None),
        (["sk-other...b34"], None),
    ])  # fmt: skip
    def test_the_keys_owner_is_found_by_the_ends_that_openai_shows(self, app, connector, shown, owner):
        """OpenAI API reference, “Admin API Keys”: redacted_value, “sk-admin...def”, and owner."""
        app.keys = [(f"key_{n}", value, f"user-{n}") for n, value in enumerate(shown)]
        identity = connector.test()
        assert identity.external_id == owner
        assert bool(identity.missing) == (owner is None)

    def test_a_key_that_belongs_to_nobody_has_no_owner(self, app, connector):
        app.keys = [("key_1", "sk-admin...b34", "")]
        identity = connector.test()
        assert identity.external_id is None and identity.missing

    @pytest.mark.parametrize("status", [403, 404])
    def test_a_key_that_may_not_read_keys_says_so(self, app, connector, status):
        app.fail(app.error(status, "Missing scopes: api.management.read"), on="admin_keys", times=FOREVER)
        identity = connector.test()
        assert identity.external_id is None and "Missing scopes" in identity.missing[0]

    # Roles

    @pytest.mark.parametrize("role", ["admin", ""])
    def test_a_role_that_openai_does_not_give_is_refused(self, app, connector, role):
        self.fill(app, 1)
        app.things = [Thing("proj_1", "Chat")]
        account = next(connector.accounts())
        for change in (lambda: connector.change_role(account, role), lambda: connector.invite("a@acme.example", role),
                       lambda: connector.grant(account, Asset("proj_1", "project"), role)):  # fmt: skip
            with pytest.raises(Refused, match="gives the roles"):
                change()

    # OpenAI's errors

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_key_of_too_few_scopes_stops_the_reading_and_refuses_a_removal(self, app, connector, status):
        self.fill(app, 1)
        account = next(connector.accounts())
        words = "You have insufficient permissions for this operation. Missing scopes: api.management.write."
        app.fail(app.error(status, words), times=FOREVER)
        with pytest.raises(CredentialRejected, match="Missing scopes"):
            list(connector.accounts())
        with pytest.raises(Refused, match="Missing scopes"):
            connector.remove(account)
        assert len(app.seats) == 1

    def test_an_address_that_is_not_there_is_nobodys_absence(self, app, connector):
        self.fill(app, 1)
        app.fail(app.error(404, "Invalid URL (GET /v1/organization/users/id-0)"), times=FOREVER)
        with pytest.raises(Refused, match="nothing about an account"):
            connector.account("id-0")
        with pytest.raises(Refused, match="nothing about an account"):
            connector.remove(Account("id-0"))

    def test_another_account_than_asked_for_is_rejected(self, app, connector):
        self.fill(app, 2)
        app.fail(Reply(200, app._user(app.seats[1])), on="user")
        with pytest.raises(TemporarilyUnavailable, match="other than the account"):
            connector.account("id-0")

    @pytest.mark.parametrize("body", [{}, {"data": [], "object": "list"}, {"data": None, "has_more": False},
                                      {"data": [], "has_more": True, "last_id": None},
                                      {"data": [{"role": "reader"}], "has_more": False}])  # fmt: skip
    def test_an_answer_without_a_list_fails_the_reading(self, app, connector, body):
        app.fail(Reply(200, body), on="users", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())
