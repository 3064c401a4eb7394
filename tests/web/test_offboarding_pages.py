"""The pages of leaving: the preview and its approval, the report across all apps, a legal hold, the day, the person."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from sync import activity
from sync.apps import apps
from sync.db import utcnow, writing
from sync.groups import rules
from sync.jobs import queue
from sync.matching import members
from sync.models import Account, App, Change, HeldChange, Offboarding, Person, Task
from sync.offboarding import offboarding
from sync.people import holds, people
from sync.rank import Asker
from sync.workspace import today, update_workspace, workspace
from tests.sync.fixtures import email
from tests.web.client import Client
from web.offboarding import _removes_many


def tomorrow() -> str:
    return str(today() + timedelta(days=1))


@pytest.fixture
def ana(chat, second) -> Person:
    """Person 3, with a seat in each of two apps; one costs 8.75 €."""
    apps.set_seat_price(chat.app, 875, chat.by)
    return chat.people[3]


def form_of(page: str) -> dict[str, list[str]]:
    """What a browser would send from the preview, as name → values."""
    return {
        "key": re.findall(r'name="key" value="([^"]+)"', page),
        "shown": re.findall(r'name="shown" value="(\d+)"', page),
        "locked": re.findall(r'name="locked" value="(\d+)"', page),
        "yes": re.findall(r'name="yes" value="(\d+)"[^>]* checked', page),
    }


def offboard(owner: Client, person: Person, **values) -> Offboarding:
    form = form_of(owner.get(f"/people/{person.id}/offboardings/new").text) | values
    answer = owner.post(f"/people/{person.id}/offboardings", **form)
    assert answer.status_code == 303, answer.text
    return Offboarding.select().order_by(Offboarding.id.desc()).get()


def test_the_person_page_shows_every_account_and_its_cost(owner: Client, ana: Person, chat) -> None:
    page = owner.get(f"/people/{ana.id}").text
    assert "Second chat" in page and email(3) in page and "Member" in page
    assert re.search(r"8\.75\s€ a month", page) and "Offboard everywhere" in page


def outcome(owner: Client, person: Person) -> str:
    page = html.unescape(owner.get(f"/people/{person.id}/offboardings/new").text)
    return re.search(r'id="offboarding-outcome"[^>]*>([^<]+)<', page).group(1).replace("\u00a0", " ")


def test_only_what_finish_removes_at_once_counts_as_removed_and_saved(owner: Client, ana: Person, chat, second) -> None:
    apps.set_seat_price(second.app, 1200, chat.by)
    assert outcome(owner, ana) == "Removes 2 accounts and saves 20.75 € a month."
    update_workspace(chat.by, guard_accounts=1, guard_percent=0)
    assert outcome(owner, ana) == "Removes 1 account and saves 8.75 € a month. 1 account waits for an Owner's release."
    form = form_of(owner.get(f"/people/{ana.id}/offboardings/new").text)
    done = owner.post(f"/people/{ana.id}/offboardings", **form)
    assert "Removing 1 account. 1 account waits for an Owner's release." in html.unescape(owner.get(done.location).text)


def test_a_removal_by_hand_is_not_counted_as_removed(owner: Client, ana: Person, chat, second) -> None:
    update_workspace(chat.by, guard_accounts=1, guard_percent=0)
    App.update(connector="csv_export", settings={}).where(App.id == chat.app.id).execute()
    assert outcome(owner, ana) == "1 account waits for an Owner's release. 1 account must be removed by hand."


def leave_out(app: App, person: Person) -> None:
    """In a report, after they have left."""
    Account.update(left_out_person=Account.person, left_out_reason="hand-over", left_out_at=utcnow()).where(
        Account.app == app, Account.person == person).execute()


def test_an_account_left_out_or_undecided_is_not_counted_as_removed(owner: Client, ana: Person, chat, second):
    apps.set_seat_price(second.app, 1200, chat.by)
    chat.store.join(chat.store.add_channel("general", via="page"), chat.id_of(3), "manager", via="page")
    chat.check()
    assert outcome(owner, ana) == "Removes 1 account and saves 12 € a month."
    people.mark_left(ana, chat.by)
    leave_out(second.app, ana)
    assert outcome(owner, ana) == "Removes 0 accounts."


def test_an_account_left_out_does_not_count_for_the_guard(owner: Client, ana: Person, chat, second) -> None:
    update_workspace(chat.by, guard_accounts=1, guard_percent=0)
    people.mark_left(ana, chat.by)
    leave_out(chat.app, ana)
    assert outcome(owner, ana) == "Removes 1 account."


def test_assets_that_someone_alone_controls_are_shown(owner: Client, ana: Person, chat) -> None:
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(3), "manager", via="page")
    chat.check()
    for address in (f"/people/{ana.id}", f"/people/{ana.id}/offboardings/new"):
        assert "is the only manager of the channel “general”" in " ".join(owner.get(address).text.split()), address


def test_the_timeline_is_searched_and_paged(owner: Client, ana: Person, by: str) -> None:
    for number in range(25):
        people.edit(ana, by, name=f"Person {number}x")
    part = owner.get(f"/people/{ana.id}?search=edited", htmx=True, **{"HX-Target": "timeline"}).text
    assert part.count("<li>") == 20 and "<html" not in part
    older = re.search(r'href="([^"]+before=\d+)"', part).group(1).replace("&amp;", "&")
    assert owner.get(older, htmx=True, **{"HX-Target": "timeline"}).text.count("<li>") == 5
    assert "No entry contains" in owner.get(f"/people/{ana.id}?search=zzz").text


def test_the_timeline_shows_as_one_line_what_happened_together(owner: Client, ana: Person, chat) -> None:
    with writing():
        for number in range(3):
            activity.record("Rollcall", "matched account", about=f"account {number}", app=chat.app, person=ana)
        activity.record("Rollcall", "matched account", about="of another", app=chat.app, person=chat.people[7])
    page = owner.get(f"/people/{ana.id}?search=matched").text
    assert "3 accounts" in page and "account 2" not in page
    inside = html.unescape(re.search(r'hx-get="([^"]+/lines/[^"]+)"', page).group(1))
    opened = owner.get(inside, htmx=True).text
    assert opened.count("Matched account") == 3 and "of another" not in opened


def test_preview_and_finish(owner: Client, ana: Person, chat, second) -> None:
    page = owner.get(f"/people/{ana.id}/offboardings/new").text
    assert page.count('name="yes"') == 2 and "Removes 2 accounts" in page and "8.75" in page
    row = offboard(owner, ana, reason="Last day was Friday")
    assert Person.get_by_id(ana.id).status == "deprovisioned" and Task.select().count() == 2
    page = owner.get(f"/people/{ana.id}/offboardings/{row.id}").text
    assert "every 2s" in page and "0 of 2 removed" in page and "Last day was Friday" in page
    queue.drain()
    part = owner.get(f"/people/{ana.id}/offboardings/{row.id}/tasks", htmx=True).text
    assert "every 2s" not in part and "2 of 2 removed" in part and "<html" not in part
    assert chat.removed() == second.removed() == [email(3)]


def test_left_out_needs_a_reason_and_keeps_what_was_written(owner: Client, ana: Person, chat, second) -> None:
    form = form_of(owner.get(f"/people/{ana.id}/offboardings/new").text)
    out = form["yes"].pop()
    answer = owner.post(f"/people/{ana.id}/offboardings", reason="Contract", **form)
    assert answer.status_code == 422 and "Enter a reason" in answer.text and 'value="Contract"' in answer.text
    assert form_of(answer.text) == form and Task.select().count() == 0
    answer = owner.post(f"/people/{ana.id}/offboardings", **form, **{f"reason-{out}": "Hand-over"})
    page = owner.get(answer.location).text
    assert "Left out" in page and "Hand-over" in page and Task.select().count() == 1


def test_sent_twice_it_is_one(owner: Client, ana: Person) -> None:
    form = form_of(owner.get(f"/people/{ana.id}/offboardings/new").text)
    first = owner.post(f"/people/{ana.id}/offboardings", **form)
    again = owner.post(f"/people/{ana.id}/offboardings", **form)
    assert again.location == first.location and "This was already finished." in owner.get(again.location).text
    assert Offboarding.select().count() == 1 and Task.select().count() == 2


def test_an_account_whose_protection_was_just_lifted_is_looked_at_again(owner: Client, ana: Person, chat) -> None:
    account = Account.get(Account.app == chat.app, Account.email == email(3))
    members.protect(account, "Owns the billing", chat.by)
    form = form_of(owner.get(f"/people/{ana.id}/offboardings/new").text)
    assert form["locked"] == [str(account.id)]
    members.unprotect(account, chat.by)
    answer = owner.post(f"/people/{ana.id}/offboardings", **form)
    assert answer.status_code == 422 and "Look again" in answer.text and Task.select().count() == 0


def test_planned_for_a_day_and_cancelled(owner: Client, ana: Person) -> None:
    form = form_of(owner.get(f"/people/{ana.id}/offboardings/new").text)
    for day in ("", "soon", str(today())):
        wrong = owner.post(f"/people/{ana.id}/offboardings", when="day", day=day, **form)
        assert wrong.status_code == 422 and 'role="alert"' in wrong.text
    row = offboard(owner, ana, when="day", day=tomorrow())
    assert row.state == "scheduled" and Person.get_by_id(ana.id).status == "active"
    assert "Planned" in owner.get(f"/people/{ana.id}/offboardings/{row.id}").text
    assert "Planned for" in owner.get(f"/people/{ana.id}").text
    assert "This one replaces it" in owner.get(f"/people/{ana.id}/offboardings/new").text
    owner.send("DELETE", f"/people/{ana.id}/offboardings/{row.id}")
    assert Offboarding.get_by_id(row.id).state == "cancelled" and Person.get_by_id(ana.id).remove_on is None
    assert "already" in owner.get(owner.send("DELETE", f"/people/{ana.id}/offboardings/{row.id}").location).text


def test_an_offboarding_has_the_address_of_its_person_alone(owner: Client, ana: Person, chat) -> None:
    row = offboard(owner, ana, when="day", day=tomorrow())
    for person, status in ((ana, 200), (chat.people[4], 404)):
        assert owner.get(f"/people/{person.id}/offboardings/{row.id}").status_code == status
    assert owner.send("DELETE", f"/people/{chat.people[4].id}/offboardings/{row.id}").status_code == 404
    assert Offboarding.get_by_id(row.id).state == "scheduled"


def test_a_task_that_has_ended_is_not_called_retried(owner: Client, ana: Person, chat) -> None:
    row = offboard(owner, ana)
    task = Task.get(Task.app == chat.app)
    Task.update(state="done").execute()
    base = f"/people/{ana.id}/offboardings/{row.id}/tasks/{task.id}"
    answer = owner.send("POST", f"{base}/attempts", htmx=True)
    assert "there is nothing to retry" in answer.headers["HX-Trigger"]
    assert "Trying again" not in answer.headers["HX-Trigger"]


def test_a_plan_is_cancelled_only_by_people_of_rank(owner: Client, site, ana: Person, someone) -> None:
    row = offboard(owner, ana, when="day", day=tomorrow())
    Person.update(workspace_role="super admin").where(Person.id == ana.id).execute()
    admin = Client(site, someone("Jana Kowalski", "admin"))
    for client, offered in ((owner, True), (admin, False)):
        page = client.get(f"/people/{ana.id}/offboardings/{row.id}").text
        assert ("Offboard now" in page) == offered
    assert admin.send("DELETE", f"/people/{ana.id}/offboardings/{row.id}").status_code == 403


def test_a_plan_that_is_approved_again_keeps_its_day_and_what_it_leaves_out(owner: Client, ana: Person) -> None:
    """Otherwise a hurried Finish would remove at once, and also what someone had decided to keep."""
    first, other = (str(account.id) for account in people.accounts_of(ana))
    values = {"when": "day", "day": tomorrow(), "reason": "Moves to Bright", f"reason-{other}": "Hand-over"}
    offboard(owner, ana, yes=[first], **values)
    here = f"/people/{ana.id}/offboardings/new"
    again, at_once = (" ".join(owner.get(here + asked).text.split()) for asked in ("?when=day", ""))
    for page in (again, at_once):
        assert form_of(page)["yes"] == [first] and 'value="Hand-over"' in page and 'value="Moves to Bright"' in page
    assert 'value="day" checked' in again and f'value="{tomorrow()}"' in again and 'value="now" checked' in at_once
    Offboarding.update(remove_on=today()).execute()
    assert 'value="now" checked' in " ".join(owner.get(f"{here}?when=day").text.split()), "its day has come"


def test_where_nothing_is_removed_the_outcome_says_so(owner: Client, ana: Person, chat, second) -> None:
    form = form_of(owner.get(f"/people/{ana.id}/offboardings/new").text)
    reasons = {f"reason-{account}": "Needed" for account in form["shown"]}
    answer = owner.send("POST", f"/people/{ana.id}/offboardings", htmx=True, **form | {"yes": []} | reasons)
    assert "No account is removed by this" in answer.headers["HX-Trigger"]


@pytest.mark.parametrize(("accounts", "asks"), [(5, False), (6, True)])
def test_more_removals_than_five_ask_again_who_it_is(site, accounts: int, asks: bool) -> None:
    ids = [str(number) for number in range(1, 9)]
    form = {"shown": ids, "yes": ids[:accounts], **{f"reason-{id}": "Needed" for id in ids[accounts:]}}
    with site.test_request_context(method="POST", data=form):
        assert _removes_many(1) == asks


def test_a_date_beneath_a_plan_is_not_called_cleared(owner: Client, ana: Person) -> None:
    offboard(owner, ana, when="day", day=tomorrow())
    answer = owner.send("DELETE", f"/people/{ana.id}/remove-on")
    assert answer.status_code == 422 and "An offboarding is planned for that day" in answer.text
    assert Person.get_by_id(ana.id).remove_on == today() + timedelta(days=1)


def test_stuck_is_retried_done_by_hand_or_given_up(owner: Client, ana: Person, chat, second) -> None:
    row = offboard(owner, ana)
    Task.update(state="needs attention", error="No.").execute()
    first, other = Task.select().order_by(Task.id)
    base = f"/people/{ana.id}/offboardings/{row.id}"
    HeldChange.create(person=ana, field="status", value="active", asked_by="Okta (directory)")
    page = owner.get(base).text
    assert page.count("Retry") == page.count("on People says so. Check that before you remove the account. No.") == 2
    owner.send("POST", f"{base}/tasks/{first.id}/attempts")
    assert Task.get_by_id(first.id).state == "queued"
    part = owner.send("POST", f"{base}/tasks/{other.id}/completion", htmx=True)
    assert 'id="offboarding-tasks"' in part.text and Task.get_by_id(other.id).state == "done"
    owner.send("DELETE", f"{base}/tasks/{first.id}")
    assert Task.get_by_id(first.id).state == "cancelled"
    stranger = Offboarding.create(person=chat.people[4], state="applied")
    assert owner.send("POST", f"/people/{chat.people[4].id}/offboardings/{stranger.id}/tasks/{other.id}/attempts"
                      ).status_code == 404  # fmt: skip


def test_an_admin_sees_and_takes_only_what_they_own(site, ana: Person, chat, second, someone, by: str) -> None:
    admin = someone("Jana Kowalski", "admin")
    apps.set_manager(chat.app, admin, "owner", by)
    hers = Client(site, admin)
    page = hers.get(f"/people/{ana.id}/offboardings/new").text
    assert page.count('name="yes"') == 1 and "1 account in apps of other Owners" in page and "Second chat" not in page
    row = offboard(hers, ana)
    page = hers.get(f"/people/{ana.id}/offboardings/{row.id}").text
    assert "Second chat" not in page
    assert {change.app_id for change in Change.select().where(Change.offboarding == row)} == {chat.app.id}
    olga = people.find_by_email("olga@acme.example")
    assert hers.get(f"/people/{olga.id}/offboardings/new").status_code == 403, "nobody offboards above themselves"


def test_hold_and_day(owner: Client, ana: Person, chat) -> None:
    owner.send("PUT", f"/people/{ana.id}/hold", reason="")
    assert Person.get_by_id(ana.id).legal_hold_reason is None
    owner.send("PUT", f"/people/{ana.id}/hold", reason="Lawsuit <b>")
    owner.send("PUT", f"/people/{ana.id}/remove-on", day=tomorrow())
    for address in (f"/people/{ana.id}", f"/people/{ana.id}/offboardings/new", f"/apps/{chat.app.id}/members"):
        text = owner.get(address).text
        assert "Lawsuit &lt;b&gt;" in text and "Lawsuit <b>" not in text, address
    answer = owner.post(f"/people/{ana.id}/offboardings", **form_of(""))
    assert answer.status_code == 422 and "lift the hold" in answer.text
    owner.send("DELETE", f"/people/{ana.id}/hold")
    assert owner.send("PUT", f"/people/{ana.id}/remove-on", day="never").status_code == 422
    people.mark_left(ana, chat.by)
    assert "Kept until" in owner.get(f"/people/{ana.id}").text
    assert "Kept until" in owner.get(f"/apps/{chat.app.id}/members").text
    owner.send("DELETE", f"/people/{ana.id}/remove-on")
    assert Person.get_by_id(ana.id).remove_on is None


def test_kept_is_greyed_out_in_the_wizard(owner: Client, ana: Person, chat) -> None:
    holds.keep_until(ana, today() + timedelta(days=1), chat.by)
    chat.leave(3, 4)
    report = chat.check().report
    page = owner.get(f"/reports/{report.id}").text
    row = page[page.index("check-row-locked"):]
    assert "Kept until" in row and page.count('name="yes"') == 1


def test_days_of_grace_are_set(owner: Client) -> None:
    owner.send("PATCH", "/settings", grace_days="14")
    assert workspace().grace_days == 14 and 'value="14"' in owner.get("/settings").text
    assert owner.send("PATCH", "/settings", grace_days="soon").status_code == 422


def test_the_page_of_someone_who_came_back_shows_previous_accounts(owner: Client, ana: Person, chat) -> None:
    offboard(owner, ana)
    queue.drain()
    owner.send("DELETE", f"/people/{ana.id}/departure")
    page = owner.get(f"/people/{ana.id}").text
    assert "Previous accounts" in page and page.index("Previous accounts") < page.index("Second chat")


def test_each_page_about_an_approval_says_that_its_approver_has_left(owner: Client, chat):
    ana = people.add("Ana Lima", "ana.lima@acme.example", chat.by, workspace_role="super admin")
    apps.set_removal(chat.app, "automatic", Asker.person(ana))
    rules.set_policy(chat.app, "automatic", "automatic", Asker.person(ana))
    theirs = {account.id for account in people.accounts_of(chat.people[3])}
    plan = offboarding.start(chat.people[3], ana, theirs, {}, on=today() + timedelta(days=1))
    people.mark_left(ana, chat.by)
    here, person = f"/apps/{chat.app.id}", f"/people/{chat.people[3].id}"
    for page, buttons in ((here, ("decide-removals", "decide-groups")), (f"{here}/policy", ()), ("/", ()),
                          (f"{here}/rules/policy", ()), (person, ()),
                          (f"{person}/offboardings/{plan.offboarding.id}", ())):  # fmt: skip
        text = owner.get(page).text
        assert "by Ana Lima, who has left" in text, page
        assert all(f'id="{button}"' in text for button in buttons)
    assert 'value="ask" checked' in " ".join(owner.get(f"{here}/policy").text.split())
    home, has_left = owner.get("/").text, "approved by Ana Lima, who has left"
    assert f"Automatic removals from Chat wait: they were {has_left}" in home and f'href="{here}/policy"' in home
    assert f"in Chat waits: it was {has_left}" in home and f'href="{here}/rules/policy"' in home
    assert home.index(f"{here}/policy") < home.index(f"{here}/rules/policy")
    assert "/offboardings/new?when=day" in owner.get(f"{person}/offboardings/{plan.offboarding.id}").text
    assert "waits for approval: it was planned by Ana Lima, who has left" in home
    assert f"Automatic removals and what groups do automatically were {has_left}" in owner.get(here).text
