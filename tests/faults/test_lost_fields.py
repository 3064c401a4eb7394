"""An app whose credential lost a permission still returns its list, with fewer fields: nothing is overwritten,
no protection ends by it, and nobody who left is hidden behind a green page."""

from __future__ import annotations

import pytest

from connectors.apps.sample_chat import SampleChat
from sync.apps import status as app_status
from sync.jobs import queue
from sync.models import Access, Account, App, Change, Task
from sync.people import people
from sync.reports import reports
from sync.safety import lost_fields
from sync.workspace import update_workspace
from tests.sync.fixtures import email

MANY = 248


def contents() -> tuple:
    """What Rollcall knows of the app, to the last column."""
    return list(Account.select().order_by(Account.id).tuples()), list(Access.select().order_by(Access.id).tuples())


def lose(chat, *fields: str, **how) -> None:
    chat.fault("lost-fields", on="api/v1/members", fields=fields, **how)


def everyone(but: str = "") -> tuple[str, ...]:
    return tuple(account.external_id for account in Account.select() if account.external_id != but)


@pytest.fixture
def crowd(chat):
    """248 accounts in all: person 0 is the only owner, and the app's own bot."""
    present = len(chat.store.members())
    chat.store.add_many([(f"m{n}@acme.example", f"M {n}", "member") for n in range(MANY - present)])
    for n in range(MANY - present):
        people.add(f"M {n}", f"m{n}@acme.example", chat.by)
    assert chat.check().state == "succeeded"
    assert App.get().users == MANY
    return chat


@pytest.mark.parametrize("empty", [False, True], ids=["absent", "null"])
def test_a_list_without_emails_and_roles_changes_nothing(crowd, empty):
    before = contents()
    lose(crowd, "email", "role", empty=empty)
    crowd.leave(4)
    check = crowd.check()
    assert check.state == "failed"
    assert check.error == (
        "248 of 248 e-mail addresses are missing; 248 of 248 roles are missing: has the credential lost a permission?"
    )
    assert contents() == before
    assert app_status.standing(App.get()).word == "Needs attention"
    assert Change.select().where(Change.kind.in_(("updated role", "updated profile"))).count() == 0


def test_the_two_that_the_credential_may_still_see_change_nothing_about_that(crowd):
    lose(crowd, "email", but=(crowd.id_of(0), crowd.id_of(1)))
    before = contents()
    check = crowd.check()
    assert check.state == "failed" and contents() == before
    assert check.error == "246 of 248 e-mail addresses are missing: has the credential lost a permission?"


def test_the_leaver_is_found_when_the_permission_is_back(crowd):
    lose(crowd, "email", "role")
    crowd.leave(4)
    assert crowd.check().state == "failed" and reports.open_report(crowd.app) is None
    crowd.clear()
    check = crowd.check()
    assert (check.state, check.counts["removed_users"]) == ("succeeded", 1)
    assert crowd.change(check.report, 4).decision == "needs confirmation"
    assert App.get().error is None and App.get().missing_fields is None


@pytest.mark.parametrize("empty", [False, True], ids=["absent", "null"])
@pytest.mark.parametrize("to", [2, 10])
def test_with_the_role_hidden_the_last_administrator_stays_protected(chat, to, empty):
    """In a small app too: ten people with one owner, who leaves."""
    update_workspace(chat.by, guard_accounts=1000)
    for number in range(to, 10):
        chat.store.remove(chat.id_of(number), via="page")
    assert chat.check().state == "succeeded"
    update_workspace(chat.by, guard_accounts=5)
    chat.leave(0)
    report = chat.check().report
    assert chat.change(report, 0).protection_reason == "Protected: the last Owner of the app"
    lose(chat, "role", empty=empty)
    assert chat.check().state == "failed"
    report = reports.open_report(chat.app)
    assert chat.change(report, 0).protection_reason == "Protected: the last Owner of the app"
    reports.finish(report, chat.by)
    queue.drain(("task",))
    assert chat.removed() == [] and Task.select().count() == 0


def test_a_role_that_everyone_lost_at_the_last_look_removes_nobody(chat):
    """The list was complete at the approval; the permission is lost before the task is done."""
    chat.store.change(chat.id_of(1), via="page", role="owner")
    chat.check()
    chat.leave(0)
    report = chat.check().report
    lose(chat, "role")
    reports.finish(report, chat.by)
    queue.drain(("task",))
    assert chat.removed() == []


def test_someone_who_became_the_last_administrator_unseen_is_not_removed(chat):
    """Between approval and task they became the only owner, and the app no longer reports it."""
    chat.leave(3)
    report = chat.check().report
    reports.finish(report, chat.by)
    chat.store.change(chat.id_of(3), via="page", role="owner")
    chat.store.change(chat.id_of(0), via="page", role="member")
    lose(chat, "role")
    queue.drain(("task",))
    assert chat.removed() == [] and Task.get().state == "no longer needed"


@pytest.mark.parametrize("field", ["status", "email"])
def test_a_value_missing_from_the_last_look_prevents_the_removal(chat, field):
    chat.leave(3)
    report = chat.check().report
    lose(chat, field)
    reports.finish(report, chat.by)
    queue.drain(("task",))
    assert bool(chat.removed()) is (field == "status")  # the identity must be known; the status doesn't matter


