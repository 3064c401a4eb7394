"""Invitations until someone has joined: mailed, reminded of, expired, cancelled, connected to their person."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from sync import activity
from sync.apps import apps
from sync.db import connected, utcnow
from sync.jobs import queue
from sync.models import Account, App, Check, Invitation, Mail, Person, Task
from sync.people import people
from sync.tasks import by_hand, disconnecting, invitations, tasks
from sync.tasks import progress as task_progress
from sync.tasks.by_hand import OperationProblem, PlanChanged
from sync.tasks.invitations import addresses
from sync.workspace import update_workspace, workspace

NINA = "nina@acme.example"


@pytest.fixture
def nina(chat) -> Person:
    """Someone in the company without an account."""
    return people.add("Nina Vogel", NINA, chat.by)


def invite(chat, *emails: str, role: str = "member"):
    seen = invitations.plan(chat.app, emails, role).seen
    return invitations.invite_all(chat.app, emails, role, chat.by, seen)


def invited(chat, email: str = NINA) -> Invitation:
    """Asked for, taken by the app and mailed."""
    invite(chat, email)
    queue.drain(("task",))
    return Invitation.get(Invitation.email == email)


def join(chat, email: str = NINA) -> None:
    """They follow the app's own link."""
    chat.store.change(next(row["id"] for row in chat.members() if row["email"] == email), via="page", status="active")


def now(invitation: Invitation) -> Invitation:
    return Invitation.get_by_id(invitation.id)


def logged(chat) -> list[tuple[str, str]]:
    return [(entry.what, entry.about) for entry in activity.entries(app=chat.app)]


def mails(kind: str) -> list[Mail]:
    return list(Mail.select().where(Mail.kind == kind).order_by(Mail.id))


# Who


@pytest.mark.parametrize(
    "typed, found",
    [
        ("ana@x.example", ["ana@x.example"]),
        ("Ana Lopez <ana@x.example>, bo@x.example", ["ana@x.example", "bo@x.example"]),
        ("ana@x.example;ANA@X.example\n ana@x.example ", ["ana@x.example"]),
        ("a@x.example b@x.example\r\nc@x.example", ["a@x.example", "b@x.example", "c@x.example"]),
        ("Lopez, Ana <ana@x.example>", ["Lopez", "ana@x.example"]),
        ("an a@x.example, b@x.example", ["an a@x.example", "b@x.example"]),
        (" ,; \n", []),
        ("<>", []),
    ],
)
def test_addresses_are_read_as_people_write_them(typed, found):
    assert addresses(typed) == found


def test_a_plan_says_of_each_whether_they_can_be_invited(chat, nina):
    people.mark_left(chat.people[4], chat.by)
    chat.store.add("waits@x.example", "Waits", "member", via="page", status="invited")
    chat.check()
    plan = invitations.plan(chat.app, [NINA, "p3@acme.example", "p4@acme.example", "nobody", "waits@x.example",
                                      "new@x.example"], "member")  # fmt: skip
    logged = {line.email: (line.state, line.why or line.note) for line in plan.lines}
    assert logged == {
        NINA: ("ready", ""),
        "p3@acme.example": ("already set", "Already has an account"),
        "p4@acme.example": ("refused", "Person 4 has left Acme"),
        "nobody": ("refused", "nobody isn't an e-mail address: it has no @"),
        "waits@x.example": ("under way", "Already invited, in Chat itself"),
        "new@x.example": ("ready", "Nobody in People has this address"),
    }


def test_someone_with_an_account_under_another_address_is_not_invited(chat):
    people.edit(chat.people[3], chat.by, emails=["p3@acme.example", "three@acme.example"])
    [line] = invitations.plan(chat.app, ["three@acme.example"], "member").lines
    assert (line.state, line.why) == ("already set", "Already has an account, as p3@acme.example")


# From the first word until they have joined


