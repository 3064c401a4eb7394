"""What the contract itself computes: an account's roles, those after a change, access to one asset, effects."""

from __future__ import annotations

import pytest

from connectors.base import Access, Account, Asset, Connector
from connectors.effects import Effect, Reach, Undo, about


def test_an_account_has_each_role_once_the_main_one_first():
    assert Account("1", role="admin", further_roles=("editor", "admin", "")).roles == ("admin", "editor")
    assert Account("1", further_roles=("editor",)).roles == ("editor",)


@pytest.mark.parametrize(("keeps", "roles"), [(False, ("viewer",)), (True, ("viewer", "editor"))])
def test_a_change_of_role_replaces_all_roles_or_the_main_one_alone(keeps, roles):
    kind = type("Kind", (Connector,), {"change_role_keeps": keeps})
    assert kind.roles_after(Account("1", role="admin", further_roles=("editor", "viewer")), "viewer") == roles


def test_access_to_an_asset_is_found_among_all_access():
    rows = [Access("1", "2", "a"), Access("2", "1", "b"), Access("3", "2", "c")]
    kind = type("Kind", (Connector,), {"access": lambda self: iter(rows)})
    assert [row.role for row in kind({}).access_to(Asset("2", "room"))] == ["a", "c"]


def test_each_reach_includes_itself_and_those_before_it():
    for place, reach in enumerate(Reach):
        assert [reach.includes(other) for other in Reach] == [other <= place for other in range(len(Reach))]


def test_an_effect_is_about_the_invited_or_about_those_who_have_joined():
    joined, invited = (Effect("Removes them.", Reach.ASSET, Undo.POSSIBLE, invited=value) for value in (False, True))
    assert (about((joined, invited), True), about((joined, invited), False)) == ((invited,), (joined,))
    assert about((joined,), True) == (joined,), "it makes no difference in this app"
