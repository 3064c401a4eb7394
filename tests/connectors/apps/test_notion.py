"""The Notion connector: the contract over SCIM, then the public API that only reads."""

from __future__ import annotations

import pytest

from connectors.apps.notion import Notion
from connectors.base import CAPABILITIES, LOOK_UP, CredentialRejected, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_notion import EXTENSION, FakeNotion, FakeNotionPublic
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat
from tests.connectors.reading_contract import ReadingContract


class TestNotion(ConnectorContract):
    kind = Notion
    fake = FakeNotion
    address = "api"
    other_role = "membership_admin"
    lesser_roles = ("membership_admin",)
    invited_status = "active"  # SCIM knows no invitations

    def settings(self, app):
        return {"token": app.token}

    def test_a_member_is_removed_not_deactivated(self, app, connector):
        self.fill(app, 2)
        connector.remove(next(connector.accounts()))
        assert [seat.id for seat in app.seats] == ["id-1"]
        assert not connector.removal_suspends

    def test_another_owner_is_removed(self, app, connector):
        self.fill(app, 2)
        app.seats[0].role = app.seats[1].role = "owner"
        connector.remove(connector.account("id-1"))
        assert [seat.id for seat in app.seats] == ["id-0"]

    @pytest.mark.parametrize("extension", [None, {}, "owner", {"role": None}, {"role": ["owner"]}])
    def test_a_role_that_is_not_reported_is_none(self, app, connector, extension):
        self.fill(app, 1)
        app.raw["id-0"] = {EXTENSION: extension}
        assert next(connector.accounts()).role == ""

    def test_a_role_that_notion_has_not_is_refused(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused, match="admin"):
            connector.change_role(next(connector.accounts()), "admin")
        assert app.asked("patch_user") == []

    def test_a_change_writes_the_role_and_nothing_of_the_profile(self, app, connector):
        self.fill(app, 1)
        connector.change_role(next(connector.accounts()), "restricted_member")
        [call] = app.asked("patch_user")
        assert call.body["Operations"] == [{"op": "replace", "value": {EXTENSION: {"role": "restricted_member"}}}]

    def test_an_existing_member_is_found_by_email(self, app, connector):
        app.seats = [Seat("id-0", "new@acme.example", role="owner")]
        connector.invite("New@acme.example", "member")
        assert [seat.role for seat in app.seats] == ["owner"]

    def test_groups_can_be_left_out(self, app):
        app.things = [self.make_thing(0)]
        connector = self.connect(app, groups="leave out")
        assert list(connector.assets()) == list(connector.access()) == []
        connector.close()


class TestNotionPublic(ReadingContract):
    kind = Notion
    fake = FakeNotionPublic
    address = "api"
    sends_total = False

    def read(self, connector):
        return list(connector.accounts())

    def make_seat(self, n):
        return Seat(f"id-{n}", f"person{n}@acme.example", f"Person {n}")

    def settings(self, app):
        return {"api": "public", "token": app.token}

    def asks(self, app, connector):
        return [*super().asks(app, connector), lambda: connector.account("id-0")]

    def make(self, app, settings, *more):
        return super().make(app, settings, *more or (None,))

    def test_it_only_reads(self, app, connector):
        assert Notion.capabilities == set(CAPABILITIES)
        assert connector.capabilities == {LOOK_UP}
        assert connector.roles() == list(connector.assets()) == list(connector.access()) == []

    def test_the_second_look_is_the_list(self, app, connector):
        self.fill(app, 101)
        assert connector.account("id-100") == list(connector.accounts())[100]
        assert connector.account("guest") is None
        app.fail(Reply(500), on="users", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            connector.account("id-0")

    def test_connections_are_no_people(self, app, connector):
        app.seats = [Seat("id-0", "a@acme.example", "Ann"), Seat("id-1", "", "Robot", role="bot")]
        assert [(account.kind, account.name) for account in connector.accounts()] == [
            ("user", "Ann"), ("system", "Robot"),
        ]  # fmt: skip

    def test_says_who_the_connection_is(self, app, connector):
        self.fill(app, 1)
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Rollcall in Acme", "bot-1", ())

    def test_hidden_emails_are_reported(self, app, connector):
        self.fill(app, 2)
        app.shows_emails = False
        assert "e-mail" in connector.test().missing[0]
        with pytest.raises(CredentialRejected, match="no e-mail addresses.*Nothing was changed"):
            list(connector.accounts())

    def test_no_right_to_read_people_is_reported(self, app, connector):
        app.fail(app.error(403, "Insufficient permissions", "restricted_resource"), on="users", times=FOREVER)
        for ask in (connector.test, lambda: list(connector.accounts())):
            with pytest.raises(CredentialRejected, match="capability"):
                ask()

    def test_a_personal_token_is_distinguished_from_a_connections(self, app, connector):
        app.me_type = "person"
        with pytest.raises(CredentialRejected, match="personal access token"):
            connector.test()

    def test_an_overload_is_a_passing_fault(self, app, connector):
        app.fail(app.error(529, "Overloaded", "service_overload"), times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())

    @pytest.mark.parametrize("body", [{}, {"results": None}, {"results": [{"type": "person"}]}, []])
    def test_an_answer_without_a_list_of_users_fails_the_reading(self, app, connector, body):
        app.fail(Reply(200, body), on="users", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())

    @pytest.mark.parametrize("further", [{}, {"has_more": True}, {"has_more": True, "next_cursor": None}])
    def test_a_list_that_does_not_say_where_it_goes_on_is_not_whole(self, app, connector, further):
        """developers.notion.com/reference/intro, “Pagination”: has_more, and next_cursor when it is true."""
        row = {"id": "u-1", "type": "person", "name": "Ana", "person": {"email": "ana@acme.example"}}
        app.fail(Reply(200, {"object": "list", "results": [row], **further}), on="users", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="more"):
            list(connector.accounts())