def test_someone_is_invited_mailed_joins_and_is_onboarded(chat, nina):
    invite(chat, NINA)
    assert task_progress.of_invitation(Invitation.get()).word == "invitation ongoing" and not mails("invitation")
    queue.drain(("task",))
    invitation = Invitation.get()
    assert invitation.state == "invited" and invitation.expires_at - invitation.mailed_at == timedelta(days=14)
    [mail] = mails("invitation")
    assert (mail.to, mail.subject) == (NINA, "Join Chat")
    for part in (mail.text, mail.html):
        assert "Olga Brandt" in part and "Member" in part and "Nina Vogel" in part
    assert Check.select().where(Check.trigger == "invitation", Check.state == "queued").count() == 1
    chat.check()
    account = Account.get(Account.email == NINA)
    assert (account.status, account.person, now(invitation).account) == ("invited", nina, account)
    assert now(invitation).state == "invited" and task_progress.state_of(account).word == "invitation ongoing"
    join(chat)
    chat.check()
    assert now(invitation).state == "onboarded"
    account = Account.get(Account.email == NINA)
    assert task_progress.state_of(account).onboarded and (account.match_kind, account.person) == ("matched", nina)
    assert ("onboarded", "Nina Vogel") in logged(chat) and ("invited to the app", NINA) in logged(chat)


def test_someone_who_joins_under_another_address_is_matched_to_the_invited_person(chat, nina):
    invitation = invited(chat)
    chat.check()
    with chat.store.writing() as store:
        store.execute("UPDATE member SET email = 'nv@private.example', status = 'active' WHERE email = ?", (NINA,))
    chat.check()
    account = Account.get(Account.email == "nv@private.example")
    assert account.person == nina and now(invitation).state == "onboarded"
    chat.store.change(account.external_id, via="page", last_active="2026-01-01T00:00:00Z")
    chat.check()
    assert Account.get_by_id(account.id).person == nina, "no check undoes it"


def test_someone_who_joined_before_the_first_check_is_onboarded_by_it(chat, nina):
    invitation = invited(chat)
    join(chat)
    chat.check()
    assert now(invitation).state == "onboarded" and Account.get(Account.email == NINA).person == nina


def test_an_unknown_person_is_invited_and_stays_unmatched(chat):
    invitation = invited(chat, "kim@freelance.example")
    join(chat, "kim@freelance.example")
    chat.check()
    assert now(invitation).state == "onboarded"
    assert Account.get(Account.email == "kim@freelance.example").match_kind == "unmatched"


# Once


def test_nobody_is_invited_twice(chat, nina):
    seen = invitations.plan(chat.app, [NINA], "member").seen
    assert len(invitations.invite_all(chat.app, [NINA], "member", chat.by, seen).tasks) == 1
    assert invitations.invite_all(chat.app, [NINA], "member", chat.by, seen).already
    queue.drain()
    assert invitations.invite_all(chat.app, ["NINA@acme.example"], "member", chat.by, seen).already
    assert Task.select().count() == 1 == len(mails("invitation")) and len(chat.calls("POST")) == 1


def test_two_owners_at_once_invite_once(chat, nina):
    seen = invitations.plan(chat.app, [NINA], "member").seen
    ready, outcomes = threading.Barrier(2), []

    def press() -> None:
        with connected():
            ready.wait()
            outcomes.append(invitations.invite_all(chat.app, [NINA], "member", "An Owner", seen).already)

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, True] and Task.select().count() == 1


def test_a_plan_that_has_changed_since_it_was_shown_is_shown_again(chat, nina):
    seen = invitations.plan(chat.app, [NINA, "new@x.example"], "member").seen
    people.mark_left(nina, chat.by)
    with pytest.raises(PlanChanged):
        invitations.invite_all(chat.app, [NINA, "new@x.example"], "member", chat.by, seen)
    assert Invitation.select().count() == 0


# Reminded, expired, cancelled, again


