"""Part of the battery for apps: an operation makes no call that reaches further than its connector declares.
A fake says in `reaches` how far each call of its app reaches, by the same document as the call itself."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from connectors.base import ASSETS, CHANGE_ROLE, GRANT, INVITE, REMOVE, REVOKE, Connector, Refused
from connectors.effects import Reach
from tests.connectors.fake import FakeApp

METHOD = {
    REMOVE: "remove", CHANGE_ROLE: "change_role", INVITE: "invite", GRANT: "grant", REVOKE: "revoke",
}  # fmt: skip


class ReachContract:
    """Mixed into ConnectorContract, whose attributes it uses."""

    def stays_within(self, app: FakeApp, connector: Connector, operation: str, *what: Any) -> None:
        """Run the operation; a refusal by the app is fine."""
        effects = connector.effects_of(operation)
        assert effects, f"declare the effect of “{operation}”"
        if any(effect.reach is Reach.NOT_DECLARED for effect in effects):
            return
        app.requests.clear()
        with contextlib.suppress(Refused):
            getattr(connector, METHOD[operation])(*what)
        for request in app.requests:
            reach = app.reach_of(request)
            assert reach is None or any(effect.reach.includes(reach) for effect in effects), (
                f"“{operation}” declares {', '.join(effect.reach for effect in effects)}, but {request.method} "
                f"{request.path} reaches the {reach}"
            )

    @pytest.mark.only_where(REMOVE)
    def test_a_removal_stays_within_its_reach(self, app, connector):
        for account in self.of_each_kind(app, connector)[0]:
            self.stays_within(app, connector, REMOVE, account)

    @pytest.mark.only_where(CHANGE_ROLE)
    def test_a_change_of_role_stays_within_its_reach(self, app, connector):
        for account in self.of_each_kind(app, connector)[0]:
            self.stays_within(app, connector, CHANGE_ROLE, account, self.other_role)

    @pytest.mark.only_where(INVITE)
    def test_an_invitation_stays_within_its_reach(self, app, connector):
        self.of_each_kind(app, connector)
        self.stays_within(app, connector, INVITE, "new@acme.example", self.role)

    @pytest.mark.only_where(GRANT, REVOKE, ASSETS)
    def test_access_stays_within_its_reach(self, app, connector):
        accounts, assets = self.of_each_kind(app, connector)
        for account in accounts:
            self.stays_within(app, connector, GRANT, account, assets[0], self.asset_role)
            self.stays_within(app, connector, REVOKE, account, assets[0])
