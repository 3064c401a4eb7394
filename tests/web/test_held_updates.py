"""What an Owner sees and does when many roles or profiles changed at once, or when an app no longer sends a field."""

from __future__ import annotations

import pytest

from sync.models import Account, App, Check, Mail, Report
from sync.reports import reports
from sync.safety import guards, lost_fields
from tests.sync.fixtures import email
from tests.web.client import Client


def promote(chat) -> Report:
    for number in range(1, 7):
        chat.store.change(chat.id_of(number), via="page", role="admin")
    return chat.check().report


def test_the_wizard_shows_what_is_held_and_updates_it_in_one_go(owner: Client, chat) -> None:
    report = promote(chat)
    page = owner.get(f"/reports/{report.id}").text
    assert "6 roles changed at once in Chat." in page
    assert "6 roles and profiles are held by a guard." in page and "Update 6 in Rollcall" in page
    assert page.count('title="Held by a guard"') == 6 and "Member → Admin" in page
    assert 'name="yes"' not in page and "Update or release the held changes first." in page
    answer = owner.post(f"/reports/{report.id}/release", version=report.version, only="updates")
    assert answer.status_code == 303
    assert Account.get(Account.email == email(1)).role == "admin"
    assert Report.get_by_id(report.id).state == "applied"
    assert Check.select().where(Check.state == "queued", Check.trigger == "release").exists()
    assert "6 changes in Chat" in owner.get(f"/reports/{report.id}").text


def test_with_removals_held_too_each_has_its_button(owner: Client, chat) -> None:
    chat.leave(*range(4, 10))
    report = promote(chat)
    page = owner.get(f"/reports/{report.id}").text
    assert "6 roles and profiles are held" in page and "6 changes are held by a guard" in page
    part = owner.send("POST", f"/reports/{report.id}/release", htmx=True, version=report.version, only="updates").text
    assert "roles and profiles are held" not in part and "6 changes are held by a guard" in part
    report = Report.get_by_id(report.id)
    part = owner.send("POST", f"/reports/{report.id}/release", htmx=True, version=report.version, only="others").text
    assert part.count('name="yes"') == 6 and "Removes 6 people" in part
    assert owner.post(f"/reports/{report.id}/release", version=report.version, only="x").status_code == 400


def test_a_check_says_what_it_applied_and_what_is_held(owner: Client, chat) -> None:
    report = promote(chat)
    check = report.checks.order_by(Check.id.desc()).get()
    page = owner.get(f"/apps/{chat.app.id}/checks/{check.id}").text
    assert "A guard holds 6 changes" in page and "No other changes." in page


def test_members_show_that_a_change_is_held_and_a_status_that_is_not_known(owner: Client, chat) -> None:
    promote(chat)
    with chat.store.writing() as store:
        store.execute("UPDATE member SET status = 'frozen' WHERE email = ?", (email(8),))
    chat.check()
    page = owner.get(f"/apps/{chat.app.id}/members").text
    assert page.count("Change held") == 6 and page.count("Status “frozen”?") == 1


def test_each_kind_has_numbers_of_its_own(owner: Client, chat) -> None:
    here = f"/apps/{chat.app.id}/policy"
    page = owner.get(here).text
    for legend in ("Hold back removals", "Hold back changed roles", "Hold back changed profiles"):
        assert legend in page
    owner.send("PUT", here, removal="ask", guard="workspace", accounts="5", percent="20", roles_guard="own",
               roles_accounts="3", roles_percent="10", profiles_guard="workspace")  # fmt: skip
    app = App.get_by_id(chat.app.id)
    assert [guards.guard_of(app, kind) for kind in guards.GUARDS] == [
        guards.Guard(5, 20), guards.Guard(3, 10), guards.Guard(5, 20),
    ]  # fmt: skip
    settings = owner.get(f"/apps/{chat.app.id}").text
    assert "when more than 3 users and more than 10\u00a0% would get another role at once" in settings
    answer = owner.send("PUT", here, removal="ask", guard="workspace", roles_guard="own", roles_accounts="x",
                        roles_percent="1", profiles_guard="workspace")  # fmt: skip
    assert answer.status_code == 422 and "whole number" in answer.text


def test_an_owner_is_shown_what_is_missing_and_may_go_on_without(owner: Client, chat) -> None:
    chat.fault("lost-fields", on="api/v1/members", fields=("email",))
    check = chat.check()
    assert "Continue without" in owner.get(f"/apps/{chat.app.id}/checks/{check.id}").text
    page = owner.get(f"/apps/{chat.app.id}").text
    assert "11 of 11 e-mail addresses are missing: has the credential lost a permission?" in page
    assert "Continue without" in page
    here = f"/apps/{chat.app.id}/missing-fields"
    assert "without most of the e-mail addresses" in owner.get(here).text
    assert owner.send("PUT", here).status_code == 303
    assert lost_fields.waiting(App.get_by_id(chat.app.id)) == []
    assert chat.check().state == "succeeded"
    assert "Continue without" not in owner.get(f"/apps/{chat.app.id}").text
    assert "Nothing is missing now" in owner.get(here).text


@pytest.mark.parametrize("address", ["missing-fields", "policy"])
def test_a_stranger_accepts_nothing(site, chat, someone, address) -> None:
    browser = Client(site, someone("Jana Kowalski", role="user"))
    assert browser.send("PUT", f"/apps/{chat.app.id}/{address}").status_code in (403, 404)


def test_a_held_report_of_updates_is_mailed(owner: Client, chat) -> None:
    promote(chat)
    mail = Mail.select().order_by(Mail.id.desc()).get()
    assert mail.subject == "Held: 6 roles changed at once in Chat"
    assert "Roles and profiles are then updated" in mail.text
    assert reports.open_report(chat.app).held == 6
