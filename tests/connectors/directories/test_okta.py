"""Okta as a directory: the battery, and what is Okta's own."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from connectors.base import CredentialRejected, RateLimited, TemporarilyUnavailable
from connectors.directories.okta import OktaDirectory
from tests.connectors.directory_contract import DirectoryContract, Staff
from tests.connectors.fake import FOREVER, Reply, Thing
from tests.connectors.fake_okta import FakeOkta


class TestOktaDirectory(DirectoryContract):
    kind, fake = OktaDirectory, FakeOkta
    page = group_page = 200
    sends_fewer = True
    calls_before = 1  # the list of those who left
    statuses = {
        "ACTIVE": "active", "STAGED": "active", "PROVISIONED": "active", "RECOVERY": "active",
        "PASSWORD_EXPIRED": "active", "LOCKED_OUT": "suspended", "SUSPENDED": "suspended",
        "DEPROVISIONED": "deprovisioned",
    }  # fmt: skip
    sends_further_emails = False  # the second one is left out unless it is wanted, see below
    group_lists = ("groups", "members")

    def make_seat(self, n: int) -> Staff:
        email = f"person{n}@acme.example"
        return Staff(f"00u{n:05}", email, f"Person {n}", "ACTIVE", user_name=email)

    def make_group(self, n: int) -> Thing:
        return Thing(f"00g{n:05}", f"Group {n}")

    def test_the_secondary_email_is_used_only_where_it_is_wanted(self, app, connector):
        self.fill(app, 2)
        for person in app.seats:
            person.further_emails = ("zoe@private.example",)
        app.seats[1].email = "zoe@private.example"
        assert {person.further_emails for person in connector.people()} == {()}
        wanted = self.connect(app, second_email="yes")
        assert [person.further_emails for person in wanted.people()] == [("zoe@private.example",), ()]
        wanted.close()

    def test_a_display_name_comes_first(self, app, connector):
        self.fill(app, 1)
        app.admin = "00u1"
        shown = {"id": "00u1", "status": "ACTIVE", "profile": {"displayName": "Zoë", "firstName": "Z", "lastName": "Å"}}
        app.fail(Reply(200, [shown]), on="users", skip=1)
        assert [person.name for person in connector.people()] == ["Zoë"]

    def test_a_status_that_is_new_fails_the_reading(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "ON_LEAVE"
        with pytest.raises(TemporarilyUnavailable, match="ON_LEAVE"):
            list(connector.people())

    def test_a_list_without_the_tokens_own_admin_is_no_whole_one(self, app, connector):
        """So it looks to an admin of some groups, who is in none of them."""
        self.fill(app, 3)
        app.admin = "00ume"
        with pytest.raises(CredentialRejected, match="only some of the.*Nothing was changed"):
            self.read(connector)

    def test_someone_activated_between_the_two_lists_is_noticed(self, app, connector):
        self.fill(app, 2)
        app.seats[0].status = "DEPROVISIONED"
        app.when(lambda: setattr(app.seats[0], "status", "ACTIVE"), on="users", skip=1)
        with pytest.raises(TemporarilyUnavailable, match="activated"):
            list(connector.people())

    def test_reads_every_page_of_those_who_left(self, app, connector):
        self.fill(app, self.page + 1)
        for person in app.seats:
            person.status = "DEPROVISIONED"
        assert [person.status for person in connector.people()] == ["deprovisioned"] * len(app.seats)

    def test_a_next_page_on_another_host_is_not_asked_for(self, app, connector):
        app.fail(Reply(200, [], {"Link": '<https://evil.example/api/v1/users?after=1>; rel="next"'}), on="users")
        with pytest.raises(Exception, match="another host"):
            list(connector.people())

    @pytest.mark.parametrize("clock", [0, 7200])
    def test_the_wait_is_reported_by_oktas_own_clock(self, app, connector, clock):
        now = time.time() + clock
        headers = {"X-Rate-Limit-Limit": "600", "X-Rate-Limit-Remaining": "0",
                   "X-Rate-Limit-Reset": str(int(now) + 600), "Date": formatdate(now, usegmt=True)}  # fmt: skip
        app.fail(Reply(429, {"errorCode": "E0000047"}, headers), times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.people())
        assert limited.value.retry_after == pytest.approx(600, abs=2)

    def test_the_causes_of_an_error_are_reported(self, app, connector):
        app.fail(app.error(400, "Api validation failed", "limit: must be a number"), on="users", times=FOREVER)
        with pytest.raises(Exception, match="Api validation failed: limit: must be a number"):
            list(connector.people())

    @pytest.mark.parametrize(
        "roles,misses",
        [(["READ_ONLY_ADMIN"], False), (["USER_ADMIN", "SUPER_ADMIN"], False), (None, False), ([], False),
         (["USER_ADMIN"], True), (["CUSTOM", "HELP_DESK_ADMIN"], True)],
    )  # fmt: skip
    def test_an_admin_of_some_groups_learns_that_they_do_not_see_everyone(self, app, connector, roles, misses):
        app.admin, app.admin_roles = "00ume", roles
        identity = connector.test()
        assert identity.name == "Olga Brandt at 127.0.0.1"
        assert identity.external_id == "00ume"
        assert bool(identity.missing) == misses
