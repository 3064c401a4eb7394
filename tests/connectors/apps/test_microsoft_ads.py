"""The Microsoft Advertising connector: the contract, then statuses, invitations, ad accounts, time stamps, errors."""

from __future__ import annotations

import pytest

from connectors.apps.microsoft_ads import MicrosoftAds
from connectors.base import Account, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.tools.http import Forbidden
from tests.connectors.apps.fake_microsoft_ads import CLIENT, CUSTOMER, FakeMicrosoftAds
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Request, Seat, Thing, cut_off


class TestMicrosoftAds(ConnectorContract):
    kind, fake, address = MicrosoftAds, FakeMicrosoftAds, ("api", "login")
    role, other_role, owner_role = "100", "203", "41"
    statuses = ("active", "suspended", "invited")
    many = 250  # the list has no pages, and each user on it is asked for with a call
    several_roles = ("41", "33")
    unnamed_role = ("57",)
    sends_total = False  # GetUsersInfo gives a whole list in one piece, without a number
    refuses_owner = False  # Microsoft doesn't say what it answers when the last Super Admin is deleted

    def settings(self, app):
        return {"customer_id": CUSTOMER, "developer_token": app.developer_token, "client_id": CLIENT,
                "client_secret": app.client_secret, "refresh_token": app.refresh_token}  # fmt: skip

    def make_seat(self, n: int) -> Seat:
        return Seat(str(9000 + n), f"person{n}@acme.example", f"Person {n}", role="100")

    def make_thing(self, n: int) -> Thing:
        return Thing(str(5000 + n), f"Campaigns {n}")

    # Reading

    def test_reads_every_status(self, app, connector):
        """An invitation has an id of its own kind, as an invited person may accept with another address."""
        app.seats = [Seat("1", "a@acme.example", "A A", role="100"),
                     Seat("2", "b@acme.example", "B B", "suspended", "16"),
                     Seat("3", "c@acme.example", "C C", "pending", "203"),
                     Seat("4", "d@acme.example", "D D", "invited", "41")]  # fmt: skip
        assert {(account.id, account.status, account.role) for account in connector.accounts()} == {
            ("1", "active", "100"), ("2", "suspended", "16"), ("3", "invited", "203"),
            ("invitation:4", "invited", "41"),
        }  # fmt: skip

    def test_someone_who_is_deleted_while_the_list_is_read_is_left_out(self, app, connector):
        self.fill(app, 3)
        app.when(lambda: setattr(app.seats[1], "status", "deleted"), on="user")
        assert [account.id for account in connector.accounts()] == ["9000", "9002"]

    def test_someone_listed_whom_getuser_does_not_know_fails_the_reading(self, app, connector):
        self.fill(app, 2)
        app.when(lambda: app.seats.pop(), on="user")
        with pytest.raises(TemporarilyUnavailable, match="list of users changed"):
            list(connector.accounts())

    def test_another_user_in_the_answer_is_not_taken_for_the_one_asked_for(self, app, connector):
        self.fill(app, 2)
        other = {"User": {**app.user(Request("POST", "", {}, {}, {}, {"UserId": "9001"}))["User"]}}
        app.fail(Reply(200, other), on="user", skip=1)  # the first call asks who signed in
        with pytest.raises(TemporarilyUnavailable, match="without the user 9000"):
            list(connector.accounts())

    def test_a_user_name_that_is_not_an_address_proves_no_address(self, app, connector):
        """“The email address of the Microsoft Account may differ from the Email element of the ContactInfo object.”"""
        app.seats = [Seat("1", "acme-ads", "Ann Lee", role="100")]
        [account] = connector.accounts()
        assert (account.email, account.user_name) == ("", "acme-ads")

    @pytest.mark.parametrize("null", [True, False])
    def test_nothing_may_be_null_or_an_empty_list(self, app, connector, null):
        app.lists_nothing_as_null = null
        assert list(connector.accounts()) == list(connector.assets()) == []

    def test_a_list_that_is_missing_is_not_an_empty_one(self, app, connector):
        app.fail(Reply(200, {}), on="users_info", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="without its list"):
            list(connector.accounts())

    def test_roles_elsewhere_are_not_roles_here(self, app, connector):
        self.fill(app, 1)
        [account] = connector.accounts()
        assert account.roles == ("100",)

    # Invitations

    def test_an_expired_invitation_is_not_open(self, app, connector):
        """SearchUserInvitations “returns all pending invitations, whether or not they have expired”."""
        app.seats = [Seat("1", "a@acme.example", "A A", "invited", "100"),
                     Seat("2", "b@acme.example", "B B", "invited", "100")]  # fmt: skip
        app.expires["1"] = "2020-05-01T10:00:00.123"
        assert [account.id for account in connector.accounts()] == ["invitation:2"]
        assert connector.account("invitation:1") is None
        assert connector.account("invitation:2").email == "b@acme.example"

    def test_an_invitation_is_not_cancelled_and_says_where_to_do_it(self, app, connector):
        """“The Bing Ads API does not support any operations to delete pending user invitations.”"""
        app.seats = [Seat("2", "b@acme.example", "B B", "invited", "100")]
        with pytest.raises(Refused, match="can't cancel an invitation.*Settings, Account access"):
            connector.remove(Account("invitation:2"))
        assert app.asked("delete_user") == []
        app.seats.clear()
        connector.remove(Account("invitation:2"))

    # Ad accounts

    @pytest.fixture
    def agency(self, app):
        self.fill(app, 3)
        app.seats[0].role = "41"
        app.things = [Thing("5001", "Shoes"), Thing("5002", "Hats"), Thing("5003", "Old"), Thing("6001", "Client")]
        app.linked, app.inactive = {"6001"}, {"5003"}
        app.named["9001"] = ["5002", "5003"]
        app.permission["9002"] = "LinkedEntityOnly"
        return app

    def test_reads_assets_and_who_has_access(self, agency, connector):
        """No AccountIds: all own ad accounts. LinkedEntityOnly: none of them. Inactive: “the system deleted it”."""
        assert [(asset.id, asset.kind, asset.name) for asset in connector.assets()] == [
            ("5001", "ad account", "Shoes"), ("5002", "ad account", "Hats"), ("6001", "ad account", "Client"),
        ]  # fmt: skip
        assert sorted((a.account, a.asset, a.role, a.privileged) for a in connector.access()) == [
            ("9000", "5001", "41", True), ("9000", "5002", "41", True), ("9000", "6001", "41", True),
            ("9001", "5002", "100", False), ("9001", "6001", "100", False), ("9002", "6001", "100", False),
        ]  # fmt: skip

    # Removing

    def test_a_user_changed_at_the_same_time_is_looked_at_again(self, app, connector):
        """“The delete call will fail if you use an old time stamp”, error 209."""
        self.fill(app, 2)
        app.when(lambda: setattr(app, "changes", 1), on="delete_user")
        with pytest.raises(TemporarilyUnavailable, match="changed this user at the same time"):
            connector.remove(Account("9000"))
        assert len(app.seats) == 2
        connector.remove(Account("9000"))
        assert len(app.seats) == 1

    def test_the_primary_user_of_an_ad_account_stays(self, app, connector):
        self.fill(app, 2)
        app.primary.add("9000")
        with pytest.raises(Refused, match="cannot be completed.*primary contact of an ad account"):
            connector.remove(Account("9000"))
        assert len(app.seats) == 2

    def test_a_deletion_whose_answer_was_lost_counts_as_done(self, app, connector):
        self.fill(app, 2)
        app.fail(cut_off, on="delete_user", acts=True)
        connector.remove(Account("9000"))
        assert [seat.id for seat in app.seats] == ["9001"]

    def test_a_removal_that_may_not_be_is_no_broken_credential(self, app, connector):
        """“Only a user with Super Admin credentials can delete users.”"""
        self.fill(app, 2)
        app.fail(app.fault(403, 106, "The user is not authorized to perform this action."), on="delete_user")
        with pytest.raises(Refused, match="not authorized"):
            connector.remove(Account("9000"))

    # The credential and errors

    def test_its_own_account_is_the_user_of_this_manager_account(self, app, connector):
        """GetUser may return the id of the same person's user of another manager account: one user per customer."""
        self.fill(app, 2)
        app.me = {"Id": "31", "CustomerId": "999", "UserName": "Person1@acme.example"}
        assert connector.test().external_id == "9001"
        app.me = {"Id": "31", "CustomerId": "999", "UserName": "stranger@other.example"}
        with pytest.raises(CredentialRejected, match="stranger@other.example isn't a user of the manager account"):
            connector.test()

    def test_a_super_admin_lacks_nothing_and_another_role_cannot_remove(self, app, connector):
        self.fill(app, 1)
        app.my_role = "203"
        assert "Super Admin" in connector.test().missing[0]
        app.my_role = "41"
        assert connector.test().missing == ()

    def test_a_viewer_may_not_see_everyone_so_nothing_is_read(self, app, connector):
        """learn.microsoft.com/en-us/advertising/msa-help/hlp_ba_conc_ssuserroles: a Super Admin sees all users, and
        “This new capability allows Standard Users to also view all the users”."""
        self.fill(app, 2)
        app.my_role = "100"
        for read in (connector.test, lambda: list(connector.accounts()), lambda: connector.account("9009")):
            with pytest.raises(CredentialRejected, match="may not see every user"):
                read()

    def test_a_list_without_the_person_who_signed_in_is_not_everyone(self, app, connector):
        self.fill(app, 2)
        app.me = {"Id": "31", "CustomerId": "999", "UserName": "stranger@other.example"}
        for read in (lambda: list(connector.accounts()), lambda: connector.account("9009")):
            with pytest.raises(CredentialRejected, match="isn't a user of the manager account"):
                read()

    def test_a_wrong_customer_id_is_reported(self, app):
        connector = self.connect(app, customer_id="12")
        with pytest.raises(Forbidden, match="Super Admin of the manager account"):
            list(connector.accounts())
        connector.close()

    @pytest.mark.parametrize("status,code,kind", [
        (401, 105, CredentialRejected), (401, 109, CredentialRejected), (401, 116, CredentialRejected),
        (400, 120, CredentialRejected), (400, 122, CredentialRejected), (403, 106, Forbidden),
        (500, 0, TemporarilyUnavailable), (400, 303, Refused), (400, 201, Refused), (500, 4711, Refused),
    ])  # fmt: skip
    def test_each_error_code_has_its_meaning(self, app, connector, status, code, kind):
        app.fail(app.fault(status, code, "What Microsoft says."), on="users_info", times=FOREVER)
        with pytest.raises(kind, match=f"What Microsoft says.*{code}"):
            list(connector.accounts())

    @pytest.mark.parametrize("status", [400, 429, 500])
    def test_too_many_calls_wait_a_minute_whatever_the_status(self, app, connector, status):
        """“Code 117 … you can resubmit the request under the limit after waiting 60 seconds.”"""
        connector.patience = 1
        app.fail(app.fault(status, 117, "You have exceeded the number of calls."), on="users_info", times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == pytest.approx(60, abs=2)

    def test_errors_of_the_other_form_are_read_too(self, app, connector):
        body = {"Errors": [{"Code": 106, "ErrorCode": "UserIsNotAuthorized", "Message": "Not you.", "Detail": None}],
                "Type": "AdApiFaultDetail"}  # fmt: skip
        app.fail(Reply(403, body), on="users_info", times=FOREVER)
        with pytest.raises(Forbidden, match="Not you"):
            list(connector.accounts())
