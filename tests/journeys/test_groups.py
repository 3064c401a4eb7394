"""Roles from groups in a real browser: a group is mapped, a joiner invited, a mover changed, a leaver reported."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from sync.groups import teams
from sync.jobs import queue
from sync.models import Asset, GroupRule, Person, Task
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.sync.fixtures import email
from tests.sync.grouped import Groups


@pytest.fixture
def sales(groups: Groups) -> Groups:
    """Persons 1, 2 and 10 are in Sales: 10 has no account, and 2 already has the role. 3 and 4 are in Marketing."""
    channel = groups.chat.store.add_channel("general", via="page")
    groups.chat.store.join(channel, groups.chat.id_of(2), "manager", via="page")
    groups.chat.store.join(channel, groups.chat.id_of(5), "member", via="page")
    groups.chat.store.change(groups.chat.id_of(2), via="page", role="admin")
    for number, name in ((1, "Sales"), (2, "Sales"), (10, "Sales"), (3, "Marketing"), (4, "Marketing")):
        groups.put(number, name)
    groups.read()
    groups.chat.check()
    return groups


def text(page, selector: str) -> str:
    return " ".join(page.text_content(selector).split())


def checked(page, url: str, sales: Groups):
    """A check, and the wizard of what it found."""
    sales.chat.check()
    page.goto(f"{url}/apps/{sales.app.id}")
    page.click("#view-report")
    page.wait_for_selector("#sync-data:modal")
    return text(page, "#sync-data")


def finish(page) -> None:
    page.dblclick("#finish-sync")
    page.wait_for_selector("#tasks")
    queue.drain(("task", "check"))


def map_the_group(page, url: str, sales: Groups) -> None:
    page.goto(f"{url}/apps/{sales.app.id}")
    page.click(".tabs >> text=Groups")
    page.click("#new-rule")
    page.wait_for_selector("dialog:modal #f-source")
    page.select_option("#f-source", label="Sales (3)")
    page.select_option("#f-role", label="Admin")
    page.click("#preview-rule")
    page.wait_for_selector("dialog:modal #save-rule")
    shown = text(page, "dialog")
    assert "Would be invited1" in shown and "Person 10" in shown
    assert "No change needed1" in shown and "Member → Admin" in shown
    page.click("#back-to-rule")
    page.wait_for_selector("dialog:modal #f-source")
    assert page.input_value("#f-role") == "admin", "what was chosen is still there"
    page.goto(f"{url}/apps/{sales.app.id}/rules/new?source=group:{sales.group('Sales').id}&role=admin")
    page.click("main dialog >> #preview-rule")
    page.wait_for_selector("#save-rule")
    assert page.locator("dialog").count() == 1 and "/rules/preview?" in page.url, "the next step is a page too"
    page.dblclick("#save-rule")
    page.wait_for_selector("#h-by-itself")
    assert GroupRule.select().count() == 1 and "Sales of Company LDAP" in text(page, ".table")


def test_a_group_is_mapped_and_joiners_movers_and_leavers_follow(visit, live, olga: Person, sales: Groups) -> None:
    page = visit(olga, at=None)
    map_the_group(page, live.url, sales)
    shown = checked(page, live.url, sales)
    assert "By the groups of Chat: 1 person to invite, 1 role to change." in shown
    assert "To be updated in the app" in shown and "in group Sales of Company LDAP → Admin" in shown
    assert text(page, "#sync-outcome") == "Removes nobody from Chat. Makes 2 changes in it."
    page.locator("#drop-roles-in-app input[name=yes]").click()
    assert text(page, "#sync-outcome") == "Removes nobody from Chat. Makes 1 change in it."
    page.locator("#drop-roles-in-app input[name=yes]").click()
    finish(page)
    assert (sales.role(10), sales.role(1)) == ("admin", "admin") and Task.select().count() == 2

    sales.put(3, "Sales")  # a mover
    sales.put(1, "Marketing")  # no longer in a group of the app
    sales.read()
    shown = checked(page, live.url, sales)
    assert "1 role to change, 1 person no longer assigned" in shown
    assert "No longer in group Sales of Company LDAP" in shown
    assert text(page, "#sync-outcome") == "Removes 1 person from Chat. Makes 1 other change in it."
    page.locator("#drop-no-longer-assigned summary").focus()
    finish(page)
    assert (sales.role(3), sales.role(1), sales.role(4)) == ("admin", None, "member")
    page.reload()
    assert page.locator("#tasks .badge-ok").count() >= 4


def test_a_mover_loses_what_the_old_group_gave(visit, live, olga: Person, sales: Groups) -> None:
    sales.rule("Sales", "", (Asset.get(Asset.app == sales.app, Asset.name == "general"), "member"))
    sales.rule("Marketing", "member")
    sales.found()
    sales.approve()
    assert "general as member" in sales.chat.log("joined channel")[-1]["detail"]
    sales.put(1, "Marketing")
    sales.read()
    page = visit(olga, at=None)
    shown = checked(page, live.url, sales)
    assert "By the groups of Chat: 1 asset role to revoke." in shown and "member → no access" in shown
    assert "No longer in group Sales of Company LDAP" in shown
    assert text(page, "#sync-outcome") == "Removes nobody from Chat. Makes 1 change in it."
    report = f"/reports/{sales.report().id}"
    nothing_wrong(look_at(page, live.url, Look("sync-data-loss", report)))
    page.reload()
    finish(page)
    page.go_back()
    page.wait_for_url("**/reports/*", wait_until="networkidle")
    if page.locator("#finish-sync").count():  # the page as it was, out of the browser's memory
        page.click("#finish-sync")
        page.wait_for_selector("#tasks")
        queue.drain(("task", "check"))
    assert [entry["name"] for entry in sales.chat.log("left channel")] == [email(1)]
    page.goto(f"{live.url}/apps/{sales.app.id}/activity")
    assert page.locator("#tasks .badge-ok").count() == 3 and "Revoke" in text(page, "#tasks")


def test_it_all_works_without_javascript(visit, live, olga: Person, sales: Groups) -> None:
    page = visit(olga, javascript=False, expected=("status of 422",), at=None)
    here = f"{live.url}/apps/{sales.app.id}/rules"
    page.goto(f"{live.url}/directories/teams")
    page.click("#new-team")
    page.fill("#f-name", "Revenue")
    page.click("text=Sales")
    page.click("text=Save")
    page.goto(here)
    page.click("#new-rule")
    page.select_option("#f-source", label="Revenue")
    page.click("#preview-rule")
    page.wait_for_selector("text=Choose a role, or something to give access to")
    page.fill("[name=look]", "general")
    page.keyboard.press("Enter")
    assert "general" in text(page, "#picked")
    page.select_option("[name=asset_role]", "member")
    page.click("#preview-rule")
    page.wait_for_selector("text=Would get access")
    page.click("#save-rule")
    assert page.url == here and "Team Revenue" in text(page, ".table")
    told_by = sales.chat.check().report
    page.goto(f"{live.url}/reports/{told_by.id}")
    assert "in team Revenue, group Sales of Company LDAP → member" in text(page, "#sync-data")
    page.click("#finish-sync")
    queue.drain(("task",))
    page.reload()
    assert page.locator("#tasks .badge-ok").count() == 2


def test_access_is_picked_and_taken_out_again(visit, live, olga: Person, sales: Groups) -> None:
    sales.chat.store.add_channel("press", "page")
    sales.chat.check()
    page = visit(olga, expected=("status of 422",), at=f"/apps/{sales.app.id}/rules")
    opens("#new-rule")(page)
    page.select_option("#f-source", label="Sales (3)")
    search = page.get_by_label("Search channels to add")
    search.fill("gen")
    expect(page.locator("#offered button")).to_have_count(1)
    search.press("Enter")
    expect(page.locator("#picked")).to_contain_text("general")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    expect(page.locator("#offered")).not_to_contain_text("general")
    page.get_by_role("button", name="Add press").click()
    page.get_by_label("Role on press").select_option("manager")
    page.get_by_role("button", name="Remove general").click()
    expect(page.locator("#picked li")).to_have_count(1)
    expect(page.get_by_label("Role on press")).to_have_value("manager")
    expect(search).to_be_focused()  # it has the focus once typing in it is noticed
    search.fill("nowhere")
    expect(page.locator("#offered")).to_contain_text("No channel matches")
    search.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("matches “nowhere”. Nothing was added.")
    expect(search).to_have_value("nowhere")
    expect(page.locator("#f-source")).to_have_value(f"group:{sales.group('Sales').id}")
    page.click("#preview-rule")
    page.click("#save-rule")
    expect(page.locator(".table")).to_contain_text("channel: press")


def _preview(page) -> None:
    opens("#new-rule")(page)
    page.select_option("#f-source", index=1)
    page.select_option("#f-role", label="Admin")
    page.click("#preview-rule")
    page.wait_for_selector("#save-rule")


def test_pages(visit, live, olga: Person, sales: Groups) -> None:
    page = visit(olga, at=None)
    rules = f"/apps/{sales.app.id}/rules"
    wrong = look_at(page, live.url, Look("groups-nothing", rules))
    wrong += look_at(page, live.url, Look("teams-nothing", "/directories/teams"))
    team = teams.create("Revenue", [sales.group("Sales").id, sales.group("Marketing").id], sales.chat.by)
    wrong += look_at(page, live.url, Look("groups-preview", rules, _preview))
    sales.rule("Sales", "admin", (sales.app.assets.get(), "member"))
    sales.rule(team, "member")
    sales.rule("Marketing", "guest")
    sales.chat.leave(7)
    sales.chat.check()
    sales.put(3)
    sales.put(4)
    sales.put(11, "Sales")
    sales.read()
    sales.chat.check()
    looks = [
        Look("groups", rules),
        Look("groups-new", rules, opens("#new-rule")),
        Look("groups-by-itself", rules, opens("#change-rules-policy")),
        Look("groups-sync-data", f"/apps/{sales.app.id}", opens("#view-report")),
        Look("teams", "/directories/teams"),
        Look("teams-new", "/directories/teams", opens("#new-team")),
    ]
    wrong += look_at(page, live.url, *looks)
    nothing_wrong(wrong)
