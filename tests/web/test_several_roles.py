"""Wherever an account's role is shown, all its roles are; the preview shows what a change removes."""

from __future__ import annotations

import json
import re

import pytest

from cli.reports import _change, _lines
from sync.groups import rules as group_rules
from sync.jobs import queue
from sync.models import Account, App, Change, DirectoryGroup, Mail, Person
from sync.people import people
from sync.reports import reports
from tests.sync.listed import Listed
from tests.sync.scripted import Scripted
from tests.web.client import Client

AND_MORE = ("Admin and 2 more", "Billing", "Editor")


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.fixture
def ben(acting: Listed, by: str) -> Account:
    """Ben administers, pays and edits. Ada edits and pays. Cem is a plain member."""
    acting.add("ben", email="ben@acme.example", name="Ben", role="admin", further_roles=("editor", "billing"))
    acting.add("ada", email="ada@acme.example", name="Ada", role="editor", further_roles=("billing",))
    acting.add("cem", email="cem@acme.example", name="Cem", role="member")
    for name in ("Ben", "Ada", "Cem"):
        people.add(name, f"{name.lower()}@acme.example", by)
    acting.check()
    return acting.account("ben")


def shows_all(page: str) -> bool:
    shown = text_of(page)
    return AND_MORE[0] in shown and all(name in shown for name in AND_MORE) and 'title="Admin, Billing, Editor"' in page


def test_members_the_account_and_the_person_show_every_role(owner: Client, ben: Account) -> None:
    here = f"/apps/{ben.app_id}/members"
    page = owner.get(here).text
    assert shows_all(page) and "Editor and 1 more" in text_of(page)
    assert re.search(r'id="role-\d+">Member</span>', page), "who has one role looks as before"
    assert page.count("administers the app") == 2
    assert "Admin, Billing, Editor" in text_of(owner.get(f"{here}/{ben.id}").text)
    assert shows_all(owner.get(f"/people/{ben.person_id}").text)
    assert shows_all(owner.get(f"/people/{ben.person_id}/offboardings/new").text)
    assert shows_all(owner.get(f"{here}/provisioning?account={ben.id}").text)


def test_an_administrator_by_a_further_role_is_marked_as_one(owner: Client, ben: Account) -> None:
    listed = Listed.now()
    listed.say("cem", further_roles=("admin", "no such role"))
    listed.check()
    shown = text_of(owner.get(f"/apps/{ben.app_id}/members").text)
    assert "Member and 2 more Admin no such role administers the app" in shown


def test_the_dialog_and_the_preview_say_what_stays_and_what_goes(owner: Client, ben: Account) -> None:
    here = f"/apps/{ben.app_id}/role-changes/new"
    ada, cem = (Account.get(Account.name == name) for name in ("Ada", "Cem"))
    assert "Now has Editor, Billing. The preview shows which of these roles are kept" in text_of(
        owner.get(f"{here}?account={ada.id}").text)  # fmt: skip
    assert "Some of them have several roles" in text_of(owner.get(f"{here}?account={ada.id}&account={cem.id}").text)
    assert "The preview says" not in text_of(owner.get(f"{here}?account={cem.id}").text)
    shown = text_of(owner.get(f"{here}?account={ada.id}&account={cem.id}&role=admin").text)
    does = "keeps" if Listed.now().keeps else "removes"
    assert f"Editor → Admin {does} Billing" in shown and shown.count("Billing") == 1
    assert "Member → Admin" in shown


@pytest.fixture
def ruled(ben: Account, scripted: type[Scripted], by: str) -> App:
    """A group, whose rule makes its people members of the app, has Ada and Ben."""
    company = scripted(count=0)
    for name in ("ada", "ben"):
        company.add(name, f"{name}@acme.example", name.capitalize(), groups=("Staff",))
    assert company.read().state == "succeeded"
    return ben.app


def test_a_rule_says_it_before_it_is_kept_and_in_the_wizard_the_mail_and_the_command_line(
    owner: Client, ruled: App, by: str
) -> None:
    does = "keeps" if Listed.now().keeps else "removes"
    group = DirectoryGroup.get()
    seen = owner.get(f"/apps/{ruled.id}/rules/preview?source=group:{group.id}&role=member").text
    assert f"Ada {does} Billing Editor → Member" in text_of(seen)
    group_rules.save(ruled, group_rules.Draft(group=group, role="member"), by)
    Listed.now().check()
    report = reports.open_report(ruled)
    page = text_of(owner.get(f"/reports/{report.id}").text)
    assert f"Editor → Member {does} Billing" in page
    assert f"Admin → Member {does} Billing, Editor" in page
    to_change = report.changes.where(Change.kind == "to change role")
    change = to_change.join(Account).where(Account.external_id == "ada").get()
    shown = _change(change, {})
    assert shown[does] == ["Billing"] and shown["keeps" if does == "removes" else "removes"] == []
    json.dumps(shown)
    assert f"Editor → Member; {does} Billing" in "\n".join(_lines(report, [change]))
    assert f"Editor → Member; {does} Billing" in Mail.get(Mail.kind == "report").text
    before = report.version
    Listed.now().say("ada", further_roles=("billing", "owner"))
    Listed.now().check()
    assert reports.open_report(ruled).version > before, "what was seen holds no more"
    with pytest.raises(reports.ReportChanged):
        reports.finish(report, by, version=before)


def test_the_wizard_shows_which_roles_a_change_removes_without_a_click(owner: Client, ruled: App, by: str) -> None:
    group_rules.save(ruled, group_rules.Draft(group=DirectoryGroup.get(), role="member"), by)
    people.mark_left(Person.get(Person.name == "Cem"), by)
    Listed.now().check()
    page = owner.get(f"/reports/{reports.open_report(ruled).id}").text
    is_open = re.search(r'id="drop-roles-in-app"( open)?', page).group(1) is not None
    assert is_open == (not Listed.now().keeps)


def test_a_change_wanted_by_a_rule_is_made_as_it_was_shown(owner: Client, ruled: App, by: str) -> None:
    group_rules.save(ruled, group_rules.Draft(group=DirectoryGroup.get(), role="member"), by)
    listed = Listed.now()
    listed.check()
    report = reports.open_report(ruled)
    reports.finish(report, by, version=report.version)
    queue.drain(("task",))
    ada, ben = listed.seats["ada"], listed.seats["ben"]
    assert set(ada.roles) == ({"member", "billing"} if listed.keeps else {"member"})
    assert set(ben.roles) == ({"member", "billing", "editor"} if listed.keeps else {"member"})
    assert listed.check().applied == 0 and reports.open_report(ruled) is None, "a rule is content with any of the roles"


def test_the_wizard_shows_every_role_of_who_comes_changes_and_goes(owner: Client, ben: Account, by: str) -> None:
    new = Change.get(Change.kind == "new user", Change.account == ben).report
    assert shows_all(owner.get(f"/reports/{new.id}").text)
    listed = Listed.now()
    listed.say("ada", further_roles=("billing", "admin"))
    people.mark_left(Person.get(Person.name == "Ben"), by)
    listed.check()
    page = owner.get(f"/reports/{reports.open_report(ben.app).id}").text
    assert shows_all(page)
    assert "Editor, Billing → Editor, Admin, Billing" in text_of(page)


def test_pages_need_no_script_to_show_them(owner: Client, ben: Account) -> None:
    page = owner.get(f"/apps/{ben.app_id}/members").text
    assert re.search(r'<details class="role-names"><summary[^>]*>Admin and 2 more', page)
