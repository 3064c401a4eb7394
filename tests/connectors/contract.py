"""What every connector must do, as one battery of tests against a fake behind real HTTP.

To test a connector, write tests/connectors/test_<slug>.py with two classes (test_scim.py is one to copy):

1. A `FakeApp` (fake.py): `facts`, a table of the calls that the app's public description declares — method, path,
   query parameters, body fields — with its source beside it, and one method for each that answers in the app's own
   form from `self.seats`, `self.listed`, `self.total` and `self.things`. A call, parameter or field that is not in
   the table fails the test. Override `is_authorised`, `unauthorised` and `error` with what the app really sends.
2. A subclass of `ConnectorContract` with the attributes below; its name begins with Test. Whatever is peculiar to
   the app (its own error codes, deviations) is a further test method in it, with the fixtures `app` and `connector`.

A connector for a fixed host keeps it in a class attribute; name that in `address`, and it is pointed at the fake:
    class GitHub(Connector):                     class TestGitHub(ConnectorContract):
        api = "https://api.github.com"               kind, fake, address = GitHub, FakeGitHub, "api"
Faults: app.fail(Reply(500), on="users", skip=1, times=FOREVER), app.when(do, on="users", skip=1); see fake.py.
A test that the API makes meaningless is switched off by an attribute (tells_total, refuses_owner, …), which says why
in a comment; never by overriding it with nothing.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from email.utils import formatdate

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
    CredentialRejected,
    RateLimited,
    Refused,
    TemporarilyUnavailable,
)
from connectors.http import Http
from tests.connectors.fake import FOREVER, WEB_PAGE, FakeApp, Reply, Seat, Thing, cut_off

NAMES = (
    "Zoë Ångström",
    "Александра Воробьёва",
    "王小明",
    "محمد الفاتح",
    "नमस्ते कुमारी",
    "👩‍🚀 O'Brien \"Bob\"; DROP TABLE seats;--",
    "<script>alert(1)</script>",
    "=HYPERLINK(\"https://evil.example\")",
)  # fmt: skip
METHOD = {
    LOOK_UP: "account", ASSETS: "assets", REMOVE: "remove", CHANGE_ROLE: "change_role",
    INVITE: "invite", GRANT: "grant", REVOKE: "revoke",
}  # fmt: skip


class ConnectorContract:
    kind: type[Connector]
    fake: type[FakeApp]
    address = ""  # the connector's class attribute that holds a fixed host
    page = 100  # how many accounts the connector asks for at once
    role, other_role, owner_role = "member", "admin", "owner"  # ids of roles; the owner's is privileged
    statuses = ("active",)  # which of active, invited, suspended the app's list shows
    tells_total = True  # the list says how long it is
    tells_names = True
    tells_emails = True
    refuses_owner = True  # the app itself refuses to remove its owner
    asset_role = "member"  # the role on an asset that grant() is tried with
    invited_status = "invited"  # of an account that invite() made

    def settings(self, app: FakeApp) -> dict[str, str]:
        """The values of the connector's fields that connect it to the fake."""
        return {"base_url": app.url, "token": app.token}

    def make_seat(self, n: int) -> Seat:
        """The n-th account; override where ids or e-mails have a form."""
        return Seat(f"id-{n}", f"person{n}@acme.example", f"Person {n}", role=self.role)

    def make_thing(self, n: int) -> Thing:
        return Thing(f"thing-{n}", f"Thing {n}")

    @pytest.fixture(autouse=True)
    def _short_pauses(self, monkeypatch):
        monkeypatch.setattr(Http, "first_pause", 0.002)

    @pytest.fixture
    def app(self) -> Iterator[FakeApp]:
        app = self.fake()
        app.start()
        yield app
        app.stop()

    @pytest.fixture
    def connector(self, app) -> Iterator[Connector]:
        connector = self.connect(app)
        yield connector
        connector.close()

    def connect(self, app: FakeApp, on_total: Callable[[int], None] | None = None, **settings: str) -> Connector:
        connector = self.kind({**self.settings(app), **settings}, on_total)
        if self.address:
            setattr(connector, self.address, app.url)
        return connector

    def fill(self, app: FakeApp, count: int) -> None:
        app.seats = [self.make_seat(n) for n in range(count)]

    # The class itself

    def test_says_what_a_person_needs_to_connect_it(self):
        assert self.kind.slug and self.kind.label and self.kind.docs
        names = [field.name for field in self.kind.fields]
        assert len(names) == len(set(names))
        assert self.kind.capabilities <= set(CAPABILITIES)

    def test_has_a_method_for_each_capability(self):
        for capability in self.kind.capabilities:
            assert getattr(self.kind, METHOD[capability]) is not getattr(Connector, METHOD[capability]), capability

    # Reading

    @pytest.mark.parametrize("count", ["0", "1", "page", "page+1", "2500"])
    def test_reads_every_page(self, app, connector, count):
        count = {"page": self.page, "page+1": self.page + 1}.get(count) or int(count)
        self.fill(app, count)
        got = [account.id for account in connector.accounts()]
        assert len(got) == count
        assert set(got) == {seat.id for seat in app.seats}

    @pytest.mark.only_where("tells_total")
    def test_tells_how_many_there_are(self, app):
        told: list[int] = []
        self.fill(app, 3)
        connector = self.connect(app, told.append)
        list(connector.accounts())
        connector.close()
        assert told == [3]

    def test_reads_every_status(self, app, connector):
        for n, status in enumerate(self.statuses):
            seat = self.make_seat(n)
            seat.status = status
            app.seats.append(seat)
        assert {account.email: account.status for account in connector.accounts()} == {
            seat.email: seat.status for seat in app.seats
        }

    def test_every_account_has_a_role_that_the_app_has(self, app, connector):
        self.fill(app, 3)
        app.seats[0].role, app.seats[1].role = self.owner_role, self.other_role
        roles = {role.id: role for role in connector.roles()}
        got = {account.id: account.role for account in connector.accounts()}
        assert got == {seat.id: seat.role for seat in app.seats}
        assert set(got.values()) <= set(roles)
        assert roles[self.owner_role].privileged and not roles[self.role].privileged

    def test_keeps_names_of_every_script(self, app, connector):
        self.fill(app, len(NAMES))
        for seat, name in zip(app.seats, NAMES):
            seat.name = name
        names = {account.id: account.name for account in connector.accounts()}
        if self.tells_names:
            assert names == {seat.id: seat.name for seat in app.seats}
        assert set(names) == {seat.id for seat in app.seats}

    def test_reads_an_account_without_an_email(self, app, connector):
        self.fill(app, 2)
        app.seats[1].email = ""
        emails = {account.id: account.email for account in connector.accounts()}
        assert emails[app.seats[1].id] == ""
        assert emails[app.seats[0].id] == (app.seats[0].email if self.tells_emails else "")

    # A reading that is not whole gives nothing

    @pytest.mark.only_where("tells_total")
    def test_a_total_that_lies_is_not_believed(self, app, connector):
        self.fill(app, self.page)
        for lie in (1, -1, self.page):
            app.lie = lie
            with pytest.raises(TemporarilyUnavailable):
                list(connector.accounts())

    def test_an_account_in_place_of_another_is_noticed(self, app, connector):
        self.fill(app, self.page + 5)
        app.shown = [*app.seats[:-1], app.seats[0]]
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())

    def test_someone_removed_between_pages_hides_nobody(self, app, connector):
        self.fill(app, 2 * self.page + 5)
        app.when(lambda: app.seats.pop(0), on=app.account_list, skip=1)
        try:
            got = {account.id for account in connector.accounts()}
        except TemporarilyUnavailable:
            return
        assert got >= {seat.id for seat in app.seats}

    @pytest.mark.parametrize("fault", ["cut off", "a web page", "500", "hung up"])
    @pytest.mark.parametrize("where", ["first page", "later page"])
    def test_a_fault_that_stays_fails_the_reading(self, app, connector, fault, where):
        self.fill(app, self.page + 5)
        bend = {"cut off": cut_off, "a web page": WEB_PAGE, "500": Reply(500), "hung up": Reply(drop=True)}[fault]
        skip = 0 if where == "first page" else 1
        app.fail(bend, on=app.account_list, skip=skip, times=FOREVER, acts=fault == "cut off")
        with pytest.raises(TemporarilyUnavailable):
            list(connector.accounts())

    @pytest.mark.parametrize("fault", ["cut off", "500", "hung up"])
    def test_a_fault_that_passes_is_not_felt(self, app, connector, fault):
        self.fill(app, self.page + 5)
        bend = {"cut off": cut_off, "500": Reply(500), "hung up": Reply(drop=True)}[fault]
        app.fail(bend, on=app.account_list, skip=1, times=1, acts=fault == "cut off")
        assert len(list(connector.accounts())) == self.page + 5

    # The credential

    def test_a_refused_token_is_told(self, app, connector):
        app.fail(lambda _: app.unauthorised(), times=FOREVER)
        for ask in (connector.test, lambda: list(connector.accounts())):
            with pytest.raises(CredentialRejected):
                ask()

    def test_a_token_that_expires_half_way_fails_the_reading(self, app, connector):
        self.fill(app, self.page + 5)
        app.fail(lambda _: app.unauthorised(), on=app.account_list, skip=1, times=FOREVER)
        with pytest.raises(CredentialRejected):
            list(connector.accounts())

    def test_a_good_token_has_a_name(self, app, connector):
        self.fill(app, 1)
        identity = connector.test()
        assert identity.name and identity.may

    def test_secrets_stay_secret(self, app, caplog):
        caplog.set_level("DEBUG")
        self.fill(app, 1)
        settings = self.settings(app)
        secrets = [settings[field.name] for field in self.kind.fields if field.secret and settings.get(field.name)]
        assert secrets, "no field of this connector is secret"
        told = ""
        for status in (400, 401, 403, 404, 429, 500):
            app.fail(app.error(status, f"Bad credential {secrets[0]}"), times=FOREVER)
            connector = self.connect(app)
            asks = [connector.test, lambda c=connector: list(c.accounts())]
            if LOOK_UP in self.kind.capabilities:
                asks.append(lambda c=connector, id=app.seats[0].id: c.account(id))
            for ask in asks:
                try:
                    ask()
                except ConnectorError as failure:
                    told += "".join(traceback.format_exception(failure)) + repr(failure)
            connector.close()
            app.behave()
        for secret in secrets:
            assert secret not in told
            assert secret not in caplog.text

    # Too many calls

    def test_a_short_wait_is_waited_out(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(429, headers={"Retry-After": "1"}), on=app.account_list)
        started = time.monotonic()
        assert len(list(connector.accounts())) == 1
        assert time.monotonic() - started >= 1

    @pytest.mark.parametrize("form", ["seconds", "date", "none"])
    def test_a_long_wait_is_handed_on(self, app, connector, form):
        told = {"seconds": "600", "date": formatdate(time.time() + 600, usegmt=True)}
        headers = {"Retry-After": told[form]} if form in told else {}
        app.fail(Reply(429, headers=headers), times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            list(connector.accounts())
        assert limited.value.retry_after == pytest.approx(600 if form in told else 60, abs=5)

    # The second look

    @pytest.mark.only_where(LOOK_UP)
    def test_looks_one_account_up(self, app, connector):
        self.fill(app, 2)
        listed = {account.id: account for account in connector.accounts()}
        assert connector.account(app.seats[1].id) == listed[app.seats[1].id]

    @pytest.mark.only_where(LOOK_UP)
    def test_nobody_there_is_none_and_a_fault_is_not(self, app, connector):
        self.fill(app, 2)
        gone = app.seats.pop()
        assert connector.account(gone.id) is None
        app.fail(Reply(500), times=FOREVER)
        with pytest.raises(TemporarilyUnavailable):
            connector.account(app.seats[0].id)

    # Acts

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
    def test_a_refused_removal_is_told_in_the_apps_words(self, app, connector):
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

    @classmethod
    def offers(cls, what: str) -> bool:
        """Whether a test marked only_where(what) is one for this connector: a capability, or a true attribute."""
        return what in cls.kind.capabilities or bool(getattr(cls, what, False))
