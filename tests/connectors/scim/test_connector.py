"""The SCIM connector: the contract, then what real SCIM services do differently."""

from __future__ import annotations

import pytest

from connectors.base import ConnectorError, CredentialRejected, Refused, TemporarilyUnavailable
from connectors.scim.connector import Scim
from tests.connectors.contract import ConnectorContract
from tests.connectors.fake import FOREVER, WEB_PAGE, Reply
from tests.connectors.fake_scim import FakeScim


class TestScim(ConnectorContract):
    kind = Scim
    fake = FakeScim
    page = 500
    by_position = True
    may_be_empty = ("members",)  # PUT, where there is no PATCH: of a group whose last member was taken out
    statuses = ("active", "suspended")
    several_roles = ("admin", "billing", "viewer")
    invited_status = "active"  # SCIM knows no invitations

    def test_deletes_where_that_was_chosen(self, app):
        self.fill(app, 3)
        connector = self.connect(app, removal="delete")
        leaver = next(account for account in connector.accounts() if account.id == app.seats[1].id)
        connector.remove(leaver)
        connector.remove(leaver)
        assert [seat.id for seat in app.seats] == ["id-0", "id-2"]
        assert not connector.removal_suspends
        connector.close()


class TestScimWithoutDiscovery(TestScim):
    """The whole contract again for a service that announces nothing and has neither PATCH nor a sort order."""

    @pytest.fixture
    def app(self):
        app = FakeScim()
        app.discovery = 404
        app.supports = {"patch": False, "sort": False, "etag": False}
        app.start()
        yield app
        app.stop()


def fill(service: FakeScim, count: int) -> None:
    TestScim().fill(service, count)


# Discovery


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_a_service_without_discovery_is_read_and_changed(service, connect, status):
    service.discovery = status
    fill(service, 3)
    service.things = [TestScim().make_thing(0)]
    service.things[0].members = {"id-1": "member"}
    scim = connect()
    assert len(list(scim.accounts())) == 3
    assert len(list(scim.access())) == 1
    scim.remove(scim.account("id-1"))
    assert service.seats[1].status == "suspended"


@pytest.mark.parametrize("status", [200, 404])
def test_its_website_in_place_of_discovery_does_not_hinder(service, connect, status):
    fill(service, 3)
    page = Reply(status, WEB_PAGE.body, WEB_PAGE.headers)
    service.fail(page, on="config", times=FOREVER)
    service.fail(page, on="resource_types", times=FOREVER)
    assert len(list(connect().accounts())) == 3


def test_a_discovery_that_fails_is_no_answer(service, connect):
    service.fail(Reply(500), on="config", times=FOREVER)
    with pytest.raises(TemporarilyUnavailable):
        list(connect().accounts())


@pytest.mark.parametrize("announced", [True, False])
def test_a_service_without_groups_has_no_assets(service, connect, announced):
    service.has_groups = False
    service.discovery = 200 if announced else 404
    scim = connect()
    assert list(scim.assets()) == list(scim.access()) == []
    assert "groups" in scim.test().missing[0]


def test_announced_groups_that_are_not_there_fail_the_reading(service, connect):
    scim = connect()
    list(scim.assets())
    service.fail(service.error(404, "Not found"), on="groups", times=FOREVER)
    with pytest.raises(Refused):
        list(scim.assets())


def test_groups_that_may_not_be_read_are_reported_with_the_way_out(service, connect):
    service.fail(service.error(403, "Scope groups.read is missing"), on="groups", times=FOREVER)
    assert "groups.read" in connect().test().missing[0]
    assert connect(groups="leave out").test().missing == ()
    assert list(connect(groups="leave out").access()) == []


# Lists


@pytest.mark.parametrize("count", [0, 1, 50, 51, 1250])
def test_a_page_capped_below_what_was_asked_loses_nobody(service, connect, count):
    service.most = 50
    fill(service, count)
    assert len({account.id for account in connect().accounts()}) == count


@pytest.mark.parametrize("count", [0, 1, 200, 201])
def test_a_list_without_a_total_is_read_to_its_end(service, connect, count):
    service.sends_total = False
    fill(service, count)
    assert len({account.id for account in connect().accounts()}) == count


