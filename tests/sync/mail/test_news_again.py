"""The same trouble a second time is news again: what was mailed before was about the first one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync.db import utcnow, writing
from sync.mail import news
from sync.models import (
    AWAITED,
    Account,
    App,
    AppPerson,
    Change,
    Directory,
    DirectoryEntry,
    Mail,
    Person,
    Report,
    Task,
)
from sync.people import people
from sync.states import Protection
from tests.asking import MACHINE


@pytest.fixture(autouse=True)
def acme(home):
    people.add("Olga Brandt", "olga@acme.example", MACHINE, workspace_role="owner")


def test_nobody_gets_the_news_of_an_app_that_they_do_not_own():
    """Two apps with an Owner each, and one without any."""
    for name in ("Chat", "Ads", "Desk"):
        app = App.create(connector="sample_chat", name=name, category="Test", state="active")
        if name != "Desk":
            owner = people.add(name, f"{name.lower()}@acme.example", MACHINE, workspace_role="user")
            AppPerson.create(app=app, person=owner, manages_as="owner")
    assert [news.owners_of(app) for app in App.select().order_by(App.id)] == [
        ["chat@acme.example"], ["ads@acme.example"], ["olga@acme.example"]]


def held(left_at: datetime, created_at: datetime | None = None) -> list[Mail]:
    """The e-mails once everyone in the directory is held since they left; it is a new one if it was `created_at`."""
    if created_at:
        directory = Directory.create(id=1, kind="ldap", name="Company LDAP", created_at=created_at, failures=3)
        for person in Person.select().order_by(Person.id):
            DirectoryEntry.create(directory=directory, external_id=str(person.id), person=person, status="active")
    DirectoryEntry.update(reported_status="deprovisioned", left_at=left_at).execute()
    with writing():
        return news.directory_held(Directory.get())


def test_the_same_people_are_reported_again_if_they_are_held_once_more():
    first = utcnow() - timedelta(days=30)
    assert len(held(first, created_at=first)) == 1 and held(first) == []
    assert len(held(utcnow())) == 1


def test_a_directory_with_the_id_of_one_that_was_removed_is_reported_like_any_other():
    """In the file, the ids of its entries come again too."""
    for created_at in (utcnow() - timedelta(days=30), utcnow()):
        assert len(held(created_at, created_at=created_at)) == 1
        with writing():
            assert [len(news.directory_failed(Directory.get(), "No answer")) for _ in range(2)] == [1, 0]
        Directory.delete().execute()


def test_an_e_mail_names_the_people_of_its_own_directory_alone():
    for name in ("HR", "IT"):
        directory = Directory.create(kind="ldap", name=name)
        person = Person.create(name=f"{name} Person")
        DirectoryEntry.create(directory=directory, external_id="1", person=person, status="active",
                              reported_status="deprovisioned", left_at=utcnow())  # fmt: skip
    with writing():
        [mail] = news.directory_held(Directory.get(Directory.name == "HR"))
    assert "HR Person" in mail.text and "IT Person" not in mail.text


def test_a_failure_is_news_while_another_task_awaits_approval_in_the_app():
    app = App.create(connector="sample_chat", name="Chat", category="Test", state="active")
    report = Report.create(app=app)
    awaiting, failing = (Task.create(app=app, report=report, kind="remove", state="queued", detail={AWAITED: ["7"]})
                         for _ in range(2))  # fmt: skip
    with writing():
        assert len(news.outcome(report)) == 1 and news.outcome(report) == []
        Task.update(state="failed", error="Refused").where(Task.id == failing.id).execute()
        [mail] = news.outcome(report)
    assert "could not be removed" in mail.subject


def report_of(name: str = "Chat", **change: object) -> tuple[Report, Account]:
    """The report of an app of this name, with one leaver."""
    app = App.create(connector="sample_chat", name=name, category="Test", state="active")
    leaver = Person.create(name="Ben", status="deprovisioned")
    account = Account.create(app=app, external_id="1", person=leaver, match_kind="matched")
    report = Report.create(app=app)
    values = {"decision": "needs confirmation"} | change
    Change.create(report=report, app=app, account=account, kind="removed user", in_app=True, **values)
    return report, account


@pytest.mark.parametrize("reason, mailed", [("Protected: a service account", 0), (None, 1)])
def test_someone_who_could_not_be_removed_is_news_once_they_can(reason, mailed):
    report, account = report_of(protection_reason=reason, decision="ignored" if reason else "needs confirmation")
    with writing():
        assert len(news.report_ready(report, known=[account.id])) == mailed


@pytest.mark.parametrize("change, mailed", [
    ({"protection": "by hand"}, 1),
    ({"protection": "by hand", "decided_at": utcnow()}, 0),
    ({"protection": Protection.KEPT_UNTIL}, 0),
], ids=["protected", "decided", "kept until a day"])  # fmt: skip
def test_of_the_protected_those_are_news_about_whom_nothing_was_decided(change, mailed):
    report, _ = report_of(decision="ignored", protection_reason="Protected", **change)
    with writing():
        assert len(news.report_ready(report)) == mailed


def test_a_copy_of_the_report_from_before_the_email_sends_no_other():
    report, _ = report_of()
    before = Report.get_by_id(report.id)
    with writing():
        assert len(news.report_ready(report)) == 1 and news.report_ready(before) == []


def test_an_outcome_counts_what_was_left_out_of_its_own_report():
    report_of("Desk", decision="left out")
    report, account = report_of(decision="left out")
    Task.create(app=report.app, report=report, account=account, kind="remove", state="done")
    with writing():
        [mail] = news.outcome(report)
    assert "Left out and unchanged: 1." in mail.text


def test_a_held_directorys_email_counts_its_own_people_alone():
    for name, count in (("HR", 2), ("IT", 3)):
        directory = Directory.create(kind="ldap", name=name)
        for number in range(count):
            person = Person.create(name=f"{name} {number}")
            DirectoryEntry.create(directory=directory, external_id=str(number), person=person, status="active",
                                  reported_status="active" if number else "deprovisioned")
    with writing():
        [mail] = news.directory_held(directory)
    assert "1 of 3 people" in mail.subject


def test_the_subject_of_an_email_about_protected_leavers_alone_names_them():
    report, _ = report_of(decision="ignored", protection_reason="Protected", protection="by hand")
    with writing():
        [mail] = news.report_ready(report)
    assert "1 person has left" in mail.subject
