"""Whether a removal that was approved waits for a directory: by each condition on the directory, the entry and the
person, beside those of others."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync.db import utcnow
from sync.models import (
    Account,
    App,
    Asset,
    Change,
    Directory,
    DirectoryEntry,
    HeldChange,
    Person,
    PersonEmail,
    Report,
    Task,
)
from sync.safety import in_doubt
from sync.settings import set_setting
from sync.tasks import still_to_remove
from sync.workspace import WITHDRAWN

NOON, HOUR = datetime(2026, 11, 1, 12), timedelta(hours=1)


@pytest.fixture
def report(home) -> Report:
    """Ada has left, and the removal of her account waits for approval; Bo has left too."""
    app = App.create(connector="listed", name="Chat", category="Test", state="active")
    report = Report.create(app=app)
    for name in ("Ada", "Bo"):
        person = Person.create(name=name, status="deprovisioned")
        one = Account.create(app=app, external_id=name, person=person, match_kind="matched", state="removing")
        Change.create(app=app, report=report, account=one, kind="removed user", in_app=True,
                      decision="needs confirmation" if name == "Ada" else "left out")  # fmt: skip
    return report


def entry(name: str, directory: Directory, status: str, reported: str, external_id: str = "1") -> None:
    DirectoryEntry.create(directory=directory, external_id=external_id, person=Person.get(Person.name == name),
                          status=status, reported_status=reported)  # fmt: skip


def removal(report: Report) -> tuple[Task, Account]:
    ada = Account.get(Account.external_id == "Ada")
    return Task.get_or_create(app=report.app, kind="remove", account=ada, report=report)[0], ada


def waits(report: Report) -> str | None:
    return still_to_remove.waits(*removal(report))


@pytest.mark.parametrize(("name", "status", "reported", "is_back"), [
    ("Ada", "deprovisioned", "active", True), ("Ada", "deprovisioned", "deprovisioned", False),
    ("Ada", "active", "deprovisioned", False), ("Bo", "deprovisioned", "active", False),
])  # fmt: skip
def test_it_waits_for_a_return_of_its_own_person_that_is_held(report, name, status, reported, is_back):
    """Not for a leaving that is held, of someone who was marked as left by hand."""
    entry(name, Directory.create(kind="scim", name="LDAP"), status, reported)
    assert (waits(report) or "").startswith("Ada is back in LDAP") is is_back
    assert bool(waits(report)) is is_back


def test_a_return_that_is_held_is_named_before_changes_that_may_be_missing(report):
    entry("Ada", Directory.create(kind="scim", name="Backup", missing_since=utcnow()), "deprovisioned", "deprovisioned")
    assert waits(report).startswith("Backup may lack changes")
    entry("Ada", Directory.create(kind="scim", name="LDAP"), "deprovisioned", "active")
    assert waits(report).startswith("Ada is back in LDAP")


def test_a_leaving_that_is_held_is_named_before_changes_that_may_be_missing(report):
    """Of someone who counts as here, and lost the app by groups. Nothing waits for those who only came back."""
    Person.update(status="active").where(Person.name == "Ada").execute()
    entry("Ada", Directory.create(kind="scim", name="Returned"), "deprovisioned", "active")
    entry("Ada", Directory.create(kind="scim", name="Left"), "deprovisioned", "deprovisioned")
    assert waits(report) is None
    entry("Ada", Directory.create(kind="scim", name="Backup", missing_since=utcnow()), "active", "active")
    assert waits(report).startswith("Backup may lack changes")
    assert ", so Ada may have left, or be in other groups now. The removal waits" in waits(report)
    for name in ("LDAP", "Okta"):
        entry("Ada", Directory.create(kind="scim", name=name), "active", "deprovisioned")
    assert waits(report).startswith("Ada has left LDAP, and that is held")
    task, account = removal(report)
    task.report_id = None
    assert still_to_remove.waits(task, account) is None, "someone asked for it by hand"


def test_only_a_return_of_someone_who_has_left_is_awaited_from_people(report):
    for name, values in (("Bo", {}), ("Ada", {"field": "name"}), ("Ada", {"value": "deprovisioned"}),
                         ("Ada", {"state": "released"})):  # fmt: skip
        HeldChange.create(person=Person.get(Person.name == name), asked_by="Olga",
                          **{"field": "status", "value": "active"} | values)  # fmt: skip
    assert waits(report) is None
    ada = Person.get(Person.name == "Ada")
    HeldChange.create(person=ada, asked_by="Olga", field="status", value="suspended")
    assert waits(report).startswith("Ada may be back: a held change on People says so.")
    Person.update(name="").where(Person.id == ada.id).execute()
    assert waits(report).startswith("This person may be back")
    Person.update(status="active").where(Person.id == ada.id).execute()
    assert waits(report) is None


def test_of_those_that_an_approval_covers_each_is_counted_once(report):
    directory = Directory.create(kind="scim", name="LDAP", missing_since=utcnow())
    for number, name in enumerate(("Ada", "Ada", "Bo")):
        entry(name, directory, "deprovisioned", "deprovisioned", str(number))
    assert still_to_remove.will_wait(report).startswith("1 removal will wait: LDAP may lack changes")


@pytest.mark.parametrize(("directory", "reported", "words"), [
    ({"many_back_since": NOON}, "active", "Ada is back in LDAP, with many others at once. The removal waits until "
     "someone confirms that on the directory's page, or the directory is fixed."),
    ({}, "active", "Ada is back in LDAP, but ranks above the person responsible for it. The removal waits until an "
     "Owner confirms that on the directory's page, or the directory is fixed."),
    ({"missing_since": NOON}, "deprovisioned", "LDAP may lack changes since 01 Nov 2026 at 12:00, so Ada may be back. "
     "The removal waits until someone makes LDAP send everyone again and confirms that on its page."),
    ({"missing_since": NOON, "next_read_at": NOON}, "deprovisioned", "LDAP may lack changes since 01 Nov 2026 at "
     "12:00, so Ada may be back. The removal waits until LDAP is read again, or gets a new list if its list was "
     "uploaded."),
], ids=str)  # fmt: skip
def test_it_says_why_it_waits_and_until_when(report, directory, reported, words):
    entry("Ada", Directory.create(kind="scim", name="LDAP", **directory), "deprovisioned", reported)
    assert waits(report) == words


def test_of_an_approval_what_takes_or_gives_something_in_the_app_is_counted(report):
    directory = Directory.create(kind="scim", name="LDAP", missing_since=NOON)
    for name in ("Ada", "Bo"):
        entry(name, directory, "deprovisioned", "deprovisioned", name)
    for name, kind, values in (
        ("Ada", "no longer assigned", {}), ("Ada", "to revoke access", {"before": "admin"}),
        ("Ada", "to change role", {"before": "admin"}), ("Ada", "to grant access", {"before": "admin"}),
        ("Ada", "to invite", {}),
        ("Bo", "to grant access", {"asset": Asset.create(app=report.app, external_id="1", kind="room")}),
        ("Bo", "to grant access", {"before": "admin"}),
        ("Bo", "no longer assigned", {"in_app": False}),
        ("Ada", "removed user", {"report": Report.create(app=report.app, state="applied")}),
    ):  # fmt: skip
        Change.create(app=report.app, account=Account.get(Account.external_id == name), kind=kind,
                      **{"report": report, "in_app": True, "decision": "needs confirmation"} | values)  # fmt: skip
    assert still_to_remove.will_wait(report).startswith(
        "2 removals, 1 revocation, 3 changes of role, 1 grant of access and 1 invitation will wait: LDAP may lack "
        "changes since 01 Nov 2026 at 12:00. Its page says what to do.")


def test_an_address_of_someone_who_is_here_ends_it_before_the_app_is_asked(report):
    assert still_to_remove.over(*removal(report)) is None
    Account.update(email_key="bo@acme.example").where(Account.external_id == "Ada").execute()
    Person.update(status="active").where(Person.name == "Bo").execute()
    PersonEmail.create(person=Person.get(Person.name == "Bo"), email="bo@acme.example", email_key="bo@acme.example",
                       main=True)  # fmt: skip
    assert still_to_remove.over(*removal(report)) == "Protected: its e-mail is that of Bo"


@pytest.mark.parametrize(("restored", "by_hand", "status", "known", "lacks"), [
    (NOON, None, "deprovisioned", None, True), (NOON, None, "active", None, True),
    (NOON, "active", "active", None, True), (None, None, "deprovisioned", None, False),
    (NOON - HOUR, None, "deprovisioned", None, False), (NOON, "deprovisioned", "deprovisioned", None, False),
    (NOON, None, "deprovisioned", "active", False), (NOON, None, "deprovisioned", "deprovisioned", True),
])  # fmt: skip
def test_after_a_restore_someone_may_be_in_a_directory_that_does_not_know_them(report, restored, by_hand, status,
                                                                               known, lacks):  # fmt: skip
    """Not if what it lacks was refused since then, or if someone decided by hand that they left."""
    set_setting(WITHDRAWN, restored and restored.isoformat())
    Person.update(status=status, status_by_hand=by_hand).where(Person.name == "Ada").execute()
    okta = Directory.create(kind="scim", name="Okta", missing_since=NOON)
    entry("Bo", okta, "active", "active", "0")
    entry("Ada", Directory.create(kind="scim", name="LDAP"), "deprovisioned", "deprovisioned")
    if known:
        entry("Ada", okta, known, known)
    assert (waits(report) or "").startswith("Okta may lack changes since 01 Nov 2026 at 12:00, so Ada may ") is lacks
    assert still_to_remove.will_wait(report).startswith("1 removal will wait: Okta may lack changes") is lacks
    assert in_doubt.of_people([]) == {}


@pytest.mark.parametrize(("kind", "is_asked_by_hand", "state", "status", "says"), [
    ("remove", True, "needs attention", "deprovisioned", "Check that before you remove the account. Do it."),
    ("revoke", True, "needs attention", "deprovisioned", "Check that before you revoke the access. Do it."),
    ("revoke", False, "needs attention", "active", "Check that before you revoke the access. Do it."),
    ("remove", False, "needs attention", "active", "Check that before you remove the account. Do it."),
    ("revoke", True, "needs attention", "active", ""), ("remove", True, "needs attention", "active", ""),
    ("change role", False, "needs attention", "active", "Check that before you change the role. Do it."),
    ("change role", True, "needs attention", "deprovisioned", ""),
    ("grant", False, "needs attention", "active", ""), ("remove", False, "queued", "deprovisioned", ""),
    ("remove", False, "done", "deprovisioned", None),
])  # fmt: skip
def test_someone_who_does_it_by_hand_learns_what_is_in_doubt_about_it(report, kind, is_asked_by_hand, state, status,
                                                                      says):  # fmt: skip
    """What someone asked for although the person is here isn't in doubt."""
    entry("Ada", Directory.create(kind="scim", name="Backup", missing_since=utcnow()), status, status)
    Person.update(status=status).where(Person.name == "Ada").execute()
    bo = Account.get(Account.external_id == "Bo")
    task, other = (Task.create(app=report.app, kind=kind, account=one, error="Do it.", state=state,
                               detail={"before": ""}, report=None if is_asked_by_hand else report)
                   for one in (Account.get(Account.external_id == "Ada"), bo))  # fmt: skip
    found = in_doubt.errors([task, other])
    assert found.get(other.id) == (None if state == "done" else "Do it.")
    assert found.get(task.id, "").startswith("Backup may lack changes") is bool(says)
    assert found.get(task.id, "").endswith(says or "") and (found.get(task.id) == "Do it.") is (says == "")