@pytest.mark.parametrize("count", [3, 200, 500, 501, 1100])
def test_a_service_that_ignores_start_index_is_rejected(service, connect, count):
    """Also where it gives as many as it says that it has: perhaps it always stops there."""
    service.heeds_start = False
    fill(service, count)
    with pytest.raises(TemporarilyUnavailable, match="the first page again instead of page 2"):
        list(connect().accounts())


@pytest.mark.parametrize("total", ["as before", "0"])
@pytest.mark.parametrize("resources", ["empty", "none"])
def test_past_the_end_a_service_may_leave_resources_out(service, connect, total, resources):
    fill(service, 30)
    document = {"totalResults": 30 if total == "as before" else 0} | ({"Resources": []} if resources == "empty" else {})
    service.fail(Reply(200, document), on="users", skip=1)
    assert len(list(connect().accounts())) == 30
    service.fail(Reply(200, {"totalResults": 30}), on="users")
    with pytest.raises(TemporarilyUnavailable, match="isn't a SCIM list"):
        list(connect().accounts())


def test_an_unstable_order_is_noticed(service, connect):
    service.stable = False
    fill(service, 1100)
    with pytest.raises(TemporarilyUnavailable):
        list(connect().accounts())


def test_the_order_of_the_id_is_asked_for_where_it_is_offered(service, connect):
    service.stable = False
    service.supports["sort"] = True
    fill(service, 1100)
    assert len({account.id for account in connect().accounts()}) == 1100


def test_a_sort_that_is_announced_but_refused_is_done_without(service, connect):
    service.supports["sort"] = True
    fill(service, 3)
    service.fail(service.error(400, "Cannot sort by id"), on="users")
    assert len(list(connect().accounts())) == 3


@pytest.mark.parametrize(
    "body",
    [{}, [], None, "text", {"totalResults": 3}, {"totalResults": 0, "Resources": {}}, {"Resources": [7]},
     {"totalResults": 1, "Resources": [{"userName": "no id"}]}, {"detail": "fine"}, "[" * 100_000],
)  # fmt: skip
def test_an_answer_without_a_list_of_users_fails_the_reading(service, connect, body):
    service.fail(Reply(200, "null" if body is None else body), on="users", times=FOREVER)
    with pytest.raises(TemporarilyUnavailable):
        list(connect().accounts())


def test_administrator_roles_are_those_that_were_named(service, connect):
    fill(service, 2)
    service.seats[0].role, service.seats[1].role = "Chef", "admin"
    assert {role.id: role.privileged for role in connect(privileged="chef, Boss").roles()} == {
        "Chef": True, "admin": False,
    }  # fmt: skip


def test_an_id_that_would_change_the_path_is_refused(service, connect):
    for id in ("..", ".", ""):
        with pytest.raises(Refused):
            connect().account(id)
    assert connect().account("a/../b?c#d") is None
    assert [request.params for request in service.asked("users")] == [{"startIndex": "1", "count": "1"}]


def test_nobody_is_gone_if_the_whole_endpoint_is(service, connect):
    """RFC 7644, 3.12: 404 means that the “specified resource (e.g., User) or endpoint does not exist”."""
    fill(service, 2)
    leaver = connect().account("id-0")
    for answer in ("users", "user"):
        service.fail(service.error(404, "Not found"), on=answer, times=FOREVER)
    for act in (lambda: connect().account("id-0"), lambda: connect().remove(leaver)):
        with pytest.raises(Refused, match="Not found"):
            act()


def test_an_answer_for_someone_else_is_not_taken(service, connect):
    fill(service, 2)
    service.fail(Reply(200, {"id": "id-1", "userName": "x"}), on="user", times=FOREVER)
    with pytest.raises(TemporarilyUnavailable):
        connect().account("id-0")


# Operations


def test_a_removal_that_the_app_only_says_it_did_is_reported(service, connect):
    fill(service, 1)
    service.fail(Reply(200, {"id": "id-0", "active": True}), on="patch_user")
    scim = connect()
    with pytest.raises(Refused, match="is unchanged"):
        scim.remove(scim.account("id-0"))


