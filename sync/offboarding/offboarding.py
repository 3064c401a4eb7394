"""Someone leaves every app at once, by one approval: now, or on the chosen day. There is no second way: each app's
accounts go through its open report and reports.finish, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime

from peewee import ModelSelect

from sync import activity, names, rank, roles
from sync.db import utcnow, writing
from sync.jobs import asking, queue
from sync.mail import news
from sync.models import Account, App, Change, Offboarding, Person, Report
from sync.offboarding.preview import decidable
from sync.people import holds, people
from sync.problems import Problem
from sync.rank import Asker
from sync.reports import reports
from sync.reports.held import hold_what_is_too_many
from sync.reports.reports import CONFIRM, CONFIRMED, HELD, IGNORED, LEFT_OUT
from sync.safety import protection, sole_managers
from sync.safety.sole_managers import Choices
from sync.safety.successors import SuccessorProblem
from sync.states import (
    AccountState,
    ChangeDecision,
    ChangeKind,
    OffboardingState,
    PersonStatus,
)
from sync.tasks import succession
from sync.words import plural, reason_given
from sync.workspace import today

log = logging.getLogger("rollcall.offboarding")


class OffboardingProblem(Problem):
    """It isn't possible. Nothing was changed. The text is for the page."""


@dataclass(frozen=True)
class Start:
    """`already` is True if this page's approval was processed before: nothing is done twice."""

    offboarding: Offboarding
    already: bool = False


@dataclass(frozen=True)
class Decided:
    """What the approval says of accounts: those left out, each with its reason, what becomes of assets that they alone
    manage, and those that wait in their app's report, since nothing was chosen about that."""

    left_out: dict[int, str]
    hand_overs: Choices
    waits: Collection[int] = ()

    def for_accounts(self, accounts: list[Account]) -> Decided:
        """By what they manage now."""
        alone = sole_managers.sole_assets([account.id for account in accounts if account.id not in self.left_out])
        return replace(self, waits=set(sole_managers.unanswered(alone, self.hand_overs)))


def start(person: Person, asker: Person, seen: set[int], left_out: dict[int, str], *, locked: Iterable[int] = (),
          key: str | None = None, on: date | None = None, reason: str = "",
          hand_overs: Choices | None = None, undecided: Collection[int] = ()) -> Start:  # fmt: skip
    """Approve all accounts on the page (`seen`: account ids) except those left out, each with its reason.

    `locked` are further ones that the page showed as protected: no approval covers them. `on` is the day to do it,
    None for now; `key` is the page's: sent twice it is one. `hand_overs`: what becomes of assets that nobody else
    manages; accounts `undecided` about that wait in their app's report. Only the apps that `asker` owns are touched.
    Raises NeedsSuccessor, SuccessorProblem, OffboardingProblem, PeopleProblem, KeepingProblem or NotAllowed, and
    changes nothing then.
    """
    by, reason = Asker.person(asker), reason_given(reason)
    left_out = {id: reason_given(why) for id, why in left_out.items()}
    rank.require_over(by, person)
    key = key and f"{person.id} {key}"
    with writing():
        if key and (before := Offboarding.get_or_none(Offboarding.key == key)):
            return Start(before, already=True)
        person = Person.get_by_id(person.id)
        mine = [account for account in decidable(person, asker)[0] if account.state == AccountState.PRESENT]
        _refuse(person, mine, seen, set(locked), left_out)
        decided = Decided(left_out, {pair: one for pair, one in (hand_overs or {}).items() if pair[0] not in undecided})
        going = [account.id for account in mine if account.id in seen and account.id not in left_out]
        succession.refuse_unanswered(set(going) - set(undecided), decided.hand_overs)
        if planned := holds.scheduled(person):
            holds.give_up(planned, by, "Another offboarding replaces it")
        offboarding = Offboarding.create(
            person=person, state=OffboardingState.SCHEDULED if on else OffboardingState.APPLIED, remove_on=on, key=key,
            reason=reason, asked_by=by.name, asker=asker, decided_at=None if on else utcnow(),
        )  # fmt: skip
        if on:
            _plan(offboarding, [account for account in mine if account.id in seen], decided)
        else:
            _carry_out(offboarding, mine, decided, by)
        return Start(offboarding)


def _refuse(person: Person, mine: list[Account], seen: set[int], locked: set[int], left_out: dict[int, str]) -> None:
    """Refuse unless everything is as the page showed it: an approval covers nothing else."""
    if person.legal_hold_reason is not None:
        why = person.legal_hold_reason
        raise OffboardingProblem(f"On legal hold: {why}. Nothing was changed: lift the hold first.")
    if {account.id for account in mine} - seen - locked:
        raise OffboardingProblem("Another account was found while you looked at this. Nothing was changed. Look again.")
    if any(account.id in locked and protection.of(account, *protection.OF_THE_ACCOUNT) is None for account in mine):
        raise OffboardingProblem("An account is no longer protected. Nothing was changed. Look again.")
    for account in mine:
        if not left_out.get(account.id, "left out"):
            raise OffboardingProblem(f"Enter why the account in {account.app.name} is left out. Nothing was changed.")


