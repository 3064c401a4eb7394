"""The connector of Acme Ads against the served app: every page size, every operation, every fault."""

from __future__ import annotations

from datetime import datetime

import pytest

from connectors.apps.sample_ads import PAGE, SampleAds
from connectors.base import Account as Seat
from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.demo.apps import AdsApp


@pytest.fixture
def ads(tmp_path):
    with AdsApp(tmp_path / "ads") as ads:
        ads.store.add("person", "olga@acme.example", "Olga Brandt", "admin", "story", "2026-11-20T10:30:00Z")
        yield ads


@pytest.fixture
def connector(ads):
    connector = SampleAds(ads.settings)
    yield connector
    connector.close()


def seat(connector, email) -> Seat:
    return next(account for account in connector.accounts() if account.email == email)


def fill(ads, count):
    ads.store.add_many([(f"p{number}@acme.example", f"P {number}", "employee") for number in range(count)])


def test_it_says_who_the_token_is_and_what_it_may(ads, connector):
    identity = connector.test()
    assert identity.name == "Access token in Acme Ads"
    assert [account.id for account in connector.accounts() if account.kind == "system"] == [identity.external_id]
    assert identity.missing == ()
    assert "read-only" in SampleAds(ads.settings | {"token": ads.reading_token}).test().missing[0]


def test_invitations_people_and_system_users_are_all_accounts(ads, connector):
    ads.store.add("invitation", "new@acme.example", "New", "finance", "story")
    ads.store.add("system user", None, "Reporting", "employee", "story")
    new, olga, own, reporting = connector.accounts()
    assert (new.status, new.role, olga.status, olga.role) == ("invited", "finance", "active", "admin")
    assert olga.last_activity == datetime(2026, 11, 20, 10, 30)
    assert (own.kind, reporting.kind, reporting.email) == ("system", "system", "")


def test_only_the_admin_role_is_privileged(connector):
    roles = connector.roles()
    assert [role.id for role in roles if role.privileged] == ["admin"]
    assert [role.id for role in roles if role.default] == ["employee"]


@pytest.mark.parametrize("others", [0, 1, PAGE - 1, PAGE, 25 * PAGE - 1, 25 * PAGE])
def test_everyone_is_read_whatever_the_number_of_pages(ads, others):
    totals = []
    fill(ads, others)
    ids = [account.id for account in SampleAds(ads.settings, totals.append).accounts()]
    assert len(ids) == len(set(ids)) == others + 2
    assert totals == [0, others + 1, others + 2]


def test_someone_who_accepts_while_the_lists_are_read_comes_once(ads, connector):
    id = ads.store.add("invitation", "new@acme.example", "New", "employee", "story")
    reading = connector.accounts()
    first = next(reading)
    ads.store.accept(id, "page")
    assert [account.id for account in [first, *reading]].count(id) == 1


def test_assets_of_every_kind_and_who_may_do_what_on_them(ads, connector):
    olga = ads.members()[0]["id"]
    assets = [ads.store.add_asset(kind, kind.title(), "story") for kind in ("ad account", "page", "pixel")]
    for asset, tasks in zip(assets, (["MANAGE", "ANALYZE"], ["ADVERTISE"], ["ANALYZE"])):
        ads.store.assign(asset, olga, tasks, "story")
    assert [asset.id for asset in connector.assets()] == assets
    assert [asset.kind for asset in connector.assets()] == ["ad account", "page", "pixel"]
    assert [(access.asset, access.role, access.privileged) for access in connector.access()] == [
        (assets[0], "MANAGE", True), (assets[1], "ADVERTISE", False), (assets[2], "ANALYZE", False),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [PAGE, PAGE + 1])
def test_more_than_a_page_of_assets_and_of_assigned_people(ads, connector, count):
    fill(ads, count)
    with ads.store.writing() as db:
        db.executemany("INSERT INTO asset (id, kind, name) VALUES (?, 'page', 'P')", [(f"a{n}",) for n in range(count)])
        everyone = "SELECT 'a0', id, 'MANAGE' FROM user WHERE kind = 'person'"
        db.execute(f"INSERT INTO assigned (asset, user, tasks) {everyone}")
    assert len(set(connector.assets())) == count
    assert len(set(connector.access())) == count + 1


def test_the_second_look_finds_every_kind_or_says_none(ads, connector):
    ads.store.add("invitation", "new@acme.example", "New", "employee", "story")
    for account in connector.accounts():
        assert connector.account(account.id) == account
    assert connector.account("1") is None
    assert connector.account("../me") is None


def test_removing_counts_as_done_also_the_second_time(ads, connector):
    fill(ads, 1)
    gone = seat(connector, "p0@acme.example")
    connector.remove(gone)
    connector.remove(gone)
    assert connector.account(gone.id) is None
    assert ads.removed() == ["p0@acme.example"]


def test_a_removal_whose_answer_is_lost_happens_once_and_counts_as_done(ads, connector):
    fill(ads, 1)
    ads.fault("done-then-error", method="DELETE", times=1)
    connector.remove(seat(connector, "p0@acme.example"))
    assert ads.removed() == ["p0@acme.example"]


