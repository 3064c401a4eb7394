"""Between two checks: a removal that waits leaves the report, or is protected, once the account is someone else's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.db import utcnow, writing
from sync.models import Account, Activity, Change, Directory, DirectoryAddress, PersonEmail, Report
from sync.reports import held, merge, reports
from tests.sync.fixtures import after, departure, email

WHY = "its e-mail is that of Ana Lima in Company LDAP"


@after(departure(2, 3))
def report(chat) -> Report:
    """Persons 2 and 3 have left, and the removal of their accounts waits."""
    return reports.open_report(chat.app)


@pytest.fixture
def give(chat) -> Callable[[], None]:
    """A directory says that person 2's address is someone else's."""

    def give() -> None:
        directory = Directory.create(kind="scim", name="Company LDAP", vouched_for=True)
        DirectoryAddress.create(directory=directory, external_id="x", email_key=email(2), email=email(2),
                                name="Ana Lima")  # fmt: skip

    return give


def edit(**values: object) -> None:
    """The account of person 2."""
    Account.update(**values).where(Account.email == email(2)).execute()


def edit_change(change: Change, **values: object) -> None:
    Change.update(**values).where(Change.id == change.id).execute()


def drop_removals() -> None:
    with writing():
        merge.drop_removals_of_others("Company LDAP")


def row(change: Change) -> tuple:
    """(decision, report, reason, protection, protected)."""
    now = Change.get_by_id(change.id)
    return now.decision, now.report_id, now.reason, now.protection, now.protection_reason


def test_the_removal_of_an_account_that_is_still_its_persons_waits(chat, report):
    before = [row(change) for change in report.changes]
    drop_removals()
    assert [row(change) for change in report.changes] == before
    assert Report.get_by_id(report.id).version == report.version


@pytest.mark.parametrize("values", [{"person": None}, {"person": 5}, {"match_kind": "unmatched"},
                                    {"match_kind": "guest"}])  # fmt: skip
def test_an_account_that_is_no_longer_its_persons_leaves_the_report(chat, report, values):
    if values.get("person"):
        values = {"person": chat.people[values["person"]]}
    change, other = chat.change(report, 2), chat.change(report, 3)
    edit(**values)
    drop_removals()
    assert row(change) == ("ignored", None, "No longer theirs", None, None)
    assert row(other)[:2] == ("needs confirmation", report.id)
    after = Report.get_by_id(report.id)
    assert (after.state, after.version, after.waiting) == ("open", report.version + 1, 1)


def test_it_is_named_whose_the_address_is(chat, report, give):
    change = chat.change(report, 2)
    give()
    edit(match_kind="unmatched")
    drop_removals()
    assert row(change) == ("ignored", None, f"No longer theirs: {WHY}", None, None)


def test_an_address_that_is_someone_elses_protects_the_account(chat, report, give):
    change = chat.change(report, 2)
    give()
    drop_removals()
    assert row(change) == ("ignored", report.id, change.reason, "address of another", f"Protected: {WHY}")
    after = Report.get_by_id(report.id)
    assert (after.state, after.version, after.waiting) == ("open", report.version + 1, 1)


def test_a_change_of_an_earlier_version_that_names_no_person_is_that_of_the_accounts(chat, report):
    change = chat.change(report, 2)
    edit_change(change, person=None)
    edit(person=chat.people[5])
    drop_removals()
    assert row(change)[:2] == ("needs confirmation", report.id)


@pytest.mark.parametrize(("values", "leaves"), [
    ({"kind": "no longer assigned"}, True), ({"decision": "held"}, True), ({"decision": "left out"}, True),
    ({"kind": "updated role"}, False), ({"in_app": False}, False), ({"protection_reason": "Protected: a pilot"}, False),
    ({"decision": "ignored"}, False), ({"decision": "confirmed"}, False), ({"decision": "applied"}, False),
])  # fmt: skip
def test_only_removals_in_the_app_that_wait_leave_it(chat, report, values, leaves):
    change = chat.change(report, 2)
    edit_change(change, **values)
    before = row(change)
    edit(match_kind="unmatched")
    drop_removals()
    assert (row(change) == ("ignored", None, "No longer theirs", None, None)) is leaves
    assert leaves or row(change) == before


def test_a_decided_report_is_left_alone(chat, report):
    change = chat.change(report, 2)
    Report.update(state="dismissed").execute()
    edit(match_kind="unmatched")
    drop_removals()
    assert row(change)[:2] == ("needs confirmation", report.id)


def test_a_report_with_nothing_left_is_closed_and_says_why(chat, report):
    for number in (2, 3):
        Account.update(match_kind="unmatched").where(Account.email == email(number)).execute()
    before = utcnow()
    drop_removals()
    after = Report.get_by_id(report.id)
    assert (after.state, after.decided_by, after.waiting, after.version) == (
        "superseded", "Company LDAP", 0, report.version + 1)  # fmt: skip
    assert before <= after.decided_at <= utcnow()
    [entry] = Activity.select().where(Activity.what == "closed report")
    assert (entry.who, entry.about, entry.app_id, entry.report_id, entry.why) == (
        "Company LDAP", f"report {report.id}", chat.app.id, report.id,
        "These accounts now belong to others: nothing in the report waits any longer")  # fmt: skip


@pytest.mark.parametrize("decision", ["left out", "ignored"])
def test_a_change_left_out_does_not_keep_a_report_open(chat, report, decision):
    rest = chat.change(report, 3)
    edit_change(rest, decision=decision)
    edit(match_kind="unmatched")
    drop_removals()
    assert Report.get_by_id(report.id).state == "superseded"
    assert row(rest)[:2] == ("ignored", None)


@pytest.mark.parametrize("values", [{"decision": "ignored", "protection_reason": "Protected: a pilot",
                                     "protection": "by hand"}, {"decision": "held"}])  # fmt: skip
def test_a_protected_or_held_change_keeps_the_report_open(chat, report, values):
    rest = chat.change(report, 3)
    edit_change(rest, **values)
    edit(match_kind="unmatched")
    drop_removals()
    assert Report.get_by_id(report.id).state == "open" and row(rest)[1] == report.id


def test_a_mass_that_is_none_any_longer_is_held_no_longer(chat):
    chat.leave(*range(2, 8))
    report = chat.check().report
    assert report.held == 6
    edit(match_kind="unmatched")
    drop_removals()
    after = Report.get_by_id(report.id)
    assert (after.held, after.waiting) == (0, 5)


def test_each_kind_is_held_apart_and_what_a_check_has_held_stays_so(chat, report):
    gone = chat.change(report, 3)
    edit_change(gone, in_app=False, decision="held")
    many = [("to invite", {"person": chat.people[number]}) for number in range(4, 10)]
    for kind, whose in (*many, ("to change role", {"account": gone.account})):
        Change.create(app=chat.app, report=report, kind=kind, in_app=True, decision="needs confirmation", **whose)
    held.hold_what_is_too_many(report)
    assert set(Change.select(Change.kind, Change.decision).where(Change.report == report).tuples()) >= {
        ("to invite", "held"), ("to change role", "needs confirmation")}  # fmt: skip
    assert row(gone)[0] == "held"


def test_the_address_of_someone_who_is_here_protects_as_well(chat, report):
    change = chat.change(report, 2)
    PersonEmail.update(person=chat.people[5]).where(PersonEmail.email_key == email(2)).execute()
    drop_removals()
    assert row(change)[4] == "Protected: its e-mail is that of Person 5"
