"""The outbox: who is notified, once and in which words, and that hostile names can't break it."""

from __future__ import annotations

import email
import re
from datetime import datetime, timedelta
from email import policy

import pytest

from connectors.base import PAID_SOCIAL
from sync import workspace
from sync.db import db, utcnow, writing
from sync.jobs import queue
from sync.mail import news, outbox
from sync.mail.letters import NOT_COPIED, Letter, Link, Sentence, clean, name_in_line, without_breaks, write
from sync.mail.smtp import compose, parse_smtp_url
from sync.models import (
    Access,
    Account,
    Activity,
    App,
    AppPerson,
    Asset,
    Change,
    Check,
    Directory,
    DirectoryEntry,
    Mail,
    Person,
    Report,
    Task,
)
from sync.people import people
from tests.asking import MACHINE

BASE = "https://rollcall.acme.example"
OUTGOING = parse_smtp_url("smtp://127.0.0.1", BASE)


@pytest.fixture(autouse=True)
def acme(home):
    outbox.configure(None, BASE)
    workspace.update_workspace(MACHINE, name="Acme", zone="Europe/Berlin")
    people.add("Olga Brandt", "olga@acme.example", MACHINE, workspace_role="owner")


@pytest.fixture
def slack() -> App:
    app = App.create(connector="slack", name="Slack", category="Seat-based", state="active", users=40)
    own(app, people.add("Ada Owner", "ada@acme.example", MACHINE, workspace_role="user"))
    return app


def own(app: App, person: Person, manages_as: str = "owner") -> None:
    AppPerson.create(app=app, person=person, manages_as=manages_as)


def owner_named(app: App, name: str) -> Person:
    person = people.add(name, f"{name.split()[0].lower()}@acme.example", MACHINE, workspace_role="user")
    own(app, person)
    return person


def leaver(app: App, report: Report, name: str, *, decision: str = "needs confirmation", **change) -> Change:
    number = Account.select().count()
    person = Person.create(name=name, status="deprovisioned", status_reason="Disabled in Company LDAP",
                           status_since=datetime(2026, 11, 2, 23, 30))
    account = Account.create(app=app, external_id=f"U{number}", name=name, email=f"u{number}@acme.example",
                             match_kind="matched", person=person)
    return Change.create(app=app, report=report, kind="removed user", decision=decision, account=account,
                         before="Member", **change)


def mails_about(news, *arguments) -> list[Mail]:
    with writing():
        return news(*arguments)


def only(mails: list[Mail]) -> Mail:
    [mail] = mails
    return Mail.get_by_id(mail.id)


# -- the report's mail ---------------------------------------------------------------------------------------------


def test_the_report_mail_says_who_left_with_role_reason_and_since_when(slack):
    report = Report.create(app=slack)
    for name in ("Ben Ito", "Cleo Wu", "Dana Roy"):
        leaver(slack, report, name)
    mail = only(mails_about(news.report_ready, report))
    assert mail.subject == "3 people have left Acme and still have accounts in Slack"
    assert (mail.to, mail.kind, mail.state, mail.app_id) == ("ada@acme.example", "report", "queued", slack.id)
    for body in (mail.text, mail.html):
        assert "Ben Ito" in body and "Cleo Wu" in body and "Dana Roy" in body
        assert "Disabled in Company LDAP" in body and "Member" in body
        assert "3 Nov 2026" in body, "half past eleven in the evening UTC is the next day in Berlin"
        assert f"{BASE}/reports/{report.id}" in body


@pytest.mark.parametrize(
    "category, count, subject",
    [
        ("Seat-based", 1, "1 person has left Acme and still has an account in Slack"),
        (PAID_SOCIAL, 1, "1 person has left Acme and still has access to Slack"),
        (PAID_SOCIAL, 2, "2 people have left Acme and still have access to Slack"),
    ],
)
def test_the_subject_is_plain_and_exact(slack, category, count, subject):
    App.update(category=category).where(App.id == slack.id).execute()
    report = Report.create(app=slack)
    for number in range(count):
        leaver(slack, report, f"Leaver {number}")
    assert only(mails_about(news.report_ready, report)).subject == subject