def test_an_invitation_is_taken_back(ads, connector):
    connector.invite("new@acme.example", "finance")
    connector.invite("NEW@acme.example", "finance")
    assert len(ads.log("invited")) == 1
    connector.remove(seat(connector, "new@acme.example"))
    assert "new@acme.example" not in ads.emails()


def test_the_apps_no_is_reported_in_its_words(ads, connector):
    with pytest.raises(Refused, match="make someone else an admin first"):
        connector.remove(seat(connector, "olga@acme.example"))
    with pytest.raises(Refused, match="access token belongs to"):
        connector.remove(next(account for account in connector.accounts() if account.kind == "system"))


def test_changing_a_role(ads, connector):
    fill(ads, 1)
    account = seat(connector, "p0@acme.example")
    connector.change_role(account, "finance")
    connector.change_role(account, "finance")
    assert connector.account(account.id).role == "finance"
    assert len(ads.log("role changed")) == 1


def test_granting_and_revoking(ads, connector):
    ads.store.add_asset("pixel", "Shop", "story")
    [pixel], olga = connector.assets(), seat(connector, "olga@acme.example")
    connector.grant(olga, pixel, "ADVERTISE")
    assert [access.role for access in connector.access()] == ["ADVERTISE"]
    connector.grant(olga, pixel, "MANAGE")
    assert [(access.role, access.privileged) for access in connector.access()] == [("MANAGE", True)]
    with pytest.raises(Refused, match="not “OWN”"):
        connector.grant(olga, pixel, "OWN")
    connector.revoke(olga, pixel)
    connector.revoke(olga, pixel)
    assert list(connector.access()) == []


@pytest.mark.parametrize(
    "fault, options, error",
    [
        ("server-error", {}, TemporarilyUnavailable),
        ("server-error", {"after": 1}, TemporarilyUnavailable),
        ("cut-off", {"after": 1}, TemporarilyUnavailable),
        ("web-page", {}, TemporarilyUnavailable),
        ("wrong-total", {"by": 1}, TemporarilyUnavailable),
        ("wrong-total", {"by": -1}, TemporarilyUnavailable),
        ("wrong-total", {"after": 1}, TemporarilyUnavailable),
        ("repeated-account", {}, TemporarilyUnavailable),
        ("expired-token", {"after": 1}, CredentialRejected),
        ("forbidden", {}, CredentialRejected),
        ("rate-limit", {"after": 1, "seconds": 30}, RateLimited),
    ],
)
def test_a_reading_that_is_not_whole_raises(ads, connector, fault, options, error):
    fill(ads, PAGE + 10)
    ads.fault(fault, on="/people", **options)
    with pytest.raises(error) as raised:
        list(connector.accounts())
    assert ads.token not in str(raised.value)


def test_the_second_look_finds_an_account_that_a_shortened_list_hides(ads, connector):
    fill(ads, PAGE + 10)
    hidden = ads.members()[-1]
    ads.fault("first-page-only", on="/people")
    assert hidden["id"] not in {account.id for account in connector.accounts()}
    assert connector.account(hidden["id"]).email == hidden["email"]


@pytest.mark.parametrize("people", [3, PAGE + 10])
def test_the_first_page_for_ever_is_no_whole_list(ads, connector, people):
    fill(ads, people)
    ads.fault("first-page-for-ever", on="/people")
    with pytest.raises(TemporarilyUnavailable, match="the first page again instead of page 2"):
        list(connector.accounts())


def test_short_pages_are_read_on_from_where_they_ended(ads, connector):
    fill(ads, PAGE + 10)
    ads.fault("short-page", on="/people", times=2)
    assert len({account.id for account in connector.accounts()}) == PAGE + 12


@pytest.mark.parametrize("fault", ["server-error", "expired-token", "cut-off", "wrong-total"])
def test_access_that_is_not_whole_raises(ads, connector, fault):
    page = ads.store.add_asset("page", "Shop", "story")
    ads.store.assign(page, ads.members()[0]["id"], ["MANAGE"], "story")
    ads.fault(fault, on="/assigned-users")
    with pytest.raises((TemporarilyUnavailable, CredentialRejected)):
        list(connector.access())


def test_an_asset_that_goes_while_it_is_read_is_no_end(ads, connector, monkeypatch):
    page = ads.store.add_asset("page", "Shop", "story")
    [asset] = connector.assets()
    ads.store.remove_asset(page, "page")
    monkeypatch.setattr(connector, "assets", lambda: iter([asset]))
    with pytest.raises(TemporarilyUnavailable, match="Shop disappeared"):
        list(connector.access())


def test_an_app_that_hangs_is_given_up(ads, connector):
    connector._http._timeout, connector._http._retries = (1, 0.2), 0
    ads.fault("hang", on="/people")
    with pytest.raises(TemporarilyUnavailable, match="no answer in time"):
        list(connector.accounts())


def test_a_server_that_is_not_there_is_unavailable(ads, connector):
    ads.stop()
    with pytest.raises(TemporarilyUnavailable):
        connector.test()
