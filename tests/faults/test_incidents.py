"""The incidents of other programs that sync people with apps, each re-enacted end to end and named after its row.
What concerns directories is in test_directory_incidents.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.apps.sample_chat import PAGE
from sync import activity
from sync.apps import apps
from sync.checks import checks
from sync.db import utcnow
from sync.jobs import asking, queue
from sync.matching import decisions as match_decisions
from sync.matching import members
from sync.models import Access, Account, App, Asset, Change, Check, Mail, Report, Task
from sync.people import people
from sync.reports import reports
from sync.tasks import disconnecting, tasks
from tests.connectors.fake import Seat
from tests.connectors.fake_scim import FakeScim
from tests.sync.fixtures import MEMBERS, Chat, email


def present(app: App) -> set[str]:
    return {account.email for account in Account.select().where(Account.app == app, Account.state == "present")}


def run_check(app: App, by: str) -> Check:
    asked = asking.ask(app, by)
    checks.run(asked.id)
    return Check.get_by_id(asked.id)


@pytest.fixture
def fake_scim() -> Iterator[FakeScim]:
    """A SCIM service with 250 users, served for real."""
    fake = FakeScim()
    fake.seats = [Seat(f"id-{n}", f"s{n}@acme.example", f"S {n}", role="member") for n in range(250)]
    fake.start()
    yield fake
    fake.stop()


def connect_scim(settings: dict[str, str], olga, by: str) -> App:
    app = apps.connect("scim", "Some app", settings, [olga], by)
    assert run_check(app, by).state == "succeeded"
    return App.get_by_id(app.id)


@pytest.mark.parametrize("fault", ["empty-list", "server-error", "web-page"])
def test_empty_reading(chat, fault):
    """awslabs/ssosync issues 159, 194: a failed call was taken as "no users": all users and groups were deleted."""
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(1), "manager", via="page")
    chat.check()
    before = (present(chat.app), Access.select().count(), Asset.select().where(Asset.state == "present").count())
    chat.fault(fault, on="members")
    for _ in range(3):
        assert chat.check().state == "failed"
    assert (present(chat.app), Access.select().count(), Asset.select().count()) == before
    assert Mail.select().where(Mail.kind == "check failed").count() == 1, "the Owner gets one e-mail"
    assert App.get().error and chat.removed() == []


def test_partial_groups(chat):
    """awslabs/ssosync issue 236: two people were suspended; many others lost their groups until the next run."""
    channels = [chat.store.add_channel(f"channel {number}", via="page") for number in range(3)]
    for channel in channels:
        for number in range(MEMBERS):
            chat.store.join(channel, chat.id_of(number), "member", via="page")
    chat.check()
    assert Access.select().count() == 30
    for number in (3, 4):
        chat.store.change(chat.id_of(number), via="page", status="deactivated")
    chat.fault("short-page", on=f"channels/{channels[1]}")
    assert chat.check().state == "failed"
    chat.clear()
    chat.fault("empty-list", on=f"channels/{channels[1]}")
    check = chat.check()
    assert (check.state, check.counts["access"], check.report.held) == ("succeeded", 10, 10)
    assert Access.select().count() == 30, "a part of the list that went missing waits for a yes"
    chat.clear()
    assert chat.check().report.held == 0
    assert Access.select().count() == 30 and present(chat.app) >= {email(3), email(4)}
    assert Account.get(Account.email == email(3)).status == "suspended"


def test_native_admin_groups(chat):
    """awslabs/ssosync issue 88, PR 105: groups that the provider itself had made were deleted.

    Here, the accounts that the app made for itself, even if someone matches one to a person who leaves.
    """
    bot = Account.get(Account.kind == "system")
    match_decisions.match(bot, chat.people[3], chat.by)
    chat.leave(3)
    report = chat.check().report
    change = Change.get(Change.report == report, Change.account == bot)
    assert change.decision == "ignored" and change.protection_reason
    reports.finish(report, chat.by)
    queue.drain()
    assert chat.removed() == [email(3)]
    assert Account.get_by_id(bot.id).state == "present"


@pytest.mark.parametrize("beyond", [1, 7, 24 * PAGE])
def test_first_page_only(chat, beyond):
    """joe-broadhead/open-cowork issue 909, texm/shokku PR 15: members beyond the first page seemed not to exist."""
    more = PAGE - MEMBERS - 1 + beyond
    chat.store.add_many([(f"m{number}@acme.example", f"M {number}", "member") for number in range(more)])
    assert chat.check().counts["new_users"] == more, "every page is read"
    chat.fault("first-page-only", on="members")
    check = chat.check()
    assert (check.state, bool(check.warning or check.error)) == ("succeeded" if beyond < PAGE else "failed", True)
    assert len(present(chat.app)) == MEMBERS + 1 + more
    assert Report.select().where(Report.state == "open").count() == 0


def test_duplicate_pages(chat):
    """svthalia/concrexit issue 3916: in an unstable order one member came on two pages, so another on none."""
    chat.fault("repeated-account", on="members", times=1)
    assert chat.check().state == "succeeded", "read again, the list is whole"
    chat.clear()
    chat.fault("repeated-account", on="members")
    assert chat.check().state == "failed"
    assert len(present(chat.app)) == MEMBERS + 1


@pytest.mark.parametrize("fault", ["ignored", "forbidden"])
def test_silent_failure(chat, fault):
    """bitwarden/directory-connector issues 22, 28: success was reported and stored although nothing was done."""
    chat.leave(3)
    [task] = reports.finish(chat.check().report, chat.by).tasks
    chat.fault(fault, on="/members/", method="DELETE")
    while Task.get().state == "queued":
        Task.update(next_at=utcnow()).execute()
        tasks.run(task.id)
    assert Task.get().state == "needs attention" and email(3) in chat.emails()
    assert ("still shows the account" if fault == "ignored" else "Your plan does not allow this") in Task.get().error
    assert Account.get(Account.email == email(3)).state == "removing"
    mail = Mail.get(Mail.kind == "outcome")
    assert "Person 3" in mail.text and "removed from the app" not in {e.what for e in activity.entries(limit=200)}
    chat.clear()
    tasks.retry(task, chat.by)
    queue.drain()
    assert Task.get().state == "done" and chat.removed() == [email(3)]


def test_unguarded_small(chat, second):
    """Okta's import safeguard works only from 100 users on: small teams aren't protected at all."""
    chat.leave(1, 2, 3, 4, 5, 6)
    assert chat.check().held == 6, "6 of 11 accounts"
    for number in (1, 2, 3):
        people.mark_returned(chat.people[number], chat.by)
    chat.check()
    second.check()
    held = [report.held for report in Report.select().where(Report.state == "open")]
    assert sum(held) > 0, "3 in each of two apps are 6 in the workspace"
    queue.drain()
    assert chat.removed() == second.removed() == []


def test_capped_page(fake_scim, olga, by):
    """Servers that cap `count` silently (asked 200, given 100): who advances by what it asked for skips a hundred."""
    fake_scim.most = 100
    app = connect_scim({"base_url": fake_scim.url, "token": fake_scim.token}, olga, by)
    assert len(present(app)) == 250
    fake_scim.most = 7
    check = run_check(app, by)
    assert (check.state, check.accounts, check.counts["removed_users"]) == ("succeeded", 250, 0)


TOTALS = {
    "the page's": "its total counts the first page, not the whole list",
    "of what is left": "its total counts the remaining items from each page on",
    "of the first page, for ever": "the first page again instead of page 2",
}


@pytest.mark.parametrize("total", TOTALS)
def test_total_of_the_page(fake_scim, olga, by, total):
    """SCIM services whose total agrees with a page of 50 of 250, seen: the other 200 would be missed at the check."""
    app = connect_scim({"base_url": fake_scim.url, "token": fake_scim.token}, olga, by)
    fake_scim.most = 50
    fake_scim.counts_what_is_left = total == "of what is left"
    fake_scim.lie = 0 if fake_scim.counts_what_is_left else 50 - 250
    fake_scim.first_page_for_ever = total == "of the first page, for ever"
    asked = asking.ask(app, "schedule", "daily")
    checks.run(asked.id)
    check = Check.get_by_id(asked.id)
    assert check.state == "failed", "at once, as no later attempt can help"
    assert TOTALS[total] in check.error and "nothing was changed" in check.error.lower()
    assert "maker" in check.advice and App.get_by_id(app.id).error == check.error
    assert len(present(app)) == 250 and not Report.select().where(Report.state == "open").exists()


def test_hidden_by_default(chat, scim_app, olga, by):
    """Servers that leave locked users out of the list: a locked user looks removed, then new when unlocked."""
    scim_app.add_people(5)
    app = connect_scim(scim_app.settings, olga, by)
    locked = scim_app.user("person2@acme.example")
    chat.store.change(chat.id_of(2), via="page", status="deactivated")
    patch = [{"op": "replace", "path": "active", "value": False}]
    message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": patch}
    scim_app._call("PATCH", f"Users/{locked['id']}", message)
    for check in (chat.check(), run_check(app, by)):
        assert (check.counts["removed_users"], check.counts["updated_profiles"]) == (0, 1)
    chat.store.change(chat.id_of(2), via="page", status="active")
    patch[0]["value"] = True
    scim_app._call("PATCH", f"Users/{locked['id']}", message)
    for check in (chat.check(), run_check(app, by)):
        assert (check.counts["new_users"], check.counts["updated_profiles"]) == (0, 1)


def test_reactivated(chat):
    """RocketChat/Rocket.Chat issue 17561: the nightly sync undid a decision made by hand."""
    chat.store.change(chat.id_of(1), via="page", status="deactivated")
    by_hand = {n: Account.get(Account.email == email(n)) for n in range(2, 7)}
    match_decisions.unmatch(by_hand[2], chat.by)
    match_decisions.mark_guest(by_hand[3], chat.by)
    match_decisions.mark_service(by_hand[4], chat.by)
    match_decisions.unmatch(by_hand[5], chat.by)
    match_decisions.match(by_hand[5], chat.people[6], chat.by)
    members.protect(by_hand[6], "legal hold", chat.by)
    chat.leave(2, 3, 4, 5, 6)
    writes = len(chat.calls("PATCH") + chat.calls("POST") + chat.calls("DELETE") + chat.calls("PUT"))
    for _ in range(2):
        with chat.store.writing() as store:
            store.execute("UPDATE member SET name = name || '.'")
        chat.check()
        chat.store.add(f"n{chat.store.count('member')}@acme.example", "New", "member", via="page")
    now = {number: Account.get_by_id(account.id) for number, account in by_hand.items()}
    assert [now[n].match_kind for n in range(2, 6)] == ["unmatched", "guest", "service account", "matched"]
    assert now[5].person_id == chat.people[6].id and now[6].protection_reason == "legal hold"
    assert next(m for m in chat.members() if m["email"] == email(1))["status"] == "deactivated"
    assert len(chat.calls("PATCH") + chat.calls("POST") + chat.calls("DELETE") + chat.calls("PUT")) == writes


def test_case_of_e_mail(chat, tmp_path, olga):
    """langfuse/langfuse PR 13528, ory/polis PR 4065: Ana@ and ana@ were two; a variant was linked to someone else."""
    ana = people.add("Ana", "Ana.López@Acme.example", chat.by)
    other = people.add("Anna", "anna.lopez@acme.example", chat.by)
    chat.store.add("ANA.LÓPEZ@ACME.EXAMPLE", "Ana L.", "member", via="page")
    chat.store.add("Anna.Lopez@acme.example", "Anna L.", "member", via="page")
    chat.check()
    assert Account.get(Account.name == "Ana L.").person_id == ana.id
    assert Account.get(Account.name == "Anna L.").person_id == other.id
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = lower(email), name = name")
    check = chat.check()
    assert (check.counts["new_users"], check.counts["removed_users"]) == (0, 0)
    assert Account.get(Account.name == "Ana L.").person_id == ana.id


def test_recreated(chat, olga):
    """Budibase/budibase issue 17628: connected again, everyone had a new identity and had lost their relations."""
    account = Account.get(Account.email == email(5))
    match_decisions.unmatch(account, chat.by)
    match_decisions.match(account, chat.people[6], chat.by)
    with chat.store.reading() as store:
        [row] = [dict(row) for row in store.execute("SELECT * FROM member WHERE email = ?", (email(5),))]
    chat.store.remove(chat.id_of(5), via="page")
    chat.check()
    assert Account.get_by_id(account.id).state == "gone"
    with chat.store.writing() as store:
        store.execute(f"INSERT INTO member VALUES ({', '.join('?' * len(row))})", list(row.values()))
    check = chat.check()
    back = Account.get_by_id(account.id)
    assert check.counts["new_users"] == 1 and (back.state, back.person_id) == ("present", chat.people[6].id)
    disconnecting.disconnect(chat.app, chat.by)
    again = apps.connect("sample-chat", "Chat again", chat.settings, [olga], chat.by)
    run_check(again, chat.by)
    found = {a.email: a.person_id for a in Account.select().where(Account.app == again, Account.kind == "user")}
    by_e_mail = {email(number): person.id for number, person in enumerate(chat.people)}
    assert found == by_e_mail | {email(5): chat.people[6].id}, "a match by hand holds on, the rest is found again"


def test_these_tests_use_the_right_chat(chat):
    """Were the app's own log always empty, the tests above would prove nothing."""
    chat.leave(3)
    reports.finish(chat.check().report, chat.by)
    queue.drain()
    assert isinstance(chat, Chat) and chat.removed() == [email(3)]