def test_twenty_are_listed_and_the_rest_counted(slack):
    report = Report.create(app=slack)
    for number in range(23):
        leaver(slack, report, f"Leaver {number:02}")
    mail = only(mails_about(news.report_ready, report))
    assert mail.text.count("- Leaver") == 20 and "- and 3 more" in mail.text
    assert mail.html.count("<strong>") == 20 and "and 3 more" in mail.html


def test_once_and_again_only_when_something_new_is_in_it(slack):
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito")
    assert len(mails_about(news.report_ready, report)) == 1
    assert mails_about(news.report_ready, report) == []
    assert mails_about(news.report_ready, Report.get_by_id(report.id)) == []
    leaver(slack, report, "Cleo Wu")
    mail = only(mails_about(news.report_ready, report))
    assert mail.subject.startswith("2 people have left")
    assert "1 of 2 is new since the last e-mail" in mail.text
    assert mail.text.index("Cleo Wu <u1@acme.example> (new)") < mail.text.index("Ben Ito")


def test_a_copy_of_the_report_that_is_saved_later_does_not_forget_the_mail(slack):
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito")
    mails_about(news.report_ready, report)
    report.save()
    assert mails_about(news.report_ready, Report.get_by_id(report.id)) == []


def test_a_change_already_decided_is_not_news(slack):
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito", decision="left out")
    leaver(slack, report, "Cleo Wu", decision="confirmed")
    leaver(slack, report, "Dana Roy", decision="ignored")
    assert mails_about(news.report_ready, report) == []


def test_a_protected_leaver_is_reported_with_the_reason(slack):
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito", decision="ignored", protection_reason="Protected: the last Owner of the app")
    mail = only(mails_about(news.report_ready, report))
    assert "the last Owner of the app" in mail.text and "the last Owner of the app" in mail.html


def test_the_subject_is_the_pages_sentence_also_of_the_protected(slack):
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito")
    leaver(slack, report, "Cleo Wu", decision="ignored", protection_reason="Protected: the last Owner of the app")
    mail = only(mails_about(news.report_ready, report))
    subject = "2 people have left Acme and still have accounts in Slack. 1 can be removed. Cleo Wu can't yet"
    assert mail.subject == subject
    assert "- Ben Ito <u0@acme.example>\n  role Member; Disabled" in mail.text and "- Cleo Wu" in mail.text


def test_a_sole_manager_is_reported_with_the_assets_name(slack):
    report = Report.create(app=slack)
    change = leaver(slack, report, "Ben Ito")
    page = Asset.create(app=slack, external_id="P1", kind="page", name="Acme Deutschland")
    Access.create(app=slack, account=change.account, asset=page, role="admin", privileged=True)
    mail = only(mails_about(news.report_ready, report))
    assert "Only manager of Acme Deutschland. Choose a successor in the report." in mail.text


def test_nothing_is_queued_when_the_transaction_rolls_back(slack):
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito")
    with pytest.raises(ZeroDivisionError), writing():
        news.report_ready(report)
        _ = 1 / 0
    assert Mail.select().count() == 0 and queue.queue.pending_count() == 0
    mails_about(news.report_ready, Report.get_by_id(report.id))
    assert Mail.select().count() == 1 and queue.queue.pending_count() == 1, "a worker is woken after the commit"


# -- what a guard holds --------------------------------------------------------------------------------------------


def test_the_held_mail_says_how_many_of_how_many_and_what_to_do(slack):
    report = Report.create(app=slack)
    for number in range(12):
        leaver(slack, report, f"Leaver {number:02}", decision="held")
    mail = only(mails_about(news.report_held, report))
    assert (mail.kind, mail.subject) == ("held", "Held: 12 of 40 people would be removed from Slack")
    assert "Nothing was removed" in mail.text and "release" in mail.text
    assert mails_about(news.report_held, report) == [] == mails_about(news.report_ready, report)


def test_accounts_that_vanished_in_number_are_called_missing(slack):
    report = Report.create(app=slack)
    for number in range(9):
        leaver(slack, report, f"Gone {number}", decision="held", in_app=False, reason="No longer in the app's list")
    mail = only(mails_about(news.report_held, report))
    assert mail.subject == "Held: 9 of 40 people are missing from Slack"
    assert "No longer in the app's list" in mail.text and "Disabled in" not in mail.text


def test_after_release_nobody_is_notified_of_the_same_people_again(slack):
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito", decision="held")
    mails_about(news.report_held, report)
    Change.update(decision="needs confirmation").execute()
    assert mails_about(news.report_ready, report) == []


