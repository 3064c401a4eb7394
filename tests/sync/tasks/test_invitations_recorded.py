"""What an invitation leaves in its row, in its task and in Activity, step by step, and when a step isn't possible."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow, writing
from sync.jobs import queue
from sync.matching import decisions as match_decisions
from sync.models import Account, Activity, Invitation, Person, Task
from sync.people import people
from sync.tasks import invitations
from sync.tasks.by_hand import OperationProblem, PlanChanged
from sync.tasks.invitations import InvitationProblem
from tests.sync.fixtures import email

NINA = "nina@acme.example"


@pytest.fixture
def nina(chat) -> Person:
    return people.add("Nina Vogel", NINA, chat.by)


@pytest.fixture
def invitation(chat, nina) -> Invitation:
    """Asked for; the app hasn't been asked yet."""
    return invitations.invite(chat.app, NINA, "guest", chat.by)


def entry(what: str) -> tuple:
    """(who, about, why, before, after, app, person, report) of the one entry with these words."""
    [row] = Activity.select().where(Activity.what == what)
    return row.who, row.about, row.why, row.before, row.after, row.app_id, row.person_id, row.report_id


def entries(what: str) -> int:
    return Activity.select().where(Activity.what == what).count()


def now(invitation: Invitation) -> Invitation:
    return Invitation.get_by_id(invitation.id)


def edit(invitation: Invitation, **values: object) -> Invitation:
    Invitation.update(**values).where(Invitation.id == invitation.id).execute()
    return now(invitation)


def sent(chat, nina: Person, status: str = "invited") -> Invitation:
    """The app has taken it, and lists an account with this status."""
    row = invitations.invite(chat.app, NINA, "member", chat.by)
    queue.drain(("task",))
    if status != "invited":
        chat.store.change(next(one["id"] for one in chat.members() if one["email"] == NINA), via="page", status=status)
    return now(row)


def look_for(chat) -> int:
    """What a check does."""
    with writing():
        return invitations.look_for(chat.app)


# Asking


def test_invited(chat, nina, invitation):
    invitation = now(invitation)
    assert (invitation.email, invitation.email_key, invitation.person_id, invitation.role) == (
        NINA, NINA, nina.id, "guest")  # fmt: skip
    assert (invitation.app_id, invitation.asked_by, invitation.state) == (chat.app.id, chat.by.name, "ongoing")
    task = invitation.task
    assert (task.kind, task.account, task.asked_by, task.report, task.change) == ("invite", None, chat.by.name, None,
                                                                                 None)  # fmt: skip
    assert task.detail == {"email": NINA, "role": "guest", "person": nina.id}
    assert entry("invited") == (chat.by.name, "Nina Vogel", "", None, "Guest", chat.app.id, nina.id, None)


def test_an_unknown_person_and_role_are_named_as_they_were_typed(chat):
    row = invitations.invite(chat.app, "Kim@Freelance.example", "emperor", chat.by)
    assert (row.email, row.email_key, row.person) == ("Kim@Freelance.example", "kim@freelance.example", None)
    assert entry("invited")[1:] == ("Kim@Freelance.example", "", None, "emperor", chat.app.id, None, None)


def test_a_person_without_a_name_is_called_by_the_address(chat, nina, invitation):
    Person.update(name="").where(Person.id == nina.id).execute()
    invitations.cancel(invitation, chat.by)
    assert entry("cancelled invitation")[1] == NINA
    assert [line.name for line in invitations.plan(chat.app, [NINA], "member").lines] == [NINA]


@pytest.mark.parametrize(("state", "again"), [("ongoing", True), ("invited", True), ("failed", True),
                                              ("expired", False), ("cancelled", False), ("onboarded", False)])
def test_an_open_invitation_of_the_address_is_the_one(chat, second, nina, invitation, state, again):
    edit(invitation, state=state)
    assert (invitations.invite(chat.app, NINA, "member", chat.by) == invitation) is again
    assert entries("invited") == 2 - again and Task.select().count() == 2 - again
    assert invitations.invite(second.app, NINA, "member", chat.by) != invitation


@pytest.mark.parametrize(("emails", "why"), [
    ([], "at least one e-mail address"),
    ([f"n{number}@acme.example" for number in range(501)], "more than 500 addresses")])
