"""What keeps someone's accounts for now: a keep-until date and a legal hold.
sync/safety respects both. Someone who comes back loses the date, and an offboarding planned for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sync import activity, rank
from sync.apps import owners, standing_approvals
from sync.db import db, utcnow, writing
from sync.jobs import comparing
from sync.jobs.clock import DAY_SET, GRACE_BEGAN
from sync.models import Change, Offboarding, Person
from sync.names import person_name, short_name
from sync.once import once
from sync.problems import Problem
from sync.rank import Asker
from sync.states import CONNECTED, ChangeDecision, OffboardingState, PersonStatus, texts
from sync.unchanged import while_unchanged
from sync.words import plural, reason_given
from sync.workspace import day_in_words, to_local, today, workspace

FARTHEST = timedelta(days=3660)


class KeepingProblem(Problem):
    """It isn't possible. Nothing was changed. The text is for the page."""


def hold(person: Person, reason: str, by: Asker) -> None:
    """Set a legal hold: nobody can remove any of the person's accounts until it is lifted. Raises KeepingProblem
    without a reason."""
    rank.require_over(by, person)
    reason = reason_given(reason)
    if not reason:
        raise KeepingProblem("Enter a reason: it is shown with each of their accounts.")
    with writing():
        before = Person.get_by_id(person.id).legal_hold_reason
        if before == reason:
            return
        Person.update(legal_hold_reason=reason).where(Person.id == person.id).execute()
        comparing.apps_of([person.id])
        activity.record(by, "set legal hold", about=person_name(person), why=reason, before=before, after=reason,
                        person=person)
    person.legal_hold_reason = reason


def lift(person: Person, by: Asker) -> None:
    """Lift the legal hold: the accounts are reported again, and an offboarding whose date has passed is carried out."""
    rank.require_over(by, person)
    with writing():
        before = Person.get_by_id(person.id).legal_hold_reason
        if before is None:
            return
        Person.update(legal_hold_reason=None).where(Person.id == person.id).execute()
        comparing.apps_of([person.id])
        activity.record(by, "lifted legal hold", about=person_name(person), before=before, person=person)
    person.legal_hold_reason = None


def people_who_may_lift(person: Person) -> list[Person]:
    """Those who are here and whose rank allows it, the highest rank first, then by name."""
    ranks = rank.MANAGERS[: rank.rank_of(person.workspace_role) + 1]
    found = Person.select().where(Person.workspace_role.in_(ranks), Person.status == PersonStatus.ACTIVE)
    return sorted(found, key=lambda one: (rank.rank_of(one.workspace_role), person_name(one).casefold()))


def how_long(person: Person) -> str | None:
    """Until when the person's accounts are kept after they have left, in words; None if nothing keeps them."""
    if person.legal_hold_reason is not None:
        return "until the legal hold is lifted"
    if person.remove_on is not None and person.remove_on > today():
        return f"until {day_in_words(person.remove_on)}"
    return None


def keep_until(person: Person, day: date | None, by: Asker) -> None:
    """Keep their accounts until this day after they have left; None: don't. Raises KeepingProblem."""
    rank.require_over(by, person)
    _refuse_impossible(day)
    with writing():
        planned = scheduled(person)
        if planned and day is None:
            raise KeepingProblem("An offboarding is planned for that day: cancel it, or choose another day.")
        if planned:
            Offboarding.update(remove_on=day).where(Offboarding.id == planned.id).execute()
        _set(person, day, by)


def _refuse_impossible(day: date | None) -> None:
    if day is None:
        return
    if day <= today():
        raise KeepingProblem("Choose a future date. To remove accounts now, leave the date empty.")
    if day > today() + FARTHEST:
        raise KeepingProblem("That day is more than ten years away.")


def _set(person: Person, day: date | None, by: str, why: str = "", what: str = DAY_SET) -> None:
    before = Person.get_by_id(person.id).remove_on
    if before != day:
        Person.update(remove_on=day).where(Person.id == person.id).execute()
        comparing.apps_of([person.id])
        activity.record(by, what if day else "cleared remove-on date", about=person_name(person),
                        why=why, before=before and str(before), after=day and str(day), person=person)
    person.remove_on = day


def scheduled(person: Person) -> Offboarding | None:
    """The offboarding that is planned for a later day."""
    return Offboarding.get_or_none(Offboarding.person == person, Offboarding.state == OffboardingState.SCHEDULED)


