"""The Google directory: the contract, then aliases, guests, nested groups and everyone's, and what test() shows."""

from __future__ import annotations

import pytest

from connectors.base import CredentialRejected
from connectors.directories.google import GoogleDirectory
from tests.connectors.directory_contract import DirectoryContract
from tests.connectors.fake import Request, Thing
from tests.connectors.fake_google_admin import ADMIN, CUSTOMER, SCOPE, FakeGoogleAdmin, pem


class FakeDirectory(FakeGoogleAdmin):
    admin = ""  # the id of the administrator that Rollcall acts as; "" is the first person

    def user(self, request: Request) -> dict:
        assert request.ids["user"] == ADMIN and request.params["fields"] == "id"
        return {"id": self.admin or next((person.id for person in self.listed), "")}


class TestGoogleDirectory(DirectoryContract):
    kind, fake, address = GoogleDirectory, FakeDirectory, ("api", "login")
    page = 500
    sends_fewer = True
    statuses = {"active": "active", "suspended": "suspended", "archived": "deprovisioned"}
    group_lists = ("groups", "members")
    group_page = 200
    sends_further_emails = False  # those in the profile are left out unless they are wanted, see below

    def settings(self, app):
        return {"key": app.key_file, "admin": ADMIN}

    def secrets(self, app):
        return [app.key_file, pem(), pem().splitlines()[5]]

    def test_aliases_are_further_addresses_and_those_of_the_profile_where_they_are_wanted(self, app, connector):
        self.fill(app, 1)
        app.seats[0].further_emails = (app.seats[0].email, "zoe@private.example", "Z@acme.example")
        app.more["id-0"] = {"aliases": ["z@acme.example", "z@acme.example"], "nonEditableAliases": ["z@test.example"]}
        assert self.people(connector)["id-0"].further_emails == ("z@acme.example", "z@test.example")
        wanted = self.connect(app, second_email="yes")
        assert self.people(wanted)["id-0"].further_emails == (
            "zoe@private.example", "Z@acme.example", "z@test.example",
        )  # fmt: skip
        wanted.close()

    def test_fields_of_another_form_are_none(self, app, connector):
        self.fill(app, 1)
        app.more["id-0"] = {"emails": None, "externalIds": {"value": "1"}, "aliases": "z@acme.example", "name": None}
        [person] = self.read(connector)
        assert (person.further_emails, person.employee_number, person.name) == ((), "", "")

    def test_a_user_suspended_and_archived_has_left(self, app, connector):
        self.fill(app, 1)
        app.more["id-0"] = {"suspended": True, "archived": True}
        assert self.people(connector)["id-0"].status == "deprovisioned"

    @pytest.mark.parametrize(
        ("choice", "reason", "status"),
        [
            ({}, "ADMIN", "suspended"), ({"suspended": "locked"}, "ADMIN", "suspended"),
            ({"suspended": "left"}, "ADMIN", "deprovisioned"), ({"suspended": "left"}, None, "deprovisioned"),
            ({"suspended": "left"}, "ABUSE", "suspended"), ({"suspended": "left"}, "WEB_LOGIN_REQUIRED", "suspended"),
        ],
    )  # fmt: skip
    def test_the_status_of_a_suspended_user_is_a_setting(self, app, choice, reason, status):
        """Only if an administrator suspended the user: admin_directory_v1, suspensionReason."""
        self.fill(app, 2)
        app.more["id-0"] = {"suspended": True, **({"suspensionReason": reason} if reason else {})}
        connector = self.connect(app, **choice)
        assert [person.status for person in self.read(connector)] == [status, "active"]
        connector.close()

    def test_a_list_without_the_administrator_is_not_everyone(self, app, connector):
        """A role can be “restricted to an organization unit” (admin_directory_v1, RoleAssignment.orgUnitId)."""
        self.fill(app, 3)
        app.admin = "100"
        with pytest.raises(CredentialRejected, match="only some of the.*Nothing was changed"):
            self.read(connector)
        with pytest.raises(CredentialRejected, match="only some of the"):
            connector.test()

    def test_guests_are_left_out(self, app, connector):
        self.fill(app, 2)
        app.more["id-1"] = {"isGuestUser": True}
        assert set(self.people(connector)) == {"id-0"}

    def test_a_group_in_a_group_and_everyones_group(self, app, connector):
        self.fill(app, 3)
        app.things = [
            Thing("g1", "Sales", members={"id-0": "OWNER", "g2": ""}),
            Thing("g2", "Berlin", members={"id-0": "", "id-1": ""}),
            Thing("g3", "Everyone", members={CUSTOMER: ""}),
        ]
        assert {id: person.groups for id, person in self.people(connector).items()} == {
            "id-0": ("Everyone", "Sales", "Berlin"),
            "id-1": ("Everyone", "Sales", "Berlin"),
            "id-2": ("Everyone",),
        }

    def test_says_what_it_sees(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("g1", "Sales", members={"id-0": ""})]
        assert connector.test().name == f"{ADMIN}, sees 2 people in 1 group"

    def test_a_scope_that_is_not_delegated_is_named(self, app, connector):
        app.delegated.discard(f"{SCOPE}group.readonly")
        with pytest.raises(CredentialRejected, match="group.readonly"):
            connector.test()
