"""Presets that follow RFC 7644 in all that Rollcall asks of them, against a real SCIM server of another maker."""

from __future__ import annotations

import pytest

from connectors.apps.canva import Canva
from connectors.apps.miro import Miro
from connectors.apps.one_password import OnePassword
from connectors.scim.preset import ScimPreset
from tests.real.scim_app import TOKEN, ScimApp

WITH_GROUPS = (Miro, OnePassword)


@pytest.fixture(params=[Canva, Miro, OnePassword], ids=lambda kind: kind.slug)
def preset(request, scim_app: ScimApp):
    connector = request.param({"base_url": scim_app.url, "token": TOKEN})
    yield connector
    connector.close()


def test_everyone_is_read_and_looked_up(preset: ScimPreset, scim_app: ScimApp):
    scim_app.add_people(45)
    read = {account.email: account for account in preset.accounts()}
    assert set(read) == set(scim_app.users())
    account = read["person7@acme.example"]
    assert preset.account(account.id) == account
    assert preset.account("nobody") is None


def test_a_removal_deactivates_one_person_once_and_again(preset: ScimPreset, scim_app: ScimApp):
    scim_app.add_people(3)
    leaver = next(account for account in preset.accounts() if account.email == "person1@acme.example")
    for _ in range(2):
        preset.remove(leaver)
    assert {name: user["active"] for name, user in scim_app.users().items()} == {
        "person0@acme.example": True, "person1@acme.example": False, "person2@acme.example": True,
    }  # fmt: skip
    assert preset.account(leaver.id).status == "suspended"


@pytest.mark.parametrize("kind", WITH_GROUPS, ids=lambda kind: kind.slug)
def test_groups_are_read_and_changed(kind: type[ScimPreset], scim_app: ScimApp):
    ana, ben = scim_app.add_user("ana@acme.example"), scim_app.add_user("ben@acme.example")
    team = scim_app.add_group("Team", [ana])
    preset = kind({"base_url": scim_app.url, "token": TOKEN})
    assert [(access.account, access.asset) for access in preset.access()] == [(ana, team)]
    [asset] = preset.assets()
    preset.grant(preset.account(ben), asset, "")
    preset.revoke(preset.account(ana), asset)
    assert scim_app.groups() == {"Team": {ben}}
    preset.close()