def test_an_app_that_no_longer_says_who_administers_it_is_rejected(chat, monkeypatch):
    """Ten people had a role, nine of them the plain one: the list of roles loses its privileged ones."""
    monkeypatch.setattr(SampleChat, "reads_item_by_item", False)
    whole = SampleChat.accounts

    def accounts(self):
        for account in whole(self):
            yield type(account)(**{**{name: getattr(account, name) for name in account.__slots__}, "role": "member"})

    monkeypatch.setattr(SampleChat, "accounts", accounts)
    before = contents()
    check = chat.check()
    assert check.state == "failed" and contents() == before
    assert check.error == "Nobody is an administrator now, and 2 were before: has the credential lost a permission?"


@pytest.mark.parametrize("field,word", [("status", "statuses"), ("name", "names")])
def test_every_field_that_most_have_lost_is_named(crowd, field, word):
    before = contents()
    lose(crowd, field)
    check = crowd.check()
    assert check.state == "failed" and f"{word} are missing" in check.error and contents() == before


def give_last_activity(chat) -> None:
    with chat.store.writing() as store:
        store.execute("UPDATE member SET last_active = '2026-11-01T10:00:00Z' WHERE is_bot = 0")
    chat.check()


def test_the_last_activity_that_is_left_out_stays_and_fails_no_check(crowd):
    """An app may send it to some credentials or plans only, and nobody's access is decided by it."""
    give_last_activity(crowd)
    before = contents()
    lose(crowd, "last_active")
    check = crowd.check()
    assert check.state == "succeeded" and "no longer returns the last activity of 2" in check.warning
    assert [row.last_activity for row in Account.select()].count(None) == 1  # the bot's
    assert len(contents()[0]) == len(before[0])


def test_a_last_activity_that_comes_empty_for_most_fails_the_check(crowd):
    give_last_activity(crowd)
    before = contents()
    lose(crowd, "last_active", empty=True)
    check = crowd.check()
    assert check.state == "failed" and "last activities are missing" in check.error and contents() == before


def test_a_value_lost_by_one_account_is_applied_and_one_not_sent_is_kept(chat):
    lose(chat, "email", but=everyone(but=chat.id_of(4)))
    check = chat.check()
    assert check.state == "succeeded" and Account.get(Account.name == "Person 4").email == email(4)
    assert "no longer returns the e-mail address of 1 account" in check.warning
    assert chat.check().warning is None  # warned once
    chat.clear()
    lose(chat, "email", but=everyone(but=chat.id_of(5)), empty=True)
    check = chat.check()
    assert check.state == "succeeded" and check.counts["updated_profiles"] == 1
    assert Account.get(Account.name == "Person 5").email == ""


def test_an_app_that_never_sent_a_field_is_as_it_was(chat):
    """The first reading can't know what is missing, and a value that never existed can't be lost."""
    assert Account.select().where(Account.last_activity.is_null(False)).count() == 0
    lose(chat, "last_active")
    assert chat.check().state == "succeeded"


def test_roles_on_assets_that_are_no_longer_reported_change_nothing(chat):
    channel = chat.store.add_channel("general", via="page")
    for number in range(10):
        chat.store.join(channel, chat.id_of(number), "manager" if number < 2 else "member", via="page")
    chat.check()
    before = contents()
    chat.fault("lost-fields", on=f"channels/{channel}/members", fields=("role",))
    check = chat.check()
    assert check.state == "failed" and contents() == before
    assert "10 of 10 roles on assets are missing" in check.error
    assert "2 of 2 rights to manage assets are missing" in check.error


# When the app really no longer sends it


def test_an_owner_accepts_that_the_app_no_longer_shows_it(crowd):
    lose(crowd, "email")
    crowd.leave(4)
    crowd.check()
    app = App.get()
    assert lost_fields.waiting(app) == ["e-mail addresses"]
    lost_fields.accept(app, crowd.by)
    check = crowd.check()
    assert check.state == "succeeded", check.error
    assert Account.get(Account.name == "Person 5").email == email(5)  # the known value is kept
    assert crowd.change(check.report, 4).decision == "needs confirmation"
    assert crowd.check().state == "succeeded"  # and is not asked about again
    lose(crowd, "role")
    assert crowd.check().state == "failed"  # another loss is another question


def test_an_acceptance_is_of_what_was_seen(crowd):
    lose(crowd, "email")
    crowd.check()
    lost_fields.accept(App.get(), crowd.by)
    lose(crowd, "role")
    assert "roles are missing" in crowd.check().error


# New accounts with too few values


def test_nothing_is_made_up_of_a_new_account(chat, monkeypatch):
    lose(chat, "role", "status", "email", but=everyone())
    chat.store.add("new@acme.example", "New", "owner", via="page")
    check = chat.check()
    assert check.state == "succeeded"
    new = Account.get(Account.name == "New")
    assert (new.role, new.status, new.email, new.match_kind) == ("", "unknown", "", "unmatched")


def test_a_status_in_a_new_word_is_shown_and_asked_about(chat):
    with chat.store.writing() as store:
        store.execute("UPDATE member SET status = 'frozen' WHERE email = ?", (email(5),))
    check = chat.check()
    assert check.state == "succeeded"
    account = Account.get(Account.email == email(5))
    assert (account.status, account.state) == ("unknown: frozen", "present")
    assert "1 account has a status that Rollcall does not know: “frozen”" in check.warning


def test_an_administrator_of_unknown_status_is_none_who_stays(chat):
    chat.store.change(chat.id_of(1), via="page", role="owner")
    with chat.store.writing() as store:
        store.execute("UPDATE member SET status = 'frozen' WHERE email = ?", (email(1),))
    chat.leave(0)
    assert chat.change(chat.check().report, 0).protection_reason == "Protected: the last Owner of the app"
