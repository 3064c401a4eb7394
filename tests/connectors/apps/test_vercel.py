"""The Vercel connector: the contract, then requests to join, invitations, paging by time, the token and errors."""

from __future__ import annotations

import pytest

from connectors.apps.vercel import Vercel
from connectors.base import Account, CredentialRejected, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_vercel import TEAM, FakeVercel
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat


def invited(n: int) -> Seat:
    return Seat(f"invite-{n}", f"invited{n}@acme.example", role="MEMBER", status="invited")


class TestVercel(ConnectorContract):
    kind = Vercel
    fake = FakeVercel
    address = "api"
    role, other_role, owner_role = "MEMBER", "DEVELOPER", "OWNER"
    lesser_roles = ("SECURITY", "BILLING", "CONTRIBUTOR")
    statuses = ("active", "invited")
    sends_total = False  # Vercel's list is paged by time
    refuses_owner = False  # Vercel doesn't say whether it refuses to remove the last owner

    def settings(self, app):
        return {"team": TEAM, "token": app.token}

    # Members and requests to join

    @pytest.mark.parametrize("confirmed, status", [(True, "active"), (False, "invited"), (None, "unknown")])
    def test_the_status_follows_from_the_confirmation(self, app, connector, confirmed, status):
        self.fill(app, 1)
        app.more = {"id-0": {"confirmed": confirmed}}
        [account] = connector.accounts()
        assert account.status == connector.account("id-0").status == status

    def test_a_request_to_join_is_dismissed(self, app, connector):
        self.fill(app, 1)
        app.more = {"id-0": {"confirmed": False}}
        connector.remove(next(connector.accounts()))
        assert app.seats == []

    def test_a_user_without_a_name_has_a_user_name(self, app, connector):
        self.fill(app, 1)
        app.more = {"id-0": {"name": None}}
        [account] = connector.accounts()
        assert (account.name, account.user_name) == ("user-id-0", "user-id-0")

    def test_a_member_who_is_still_listed_is_not_gone(self, app, connector):
        self.fill(app, 1)
        app.fail(app.error(404, "Not found"), on="remove_member")
        with pytest.raises(Refused, match="still in Vercel's list"):
            connector.remove(Account("id-0"))

    @pytest.mark.parametrize("role", ["KING", ""])
    def test_a_role_that_vercel_does_not_have_is_refused(self, app, connector, role):
        self.fill(app, 1)
        for change in (lambda: connector.change_role(Account("id-0"), role),
                       lambda: connector.invite("new@acme.example", role)):  # fmt: skip
            with pytest.raises(Refused, match="role"):
                change()
        assert [seat.role for seat in app.seats] == ["MEMBER"]

    # Invitations

    def test_an_invitation_is_looked_up_and_removed_once_and_again(self, app, connector):
        app.seats = [invited(0), invited(1)]
        account = next(connector.accounts())
        assert (account.id, account.status) == ("invitation:invite-0", "invited")
        assert connector.account(account.id) == account
        with pytest.raises(Refused, match="invite the person again"):
            connector.change_role(account, "OWNER")
        for _ in range(2):
            connector.remove(account)
        assert [seat.id for seat in app.seats] == ["invite-1"]
        assert connector.account(account.id) is None

    def test_an_expired_invitation_is_not_an_account(self, app, connector):
        app.seats, app.more = [invited(0)], {"invite-0": {"expired": True}}
        assert list(connector.accounts()) == []

    def test_an_invitation_comes_once_though_each_page_has_it(self, app, connector):
        self.fill(app, 150)
        app.seats.append(invited(0))
        assert [account.id for account in connector.accounts()].count("invitation:invite-0") == 1

    def test_an_invitation_of_the_directory_is_refused_in_vercels_words(self, app, connector):
        app.seats, app.synced = [invited(0)], {"invite-0"}
        with pytest.raises(Refused, match="directory sync"):
            connector.remove(next(connector.accounts()))

    def test_a_member_is_not_invited_again(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused, match="member of the team already"):
            connector.invite("person0@acme.example", "MEMBER")

    # Paging by time

    def test_members_added_at_the_same_time_are_all_read(self, app, connector):
        """An import adds many at once: 60 in a millisecond, so that a page ends among them."""
        app.seats = [self.make_seat(n) for n in range(240)]
        app.more = {f"id-{n}": {"createdAt": 1_700_000_000_000 - n // 60 * 10} for n in range(240)}
        assert {account.id for account in connector.accounts()} == {f"id-{n}" for n in range(240)}

    def test_more_at_one_time_than_a_page_holds_is_no_reading(self, app, connector):
        app.seats = [self.make_seat(n) for n in range(150)]
        app.more = {f"id-{n}": {"createdAt": 1_700_000_000_000} for n in range(150)}
        with pytest.raises(TemporarilyUnavailable, match="may be missing. Nothing was changed"):
            list(connector.accounts())

    @pytest.mark.parametrize("body", [{}, {"members": []}, {"members": None, "pagination": {"hasNext": False}},
                                      {"members": [], "pagination": {}},
                                      {"members": [{"uid": "id-0"}], "pagination": {"hasNext": False}},
                                      {"members": [], "emailInviteCodes": {}, "pagination": {"hasNext": False}}],
                             )  # fmt: skip
    def test_an_answer_without_a_list_fails_the_reading(self, app, connector, body):
        app.fail(Reply(200, body), on="members", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())

    # The token

    def test_says_who_the_token_is(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Olga in Acme", "me", ())

    def test_a_token_of_someone_else_than_an_owner_is_reported(self, app, connector):
        app.my_role = "DEVELOPER"
        assert "DEVELOPER" in connector.test().missing[0]
        with pytest.raises(Refused, match="do not have permission"):
            connector.invite("new@acme.example", "MEMBER")

    def test_a_token_that_has_expired_is_not_a_refusal_of_the_removal(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        connector.test()
        app.fail(Reply(403, {"error": {"code": "forbidden", "message": "Not authorized", "invalidToken": True}}),
                 times=FOREVER)  # fmt: skip
        with pytest.raises(CredentialRejected, match="has expired"):
            connector.remove(account)

    def test_the_owner_of_the_token_is_not_removed(self, app, connector):
        self.fill(app, 1)
        app.my_id = "id-0"
        with pytest.raises(Refused, match="belongs to"):
            connector.remove(next(connector.accounts()))
        assert len(app.seats) == 1

    def test_another_team_is_reported(self, app, connector):
        app.fail(app.error(404, "Team not found"), on="team")
        with pytest.raises(CredentialRejected, match="no team with this ID"):
            connector.test()
