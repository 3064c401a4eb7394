"""Check for updates and the Sync Data wizard: joined, watched, decided, finished once, whatever is clicked or stale."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from sync.apps import apps
from sync.checks import checks
from sync.db import writing
from sync.jobs import asking, queue
from sync.mail import outbox
from sync.models import Account, Activity, App, Change, Check, Report, Task
from sync.people import people
from sync.reports import reports
from sync.workspace import update_workspace
from tests.sync.fixtures import after, departure
from tests.web.client import Client


@after(departure(1, 2, 3))
def report(chat) -> Report:
    """Persons 1, 2 and 3 have left; the guard lets three go."""
    return Report.get(Report.state == "open")


def finish(browser: Client, report: Report, shown=None, yes=(), htmx: bool = False, **reasons: str):
    """Press Finish Sync on the page of this report; `shown` defaults to `yes`."""
    shown = yes if shown is None else shown
    return browser.send(
        "POST", f"/reports/{report.id}/application", htmx=htmx, version=report.version,
        shown=[change.id for change in shown], yes=[change.id for change in yes], **reasons,
    )  # fmt: skip


def outcome(page: str) -> str:
    return re.sub(r"\s+", " ", re.search(r'id="sync-outcome"[^>]*>(.*?)</output>', page, re.DOTALL).group(1)).strip()


# -- Check for updates ---------------------------------------------------------------------------------------------


def test_a_check_is_started_and_a_second_click_joins_it(owner: Client, chat) -> None:
    first = owner.send("POST", f"/apps/{chat.app.id}/checks", htmx=True)
    outbox.configure("smtp://mail.acme.example", "http://127.0.0.1:8000")
    second = owner.send("POST", f"/apps/{chat.app.id}/checks", htmx=True)
    outbox.configure(None, "http://127.0.0.1:8000")
    assert "Checking Chat" in first.text and "<dialog" in first.text and "every 1s" in first.text
    assert first.headers["HX-Trigger-After-Swap"] == f"check-{chat.app.id}"
    assert "the check continues, and if there is a report to approve, it is listed under Reports" in first.text
    assert "the check continues, and the app&#39;s Owners get an e-mail" in second.text, "a mail server is set now"
    assert Check.select().where(Check.state == "queued").count() == 1
    assert re.findall(r"checks/(\d+)/progress", first.text) == re.findall(r"checks/(\d+)/progress", second.text)


def test_without_javascript_the_check_has_a_page_that_reloads_itself(owner: Client, chat) -> None:
    answer = owner.post(f"/apps/{chat.app.id}/checks")
    assert answer.status_code == 303
    page = owner.get(answer.location).text
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page and "Checking Chat" in page
    queue.drain(("check",))
    page = owner.get(answer.location).text
    assert "Chat was checked" in page and "http-equiv" not in page


def test_progress_says_phase_numbers_and_time_and_ends(owner: Client, chat) -> None:
    check = asking.ask(chat.app, chat.by)
    here = f"/apps/{chat.app.id}/checks/{check.id}/progress"
    Check.update(state="running", phase="accounts", items_read=3400, total=5120).where(Check.id == check.id).execute()
    part = owner.get(here, htmx=True).text
    assert "Reading members…" in part and "3,400" in part and "of 5,120" in part and "s so far" in part
    assert 'value="3400" max="5120"' in part
    Check.update(items_read=6000).where(Check.id == check.id).execute()
    assert 'value="6000" max="6000"' in owner.get(here, htmx=True).text, "a total that was too small"
    Check.update(state="queued", phase="waiting").where(Check.id == check.id).execute()
    chat.store.add("new@acme.example", "New Body", "member", via="page")
    checks.run(check.id)
    part = owner.get(here, htmx=True).text
    assert "hx-trigger" not in part, "nothing to wait for any more"
    assert "12 members read. Applied: 1 new user." in part and "Nothing to review" in part


def test_assets_that_a_guard_keeps_are_not_called_applied(owner: Client, chat) -> None:
    channel = chat.store.add_channel("general", via="page")
    chat.check()
    chat.store.remove_channel(channel, via="page")
    chat.leave(1)
    check = chat.check()
    page = re.sub(r"\s+", " ", owner.get(f"/apps/{chat.app.id}/checks/{check.id}").text)
    assert check.held == 1 and "A guard holds 1 change" in page and "members read. No other changes." in page


def test_a_check_that_found_leavers_leads_to_the_report(owner: Client, chat) -> None:
    chat.leave(1, 2)
    check = chat.check()
    part = owner.get(f"/apps/{chat.app.id}/checks/{check.id}/progress", htmx=True).text
    assert "2 people have left Acme and still have accounts in Chat." in part
    assert "View report" in part and f"/reports/{check.report_id}" in part


def test_a_check_that_failed_says_why_and_what_stays(owner: Client, chat) -> None:
    chat.stop()
    check = chat.check()
    part = owner.get(f"/apps/{chat.app.id}/checks/{check.id}/progress", htmx=True).text
    assert "Chat could not be checked" in part and "Nothing was changed" in part and "Check again" in part


def test_a_check_is_cancelled(owner: Client, chat) -> None:
    check = asking.ask(chat.app, chat.by)
    part = owner.send("DELETE", f"/apps/{chat.app.id}/checks/{check.id}", htmx=True).text
    assert "Stopping…" in part
    queue.drain(("check",))
    part = owner.get(f"/apps/{chat.app.id}/checks/{check.id}/progress", htmx=True).text
    assert "The check was cancelled" in part and "Nothing was changed" in part and "hx-trigger" not in part


def test_a_paused_app_is_not_checked(owner: Client, chat) -> None:
    apps.pause(chat.app, chat.by)
    owner.post(f"/apps/{chat.app.id}/checks")
    assert "is paused" in owner.get(f"/apps/{chat.app.id}").text
    assert Check.select().where(Check.state == "queued").count() == 0


# -- The wizard ----------------------------------------------------------------------------------------------------


def test_the_wizard_shows_who_why_since_when_and_what_it_saves(owner: Client, chat, report: Report) -> None:
    apps.set_seat_price(chat.app, 2100, chat.by)
    page = owner.get(f"/reports/{report.id}").text
    assert "<html" in page and "3 people have left Acme and still have accounts in Chat." in page
    assert "To be updated to Rollcall" in page
    assert "Person 1" in page and "p1@acme.example" in page and "Marked as left by Olga Brandt on" in page
    assert "Member" in page and "21\u00a0€ a month" in page
    assert outcome(page) == "Removes 3 people from Chat and saves 63 € a month."
    assert page.count('name="yes"') == 3 and page.count(" checked>") == 3
    part = owner.get(f"/reports/{report.id}", htmx=True).text
    assert "<html" not in part and "<dialog" in part and " open>" not in part.partition("<form")[0]


def test_finish_sync_removes_who_was_ticked_and_keeps_who_was_not(owner: Client, chat, report: Report) -> None:
    one, two, three = (chat.change(report, number) for number in (1, 2, 3))
    answer = finish(owner, report, [one, two, three], [one, three], **{f"reason-{two.id}": "Hand-over until Friday"})
    assert answer.status_code == 303 and answer.location == f"/apps/{chat.app.id}/activity"
    page = owner.get(answer.location).text
    assert "Removing 2 people from Chat. Progress is shown below. 1 change was left out." in page
    assert "Queued" in page and "every 2s" in page
    queue.drain(("task",))
    assert sorted(chat.removed()) == ["p1@acme.example", "p3@acme.example"]
    page = owner.get(answer.location).text
    assert page.count("confirmed by the app") == 2 and "every 2s" not in page
    page = owner.get(f"/reports/{report.id}").text
    assert "Finished" in page and "Left out: Hand-over until Friday" in page and "Finish Sync" not in page


def test_finish_sync_promises_nothing_where_everyone_is_left_out(owner: Client, chat, report: Report) -> None:
    left_out = [chat.change(report, number) for number in (1, 2, 3)]
    answer = finish(owner, report, left_out, [], **{f"reason-{change.id}": "Until Friday" for change in left_out})
    page = owner.get(answer.location).text
    assert "Nothing is changed in Chat. 3 changes were left out." in page and "up to date with" not in page


def test_pressed_twice_it_happens_once(owner: Client, chat, report: Report) -> None:
    ticked = [chat.change(report, number) for number in (1, 2, 3)]
    finish(owner, report, yes=ticked)
    again = finish(owner, report, yes=ticked)
    assert again.status_code == 303
    assert "This report was already finished." in owner.get(again.location).text
    queue.drain(("task",))
    assert len(chat.removed()) == 3 and Task.select().count() == 3


def test_with_htmx_the_wizard_closes_and_the_toast_says_so(owner: Client, chat, report: Report) -> None:
    answer = finish(owner, report, yes=[chat.change(report, number) for number in (1, 2, 3)], htmx=True)
    assert answer.status_code == 204 and f"/apps/{chat.app.id}/activity" in answer.headers["HX-Location"]
    assert "Removing 3 people from Chat" in answer.headers["HX-Trigger"]


def test_a_reason_is_required_and_what_was_ticked_stays(owner: Client, chat, report: Report) -> None:
    one, two, three = (chat.change(report, number) for number in (1, 2, 3))
    answer = finish(owner, report, [one, two, three], [one], **{f"reason-{three.id}": "Contractor <b>now</b>"})
    assert answer.status_code == 422
    assert "Enter why Person 2 keeps the account" in answer.text
    assert answer.text.count("Enter a reason. It is shown with this row") == 1
    assert 'value="Contractor &lt;b&gt;now&lt;/b&gt;"' in answer.text
    assert len(re.findall(r'name="yes"[^>]* checked>', answer.text)) == 1
    assert Task.select().count() == 0 and Account.get(Account.email == "p3@acme.example").left_out_reason is None


def test_a_report_that_has_changed_is_shown_again_with_ticks_kept(owner: Client, chat, report: Report) -> None:
    one, two, three = (chat.change(report, number) for number in (1, 2, 3))
    chat.leave(4)
    people.mark_returned(chat.people[1], chat.by)
    chat.check()
    answer = finish(owner, report, [one, two, three], [one, two], **{f"reason-{three.id}": "Hand-over"})
    assert answer.status_code == 422 and "Look at it again" in answer.text
    assert "Person 4" in answer.text and 'value="Hand-over"' in answer.text
    assert f'value="{three.id}"' in answer.text and f'value="{one.id}"' not in answer.text, "Person 1 is back"
    assert len(re.findall(r'name="yes"[^>]* checked>', answer.text)) == 2
    assert Task.select().count() == 0


@pytest.mark.parametrize("version", ["", "0", "-1", "x", "999"])
def test_no_approval_counts_without_the_shown_version(owner: Client, chat, report: Report, version: str) -> None:
    answer = owner.post(f"/reports/{report.id}/application", version=version)
    assert answer.status_code == 422 and Task.select().count() == 0


def test_a_leaver_left_out_can_be_ticked_again(owner: Client, chat, report: Report) -> None:
    one, two, three = (chat.change(report, number) for number in (1, 2, 3))
    reports.leave_out(two, "Hand-over until Friday", chat.by)
    report = Report.get_by_id(report.id)
    page = owner.get(f"/reports/{report.id}").text
    assert "Left out: Hand-over until Friday" in page and outcome(page) == "Removes 2 people from Chat."
    finish(owner, report, yes=[one, two, three])
    queue.drain(("task",))
    assert len(chat.removed()) == 3 and Account.get(Account.email == "p2@acme.example").left_out_reason is None


def test_an_unchanged_reason_is_not_noted_again(owner: Client, chat, report: Report) -> None:
    one, two, three = (chat.change(report, number) for number in (1, 2, 3))
    reports.leave_out(two, "Hand-over", "Somebody Else")
    report = Report.get_by_id(report.id)
    finish(owner, report, [one, two, three], [one, three], **{f"reason-{two.id}": "Hand-over"})
    assert Activity.select().where(Activity.what == "left out").count() == 1
    assert Account.get(Account.email == "p2@acme.example").left_out_by == "Somebody Else"


def test_rows_of_another_report_do_nothing(owner: Client, chat, second, report: Report) -> None:
    people.mark_left(second.people[5], chat.by)
    second.check()
    theirs = Change.get(Change.app == second.app, Change.kind == "removed user")
    answer = finish(owner, report, [theirs], [], **{f"reason-{theirs.id}": "x"})
    assert answer.status_code == 422
    assert Change.get_by_id(theirs.id).decision == theirs.decision and Task.select().count() == 0


def test_a_protected_leaver_is_greyed_out_with_the_reason(owner: Client, chat) -> None:
    chat.leave(0, 1)
    chat.check()
    report = Report.get(Report.state == "open")
    page = owner.get(f"/reports/{report.id}").text
    assert "Protected: the last Owner of the app" in page and "check-row-locked" in page
    assert page.count('name="yes"') == 1 and outcome(page) == "Removes 1 person from Chat."


def test_the_removal_of_a_sole_manager_shows_a_warning(owner: Client, chat) -> None:
    for name in ("marketing", "press <script>"):
        chat.store.join(chat.store.add_channel(name, "page"), chat.id_of(1), "manager", "page")
    chat.check()
    chat.leave(1)
    chat.check()
    page = owner.get(f"/reports/{Report.get(Report.state == 'open').id}").text
    assert "Person 1 is the only manager of the channel “marketing”" in page
    assert "Choose who gets each first." in page
    assert "“marketing” and the channel “press &lt;script&gt;”." in page
    assert outcome(page) == "Removes nobody from Chat. 1 person waits for a successor."
    assert not re.search(r'name="yes"[^>]* checked', page), "nobody is ticked before that"


@pytest.mark.parametrize(("removal", "banner", "expected"), [
    ("ask", "Releasing them changes nothing yet. Finish Sync does.", "until you choose Finish Sync"),
    ("automatic", "or the next check does so automatically.", "The next check applies it automatically"),
])  # fmt: skip
def test_a_release_says_what_comes_of_it(owner: Client, chat, removal, banner, expected) -> None:
    App.update(removal_approval=removal).execute()
    chat.leave(1, 2, 3, 4, 5, 6)
    chat.check()
    report = Report.get(Report.state == "open")
    assert banner in owner.get(f"/reports/{report.id}").text
    released = owner.post(f"/reports/{report.id}/release", version=report.version)
    assert expected in owner.get(released.headers["Location"]).text


def test_members_that_the_app_no_longer_lists_are_counted_as_changes_in_rollcall(owner: Client, chat) -> None:
    """The script of the wizard writes the same."""
    for number in range(1, 7):
        chat.store.remove(chat.id_of(number), via="page")
    chat.check()
    report = Report.get(Report.state == "open")
    reports.release(report, chat.by)
    page = owner.get(f"/reports/{report.id}").text
    assert outcome(page) == "Removes nobody from Chat. Applies 6 changes in Rollcall."


def test_changes_held_by_a_guard_are_released_before_they_are_confirmed(owner: Client, chat) -> None:
    chat.leave(1, 2, 3, 4, 5, 6)
    chat.check()
    report = Report.get(Report.state == "open")
    page = owner.get(f"/reports/{report.id}").text
    assert "6 changes are held by a guard" in page and page.count('name="yes"') == 0
    assert outcome(page) == "Release the held changes first." and re.search(r'id="finish-sync"[^>]* disabled', page)
    assert finish(owner, report).status_code == 422 and Task.select().count() == 0
    stale = owner.post(f"/reports/{report.id}/release", version=report.version - 1)
    assert stale.status_code == 422 and "Look at it again" in stale.text
    assert Report.get_by_id(report.id).held == 6, "what nobody looked at is not let through"
    part = owner.send("POST", f"/reports/{report.id}/release", htmx=True, version=report.version)
    assert part.text.count('name="yes"') == 6 and "Removes 6 people" in part.text
    assert owner.post(f"/reports/{report.id}/release").status_code == 422, "there is nothing held any more"
    report = Report.get_by_id(report.id)
    finish(owner, report, yes=list(report.changes.where(Change.decision == "needs confirmation")))
    assert Task.select().count() == 6


def dismiss(owner: Client, report: Report, reason: str):
    """As the dialog shows it now."""
    [version] = re.findall(r'name="version" value="(\d+)"', owner.get(f"/reports/{report.id}/dismissal").text)
    return owner.post(f"/reports/{report.id}/dismissal", reason=reason, version=version)


def test_nobody_is_dismissed_who_came_into_the_report_after_the_dialog_was_shown(owner: Client, chat, report) -> None:
    """They would count as left out, and no page would ask about them: an app full of leavers would be up to date."""
    shown = Report.get_by_id(report.id).version
    chat.leave(9)
    chat.check()
    late = owner.post(f"/reports/{report.id}/dismissal", reason="They stay as contractors", version=shown)
    assert late.status_code == 422 and "another Owner changed this report" in late.text and "contractors" in late.text
    assert Report.get_by_id(report.id).state == "open"
    assert dismiss(owner, report, "They stay as contractors").status_code < 400


def test_dismissing_needs_a_reason_and_removes_nobody(owner: Client, chat, report: Report) -> None:
    assert "Nobody is removed from Chat" in owner.get(f"/reports/{report.id}/dismissal").text
    assert owner.post(f"/reports/{report.id}/dismissal", reason=" ").status_code == 422
    assert dismiss(owner, report, "They stay as contractors").status_code < 400
    assert Report.get_by_id(report.id).state == "dismissed"
    page = owner.get(f"/reports/{report.id}").text
    assert "Dismissed" in page and "They stay as contractors" in page
    owner.post(f"/reports/{report.id}/dismissal", reason="again")
    late = finish(owner, report, yes=[])
    assert late.status_code == 422 and "already dismissed" in late.text and "are kept below" not in late.text
    queue.drain(("task",))
    assert chat.removed() == []


def test_many_rows_come_a_hundred_at_a_time_and_count_as_ticked(owner: Client, chat) -> None:
    with writing():
        App.update(guard_accounts=1000).where(App.id == chat.app.id).execute()
        for number in range(230):
            chat.store.add(f"many{number}@acme.example", f"Many {number:03}", "member", via="page")
    update_workspace(chat.by, guard_accounts=1000)
    leavers = [people.add(f"Many {number:03}", f"many{number}@acme.example", chat.by) for number in range(230)]
    chat.check()
    with writing():
        for person in leavers:
            people.mark_left(person, chat.by)
    chat.check()
    report = Report.get(Report.state == "open")
    page = owner.get(f"/reports/{report.id}").text
    assert page.count('name="yes"') == 100 and "130 more are not shown and count as selected" in page
    assert outcome(page) == "Removes 230 people from Chat."
    further = f"/reports/{report.id}/changes?section=removed-users&offset=100"
    part = owner.get(further, htmx=True).text
    assert part.count('name="yes"') == 100 and "30 more are not shown" in part and "<html" not in part
    assert owner.get(f"/reports/{report.id}?limit=200").text.count('name="yes"') == 200, "without JavaScript"
    assert owner.get(f"/reports/{report.id}/changes?section=Nonsense").status_code == 400
    assert owner.get(f"/reports/{report.id}/changes?section=removed-users&offset={2**70}", htmx=True).status_code == 400
    assert owner.get(f"/reports/{report.id}?limit={2**70}").text.count('name="yes"') == 100
    first = [Change.get_by_id(int(text)) for text in re.findall(r'name="shown" value="(\d+)"', page)]
    finish(owner, report, first, first[1:], **{f"reason-{first[0].id}": "Hand-over"})
    assert Task.select().count() == 229


def test_a_collaborator_and_a_stranger_reach_no_report(site: Flask, chat, report: Report, someone) -> None:
    cora = someone("Cora Collaborator", "user")
    apps.set_manager(chat.app, cora, "collaborator", chat.by)
    for person, status in ((cora, 403), (someone("Sam Stranger", "user"), 404)):
        browser = Client(site, person)
        assert browser.get(f"/reports/{report.id}").status_code == status
        assert finish(browser, report, yes=[chat.change(report, 1)]).status_code == status
    assert Task.select().count() == 0


def test_an_app_owner_who_is_a_plain_user_may_finish(site: Flask, chat, report: Report, someone) -> None:
    ann = someone("Ann Owner", "user")
    apps.set_manager(chat.app, ann, "owner", chat.by)
    finish(Client(site, ann), report, yes=[chat.change(report, number) for number in (1, 2, 3)])
    assert Task.select().count() == 3 and Report.get_by_id(report.id).decided_by.startswith("Ann Owner")