def test_a_reminder_once_after_the_days_that_are_set(chat, nina):
    invitation = invited(chat)
    for day, expected in ((2, 0), (4, 1), (5, 1)):
        invitations.remind_and_expire(invitation.mailed_at + timedelta(days=day))
        assert len(mails("invitation reminder")) == expected, day
    assert "still open" in mails("invitation reminder")[0].subject and now(invitation).reminded_at
    update_workspace(chat.by, invitation_reminder_days=1)
    other = invited(chat, "kim@x.example")
    invitations.remind_and_expire(other.mailed_at + timedelta(days=1, minutes=1))
    assert len(mails("invitation reminder")) == 2


def test_an_unanswered_invitation_expires_and_the_owners_are_notified_once(chat, nina):
    invitation = invited(chat)
    chat.check()
    late = invitation.expires_at + timedelta(minutes=1)
    for _ in range(3):
        invitations.remind_and_expire(late)
    assert now(invitation).state == "expired" and ("invitation expired", "Nina Vogel") in logged(chat)
    [mail] = mails("invitations expired")
    assert mail.to == "olga@acme.example" and NINA in mail.text and "1 invitation to Chat expired" in mail.subject
    assert chat.removed() == [], "nothing is removed without a yes"
    assert task_progress.state_of(Account.get(Account.email == NINA)).word == "invitation failed"
    join(chat)
    chat.check()
    assert now(invitation).state == "onboarded", "who comes late is there all the same"


def test_an_expired_one_is_sent_again(chat, nina):
    invitation = invited(chat)
    invitations.remind_and_expire(invitation.expires_at + timedelta(minutes=1))
    invitations.again(invitation, chat.by)
    invitations.again(invitation, chat.by)
    queue.drain(("task",))
    assert now(invitation).state == "invited" and now(invitation).expires_at > invitation.expires_at
    assert len(mails("invitation")) == 2 and Task.select().count() == 2


def test_the_open_invitation_of_a_leaver_is_cancelled(chat, nina):
    invitation = invited(chat)
    people.mark_left(nina, chat.by)
    invitations.remind_and_expire(utcnow())
    assert now(invitation).state == "cancelled"
    assert invitations.remind_and_expire(utcnow() + timedelta(days=30)) == 0 and not mails("invitation reminder")
    with pytest.raises(OperationProblem, match="has left"):
        invitations.again(invitation, chat.by)


def test_someone_who_left_before_the_call_is_not_invited(chat, nina):
    invite(chat, NINA)
    people.mark_left(nina, chat.by)
    queue.drain(("task",))
    assert (Task.get().state, Task.get().error) == ("no longer needed", "Nina Vogel has left.")
    assert chat.calls("POST") == [] and Invitation.get().state == "cancelled" and not mails("invitation")


def test_nobody_is_invited_by_an_address_that_someone_who_has_left_got_meanwhile(chat):
    invite(chat, NINA)
    people.mark_left(people.add("Nina Vogel", NINA, chat.by), chat.by)
    queue.drain(("task",))
    assert (Task.get().state, Task.get().error) == ("no longer needed", "Nina Vogel has left.")
    assert chat.calls("POST") == [] and Invitation.get().state == "cancelled"


def test_nobody_is_invited_by_an_address_that_is_another_persons_by_then(chat, nina):
    invite(chat, NINA, role="admin")
    people.edit(nina, chat.by, emails=["nina.vogel@acme.example"])
    people.add("Nina Berg", NINA, chat.by)
    queue.drain(("task",))
    assert (Task.get().state, Task.get().error) == (
        "no longer needed", f"{NINA} is no longer an address of Nina Vogel.")  # fmt: skip
    assert chat.calls("POST") == [] and Invitation.get().state == "cancelled"
    with pytest.raises(OperationProblem, match="no longer an address of Nina Vogel: nobody was invited"):
        invitations.again(Invitation.get(), chat.by)


def test_a_cancelled_one_that_was_not_sent_yet_is_never_sent(chat, nina):
    invite(chat, NINA)
    invitations.cancel(Invitation.get(), chat.by)
    queue.drain()
    assert chat.calls("POST") == [] and (Task.get().state, Invitation.get().state) == ("cancelled", "cancelled")
    with pytest.raises(OperationProblem, match="already cancelled"):
        invitations.cancel(Invitation.get(), chat.by)
    assert invitations.plan(chat.app, [NINA], "member").ready, "they can be invited again"