def _plan(offboarding: Offboarding, accounts: list[Account], decided: Decided) -> None:
    """Store what the approval covers; on its day, it goes into the reports."""
    left_out = decided.left_out
    holds.schedule(offboarding, offboarding.asked_by)
    for account in accounts:
        change = Change.create(
            app=account.app, kind=ChangeKind.REMOVED_USER, account=account,
            decision=ChangeDecision.LEFT_OUT if account.id in left_out else ChangeDecision.SCHEDULED,
            before=_role(account), reason=left_out.get(account.id, ""), offboarding=offboarding,
            person=offboarding.person, decided_by=offboarding.asked_by, decided_at=utcnow(),
        )  # fmt: skip
        succession.plan(change, decided.hand_overs, offboarding.asked_by)
    activity.record(offboarding.asked_by, "planned offboarding", about=names.signature(offboarding.person),
                    why=offboarding.reason, after=str(offboarding.remove_on), person=offboarding.person)


@queue.each_minute
def end_keep_until_dates(now: datetime) -> None:
    """Drop dates that have come, of people without a planned offboarding: their apps are
    checked, which asks the Owners."""
    if _due_to_end().exists():
        with writing():
            _end_due_days()


def _due_to_end() -> ModelSelect:
    planned = Offboarding.select(Offboarding.person).where(Offboarding.state == OffboardingState.SCHEDULED)
    return Person.select().where(Person.remove_on <= today(), Person.id.not_in(planned)).order_by(Person.id)


def _end_due_days() -> None:
    """Of those who are still due: inside the transaction, as someone may just have chosen a later day."""
    due = list(_due_to_end())
    for person in due:
        holds.end_day(person, "schedule", "The day has come")
    left = [person.id for person in due if person.status == PersonStatus.DEPROVISIONED]
    asking.check_apps_of(left, "schedule")


@queue.each_minute
def carry_out_due(now: datetime) -> None:
    """Carry out each planned offboarding whose day has come. While the person is on legal hold, it waits. If the person
    who planned it could not plan it now, it waits until someone who can approves it."""
    due = Offboarding.select().where(Offboarding.state == OffboardingState.SCHEDULED, Offboarding.remove_on <= today())
    for offboarding in list(due.order_by(Offboarding.id)):
        try:
            with writing():
                _carry_out_planned(offboarding.id)
        except Exception:  # one that fails must not keep the others from their day
            log.exception("offboarding %s", offboarding.id)


def _carry_out_planned(offboarding_id: int) -> None:
    offboarding = Offboarding.get_by_id(offboarding_id)
    person = Person.get_by_id(offboarding.person_id)
    if offboarding.state != OffboardingState.SCHEDULED or offboarding.remove_on > today():
        return
    if person.legal_hold_reason is not None:
        return
    if planned_by := holds.lapsed().get(offboarding.id):
        _ask_instead(offboarding, person, planned_by)
        return
    if offboarding.asker_id and rank.is_above(person, offboarding.asker):
        role = rank.in_words(person.workspace_role)
        holds.give_up(offboarding, "schedule", f"They are {role} now, which ranks above the person who planned it")
        return
    covered = list(Change.select().where(Change.offboarding == offboarding))
    accounts = Account.select(Account, App).join(App).where(
        Account.id.in_([change.account_id for change in covered]), Account.person == person,
        Account.is_matched, Account.is_present, App.is_connected,
    ).order_by(App.name, Account.id)  # fmt: skip
    try:
        with writing():
            Offboarding.update(state=OffboardingState.APPLIED, decided_at=utcnow()).where(
                Offboarding.id == offboarding.id
            ).execute()
            decided = Decided(left_out_of(covered), succession.take_planned(covered))
            _carry_out(offboarding, list(accounts), decided, Asker.rollcall(offboarding.asked_by))
            Change.update(decision=IGNORED, reason="No longer theirs").where(
                Change.offboarding == offboarding, Change.report.is_null(), Change.decision == ChangeDecision.SCHEDULED
            ).execute()
    except people.PeopleProblem as problem:
        holds.give_up(offboarding, "schedule", str(problem))


def left_out_of(changes: Iterable[Change]) -> dict[int, str]:
    """The reasons of those that an offboarding leaves out, by account id."""
    return {change.account_id: change.reason for change in changes if change.decision == LEFT_OUT}


