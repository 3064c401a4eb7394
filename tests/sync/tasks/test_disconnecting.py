"""Disconnecting an app: what waits there ends, and another app's tasks don't."""

from __future__ import annotations

import pytest

from sync.matching import members
from sync.models import AWAITED, Account, Activity, App, Check, Mail, Report, Task
from sync.problems import AppProblem
from sync.rank import Asker, NotAllowed
from sync.tasks import disconnecting
from tests.sync.acting import account

STATES = ("queued", "running", "needs attention", "done", "no longer needed", "cancelled")


@pytest.fixture
def tasks(chat, second) -> dict[str, Task]:
    """One in each state, and one that waits in another app."""
    made = {state: Task.create(app=chat.app, account=account(number), kind="change role", state=state,
                               detail={"role": "admin"}) for number, state in enumerate(STATES)}  # fmt: skip
    return made | {"elsewhere": Task.create(app=second.app, kind="invite", detail={"email": "x@x.example", "role": ""})}


def test_waiting_tasks_are_cancelled_in_order_and_running_ones_are_not(chat, tasks):
    disconnecting.disconnect(chat.app, chat.by)
    now = {name: Task.get_by_id(task.id).state for name, task in tasks.items()}
    assert now == {**{state: state for state in STATES}, "queued": "cancelled", "needs attention": "cancelled",
                   "elsewhere": "queued"}  # fmt: skip
    entries = Activity.select().where(Activity.what == "cancelled task").order_by(Activity.id)
    assert [(row.who, row.about) for row in entries] == [(chat.by.name, "Person 0"), (chat.by.name, "Person 2")]
    [entry] = Activity.select().where(Activity.what == "disconnected app")
    assert (entry.who, entry.about, entry.before, entry.after) == (chat.by.name, "Chat", "active", "disconnected")


def test_tasks_to_cancel_and_invitations_open_in_the_app_are_counted(chat, second):
    for number, (app, state, awaited) in enumerate([
        (chat.app, "queued", True), (chat.app, "needs attention", True), (chat.app, "queued", False),
        (chat.app, "cancelled", True), (second.app, "queued", True),
    ]):  # fmt: skip
        Task.create(app=app, kind="remove", account=account(number), state=state,
                    detail={AWAITED: ["r-1"]} if awaited else {})  # fmt: skip
    assert disconnecting.undone(chat.app) == disconnecting.Undone(tasks=3, requests=2)
    disconnecting.disconnect(chat.app, chat.by)
    assert disconnecting.undone(chat.app) == disconnecting.Undone(tasks=0, requests=0)


def test_the_credential_and_the_error_are_deleted_there_alone(chat, second):
    App.update(error="It failed").execute()
    disconnecting.disconnect(chat.app, chat.by)
    app, other = App.get_by_id(chat.app.id), App.get_by_id(second.app.id)
    assert (app.state, app.credential, app.error) == ("disconnected", None, None)
    assert other.state == "active" and other.credential and other.error == "It failed"


@pytest.mark.parametrize(("state", "stops"), [("queued", True), ("running", True), ("succeeded", False),
                                              ("failed", False), ("cancelled", False)])  # fmt: skip
def test_a_check_that_is_under_way_there_stops(chat, second, state, stops):
    mine, other = (Check.create(app=app, state=state, trigger="hand") for app in (chat.app, second.app))
    disconnecting.disconnect(chat.app, chat.by)
    assert Check.get_by_id(mine.id).cancel_asked is stops and not Check.get_by_id(other.id).cancel_asked


def test_only_people_who_run_the_app_do_it_and_once(chat, tasks):
    with pytest.raises(NotAllowed):
        disconnecting.disconnect(chat.app, Asker.person(chat.people[3]))
    assert App.get_by_id(chat.app.id).state == "active"
    disconnecting.disconnect(chat.app, chat.by)
    with pytest.raises(AppProblem, match="Chat is disconnected"):
        disconnecting.disconnect(chat.app, chat.by)


def test_the_owners_get_one_e_mail_about_all_that_is_cancelled_of_a_report(chat, olga):
    """One after each was made of all tasks of the report: 499 of them held the lock for seven seconds."""
    report = Report.create(app=chat.app, state="applied", counts={})
    for number in range(3):
        Account.update(state="removing").where(Account.id == account(number).id).execute()
        Task.create(app=chat.app, kind="remove", account=account(number), state="needs attention", report=report)
    members.recount(chat.app)
    other = Report.create(app=chat.app, state="applied", counts={})
    left = [Task.create(app=chat.app, kind="invite", state="needs attention", report=other, error="Full.",
                        detail=detail) for detail in ({}, {AWAITED: ["1"]})]  # fmt: skip
    disconnecting.disconnect(chat.app, chat.by)
    kept, awaited = (Task.get_by_id(task.id).error for task in left)
    assert (kept, awaited) == ("Full.", "Its request still waits in the app: reject it there.")
    assert {row.why for row in Activity.select().where(Activity.what == "cancelled task")} == {"", awaited}
    mail, about_the_other = Mail.select().order_by(Mail.id)
    assert about_the_other.key.startswith(f"report-{other.id}-outcome-")
    assert mail.key.startswith(f"report-{report.id}-outcome-well-") and "Cancelled: 3" in mail.text
    here = Account.select().where(Account.app == chat.app, Account.state == "present").count()
    assert App.get_by_id(chat.app.id).users == here >= 3
