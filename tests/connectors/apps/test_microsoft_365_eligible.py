"""Roles in Microsoft 365 that someone may take for a time (Privileged Identity Management)."""

from __future__ import annotations

import pytest

from connectors.apps.microsoft_365 import Microsoft365
from tests.connectors.fake import FOREVER, Seat, Thing
from tests.connectors.fake_graph import GLOBAL, FakeGraph

ELIGIBLE = f"eligible:{GLOBAL}"


@pytest.fixture
def app():
    app = FakeGraph()
    app.seats = [Seat(f"u{n}", f"person{n}@acme.example", f"Person {n}", role="member") for n in range(3)]
    app.start()
    yield app
    app.stop()


@pytest.fixture
def connector(app):
    connector = Microsoft365({"tenant": app.tenant, "client": app.client, "secret": app.token})
    connector.api = connector.login = app.url
    yield connector
    connector.close()


def test_a_role_that_someone_is_eligible_for_is_shown_and_makes_no_administrator(app, connector):
    """unifiedRoleEligibilityScheduleInstance, of a user or of a group."""
    app.things = [Thing("g", "Admins", members={"u1": "member"})]
    app.eligible_for = [("u0", GLOBAL), ("g", GLOBAL)]
    app.seats[2].role = GLOBAL
    assert [account.role for account in connector.accounts()] == [ELIGIBLE, ELIGIBLE, GLOBAL]
    assert connector.account("u0").role == ELIGIBLE
    [role] = [role for role in connector.roles() if role.id == ELIGIBLE]
    assert role.label.endswith("(eligible)") and not role.privileged


def test_an_assigned_role_comes_before_an_eligible_one(app, connector):
    app.eligible_for, app.seats[0].role = [("u0", GLOBAL)], GLOBAL
    assert connector.account("u0").roles == (GLOBAL, ELIGIBLE)


@pytest.mark.parametrize("status", [400, 403])
def test_a_tenant_without_eligible_roles_is_read(app, connector, status):
    """400 AadPremiumLicenseRequired, 403 without the permission: optional data never fails a reading."""
    app.fail(app.error(status, "The tenant needs an AAD Premium 2 license."), on="eligible", times=FOREVER)
    assert [account.role for account in connector.accounts()] == ["member"] * 3