@pytest.mark.parametrize(("kind", "of_change", "before", "act"), [
    ("grant", True, "member", "change the role"), ("grant", True, "", "change the role"),
    ("grant", True, None, "grant the access"), ("grant", False, "member", None),
    ("invite", True, "member", "invite them"), ("revoke", False, None, "revoke the access"),
])  # fmt: skip
def test_a_task_that_takes_or_gives_something_is_in_doubt(report, kind, of_change, before, act):
    """But not a role that someone gives by hand, and only while someone may do it in the app."""
    Person.update(status="active").where(Person.name == "Ada").execute()
    entry("Ada", Directory.create(kind="scim", name="Backup", missing_since=utcnow()), "active", "active")
    ada = Account.get(Account.external_id == "Ada")
    values = {"app": report.app, "account": ada, "error": "Do it.", "report": report, "detail": {"before": before}}
    task = Task.create(kind=kind, state="needs attention", **values,
                       change=Change.get(Change.account == ada) if of_change else None)  # fmt: skip
    stuck, queued = Task.create(kind="change role", state="needs attention", **values), Task.create(
        kind="remove", state="queued", **values)  # fmt: skip
    found = in_doubt.errors([task, stuck, queued])
    assert found[stuck.id].endswith("Check that before you change the role. Do it.") and found[queued.id] == "Do it."
    assert found[task.id].partition("Check that before you ")[2] == (f"{act}. Do it." if act else "")


def test_someone_who_removes_by_hand_learns_of_a_return_only(report):
    """A held change on People says so, and a directory before it. Someone who counts as here didn't leave."""
    ada = Person.get(Person.name == "Ada")

    def named() -> str:
        return still_to_remove.returns([None, ada.id, Person.get(Person.name == "Bo").id]).get(ada.id, "")

    HeldChange.create(person=ada, field="status", value="active", asked_by="Olga")
    assert named().startswith("Ada may be back: a held change on People")
    entry("Ada", Directory.create(kind="scim", name="Backup", missing_since=utcnow()), "deprovisioned", "deprovisioned")
    assert named().startswith("Backup may lack changes")
    entry("Ada", Directory.create(kind="scim", name="Okta"), "deprovisioned", "active")
    assert named().startswith("Ada is back in Okta") and not still_to_remove.may_have_left([ada.id])
    assert in_doubt.of_people([Person.get(Person.name == "Bo").id]) == {}
    Person.update(status="active").where(Person.id == ada.id).execute()
    assert not named()
    entry("Ada", Directory.create(kind="scim", name="LDAP"), "active", "deprovisioned")
    assert not named()
