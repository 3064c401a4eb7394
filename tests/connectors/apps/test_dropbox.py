"""The Dropbox connector: the contract, then removal and suspension, admins, jobs, groups and Dropbox's errors."""

from __future__ import annotations

import pytest

from connectors.apps.dropbox import Dropbox
from connectors.base import REMOVE, Access, Account, CredentialRejected, Refused, TemporarilyUnavailable
from connectors.effects import Seat as PaidSeat
from tests.connectors.apps.fake_dropbox import FakeDropbox
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing


class TestDropbox(ConnectorContract):
    kind, fake, address = Dropbox, FakeDropbox, "api"
    page = 1000
    sends_fewer = True
    role, other_role, owner_role = "member_only", "support_admin", "team_admin"
    higher_asset_role = managing_role = "owner"
    lesser_roles = ("user_management_admin", "support_admin")
    statuses = ("active", "invited", "suspended")
    sends_total = False  # Dropbox's lists have cursors only
    refuses_owner = False  # Dropbox has no owner: it refuses the last admin, which a test of its own shows

    def settings(self, app):
        return {"app_key": app.app_key, "app_secret": app.app_secret, "refresh_token": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(f"dbmid:{n}", f"person{n}@acme.example", f"Person {n}", role="member_only")

    def make_thing(self, n: int) -> Thing:
        return Thing(f"g:{n}", f"Thing {n}")

    # The credential

    def test_says_which_admin_authorised_the_app(self, app, connector):
        identity = connector.test()
        assert (identity.name, identity.external_id, identity.missing) == ("Acme", "dbmid:admin", ())

    def test_one_access_token_serves_until_it_is_rejected(self, app, connector):
        self.fill(app, 1)
        list(connector.accounts())
        app.given += 1  # Dropbox revokes the one that it gave
        assert len(list(connector.accounts())) == 1
        assert len(app.asked("tokens")) == 2

    def test_a_refresh_token_that_was_revoked_is_reported(self, app):
        connector = self.connect(app, refresh_token="another-one")
        with pytest.raises(CredentialRejected, match="revoked"):
            connector.test()
        connector.close()

    def test_an_admin_who_is_not_known_is_reported(self, app, connector):
        """TokenGetAuthenticatedAdminError: mapping_not_found, admin_not_active."""
        app.fail(app.refused("admin_not_active"), on="admin")
        identity = connector.test()
        assert identity.external_id is None and "admin_not_active" in identity.missing[0]

    @pytest.mark.parametrize(
        "reply",
        [
            Reply(401, {"error_summary": "missing_scope/.", "error": {".tag": "missing_scope",
                                                                      "required_scope": "groups.read"}}),
            Reply(400, "Your app (ID: 1) does not have the required scope 'groups.read'.",
                  {"Content-Type": "text/plain"}),
        ],
    )  # fmt: skip
    def test_a_scope_that_is_missing_is_no_dead_token(self, app, connector, reply):
        app.fail(reply, on="groups", times=FOREVER)
        [missing] = connector.test().missing
        assert "groups.read" in missing and len(app.asked("tokens")) == 1

    # Members

    def test_licence_and_name_are_reported(self, app, connector):
        self.fill(app, 1)
        [account] = connector.accounts()
        assert (account.name, account.seat) == ("Person 0", "Full: uses a licence")

    def test_a_member_who_was_removed_is_nobody(self, app, connector):
        """members/get_info may still give them, with the status removed."""
        self.fill(app, 1)
        account = next(connector.accounts())
        connector.remove(account)
        assert app.recoverable and connector.account(account.id) is None

    def test_a_status_that_is_not_known_is_asked_about(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "frozen"
        [account] = connector.accounts()
        assert account.status == "unknown: frozen"
        with pytest.raises(Refused, match="doesn't know"):
            connector.remove(account)
        assert app.asked("remove") == []

    @pytest.mark.parametrize("items", [[], [{".tag": "other"}], [{".tag": "member_info"}]])
    def test_an_answer_without_the_member_is_no_absence(self, app, connector, items):
        app.fail(Reply(200, items), on="member_info")
        with pytest.raises(TemporarilyUnavailable, match="without the member"):
            connector.account("dbmid:0")

    @pytest.mark.parametrize("body", [{"members": []}, {"members": [], "has_more": True}, {"has_more": False}])
    def test_a_list_that_is_not_whole_fails_the_reading(self, app, connector, body):
        app.fail(Reply(200, body), on="members")
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())

    def test_a_cursor_that_ended_fails_the_reading(self, app, connector):
        self.fill(app, self.page + 1)
        app.fail(app.refused("invalid_cursor"), on="members", skip=1, times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="changed while it was read"):
            list(connector.accounts())

    # Removal

    def test_nothing_is_deleted_on_devices(self, app, connector):
        self.fill(app, 1)
        connector.remove(next(connector.accounts()))
        [call] = app.asked("remove")
        assert call.body == {"user": {".tag": "team_member_id", "team_member_id": "dbmid:0"}, "wipe_data": False}

    def test_people_can_be_suspended_instead(self, app):
        self.fill(app, 2)
        connector = self.connect(app, leavers="suspend")
        assert connector.removal_suspends
        account = next(connector.accounts())
        for _ in range(2):
            connector.remove(account)
        assert app.seats[0].status == "suspended"
        assert app.asked("remove") == [] and len(app.asked("suspend")) == 1
        connector.close()

    def test_an_invitation_is_cancelled_where_members_are_suspended(self, app):
        self.fill(app, 1)
        app.seats[0].status = "invited"
        connector = self.connect(app, leavers="suspend")
        connector.remove(next(connector.accounts()))
        assert app.seats == [] and app.asked("suspend") == []
        connector.close()

    def test_a_suspended_member_is_removed_where_members_are_removed(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "suspended"
        connector.remove(next(connector.accounts()))
        assert app.seats == []

    @pytest.mark.parametrize("leavers, seat", [("remove", PaidSeat.FREED), ("suspend", PaidSeat.KEPT)])
    def test_the_effects_shown_beforehand_match_the_setting(self, app, leavers, seat):
        connector = self.connect(app, leavers=leavers)
        [member, _] = connector.effects_of(REMOVE)
        assert member.frees_seat is seat
        connector.close()

    @pytest.mark.parametrize("leavers", ["remove", "suspend"])
    def test_the_last_admin_stays(self, app, leavers):
        self.fill(app, 2)
        app.seats[0].role, app.last_admin_is_safe = "team_admin", True
        connector = self.connect(app, leavers=leavers)
        admin = next(connector.accounts())
        for operation in (connector.remove, lambda account: connector.change_role(account, "member_only")):
            with pytest.raises(Refused, match="last admin of the team"):
                operation(admin)
        assert (app.seats[0].status, app.seats[0].role) == ("active", "team_admin")
        connector.close()

    @pytest.mark.parametrize("tag", ["user_not_found", "user_not_in_team"])
    def test_someone_who_went_in_the_meantime_is_removed(self, app, connector, tag):
        self.fill(app, 1)
        app.fail(app.refused(tag), on="remove")
        connector.remove(next(connector.accounts()))

    @pytest.mark.parametrize("tag", ["email_address_too_long_to_be_disabled", "other", "unheard_of"])
    def test_another_refusal_is_reported(self, app, connector, tag):
        self.fill(app, 1)
        app.fail(app.refused(tag), on="remove")
        with pytest.raises(Refused, match=tag):
            connector.remove(next(connector.accounts()))

    def test_a_removal_that_continues_in_the_background_is_not_done_yet(self, app, connector):
        self.fill(app, 1)
        app.in_background = True
        account = next(connector.accounts())
        with pytest.raises(TemporarilyUnavailable, match="still working"):
            connector.remove(account)
        connector.remove(account)
        assert app.seats == [] and len(app.asked("remove")) == 1

    def test_a_removal_that_ended_in_the_background_is_done(self, app, connector):
        self.fill(app, 1)
        app.in_background = True
        app.fail(Reply(200, {".tag": "complete"}), on="remove_status")
        connector.remove(next(connector.accounts()))

    # Roles and invitations

    def test_the_role_of_someone_suspended_is_left(self, app, connector):
        self.fill(app, 1)
        app.seats[0].status = "suspended"
        with pytest.raises(Refused, match="while they are suspended"):
            connector.change_role(next(connector.accounts()), "support_admin")

    def test_someone_who_was_just_removed_is_recovered_in_dropbox(self, app, connector):
        """MemberAddResult.user_already_on_team: “including in recoverable state”."""
        self.fill(app, 1)
        connector.remove(next(connector.accounts()))
        with pytest.raises(Refused, match="recover them"):
            connector.invite("person0@acme.example", "member_only")

    def test_someone_suspended_is_not_invited(self, app, connector):
        """Dropbox answers user_already_on_team for them too, but they can't sign in."""
        self.fill(app, 1)
        app.seats[0].status = "suspended"
        with pytest.raises(Refused, match="are suspended in Dropbox"):
            connector.invite("person0@acme.example", "member_only")

    @pytest.mark.parametrize("tag", ["team_license_limit", "user_on_another_team", "user_creation_failed"])
    def test_an_invitation_that_was_not_sent_is_reported(self, app, connector, tag):
        app.fail(Reply(200, {".tag": "complete", "complete": [{".tag": tag, tag: "new@acme.example"}]}), on="add")
        with pytest.raises(Refused, match=tag):
            connector.invite("new@acme.example", "member_only")

    # Groups

    def test_an_owner_may_hand_the_group_on(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("g:1", "Sales", members={"dbmid:0": "owner", "dbmid:1": "member"})]
        assert list(connector.access()) == [
            Access("dbmid:0", "g:1", "owner", privileged=True), Access("dbmid:1", "g:1", "member"),
        ]  # fmt: skip

    def test_a_member_is_made_an_owner(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("g:1", "Sales", members={"dbmid:0": "member"})]
        connector.grant(next(connector.accounts()), next(connector.assets()), "owner")
        assert app.things[0].members == {"dbmid:0": "owner"}

    def test_an_owner_who_is_given_no_certain_role_stays_one(self, app, connector):
        self.fill(app, 1)
        app.things = [Thing("g:1", "Sales", members={"dbmid:0": "owner"})]
        connector.grant(next(connector.accounts()), next(connector.assets()), "")
        assert app.things[0].members == {"dbmid:0": "owner"}

    def test_a_large_group_is_read_to_its_end(self, app, connector):
        app.things = [Thing("g:1", "All", members={f"dbmid:{n}": "member" for n in range(1001)})]
        assert len(set(connector.access())) == 1001

    def test_a_group_that_disappears_while_reading_fails_it(self, app, connector):
        app.things = [self.make_thing(0)]
        app.when(app.things.clear, on="in_group")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    def test_groups_can_be_left_out(self, app):
        self.fill(app, 1)
        app.things = [Thing("g:0", "Thing 0", members={"dbmid:0": "owner"})]
        connector = self.connect(app, groups="leave out")
        assert list(connector.assets()) == list(connector.access()) == connector.managed(Account("dbmid:0")) == []
        connector.close()

    def test_a_member_whose_groups_are_not_named_may_manage_some(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(200, [{".tag": "member_info", "profile": {"team_member_id": "dbmid:0"}}]), on="member_info")
        with pytest.raises(TemporarilyUnavailable, match="without the member's groups"):
            connector.managed(Account("dbmid:0"))
        assert connector.managed(Account("dbmid:9")) == [], "someone who is gone manages none"

    def test_an_access_of_someone_who_is_gone_is_revoked(self, app, connector):
        app.things = [self.make_thing(0)]
        connector.revoke(Account("dbmid:9"), next(connector.assets()))