def test_none_or_too_many_are_not_planned(chat, emails, why):
    with pytest.raises(OperationProblem, match=why):
        invitations.plan(chat.app, emails, "member")
    assert len(invitations.plan(chat.app, emails[:500] or [NINA], "member").lines) == (len(emails[:500]) or 1)


@pytest.mark.parametrize(("values", "expected"), [
    ({"state": "invited"}, ("under way", "Already invited")),
    ({"state": "ongoing"}, ("under way", "Already being invited")),
    ({"state": "failed"}, ("under way", "Already being invited")),
    ({"state": "expired"}, ("ready", "")),
])  # fmt: skip
def test_a_plan_says_how_far_an_earlier_invitation_is(chat, nina, invitation, values, expected):
    edit(invitation, **values)
    [line] = invitations.plan(chat.app, [NINA], "member").lines
    assert ((line.state, line.why), line.name, line.email) == (expected, "Nina Vogel", NINA)
    assert (line.after, line.role, line.note) == ("Member", "member", "")


@pytest.mark.parametrize(("values", "expected"), [
    ({"status": "invited"}, ("under way", "Already invited, in Chat itself")),
    ({"state": "gone"}, ("ready", "")),
    ({"state": "removing"}, ("already set", "Already has an account")),
    ({"match_kind": "guest", "person": None}, ("already set", "Already has an account")),
    ({"email_key": "other@x.example", "email": "other@x.example"},
     ("already set", "Already has an account, as other@x.example")),
    ({"email_key": "other@x.example", "match_kind": "service account"}, ("ready", "")),
])  # fmt: skip
def test_a_plan_finds_the_persons_account(chat, values, expected):
    Account.update(**values).where(Account.email == email(3)).execute()
    [line] = invitations.plan(chat.app, [email(3)], "member").lines
    assert (line.state, line.why) == expected


def test_nobody_is_invited_where_nobody_can_be_or_something_changed(chat, nina):
    chat.leave(3)
    seen = invitations.plan(chat.app, [email(3)], "member").seen
    with pytest.raises(OperationProblem, match="None of them can be invited"):
        invitations.invite_all(chat.app, [email(3)], "member", chat.by, seen)
    with pytest.raises(PlanChanged, match="Nobody was invited"):
        invitations.invite_all(chat.app, [NINA], "member", chat.by, "another page")
    both = [NINA, email(3)]
    done = invitations.invite_all(chat.app, both, "guest", chat.by, invitations.plan(chat.app, both, "guest").seen)
    assert not done.already and [task.detail["email"] for task in done.tasks] == [NINA]
    assert done.tasks[0].detail["role"] == "guest" and Task.get().asked_by == chat.by.name


# Again


@pytest.mark.parametrize("state", ["invited", "failed", "expired", "cancelled"])
def test_invited_again(chat, nina, invitation, state):
    first = invitation.task
    edit(invitation, state=state, asked_by="Someone Else")
    assert invitations.again(invitation, chat.by) == invitation
    row = now(invitation)
    assert (row.state, row.asked_by) == ("ongoing", chat.by.name) and row.task != first
    assert (row.task.kind, row.task.asked_by) == ("invite", chat.by.name)
    assert Task.get_by_id(first.id).state == ("cancelled" if state == "failed" else "queued")
    assert entry("invited again") == (chat.by.name, "Nina Vogel", "", None, None, chat.app.id, nina.id, None)


def test_one_that_failed_and_whose_task_is_gone_is_sent_again(chat, nina, invitation):
    edit(invitation, state="failed", task=None)
    assert invitations.again(invitation, chat.by).task is not None


@pytest.mark.parametrize(("state", "left", "why"), [
    ("onboarded", False, "Nina Vogel has already joined"), ("invited", True, "Nina Vogel has left: nobody was invited"),
    ("onboarded", True, "Nina Vogel has already joined"), ("ongoing", True, "Nina Vogel has left")])  # fmt: skip
def test_someone_who_has_joined_or_left_is_not_invited_again(chat, nina, invitation, state, left, why):
    edit(invitation, state=state)
    if left:
        people.mark_left(nina, chat.by)
    with pytest.raises(InvitationProblem, match=why):
        invitations.again(invitation, chat.by)
    assert now(invitation).task == invitation.task


