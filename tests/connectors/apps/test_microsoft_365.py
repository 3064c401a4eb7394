"""The Microsoft 365 connector: the contract, then guests and roles, licences and sign-ins, groups, the credential."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.apps.microsoft_365 import Microsoft365
from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, Reply, Seat, Thing
from tests.connectors.fake_graph import GLOBAL, READERS, SYNC, USERS, FakeGraph

PREMIUM = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


def guid(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012d}"


class TestMicrosoft365(ConnectorContract):
    kind, fake, address = Microsoft365, FakeGraph, ("api", "login")
    page, sends_fewer = 999, True
    role, other_role, owner_role, higher_asset_role = "member", USERS, GLOBAL, "owner"
    several_roles = (GLOBAL, USERS, READERS)
    statuses = ("active", "invited", "suspended")
    not_looked_up = ("last_activity",)
    refuses_owner = False  # Graph has privileges rather than owners: a separate test is below

    def settings(self, app):
        return {"tenant": app.tenant, "client": app.client, "secret": app.token}

    def make_seat(self, n: int) -> Seat:
        return Seat(guid(n), f"person{n}@acme.example", f"Person {n}", role="member")

    # Who is who

    def test_a_guests_user_name_is_no_email(self, app, connector):
        self.fill(app, 2)
        for seat in app.seats:
            seat.role, seat.email = "guest", ""
        app.more[guid(1)] = {"otherMails": ["ana@gmail.example"]}
        assert [(a.email, a.role) for a in connector.accounts()] == [("", "guest"), ("ana@gmail.example", "guest")]

    def test_a_user_without_an_address_has_the_user_name_as_one(self, app, connector):
        self.fill(app, 1)
        app.more[guid(0)] = {"mail": None, "userPrincipalName": "ana@acme.example", "proxyAddresses": None}
        assert connector.account(guid(0)).email == "ana@acme.example"

    def test_a_status_that_is_not_reported_is_unknown(self, app, connector):
        """Neither active nor suspended: it suspends nobody, and nobody counts as an administrator by it."""
        self.fill(app, 1)
        app.seats[0].status = "hidden"
        assert [(one.status, one.missing_fields) for one in connector.accounts()] == [("unknown", {"status"})]
        assert "User.Read.All" in " ".join(connector.test().missing)

    def test_an_invited_user_who_is_blocked_is_suspended(self, app, connector):
        self.fill(app, 1)
        app.more[guid(0)] = {"accountEnabled": False, "externalUserState": "PendingAcceptance"}
        assert connector.account(guid(0)).status == "suspended"

    def test_the_highest_role_counts(self, app, connector):
        self.fill(app, 2)
        app.seats[0].role, app.seats[1].role = f"{READERS} {USERS}", f"{USERS} {GLOBAL} {READERS}"
        assert [account.role for account in connector.accounts()] == [USERS, GLOBAL]
        assert [account.further_roles for account in connector.accounts()] == [(READERS,), (USERS, READERS)]

    def test_a_role_through_a_group_counts(self, app, connector):
        self.fill(app, 2)
        app.things = [Thing("g", "Admins"), Thing("h", "Inner", members={guid(1): "member"})]
        app.within, app.group_roles = {"g": ["h"]}, {"g": GLOBAL}
        assert [account.role for account in connector.accounts()] == ["member", GLOBAL]
        assert connector.account(guid(1)).role == GLOBAL

    def test_a_group_with_a_role_that_disappears_while_reading_fails_it(self, app, connector):
        app.group_roles = {"gone": GLOBAL}
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.accounts())

    def test_a_role_of_someone_deleted_is_passed_over(self, app, connector):
        self.fill(app, 1)
        orphan = {"id": "a", "principalId": "gone", "roleDefinitionId": GLOBAL, "principal": None}
        app.fail(Reply(200, {"value": [orphan]}), on="role_assignments", times=FOREVER)
        assert [account.role for account in connector.accounts()] == ["member"]

    def test_a_synchronisation_account_is_not_a_person(self, app, connector):
        self.fill(app, 2)
        app.seats[0].role = SYNC
        assert [account.kind for account in connector.accounts()] == ["system", "user"]

    def test_without_roles_nothing_is_read(self, app, connector):
        """Else every administrator would look like a member, and the last of them could be removed."""
        self.fill(app, 1)
        app.fail(app.error(403, "Insufficient privileges"), on="role_assignments", times=FOREVER)
        with pytest.raises(CredentialRejected):
            list(connector.accounts())

    # Licences and sign-ins

    def test_licences_are_named(self, app, connector):
        self.fill(app, 1)
        [known] = app.skus
        app.more[guid(0)] = {"assignedLicenses": [{"skuId": known}, {"skuId": "9-unknown"}]}
        assert [account.seat for account in connector.accounts()] == ["9-unknown, ENTERPRISEPREMIUM"]

    def test_without_the_permission_licences_keep_their_ids(self, app, connector):
        self.fill(app, 1)
        app.more[guid(0)] = {"assignedLicenses": [{"skuId": "c7df2760"}]}
        app.fail(app.error(403, "Insufficient privileges"), on="licences", times=FOREVER)
        assert [account.seat for account in connector.accounts()] == ["c7df2760"]

    @pytest.mark.parametrize(
        ("signed_in", "seen"),
        [
            ({"lastSuccessfulSignInDateTime": "2026-03-01T10:00:00Z", "lastSignInDateTime": "2026-03-02T10:00:00Z"}, 1),
            ({"lastSuccessfulSignInDateTime": None, "lastSignInDateTime": "2026-03-02T10:00:00Z",
              "lastNonInteractiveSignInDateTime": "2026-03-03T10:00:00Z"}, 3),
            ({"lastSignInDateTime": "0001-01-01T00:00:00Z"}, None),
            (None, None),
        ],
    )  # fmt: skip
    def test_the_last_sign_in_is_reported(self, app, connector, signed_in, seen):
        self.fill(app, 1)
        app.more[guid(0)] = {"signInActivity": signed_in}
        expected = datetime(2026, 3, seen, 10) if seen else None
        [account] = connector.accounts()
        assert account.last_activity == expected

    def test_without_premium_there_are_no_sign_ins(self, app, connector):
        self.fill(app, 2)
        app.more[guid(0)] = {"signInActivity": {"lastSignInDateTime": "2026-03-02T10:00:00Z"}}
        app.fail(app.refuse(403, PREMIUM, "The tenant has no premium license"), on="sign_ins", times=FOREVER)
        assert [account.last_activity for account in connector.accounts()] == [None, None]
        assert "premium license" in " ".join(connector.test().missing)

    @pytest.mark.parametrize("skip", [0, 1])
    @pytest.mark.parametrize("fault", [
        Reply(503), Reply(429, headers={"Retry-After": "120"}), Reply(400), Reply(200, {}), Reply(404), Reply(403),
    ])  # fmt: skip
    def test_sign_ins_fail_no_reading(self, app, connector, fault, skip):
        """Throttled, or refused for the size of the page, also in the middle: all are kept as they were known."""
        self.fill(app, 501)
        app.more[guid(0)] = {"signInActivity": {"lastSignInDateTime": "2026-03-02T10:00:00Z"}}
        app.fail(fault, on="sign_ins", skip=skip, times=FOREVER)
        accounts = list(connector.accounts())
        assert len(accounts) == 501
        assert all(one.last_activity is None and "last_activity" in one.defaulted_fields for one in accounts)
        connector.test()

    def test_a_page_of_sign_ins_that_became_too_large_is_asked_for_without_a_size(self, app, connector):
        """microsoftgraph/msgraph-sdk-powershell, issue 1898: the largest page became 120, with an error."""
        self.fill(app, 2)
        app.more[guid(0)] = {"signInActivity": {"lastSignInDateTime": "2026-03-02T10:00:00Z"}}
        app.fail(app.error(400, "Cannot query data for more than 120 users at a time."), on="sign_ins")
        assert [account.last_activity is not None for account in connector.accounts()] == [True, False]
        assert ["$top" in request.params for request in app.asked("sign_ins")] == [True, False]

    def test_the_second_look_asks_for_no_sign_in(self, app, connector):
        """microsoftgraph/microsoft-graph-docs-contrib, issue 8653: 10 a minute for single users."""
        self.fill(app, 1)
        account = connector.account(guid(0))
        assert "last_activity" in account.missing_fields and not app.asked("sign_ins")
        assert all("signInActivity" not in request.params["$select"] for request in app.asked("user"))

    @pytest.mark.parametrize("fault", [Reply(429, headers={"Retry-After": "120"}), Reply(400), Reply(503)])
    def test_licences_that_cannot_be_read_now_keep_their_names(self, app, connector, fault):
        self.fill(app, 1)
        app.more[guid(0)] = {"assignedLicenses": [{"skuId": "c7df2760"}]}
        app.fail(fault, on="licences", times=FOREVER)
        [account] = connector.accounts()
        assert account.seat == "" and "seat" in account.missing_fields
        connector.test()

    def test_sign_ins_are_read_to_the_last_page(self, app, connector):
        self.fill(app, 501)
        app.more[guid(500)] = {"signInActivity": {"lastSignInDateTime": "2026-03-02T10:00:00Z"}}
        assert [a.id for a in connector.accounts() if a.last_activity] == [guid(500)]

    # The second look

    @pytest.mark.parametrize("status", [400, 404, 409, 410, 412, 423])
    def test_an_answer_that_does_not_name_the_user_is_nobodys_absence(self, app, connector, status):
        """“Get a user” answers 404 with the code Request_ResourceNotFound. Anything else proves nothing."""
        self.fill(app, 1)
        app.fail(app.refuse(status, "UnknownError", "Something else"), on="user", times=FOREVER)
        with pytest.raises(Refused, match="Something else"):
            connector.account(guid(0))

    # Removal

    @pytest.mark.parametrize("status", ["active", "invited"])
    def test_a_guest_is_deleted(self, app, connector, status):
        self.fill(app, 2)
        app.seats[0].role, app.seats[0].status = "guest", status
        guest = connector.account(guid(0))
        for _ in range(2):
            connector.remove(guest)
        assert [seat.id for seat in app.seats] == [guid(1)]

    @pytest.mark.parametrize("properties", [
        {"userPrincipalName": "temp@acme.example"},  # an internal guest: an account of the tenant itself
        {"userPrincipalName": "temp@acme.example", "externalUserState": "Unheard-of"},
        {"userType": None}, {"userType": "Member"}, {"assignedLicenses": None},
        {"assignedLicenses": [{"skuId": "c7df2760"}]},
    ])  # fmt: skip
    def test_another_guest_is_blocked(self, app, connector, properties):
        """conditionalAccessGuestsOrExternalUsers names internalGuest beside b2bCollaborationGuest and -Member."""
        self.fill(app, 1)
        app.seats[0].role = "guest"
        app.more[guid(0)] = properties
        connector.remove(connector.account(guid(0)))
        assert [seat.status for seat in app.seats] == ["suspended"] and not app.asked("delete_user")
        assert app.signed_out == ([guid(0)] if "userPrincipalName" in properties else [])

    def test_a_user_whose_type_is_not_given_is_blocked(self, app, connector):
        self.fill(app, 1)
        account = connector.account(guid(0))
        app.fail(Reply(200, {"id": guid(0), "userPrincipalName": "a#EXT#@acme.example"}), on="user")
        connector.remove(account)
        assert [seat.status for seat in app.seats] == ["suspended"]

    def test_a_guest_whose_invitation_is_known_is_deleted_whatever_the_user_name(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = "guest"
        app.more[guid(0)] = {"userPrincipalName": "gil@acme.example", "externalUserState": "Accepted"}
        connector.remove(connector.account(guid(0)))
        assert app.seats == []

    # Sessions

    def test_a_removal_ends_the_sessions(self, app, connector):
        self.fill(app, 2)
        connector.remove(connector.account(guid(0)))
        assert (app.signed_out, app.seats[0].status) == ([guid(0)], "suspended")

    def test_without_the_permission_the_user_is_still_blocked_and_test_says_so(self, app, connector):
        self.fill(app, 1)
        app.permissions.discard("User.RevokeSessions.All")
        connector.remove(connector.account(guid(0)))
        assert (app.signed_out, app.seats[0].status) == ([], "suspended")
        [missing] = connector.test().missing
        assert "end the sessions" in missing and "User.RevokeSessions.All" in missing

    def test_a_credential_that_only_reads_needs_no_right_to_end_sessions(self, app, connector):
        app.permissions = {"User.Read.All"}
        assert connector.test().missing == () and "block users" not in connector.test().may

    @pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.bnVsbA.c", "a.eyJyb2xlcyI6IDd9.c"])
    def test_a_token_of_another_form_says_nothing_of_permissions(self, app, connector, token):
        app.fail(Reply(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token}), on="give_token")
        app.is_authorised = lambda request: True
        assert connector.test().missing == ()

    def test_sessions_that_do_not_end_for_now_are_tried_again_after_the_block(self, app, connector):
        self.fill(app, 1)
        account = connector.account(guid(0))
        app.fail(Reply(503), on="revoke_sessions", times=4)  # as often as one call is tried
        connector.remove(account)
        assert (app.signed_out, app.seats[0].status) == ([guid(0)], "suspended")

    def test_an_administrator_is_refused_in_graphs_words(self, app, connector):
        self.fill(app, 1)
        app.seats[0].role = GLOBAL
        with pytest.raises(Refused, match="Insufficient privileges.*Privileged Authentication Administrator"):
            connector.remove(connector.account(guid(0)))
        assert app.seats[0].status == "active"

    # Groups

    @pytest.fixture
    def stocked(self, app):
        self.fill(app, 3)
        app.things = [
            Thing("g", "Sales", members={guid(0): "owner", guid(1): "owner", guid(2): "member"}),
            Thing("h", "All"), Thing("i", "Board"), Thing("j", "News"),
        ]  # fmt: skip
        app.more = {
            "g": {"groupTypes": ["Unified"], "resourceProvisioningOptions": ["Team"]},
            "i": {"groupTypes": ["Unified"]}, "j": {"mailEnabled": True, "securityEnabled": False},
        }  # fmt: skip
        app.within = {"h": ["g"]}
        return app

    def test_each_kind_of_group_is_read(self, stocked, connector):
        assert [(asset.name, asset.kind) for asset in connector.assets()] == [
            ("Sales", "team"), ("All", "security group"), ("Board", "Microsoft 365 group"),
            ("News", "distribution list"),
        ]  # fmt: skip

    def test_owners_may_hand_it_on_and_are_reported_once(self, stocked, connector):
        assert [(a.account, a.asset, a.role, a.privileged) for a in connector.access()] == [
            (guid(0), "g", "owner", True), (guid(1), "g", "owner", True), (guid(2), "g", "member", False),
        ]  # fmt: skip

    def test_a_member_becomes_an_owner(self, stocked, connector):
        team = next(connector.assets())
        for _ in range(2):
            connector.grant(connector.account(guid(2)), team, "owner")
        assert stocked.things[0].members[guid(2)] == "owner"

    def test_an_owner_leaves_as_owner_and_member_but_the_last_is_refused(self, stocked, connector):
        team = next(connector.assets())
        connector.revoke(connector.account(guid(0)), team)
        assert stocked.things[0].members == {guid(1): "owner", guid(2): "member"}
        with pytest.raises(Refused, match="at least one owner"):
            connector.revoke(connector.account(guid(1)), team)
        assert stocked.things[0].members == {guid(1): "owner", guid(2): "member"}

    @pytest.mark.parametrize("status", [400, 403])
    def test_a_group_that_refuses_is_reported(self, stocked, connector, status):
        group, ana = list(connector.assets())[1], connector.account(guid(0))
        stocked.fail(stocked.error(status, "Mastered on-premises"), on="add_member")
        with pytest.raises(Refused, match="Mastered on-premises"):
            connector.grant(ana, group, "member")
        stocked.things[1].members = {ana.id: "member"}
        stocked.fail(stocked.error(status, "A membership rule"), on="remove_member")
        with pytest.raises(Refused, match="A membership rule"):
            connector.revoke(ana, group)

    def test_a_group_that_disappears_while_reading_fails_it(self, stocked, connector):
        stocked.when(stocked.things.clear, on="owners")
        with pytest.raises(TemporarilyUnavailable, match="disappeared"):
            list(connector.access())

    # Answers

    def test_a_list_that_was_kept_no_longer_is_read_again_later(self, app, connector):
        self.fill(app, 1000)
        expired = app.refuse(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")
        app.fail(expired, on="users", skip=1, times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="no longer keeps"):
            list(connector.accounts())

    def test_an_answer_without_its_list_fails_the_reading(self, app, connector):
        app.fail(Reply(200, {"@odata.context": "users"}), on="users")
        with pytest.raises(TemporarilyUnavailable, match="without its list"):
            list(connector.accounts())

    def test_a_group_whose_members_are_unclear_fails_the_reading(self, stocked, connector):
        untyped = Reply(200, {"value": [{"id": guid(0)}]})
        stocked.fail(untyped, on="members", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="what is a user"):
            list(connector.access())
        unexpanded = {"id": "a", "principalId": guid(0), "roleDefinitionId": GLOBAL}
        stocked.fail(Reply(200, {"value": [unexpanded]}), on="role_assignments", times=FOREVER)
        with pytest.raises(TemporarilyUnavailable, match="what is a user"):
            list(connector.accounts())

    def test_another_host_is_not_followed(self, app, connector):
        app.fail(Reply(200, {"value": [], "@odata.nextLink": "https://evil.example/v1.0/users"}), on="users")
        with pytest.raises(Refused, match="another host"):
            list(connector.accounts())

    def test_graphs_limit_is_waited_out_to_the_fraction(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(429, headers={"Retry-After": "0.25"}), on="users")
        assert len(list(connector.accounts())) == 1
        app.fail(Reply(429, app.error(429, "Please retry again later.").body, {"Retry-After": "120"}), times=FOREVER)
        with pytest.raises(RateLimited, match="retry again later") as waits:
            list(connector.accounts())
        assert waits.value.retry_after == 120

    # The credential

    def test_one_token_serves_until_it_is_rejected(self, app, connector):
        self.fill(app, 2000)
        app.fail(lambda _: app.unauthorised(), on="users", skip=1, times=1)
        assert len(list(connector.accounts())) == 2000
        assert app.tokens_given == 2

    def test_the_token_that_was_given_stays_secret(self, app, connector):
        app.fail(app.error(400, f"What is {app.access_token}?"), on="users", times=FOREVER)
        with pytest.raises(Refused, match="What is") as raised:
            list(connector.accounts())
        assert app.access_token not in str(raised.value)

    def test_a_wrong_secret_is_reported_in_microsofts_words(self, app):
        connector = self.connect(app, secret="wr0ng-s3cret")
        with pytest.raises(CredentialRejected, match="AADSTS7000215") as raised:
            connector.test()
        assert "wr0ng-s3cret" not in str(raised.value)
        connector.close()

    def test_says_which_permission_is_missing(self, app, connector):
        assert (connector.test().name, connector.test().missing) == ("Acme", ())
        denied = app.error(403, "Insufficient privileges")
        for call in ("organization", "role_definitions", "groups", "licences", "sign_ins"):
            app.fail(denied, on=call, times=FOREVER)
        identity = connector.test()
        assert (identity.name, identity.may) == (app.tenant, ("read users", "block users"))
        missing = " ".join(identity.missing)
        for needed in ("RoleManagement.Read.Directory", "GroupMember.Read.All", "LicenseAssignment.Read.All",
                       "AuditLog.Read.All"):  # fmt: skip
            assert needed in missing

    def test_without_users_there_is_nothing(self, app, connector):
        app.fail(app.error(403, "Insufficient privileges"), on="users", times=FOREVER)
        with pytest.raises(CredentialRejected, match="User.Read.All.*admin consent"):
            connector.test()
