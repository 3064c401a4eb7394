"""What every connector must do, as one battery of tests against a fake behind real HTTP.

To test a connector, write tests/connectors/apps/test_<slug>.py with two classes (apps/test_asana.py is one to copy):

1. A `FakeApp` (fake.py): `facts`, a table of the calls that the app's public description declares — method, path,
   query parameters, body fields — with its source beside it, and one method for each that answers in the app's own
   form from `self.seats`, `self.listed`, `self.total` and `self.things`. A call, parameter or field that is not in
   the table fails the test. Override `is_authorised`, `unauthorised` and `error` with what the app really sends.
2. A subclass of `ConnectorContract` with the attributes below; its name begins with Test. Whatever is peculiar to
   the app (its own error codes, deviations) is a further test method in it, with the fixtures `app` and `connector`.

A connector for a fixed host keeps it in a class attribute; name that in `address`, and it is pointed at the fake:
    class GitHub(Connector):                     class TestGitHub(ConnectorContract):
        api = "https://api.github.com"               kind, fake, address = GitHub, FakeGitHub, "api"
Where the app's answers hold several roles of one account, name such in `several_roles`, the main one first; the fake
takes them from `seat.role` and `seat.further_roles` (or as give_roles() says), and its change of role does to the
others what the app really does: the connector's roles_after() is held to that.
Faults: app.fail(Reply(500), on="users", skip=1, times=FOREVER), app.when(do, on="users", skip=1); see fake.py.
No operation may reach further than the connector's `effects` declare: the fake's `reaches` says how far each call does.
No operation may go out with a hole in it (holes_contract.py): name an empty value that the app wants in may_be_empty.
A test that the API makes meaningless is switched off by an attribute (sends_total, refuses_owner, …), which says why
in a comment; never by overriding it with nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import (
    ASSETS,
    CAPABILITIES,
    CHANGE_ROLE,
    GRANT,
    INVITE,
    LOOK_UP,
    REMOVE,
    REVOKE,
    Account,
    Asset,
    Connector,
    ConnectorError,
    Refused,
    TemporarilyUnavailable,
)
from tests.connectors.fake import FOREVER, WEB_PAGE, FakeApp, Reply, Seat, Thing
from tests.connectors.holes_contract import HolesContract
from tests.connectors.items_contract import ItemsContract
from tests.connectors.lost_fields_contract import LostFieldsContract
from tests.connectors.reach_contract import ReachContract
from tests.connectors.reading_contract import ReadingContract

METHOD = {
    LOOK_UP: "account", ASSETS: "assets", REMOVE: "remove", CHANGE_ROLE: "change_role",
    INVITE: "invite", GRANT: "grant", REVOKE: "revoke",
}  # fmt: skip


class ConnectorContract(ItemsContract, HolesContract, LostFieldsContract, ReachContract, ReadingContract):
    role, other_role, owner_role = "member", "admin", "owner"  # ids of roles; the owner's is privileged
    lesser_roles: tuple[str, ...] = ()  # administrators of a part: left alone, they could make nobody an owner
    statuses = ("active",)  # which of active, invited, suspended the app's list shows
    has_roles = True
    refuses_owner = True  # the app itself refuses to remove its owner
    unnamed_role: tuple[str, ...] = ("unheard-of",)  # of an account, and not in the app's list of roles
    not_looked_up: tuple[str, ...] = ()  # fields that the second look leaves out, since asking for them is limited
    several_roles: tuple[str, ...] = ()  # of one account, the main one first, where the app's answers hold several
    asset_role = "member"  # the role on an asset that grant() is tried with
    higher_asset_role = ""  # one that also manages the asset, where the app's answers hold such
    managing_role = ""  # the role on an asset that manages it, where managed() answers
    invited_status = "invited"  # of an account that invite() made

    def read(self, connector: Connector) -> list[Account]:
        return list(connector.accounts())

    def make_seat(self, n: int) -> Seat:
        """The n-th account; override where ids or e-mails have a form."""
        return Seat(f"id-{n}", f"person{n}@acme.example", f"Person {n}", role=self.role)

    def make_thing(self, n: int) -> Thing:
        return Thing(f"thing-{n}", f"Thing {n}")

    def connect(self, app: FakeApp, on_total: Callable[[int], None] | None = None, **settings: str) -> Connector:
        return self.make(app, {**self.settings(app), **settings}, on_total)

    def asks(self, app: FakeApp, connector: Connector) -> list[Callable[[], Any]]:
        looks = [lambda: connector.account(app.seats[0].id)] if LOOK_UP in self.kind.capabilities else []
        return [*super().asks(app, connector), *looks]

    # The class itself

    def test_says_what_a_person_needs_to_connect_it(self):
        assert self.kind.slug and self.kind.label and self.kind.docs
        names = [field.name for field in self.kind.fields]
        assert len(names) == len(set(names))
        assert self.kind.capabilities <= set(CAPABILITIES)

    def test_has_a_method_for_each_capability(self):
        for capability in self.kind.capabilities:
            assert getattr(self.kind, METHOD[capability]) is not getattr(Connector, METHOD[capability]), capability

    @pytest.mark.only_where("sends_total")
    def test_shows_how_many_there_are(self, app):
        shown: list[int] = []
        self.fill(app, 3)
        connector = self.connect(app, shown.append)
        list(connector.accounts())
        connector.close()
        assert shown == [3]

    def test_reads_every_status(self, app, connector):
        for n, status in enumerate(self.statuses):
            seat = self.make_seat(n)
            seat.status = status
            app.seats.append(seat)
        assert {account.email: account.status for account in connector.accounts()} == {
            seat.email: seat.status for seat in app.seats
        }

    @pytest.mark.only_where("has_roles")
    def test_every_account_has_a_role_that_the_app_has(self, app, connector):
        self.fill(app, 3)
        app.seats[0].role, app.seats[1].role = self.owner_role, self.other_role
        roles = {role.id: role for role in connector.roles()}
        got = {account.id: account.role for account in connector.accounts()}
        assert got == {seat.id: seat.role for seat in app.seats}
        assert set(got.values()) <= set(roles)
        assert roles[self.owner_role].privileged
        assert not any(roles[id].privileged for id in (self.role, *self.lesser_roles))

    def give_roles(self, app: FakeApp, seat: Seat, roles: tuple[str, ...]) -> None:
        """Override where the app keeps roles elsewhere than with the account."""
        seat.role, seat.further_roles = roles[0], roles[1:]

    def several(self, app: FakeApp, connector: Connector) -> Account:
        """The second of three accounts has several roles."""
        self.fill(app, 3)
        self.give_roles(app, app.seats[1], self.several_roles)
        return self.by_id(connector)[app.seats[1].id]

    def looked_up(self, account: Account) -> Account:
        """The listed account without what the second look leaves out."""
        for field in self.not_looked_up:
            account = replace(account, **{field: getattr(Account(""), field)})
        left_out = frozenset(self.not_looked_up)
        return replace(account, missing_fields=account.missing_fields | left_out,
                       defaulted_fields=account.defaulted_fields - left_out)  # fmt: skip

    def by_id(self, connector: Connector) -> dict[str, Account]:
        return {account.id: account for account in connector.accounts()}

    @pytest.mark.only_where("several_roles")
    def test_every_role_of_an_account_is_read(self, app, connector):
        account = self.several(app, connector)
        assert account.role == self.several_roles[0]
        assert sorted(account.roles) == sorted(self.several_roles)
        assert len(account.further_roles) == len(self.several_roles) - 1
        assert set(account.roles) <= {role.id for role in connector.roles()}
        assert all(not other.further_roles for id, other in self.by_id(connector).items() if id != account.id)
        if LOOK_UP in self.kind.capabilities:
            assert connector.account(account.id) == self.looked_up(account)

    @pytest.mark.only_where("several_roles")
    def test_a_role_that_the_app_does_not_name_is_reported_by_its_id(self, app, connector):
        """Whatever it may be: it is not left out, and is not the plain one."""
        self.fill(app, 2)
        self.give_roles(app, app.seats[1], (*self.several_roles, *self.unnamed_role))
        shown = self.by_id(connector)[app.seats[1].id].roles
        assert set(shown) == {*self.several_roles, *self.unnamed_role} and shown[0] == self.several_roles[0]

    @pytest.mark.only_where("several_roles", CHANGE_ROLE)
    def test_a_change_of_role_keeps_and_takes_what_is_shown_before(self, app, connector):
        """For each role of the app, from several at once; an impossible change is refused."""
        self.several(app, connector)
        possible = 0
        for role in [role.id for role in connector.roles()]:
            self.give_roles(app, app.seats[1], self.several_roles)
            account = self.by_id(connector)[app.seats[1].id]
            try:
                announced = connector.roles_after(account, role)
            except Refused:
                with pytest.raises(Refused):
                    connector.change_role(account, role)
                assert self.by_id(connector)[account.id] == account
                continue
            connector.change_role(account, role)
            assert set(self.by_id(connector)[account.id].roles) == set(announced), role
            if LOOK_UP in connector.capabilities:
                assert set(connector.account(account.id).roles) == set(announced), role
            possible += 1
        assert possible > 1

    @pytest.mark.only_where(CHANGE_ROLE)
    def test_an_account_with_one_role_has_only_the_new_one_afterwards(self, app, connector):
        self.fill(app, 2)
        account = self.by_id(connector)[app.seats[0].id]
        if not account.further_roles:
            assert self.other_role in connector.roles_after(account, self.other_role)
            connector.change_role(account, self.other_role)
            after = self.by_id(connector)[account.id]
            assert set(after.roles) == set(connector.roles_after(account, self.other_role))
            if LOOK_UP in connector.capabilities:
                assert connector.account(account.id).roles == after.roles, "by that, a task sees that it is done"

    # The second look

    @pytest.mark.only_where(LOOK_UP)
    def test_looks_one_account_up(self, app, connector):
        self.fill(app, 2)
        listed = {account.id: account for account in connector.accounts()}
        assert connector.account(app.seats[1].id) == self.looked_up(listed[app.seats[1].id])

    @pytest.mark.only_where(LOOK_UP)
    def test_nobody_there_is_none_and_a_fault_is_not(self, app, connector):
        self.fill(app, 2)
        gone = app.seats.pop()
        assert connector.account(gone.id) is None
        app.fail(Reply(500), times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            connector.account(app.seats[0].id)

    @pytest.mark.only_where(LOOK_UP)
    def test_no_status_but_those_of_absence_says_that_someone_is_gone(self, app, connector):
        """404 and 410 alone do, where the app has no status of its own for it: every other one is a problem."""
        self.fill(app, 1)
        assert connector.account(app.seats[0].id)  # so that a token is there
        body = app.error(400, "It is not possible.").body
        for status in (400, 402, 403, 405, 406, 409, 412, 413, 415, 422, 423, 424, 428, 451):
            app.fail(Reply(status, body), times=FOREVER)
            with pytest.raises(ConnectorError):
                connector.account(app.seats[0].id)
            app.behave()

    @pytest.mark.only_where(LOOK_UP)
    def test_a_web_page_that_says_404_is_nobodys_absence(self, app, connector):
        self.fill(app, 1)
        assert connector.account(app.seats[0].id)  # so that a token is there
        app.fail(Reply(404, WEB_PAGE.body, WEB_PAGE.headers), times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            connector.account(app.seats[0].id)

    # Operations

    @pytest.mark.only_where(REMOVE)
    def test_removes_an_account_once_and_again(self, app, connector):
        self.fill(app, 3)
        leaver = next(account for account in connector.accounts() if account.id == app.seats[1].id)
        connector.remove(leaver)
        connector.remove(leaver)
        left = {seat.id: seat.status for seat in app.seats}
        assert left.pop(leaver.id, None) == ("suspended" if connector.removal_suspends else None)
        assert set(left.values()) == {"active"} and len(left) == 2

    @pytest.mark.only_where(REMOVE, "refuses_owner")
    def test_a_refused_removal_is_reported_in_the_apps_words(self, app, connector):
        self.fill(app, 2)
        app.seats[0].role = self.owner_role
        owner = next(account for account in connector.accounts() if account.id == app.seats[0].id)
        with pytest.raises(Refused) as refusal:
            connector.remove(owner)
        assert "owner" in str(refusal.value).lower()
        assert app.seats[0].status == "active" and len(app.seats) == 2

    @pytest.mark.only_where(REMOVE)
    def test_a_removal_that_failed_is_not_done(self, app, connector):
        self.fill(app, 2)
        leaver = next(iter(connector.accounts()))
        app.fail(Reply(500), times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            connector.remove(leaver)

    @pytest.mark.only_where(CHANGE_ROLE)
    def test_changes_a_role_once_and_again(self, app, connector):
        self.fill(app, 2)
        account = next(account for account in connector.accounts() if account.id == app.seats[0].id)
        for _ in range(2):
            connector.change_role(account, self.other_role)
        assert [seat.role for seat in app.seats] == [self.other_role, self.role]

    @pytest.mark.only_where(INVITE)
    def test_invites_once_and_again(self, app, connector):
        for _ in range(2):
            connector.invite("new@acme.example", self.role)
        assert [(seat.email, seat.role, seat.status) for seat in app.seats] == [
            ("new@acme.example", self.role, self.invited_status)
        ]

    @pytest.mark.only_where(ASSETS)
    def test_reads_assets_and_who_has_access(self, app, connector):
        self.fill(app, 3)
        app.things = [self.make_thing(0), self.make_thing(1)]
        app.things[1].members = {app.seats[0].id: self.asset_role, app.seats[2].id: self.asset_role}
        assert {asset.id: asset.name for asset in connector.assets()} == {t.id: t.name for t in app.things}
        assert sorted((access.account, access.asset) for access in connector.access()) == [
            (app.seats[0].id, app.things[1].id),
            (app.seats[2].id, app.things[1].id),
        ]

    @pytest.mark.only_where("managing_role")
    def test_names_what_one_account_manages_as_the_whole_reading_does(self, app, connector):
        self.fill(app, 3)
        app.things = [self.make_thing(n) for n in range(3)]
        first, second, _ = (seat.id for seat in app.seats)
        app.things[0].members = {first: self.managing_role, second: self.asset_role}
        app.things[1].members = {first: self.asset_role, second: self.managing_role}
        app.things[2].members = {first: self.managing_role}
        accounts, managed = self.by_id(connector), {}
        for access in connector.access():
            if access.privileged:
                managed.setdefault(access.account, set()).add(access.asset)
        assert managed.keys() == {first, second}
        for id, account in accounts.items():
            assert {asset.id for asset in connector.managed(account)} == managed.get(id, set())
        kinds = {asset.kind for asset in connector.assets()}
        assert {asset.kind for asset in connector.managed(accounts[first])} == kinds

    @pytest.mark.only_where(GRANT, REVOKE)
    def test_grants_and_revokes_access_once_and_again(self, app, connector):
        self.fill(app, 2)
        app.things = [self.make_thing(0)]
        asset: Asset = next(iter(connector.assets()))
        account: Account = next(account for account in connector.accounts() if account.id == app.seats[0].id)
        for _ in range(2):
            connector.grant(account, asset, self.asset_role)
        assert app.things[0].members == {account.id: self.asset_role}
        for _ in range(2):
            connector.revoke(account, asset)
        assert app.things[0].members == {}

    @pytest.mark.only_where("higher_asset_role", GRANT)
    def test_a_lower_role_on_an_asset_is_given_or_refused(self, app, connector):
        """A grant counts as done if it doesn't raise, so the higher role must not be there then."""
        self.fill(app, 2)
        app.things = [self.make_thing(0)]
        had = dict.fromkeys((seat.id for seat in app.seats), self.higher_asset_role)
        app.things[0].members = dict(had)
        account = self.by_id(connector)[app.seats[0].id]
        try:
            connector.grant(account, next(iter(connector.assets())), self.asset_role)
        except Refused:
            assert app.things[0].members == had
            kinds = {asset.kind for asset in connector.assets()}
            assert any((kind, self.higher_asset_role) in self.kind.asset_roles_by_hand for kind in kinds), (
                "declare it, so that Rollcall doesn't propose it")
            app.things[0].members = {}
            with pytest.raises(Refused):
                connector.grant(account, next(iter(connector.assets())), self.higher_asset_role)
        else:
            assert app.things[0].members == {**had, account.id: self.asset_role}

    @classmethod
    def offers(cls, what: str) -> bool:
        return what in cls.kind.capabilities or super().offers(what)