@pytest.mark.parametrize("state", ["ongoing", "cancelled", "expired"])
def test_one_that_is_under_way_is_not_sent_twice(chat, nina, invitation, state):
    edit(invitation, state=state)
    other = invitation if state == "ongoing" else invitations.invite(chat.app, NINA, "member", chat.by)
    tasks = Task.select().count()
    assert invitations.again(invitation, chat.by) == other
    assert Task.select().count() == tasks and entries("invited again") == 0 and now(invitation).state == state


# Cancelling


@pytest.mark.parametrize("state", ["ongoing", "invited", "failed", "expired"])
@pytest.mark.parametrize(("task_state", "ends"), [("queued", True), ("needs attention", True), ("done", False)])
def test_cancelled(chat, nina, invitation, state, task_state, ends):
    edit(invitation, state=state)
    other = invitations.invite(chat.app, "kim@x.example", "member", chat.by)
    Task.update(state=task_state).where(Task.id == invitation.task_id).execute()
    invitations.cancel(invitation, chat.by, "Not needed")
    assert now(invitation).state == "cancelled" and now(other).state == "ongoing"
    assert Task.get_by_id(invitation.task_id).state == ("cancelled" if ends else task_state)
    assert entry("cancelled invitation") == (
        chat.by.name, "Nina Vogel", "Not needed", None, None, chat.app.id, nina.id, None)  # fmt: skip


def test_one_whose_task_is_gone_can_be_cancelled(chat, nina, invitation):
    edit(invitation, state="expired", task=None)
    invitations.cancel(invitation, chat.by)
    assert now(invitation).state == "cancelled"


@pytest.mark.parametrize(("state", "task_state", "why"), [
    ("cancelled", "queued", "is already cancelled"), ("onboarded", "done", "is already onboarded"),
    ("ongoing", "running", "is being asked right now")])  # fmt: skip
def test_not_cancelled(chat, nina, invitation, state, task_state, why):
    edit(invitation, state=state)
    Task.update(state=task_state).execute()
    with pytest.raises(InvitationProblem, match=why):
        invitations.cancel(invitation, chat.by)
    assert now(invitation).state == state and entries("cancelled invitation") == 0


# Listed


def test_failed_and_expired_invitations_come_first_then_the_newest(chat):
    states = ("ongoing", "failed", "invited", "expired", "cancelled", "onboarded")
    for number, state in enumerate(states):
        edit(invitations.invite(chat.app, f"n{number}@x.example", "member", chat.by), state=state)
    shown = [(row.email, row.state) for row in invitations.of_app(chat.app)]
    assert shown == [("n3@x.example", "expired"), ("n1@x.example", "failed"), ("n2@x.example", "invited"),
                     ("n0@x.example", "ongoing")]  # fmt: skip
    assert [(row.email, row.state) for row in invitations.of_app(chat.app, 2)] == shown[:2]


def test_the_invitations_of_another_app_are_not_listed(second, invitation):
    assert invitations.of_app(second.app) == []


def test_accounts_that_wait_without_an_invitation_of_ours_the_newest_first(chat, second, nina, invitation):
    Account.update(status="invited").where(Account.email.in_([email(number) for number in (1, 2, 3, 4)])).execute()
    for number in (1, 2, 3):
        Account.update(first_seen=utcnow() + timedelta(days=number)).where(Account.email == email(number)).execute()
    Account.update(state="removing").where(Account.email == email(4)).execute()
    mine = Account.get(Account.app == chat.app, Account.email == email(2))
    edit(invitation, account=mine, state="expired")
    assert [one.email for one in invitations.uninvited(chat.app)] == [email(3), email(1)]
    assert [one.email for one in invitations.uninvited(chat.app, 1)] == [email(3)]
    edit(invitation, state="cancelled")
    assert [one.email for one in invitations.uninvited(chat.app)] == [email(3), email(2), email(1)]
    assert len(invitations.uninvited(second.app)) == 3