def test_a_suspended_user_is_not_touched_again(service, connect):
    fill(service, 1)
    scim = connect()
    account = scim.account("id-0")
    for _ in range(3):
        scim.remove(account)
    assert len(service.asked("patch_user")) == 1


@pytest.mark.parametrize("removal,call", [("deactivate", "patch_user"), ("delete", "delete_user")])
def test_a_change_in_between_is_read_first(service, connect, removal, call):
    fill(service, 1)
    scim = connect(removal=removal)
    service.when(lambda: service.version.update({"id-0": 9}), on=call)
    scim.remove(scim.account("id-0"))
    assert [seat.status for seat in service.seats] == (["suspended"] if removal == "deactivate" else [])
    assert len(service.asked(call)) == 2


def test_a_user_who_goes_while_being_deactivated_counts_as_done(service, connect):
    fill(service, 1)
    scim = connect()
    service.fail(service.error(412, "Changed since."), on="patch_user")
    service.when(service.seats.clear, on="patch_user")
    scim.remove(scim.account("id-0"))


def test_put_keeps_what_it_does_not_change(service, connect):
    service.supports["patch"] = False
    fill(service, 1)
    service.raw["id-0"] = {"title": "Head of Ops", "groups": [{"value": "g"}]}
    scim = connect()
    scim.remove(scim.account("id-0"))
    assert service.asked("patch_user") == []
    sent = service.asked("put_user")[0].body
    assert sent["active"] is False and sent["title"] == "Head of Ops" and "groups" not in sent and "meta" not in sent


def test_a_user_who_goes_while_being_removed_counts_as_done(service, connect):
    fill(service, 1)
    scim = connect(removal="delete")
    account = scim.account("id-0")
    service.when(service.seats.clear, on="delete_user")
    scim.remove(account)


def test_a_change_of_role_keeps_the_other_roles(service, connect):
    fill(service, 1)
    billing = {"value": "billing", "display": "Billing", "type": "finance"}
    roles = [{"value": "viewer", "primary": True}, {**billing, "$ref": None}, "plain text"]
    service.raw["id-0"] = {"roles": roles}
    scim = connect()
    assert scim.account("id-0").roles == ("viewer", "billing", "plain text")
    scim.change_role(scim.account("id-0"), "editor")
    assert service.asked("patch_user")[0].body["Operations"][0]["value"] == [
        {"value": "editor", "primary": True}, billing | {"primary": False}, {"value": "plain text", "primary": False},
    ]  # fmt: skip


def test_an_invitation_of_a_suspended_user_activates(service, connect):
    fill(service, 1)
    service.seats[0].status = "suspended"
    connect().invite("PERSON0@acme.example", "")
    assert service.seats[0].status == "active"


def test_an_invitation_of_a_look_alike_activates_nobody_else(service, connect):
    """In an app that takes maria.weiß for maria.weiss."""
    service.fold = str.casefold
    fill(service, 1)
    service.seats[0].email, service.seats[0].status = "maria.weiss@acme.example", "suspended"
    with pytest.raises(ConnectorError):
        connect().invite("maria.weiß@acme.example", "")
    assert service.seats[0].status == "suspended"


def test_an_invitation_activates_nobody_who_has_the_name_but_another_address(service, connect):
    """A userName may outlive an address (RFC 7643, 4.1.1), and the address may be someone else's by now."""
    fill(service, 1)
    service.seats[0].status = "suspended"
    service.raw["id-0"] = {"emails": [{"value": "new.name@acme.example", "primary": True}]}
    with pytest.raises(ConnectorError):
        connect().invite(service.seats[0].email, "")
    assert service.seats[0].status == "suspended"
    service.raw["id-0"]["emails"].append({"value": service.seats[0].email})
    connect().invite(service.seats[0].email, "")
    assert service.seats[0].status == "active"


