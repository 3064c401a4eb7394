"""Whether an account is still to be removed: one answer at the approval, before the removal, and while a task waits.
Rollcall's own knowledge only: the app isn't asked here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from sync.db import db
from sync.groups import still_wanted
from sync.groups.assignments import ENDED
from sync.matching import doubtful
from sync.models import Account, App, Change, Person, Report, Task
from sync.safety import in_doubt, protection
from sync.safety.protection import OF_THE_PERSON
from sync.states import (
    REMOVALS,
    AccountMatch,
    ChangeDecision,
    ChangeKind,
    PersonStatus,
    Protection,
    TaskKind,
    texts,
)
from sync.words import listed, plural
from sync.workspace import today

# How one and several are called.
REMOVAL, REVOCATION = ("removal", "removals"), ("revocation", "revocations")
CHANGE_OF_ROLE, NEW_ACCESS = ("change of role", "changes of role"), ("grant of access", "grants of access")
INVITATION = ("invitation", "invitations")
ALL_WORDS = (REMOVAL, REVOCATION, CHANGE_OF_ROLE, NEW_ACCESS, INVITATION)
_WORDS = {kind: REMOVAL for kind in REMOVALS} | {
    ChangeKind.TO_REVOKE_ACCESS: REVOCATION, ChangeKind.TO_CHANGE_ROLE: CHANGE_OF_ROLE,
    ChangeKind.TO_GRANT_ACCESS: CHANGE_OF_ROLE, ChangeKind.TO_INVITE: INVITATION,
}  # fmt: skip
BEFORE_THE_APP_ANSWERS = (*OF_THE_PERSON, Protection.ANOTHERS_ADDRESS)


def over(task: Task, account: Account) -> str | None:
    """Why the removal must not happen any longer; None if it must.

    Only the person and the address are checked here. Everything else that protects the account is checked once the app
    has answered, since it depends on the answer.
    """
    if why := protection.of(account, *BEFORE_THE_APP_ANSWERS):
        return why.words
    if task.report_id is not None:
        why = no_longer_theirs(account, task.change)
        return why or ("They have left once more since this was approved" if left_once_more(task) else None)
    if "person" in task.detail and task.detail["person"] != account.person_id:
        return "The account belongs to a different person now than when its removal was requested"
    return None


def waits(task: Task, account: Account | None) -> str | None:
    """Why what was approved waits: a removal, a revocation, a change of role, new access or an invitation. None if it
    doesn't, or if someone asked for it by hand. It waits while a held change says that the person is back (or has left,
    where groups ask for the change), and while their directory may lack changes; what gives them something new also
    while they may have left (in_doubt)."""
    if task.report_id is None:
        return None
    doubt = in_doubt.of_task(task, account.person_id if account is not None else task.detail.get("person"))
    return doubt and f"{doubt.why}. {_WAITING_WORDS.get(task.kind, 'The change')} waits until {doubt.until}."


_WAITING_WORDS = {TaskKind.REMOVE: "The removal", TaskKind.INVITE: "The invitation"}


def returns(person_ids: Iterable[int | None]) -> dict[int, str]:
    """Of those who count as having left, but may be back: why. A removal that is asked for by hand doesn't wait for
    that, so the person who asks must know."""
    return {id: doubt.why for id, doubt in in_doubt.of_people(person_ids).items() if doubt.is_return}


def may_have_left(person_ids: Iterable[int | None]) -> dict[int, str]:
    """The same of people who would be invited or get access: why it is in doubt that they are here."""
    return {id: doubt.why for id, doubt in in_doubt.of_new_access(person_ids).items() if not doubt.is_return}


def will_wait(report: Report) -> str:
    """How many of the tasks that an approval would make now wait, each counted once, and why; "" if none do."""
    if not in_doubt.is_possible():
        return ""
    rows = db.execute_sql(_TO_APPROVE, {"report": report.id}).fetchall()
    changes = [(kind, in_doubt.change_gives(kind, before), person) for kind, before, person in rows]
    new = [person for _, gives, person in changes if gives]
    taken = in_doubt.of_people(person for _, gives, person in changes if not gives) if changes else {}
    given = in_doubt.of_new_access(new) if new else {}
    found: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    people: dict[tuple[str, str], set[int]] = defaultdict(set)
    for kind, gives, person in changes:
        if doubt := (given if gives else taken).get(person):
            found[doubt.cause][NEW_ACCESS if gives and kind != ChangeKind.TO_INVITE else _WORDS[kind]] += 1
            people[doubt.cause].add(person)
    return " ".join(f"{listed([plural(counts[word], *word) for word in ALL_WORDS if counts[word]])} will wait: "
                    f"{cause[len(people[cause]) > 1]}" for cause, counts in found.items())  # fmt: skip


_TO_APPROVE = f"""
    SELECT c.kind, c.before, coalesce(a.person_id, c.person_id) FROM change c LEFT JOIN account a ON a.id = c.account_id
    WHERE c.report_id = :report AND c.in_app AND c.kind IN ({texts(_WORDS)})
        AND c.decision = '{ChangeDecision.NEEDS_CONFIRMATION}' ORDER BY c.id
