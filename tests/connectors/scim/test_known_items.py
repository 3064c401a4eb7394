"""Users whose items are known give the same roles as users that are read."""

from __future__ import annotations

import pytest

from tests.connectors.items_contract import Kept
from tests.connectors.scim.test_connector import fill


@pytest.mark.parametrize("renamed", [(0, 2), (1,)])
def test_a_role_with_two_labels_has_the_one_of_the_last_user(service, connect, renamed):
    fill(service, 3)
    for seat, label in zip(service.seats, ("Member", "Owner", "Member")):
        service.raw[seat.id] = {"roles": [{"value": "x", "display": label}]}
    connector, kept = connect(), Kept()
    kept.read(connector)
    for place in renamed:
        service.seats[place].name = "Renamed"
    _, skipped = kept.read(connector)
    assert skipped == 3 - len(renamed)
    assert [role.label for role in connector.roles()] == ["Member"]
