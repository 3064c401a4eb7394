"""What the batteries for apps (contract.py) and for directories (directory_contract.py) have in common:
a list is read whole or not at all, an expired credential is reported, no secret is shown, and waits are respected.
"""

from __future__ import annotations

import itertools
import time
import traceback
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

from connectors.base import (
    Connector,
    ConnectorError,
    CredentialRejected,
    DirectoryConnector,
    RateLimited,
    TemporarilyUnavailable,
)
from tests.connectors.fake import FOREVER, WEB_PAGE, FakeApp, Reply, Seat, cut_off

FEW = 20
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


class ReadingContract:
    """The tests of one list: `read(connector)` gives the whole of it, each with id, name, email and status."""

    kind: type[Connector] | type[DirectoryConnector]
    fake: type[FakeApp]
    address: str | tuple[str, ...] = ()  # the connector's class attributes that hold a fixed host
    page = 100  # how many the connector asks for at once
    many = 2500  # how many are on several pages
    sends_fewer = False  # the app may send fewer than that, and the fake does where `most` says so
    calls_before = 0  # how many calls of `account_list` come before the first page of the tests' people
    sends_total = True  # the list says how long it is
    by_position = False  # the list is read by index, offset or page number: its end is where nothing comes
    sends_names = True
    sends_emails = True

    def read(self, connector: Any) -> list:
        raise NotImplementedError

    def make_seat(self, n: int) -> Seat:
        raise NotImplementedError

    def settings(self, app: FakeApp) -> dict[str, str]:
        """The values of the connector's fields that connect it to the fake."""
        return {"base_url": app.url, "token": app.token}

    def secrets(self, app: FakeApp) -> list[str]:
        """What nobody may ever read; override where a secret field holds more than the secret."""
        settings = self.settings(app)
        return [settings[field.name] for field in self.kind.fields if field.secret and settings.get(field.name)]

    def asks(self, app: FakeApp, connector: Any) -> list[Callable[[], Any]]:
        """Every kind of call in which a secret might be shown."""
        return [connector.test, lambda: self.read(connector)]

    def make(self, app: FakeApp, settings: dict[str, str], *more: Any) -> Any:
        connector = self.kind(settings, *more)
        for name in [self.address] if isinstance(self.address, str) and self.address else self.address:
            setattr(connector, name, app.url)
        return connector

    def connect(self, app: FakeApp, **settings: str) -> Any:
        return self.make(app, {**self.settings(app), **settings})

    @pytest.fixture
    def app(self) -> Iterator[FakeApp]:
        app = self.fake()
        app.start()
        yield app
        app.stop()

    @pytest.fixture
    def connector(self, app) -> Iterator[Any]:
        connector = self.connect(app)
        yield connector
        connector.close()

    def short_page(self, app: FakeApp) -> int:
        """How many come at once, in a test of what happens between pages: few, where the app may send few."""
        if self.sends_fewer and self.page > FEW:
            app.most = FEW
        return min(app.most, self.page)

    def fill(self, app: FakeApp, count: int) -> None:
        app.seats = [self.make_seat(n) for n in range(count)]

    # Reading

    @pytest.mark.parametrize("count", ["0", "1", "page", "page+1", "many"])
    def test_reads_every_page(self, app, connector, count):
        count = {"page": self.page, "page+1": self.page + 1, "many": self.many}.get(count) or int(count)
        self.fill(app, count)
        got = [account.id for account in self.read(connector)]
        assert len(got) == count
        assert set(got) == {seat.id for seat in app.seats}

    def test_keeps_names_of_every_script(self, app, connector):
        self.fill(app, len(NAMES))
        for seat, name in zip(app.seats, NAMES):
            seat.name = name
        names = {account.id: account.name for account in self.read(connector)}
        if self.sends_names:
            assert names == {seat.id: seat.name for seat in app.seats}
        assert set(names) == {seat.id for seat in app.seats}

    def test_reads_an_account_without_an_email(self, app, connector):
        self.fill(app, 2)
        app.seats[1].email = ""
        emails = {account.id: account.email for account in self.read(connector)}
        assert emails[app.seats[1].id] == ""
        assert emails[app.seats[0].id] == (app.seats[0].email if self.sends_emails else "")

    # A reading that is not whole gives nothing

    @pytest.mark.only_where("sends_total")
    def test_a_total_that_lies_is_rejected(self, app, connector):
        self.fill(app, self.page)
        for lie in (1, -1, self.page):
            app.lie = lie
            with pytest.raises(TemporarilyUnavailable):
                self.read(connector)

    @pytest.mark.only_where("by_position")
    def test_a_page_smaller_than_asked_for_is_not_the_last(self, app, connector):
        app.most = max(1, self.page // 3)
        self.fill(app, self.page + 5)
        assert {account.id for account in self.read(connector)} == {seat.id for seat in app.seats}

    @pytest.mark.only_where("by_position", "sends_total")
    def test_a_total_that_counts_the_first_page_alone_hides_nobody(self, app, connector):
        app.most = max(1, self.page // 3)
        self.fill(app, self.page + 5)
        app.lie = app.most - len(app.seats)
        with pytest.raises(TemporarilyUnavailable, match="its total counts the first page, not the whole list"):
            self.read(connector)

    @pytest.mark.only_where("by_position")
    @pytest.mark.parametrize("count", [3, 120])
    def test_the_first_page_for_ever_is_no_whole_list(self, app, connector, count):
        self.fill(app, count)
        app.lie = min(app.most, self.page, count) - count
        app.first_page_for_ever = True
        with pytest.raises(TemporarilyUnavailable, match="the first page again instead of page 2"):
            self.read(connector)

    def test_an_account_in_place_of_another_is_noticed(self, app, connector):
        self.fill(app, self.short_page(app) + 5)
        app.shown = [*app.seats[:-1], app.seats[0]]
        with pytest.raises(TemporarilyUnavailable):
            self.read(connector)

    def test_someone_removed_between_pages_hides_nobody(self, app, connector):
        self.fill(app, 2 * self.short_page(app) + 5)
        app.when(lambda: app.seats.pop(0), on=app.account_list, skip=self.calls_before + 1)
        try:
            got = {account.id for account in self.read(connector)}
        except TemporarilyUnavailable:
            return
        assert got >= {seat.id for seat in app.seats}

    @pytest.mark.parametrize("fault", ["cut off", "a web page", "500", "hung up"])
    @pytest.mark.parametrize("where", ["first page", "later page"])
    def test_a_fault_that_stays_fails_the_reading(self, app, connector, fault, where):
        self.fill(app, self.short_page(app) + 5)
        bend = {"cut off": cut_off, "a web page": WEB_PAGE, "500": Reply(500), "hung up": Reply(drop=True)}[fault]
        skip = 0 if where == "first page" else self.calls_before + 1
        app.fail(bend, on=app.account_list, skip=skip, times=FOREVER, acts=fault == "cut off")
        with pytest.raises(TemporarilyUnavailable):
            self.read(connector)

    @pytest.mark.parametrize("fault", ["cut off", "500", "hung up"])
    def test_a_fault_that_passes_is_not_felt(self, app, connector, fault):
        self.fill(app, self.short_page(app) + 5)
        bend = {"cut off": cut_off, "500": Reply(500), "hung up": Reply(drop=True)}[fault]
        app.fail(bend, on=app.account_list, skip=self.calls_before + 1, times=1, acts=fault == "cut off")
        assert len(self.read(connector)) == len(app.seats)

    # The credential

    def test_a_refused_token_is_reported(self, app, connector):
        app.fail(lambda _: app.unauthorised(), times=FOREVER)
        for ask in (connector.test, lambda: self.read(connector)):
            with pytest.raises(CredentialRejected):
                ask()

    def test_a_token_that_expires_half_way_fails_the_reading(self, app, connector):
        self.fill(app, self.short_page(app) + 5)
        app.fail(lambda _: app.unauthorised(), on=app.account_list, skip=self.calls_before + 1, times=FOREVER)
        with pytest.raises(CredentialRejected):
            self.read(connector)

    def test_a_good_token_has_a_name(self, app, connector):
        self.fill(app, 1)
        identity = connector.test()
        assert identity.name and identity.may

    def test_secrets_stay_secret(self, app, caplog):
        caplog.set_level("DEBUG")
        self.fill(app, 1)
        secrets = self.secrets(app)
        assert secrets, "no field of this connector is secret"
        reported = ""
        for status, secret in itertools.product((400, 401, 403, 404, 429, 500), secrets):
            app.fail(app.error(status, f"Bad credential {secret}"), times=FOREVER)
            connector = self.connect(app)
            for ask in self.asks(app, connector):
                try:
                    ask()
                except ConnectorError as failure:
                    reported += "".join(traceback.format_exception(failure)) + repr(failure)
            connector.close()
            app.behave()
        for secret in secrets:
            assert secret not in reported
            assert secret not in caplog.text

    # Too many calls

    def test_a_short_wait_is_waited_out(self, app, connector):
        self.fill(app, 1)
        app.fail(Reply(429, headers={"Retry-After": "0.2"}), on=app.account_list)
        started = time.monotonic()
        assert len(self.read(connector)) == 1
        assert time.monotonic() - started >= 0.2

    @pytest.mark.parametrize("form", ["seconds", "date", "none"])
    def test_a_long_wait_is_handed_on(self, app, connector, form):
        reported = {"seconds": "600", "date": formatdate(time.time() + 600, usegmt=True)}
        headers = {"Retry-After": reported[form]} if form in reported else {}
        app.fail(Reply(429, headers=headers), times=FOREVER)
        with pytest.raises(RateLimited) as limited:
            self.read(connector)
        about = pytest.approx(600, abs=60) if form in reported else pytest.approx(60, abs=5)
        assert limited.value.retry_after == about

    @classmethod
    def offers(cls, what: str) -> bool:
        """Whether a test marked only_where(what) is one for this connector: a capability, or a true attribute."""
        return bool(getattr(cls, what, False))
