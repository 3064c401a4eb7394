"""Invitations, until someone has joined: asked for, taken by the app, mailed, reminded of, expired or cancelled.
An account that appears in a check is connected to whom it was meant for, and counts as onboarded once it is active."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from peewee import JOIN, SQL, ModelSelect

from connectors.names import AddressProblem, clean_email, email_key, spelling_and_key
from sync import activity, roles
from sync.db import writing
from sync.jobs import queue
from sync.mail import invitations as invitation_mail
from sync.matching.addresses import is_of
from sync.models import Account, App, Change, Invitation, Person, PersonEmail, Report, Role, Task
from sync.names import account_name
from sync.people import people
from sync.prepared import prepared
from sync.states import (
    LIVE_INVITATIONS,
    AccountMatch,
    AccountState,
    AccountStatus,
    AppState,
    InvitationState,
    PersonStatus,
    TaskKind,
    TaskState,
)
from sync.tasks import still_to_remove, tasks
from sync.tasks.by_hand import (
    Done,
    Line,
    LineState,
    OperationProblem,
    Plan,
    PlanChanged,
    role_named,
)
from sync.workspace import workspace

SHOWN = (*LIVE_INVITATIONS, InvitationState.EXPIRED)
MOST = 500  # addresses at once
LOOKED_AT = 5_000  # addresses of a text
ON_INDEX = SQL("t1.status = 'invited' AND +t1.state = 'present'")  # in the words of the partial index
WHO = "Rollcall"


class InvitationProblem(OperationProblem):
    """The invitation can't be changed like this. Nothing was changed. The text is for the page."""


def addresses(text: str) -> list[str]:
    """What was typed or pasted, each address once: "Ana Lopez <ana@acme.example>, bo@acme.example". Only the first
    LOOKED_AT of them.

    Spaces separate addresses, or it is one piece: "an a@acme.example" is a mistake, not a@acme.example.
    """
    found: dict[str, str] = {}
    for piece in re.split(r"[,;\n\r\t]+", text):
        inner = re.search(r"<([^<>]*)>", piece)
        words = piece.split()
        for word in [inner.group(1)] if inner else words if all("@" in word for word in words) else [piece]:
            address, key = spelling_and_key(word)
            found.setdefault(key or address, address)
        if len(found) > LOOKED_AT:
            break
    return [word for word in found.values() if word]


def plan(app: App, emails: Iterable[str], role: str) -> Plan:
    """Invite these people with this role."""
    emails, wanted = list(emails), role_named(app, role)
    if not emails:
        raise OperationProblem("Enter at least one e-mail address.")
    if len(emails) > MOST:
        raise OperationProblem(f"These are more than {MOST} addresses. Invite them in smaller groups.")
    lines, found = [], [(email, people.find_by_email(email)) for email in emails]
    doubts = still_to_remove.may_have_left(person.id for _, person in found if person)
    for email, person in found:
        state, why = _state_of(app, email, email_key(email), person)
        note = doubts.get(person.id, "") if person else "Nobody in People has this address"
        lines.append(Line(name=person.name if person and person.name else email, email=email, after=wanted.label,
                          role=role, state=state, why=why, note=note if state == LineState.READY else ""))  # fmt: skip
    return Plan(app, TaskKind.INVITE, lines)


def _state_of(app: App, email: str, normal: str, person: Person | None) -> tuple[str, str]:
    try:
        clean_email(email)
    except AddressProblem as problem:
        return LineState.REFUSED, str(problem).removesuffix(".")
    if person is not None and person.status == PersonStatus.DEPROVISIONED:
        return LineState.REFUSED, f"{person.name or email} has left {workspace().name}"
    if open_one := _open(app, normal):
        invited = open_one.state == InvitationState.INVITED
        return LineState.UNDER_WAY, "Already invited" if invited else "Already being invited"
    mine = Account.email_key == normal
    if person is not None:
        mine |= (Account.person == person) & Account.is_matched
    here = (Account.app == app) & (Account.state != AccountState.GONE)
    known = Account.select().where(here, mine).order_by(Account.id).first()
    if known is not None and known.status == AccountStatus.INVITED:
        return LineState.UNDER_WAY, f"Already invited, in {app.name} itself"
    if known is not None:
        other_address = f", as {known.email}" if known.email_key != normal else ""
        return LineState.ALREADY_SET, f"Already has an account{other_address}"
    return LineState.READY, ""


def _open(app: App, normal: str) -> Invitation | None:
    return Invitation.get_or_none(
        Invitation.app == app, Invitation.email_key == normal, Invitation.is_live
    )


def invite_all(app: App, emails: Iterable[str], role: str, by: str, seen: str) -> Done:
    """Approve the plan that was `seen`. If this raises PlanChanged or OperationProblem, nobody is invited."""
    with writing():
        again = plan(app, emails, role)
        if not again.ready and any(line.state in (LineState.UNDER_WAY, LineState.ALREADY_SET) for line in again.lines):
            return Done([], already=True)
        if again.seen != seen:
            raise PlanChanged("Something has changed since this was shown. Nobody was invited: look at it again.")
        if not again.ready:
            raise OperationProblem("None of them can be invited. Nothing was changed.")
        return Done([invite(app, line.email, role, by).task for line in again.ready])