@once
@while_unchanged
def lapsed() -> dict[int, str]:
    """The planned offboardings whose planner could not plan them now, by id. Each has the planner and the reason, such
    as "Ana Lima, who has left"."""
    rows = db.execute_sql(f"""
        SELECT o.id, o.asked_by, p.status, p.workspace_role, (
            SELECT min(app.name) FROM change c JOIN app ON app.id = c.app_id
            WHERE c.offboarding_id = o.id AND app.state IN ({texts(CONNECTED)}) AND {owners.is_no_owner("p.id")})
        FROM offboarding o LEFT JOIN person p ON p.id = o.asker_id
        WHERE o.state = '{OffboardingState.SCHEDULED}' ORDER BY o.id""").fetchall()
    found = ((id, asked_by, _why_lapsed(*asker)) for id, asked_by, *asker in rows)
    return {id: f"{short_name(asked_by) or 'someone'}, who {why}" for id, asked_by, why in found if why}


def _why_lapsed(status: str | None, role: str | None, not_owned: str | None) -> str:
    """`not_owned`: an app that the offboarding covers, and that its asker isn't named as an Owner of."""
    if status != PersonStatus.ACTIVE:
        return standing_approvals.NOT_HERE[status]
    if role not in rank.MANAGERS:
        return "no longer manages people"
    return f"is no longer an Owner of {not_owned}" if not_owned and role not in owners.RUNS_ALL else ""


def schedule(offboarding: Offboarding, by: str) -> None:
    """The day of a new offboarding is the person's; inside the caller's transaction. Raises KeepingProblem."""
    _refuse_impossible(offboarding.remove_on)
    _set(offboarding.person, offboarding.remove_on, by, "Offboarding planned")


def end_day(person: Person, by: str, why: str) -> None:
    """Remove the date that keeps their accounts; inside the caller's transaction."""
    _set(person, None, by, why)


def cancel(offboarding: Offboarding, by: Asker, why: str = "") -> bool:
    """Someone gives a planned offboarding up. Like give_up(); raises NotAllowed for someone above the asker."""
    rank.require_over(by, Person.get_by_id(offboarding.person_id))
    return give_up(offboarding, by, why)


def give_up(offboarding: Offboarding, by: str | Asker, why: str = "") -> bool:
    """Cancel a planned offboarding and its date. False if it is no longer planned."""
    with writing():
        planned = (Offboarding.id == offboarding.id) & (Offboarding.state == OffboardingState.SCHEDULED)
        if not Offboarding.update(state=OffboardingState.CANCELLED, decided_at=utcnow()).where(planned).execute():
            return False
        Change.update(decision=ChangeDecision.IGNORED).where(
            Change.offboarding == offboarding, Change.decision == ChangeDecision.SCHEDULED
        ).execute()
        person = Person.get_by_id(offboarding.person_id)
        activity.record(by, "cancelled offboarding", about=person_name(person), why=why, person=person)
        _set(person, None, by, why or "The offboarding was cancelled")
        return True


def begin_grace(persons: Iterable[Person], by: str) -> None:
    """A directory deprovisioned them: keep their accounts for the workspace's number of days."""
    days = workspace().grace_days
    for person in persons if days else ():
        if Person.get_by_id(person.id).remove_on is None:
            _set(person, today() + timedelta(days=days), by, plural(days, "day"), GRACE_BEGAN)


def end_of_grace(left_at: datetime) -> date | None:
    """Until when accounts are kept if a directory deprovisioned their person at this moment (UTC); None: they
    aren't."""
    days = workspace().grace_days
    return to_local(left_at).date() + timedelta(days=days) if days else None


def came_back(persons: Iterable[Person], by: str) -> None:
    """What was planned for their leaving no longer is; inside the caller's transaction, at most 500 persons."""
    ids = [person.id for person in persons]
    scheduled = Offboarding.select().where(
        Offboarding.person.in_(ids), Offboarding.state == OffboardingState.SCHEDULED)  # fmt: skip
    for offboarding in list(scheduled.order_by(Offboarding.id)):
        give_up(offboarding, by, "They are back")
    kept = Person.select().where(Person.id.in_(ids), Person.remove_on.is_null(False))
    for person in list(kept.order_by(Person.id)):
        _set(person, None, by, "They are back")
