"""The Slack connector: the contract over SCIM and over the Admin API, then guests, bots, channels, groups, errors."""

from __future__ import annotations

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
    role, other_role, owner_role = "member", "admin", "primary_owner"
    statuses = ("active", "invited", "suspended")
    tells_total = False  # users.list has cursors only
    given_where_true = ("is_invited_user",)  # “will only be present if …”: docs.slack.dev/reference/objects/user-object
    removal = "scim"

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

    def test_what_it_offers_depends_on_how_people_are_removed(self, app):
        offered = {way: self.connect(app, removal=way).capabilities for way in ("by hand", "scim", "admin")}
        assert REMOVE not in offered["by hand"]
        assert REMOVE in offered["scim"] and CHANGE_ROLE not in offered["scim"]
        assert offered["admin"] == Slack.capabilities

    def test_by_hand_nothing_is_removed(self, app):
        connector = self.connect(app, removal="by hand")
        with pytest.raises(Refused, match="deactivate the account in Slack"):
            connector.remove(Account("U1"))

    # People

    @pytest.mark.parametrize("role", ["owner", "guest", "single_channel_guest", "external"])
    def test_flags_become_the_strongest_role(self, app, connector, role):
        self.fill(app, 1)
        app.seats[0].role = role
        assert [account.role for account in connector.accounts()] == [role]

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

    def test_a_channel_that_goes_meanwhile_fails_the_reading(self, app, connector):
        app.things = [self.make_thing(0)]
        app.when(app.things.clear, on="channel_members")
        with pytest.raises(TemporarilyUnavailable, match="went away"):
            list(connector.access())

    def test_a_kick_that_did_nothing_is_told(self, app, connector):
        app.things = [Thing("channel:C1", "general", members={"U1": "member"})]
        app.fail(app.no("not_in_channel"), on="kick")
        with pytest.raises(Refused, match="still in the channel"):
            connector.revoke(Account("U1", name="Ana"), Asset("channel:C1", "channel"))

    def test_a_kick_that_slack_refuses_is_told(self, app, connector):
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
        with pytest.raises(Refused, match="disable the group"):
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

    def test_an_admin_token_that_may_not_remove_is_told(self, app):
        connector = self.connect(app, admin_token="xoxp-wrong")
        assert connector.test().missing[0].startswith("remove: ")
        connector.close()

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

    def test_an_admin_token_without_the_scope_is_told(self, app, connector):
        app.admin_scopes = "users:read"
        assert "admin.users:write" in connector.test().missing[0]

    def test_a_role_that_the_api_cannot_give_is_refused(self, connector):
        with pytest.raises(Refused):
            connector.change_role(Account("U1"), "guest")