# -- reminders -----------------------------------------------------------------------------------------------------


def test_a_reminder_after_a_week_and_once_a_week(slack):
    start = utcnow()
    report = Report.create(app=slack, waiting=1)
    leaver(slack, report, "Ben Ito")
    mails_about(news.report_ready, report)
    days_told = []
    for day in range(23):
        for _twice_a_day in range(2):
            if news.send_reminders(start + timedelta(days=day, minutes=5)):
                days_told.append(day)
    assert days_told == [7, 14, 21]
    reminder = Mail.select().where(Mail.kind == "reminder").first()
    assert reminder.subject == "Still waiting: 1 person has left Acme and still has an account in Slack"
    assert "waiting since" in reminder.text


def test_no_reminder_for_what_is_decided_disconnected_or_reported_this_week(slack):
    now = utcnow()
    old = now - timedelta(days=30)
    report = Report.create(app=slack, waiting=1, created_at=old, mailed_at=now - timedelta(days=2))
    leaver(slack, report, "Ben Ito")
    assert news.send_reminders(now) == 0, "mailed two days ago"
    Report.update(mailed_at=old, state="applied").execute()
    assert news.send_reminders(now) == 0, "applied"
    Report.update(state="open").execute()
    App.update(state="disconnected").execute()
    assert news.send_reminders(now) == 0, "disconnected"
    App.update(state="active").execute()
    Change.update(decision="left out").execute()
    assert news.send_reminders(now) == 0, "everyone in it was left out"
    Change.update(decision="needs confirmation").execute()
    assert news.send_reminders(now) == 1


# -- the outcome ---------------------------------------------------------------------------------------------------


def finished(app: App, *states: str, kind: str = "remove") -> Report:
    report = Report.create(app=app, state="applied", decided_by="Ada Owner <ada@acme.example>", decided_at=utcnow())
    for number, state in enumerate(states):
        change = leaver(app, report, f"Leaver {number}", decision="confirmed")
        Task.create(app=app, report=report, change=change, kind=kind, account=change.account, state=state,
                    external_id=change.account.external_id, asked_by="Ada Owner <ada@acme.example>",
                    error="Seat is locked by billing" if state == "needs attention" else None)
    return report


def test_the_outcome_comes_when_every_task_has_ended_and_once(slack):
    report = finished(slack, "done", "done", "running")
    assert mails_about(news.outcome, report) == []
    Task.update(state="done").execute()
    mail = only(mails_about(news.outcome, report))
    assert mail.subject == "3 people were removed from Slack"
    assert "Ada Owner <ada@acme.example> approved this" in mail.text
    assert mails_about(news.outcome, report) == []


def test_the_outcome_shows_first_what_failed_and_why(slack):
    mail = only(mails_about(news.outcome, finished(slack, "done", "needs attention", "no longer needed")))
    assert mail.subject == "1 of 3 people could not be removed from Slack"
    for body in (mail.text, mail.html):
        assert body.index("Not done: 1") < body.index("Seat is locked by billing") < body.index("Done: 1")
        assert "No longer needed: 1" in body and "Retry" in body and f"/apps/{slack.id}/activity" in body


def test_a_failure_fixed_by_a_retry_is_reported_once_more(slack):
    report = finished(slack, "done", "needs attention")
    mails_about(news.outcome, report)
    assert mails_about(news.outcome, report) == [], "the same failure is no news"
    Task.update(state="done").execute()
    assert only(mails_about(news.outcome, report)).subject == "2 people were removed from Slack"


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=1)], ids=["", "the clock was ahead before"])
def test_a_second_approval_of_the_same_report_has_its_own_outcome(slack, ahead):
    report = finished(slack, "done")
    mails_about(news.outcome, report)
    Mail.update(created_at=utcnow() + ahead).execute()
    change = leaver(slack, report, "Later Leaver", decision="confirmed")
    Task.create(app=slack, report=report, change=change, kind="remove", account=change.account, state="done")
    mail = only(mails_about(news.outcome, report))
    assert mail.subject == "1 person was removed from Slack"
    assert "Later Leaver" in mail.text and "Leaver 0" not in mail.text


def test_a_report_without_tasks_has_no_outcome(slack):
    assert mails_about(news.outcome, Report.create(app=slack, state="applied")) == []