def invite(app: App, email: str, role: str, by: str, *, report: Report | None = None,
           change: Change | None = None) -> Invitation:  # fmt: skip
    """Ask the app to invite someone: the invitation and its task, in one transaction.

    If this address has an open invitation, that one is returned and its task continues.
    """
    with writing():
        (email, normal), person = spelling_and_key(email), people.find_by_email(email)
        if known := _open(app, normal):
            return known
        invitation = Invitation.create(app=app, email=email, email_key=normal, person=person, role=role, asked_by=by)
        invitation.task = _send(invitation, by, report, change)
        invitation.save(only=[Invitation.task])
        activity.record(by, "invited", about=_name(invitation), after=_label(app, role), app=app, person=person,
                        report=report)
        return invitation


def _send(invitation: Invitation, by: str, report: Report | None = None, change: Change | None = None) -> Task:
    task = tasks.add(invitation.app, TaskKind.INVITE, None, by, report=report, change=change, email=invitation.email,
                     role=invitation.role, person=invitation.person_id)  # fmt: skip
    tasks.wake(task.id)
    return task


def _label(app: App, role: str) -> str:
    known = Role.get_or_none(Role.app == app, Role.external_id == role)
    return known.label if known else role


def _name(invitation: Invitation) -> str:
    return invitation.person.name if invitation.person and invitation.person.name else invitation.email


def again(invitation: Invitation, by: str) -> Invitation:
    """Invite once more, with another e-mail. Raises InvitationProblem for someone who joined or left."""
    with writing():
        invitation = Invitation.get_by_id(invitation.id)
        if invitation.state == InvitationState.ONBOARDED:
            raise InvitationProblem(f"{_name(invitation)} has already joined.")
        if invitation.person is not None and invitation.person.status == PersonStatus.DEPROVISIONED:
            raise InvitationProblem(f"{_name(invitation)} has left: nobody was invited.")
        if invitation.person is not None and not is_of(invitation.person_id, invitation.email):
            raise InvitationProblem(f"{invitation.email} is no longer an address of {_name(invitation)}: nobody was "
                                    "invited. Cancel this invitation and invite them by another address.")
        if invitation.state == InvitationState.ONGOING:
            return invitation
        if invitation.state not in LIVE_INVITATIONS and (known := _open(invitation.app, invitation.email_key)):
            return known
        if invitation.state == InvitationState.FAILED and invitation.task is not None:
            tasks.cancel(invitation.task, by)
        invitation.state, invitation.asked_by, invitation.task = InvitationState.ONGOING, by, _send(invitation, by)
        invitation.save()
        activity.record(by, "invited again", about=_name(invitation), app=invitation.app_id,
                        person=invitation.person_id)  # fmt: skip
        return invitation


def cancel(invitation: Invitation, by: str, why: str = "") -> None:
    """Cancel it. An account that the app already has for it is removed like any other.

    Raises InvitationProblem while the app is being asked, and for one that has ended.
    """
    with writing():
        invitation = Invitation.get_by_id(invitation.id)
        if invitation.state not in SHOWN:
            raise InvitationProblem(f"This invitation is already {invitation.state}. Nothing was changed.")
        task = invitation.task
        if task is not None and task.state == TaskState.RUNNING:
            raise InvitationProblem("The app is being asked right now. Try again in a moment.")
        Invitation.update(state=InvitationState.CANCELLED).where(Invitation.id == invitation.id).execute()
        if task is not None and task.state in (TaskState.QUEUED, TaskState.NEEDS_ATTENTION):
            tasks.cancel(task, by)
        activity.record(by, "cancelled invitation", about=_name(invitation), why=why, app=invitation.app_id,
                        person=invitation.person_id)  # fmt: skip


@prepared
def of_app(app: App, most: int = 50) -> ModelSelect:
    """The open ones, and those that expired and were not settled: what failed or expired first, then the newest. At
    most so many."""
    return (
        Invitation.select(Invitation, Person, Task, Account)
        .join_from(Invitation, Person, JOIN.LEFT_OUTER).join_from(Invitation, Task, JOIN.LEFT_OUTER)
        .join_from(Invitation, Account, JOIN.LEFT_OUTER)
        .where(Invitation.app == app, Invitation.state.in_(SHOWN))
        .order_by(Invitation.state.in_((InvitationState.FAILED, InvitationState.EXPIRED)).desc(), Invitation.id.desc())
        .limit(most)
    )  # fmt: skip


