"""The SCIM connector against scim2-server, which its makers test against live Entra ID and Okta."""

from __future__ import annotations

import pytest

from connectors.base import Account, CredentialRejected, Refused, TemporarilyUnavailable
from connectors.scim.connector import Scim
from tests.real.scim_app import ScimApp


def account(scim: Scim, email: str) -> Account:
    return next(account for account in scim.accounts() if account.email == email)


def test_the_token_is_tested(scim_app: ScimApp, scim: Scim):
    scim_app.add_people(3)
    identity = scim.test()
    assert identity.may[0] == "read 3 users" and identity.missing == ()
    with pytest.raises(CredentialRejected):
        Scim({**scim_app.settings, "token": "wrong"}).test()
    with pytest.raises(Refused, match="no SCIM 2.0 service"):
        Scim({**scim_app.settings, "base_url": scim_app.url + "/nowhere"}).test()
    with pytest.raises(TemporarilyUnavailable):
        Scim({**scim_app.settings, "base_url": "http://127.0.0.1:9/v2"}).test()


@pytest.mark.parametrize("count", [0, 1, 201, 500, 501])  # a page of 200, or of as many as it reports
def test_every_user_is_read_although_the_order_is_unstable(scim_app: ScimApp, scim: Scim, count: int):
    scim_app.add_people(count)
    shown: list[int] = []
    scim.on_total = shown.append
    assert sorted(account.email for account in scim.accounts()) == sorted(scim_app.users())
    assert shown == [count]


def test_the_attributes_of_a_user_are_read(scim_app: ScimApp, scim: Scim):
    ana = scim_app.add_user("ana@acme.example", "Ана <b>Брандт</b>", "admin", userType="Contractor")
    off = scim_app.add_user("off@acme.example", active=False)
    read = {account.id: account for account in scim.accounts()}
    assert read[ana] == Account(ana, "ana@acme.example", "Ана <b>Брандт</b>", "active", "admin", seat="Contractor",
                                user_name="ana@acme.example", defaulted_fields=frozenset({"employee_number"}))
    assert read[off].status == "suspended"
    assert {role.id: role.privileged for role in scim.roles()} == {"admin": True}
    assert scim.account(ana) == read[ana]
    assert scim.account("nobody") is None


def test_a_removal_deactivates_once_and_again(scim_app: ScimApp, scim: Scim):
    scim_app.add_people(3)
    leaver = account(scim, "person1@acme.example")
    scim.remove(leaver)
    version = scim_app.user("person1@acme.example")["meta"]["version"]
    scim.remove(leaver)
    assert {name: user["active"] for name, user in scim_app.users().items()} == {
        "person0@acme.example": True, "person1@acme.example": False, "person2@acme.example": True,
    }  # fmt: skip
    assert scim_app.user("person1@acme.example")["meta"]["version"] == version
    assert scim.account(leaver.id).status == "suspended"


def test_a_removal_deletes_once_and_again(scim_app: ScimApp):
    scim_app.add_people(3)
    scim = Scim({**scim_app.settings, "removal": "delete"})
    leaver = account(scim, "person1@acme.example")
    scim.remove(leaver)
    scim.remove(leaver)
    assert set(scim_app.users()) == {"person0@acme.example", "person2@acme.example"}
    assert scim.account(leaver.id) is None
    scim.close()


def test_a_role_is_changed_and_the_rest_stays(scim_app: ScimApp, scim: Scim):
    scim_app.add_user("ana@acme.example", "Ana", "viewer", title="Head of Ops")
    for _ in range(2):
        scim.change_role(account(scim, "ana@acme.example"), "editor")
    ana = scim_app.user("ana@acme.example")
    assert [role["value"] for role in ana["roles"]] == ["editor"] and ana["title"] == "Head of Ops"


def test_every_role_is_read_and_a_change_leaves_the_others_as_they_were(scim_app: ScimApp, scim: Scim):
    billing = {"value": "billing", "display": "Billing", "type": "finance"}
    roles = [{"value": "viewer", "primary": True}, billing, {"value": "admin"}]
    ana = scim_app.add_user("ana@acme.example", "Ana", roles=roles)
    assert scim.account(ana).roles == ("admin", "viewer", "billing"), "who administers comes first"
    announced = scim.roles_after(scim.account(ana), "editor")
    scim.change_role(scim.account(ana), "editor")
    assert set(scim.account(ana).roles) == set(announced) == {"editor", "viewer", "billing"}
    kept = next(role for role in scim_app.user("ana@acme.example")["roles"] if role["value"] == "billing")
    assert (kept["display"], kept["type"]) == ("Billing", "finance")


def test_an_invitation_makes_a_user_once(scim_app: ScimApp, scim: Scim):
    for _ in range(2):
        scim.invite("new@acme.example", "viewer")
    new = account(scim, "new@acme.example")
    assert (new.role, new.status) == ("viewer", "active") and len(scim_app.users()) == 1
    scim.remove(new)
    scim.invite("NEW@acme.example", "viewer")
    assert scim.account(new.id).status == "active"


def test_groups_are_assets_with_access(scim_app: ScimApp, scim: Scim):
    ana, ben = scim_app.add_user("ana@acme.example"), scim_app.add_user("ben@acme.example")
    team, empty = scim_app.add_group("Team", [ana]), scim_app.add_group("Empty", [])
    assert {asset.id: asset.name for asset in scim.assets()} == {team: "Team", empty: "Empty"}
    assert [(access.account, access.asset) for access in scim.access()] == [(ana, team)]
    groups = {asset.name: asset for asset in scim.assets()}
    for _ in range(2):
        scim.grant(scim.account(ben), groups["Team"], "")
        scim.grant(scim.account(ben), groups["Empty"], "")
    assert scim_app.groups() == {"Team": {ana, ben}, "Empty": {ben}}
    for _ in range(2):
        scim.revoke(scim.account(ana), groups["Team"])
    assert scim_app.groups() == {"Team": {ben}, "Empty": {ben}}


def test_roles_can_be_groups(scim_app: ScimApp):
    ana = scim_app.add_user("ana@acme.example")
    admins, members = scim_app.add_group("Admins", [ana]), scim_app.add_group("Members", [])
    scim = Scim({**scim_app.settings, "roles_from": "groups"})
    assert {role.id: role.privileged for role in scim.roles()} == {admins: True, members: False}
    assert account(scim, "ana@acme.example").role == admins
    scim.change_role(scim.account(ana), members)
    assert scim_app.groups() == {"Admins": set(), "Members": {ana}}
    scim.close()


@pytest.mark.parametrize("lacking", [("patch",), ("etag",), ("filter", "sort"), ("patch", "filter", "sort", "etag")])
def test_a_poor_server_is_read_and_changed_too(own_scim_server, lacking):
    app = own_scim_server(*lacking).app()
    app.add_people(120)
    ana = app.add_user("ana@acme.example", "Ana", "viewer")
    team = app.add_group("Team", [])
    scim = Scim(app.settings)
    assert len({account.id for account in scim.accounts()}) == 121
    scim.change_role(scim.account(ana), "editor")
    scim.grant(scim.account(ana), next(scim.assets()), "")
    assert app.groups() == {"Team": {ana}} and scim.account(ana).role == "editor"
    scim.revoke(scim.account(ana), next(scim.assets()))
    scim.remove(scim.account(ana))
    assert app.groups() == {"Team": set()} and not app.is_active("ana@acme.example")
    assert len(app.users()) == 121 and next(scim.assets()).id == team
    scim.close()
