"""Whether an account is still to be removed: one answer at the approval, before the removal, and while a task waits.
Rollcall's own knowledge only: the app isn't asked here."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sync.db import db
from sync.groups import still_wanted
from sync.groups.assignments import ENDED
from sync.matching import doubtful
from sync.models import Account, App, Change, Directory, Person, Report, Task, entry_is_held
from sync.safety import protection
from sync.safety.protection import OF_THE_PERSON
from sync.states import REMOVALS, AccountMatch, ChangeDecision, PersonStatus, Protection, TaskKind, texts
from sync.words import plural
from sync.workspace import to_local, today

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


def waits(task: Task, account: Account) -> str | None:
    """Why a removal, or the end of an access, that nobody asked for by hand waits; None if it doesn't. A directory says
    that the person is back, or, of someone who lost it by groups, that they have left, and that is held; or one by
    which they left, or lost it, may lack changes."""
    if task.report_id is None:
        return None
    doubt = _held_up([account.person_id]).get(account.person_id)
    what = "The removal" if task.kind == TaskKind.REMOVE else "The change"
    return doubt and f"{doubt.why}. {what} waits until {doubt.until}."


@dataclass(frozen=True)
class Doubt:
    """Why someone's removal is in doubt, and until when: two halves of a sentence."""

    why: str
    until: str
    is_return: bool  # they count as having left, and may be back


def returns(person_ids: Iterable[int | None]) -> dict[int, str]:
    """Of those who count as having left, but may be back: why. A removal that is asked for by hand doesn't wait for
    that, so the person who asks must know."""
    return {id: doubt.why for id, doubt in _held_up(person_ids).items() if doubt.is_return}


def _held_up(person_ids: Iterable[int | None]) -> dict[int, Doubt]:
    people = {"people": json.dumps(sorted({id for id in person_ids if id is not None}))}
    found = {id: Doubt(f"{name} may be back: a held change on People says so", "someone releases or dismisses it", True)
             for id, name in db.execute_sql(_ASKED_ON_PEOPLE, people).fetchall()}  # fmt: skip
    by_directories: dict[int, Doubt] = {}
    for id, *row in db.execute_sql(_HELD_UP, people).fetchall():
        by_directories.setdefault(id, _in_words(*row))
    return found | by_directories


def _in_words(name: str, directory: str, is_back: bool, is_leaving: bool, many: bool, has_left: bool, pushes: bool,
              since: str) -> Doubt:  # fmt: skip
    if is_leaving:
        return Doubt(f"{name} has left {directory}, and that is held",
                     "someone releases it on the directory's page, or the directory has them again", False)
    if not is_back:
        may_be = "may be back" if has_left else "may be assigned again"
        until = (f"someone makes {directory} send everyone again and confirms that on its page" if pushes else
                 f"{directory} is read again, or gets a new list if its list was uploaded")  # fmt: skip
        return Doubt(f"{directory} may lack changes{_since(since)}, so {name} {may_be}", until, bool(has_left))
    why, who = (", with many others at once", "someone") if many else (
        ", but ranks above the person responsible for it", "an Owner")  # fmt: skip
    return Doubt(f"{name} is back in {directory}{why}",
                 f"{who} confirms that on the directory's page, or the directory is fixed", True)


def will_wait(report: Report) -> str:
    """How many of the removals that an approval would make now wait because a directory may lack changes; "" if none
    do."""
    if not Directory.select().where(Directory.missing_since.is_null(False)).exists():
        return ""
    rows = db.execute_sql(_WILL_WAIT, {"report": report.id}).fetchall()
    return " ".join(f"{plural(count, 'removal')} will wait: {name} may lack changes{_since(since)}. Its page says what "
                    "to do." for name, since, count in rows)  # fmt: skip


def _since(moment: str | datetime) -> str:
    return f" since {to_local(datetime.fromisoformat(str(moment))):%d %b %Y at %H:%M}"


# Of someone who has left, a directory where they are active can't lack their return.
_MAY_LACK = """d.missing_since IS NOT NULL AND (e.status = 'deprovisioned' OR p.status <> 'deprovisioned')"""
_IS_BACK = f"(p.status = 'deprovisioned' AND e.status = 'deprovisioned' AND {entry_is_held('e')})"
# Someone held as a leaver may have lost their groups with it.
_IS_LEAVING = f"(p.status <> 'deprovisioned' AND e.reported_status = 'deprovisioned' AND {entry_is_held('e')})"
_PEOPLE = "(SELECT CAST(value AS INTEGER) FROM json_each(:people))"
_HELD_UP = f"""
    SELECT e.person_id, coalesce(nullif(p.name, ''), e.email), d.name, {_IS_BACK}, {_IS_LEAVING},
        d.many_back_since IS NOT NULL, p.status = 'deprovisioned', d.next_read_at IS NULL, d.missing_since
    FROM directory_entry e JOIN directory d ON d.id = e.directory_id JOIN person p ON p.id = e.person_id
    WHERE e.person_id IN {_PEOPLE} AND ({_IS_BACK} OR {_IS_LEAVING} OR {_MAY_LACK})
    ORDER BY CASE WHEN {_IS_BACK} THEN 0 WHEN {_IS_LEAVING} THEN 1 ELSE 2 END, d.id
"""
_ASKED_ON_PEOPLE = f"""
    SELECT DISTINCT p.id, coalesce(nullif(p.name, ''), 'This person')
    FROM held_change h JOIN person p ON p.id = h.person_id
    WHERE h.person_id IN {_PEOPLE} AND h.state = 'open' AND h.field = 'status' AND h.value <> 'deprovisioned'
        AND p.status = 'deprovisioned'
"""
_WILL_WAIT = f"""
    SELECT d.name, d.missing_since, count(DISTINCT c.id)
    FROM change c JOIN account a ON a.id = c.account_id JOIN person p ON p.id = a.person_id
    JOIN directory_entry e ON e.person_id = p.id JOIN directory d ON d.id = e.directory_id
    WHERE c.report_id = :report AND c.kind IN ({texts(REMOVALS)}) AND c.in_app
        AND c.decision = '{ChangeDecision.NEEDS_CONFIRMATION}' AND {_MAY_LACK}
    GROUP BY d.id, d.name, d.missing_since ORDER BY d.id
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
        return f"{name} counts as {person.status}: that they have left is held until someone releases it"
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
