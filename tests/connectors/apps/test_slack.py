"""The Slack connector: the contract over SCIM and over the Admin API, then guests, bots, channels, groups, errors."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.apps.slack import Slack
from connectors.base import (
    CHANGE_ROLE,
    REMOVE,
    Account,
    Asset,
    CredentialRejected,
    RateLimited,
    Refused,
    TemporarilyUnavailable,
)
from tests.connectors.apps.fake_slack import FakeSlack
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestSlack(ConnectorContract):
    """Removal over SCIM."""

    kind, fake = Slack, FakeSlack
    page = 200
    sends_fewer = True
    role, other_role, owner_role = "member", "admin", "primary_owner"
    statuses = ("active", "invited", "suspended")
    sends_total = False  # users.list has cursors only
    given_where_true = ("is_invited_user",)  # “will only be present if …”: docs.slack.dev/reference/objects/user-object
    removal = "scim"
    over_scim = True

    def settings(self, app):
        return {"token": app.token, "admin_token": app.admin_token, "removal": self.removal}

    def connect(self, app, on_total=None, **settings):
        connector = super().connect(app, on_total, **settings)
        connector.api, connector.scim = f"{app.url}/api", f"{app.url}/scim/v2"
        return connector

    @classmethod
    def offers(cls, what: str) -> bool:
        """SCIM does not change Slack's roles."""
        return super().offers(what) and (what != CHANGE_ROLE or cls.removal == "admin")

    def make_seat(self, n: int) -> Seat:
        return Seat(f"U{n:05}", f"person{n}@acme.example", f"Person {n}", role="member")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"channel:C{n}", f"thing-{n}")

    def test_someone_removed_between_pages_hides_nobody(self, app, connector):
        """Nobody vanishes from Slack's list: removed members stay in it as deleted."""
        self.fill(app, 2 * self.page + 5)
        app.when(lambda: setattr(app.seats[0], "status", "suspended"), on="users", skip=1)
        assert len(list(connector.accounts())) == 2 * self.page + 5

    def test_its_operations_depend_on_how_people_are_removed(self, app):
        offered = {way: self.connect(app, removal=way).capabilities for way in ("by hand", "scim", "admin")}
        assert REMOVE not in offered["by hand"]
        assert REMOVE in offered["scim"] and CHANGE_ROLE not in offered["scim"]
        assert offered["admin"] == Slack.capabilities

    def test_by_hand_nothing_is_removed(self, app):
        connector = self.connect(app, removal="by hand")
        with pytest.raises(Refused, match="Deactivate the account in Slack"):
            connector.remove(Account("U1"))

    # People

    @pytest.mark.parametrize("role", ["owner", "guest", "single_channel_guest", "external"])
    def test_flags_become_the_strongest_role(self, app, connector, role):
        self.fill(app, 1)
        app.seats[0].role = role
        assert [account.role for account in connector.accounts()] == [role]

    @pytest.mark.parametrize(
        "user,enterprise,role",
        [
            ({"team_id": "T1"}, "", "member"),
            ({"team_id": "T-OTHER", "is_stranger": False}, "", "external"),
            ({"team_id": "T-OTHER", "is_stranger": True}, "", "external"),
            ({"team_id": "T1", "enterprise_user": {"enterprise_id": "E1", "teams": ["T1"]}}, "E1", "member"),
            ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1", "teams": ["T2"]}}, "E1", "member"),
            ({"team_id": "E1"}, "E1", "member"),
            ({"team_id": "T9", "enterprise_user": {"enterprise_id": "E9", "teams": ["T9"]}}, "E1", "external"),
            ({"team_id": "E9"}, "E1", "external"),
            ({"team_id": "T9", "enterprise_user": {"enterprise_id": "E9", "teams": ["T9"]}}, "", "external"),
        ],
    )  # fmt: skip
    def test_people_of_other_companies_are_recognised_by_their_workspace(self, app, connector, user, enterprise, role):
        """Of people in a shared channel that the app sees, is_stranger is false: docs.slack.dev, “User object”."""
        self.fill(app, 1)
        app.enterprise, app.more = enterprise, {app.seats[0].id: user}
        assert [account.role for account in connector.accounts()] == [role]
        assert connector.account(app.seats[0].id).role == role

    def test_nobody_of_another_company_is_removed(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = "external"
        with pytest.raises(Refused, match="Person 0 belongs to another company"):
            connector.remove(next(connector.accounts()))
        assert app.seats[0].status == "active"

    @pytest.mark.parametrize(
        "error,raised",
        [
            ("user_not_visible", Refused), ("access_denied", CredentialRejected),
            ("account_inactive", CredentialRejected), ("ekm_access_denied", CredentialRejected),
            ("enterprise_is_restricted", CredentialRejected), ("invalid_auth", CredentialRejected),
            ("missing_scope", CredentialRejected), ("no_permission", CredentialRejected),
            ("not_allowed_token_type", CredentialRejected), ("not_authed", CredentialRejected),
            ("org_login_required", CredentialRejected), ("team_access_not_granted", CredentialRejected),
            ("token_expired", CredentialRejected), ("token_revoked", CredentialRejected),
            ("two_factor_setup_required", CredentialRejected), ("accesslimited", CredentialRejected),
            ("fatal_error", TemporarilyUnavailable), ("internal_error", TemporarilyUnavailable),
            ("request_timeout", TemporarilyUnavailable), ("service_unavailable", TemporarilyUnavailable),
            ("team_added_to_org", TemporarilyUnavailable), ("ratelimited", RateLimited),
            ("deprecated_endpoint", Refused), ("method_deprecated", Refused), ("invalid_arguments", Refused),
            ("never_heard_of", Refused),
        ],
    )  # fmt: skip
    def test_only_one_error_says_that_someone_is_gone(self, app, connector, error, raised):
        """The errors of users.info; user_not_found is what the battery tries."""
        self.fill(app, 1)
        app.fail(app.no(error), on="user", times=FOREVER)
        with pytest.raises(raised, match=error.replace("_", " ")):
            connector.account(app.seats[0].id)

    def test_an_organisations_token_says_who_has_left_this_workspace(self, app):
        self.fill(app, 2)
        connector = self.connect(app, team_id="T1")
        stays, moved = app.seats
        app.enterprise = "E1"
        app.more = {stays.id: {"enterprise_user": {"enterprise_id": "E1", "teams": ["T1", "T2"]}},
                    moved.id: {"enterprise_user": {"enterprise_id": "E1", "teams": ["T2"]}}}  # fmt: skip
        assert connector.account(stays.id).id == stays.id
        assert connector.account(moved.id) is None
        connector.close()

    # Billing and the last activity

    def test_billing_and_last_activity_are_read(self, app, connector):
        self.fill(app, 3)
        first, second, third = (seat.id for seat in app.seats)
        app.billing = {first: True, second: False}
        app.accesses = [(second, 1764144000 - n) for n in range(1200)] + [(first, 1764057600), (first, 1)]
        found = self.by_id(connector)
        assert (found[first].seat, found[second].seat, found[third].seat) == ("Billed", "Not billed", "")
        assert found[first].last_activity == datetime(2025, 11, 25, 8)
        assert found[second].last_activity == datetime(2025, 11, 26, 8)
        assert {"seat", "last_activity"} <= found[third].missing_fields and not found[first].missing_fields

    @pytest.mark.parametrize("call", ["billable", "logins"])
    @pytest.mark.parametrize(
        "fault", ["missing_scope", "paid_only", "ratelimited", "fatal_error", "invalid_auth", "over_pagination_limit",
                  None])  # fmt: skip
    def test_facts_that_are_not_given_fail_no_reading(self, app, connector, call, fault):
        self.fill(app, 2)
        app.billing, app.accesses = {app.seats[0].id: True}, [(app.seats[0].id, 1764144000)]
        app.fail(app.no(fault) if fault else Reply(200, {"ok": True, "logins": [1]}), on=call, times=FOREVER)
        account = next(connector.accounts())
        assert bool(account.seat) == (call != "billable") and bool(account.last_activity) == (call != "logins")

    def test_without_an_admin_token_nobody_is_asked_for_facts(self, app):
        self.fill(app, 1)
        connector = self.connect(app, removal="by hand", admin_token="")
        assert [account.seat for account in connector.accounts()] == [""]
        assert connector.test().missing == () and not app.asked("billable") + app.asked("logins")
        connector.close()

    @pytest.mark.parametrize("error", ["fatal_error", "ratelimited"])
    def test_a_fault_that_passes_is_no_missing_permission(self, app, connector, error):
        """The test comes before each reading, which warns of each permission that is newly missing."""
        for call in ("billable", "logins"):
            app.fail(Reply(200, {"ok": False, "error": error}, {"Retry-After": "900"}), on=call, times=FOREVER)
        assert connector.test().missing == ()

    def test_facts_that_may_not_be_read_are_reported(self, app, connector):
        app.fail(app.no("missing_scope", needed="admin"), on="billable", times=FOREVER)
        app.fail(app.no("paid_only"), on="logins", times=FOREVER)
        billed, active = connector.test().missing
        assert billed.startswith("see who is billed: ") and "scope admin" in billed
        assert active.startswith("see when people were last active: ") and "paid only" in active

    def test_bots_are_system_accounts(self, app, connector):
        app.seats = [Seat("U1", name="Deploys"), Seat("USLACKBOT", name="Slackbot"), Seat("U2", name="Ana")]
        app.more = {"U1": {"is_bot": True}}
        assert [account.kind for account in connector.accounts()] == ["system", "system", "user"]

    # Channels and groups

    def test_private_channels_only_when_chosen(self, app):
        app.things = [Thing("channel:C1", "general"), Thing("channel:C2", "board", "private_channel")]
        for choice, names in (("public", ["general"]), ("all", ["general", "board"]), ("leave out", [])):
            assert [asset.name for asset in self.connect(app, channels=choice).assets()] == names

    @pytest.mark.parametrize("count", [200, 201])
    def test_a_channel_with_more_than_a_page_of_members_is_read_to_its_end(self, app, connector, count):
        app.things = [Thing("channel:C1", "general", members={f"U{n}": "member" for n in range(count)})]
        assert len(set(connector.access())) == count

    def test_a_channel_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [self.make_thing(0)]
        app.when(app.things.clear, on="channel_members")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    def test_a_kick_that_did_nothing_is_reported(self, app, connector):
        app.things = [Thing("channel:C1", "general", members={"U1": "member"})]
        app.fail(app.no("not_in_channel"), on="kick")
        with pytest.raises(Refused, match="still in the channel"):
            connector.revoke(Account("U1", name="Ana"), Asset("channel:C1", "channel"))

    def test_a_kick_that_slack_refuses_is_reported(self, app, connector):
        app.things, app.kick_error = [self.make_thing(0)], "cant_kick_from_general"
        with pytest.raises(Refused, match="cant kick from general"):
            connector.revoke(Account("U1"), Asset("channel:C0", "channel"))

    def test_user_groups_are_assets_too(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("usergroup:S1", "Marketing", members={"U00001": "member"}), Thing("usergroup:S2", "Empty")]
        assert [(a.id, a.kind) for a in connector.assets()] == [
            ("usergroup:S1", "user group"), ("usergroup:S2", "user group"),
        ]  # fmt: skip
        assert [(a.account, a.asset) for a in connector.access()] == [("U00001", "usergroup:S1")]
        group, somebody = next(connector.assets()), Account("U00000")
        for _ in range(2):
            connector.grant(somebody, group, "member")
        assert set(app.things[0].members) == {"U00000", "U00001"}
        for _ in range(2):
            connector.revoke(somebody, group)
        assert set(app.things[0].members) == {"U00001"}

    def test_the_last_one_of_a_group_stays(self, app, connector):
        app.things = [Thing("usergroup:S1", "Marketing", members={"U1": "member"})]
        with pytest.raises(Refused, match="Disable the group"):
            connector.revoke(Account("U1"), Asset("usergroup:S1", "user group"))

    # Errors in an answer with status 200

    @pytest.mark.parametrize(
        "error, raised",
        [("account_inactive", CredentialRejected), ("token_revoked", CredentialRejected),
         ("ratelimited", RateLimited), ("fatal_error", TemporarilyUnavailable), ("limit_required", Refused)],
    )  # fmt: skip
    def test_an_error_inside_a_good_answer_is_one(self, app, connector, error, raised):
        app.fail(app.no(error), times=FOREVER)
        with pytest.raises(raised):
            list(connector.accounts())

    def test_a_missing_scope_is_named(self, app, connector):
        app.fail(app.no("missing_scope", needed="users:read", provided="chat:write"), on="users", times=FOREVER)
        with pytest.raises(CredentialRejected, match="scope users:read"):
            connector.test()

    def test_an_answer_without_its_list_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"ok": True}), on="users")
        with pytest.raises(TemporarilyUnavailable, match="without its list"):
            list(connector.accounts())

    # The credential

    def test_says_who_it_is_and_what_is_missing(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("rollcall in Acme", "UBOT", ())
        app.scopes = "users:read,channels:read,usergroups:read"
        assert connector.test().missing == ("read e-mails: give the app the scope users:read.email.",)

    @pytest.mark.only_where("over_scim")
    def test_scim_deactivates_nobody_in_an_enterprise_organisation(self, app, connector):
        """It would in every workspace: “the users on a workspace (or in an organization …)”, “Using the SCIM API”."""
        self.fill(app, 1)
        app.enterprise = "E1"
        [missing] = connector.test().missing
        assert missing.startswith("remove: ") and "every workspace" in missing
        with pytest.raises(Refused, match="every workspace.*Admin API"):
            connector.remove(next(connector.accounts()))
        assert app.asked("scim_remove") == [] and app.seats[0].status == "active"

    @pytest.mark.only_where("over_scim")
    def test_scim_deactivates_nobody_by_another_workspaces_token(self, app, connector):
        self.fill(app, 1)
        app.admin_team = "T7"
        with pytest.raises(Refused, match="different workspaces"):
            connector.remove(next(connector.accounts()))
        assert "different workspaces" in connector.test().missing[0] and app.asked("scim_remove") == []

    def test_an_admin_token_that_may_not_remove_is_reported(self, app):
        connector = self.connect(app, admin_token="xoxp-wrong")
        assert connector.test().missing[0].startswith("remove: ")
        connector.close()

    @pytest.mark.parametrize("way", ["scim", "admin", "organisation"])
    def test_the_person_of_the_admin_token_is_not_removed(self, app, way):
        """docs.slack.dev/reference/methods/auth.test: user_id, of the person that a user token belongs to."""
        connector = self.connect(app, removal=way)
        self.fill(app, 1)
        [owner] = connector.accounts()
        app.admin = owner.id
        with pytest.raises(Refused, match="token for Slack belongs to this person"):
            connector.remove(owner)
        assert app.seats[0].status == "active"

    def test_an_admin_token_is_asked_for(self, app):
        connector = self.connect(app, admin_token="")
        assert "admin token" in connector.test().missing[0]
        connector.close()

    def test_an_organisations_token_names_the_workspace(self, app):
        self.fill(app, 1)
        connector = self.connect(app, team_id="T9")
        list(connector.accounts()), list(connector.access())
        asked = [request for name in ("users", "channels", "groups") for request in app.asked(name)]
        assert {request.params["team_id"] for request in asked} == {"T9"}
        connector.close()


class TestSlackAdmin(TestSlack):
    """Removal and roles over the Admin API of Enterprise Grid."""

    removal = "admin"
    over_scim = False

    def test_people_leave_this_workspace_alone(self, app, connector):
        self.fill(app, 1)
        app.enterprise = "E1"
        connector.remove(next(connector.accounts()))
        [asked] = app.asked("admin_remove")
        assert asked.body == {"team_id": "T1", "user_id": app.seats[0].id} and app.asked("scim_remove") == []

    def test_an_admin_token_without_the_scope_is_reported(self, app, connector):
        app.admin_scopes = "users:read"
        assert "admin.users:write" in connector.test().missing[0]

    def test_a_role_that_the_api_cannot_give_is_refused(self, connector):
        with pytest.raises(Refused):
            connector.change_role(Account("U1"), "guest")

    # The whole Enterprise organisation

    def test_a_removal_from_the_organisation_is_chosen_and_declared(self, app):
        connector = self.connect(app, removal="organisation")
        self.fill(app, 2)
        account = next(connector.accounts())
        self.stays_within(app, connector, REMOVE, account)
        assert [request.body for request in app.asked("deactivate")] == [{"user_id": account.id}]
        assert connector.account(account.id).status == "suspended"
        connector.remove(account)
        connector.close()

    def test_a_deactivation_that_failed_is_refused(self, app):
        connector = self.connect(app, removal="organisation")
        self.fill(app, 1)
        app.seats[0].role = "primary_owner"
        with pytest.raises(Refused, match="deactivation failed"):
            connector.remove(next(connector.accounts()))
        connector.close()
