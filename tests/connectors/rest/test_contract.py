"""An app that a YAML file describes passes the same battery as every connector, and what is peculiar to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.base import Account, Refused, TemporarilyUnavailable
from connectors.rest.connector import connector_of
from connectors.rest.file import load
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import Seat, Thing
from tests.connectors.fake_desk import FakeDesk


class TestDesk(ConnectorContract):
    kind = connector_of(load(Path(__file__).with_name("desk.yaml")))
    fake = FakeDesk
    by_position = True
    statuses = ("active", "suspended")

    def test_an_invitation_is_found_and_withdrawn_by_its_own_calls(self, app, connector):
        app.seats = [Seat("7", "ana@acme.example", "Ana"), Seat("invitation:7", "new@acme.example", status="invited")]
        accounts = {account.id: account for account in connector.accounts()}
        assert {id: account.status for id, account in accounts.items()} == {"7": "active", "invitation:7": "invited"}
        assert connector.account("invitation:7") == accounts["invitation:7"]
        for _ in range(2):
            connector.remove(accounts["invitation:7"])
        assert connector.account("invitation:7") is None
        assert [seat.id for seat in app.seats] == ["7"]

    def test_an_operation_that_the_file_does_not_describe_is_refused_in_words(self, app, connector):
        invited = Account("invitation:7", "new@acme.example", status="invited")
        with pytest.raises(Refused, match="has no “change_role” for this"):
            connector.change_role(invited, "admin")

    def test_someone_else_than_asked_for_is_no_answer(self, app, connector):
        app.seats = [Seat("1", "ana@acme.example"), Seat("2", "ben@acme.example")]
        app.seat = lambda id: app.seats[1]
        with pytest.raises(TemporarilyUnavailable, match="an account other than the requested one"):
            connector.account("1")

    @pytest.mark.parametrize("id", ["..", "../../roles", "a/b", "a?b=c", "a#b", "ä b"])
    def test_an_id_cannot_leave_its_place_in_the_address(self, app, connector, id):
        app.seats = [Seat(id, "ana@acme.example"), Seat("other", "ben@acme.example")]
        try:
            connector.remove(Account(id))
        except Refused:
            assert id == ".."
        else:
            assert [seat.id for seat in app.seats] == ["other"]

    def test_a_project_that_goes_while_it_is_read_is_no_end(self, app, connector):
        app.things = [Thing("p1", "One"), Thing("p2", "Two")]
        app.when(lambda: app.things.pop(), on="project_members")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())
