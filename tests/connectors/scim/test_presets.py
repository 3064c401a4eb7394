"""What every SCIM preset has in common: how its second look reads each status, and what its page asks for."""

from __future__ import annotations

import pytest

from connectors.base import ConnectorError
from connectors.scim.connector import Scim
from connectors.scim.preset import ScimPreset
from tests.connectors.apps.test_aws_identity_center import TestAwsIdentityCenter as Aws
from tests.connectors.apps.test_canva import TestCanva as Canva
from tests.connectors.apps.test_miro import TestMiro as Miro
from tests.connectors.apps.test_one_password import TestOnePassword as OnePassword
from tests.connectors.apps.test_salesforce import TestSalesforce as Salesforce
from tests.connectors.fake import FOREVER, Reply

BATTERIES = (Aws, Canva, Miro, OnePassword, Salesforce)
each_preset = pytest.mark.parametrize("battery", BATTERIES, ids=lambda battery: battery.kind.slug)


@pytest.fixture
def app(battery):
    app = battery.fake()
    app.start()
    yield app
    app.stop()


@each_preset
@pytest.mark.parametrize("status", [400, 401, 403, 409, 412, 429, 500])
def test_only_404_says_that_someone_is_gone(battery, app, status):
    """400 to 500 are what the documents name beside it: ValidationException, AccessDeniedException, …"""
    held = battery()
    held.fill(app, 1)
    connector = held.connect(app)
    app.fail(app.error(status, "No."), on="user", times=FOREVER)
    with pytest.raises(ConnectorError):
        connector.account(app.seats[0].id)
    with pytest.raises(ConnectorError):
        connector.remove(next(connector.accounts()))
    assert app.seats[0].status == "active"
    app.behave()
    app.fail(app.error(404, "There is no such user."), on="user")
    assert connector.account(app.seats[0].id) is None
    connector.close()


@each_preset
def test_a_removal_that_the_app_did_not_do_is_refused(battery, app):
    held = battery()
    held.fill(app, 1)
    connector = held.connect(app)
    app.fail(lambda reply: Reply(200, {**reply.body, "active": True}), on="patch_user", acts=True)
    with pytest.raises(ConnectorError, match="is unchanged"):
        connector.remove(next(connector.accounts()))
    connector.close()


@each_preset
def test_it_asks_for_no_more_than_it_needs(battery, app):
    """Not for what a removal does, or where the roles are: the preset knows."""
    names = {field.name for field in battery.kind.fields}
    assert issubclass(battery.kind, ScimPreset) and not names & {"removal", "roles_from"}
    assert battery.kind.capabilities < Scim.capabilities
