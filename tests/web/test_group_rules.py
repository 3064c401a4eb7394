"""Roles from groups on an app's page, teams, and the wizard's part “To be updated in the app”."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from cli.reports import _change
from sync.apps import apps
from sync.checks import comparison
from sync.db import utcnow
from sync.groups import rules as group_rules
from sync.groups import teams
from sync.models import Account, Activity, App, Asset, Check, GroupRule, GroupRuleAsset, LeftOut, Mail, Task, Team
from sync.people import people
from sync.reports import reports
from tests.sync.fixtures import email
from tests.sync.grouped import Groups
from tests.web.client import Client


@pytest.fixture
def sales(groups: Groups) -> Groups:
    """Persons 1 and 10 are in Sales, person 2 as well and already has its role."""
    groups.chat.store.add_channel("general", via="page")
    groups.chat.store.change(groups.chat.id_of(2), via="page", role="admin")
    for number in (1, 2, 10):
        groups.put(number, "Sales")
    groups.read()
    groups.chat.check()
    return groups


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_rule_is_previewed_saved_changed_and_removed(owner: Client, sales: Groups) -> None:
    here = f"/apps/{sales.app.id}/rules"
    general = Asset.get(Asset.name == "general").id
    assert "No rules yet" in owner.get(here).text
    form = owner.get(f"{here}/new").text
    group = f"group:{sales.group('Sales').id}"
    assert f'value="{group}"' in form and "Sales (3)" in form and f'name="add" value="{general}"' in form
    given = {"source": group, "role": "admin"}
    seen = owner.get(f"{here}/preview?source={group}&role=admin&asset={general}&asset_role=member").text
    text = text_of(seen)
    assert "Would be invited 1 Person 10" in text and "Would get another role 1 Person 1" in text
    assert "Would get access 2" in text and "3 people are members now" in text
    assert GroupRule.select().count() == 0, "a preview keeps nothing"
    seen = text_of(owner.get(f"{here}/preview?source={group}&role=admin").text)
    assert "No change needed 1 Person 2" in seen
    answer = owner.post(here, **given)
    assert answer.status_code == 303 and answer.location == here
    owner.post(here, **given)
    rule = GroupRule.get()
    page = text_of(owner.get(here).text)
    assert "Sales of Company LDAP Admin" in page and "Saved." in page
    other = {"source": group, "role": "", "asset": str(general), "asset_role": "member"}
    answer = owner.send("PUT", f"{here}/{rule.id}", **other)
    assert answer.status_code == 303 and GroupRuleAsset.get().role == "member"
    assert f'name="asset" value="{general}"' in owner.get(f"{here}/{rule.id}").text
    assert owner.send("DELETE", f"{here}/{rule.id}").status_code == 303 and GroupRule.select().count() == 0
    written = Activity.select().where(Activity.what.contains("rule of groups")).order_by(Activity.id)
    text = [entry.what for entry in written]
    assert text == ["made rule of groups", "changed rule of groups", "removed rule of groups"]


def test_a_paused_app_is_not_shown_to_be_checked_within_a_minute(owner: Client, sales: Groups) -> None:
    here, given = f"/apps/{sales.app.id}/rules", {"source": f"group:{sales.group('Sales').id}", "role": "admin"}
    preview = f"{here}/preview?source={given['source']}&role=admin"
    assert "The next check, within a minute, adds" in text_of(owner.get(preview).text)
    owner.post(f"/apps/{sales.app.id}/pause")
    assert "The next check adds this" in text_of(owner.get(preview).text)
    page = text_of(owner.get(owner.post(here, **given).location).text)
    assert "Chat is paused, so the rule takes effect when it is checked again" in page and "within a minute" not in page


@pytest.mark.parametrize("query, words", [
    ("source=&role=admin", "Choose a group or a team"),
    ("source=group:999&role=admin", "Choose a group or a team"),
    ("source=team:x&role=admin", "Choose a group or a team"),
    ("source={group}", "Choose a role, or something to give access to"),
    ("source={group}&role=emperor", "no longer has this role"),
    ("source={group}&role=admin&asset=<script>", "Something that was chosen here is no longer in"),
])  # fmt: skip
def test_an_impossible_rule_keeps_the_entered_values(owner: Client, sales: Groups, query: str, words: str) -> None:
    group = f"group:{sales.group('Sales').id}"
    answer = owner.get(f"/apps/{sales.app.id}/rules/preview?" + query.format(group=group))
    assert answer.status_code == 422 and words in answer.text and "Preview" in answer.text


def test_a_rule_that_rests_says_so(owner: Client, sales: Groups) -> None:
    sales.rule("Sales", "admin")
    for number in (1, 2, 10):
        sales.put(number)
    sales.read()
    page = text_of(owner.get(f"/apps/{sales.app.id}/rules").text)
    assert "Inactive Sales is no longer in Company LDAP, or it is empty now." in page


def test_an_app_without_its_connector_still_shows_its_rules_and_who_has_left(owner: Client, sales: Groups, by) -> None:
    rule, leaver = sales.rule("Sales", "admin"), sales.account(2)
    GroupRuleAsset.create(rule=rule, asset=Asset.get(Asset.name == "general"), role="member")
    Account.update(further_roles=["guest"]).where(Account.id == sales.account(1).id).execute()  # and gets another role
    App.update(connector="gone").execute()
    for page in ("rules", f"rules/{rule.id}"):
        assert owner.get(f"/apps/{sales.app.id}/{page}").status_code == 200
    people.mark_left(leaver.person, by)
    assert comparison.compare(sales.app.id, utcnow() + timedelta(minutes=1))
    assert leaver in [change.account for change in sales.report().changes if change.kind == "removed user"]


def test_teams_are_made_changed_and_removed(owner: Client, sales: Groups) -> None:
    sales.put(3, "Rest")
    sales.read()
    ids = [sales.group(name).id for name in ("Sales", "Rest")]
    assert owner.post("/directories/teams", name=" Rev\u202eenue ", group=ids).status_code == 303
    team = Team.get()
    assert team.name == "Revenue" and len(teams.groups_of([team])[team.id]) == 2
    assert owner.post("/directories/teams", name="Revenue", group=ids).status_code == 422
    assert owner.post("/directories/teams", name="Other", group=["x", "9" * 30, "9" * 5000]).status_code == 422
    sales.rule(team, "admin")
    assert "Chat" in owner.get("/directories/teams").text
    assert owner.send("PUT", f"/directories/teams/{team.id}", name="Money", group=ids[:1]).status_code == 303
    assert "Team Money" in text_of(owner.get(f"/apps/{sales.app.id}/rules").text)
    assert "Its rules in Chat" in owner.get(f"/directories/teams/{team.id}/removal").text
    assert owner.send("DELETE", f"/directories/teams/{team.id}").status_code == 303 and GroupRule.select().count() == 0


def test_only_owners_decide_what_happens_automatically(owner: Client, sales: Groups) -> None:
    here = f"/apps/{sales.app.id}/rules/policy"
    assert owner.send("PUT", here, joiners="automatic", unassigned="ask").status_code == 303
    assert (App.get().joiner_approval, App.get().unassigned_approval) == ("automatic", None)
    assert owner.send("PUT", here, joiners="maybe", unassigned="ask").status_code == 400


def test_the_wizard_shows_what_is_to_be_updated_in_the_app_and_finishes_it(owner: Client, sales: Groups) -> None:
    sales.rule("Sales", "admin")
    sales.chat.leave(5)
    sales.found()
    report = reports.open_report(sales.app)
    check = sales.app.checks.order_by(Check.id.desc()).get()
    checked = text_of(owner.get(f"/apps/{sales.app.id}/checks/{check.id}").text)
    assert "members read. No other changes." in checked, "what rules want was not applied, and waits"
    page = owner.get(f"/reports/{report.id}").text
    text = text_of(page)
    assert "1 person has left Acme and still has an account in Chat" in text
    assert "in Chat. By its groups: 1 person to invite, 1 role to change." in text
    assert "To be updated to Rollcall Removed users 1" in text and "To be updated in the app To invite 1" in text
    assert "in group Sales of Company LDAP → Admin" in text and "Member → Admin" in text
    assert "Removes 1 person from Chat. Makes 2 other changes in it." in text
    invite, role, leaver = (sales.change("to invite", 10), sales.change("to change role", 1),
                            sales.chat.change(report, 5))  # fmt: skip
    shown = [invite.id, role.id, leaver.id]
    answer = owner.post(f"/reports/{report.id}/application", version=report.version, shown=shown,
                        yes=[invite.id, leaver.id])  # fmt: skip
    assert answer.status_code == 422 and "Enter why" in answer.text and Task.select().count() == 0
    answer = owner.post(f"/reports/{report.id}/application", version=report.version, shown=shown,
                        yes=[invite.id, leaver.id], **{f"reason-{role.id}": "Not before May"})  # fmt: skip
    page = owner.get(answer.location).text
    assert "Removing 1 person from Chat and making 1 other change." in page
    assert {task.kind for task in Task.select()} == {"invite", "remove"} and LeftOut.get().reason == "Not before May"
    page = text_of(owner.get(f"/apps/{sales.app.id}/rules").text)
    assert "Left out Person 1 Role: admin · Not before May · Olga Brandt" in page
    assert owner.send("DELETE", f"/apps/{sales.app.id}/rules/left-out/{LeftOut.get().id}").status_code == 303
    assert LeftOut.select().count() == 0


def test_a_part_of_many_rows_is_fetched_by_its_key(owner: Client, sales: Groups) -> None:
    sales.rule("Sales", "admin")
    sales.found()
    report = reports.open_report(sales.app)
    part = owner.get(f"/reports/{report.id}/changes?section=to-invite", htmx=True).text
    assert "Person 10" in part and "<html" not in part
    assert owner.get(f"/reports/{report.id}/changes?section=roles-in-app", htmx=True).text.count('name="yes"') == 1


def test_changes_wanted_by_rules_are_in_the_json_report_the_list_and_the_mail(owner: Client, sales: Groups) -> None:
    sales.rule("Sales", "admin")
    sales.found()
    change = json.loads(json.dumps(_change(sales.change("to invite", 10), {})))
    assert (change["kind"], change["person"], change["after"]) == ("to invite", email(10), "Admin")
    page = text_of(owner.get("/reports").text)
    assert "1 person to invite, 1 role to change" in page
    mail = Mail.get(Mail.kind == "report").text
    assert "Person 10 <p10@acme.example>" in mail and "to invite; role Admin; in group Sales" in mail
    assert "to change role; role Member → Admin" in mail


def test_a_name_is_never_markup(owner: Client, sales: Groups) -> None:
    sales.put(1, "<b>Sales</b>")
    sales.read()
    sales.rule("<b>Sales</b>", "admin")
    sales.found()
    for address in ("/rules", "/rules/new"):
        assert "<b>Sales" not in owner.get(f"/apps/{sales.app.id}{address}").text
    assert "<b>Sales" not in owner.get(f"/reports/{reports.open_report(sales.app).id}").text
    assert group_rules.of_app(sales.app)[0].people == 1


def test_many_assets_are_found_by_a_search_and_none_of_another_app(owner: Client, sales: Groups) -> None:
    for number in range(30):
        Asset.create(app=sales.app, external_id=f"x{number}", kind="channel", name=f"project {number:02}")
    other = App.create(connector="sample_chat", name="Other", category="seat-based", state="active")
    theirs = Asset.create(app=other, external_id="1", kind="channel", name="theirs")
    here = f"/apps/{sales.app.id}/rules/new"
    form = owner.get(here).text
    assert form.count('name="add" value=') == 8 and "search for the one you mean" in form and "theirs" not in form
    assert owner.get(f"{here}?look=project+17").text.count('name="add" value=') == 1
    picked = owner.get(f"{here}?look=project+17&pick=yes").text
    chosen = Asset.get(Asset.name == "project 17").id
    assert f'name="asset" value="{chosen}"' in picked and f'name="add" value="{chosen}"' not in picked
    assert owner.get(f"{here}?look=nothing+such&pick=yes").status_code == 422
    for wrong in (theirs.id, 999999, "x"):
        answer = owner.get(f"{here}?add={wrong}&asset={chosen}&asset_role=")
        assert answer.status_code == 422 and f'name="asset" value="{chosen}"' in answer.text


def test_a_guest_who_owns_the_app_does_not_see_who_is_in_a_group(site, someone, sales: Groups, by) -> None:
    """A guest is from elsewhere: neither the groups of the company nor their members are shown to them."""
    kim = someone("Kim Sørensen", "guest")
    apps.set_manager(sales.app, kim, "owner", by)
    guest, here = Client(site, kim), f"/apps/{sales.app.id}/rules"
    given = {"source": f"group:{sales.group('Sales').id}", "role": "admin"}
    rule = group_rules.save(sales.app, group_rules.Draft(sales.group("Sales"), role="admin"), by)
    for address in (f"{here}/new", f"{here}/{rule.id}", f"{here}/preview?source={given['source']}&role=admin"):
        answer = guest.get(address)
        assert answer.status_code == 403 and "Sales" not in answer.text and "Person 10" not in answer.text
    assert guest.post(here, **given).status_code == guest.send("PUT", f"{here}/{rule.id}", **given).status_code == 403
    page = guest.get(here)
    assert page.status_code == 200 and "New rule" not in page.text
    assert guest.send("DELETE", f"{here}/{rule.id}").status_code == 303, "what they own they may still end"
