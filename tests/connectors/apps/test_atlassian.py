"""The Atlassian connector: the contract, then who has an account, activity, directories, apps, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.apps.atlassian import Atlassian
from connectors.base import Account, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_atlassian import FakeAtlassian
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing

ORG_ADMIN = "atlassian/org-admin"


class TestAtlassian(ConnectorContract):
    """Removal suspends, as it does unless someone chooses otherwise."""

    kind, fake, address = Atlassian, FakeAtlassian, "api"
    page = 50
    role, other_role, owner_role = "user", ORG_ADMIN, ORG_ADMIN
    lesser_roles = ("atlassian/site-admin", "atlassian/user-access-admin")
    several_roles = (ORG_ADMIN, "atlassian/site-admin", "atlassian/ai-access")
    statuses = ("active", "suspended")
    sends_total = False  # the list of users has cursors only
    refuses_owner = False  # what Atlassian answers for an organization's last admin is not documented

    def settings(self, app):
        return {"org_id": app.org_id, "token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(f"5570{n:05}", f"person{n}@acme.example", f"Person {n}", role="user")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"group:g{n:03}", f"Group {n}")

    # Who has an account, and when they last used it

    def test_a_closed_user_or_one_in_no_directory_has_no_account(self, app, connector):
        self.fill(app, 3)
        app.more[app.seats[0].id] = {"membershipStatus": "no_membership", "status": "not_invited"}
        app.more[app.seats[1].id] = {"accountStatus": "closed"}
        assert [account.id for account in connector.accounts()] == [app.seats[2].id]
        assert connector.account(app.seats[0].id) is None

    @pytest.mark.parametrize(
        "facts", [{"accountStatus": "inactive", "status": "deactivated"}, {"status": "for_deletion"}]
    )
    def test_a_user_who_is_deactivated_or_awaits_deletion_is_suspended(self, app, connector, facts):
        self.fill(app, 1)
        app.more[app.seats[0].id] = facts
        assert [account.status for account in connector.accounts()] == ["suspended"]

    def test_shows_the_latest_activity_in_any_app(self, app, connector):
        self.fill(app, 2)
        moments = ["2026-11-20T10:00:00Z", "2026-11-23T09:30:00.000Z", None, "soon"]
        app.more[app.seats[0].id] = {"productAccess": [{"key": "jira", "lastActiveTimestamp": at} for at in moments]}
        assert [account.last_activity for account in connector.accounts()] == [datetime(2026, 11, 23, 9, 30), None]

    def test_the_highest_role_counts_and_apps_are_no_people(self, app, connector):
        self.fill(app, 2)
        app.more[app.seats[0].id] = {"platformRoles": ["atlassian/ai-access", "atlassian/site-admin", ORG_ADMIN]}
        app.more[app.seats[1].id] = {"platformRoles": ["atlassian/ai-access"], "accountType": "app"}
        found = list(connector.accounts())
        assert [(a.role, a.kind) for a in found] == [(ORG_ADMIN, "user"), ("user", "system")]
        assert [a.further_roles for a in found] == [
            ("atlassian/site-admin", "atlassian/ai-access"), ("atlassian/ai-access",),
        ]  # fmt: skip

    def test_a_search_that_finds_others_too_is_not_taken_for_them(self, app, connector):
        """Of the filter the documentation says no more than its name."""
        self.fill(app, 3)
        everyone = Reply(200, {"data": [app._user(seat, ["platformRoles"]) for seat in app.seats], "links": {}})
        app.fail(everyone, on="users", times=FOREVER)
        assert connector.account(app.seats[1].id).email == app.seats[1].email
        assert connector.account("nobody") is None

    # Removal, in several directories too

    def in_three_directories(self, app) -> tuple[str, str]:
        """Someone who leaves and is in two directories, and someone who stays and is in all."""
        self.fill(app, 2)
        leaver, stays = (seat.id for seat in app.seats)
        app.places |= {"d-2": "Labs", "d-3": "Shop"}
        app.elsewhere = {"d-2": {leaver, stays}, "d-3": {stays}}
        return leaver, stays

    def test_everyone_is_read_at_once_and_suspended_in_each_directory(self, app, connector):
        leaver, stays = self.in_three_directories(app)
        account = next(connector.accounts())
        assert {request.path.split("/")[5] for request in app.asked("users")} == {"-"}
        for _ in range(2):
            connector.remove(account)
        assert {seat.id: seat.status for seat in app.seats} == {leaver: "suspended", stays: "active"}
        assert app.suspended_elsewhere == {("d-2", leaver)}
        assert app.asked("remove") == [] and len(app.asked("suspend")) == 2
        assert connector.removal_suspends and connector.account(leaver).status == "suspended"

    def test_a_suspension_that_failed_half_way_is_finished(self, app, connector):
        leaver, _ = self.in_three_directories(app)
        account = next(connector.accounts())
        app.fail(app.error(403, "Not now"), on="suspend", skip=1)
        with pytest.raises(Refused, match="Not now"):
            connector.remove(account)
        connector.remove(account)
        assert app.seats[0].status == "suspended" and app.suspended_elsewhere == {("d-2", leaver)}

    def test_someone_suspended_in_one_directory_only_has_the_membership_of_another(self, app, connector):
        """No document says which of them the list of all directories shows: an unfinished removal isn't one."""
        leaver, stays = self.in_three_directories(app)
        app.seats[0].status = "suspended"
        assert [account.status for account in connector.accounts()] == ["active", "active"]
        assert connector.account(leaver).status == "active"
        app.more[leaver] = {"accountStatus": "new word"}
        assert connector.account(leaver).status == "unknown: new word", "and not suspended"
        del app.more[leaver]
        app.suspended_elsewhere = {("d-2", leaver)}
        assert [account.status for account in connector.accounts()] == ["suspended", "active"]
        app.word_elsewhere = "new word"
        assert [account.status for account in connector.accounts()] == ["unknown: new word", "active"]
        app.word_elsewhere = "suspended"
        app.seats[1].status = "suspended"
        app.more[stays] = {"accountStatus": "inactive"}
        assert [account.status for account in connector.accounts()] == ["suspended", "suspended"]

    def test_a_suspended_user_keeps_groups_and_roles(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = ORG_ADMIN
        app.things = [self.make_thing(0)]
        app.things[0].members = {app.seats[0].id: "member"}
        connector.remove(next(connector.accounts()))
        assert app.seats[0].role == ORG_ADMIN and app.things[0].members

    def test_by_choice_people_are_removed_from_each_directory(self, app):
        leaver, stays = self.in_three_directories(app)
        connector = self.connect(app, removal="remove")
        assert not connector.removal_suspends
        for _ in range(2):
            connector.remove(Account(leaver))
        assert [seat.id for seat in app.seats] == [stays]
        assert app.elsewhere == {"d-2": {stays}, "d-3": {stays}}
        assert app.asked("suspend") == []
        connector.close()

    # Groups and apps

    def test_reads_every_page_of_groups_and_apps_with_who_has_them(self, app, connector):
        self.fill(app, 1)
        ids = [f"ari:cloud:jira::site/{n}" for n in range(5)]
        app.things = [self.make_thing(n) for n in range(21)] + [Thing(f"app:{id}", "acme") for id in ids]
        for thing in app.things:
            thing.members = {app.seats[0].id: "member"}
        assets = {asset.id: (asset.kind, asset.name) for asset in connector.assets()}
        assert set(assets) == {thing.id for thing in app.things}
        assert assets[f"app:{ids[0]}"] == ("app", "Jira · acme · https://acme.atlassian.example")
        assert sorted(access.asset for access in connector.access()) == sorted(assets)

    def test_a_total_of_apps_that_lies_is_rejected(self, app, connector):
        app.things, app.lie = [Thing("app:1", "acme")], 1
        with pytest.raises(TemporarilyUnavailable):
            list(connector.assets())

    def test_access_to_an_app_is_changed_through_its_groups(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("app:1", "acme", members={app.seats[0].id: ""})]
        [account], [asset] = connector.accounts(), connector.assets()
        for change in (lambda: connector.grant(account, asset, ""), lambda: connector.revoke(account, asset)):
            with pytest.raises(Refused, match="through its groups"):
                change()

    def test_a_group_that_an_identity_provider_keeps_is_refused_in_atlassians_words(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("group:g1", "All", "synced")]
        with pytest.raises(Refused, match="Not allowed to manage the group"):
            connector.grant(next(connector.accounts()), next(connector.assets()), "member")

    def test_a_group_that_is_gone_needs_no_revoking(self, app, connector):
        self.fill(app, 1)
        app.things = [self.make_thing(0)]
        [account], [asset] = connector.accounts(), connector.assets()
        app.things.clear()
        connector.revoke(account, asset)
        with pytest.raises(Refused, match="Group not found"):
            connector.grant(account, asset, "member")

    # Roles, the credential, limits

    @pytest.mark.parametrize("now,role", [("atlassian/site-admin", "user"), ("user", "atlassian/site-admin")])
    def test_other_roles_are_changed_in_atlassian(self, app, connector, now, role):
        self.fill(app, 1)
        app.seats[0].role = now
        with pytest.raises(Refused, match="only the role of organization admin"):
            connector.change_role(next(connector.accounts()), role)
        assert app.seats[0].role == now

    def test_the_role_of_an_admin_is_taken(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = ORG_ADMIN
        account = next(connector.accounts())
        for _ in range(2):
            connector.change_role(account, "user")
        assert app.seats[0].role == "user"
        with pytest.raises(Refused, match="no longer in the organization"):
            connector.change_role(Account("gone", name="Kim"), "user")

    def test_nobody_is_protected_as_the_keys_owner_and_a_warning_shows_it(self, connector):
        assert connector.test().external_id is None and "can't protect the admin" in connector.own_account_unknown

    def test_a_wrong_organisation_and_missing_permissions_are_reported(self, app, connector):
        wrong = self.connect(app, org_id="other")
        with pytest.raises(CredentialRejected, match="Check the organization ID"):
            wrong.test()
        wrong.close()
        assert connector.test().name == "Acme"
        app.fail(app.error(403, "Not allowed to manage the org"), on="workspaces", times=FOREVER)
        [missing] = connector.test().missing
        assert missing.startswith("read apps: ") and "Not allowed to manage the org" in missing

    def test_the_wait_is_reported_as_a_date(self, app, connector):
        reset = (datetime.now(UTC) + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%MZ")
        app.fail(Reply(429, {}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}), times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert 450 <= limited.value.retry_after <= 601
