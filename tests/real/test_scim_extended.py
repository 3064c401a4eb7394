"""Roles in a maker's extension, as Figma and Notion have them, against a real SCIM server of another maker.
The extension is the one that scim2-server knows: RFC 7643's enterprise user, with the role as its department."""

from __future__ import annotations

import pytest

from connectors.base import Role
from connectors.scim.extended import ExtendedScim


class Departments(ExtendedScim):
    label = "Departments"
    extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    ranks = (Role("boss", "Boss", privileged=True), Role("staff", "Staff", default=True))

    def _role_of(self, extension: dict) -> str:
        return extension.get("department", "")

    def _extension_of(self, role: str) -> dict:
        return {"department": role}


@pytest.fixture
def connector(scim_app):
    connector = Departments(scim_app.settings)
    yield connector
    connector.close()


def test_a_role_is_given_changed_and_read_back(connector):
    connector.invite("new@acme.example", "")
    [account] = connector.accounts()
    assert (account.email, account.role) == ("new@acme.example", "staff")
    for _ in range(2):
        connector.change_role(account, "boss")
    again = connector.account(account.id)
    assert (again.role, again.email, again.status) == ("boss", "new@acme.example", "active")


def test_a_user_without_the_extension_gets_one(connector, scim_app):
    scim_app.add_people(1)
    [account] = connector.accounts()
    assert account.role == ""
    connector.change_role(account, "staff")
    again = connector.account(account.id)
    assert (again.role, again.name) == ("staff", "Person 0")


def test_a_removal_keeps_the_role(connector):
    connector.invite("new@acme.example", "boss")
    [account] = connector.accounts()
    connector.remove(account)
    again = connector.account(account.id)
    assert (again.role, again.status) == ("boss", "suspended")
