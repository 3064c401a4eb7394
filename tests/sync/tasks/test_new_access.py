"""Whether an approved invitation or new access waits, because the person may have left: nobody who has must get it."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from sync.db import db, utcnow
from sync.models import (
    Account,
    App,
    Asset,
    Change,
    Directory,
    DirectoryEntry,
    HeldChange,
    Invitation,
    Person,
    PersonEmail,
    Report,
    Task,
)
from sync.safety import in_doubt
from sync.tasks import by_hand, invitations, perform, progress, still_to_remove, tasks
from tests.sync.fixtures import email

DAY = timedelta(days=1)


def directory(name: str, *, clear: bool = True, **values: object) -> Directory:
    """One that was read today, or three days ago."""
    return Directory.create(kind="okta", name=name, last_read_at=utcnow() - (0 if clear else 3) * DAY,
                            next_read_at=utcnow(), **values)  # fmt: skip


def entry(person: Person, of: Directory, status: str = "active", reported: str | None = None) -> None:
    DirectoryEntry.create(directory=of, external_id=f"{person.id}", person=person, status=status,
                          reported_status=reported or status)  # fmt: skip


def doubt(person: Person) -> str:
    found = in_doubt.of_new_access([person.id, None]).get(person.id)
    return found.why if found else ""


def test_new_access_waits_while_no_directory_that_has_someone_shows_who_has_left(home):
    """Where one does, they are here. So are people who are in no directory, or who were marked as here by hand."""
    chance, old, okta = random.Random(3), directory("Old", clear=False), directory("Okta")
    older = directory("Older", clear=False)
    for number in range(120):
        person = Person.create(name=f"P{number}", status=chance.choice(("active", "active", "suspended")),
                               status_by_hand=chance.choice((None, None, "active")))  # fmt: skip
        has = [one for one in (old, okta, older) if chance.random() < 0.5]
        for one in has:
            entry(person, one)
        if okta not in has and chance.random() < 0.3:
            entry(person, okta, "deprovisioned", "active")  # they are back, and that is held
        why = doubt(person)
        if okta in has or not has or person.status_by_hand:
            assert why == ""
        else:
            assert why.startswith(f"{has[0].name} hasn't shown who has left since ")
            assert why.endswith(f", so {person.name} may have left")
        assert not in_doubt.of_people([person.id]), "nothing is taken from them by that, so a loss doesn't wait"


@pytest.mark.parametrize("case", ["held", "by a list", "by a directory that may decide"])
def test_new_access_waits_for_someone_who_has_left_according_to_a_directory_or_list(home, case):
    ana, okta = Person.create(name="Ana", workspace_role="owner"), directory("Okta", vouched_for=True)
    if case == "by a list":
        entry(ana, okta)
        HeldChange.create(person=ana, field="status", value="deprovisioned", asked_by="Mira")
        assert doubt(ana) == "Ana has left according to a directory or list, but counts as here"
    elif case == "held":
        entry(ana, okta, "active", "deprovisioned")
        assert doubt(ana) == "Ana has left Okta, and that is held"
    else:
        entry(ana, okta, "deprovisioned")
        entry(ana, directory("Staff list"))
        assert doubt(ana) == "Ana has left according to a directory or list, but counts as here"
    assert (case == "held") is bool(in_doubt.of_people([ana.id])) and in_doubt.is_possible()


@pytest.fixture
def invited(chat) -> Task:
    """An invitation that rules of groups want, to someone whose directory was read three days ago."""
    one = directory("Okta", clear=False)
    ana = Person.create(name="Ana")
    PersonEmail.create(person=ana, email="ana@acme.example", email_key="ana@acme.example", main=True)
    entry(ana, one)
    report = Report.create(app=chat.app)
    change = Change.create(app=chat.app, report=report, kind="to invite", person=ana, after="Member", in_app=True,
                           decision="needs confirmation")  # fmt: skip
    return tasks.add(chat.app, "invite", None, chat.by, report=report, change=change, email="ana@acme.example",
                     role="member", person=ana.id)  # fmt: skip


def test_the_wizard_and_the_task_say_the_same(invited, chat):
    why = "Okta hasn't shown who has left since "
    Change.create(app=chat.app, report=invited.report, kind="to revoke access", person=Person.get(Person.name == "Ana"),
                  in_app=True, decision="needs confirmation")  # fmt: skip
    assert still_to_remove.will_wait(invited.report).startswith(f"1 invitation will wait: {why}")
    waits = still_to_remove.waits(invited, None)
    assert waits.startswith(why) and waits.endswith(
        ", so Ana may have left. The invitation waits until Okta shows again who has left.")  # fmt: skip
    Task.update(state="needs attention", error="Do it.").execute()
    [words] = in_doubt.errors([Task.get()]).values()
    assert words.startswith(why) and words.endswith("Ana may have left. Check that before you invite them. Do it.")
    assert progress.of_invitation(Invitation(state="failed", task=Task.get())).why == words
    Directory.update(last_read_at=utcnow()).execute()
    assert still_to_remove.waits(invited, None) is None and not still_to_remove.will_wait(invited.report)
    assert in_doubt.errors([Task.get()]) == {invited.id: "Do it."}
    Directory.update(next_read_at=None, state="paused").execute()
    assert still_to_remove.waits(invited, None).startswith("Okta doesn't show who has left, so Ana may have left. ")


def test_an_invitation_by_hand_does_not_wait_but_the_preview_says_what_is_in_doubt(invited, chat):
    """A hand-over has a report but no change: someone chose the successor by name."""
    other = directory("Old", clear=False)
    entry(Account.get(Account.email == email(3)).person, other)
    by_name = tasks.add(chat.app, "grant", Account.get(Account.email == email(3)), chat.by, report=invited.report)
    assert (in_doubt.may_wait(invited), in_doubt.may_wait(by_name)) == (True, False)
    assert still_to_remove.waits(Task(kind="invite", detail=invited.detail), None) is None
    [line] = invitations.plan(chat.app, ["ana@acme.example"], "member").lines
    assert line.is_ready and line.note.startswith("Okta hasn't shown who has left since ")
    room = Asset.create(app=chat.app, external_id="room", kind="channel", name="Room")
    [line] = by_hand.plan_grants(chat.app, [by_name.account_id], [room.id], "manager").lines
    assert line.note.endswith("so Person 3 may have left")
    perform.refuse_if_over(by_name)
    taken = tasks.add(chat.app, "revoke", by_name.account, chat.by, report=invited.report)
    Task.update(state="needs attention").where(Task.id != invited.id).execute()
    Task.update(report=None).where(Task.id == by_name.id).execute()
    found = in_doubt.errors([Task.get_by_id(by_name.id), Task.get_by_id(taken.id)])
    assert list(found) == [by_name.id], "nothing is in doubt about what is taken from them"
    assert found[by_name.id].endswith("Check that before you grant the access.")
    Account.update(match_kind="service account").where(Account.id == by_name.account_id).execute()
    [line] = by_hand.plan_grants(chat.app, [by_name.account_id], [room.id], "manager").lines
    assert not line.note, "its person is only responsible for it"


@pytest.mark.parametrize(("count", "words", "who"), [
    (1, "1 removal", "this person is"), (3, "3 removals", "these people are")])  # fmt: skip
def test_held_returns_are_counted_among_what_will_wait_and_each_once(home, count, words, who):
    """By the same cause together, also if a directory may lack changes about them."""
    app = App.create(connector="listed", name="Chat", category="Test", state="active")
    report, ldap = Report.create(app=app), directory("LDAP", many_back_since=utcnow())
    lacks = directory("Backup", missing_since=utcnow())
    for number in range(count + 1):
        person = Person.create(name=f"P{number}", status="deprovisioned", workspace_role="owner")
        one = Account.create(app=app, external_id=str(number), person=person, match_kind="matched")
        Change.create(app=app, report=report, account=one, kind="removed user", in_app=True,
                      decision="needs confirmation")  # fmt: skip
        if number < count:
            entry(person, ldap, "deprovisioned", "active")
            entry(person, lacks, "deprovisioned")
    assert still_to_remove.will_wait(report) == (
        f"{words} will wait: {who} back in LDAP, with many others at once. Its page says what to do.")  # fmt: skip
    Directory.update(many_back_since=None, missing_since=None).execute()
    rank = "ranks" if count == 1 else "rank"
    assert still_to_remove.will_wait(report).startswith(
        f"{words} will wait: {who} back in LDAP, but {rank} above the person responsible for it. ")
    DirectoryEntry.delete().execute()
    HeldChange.create(person=Person.get(), field="status", value="active", asked_by="Mira")
    Change.create(app=app, report=report, account=Account.get(Account.person == Person.get()), in_app=True,
                  kind="to revoke access", decision="needs confirmation")  # fmt: skip
    assert still_to_remove.will_wait(report) == (
        "1 removal and 1 revocation will wait: a held change on People says that this person is back. "
        "Release or dismiss it there.")  # fmt: skip


def test_many_people_who_will_wait_take_no_more_statements_than_one(chat, invited):
    Directory.update(missing_since=utcnow()).execute()
    asked: list[object] = []
    db.query_hooks.append(asked.append)
    try:
        assert still_to_remove.will_wait(invited.report).startswith("1 invitation will wait: Okta may lack changes ")
        one = len(asked)
        for number in range(5):
            entry(chat.people[number], Directory.get())
            Change.create(app=chat.app, report=invited.report, kind="to invite", person=chat.people[number],
                          in_app=True, decision="needs confirmation")  # fmt: skip
        asked.clear()
        assert still_to_remove.will_wait(invited.report).startswith("6 invitations will wait: Okta may lack changes ")
    finally:
        db.query_hooks.remove(asked.append)
    assert len(asked) == one