# -- checks and directories ----------------------------------------------------------------------------------------


def test_a_check_that_failed_three_times_is_reported_once_until_one_succeeds(slack):
    def fail() -> list[Mail]:
        App.update(failures=App.failures + 1).execute()
        check = Check.create(app=slack, state="failed", error="The app answered 500.", advice="Try again in an hour.")
        return mails_about(news.check_failed, slack, check)

    assert [len(fail()) for _ in range(6)] == [0, 0, 1, 0, 0, 0]
    mail = Mail.get(Mail.kind == "check failed")
    assert mail.subject == "Slack could not be checked 3 times in a row"
    assert "Nothing was changed" in mail.text and "The app answered 500." in mail.text
    assert "Try again in an hour." in mail.text and f"{BASE}/apps/{slack.id}" in mail.text
    App.update(failures=0, last_check_at=utcnow()).execute()
    assert [len(fail()) for _ in range(4)] == [0, 0, 1, 0]


def test_a_directory_that_failed_three_times_goes_to_the_workspace_owners(slack):
    directory = Directory.create(kind="ldap", name="Company LDAP")
    for failures, mails in ((1, 0), (2, 0), (3, 1), (4, 0)):
        Directory.update(failures=failures).execute()
        assert len(mails_about(news.directory_failed, directory, "No answer from ldap.acme.example.")) == mails
    mail = Mail.get()
    assert mail.to == "olga@acme.example"
    assert mail.subject == "Company LDAP could not be read 3 times in a row"
    assert "Nobody was deprovisioned" in mail.text and "No answer from ldap.acme.example." in mail.text


def test_a_held_directory_lists_the_people_and_is_reported_again_for_others_only(slack):
    directory = Directory.create(kind="ldap", name="Company LDAP")
    for number in range(30):
        person = Person.create(name=f"Person {number:02}")
        DirectoryEntry.create(directory=directory, external_id=str(number), person=person, status="active",
                              reported_status="deprovisioned" if number < 25 else "active",
                              reason="No longer in Company LDAP")
    mail = only(mails_about(news.directory_held, directory))
    assert mail.subject == "Held: 25 of 30 people in Company LDAP would count as having left"
    assert mail.text.count("- Person") == 20 and "- and 5 more" in mail.text
    assert mails_about(news.directory_held, directory) == []
    DirectoryEntry.update(reported_status="deprovisioned").where(DirectoryEntry.external_id == "27").execute()
    assert len(mails_about(news.directory_held, directory)) == 1


# -- recipients ---------------------------------------------------------------------------------------------------


def test_every_owner_of_the_app_who_may_sign_in_and_no_collaborator(slack):
    gone, locked_out, has_no_role, _ = (
        owner_named(slack, name) for name in ("Gone Owner", "Locked Owner", "Nobody Owner", "Bob Owner"))
    people.mark_left(gone, MACHINE)
    Person.update(status="suspended").where(Person.id == locked_out.id).execute()
    people.set_workspace_role(has_no_role, None, MACHINE)
    own(slack, people.add("Cai Helper", "cai@acme.example", MACHINE, workspace_role="user"), "collaborator")
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito")
    assert [mail.to for mail in mails_about(news.report_ready, report)] == ["ada@acme.example", "bob@acme.example"]


@pytest.mark.parametrize("status", ["deprovisioned", "suspended"])
def test_an_app_without_an_owner_who_may_sign_in_notifies_the_workspace_owners(slack, status):
    Person.update(status=status).where(Person.name == "Ada Owner").execute()
    locked_out = people.add("Omar", "omar@acme.example", MACHINE, workspace_role="owner")
    Person.update(status="suspended").where(Person.id == locked_out.id).execute()
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito")
    assert only(mails_about(news.report_ready, report)).to == "olga@acme.example"


# -- hostile names -------------------------------------------------------------------------------------------------


def test_a_name_with_a_newline_adds_no_header_and_no_line(slack):
    App.update(name="Slack\r\nBcc: eve@evil.example\r\n\r\nHello").execute()
    report = Report.create(app=slack)
    leaver(slack, report, "Ben\n- Somebody Else <x@y>\u2028more\x00\x1b[31m")
    mail = only(mails_about(news.report_ready, report))
    assert "\n" not in mail.subject and "\r" not in mail.subject
    message = email.message_from_bytes(bytes(compose(mail, OUTGOING)), policy=policy.default)
    assert message["Bcc"] is None and message["To"] == "ada@acme.example"
    assert sum(line.startswith("- ") for line in mail.text.splitlines()) == 1
    assert "\x1b" not in mail.text + mail.html and "\x00" not in mail.text + mail.html


