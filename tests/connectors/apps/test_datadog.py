"""The Datadog connector: the contract, then keys, sites, statuses, several roles, invitations and teams."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.apps.datadog import SITES, Datadog
from connectors.base import Access, Account, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.apps.fake_datadog import FakeDatadog
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestDatadog(ConnectorContract):
    kind, fake, address = Datadog, FakeDatadog, "api"
    role, other_role, owner_role = "r-standard", "r-read", "r-admin"
    may_be_empty = ("role",)  # UserTeamRole is “admin” or null (DataDog/datadog-api-client-python)
    higher_asset_role = managing_role = "admin"
    several_roles = ("r-admin", "r-standard")
    statuses = ("active", "invited", "suspended")
    by_position = True
    refuses_owner = False  # Datadog lets an administrator disable any other: the core's guard protects the last

    def settings(self, app):
        return {"api_key": app.api_key, "application_key": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(f"u-{n}", f"person{n}@acme.example", f"Person {n}", role="r-standard")

    # Keys and sites

    def test_says_whose_the_application_key_is(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Rollcall", "u-rollcall", ())

    @pytest.mark.parametrize("wrong", ["api_key", "application_key"])
    def test_a_wrong_key_is_reported_and_shown_nowhere(self, app, wrong):
        connector = self.connect(app, **{wrong: "another-k3y"})
        with pytest.raises(CredentialRejected) as rejected:
            connector.test()
        assert "another-k3y" not in str(rejected.value)
        connector.close()

    @pytest.mark.parametrize("site, address", [("", "https://api.datadoghq.com"),
                                               ("datadoghq.eu", "https://api.datadoghq.eu"),
                                               ("us2.ddog-gov.com", "https://api.us2.ddog-gov.com")])  # fmt: skip
    def test_each_site_has_its_own_address(self, site, address):
        assert Datadog({"site": site})._address == address
        assert not site or site in dict(SITES)

    def test_a_scope_that_is_missing_for_teams_is_named(self, app, connector):
        app.fail(app.error(403, "Forbidden"), on="teams")
        [missing] = connector.test().missing
        assert "teams_read" in missing

    def test_a_used_up_limit_waits_until_it_begins_again(self, app, connector):
        """“Rate Limits”: X-RateLimit-Reset is the time in seconds until the next reset."""
        headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "45"}
        app.fail(Reply(429, {"errors": ["Too many requests"]}, headers), on="users", times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == pytest.approx(45)

    # Users

    def test_last_sign_in_and_handle_are_reported(self, app, connector):
        self.fill(app, 1)
        [account] = connector.accounts()
        assert (account.last_activity, account.user_name) == (datetime(2026, 11, 20, 8), "person0@acme.example")

    def test_someone_who_never_signed_in_has_no_last_sign_in(self, app, connector):
        self.fill(app, 1)
        app.more["u-0"] = {"last_login_time": None}
        [account] = connector.accounts()
        assert account.last_activity is None and not account.missing_fields

    def test_a_service_account_is_no_person(self, app, connector):
        self.fill(app, 2)
        app.more["u-1"] = {"service_account": True}
        assert [account.kind for account in connector.accounts()] == ["user", "system"]

    @pytest.mark.parametrize("status, shown", [("Locked", "unknown: Locked"), (None, "unknown"), ("", "unknown")])
    def test_a_status_that_is_not_known_is_asked_about(self, app, connector, status, shown):
        self.fill(app, 1)
        app.more["u-0"] = {"status": status}
        assert [account.status for account in connector.accounts()] == [shown]
        assert connector.account("u-0").status == shown

    @pytest.mark.parametrize("body", [{}, {"data": None}, {"data": []}, {"data": {"attributes": {}}}])
    def test_an_answer_without_the_user_is_no_absence(self, app, connector, body):
        app.fail(Reply(200, body), on="user")
        with pytest.raises(TemporarilyUnavailable, match="without what was asked for"):
            connector.account("u-0")

    def test_an_answer_without_its_list_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"meta": {}}), on="users")
        with pytest.raises(TemporarilyUnavailable, match="without its list of users"):
            list(connector.accounts())

    # Removal

    def test_someone_disabled_is_not_disabled_again(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        for _ in range(2):
            connector.remove(account)
        assert len(app.asked("disable")) == 1

    def test_a_pending_user_is_disabled_too(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "invited"
        connector.remove(next(connector.accounts()))
        assert app.seats[0].status == "suspended"

    def test_a_user_who_is_gone_is_removed(self, app, connector):
        connector.remove(Account("u-9"))
        assert app.asked("disable") == []

    # Roles

    def test_a_role_that_gives_roles_is_an_administrators(self, app, connector):
        assert {role.id for role in connector.roles() if role.privileged} == {"r-admin", "r-people"}
        assert [role.id for role in connector.roles() if role.default] == ["r-standard"]

    def test_a_new_role_is_added_before_the_earlier_one_is_taken(self, app, connector):
        self.fill(app, 1)
        account = next(connector.accounts())
        connector.change_role(account, "r-read")
        changes = [request.method for request in app.requests if request.path.startswith("/api/v2/roles/")]
        assert changes == ["POST", "DELETE"]

    def test_a_role_that_datadog_does_not_have_takes_nothing(self, app, connector):
        self.fill(app, 1)
        with pytest.raises(Refused):
            connector.change_role(next(connector.accounts()), "r-gone")
        assert app.seats[0].role == "r-standard" and app.asked("take_from_role") == []

    def test_a_user_without_a_role_gets_one(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = ""
        account = next(connector.accounts())
        assert (account.role, account.roles) == ("", ())
        connector.change_role(account, "r-read")
        assert app.seats[0].role == "r-read"

    # Invitations

    def test_an_invitation_is_sent_to_the_user_that_was_made(self, app, connector):
        connector.invite("new@acme.example", "r-read")
        assert app.invitations == ["u-new-0"] and app.seats[0].role == "r-read"

    def test_an_invitation_that_was_not_sent_is_sent_at_the_next_try(self, app, connector):
        app.fail(Reply(400, {"errors": ["Bad Request"]}), on="send_invitations")
        with pytest.raises(Refused):
            connector.invite("new@acme.example", "r-read")
        connector.invite("New@acme.example", "r-read")
        assert app.invitations == ["u-new-0"] and len(app.asked("create")) == 1

    def test_someone_in_the_organisation_is_not_invited(self, app, connector):
        self.fill(app, 1)
        connector.invite("person0@acme.example", "r-read")
        assert app.invitations == [] and app.asked("create") == []

    def test_someone_with_a_similar_address_is_another(self, app, connector):
        self.fill(app, 1)
        connector.invite("n0@acme.example", "r-read")
        assert [seat.email for seat in app.seats] == ["person0@acme.example", "n0@acme.example"]

    def test_an_address_that_only_case_folding_joins_is_another_persons(self, app, connector):
        self.fill(app, 1)
        app.seats[0].email, app.seats[0].status = "gross@acme.example", "invited"
        connector.invite("groß@acme.example", "r-read")
        assert [seat.email for seat in app.seats] == ["gross@acme.example", "groß@acme.example"]

    def test_someone_disabled_is_enabled_in_datadog(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "suspended"
        with pytest.raises(Refused, match="enable them there"):
            connector.invite("person0@acme.example", "r-read")

    # Teams

    def test_an_admin_may_hand_the_team_on(self, app, connector):
        app.things = [Thing("t-1", "Platform", members={"u-0": "admin", "u-1": "member"})]
        assert list(connector.access()) == [
            Access("u-0", "t-1", "admin", privileged=True), Access("u-1", "t-1", "member"),
        ]  # fmt: skip

    def test_a_member_is_made_an_admin(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("t-1", "Platform", members={"u-0": "member"})]
        connector.grant(next(connector.accounts()), next(connector.assets()), "admin")
        assert app.things[0].members == {"u-0": "admin"}

    def test_a_role_that_teams_do_not_have_is_refused(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("t-1", "Platform")]
        with pytest.raises(Refused, match="members and admins"):
            connector.grant(next(connector.accounts()), next(connector.assets()), "owner")

    @pytest.mark.parametrize("count", [100, 101])
    def test_a_large_team_is_read_to_its_end(self, app, connector, count):
        app.things = [Thing("t-1", "All", members={f"u-{n}": "member" for n in range(count)})]
        assert len(set(connector.access())) == count

    def test_a_team_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [self.make_thing(0)]
        app.when(app.things.clear, on="in_team")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    def test_teams_can_be_left_out(self, app):
        self.fill(app, 1)
        app.things = [Thing("t-1", "Platform", members={"u-0": "admin"})]
        connector = self.connect(app, teams="leave out")
        assert list(connector.assets()) == list(connector.access()) == []
        assert connector.managed(next(connector.accounts())) == [], "nor are they read before a removal"
        connector.close()

    def test_fewer_teams_of_a_user_than_datadog_counts_are_not_all(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(200, {"data": [], "meta": {"pagination": {"total": 1}}}), on="teams_of_user")
        with pytest.raises(TemporarilyUnavailable, match="all teams of the user"):
            connector.managed(Account("u-0"))
