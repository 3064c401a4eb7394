"""The Canva connector: the contract, then what Canva's SCIM does in its own way."""

from __future__ import annotations

import pytest

from connectors.apps.canva import Canva
from connectors.base import ConnectorError, Refused
from tests.connectors.apps.fake_canva import FakeCanva
from tests.connectors.contract import ConnectorContract


class TestCanva(ConnectorContract):
    kind = Canva
    fake = FakeCanva
    address = "api"
    page = 10
    by_position = True
    role, other_role, owner_role = "Member", "Teacher", "Administrator"
    statuses = ("active", "suspended")
    refuses_owner = False  # Canva's documents name no such refusal

    def settings(self, app):
        return {"token": app.token}

    def test_ten_people_are_asked_for_at_once(self, app, connector):
        self.fill(app, 25)
        assert len(list(connector.accounts())) == 25
        assert {request.params["count"] for request in app.asked("users")} == {"10"}

    def test_a_removal_deprovisions_and_deletes_nobody(self, app, connector):
        self.fill(app, 2)
        connector.remove(next(connector.accounts()))
        [call] = app.asked("patch_user")
        assert call.body["Operations"] == [{"op": "replace", "path": "active", "value": False}]
        assert [account.status for account in connector.accounts()] == ["suspended", "active"]

    def test_someone_outside_the_domains_that_canva_lets_scim_manage_is_not_removed(self, app, connector):
        app.wants_domain = "@other.example"
        self.fill(app, 1)
        with pytest.raises(ConnectorError, match="Email domain not authorized for SCIM"):
            connector.remove(next(connector.accounts()))
        assert app.seats[0].status == "active"

    def test_without_single_sign_on_canva_says_so(self, app, connector):
        app.fail(app.error(400, "No SSO configurations found, please check the settings page"), on="users")
        with pytest.raises(Refused, match="No SSO configurations found"):
            connector.test()

    def test_a_good_token_is_asked_for_no_groups_and_names_who_needs_protection(self, app, connector):
        """A group always comes without its members, so it would look as if nobody were in it."""
        self.fill(app, 3)
        identity = connector.test()
        assert identity.may == ("read 3 users", "deactivate users")
        [missing] = identity.missing
        assert "Protect those people by hand" in missing
