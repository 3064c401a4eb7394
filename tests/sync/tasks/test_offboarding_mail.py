"""The e-mail at the end of an offboarding: when it is written, who gets it, and what it says of each account."""

from __future__ import annotations

import pytest

from sync.db import utcnow, writing
from sync.effects import removal_of_account_in_words
from sync.mail.letters import moment
from sync.models import Account, Change, HeldChange, Mail, Offboarding, Person, Task
from sync.tasks import offboarding_mail
from tests.sync.fixtures import email

ENDED = ("done", "no longer needed", "needs attention", "failed", "cancelled")


@pytest.fixture
def offboarding(chat, olga) -> Offboarding:
    return Offboarding.create(person=chat.people[3], state="applied", asker=olga, decided_at=utcnow())


def task(chat, offboarding: Offboarding, number: int, state: str, error: str | None = None) -> Task:
    account = Account.get(Account.app == chat.app, Account.email == email(number))
    change = Change.create(app=chat.app, kind="removed user", account=account, decision="confirmed",
                           offboarding=offboarding)  # fmt: skip
    return Task.create(app=chat.app, kind="remove", account=account, change=change, state=state, error=error)


def summary(offboarding: Offboarding) -> list[Mail]:
    with writing():
        return offboarding_mail.summary(Offboarding.get_by_id(offboarding.id))


def test_it_says_what_became_of_each_account(chat, second, offboarding, olga):
    made = [task(chat, offboarding, number, state, f"Because of {state}." if state != "done" else None)
            for number, state in enumerate(ENDED, start=1)]  # fmt: skip
    made.append(task(second, offboarding, 3, "done"))
    other = Offboarding.create(person=chat.people[7], state="applied", asker=olga)
    task(chat, other, 7, "running")
    for decision, app in (("held", second.app), ("held", chat.app), ("left out", chat.app), ("left out", chat.app)):
        Change.create(app=app, kind="removed user", decision=decision, offboarding=offboarding)
    Change.create(app=chat.app, kind="removed user", decision="held", offboarding=other)
    Account.update(email="", name="Number 5").where(Account.email == email(5)).execute()
    Person.update(status="deprovisioned").where(Person.id == chat.people[3].id).execute()
    HeldChange.create(person=chat.people[3], field="status", value="active", asked_by="Olga")
    [mail] = summary(offboarding)
    assert (mail.to, mail.kind) == ("olga@acme.example", "offboarding")
    assert mail.subject == "Person 3: 2 of 6 accounts removed, 2 to fix"
    assert mail.key == f"offboarding-{offboarding.id}-failed-{made[-1].id}-olga@acme.example"
    lines = [line for line in mail.text.splitlines() if line][1:]
    does = " ".join(map(str, removal_of_account_in_words(made[0].account)))
    assert lines[:-2] == [
        f"You offboarded Person 3 on {moment(offboarding.decided_at)}.",
        "Accounts that need attention are still in their apps. The page shows why, and you can retry there.",
        "Needs attention: 2",
        f"- Chat <{email(3)}>: Person 3 may be back: a held change on People says so. Check that before you remove the "
        "account. Because of needs attention.",
        f"- Chat <{email(4)}>: Because of failed.",
        "Removed: 2", f"- Chat <{email(1)}>", f"- Second chat <{email(3)}>",
        "Stays: 1", f"- Chat <{email(2)}>: Because of no longer needed.",
        "Cancelled: 1", "- Chat <Number 5>: Because of cancelled.",
        "Held by a guard until an Owner releases the report: Chat, Second chat.",
        "Left out and unchanged: 2.",
        "What was done, and until when it can be undone", f"- Chat: {does}", f"- Second chat: {does}",
        f"http://127.0.0.1:8000/people/{chat.people[3].id}/offboardings/{offboarding.id}",
    ]  # fmt: skip
    assert summary(offboarding) == [], "once"


def test_without_a_failure_it_is_another_e_mail_and_says_so(chat, offboarding):
    made = task(chat, offboarding, 3, "done")
    [mail] = summary(offboarding)
    assert mail.subject == "Person 3: 1 of 1 account removed" and "need attention" not in mail.text
    assert mail.key == f"offboarding-{offboarding.id}-well-{made.id}-olga@acme.example"
    assert "Held by a guard" not in mail.text and "Left out" not in mail.text


@pytest.mark.parametrize("state", ["queued", "running"])
def test_it_waits_for_the_last_task(chat, offboarding, state):
    assert summary(offboarding) == [], "no task was made"
    task(chat, offboarding, 3, "done")
    waits = task(chat, offboarding, 4, state)
    assert summary(offboarding) == []
    Task.update(state="done").where(Task.id == waits.id).execute()
    assert len(summary(offboarding)) == 1


def test_someone_without_a_name_is_called_by_the_address_and_the_time_is_that_of_the_approval(chat, offboarding):
    Person.update(name="").where(Person.id == chat.people[3].id).execute()
    Offboarding.update(decided_at=None, created_at="2026-03-05 12:00:00").execute()
    task(chat, offboarding, 3, "done")
    [mail] = summary(offboarding)
    assert mail.subject.startswith(f"{email(3)}: 1 of 1")
    offboarding = Offboarding.get_by_id(offboarding.id)
    assert f"You offboarded {email(3)} on {moment(offboarding.created_at)}." in mail.text


@pytest.mark.parametrize(("status", "sent"), [("active", 1), ("suspended", 0), ("deprovisioned", 0), (None, 0)])
def test_it_goes_to_the_approver_who_may_sign_in(chat, offboarding, olga, status, sent):
    task(chat, offboarding, 3, "done")
    if status is None:
        Offboarding.update(asker=None).execute()
    else:
        Person.update(status=status).where(Person.id == olga.id).execute()
    assert len(summary(offboarding)) == sent