"""


def left_once_more(task: Task) -> bool:
    """Whether someone who had left came back after the approval, and has left again: it was about the first time."""
    change, person = task.change, task.account.person
    if task.report_id is None or change is not None and change.kind == ENDED or person is None:
        return False
    return person.status == PersonStatus.DEPROVISIONED and person.status_since > task.created_at


def no_longer_theirs(account: Account, change: Change | None) -> str | None:
    """Why this change no longer has to remove the account: it is someone else's, or its person is here.

    `change`: None for a removal whose change is gone, which was of someone who had left.
    """
    if change is not None and change.person_id not in (None, account.person_id):
        return "The account belongs to a different person now than when its removal was approved"
    person = Person.get_or_none(Person.id == account.person_id)
    if person is None or account.match_kind != AccountMatch.MATCHED:
        return "The account is no longer matched to someone who has left"
    if person.status == PersonStatus.DEPROVISIONED:
        return None
    if change is not None and change.kind == ENDED:
        return still_wanted.no_longer_holds(change, acting=True)
    name = person.name or account.email
    if person.id in doubtful.held_leavers():
        return (f"{name} counts as {person.status}: a directory or list says that they have left, which waits for a "
                "decision")
    return f"{name} is back: {person.status} in the directory"


# For all removals that wait, over() as SQL: 1 where it gives a reason, 0 where it gives none, NULL where the rules of
# groups decide.
_WAITING = f"""
    SELECT t.id, t.app_id, a.person_id, CASE
        WHEN {protection.any_of(*BEFORE_THE_APP_ANSWERS)} THEN 1
        WHEN t.report_id IS NULL THEN
            CASE WHEN t.detail -> 'person' IS NOT NULL
                    AND CAST(t.detail ->> 'person' AS INTEGER) IS DISTINCT FROM a.person_id
                THEN 1 ELSE 0 END
        WHEN c.person_id IS NOT NULL AND c.person_id IS DISTINCT FROM a.person_id THEN 1
        WHEN p.id IS NULL OR a.match_kind <> 'matched' THEN 1
        WHEN p.status = 'deprovisioned' THEN
            CASE WHEN p.status_since > t.created_at AND c.kind IS DISTINCT FROM 'no longer assigned' THEN 1 ELSE 0 END
        WHEN c.kind IS DISTINCT FROM 'no longer assigned' OR p.status <> 'active' OR a.state = 'gone' THEN 1
    END AS over
    FROM app_task t JOIN account a ON a.id = t.account_id LEFT JOIN change c ON c.id = t.change_id
    LEFT JOIN person p ON p.id = a.person_id
    WHERE t.kind = 'remove' AND (t.state = 'needs attention' OR t.state = 'queued' AND t.next_at > :now)
"""


def over_while_waiting(now: datetime) -> list[int]:
    """The ids of the removals that wait for a later attempt or for a person, and that over() gives a reason against."""
    rows = db.execute_sql(_WAITING, {"now": str(now), "today": str(today())}).fetchall()
    found, by_rules = [task_id for task_id, *_, over in rows if over], defaultdict(dict)
    for task_id, app_id, person_id, over in rows:
        if over is None:
            by_rules[app_id][task_id] = person_id
    for app_id, waiting in by_rules.items():
        again = still_wanted.assigned_again(App.get_by_id(app_id), waiting.values())
        found += [task_id for task_id, person_id in waiting.items() if person_id in again]
    return sorted(found)