def test_markup_in_a_name_stays_text(slack):
    workspace.update_workspace(MACHINE, name="<b>Acme</b> & Sons")
    report = Report.create(app=slack)
    leaver(slack, report, "<script>alert(1)</script>", reason="<img src=x>", in_app=False)
    mail = only(mails_about(news.report_ready, report))
    assert "<script>" not in mail.html and "<img" not in mail.html and "<b>" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in mail.html
    assert "- <script>alert(1)</script>" in mail.text


def test_a_name_from_right_to_left_is_kept_whole_and_apart(slack):
    App.update(name="سلاك").execute()
    report = Report.create(app=slack)
    leaver(slack, report, "דנה רוי \u202egnp.exe")
    mail = only(mails_about(news.report_ready, report))
    assert mail.subject == "1 person has left Acme and still has an account in \u2068سلاك\u2069"
    assert "\u2068דנה רוי gnp.\u200bexe\u2069" in mail.text and f"<bdi>דנה רוי gnp.{NOT_COPIED}exe</bdi>" in mail.html
    message = email.message_from_bytes(bytes(compose(mail, OUTGOING)), policy=policy.default)
    assert message["Subject"] == mail.subject
    assert "דנה רוי" in message.get_body(("html",)).get_content()


def test_a_web_address_in_a_name_becomes_no_link(slack):
    App.update(name="Slack https://evil.example/app").execute()
    report = Report.create(app=slack)
    leaver(slack, report, "Reset at HTTPS://evil.example or www.evil.example", reason="see ftp://evil.example")
    mail = only(mails_about(news.report_ready, report))
    assert mail.subject == "1 person has left Acme and still has an account in Slack https: //evil.example/app"
    for part in (mail.text, mail.html.replace(NOT_COPIED, "\u200b").partition("</title>")[2]):
        assert "https: //evil.\u200bexample" in part
        assert set(re.findall(r"\w+://[^\s\"]+", part)) <= {f"{BASE}/reports/{report.id}"}
        assert "evil.e" not in part and "www.e" not in part
    assert f"\n{BASE}/reports/{report.id}\n" in mail.text
    assert mail.html.count("\u200b") == mail.html.count(NOT_COPIED) > 0


def test_the_domains_of_the_makers_and_the_readers_are_written_as_they_are(slack):
    App.update(connector="monday", name="monday.com").execute()
    report = Report.create(app=slack)
    leaver(slack, report, "ldap.acme.example")
    mail = only(mails_about(news.report_ready, report))
    assert mail.subject.endswith(" in monday.com") and "\u200b" not in mail.text + mail.html
    for exact in ("Monday.com.", "(ldap.acme.example)", "“acme.example”!", "dc-1.acme.example:636",
                  "https: //acme.example/a"):
        assert f"\n{exact}\n" in f"\n{written(exact).text}"


@pytest.mark.parametrize("broken", [
    "acme.example.evil.example", "evil-acme.example", "acme.example-evil.org", "monday.company", "हिacme.example",
    "acme.exampleहि.org", "acme。example", "monday.com.evil", "evil.org/monday.com", "evil。acme.example",
])  # fmt: skip
def test_a_domain_that_only_looks_like_the_readers_becomes_no_link(broken):
    letter = written(broken)
    assert broken == letter.subject == without_breaks(letter.text).split("\n")[0]
    assert broken not in letter.text and broken not in letter.html.partition("</title>")[2]


def written(name: str) -> Letter:
    return write("test", Sentence(name_in_line(name)), ["acme.example", "monday.com"], company="Acme", link=Link(BASE))


