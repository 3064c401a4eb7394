"""Someone leaves every app at once, in a real browser: preview, one account left out, approval, coming back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sync.apps import apps
from sync.checks import checks
from sync.jobs import asking, queue
from sync.models import Offboarding, Person, Task
from sync.offboarding import offboarding
from sync.people import holds, people
from sync.safety import sole_managers
from sync.workspace import today
from tests.demo.apps import AdsApp
from tests.journeys import apps_of_acme
from tests.journeys.looks import Look, look_at, nothing_wrong, opens
from tests.sync.fixtures import email


@pytest.fixture
def ads(tmp_path: Path, chat, olga: Person) -> Iterator[AdsApp]:
    """A third app, where person 3 alone controls the ad account Spring."""
    with AdsApp(tmp_path / "ads") as ads:
        ads.store.add("person", email(0), "Person 0", "admin", via="page")
        three = ads.store.add("person", email(3), "Person 3", "employee", via="page")
        ads.store.assign(ads.store.add_asset("ad account", "Spring", via="page"), three, ["MANAGE"], via="page")
        ads.app = apps.connect("sample-ads", "Acme Ads", ads.settings, [olga], chat.by)
        apps.set_seat_price(ads.app, 2000, chat.by)
        checks.run(asking.ask(ads.app, chat.by).id)
        yield ads


def test_one_approval_offboards_everywhere_and_back_again(visit, live, olga: Person, chat, second, ads: AdsApp) -> None:
    apps.set_seat_price(chat.app, 875, chat.by)
    person = chat.people[3]
    page: Page = visit(olga, at=None)
    page.goto(f"{live.url}/people/{person.id}")
    expect(page.locator("main")).to_contain_text("is the only manager of the ad account “Spring”")
    expect(page.locator("main")).to_contain_text("28.75")
    page.click("#offboard")
    form = page.locator("#offboarding-form")
    expect(form).to_contain_text("is the only manager of the ad account “Spring”")
    expect(page.get_by_role("checkbox", name="Acme Ads")).not_to_be_checked()
    page.get_by_label("Hand over “Spring” to").select_option("nobody")
    expect(page.locator("#offboarding-outcome")).to_have_text("Removes 3 accounts and saves 8.75\u00a0€ a month.")
    page.get_by_role("checkbox", name="Second chat").uncheck()
    expect(page.locator("#offboarding-outcome")).to_have_text("Removes 2 accounts and saves 8.75\u00a0€ a month.")
    page.keyboard.type("Hand-over until Friday")
    page.get_by_label("Reason").last.fill("Last day was Friday")
    page.dblclick("#finish-offboarding")
    tasks = page.locator("#offboarding-tasks")
    expect(tasks).to_contain_text("0 of 2 removed")
    expect(tasks).to_contain_text("Hand-over until Friday")
    assert (Offboarding.select().count(), Task.select().count()) == (1, 2)
    queue.drain()
    expect(tasks).to_contain_text("2 of 2 removed")
    expect(page.locator("#offboarding-tasks:not([hx-trigger])")).to_be_visible()
    assert email(3) not in chat.emails() and email(3) not in ads.emails() and email(3) in second.emails()
    page.go_back()
    page.wait_for_selector("#offboarding-form")
    page.wait_for_load_state()
    page.reload()
    assert (Offboarding.select().count(), Task.select().count()) == (1, 2)

    page.goto(f"{live.url}/people/{person.id}")
    expect(page.locator("main")).to_contain_text("Marked as left by Olga Brandt: Last day was Friday")
    page.locator(".page-head .menu summary").click()
    page.get_by_role("button", name="Reactivate").click()
    before = page.locator("section", has=page.get_by_role("heading", name="Previous accounts"))
    expect(before).to_contain_text("Chat")
    expect(before).to_contain_text("Acme Ads")
    before.get_by_role("link", name="Invite again").first.click()
    expect(page.locator("dialog:modal #picked li")).to_have_text([email(3)])
    assert Person.get_by_id(person.id).status == "active"


def test_planned_then_a_hold_then_back(visit, live, olga: Person, chat, second) -> None:
    person, page = chat.people[3], visit(olga, at=None)
    page.goto(f"{live.url}/people/{person.id}/offboardings/new")
    expect(page.locator("[name=day]")).to_be_hidden()
    page.get_by_label("On a date").check()
    page.fill("[name=day]", str(today() + timedelta(days=9)))
    page.click("#finish-offboarding")
    expect(page.locator("main")).to_contain_text("Planned for")
    page.goto(f"{live.url}/people/{person.id}")
    page.click("#set-hold")
    page.get_by_label("Reason").fill("Lawsuit 12/2026")
    page.get_by_role("button", name="Set the hold").click()
    expect(page.locator(".page-head")).to_contain_text("On legal hold")
    page.goto(f"{live.url}/people/{person.id}/offboardings/new")
    expect(page.locator("#finish-offboarding")).to_be_disabled()
    page.goto(f"{live.url}/people/{person.id}")
    page.click("#lift-hold")
    expect(page.locator("#lift-hold")).to_have_count(0)
    people.mark_left(person, chat.by)
    page.reload()
    expect(page.locator(".page-head")).to_contain_text("Kept until")
    page.locator(".page-head .menu summary").click()
    page.get_by_role("button", name="Reactivate").click()
    expect(page.locator("#h-leaving + dl")).to_contain_text("Cancelled")
    assert Person.get_by_id(person.id).remove_on is None and Task.select().count() == 0


def test_it_works_without_javascript(visit, live, olga: Person, chat, second) -> None:
    person, page = chat.people[3], visit(olga, javascript=False, expected=("status of 422",), at=None)
    page.goto(f"{live.url}/people/{person.id}/offboardings/new")
    page.get_by_role("checkbox", name="Second chat").uncheck()
    page.click("#finish-offboarding")
    expect(page.locator("#offboarding-form .error").first).to_be_visible()
    page.get_by_label("Why is the account in Second chat left out?").fill("Hand-over")
    page.click("#finish-offboarding")
    expect(page.locator("#offboarding-tasks")).to_contain_text("Hand-over")
    assert Task.select().count() == 1


def _left_out(page: Page) -> None:
    page.locator("#offboarding-form input[name=yes]").first.uncheck()


def _on_a_day(page: Page) -> None:
    page.get_by_label("On a date").check()


def _accepted(person: Person) -> dict:
    alone = sole_managers.sole_assets([seat.id for seat in people.accounts_of(person)])
    return {(account_id, asset.id): None for account_id, assets in alone.items() for asset in assets}


def test_pages(visit, live, tmp_path: Path, olga: Person, by: str) -> None:
    with apps_of_acme.built(tmp_path, olga, by) as acme:
        apps.set_seat_price(acme.ads, 2000, by)
        jana, ana, ines = (people.find_by_email(f"{name}@acme.example") for name in ("jana", "ana", "ines"))
        done = offboarding.start(jana, olga, {seat.id for seat in people.accounts_of(jana)}, {
            people.accounts_of(jana)[0].id: "Hand-over until Friday"}, reason="Last day was Friday",
            hand_overs=_accepted(jana)).offboarding  # fmt: skip
        Task.update(state="needs attention", error="The app said no: billing owner.").where(
            Task.change.in_([change.id for change in done.changes])).execute()
        planned = offboarding.start(ines, olga, {seat.id for seat in people.accounts_of(ines)}, {},
                                    on=today() + timedelta(days=9), hand_overs=_accepted(ines)).offboarding
        holds.hold(ana, "Lawsuit 12/2026", by)
        tom = people.find_by_email("tom@acme.example")
        new, person = f"/people/{tom.id}/offboardings/new", f"/people/{tom.id}"
        looks = [
            Look("person-seats", person),
            Look("person-hold", person, opens("#set-hold")),
            Look("person-remove-on", person, opens("#set-remove-on")),
            Look("person-on-hold", f"/people/{ana.id}"),
            Look("person-planned", f"/people/{ines.id}"),
            Look("offboarding-preview", new),
            Look("offboarding-left-out", new, _left_out),
            Look("offboarding-on-a-day", new, _on_a_day),
            Look("offboarding-on-hold", f"/people/{ana.id}/offboardings/new"),
            Look("offboarding", f"/people/{jana.id}/offboardings/{done.id}"),
            Look("offboarding-planned", f"/people/{ines.id}/offboardings/{planned.id}"),
        ]
        page = visit(olga, at=None)
        nothing_wrong(look_at(page, live.url, *looks))
        page.goto(live.url + new)
        outcome, box = page.locator("#offboarding-outcome"), page.locator("[name=yes]:checked")
        expect(outcome).to_have_text("1 account waits for an Owner's release.")
        box.evaluate("(box) => { box.click(); box.click() }")
        expect(outcome).to_have_text("1 account waits for an Owner's release.")
        box.uncheck()
        expect(outcome).to_have_text("Removes 0 accounts.")
