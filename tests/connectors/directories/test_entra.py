"""Microsoft Entra ID as a directory: the battery, then guests, missing values, groups, totals and the credential."""

from __future__ import annotations

from datetime import date

import pytest

from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.directories.entra import EntraDirectory
from tests.connectors.directory_contract import DirectoryContract
from tests.connectors.fake import FOREVER, Reply
from tests.connectors.fake_graph import FakeGraph


class TestEntraDirectory(DirectoryContract):
    kind, fake, address = EntraDirectory, FakeGraph, ("api", "login")
    page = group_page = 999
    sends_fewer = True
    statuses = {"enabled": "active", "disabled": "deprovisioned", "hidden": "active"}
    sends_total = True
    group_lists = ("groups", "everyone")

    def settings(self, app):
        return {"tenant": app.tenant, "client": app.client, "secret": app.token}

    # Guests and user names

    def test_guests_are_left_out_unless_asked_for(self, app, connector):
        self.fill(app, 3)
        app.seats[1].role = "guest"
        app.more[app.seats[2].id] = {"userType": None}
        assert list(self.people(connector)) == ["id-0", "id-2"]
        with_guests = self.connect(app, guests="yes")
        assert list(self.people(with_guests)) == ["id-0", "id-1", "id-2"]
        with_guests.close()

    def test_a_guests_user_name_is_neither_name_nor_address(self, app):
        self.fill(app, 1)
        app.seats[0].role, app.seats[0].email = "guest", ""
        app.more["id-0"] = {"userPrincipalName": "ana_gmail.com#ext#@acme.example", "otherMails": ["Ana@gmail.example"]}
        connector = self.connect(app, guests="yes")
        [person] = self.read(connector)
        assert (person.email, person.user_name, person.further_emails) == ("Ana@gmail.example", "", ())
        connector.close()

    def test_every_address_is_reported_once_and_only_addresses(self, app, connector):
        self.fill(app, 1)
        app.more["id-0"] = {
            "mail": "Ana@acme.example", "userPrincipalName": "ana.b@acme.example",
            "proxyAddresses": ["SMTP:ana@ACME.example", "smtp: ana@old.example", "SIP:ana@acme.example",
                               "X500:/o=Acme/cn=ana@x500.example", None, "smtp:"],
            "otherMails": ["ana@home.example", "ANA@old.example", None],
        }  # fmt: skip
        [person] = self.read(connector)
        assert (person.email, person.user_name) == ("Ana@acme.example", "ana.b@acme.example")
        assert person.further_emails == ("ana.b@acme.example", "ana@old.example")
        wanted = self.connect(app, second_email="yes")
        assert self.read(wanted)[0].further_emails == ("ana.b@acme.example", "ana@old.example", "ana@home.example")
        wanted.close()

    # Who has left

    @pytest.mark.parametrize(("choice", "status"), [
        ({}, "deprovisioned"), ({"blocked": "left"}, "deprovisioned"), ({"blocked": "locked"}, "suspended"),
    ])  # fmt: skip
    def test_the_status_of_a_blocked_user_is_a_setting(self, app, choice, status):
        self.fill(app, 2)
        app.seats[0].status = "disabled"
        connector = self.connect(app, **choice)
        assert [person.status for person in self.read(connector)] == [status, "active"]
        connector.close()

    @pytest.mark.parametrize(("hired", "status"), [
        ("2026-11-25T00:00:00Z", "deprovisioned"), ("2026-11-26T00:00:00Z", "suspended"),
        ("2026-11-27T00:00:00Z", "deprovisioned"), ("0001-01-01T00:00:00Z", "deprovisioned"), (None, "deprovisioned"),
        ("soon", "deprovisioned"),
    ])  # fmt: skip
    def test_the_hire_date_of_a_blocked_user_is_read(self, app, connector, hired, status):
        """“Create workflow”: a new employee's account is blocked until the hire date, and is enabled on that day. For
        a later day, it is the start date by which Rollcall knows that they haven't left."""
        self.fill(app, 1)
        app.seats[0].status = "disabled"
        app.more["id-0"] = {"employeeHireDate": hired}
        connector.today = date(2026, 11, 26)
        [person] = self.read(connector)
        assert person.status == status
        assert person.start_date == (date.fromisoformat(hired[:10]) if hired and hired.startswith("2026") else None)

    def test_when_nobody_is_reported_the_reading_fails(self, app, connector):
        self.fill(app, 3)
        for seat in app.seats:
            seat.status = "hidden"
        with pytest.raises(CredentialRejected, match="User.Read.All.*Nothing was changed"):
            self.read(connector)
        assert "User.Read.All" in " ".join(connector.test().missing)

    def test_an_empty_tenant_is_empty(self, connector):
        assert self.read(connector) == []
        assert connector.test().missing == ()

    def test_the_total_is_asked_for_with_every_page(self, app, connector):
        """Graph drops the header from one page to the next."""
        self.fill(app, 2000)
        assert len(self.read(connector)) == 2000
        assert [request.headers.get("consistencylevel") for request in app.asked("users")] == ["eventual"] * 3

    # Groups

    def test_groups_within_groups_are_followed(self, app, connector):
        self.fill(app, 2)
        app.things = [self.make_group(0), self.make_group(1)]
        app.things[1].members = {"id-1": ""}
        app.within = {"group-0": ["group-1"]}
        assert [person.groups for person in self.read(connector)] == [(), ("Group 0", "Group 1")]

    def test_two_groups_of_one_name_are_one(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_group(0), self.make_group(1)]
        for group in app.things:
            group.name, group.members = "Sales", {"id-0": ""}
        assert [person.groups for person in self.read(connector)] == [("Sales",)]

    def test_groups_may_be_left_out(self, app):
        self.fill(app, 1)
        app.fail(app.error(403, "Insufficient privileges"), on="groups", times=FOREVER)
        connector = self.connect(app, groups="no")
        assert [person.groups for person in self.read(connector)] == [()]
        assert (connector.test().may, connector.test().missing) == (("read users",), ())
        connector.close()

    # Answers

    def test_a_page_that_is_kept_no_longer_fails_the_reading(self, app, connector):
        self.fill(app, 1000)
        expired = app.refuse(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")
        app.fail(expired, on="users", skip=1, times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="no longer keeps"):
            self.read(connector)

    def test_another_refusal_is_reported_in_its_words(self, app, connector):
        app.fail(app.error(400, "Resource not found for the segment"), on="users", times=FOREVER)
        with pytest.raises(Refused, match="Resource not found for the segment"):
            self.read(connector)

    def test_a_limit_in_the_middle_is_handed_on(self, app, connector):
        self.fill(app, 1000)
        limit = Reply(429, app.error(429, "Please retry again later.").body, {"Retry-After": "120"})
        app.fail(limit, on="users", skip=1, times=FOREVER)
        with pytest.raises(RateLimited, match="retry again later") as waits:
            self.read(connector)
        assert waits.value.retry_after == 120

    # The credential

    def test_says_who_it_is_and_what_is_missing(self, app, connector):
        self._group(app)
        assert (connector.test().name, connector.test().may) == ("Acme", ("read users", "read groups"))
        app.fail(app.error(403, "Insufficient privileges"), on="everyone", times=FOREVER)
        assert "GroupMember.Read.All" in " ".join(connector.test().missing)

    def test_a_rejected_token_is_renewed_once(self, app, connector):
        self.fill(app, 1000)
        app.fail(lambda _: app.unauthorised(), on="users", skip=1)
        assert len(self.read(connector)) == 1000
        assert app.tokens_given == 2

    def test_a_wrong_secret_is_reported_in_microsofts_words(self, app):
        connector = self.connect(app, secret="wr0ng-s3cret")
        with pytest.raises(CredentialRejected, match="AADSTS7000215") as raised:
            self.read(connector)
        assert "wr0ng-s3cret" not in str(raised.value)
        connector.close()

    def test_an_address_in_place_of_a_tenant_reaches_no_other(self, app):
        connector = self.connect(app, tenant="../evil")
        with pytest.raises((CredentialRejected, Refused)):
            connector.test()
        assert [request.path for request in app.requests] == ["/..%2Fevil/oauth2/v2.0/token"]
        app.violations.clear()
        connector.close()