@pytest.mark.parametrize(("name", "as_written"), [
    ("ana@acme.example", "ana@acme.example"), ("Ana <ana.lo@acme.example>,", "Ana <ana.lo@acme.example>,"),
    ("J. R. Day 1.5", "J. R. Day 1.5"), ("booking.com", "booking.\u200bcom"),
    ("a://b@evil.example", "a: //b@evil.\u200bexample"), ("x.example/@a.b", "x.\u200bexample/@a.\u200bb"),
    ("WWW.evil", "WWW. evil"), ("हिन्दी.example", "हिन्दी.\u200bexample"), ("evil。example", "evil。\u200bexample"),
    ("a@हिन्दी.example", "a@हिन्दी.example"), ("“ana@acme.example”!", "“ana@acme.example”!"),
    ("evil.example@a", "evil.\u200bexample@a"), ("www.evil@a.example", "www. evil@a.\u200bexample"),
    ("\\\\evil\\share", "\\ \\evil\\share"), ("ACME\\jana", "ACME\\jana"),
])  # fmt: skip
def test_a_name_that_is_an_address_or_has_dots_looks_the_same(name, as_written):
    assert name_in_line(name) == as_written


def test_long_and_broken_names_are_cut_and_fixed():
    assert len(name_in_line("x" * 9000)) == 60
    assert clean("a\ud800b") == "ab"
    assert clean(" a \t\u00a0 b\u0085") == "a b"


# -- the outbox without a server, and the server's address ---------------------------------------------------------


def test_without_a_server_mails_wait_and_activity_shows_them(slack):
    report = Report.create(app=slack)
    leaver(slack, report, "Ben Ito")
    mail = only(mails_about(news.report_ready, report))
    outbox.run(mail.id)
    assert Mail.get_by_id(mail.id).state == "queued" and Mail.get_by_id(mail.id).attempts == 0
    entry = Activity.get(Activity.what == "mail waits")
    assert entry.about == "ada@acme.example" and "1 person has left Acme" in entry.why


def test_an_e_mail_older_than_three_days_is_not_sent_as_news(slack):
    with writing():
        mail = outbox.test_mail("ada@acme.example")
        Mail.update(created_at=utcnow() - timedelta(days=3, minutes=1), sealed=b"a one-time link").execute()
    outbox.configure("smtp://127.0.0.1:9", BASE)
    try:
        outbox.run(mail.id)
    finally:
        outbox.configure(None, BASE)
    mail = Mail.get_by_id(mail.id)
    assert mail.state == "failed" and "out of date" in mail.error and mail.sealed is None
    assert not db.in_transaction()


@pytest.mark.parametrize(
    "url, host, port, user, password, sender",
    [
        ("smtp://mail.acme.example", "mail.acme.example", 25, "", "", "rollcall@rollcall.acme.example"),
        ("smtp+starttls://u:p@mail", "mail", 587, "u", "p", "rollcall@rollcall.acme.example"),
        ("smtps://o%40acme.example:p%40%3A%2F%23%25@m:4650", "m", 4650, "o@acme.example", "p@:/#%", "o@acme.example"),
        ("smtp://[::1]:2525/?from=a+b@acme.example", "::1", 2525, "", "", "a+b@acme.example"),
    ],
)
def test_the_servers_address_is_read(url, host, port, user, password, sender):
    outgoing = parse_smtp_url(url, BASE)
    assert (outgoing.host, outgoing.port, outgoing.user, outgoing.password, outgoing.sender) == (
        host, port, user, password, sender,
    )  # fmt: skip
    assert "p@:/#%" not in repr(outgoing)


@pytest.mark.parametrize(
    "url, says",
    [
        ("http://mail", "must begin with smtp://"),
        ("mail.acme.example:25", "must begin with smtp://"),
        ("smtp://", "name of the mail server is missing"),
        ("smtp://mail:99999", "host and port"),
        ("smtp://u:hunter2/x@mail", "percent-encoded"),
        ("smtp://u:hunter2@mail/inbox", "Nothing may follow"),
        ("smtp://u@mail", "both a user and a password"),
        ("smtp://u:hunter2é@mail", "ASCII"),
        ("smtp://u:hunter2@mail.acme.example", "smtps:// or smtp+starttls://"),
        ("smtp://u:hunter2@10.0.0.5:25", "in the clear"),
        ("smtp://mail?form=a@b.example", "'form' isn't an option"),
        ("smtp://mail?from=nobody", "?from="),
        ("smtp://mail?ca=/no/such/file.pem", "doesn't exist"),
    ],
)
def test_a_bad_address_is_reported_in_a_sentence_without_the_password(url, says):
    with pytest.raises(ValueError) as problem:
        parse_smtp_url(url, BASE)
    assert says in str(problem.value)
    assert "hunter2" not in str(problem.value)