def test_lists_end_after_so_many(chat):
    rows = [{"app": chat.app, "email": f"n{number}@x.example", "email_key": f"n{number}@x.example", "state": "expired"}
            for number in range(51)]  # fmt: skip
    Invitation.insert_many(rows).execute()
    seats = [{"app": chat.app, "external_id": f"x{number}", "status": "invited"} for number in range(51)]
    Account.insert_many(seats).execute()
    assert (len(invitations.of_app(chat.app)), len(invitations.uninvited(chat.app))) == (50, 50)


# Joining


def test_onboarded(chat, nina):
    row = sent(chat, nina, "active")
    chat.check()
    account = Account.get(Account.email == NINA)
    assert (now(row).state, now(row).account_id) == ("onboarded", account.id)
    assert entry("onboarded") == (
        "Rollcall", "Nina Vogel", f"invited by {chat.by}", None, "Member", chat.app.id, nina.id, None)  # fmt: skip
    chat.check()
    assert entries("onboarded") == 1


@pytest.mark.parametrize(("state", "ends"), [("queued", True), ("needs attention", True), ("running", False)])
def test_a_task_that_still_waits_ends_once_they_have_joined(chat, nina, state, ends):
    row = sent(chat, nina, "active")
    Task.update(state=state).where(Task.id == row.task_id).execute()
    edit(row, state="failed")
    chat.check()
    assert now(row).state == "onboarded"
    assert Task.get_by_id(row.task_id).state == ("cancelled" if ends else state)
    if ends:
        assert entry("cancelled task")[0] == "Rollcall"


def test_one_whose_task_is_gone_is_onboarded_too(chat, nina):
    row = edit(sent(chat, nina, "active"), task=None)
    chat.check()
    assert now(row).state == "onboarded"


def test_the_number_of_those_who_joined(chat, nina):
    sent(chat, nina)
    chat.check()
    assert look_for(chat) == 0
    Account.update(status="active").where(Account.email == NINA).execute()
    assert look_for(chat) == 1
    assert look_for(chat) == 0


@pytest.mark.parametrize("state", ["removing", "gone"])
def test_an_account_that_is_on_its_way_out_is_not_the_invited_one(chat, nina, state):
    row = sent(chat, nina, "active")
    chat.check()
    edit(row, state="invited", account=None)
    Account.update(state=state).where(Account.email == NINA).execute()
    assert look_for(chat) == 0
    edit(row, account=Account.get(Account.email == NINA))
    assert look_for(chat) == 0 and now(row).state == "invited"


def test_an_account_of_another_app_is_not_the_invited_one(chat, second, nina, invitation):
    Account.update(email_key=NINA).where(Account.app == second.app, Account.email == email(3)).execute()
    assert look_for(chat) == 0 and now(invitation).account is None


@pytest.mark.parametrize(("values", "matched"), [
    ({}, True), ({"match_by_hand": True}, False), ({"match_kind": "guest", "match_by_hand": True}, False)])
def test_an_account_is_matched_to_the_invited_person_unless_someone_decided(chat, nina, values, matched):
    row = sent(chat, nina)
    chat.store.change(next(one["id"] for one in chat.members() if one["email"] == NINA), via="page")
    chat.check()
    account = Account.get(Account.email == NINA)
    match_decisions.leave_to_rules(account, chat.by)
    Account.update({"person": None, "match_kind": "unmatched", "match_by_hand": False, "email_when_matched": None,
                    **values}).where(Account.id == account.id).execute()  # fmt: skip
    edit(row, state="invited")
    look_for(chat)
    account = Account.get_by_id(account.id)
    assert (account.person == nina) is matched
    if matched:
        assert (account.match_kind, account.match_by_hand, account.email_when_matched) == ("matched", True, NINA)
        assert entry("matched account") == (
            "Rollcall", "nina", f"was invited as {NINA}", None, "Nina Vogel", chat.app.id, nina.id, None)  # fmt: skip


@pytest.mark.parametrize("person", [None, 5])
def test_an_account_that_is_someone_elses_keeps_its_person(chat, nina, invitation, person):
    account = Account.get(Account.email == email(5))
    edit(invitation, account=account, state="invited", person=nina if person else None)
    look_for(chat)
    assert Account.get_by_id(account.id).person == chat.people[5] and entries("matched account") == 0
    assert now(invitation).state == "onboarded"
