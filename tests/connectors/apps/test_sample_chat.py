"""The connector of Acme Chat against the served app: every page size, every operation, every fault."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from connectors.apps.sample_chat import PAGE, SampleChat
from connectors.base import Account as Seat
from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from tests.demo.apps import ChatApp


@pytest.fixture
def chat(tmp_path):
    with ChatApp(tmp_path / "chat") as chat:
        chat.store.add("olga@acme.example", "Olga Brandt", "owner", "story", last_active="2026-11-20T10:30:00Z")
        yield chat


@pytest.fixture
def connector(chat):
    connector = SampleChat(chat.settings)
    yield connector
    connector.close()


def seat(connector, email) -> Seat:
    return next(account for account in connector.accounts() if account.email == email)


def fill(chat, count):
    chat.store.add_many([(f"p{number}@acme.example", f"P {number}", "member") for number in range(count)])


def test_it_says_who_the_token_is_and_what_it_may(connector):
    identity = connector.test()
    assert identity.name == "Access token in Acme Chat"
    assert identity.external_id in {account.id for account in connector.accounts() if account.kind == "system"}
    assert identity.missing == ()


def test_it_says_what_a_reading_token_lacks(chat):
    identity = SampleChat(chat.settings | {"token": chat.reading_token}).test()
    assert "read-only" in identity.missing[0]


def test_accounts_say_all_that_is_known(chat, connector):
    chat.store.add("kim@freelance.example", "Kim", "guest", "story", status="invited")
    chat.store.add("jo@acme.example", "Jo", "member", "story", status="deactivated")
    bot, olga, kim, jo = connector.accounts()
    assert (olga.name, olga.role, olga.status) == ("Olga Brandt", "owner", "active")
    assert olga.last_activity == datetime(2026, 11, 20, 10, 30)
    assert (kim.status, kim.role, jo.status, bot.kind) == ("invited", "guest", "suspended", "system")


def test_owner_and_admin_are_privileged_and_member_is_the_default(connector):
    roles = {role.id: role for role in connector.roles()}
    assert {id for id, role in roles.items() if role.privileged} == {"owner", "admin"}
    assert [id for id, role in roles.items() if role.default] == ["member"]


@pytest.mark.parametrize("others", [0, 1, PAGE - 2, PAGE - 1, 25 * PAGE - 2, 25 * PAGE])
def test_every_member_is_read_whatever_the_number_of_pages(chat, others):
    totals = []
    fill(chat, others)
    ids = [account.id for account in SampleChat(chat.settings, totals.append).accounts()]
    assert len(ids) == len(set(ids)) == others + 2
    assert totals == [others + 2]
    assert len(chat.calls("/members")) == -(-(others + 2) // PAGE)


def test_channels_and_who_is_in_them(chat, connector):
    olga = chat.members()[0]["id"]
    general, empty = (chat.store.add_channel(name, "story") for name in ("general", "empty"))
    chat.store.join(general, olga, "manager", "story")
    assert [(asset.id, asset.kind, asset.name) for asset in connector.assets()] == [
        (general, "channel", "general"), (empty, "channel", "empty"),
    ]  # fmt: skip
    assert [(access.account, access.asset, access.role, access.privileged) for access in connector.access()] == [
        (olga, general, "manager", True)
    ]


@pytest.mark.parametrize("count", [PAGE, PAGE + 1])
def test_a_channel_with_more_than_a_page_of_members_is_read_to_its_end(chat, connector, count):
    channel = chat.store.add_channel("everyone", "story")
    fill(chat, count)
    with chat.store.writing() as db:
        db.execute(
            "INSERT INTO channel_member (channel, member, role) "
            "SELECT ?, id, 'member' FROM member WHERE email LIKE 'p%'", (channel,)
        )  # fmt: skip
    assert len(set(connector.access())) == count


def test_the_second_look_finds_or_says_none(connector):
    olga = seat(connector, "olga@acme.example")
    assert connector.account(olga.id) == olga
    assert connector.account("U999999") is None
    assert connector.account("../roles") is None


def test_removing_counts_as_done_also_the_second_time(chat, connector):
    fill(chat, 1)
    gone = seat(connector, "p0@acme.example")
    connector.remove(gone)
    connector.remove(gone)
    assert connector.account(gone.id) is None
    assert chat.removed() == ["p0@acme.example"]


def test_a_removal_whose_answer_is_lost_happens_once_and_counts_as_done(chat, connector):
    fill(chat, 1)
    chat.fault("done-then-error", method="DELETE", times=1)
    connector.remove(seat(connector, "p0@acme.example"))
    assert chat.removed() == ["p0@acme.example"]
    assert len(chat.calls("DELETE")) == 2


def test_the_apps_no_is_reported_in_its_words(connector):
    with pytest.raises(Refused, match="make someone else an owner first"):
        connector.remove(seat(connector, "olga@acme.example"))


def test_changing_a_role(chat, connector):
    fill(chat, 1)
    account = seat(connector, "p0@acme.example")
    connector.change_role(account, "admin")
    connector.change_role(account, "admin")
    assert connector.account(account.id).role == "admin"
    assert len(chat.log("role changed")) == 1
    with pytest.raises(Refused, match="must be one of"):
        connector.change_role(account, "emperor")


def test_inviting_counts_as_done_also_the_second_time(chat, connector):
    connector.invite("new@acme.example", "guest")
    connector.invite("New@acme.example", "guest")
    assert (seat(connector, "new@acme.example").status, len(chat.log("invited"))) == ("invited", 1)


def test_granting_and_revoking(chat, connector):
    chat.store.add_channel("general", "story")
    [channel], olga = connector.assets(), seat(connector, "olga@acme.example")
    connector.grant(olga, channel, "member")
    connector.grant(olga, channel, "manager")
    assert [access.role for access in connector.access()] == ["manager"]
    connector.revoke(olga, channel)
    connector.revoke(olga, channel)
    assert list(connector.access()) == []


@pytest.mark.parametrize(
    "fault, options, error",
    [
        ("server-error", {}, TemporarilyUnavailable),
        ("server-error", {"after": 1}, TemporarilyUnavailable),
        ("cut-off", {}, TemporarilyUnavailable),
        ("web-page", {}, TemporarilyUnavailable),
        ("wrong-total", {"by": 1}, TemporarilyUnavailable),
        ("wrong-total", {"by": -1}, TemporarilyUnavailable),
        ("wrong-total", {"after": 1}, TemporarilyUnavailable),
        ("repeated-account", {}, TemporarilyUnavailable),
        ("short-page", {}, TemporarilyUnavailable),
        ("expired-token", {"after": 1}, CredentialRejected),
        ("forbidden", {}, CredentialRejected),
        ("rate-limit", {"after": 1, "seconds": 30}, RateLimited),
    ],
)
def test_a_reading_that_is_not_whole_raises(chat, connector, fault, options, error):
    fill(chat, PAGE + 10)
    chat.fault(fault, on="/members", **options)
    with pytest.raises(error) as raised:
        list(connector.accounts())
    assert chat.token not in str(raised.value)


def test_the_second_look_finds_an_account_that_a_shortened_list_hides(chat, connector):
    fill(chat, PAGE + 10)
    hidden = chat.members()[-1]
    chat.fault("first-page-only", on="/members")
    assert hidden["id"] not in {account.id for account in connector.accounts()}
    assert connector.account(hidden["id"]).email == hidden["email"]


def test_the_wait_that_the_app_asks_for_is_handed_on(chat, connector):
    chat.fault("rate-limit", seconds=90)
    with pytest.raises(RateLimited) as raised:
        connector.test()
    assert raised.value.retry_after == 90


def test_a_passing_fault_is_not_even_noticed(chat, connector):
    chat.fault("server-error", times=1)
    chat.fault("rate-limit", times=1, seconds=0)
    assert len(list(connector.accounts())) == 2


def test_an_app_that_hangs_is_given_up(chat, connector):
    connector._http._timeout, connector._http._retries = (1, 0.2), 0
    chat.fault("hang", on="/members")
    with pytest.raises(TemporarilyUnavailable, match="no answer in time"):
        list(connector.accounts())


def test_a_wrong_token_is_rejected_and_never_shown(chat):
    with pytest.raises(CredentialRejected) as raised:
        SampleChat(chat.settings | {"token": "acme_secret-but-wrong"}).test()
    assert "acme_secret-but-wrong" not in str(raised.value)


def test_a_forbidden_removal_is_no_success(chat, connector):
    fill(chat, 1)
    chat.fault("forbidden", method="DELETE")
    with pytest.raises(CredentialRejected, match="Your plan does not allow this"):
        connector.remove(seat(connector, "p0@acme.example"))
    assert "p0@acme.example" in chat.emails()


def test_a_channel_that_goes_while_it_is_read_is_no_end(chat, connector, monkeypatch):
    channel = chat.store.add_channel("general", "story")
    reading = connector.assets()
    asset = next(reading)
    chat.store.remove_channel(channel, "page")
    monkeypatch.setattr(connector, "assets", lambda: iter([asset]))
    with pytest.raises(TemporarilyUnavailable, match="general disappeared"):
        list(connector.access())


def test_a_server_that_is_not_there_is_unavailable(chat, connector):
    chat.stop()
    with pytest.raises(TemporarilyUnavailable):
        connector.test()


def test_it_is_usable_from_several_threads_each_with_its_own(chat):
    fill(chat, PAGE)
    with ThreadPoolExecutor(4) as threads:
        counts = threads.map(lambda _: len(list(SampleChat(chat.settings).accounts())), range(4))
        assert list(counts) == [PAGE + 2] * 4