def _ask_instead(offboarding: Offboarding, person: Person, planned_by: str) -> None:
    """The person who planned it approves nothing now. The accounts of someone who has left are reported to the Owners
    of their apps; for someone who is still here, the plan waits until someone approves it again or cancels it."""
    if person.status == PersonStatus.DEPROVISIONED:
        holds.give_up(offboarding, "schedule", f"It was planned by {planned_by}: Owners are asked in their reports")
        asking.check_apps_of([person.id], "schedule")


def _carry_out(offboarding: Offboarding, accounts: list[Account], decided: Decided, by: Asker) -> None:
    person = Person.get_by_id(offboarding.person_id)
    if person.status != PersonStatus.DEPROVISIONED:
        people.mark_left(person, by, offboarding.reason)
    holds.end_day(person, by, "Offboarded")
    person = Person.get_by_id(person.id)
    decided = decided.for_accounts(accounts)
    for app_id in dict.fromkeys(account.app_id for account in accounts):
        of_app = [account for account in accounts if account.app_id == app_id]
        _finish_in(of_app[0].app, of_app, person, decided, offboarding, by)
    leaves = sum(account.id not in decided.left_out and account.id not in decided.waits for account in accounts)
    activity.record(by, "offboarded person", about=names.signature(person), why=offboarding.reason, person=person,
                    after=f"{leaves} of {plural(len(accounts), 'account')} in "
                          f"{plural(len({account.app_id for account in accounts}), 'app')}")


def _finish_in(app: App, accounts: list[Account], person: Person, decided: Decided, offboarding: Offboarding,
               by: str) -> None:  # fmt: skip
    """Add the accounts to the app's open report and approve them there, under its guard and protections.

    An account by which an asset would lose its last manager waits there where nothing was chosen about that.
    """
    report, left_out = reports.open_report(app) or Report.create(app=app), decided.left_out
    for account in accounts:
        if account.left_out_reason and account.id not in left_out:
            reports.undo_leaving_out(account, by)
    ours = [(account, _question(report, account, person, offboarding)) for account in accounts]
    Change.update(report=None, decision=IGNORED, reason="Offboarded").where(
        Change.report == report, Change.account.in_(accounts), Change.in_app, Change.kind != ChangeKind.REMOVED_USER,
        Change.decision.in_((CONFIRM, HELD, LEFT_OUT)),
    ).execute()
    for account, change in ours:
        if account.id in left_out:
            reports.leave_out(change, left_out[account.id], by)
    report = Report.get_by_id(report.id)
    hold_what_is_too_many(report)
    report.version += 1
    reports.count(report)
    waiting = _ids(report, None)
    ready = _ids(report, [change.id for account, change in ours if account.id not in decided.waits])
    if ready or not waiting:
        # Ours are protected and a guard holds the others: the next check reports them. A successor may be gone by then.
        with suppress(reports.ReportHeld, *((SuccessorProblem,) if offboarding.remove_on else ())):
            reports.finish(report, by, only=ready, hand_overs=decided.hand_overs)
    if reports.open_report(app):
        news.report_ready(report)


def _ids(report: Report, among: Iterable[int] | None) -> set[int]:
    """What waits in the report: what can be confirmed `among` these, or all that a person must decide."""
    wanted = Change.decision.in_((CONFIRM, HELD)) if among is None else (
        (Change.decision == CONFIRM) & Change.id.in_(list(among)))
    return {change.id for change in Change.select().where(Change.report == report, wanted)}


def _question(report: Report, account: Account, person: Person, offboarding: Offboarding) -> Change:
    """The report's change for this account, waiting for approval."""
    same = (Change.kind == ChangeKind.REMOVED_USER) & Change.in_app & (Change.account == account)
    known = Change.get_or_none(same, Change.report == report, Change.decision.not_in((ChangeDecision.APPLIED,)))
    if known is not None and known.decision == CONFIRMED:  # that yes is spent: the account stayed after all
        Change.update(report=None).where(Change.id == known.id).execute()
        known = None
    apart = Change.select().where(same, Change.offboarding == offboarding, Change.report.is_null())
    planned = apart.order_by(Change.id).first()
    now = utcnow()
    values = {
        "decision": HELD if known is not None and known.decision == HELD else CONFIRM,
        "protection": None, "protection_reason": None,
        "offboarding": offboarding, "person": person, "decided_by": None, "decided_at": None, "report": report,
        "reason": person.status_reason or "Left", "before": _role(account),
        "created_at": known.created_at if known is not None and known.decision in (CONFIRM, HELD) else now,
    }  # fmt: skip
    if known is not None and planned is not None:
        planned.delete_instance()
    change = known or planned
    if change is None:
        return Change.create(app=account.app, kind=ChangeKind.REMOVED_USER, account=account, **values)
    Change.update(values).where(Change.id == change.id).execute()
    return Change.get_by_id(change.id)


def _role(account: Account) -> str:
    return roles.of(account.app_id).words(account.roles)
