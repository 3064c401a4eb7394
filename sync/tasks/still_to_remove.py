"""Whether an account is still to be removed: one answer at the approval, before the removal, and while a task waits.
Rollcall's own knowledge only: the app isn't asked here."""

from __future__ import annotations

from sync.groups import still_wanted
from sync.groups.assignments import ENDED
from sync.models import Account, Change, Person, Task
from sync.safety import protection
from sync.safety.protection import OF_THE_PERSON, Protection
from sync.states import AccountMatch, PersonStatus


def over(task: Task, account: Account) -> str | None:
    """Why the removal must not happen any longer; None if it must.

    Only what belongs to its person and address is asked here. What else protects the account is asked when the app has
    answered, since that depends on the answer.
    """
    if why := protection.of(account, *OF_THE_PERSON, Protection.ANOTHERS_ADDRESS):
        return why.words
    if task.report_id is not None:
        return no_longer_theirs(account, task.change if task.change_id else None)
    if "person" in task.detail and task.detail["person"] != account.person_id:
        return "The account now belongs to someone else than when its removal was requested"
    return None


def no_longer_theirs(account: Account, change: Change | None) -> str | None:
    """Why the account no longer has to go by this change: it is someone else's, or its person is here.

    `change`: None for a removal whose change is gone, which was of someone who had left.
    """
    if change is not None and change.person_id not in (None, account.person_id):
        return "The account now belongs to someone else than when its removal was approved"
    person = Person.get_or_none(Person.id == account.person_id)
    if person is None or account.match != AccountMatch.MATCHED:
        return "The account is no longer matched to someone who has left"
    if person.status == PersonStatus.DEPROVISIONED:
        return None
    if change is not None and change.kind == ENDED:
        return still_wanted.no_longer_holds(change, acting=True)
    return f"{person.name or account.email} is back: {person.status} in the directory"