def test_one_that_the_app_refused_fails_says_why_and_continues_by_retry(chat, nina):
    chat.fault("forbidden", on="/invitations", method="POST")
    invite(chat, NINA)
    queue.drain()
    invitation = Invitation.get()
    assert invitation.state == "failed"
    [shown] = invitations.of_app(chat.app)
    assert task_progress.of_invitation(shown).word == "invitation failed" and task_progress.of_invitation(shown).why
    chat.clear()
    tasks.retry(Task.get(), chat.by)
    assert Invitation.get().state == "ongoing"
    queue.drain()
    assert Invitation.get().state == "invited" and len(mails("invitation")) == 1


def test_one_that_failed_is_sent_again_by_a_new_task(chat, nina):
    chat.fault("forbidden", on="/invitations", method="POST")
    invite(chat, NINA)
    queue.drain(("task",))
    chat.clear()
    invitations.again(Invitation.get(), chat.by)
    queue.drain(("task",))
    assert Invitation.get().state == "invited"
    assert sorted(task.state for task in Task.select()) == ["cancelled", "done"]


def test_invitations_of_an_app_that_is_disconnected_end(chat, nina):
    invitation = invited(chat)
    disconnecting.disconnect(chat.app, chat.by)
    invitations.remind_and_expire(utcnow())
    assert now(invitation).state == "cancelled"


def test_an_invitation_made_in_the_app_is_shown_too(chat):
    chat.store.add("waits@x.example", "Waits", "member", via="page", status="invited")
    chat.check()
    assert [account.email for account in invitations.uninvited(chat.app)] == ["waits@x.example"]


def test_a_worker_that_died_after_the_operation_invites_and_mails_once(chat, nina):
    invite(chat, NINA)
    chat.store.add(NINA, "nina", "member", via="api", status="invited")
    Task.update(state="running", lease_owner="gone:1:x", lease_until=utcnow()).execute()
    queue.drain(("task",))
    assert Invitation.get().state == "invited" and len(mails("invitation")) == 1
    assert App.get().users == 11


@pytest.mark.parametrize("name", ["Bcc: all@x.example\nNina", "<script>alert(1)</script>", "\u202eevil"])
def test_a_hostile_name_cannot_steer_the_mail(chat, nina, name):
    apps.rename(chat.app, name, chat.by)
    invited(chat)
    [mail] = mails("invitation")
    assert "\n" not in mail.subject and "\u202e" not in mail.subject + mail.text
    assert "<script>" not in mail.html


def test_an_open_invitation_is_removed_in_the_app_after_approval(chat, nina):
    invitation = invited(chat)
    chat.check()
    account = Account.get(Account.email == NINA)

    def plan():
        return by_hand.plan_removals(chat.app, [account.id])

    by_hand.carry_out(plan, chat.by, plan().seen, reason="Not coming after all")
    queue.drain(("task",))
    assert now(invitation).state == "cancelled" and chat.removed() == [NINA]
    assert chat.check().applied == 0 and invitations.plan(chat.app, [NINA], "member").ready


@pytest.mark.parametrize(("seconds", "state"), [(-1, "invited"), (0, "expired"), (1, "expired")])
def test_an_invitation_expires_at_its_time(chat, nina, seconds, state):
    invitation = invited(chat)
    invitations.remind_and_expire(invitation.expires_at + timedelta(seconds=seconds))
    assert now(invitation).state == state


@pytest.mark.parametrize(("seconds", "reminded"), [(-1, False), (0, True), (1, True)])
def test_a_reminder_is_due_at_its_time(chat, nina, seconds, reminded):
    invitation = invited(chat)
    days = timedelta(days=workspace().invitation_reminder_days)
    invitations.remind_and_expire(invitation.mailed_at + days + timedelta(seconds=seconds))
    assert (now(invitation).reminded_at is not None) is reminded
