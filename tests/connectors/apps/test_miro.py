"""The Miro connector: the contract, then what Miro's SCIM does in its own way."""

from __future__ import annotations

import pytest

from connectors.apps.miro import Miro
from connectors.base import Refused
from tests.connectors.apps.fake_miro import ADMINISTRATOR, MEMBER, FakeMiro
from tests.connectors.contract import ConnectorContract


class TestMiro(ConnectorContract):
    kind = Miro
    fake = FakeMiro
    address = "api"
    page = 500
    sends_fewer = True
    by_position = True
    role, other_role, owner_role = MEMBER, ADMINISTRATOR, ADMINISTRATOR
    several_roles = (MEMBER, "User Admin")
    statuses = ("active", "suspended")
    invited_status = "active"  # SCIM knows no invitations
    refuses_owner = False  # it refuses company admins, in other words: below

    def settings(self, app):
        return {"token": app.token}

    def test_a_user_admin_does_not_administer_the_whole_app(self, app, connector):
        """Left alone, they could make nobody a company admin."""
        self.fill(app, 2)
        app.seats[0].further_roles, app.seats[1].role = ("User Admin", "Content Admin"), ADMINISTRATOR
        assert {role.id for role in connector.roles() if role.privileged} == {ADMINISTRATOR}

    def test_a_licence_is_shown_as_the_seat(self, app, connector):
        self.fill(app, 1)
        assert next(connector.accounts()).seat == "Full"

    def test_a_company_admin_that_miro_keeps_is_reported(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = ADMINISTRATOR
        with pytest.raises(Refused, match="company admin"):
            connector.remove(next(connector.accounts()))
        assert app.seats[0].status == "active"

    def test_someone_deactivated_is_not_put_into_a_group(self, app, connector):
        """“Patch group”: “All added team members are reactivated … if they were deactivated”."""
        self.fill(app, 1)
        app.things = [self.make_thing(0)]
        app.seats[0].status = "suspended"
        [leaver], [group] = connector.accounts(), connector.assets()
        with pytest.raises(Refused, match="activate them again"):
            connector.grant(leaver, group, "")
        assert app.seats[0].status == "suspended" and app.things[0].members == {}

    def test_a_new_user_is_named_by_the_user_name_alone(self, app, connector):
        connector.invite("new@acme.example", MEMBER)
        connector.invite("other@acme.example", "")
        first, second = (call.body for call in app.asked("create_user"))
        assert first["roles"] == [{"type": "organization_user_role", "value": MEMBER, "primary": True}]
        assert "emails" not in first and "roles" not in second

    def test_nobody_is_invited_with_an_admin_role(self, app, connector):
        with pytest.raises(Refused, match="Content Admin"):
            connector.invite("new@acme.example", "Content Admin")
        assert app.asked("create_user") == []