@prepared
def uninvited(app: App, most: int = 50) -> ModelSelect:
    """Accounts that wait to be joined although nobody invited them with Rollcall, at most so many."""
    ours = Invitation.select(Invitation.account).where(Invitation.app == app, Invitation.state.in_(SHOWN),
                                                       Invitation.account.is_null(False))  # fmt: skip
    return (
        Account.select(Account, Person).left_outer_join(Person)
        .where(Account.app == app, ON_INDEX, Account.id.not_in(ours))
        .order_by(Account.first_seen.desc()).limit(most)
    )  # fmt: skip


def look_for(app: App) -> int:
    """Find invited people in the app, as the calling check has read it. Returns how many are onboarded now.

    Inside the check's transaction.
    """
    onboarded = 0
    for invitation in _shown(app):
        account = _account_of(invitation)
        if account is None:
            continue
        if invitation.account_id != account.id:
            Invitation.update(account=account).where(Invitation.id == invitation.id).execute()
        _connect(invitation, account)
        if account.status == AccountStatus.ACTIVE:
            onboarded += _onboard(invitation, account)
    return onboarded


@prepared
def _shown(app: App) -> ModelSelect:
    return Invitation.select().where(Invitation.app == app, Invitation.state.in_(SHOWN)).order_by(Invitation.id)


def _account_of(invitation: Invitation) -> Account | None:
    """By its id, once it is known; else by its address."""
    here = (Account.app == invitation.app_id) & Account.is_present
    if invitation.account_id is not None:
        return Account.get_or_none(here, Account.id == invitation.account_id)
    return Account.select().where(here, Account.email_key == invitation.email_key).order_by(Account.id).first()


def _connect(invitation: Invitation, account: Account) -> None:
    """Match the account to the invited person, unless someone decided otherwise or the address is another person's."""
    person = invitation.person
    if person is None or account.person_id == person.id or account.match_by_hand or account.person_id is not None:
        return
    by_hand = {
        "match_kind": AccountMatch.MATCHED,
        "person": person,
        "match_by_hand": True,
        "email_when_matched": account.email_key,
    }
    Account.update(by_hand).where(Account.id == account.id).execute()
    activity.record(WHO, "matched account", about=account_name(account), after=person.name,
                    why=f"was invited as {invitation.email}", app=invitation.app_id, person=person)  # fmt: skip


def _onboard(invitation: Invitation, account: Account) -> bool:
    became = Invitation.update(state=InvitationState.ONBOARDED).where(
        Invitation.id == invitation.id, Invitation.state.in_(SHOWN))  # fmt: skip
    if not became.execute():
        return False
    if invitation.task is not None and invitation.task.state in (TaskState.QUEUED, TaskState.NEEDS_ATTENTION):
        tasks.cancel(invitation.task, WHO)
    activity.record(WHO, "onboarded", about=_name(invitation), why=f"invited by {invitation.asked_by}",
                    after=roles.of(invitation.app_id).words(account.roles), app=invitation.app_id,
                    person=invitation.person_id)  # fmt: skip
    return True


@queue.each_minute
def remind_and_expire(now: datetime) -> int:
    """Send reminders, and close invitations that expired or can't be accepted any longer; returns how many."""
    touched, expired = 0, {}
    with writing():
        for invitation in list(Invitation.select(Invitation, App, Person).join(App).switch(Invitation)
                               .left_outer_join(Person).where(Invitation.is_live).order_by(Invitation.id)):  # fmt: skip
            touched += _move_on(invitation, now)
            if Invitation.get_by_id(invitation.id).state == InvitationState.EXPIRED:
                expired.setdefault(invitation.app, []).append(invitation)
        for app, invitations in expired.items():
            invitation_mail.expired(app, invitations)
    return touched


def _move_on(invitation: Invitation, now: datetime) -> bool:
    person, app = invitation.person, invitation.app
    if person is None:
        person = Person.select().join(PersonEmail).where(PersonEmail.email_key == invitation.email_key).first()
    left = person is not None and person.status == PersonStatus.DEPROVISIONED
    if left or app.is_disconnected:
        if invitation.task is not None and invitation.task.state == TaskState.RUNNING:
            return False
        cancel(invitation, WHO, f"{person.name or invitation.email} has left" if left else "The app is disconnected")
        return True
    if invitation.state != InvitationState.INVITED or app.state != AppState.ACTIVE:
        return False
    if invitation.expires_at is not None and invitation.expires_at <= now:
        Invitation.update(state=InvitationState.EXPIRED).where(Invitation.id == invitation.id).execute()
        activity.record(WHO, "invitation expired", about=_name(invitation), app=app, person=invitation.person_id,
                        why="It may still be open in the app: cancel it there, or invite again")  # fmt: skip
        return True
    reminder = invitation.mailed_at + timedelta(days=workspace().invitation_reminder_days)
    if invitation.reminded_at is None and reminder <= now:
        Invitation.update(reminded_at=now).where(Invitation.id == invitation.id).execute()
        invitation_mail.remind(invitation)
        activity.record(WHO, "reminded of invitation", about=_name(invitation), app=app, person=invitation.person_id)
        return True
    return False