@pytest.mark.parametrize("patch", [True, False])
def test_roles_can_be_groups(service, connect, patch):
    service.supports["patch"] = patch
    fill(service, 3)
    service.things = [TestScim().make_thing(n) for n in range(3)]
    service.things[0].name, service.things[0].members = "Team", {"id-0": "member", "id-1": "member"}
    service.things[1].name, service.things[1].members = "Admins", {"id-1": "member"}
    scim = connect(roles_from="groups")
    assert {role.label: role.privileged for role in scim.roles()} == {"Admins": True, "Team": False, "Thing 2": False}
    assert [account.roles for account in scim.accounts()] == [("thing-0",), ("thing-1", "thing-0"), ()]
    assert scim.roles_after(scim.account("id-1"), "thing-2") == ("thing-2", "thing-0")
    scim.change_role(scim.account("id-0"), "thing-2")
    assert scim.account("id-0").role == "thing-2"
    assert service.things[0].members == {"id-1": "member"}
    scim.change_role(scim.account("id-1"), "thing-2")
    assert scim.account("id-1").roles == ("thing-0", "thing-2"), "out of the main one, and of no other"
    scim.invite("new@acme.example", "thing-2")
    assert set(service.things[2].members) == {"id-0", "id-1", "new-3"}


def test_members_missing_in_the_list_are_read_group_by_group(service, connect):
    service.lists_members = False
    fill(service, 3)
    service.things = [TestScim().make_thing(n) for n in range(3)]
    service.things[2].members = {"id-0": "member"}
    assert [(access.account, access.asset) for access in connect().access()] == [("id-0", "thing-2")]


def test_a_group_that_goes_between_list_and_reading_fails_the_reading(service, connect):
    service.lists_members = False
    service.things = [TestScim().make_thing(0)]
    service.when(service.things.clear, on="group")
    with pytest.raises(TemporarilyUnavailable):
        list(connect().access())


def test_a_group_is_never_emptied_to_take_one_person_out(service, connect):
    """Without a filter, “remove” takes every member out (RFC 7644, 3.5.2.2), whatever `value` says. Servers do that:
    goauthentik/authentik issue 23798, simpleidserver/SimpleIdServer issue 164, apache/directory-scimple issue 436."""
    service.refuses_filtered_path = True
    fill(service, 2)
    service.things = [TestScim().make_thing(0)]
    service.things[0].members = {"id-0": "member", "id-1": "member"}
    scim = connect()
    with pytest.raises(Refused, match="Take the person out of the group in the app"):
        scim.revoke(scim.account("id-0"), next(scim.assets()))
    assert service.things[0].members == {"id-0": "member", "id-1": "member"}


def test_a_change_of_a_group_that_the_service_ignores_is_not_done(service, connect):
    """wso2/product-is issue 7040: “Even response return 200, user still has the removed role.”"""
    service.ignores_filtered_path = True
    fill(service, 1)
    service.things = [TestScim().make_thing(0)]
    service.things[0].members = {"id-0": "member"}
    scim = connect()
    with pytest.raises(TemporarilyUnavailable, match="still shows the person in the group"):
        scim.revoke(scim.account("id-0"), next(scim.assets()))


# The address


@pytest.mark.parametrize("address", ["http://acme.example/scim/v2", "ftp://127.0.0.1/", "https://", "acme", ""])
def test_an_address_that_cannot_be_used_is_refused(address):
    with pytest.raises(Refused, match="must begin with https://"):
        Scim({"base_url": address, "token": "t"}).test()


@pytest.mark.parametrize("wrong", [WEB_PAGE, Reply(404, "Not Found"), Reply(200, {"hello": "world"})])
def test_another_service_at_the_address_is_reported(service, connect, wrong):
    service.fail(wrong, on="users", times=FOREVER)
    with pytest.raises(Refused, match="no SCIM 2.0 service at this address"):
        connect().test()


def test_the_token_of_someone_shows_who_it_is(service, connect):
    service.fail(Reply(200, {"id": "id-7", "userName": "olga@acme.example", "displayName": "Olga"}), on="me")
    identity = connect().test()
    assert (identity.name, identity.external_id) == ("Olga", "id-7")


def test_a_token_with_a_line_break_is_reported(service):
    with pytest.raises(CredentialRejected, match="line break"):
        Scim({"base_url": service.url, "token": "abc\ndef"}).test()
