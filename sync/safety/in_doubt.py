"""Why it is in doubt that someone has left, or what groups give them, and until when: a directory or a held change says
so. An approved task waits for that; where someone does it by hand in the app, the page, e-mail or command says so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sync.db import db
from sync.listing import one_of
from sync.models import Account, Task, entry_is_held
from sync.settings import setting
from sync.states import REMOVALS, ChangeKind, TaskKind, TaskState, texts
from sync.workspace import WITHDRAWN, to_local

# The kinds of task that may be in doubt, and what someone does who carries one out by hand.
_ACTS = {
    TaskKind.REMOVE: "remove the account",
    TaskKind.REVOKE: "revoke the access",
    TaskKind.CHANGE_ROLE: "change the role",
    TaskKind.GRANT: "change the role",
}
_OF_LEAVERS = (TaskKind.REMOVE, TaskKind.REVOKE)  # what someone asks for by hand because a person has left
# Of an approval, what a doubt holds up, as a condition on the change `c`; may_wait() is the same of its task.
WAITS = f"""(c.kind IN ({texts((*REMOVALS, ChangeKind.TO_REVOKE_ACCESS, ChangeKind.TO_CHANGE_ROLE))})
    OR c.kind = '{ChangeKind.TO_GRANT_ACCESS}' AND c.before IS NOT NULL)"""


@dataclass(frozen=True)
class Doubt:
    """Why it is in doubt that someone has left, or what groups give them, and until when: two halves of a sentence."""

    why: str
    until: str
    is_return: bool  # they count as having left, and may be back


def of_people(person_ids: Iterable[int | None]) -> dict[int, Doubt]:
    """By person id, of those in doubt."""
    people = {"people": json.dumps(sorted({id for id in person_ids if id is not None}))}
    by_directories: dict[int, Doubt] = {}
    for id, *row, _, _ in db.execute_sql(_HELD_UP, people | restored()).fetchall():
        by_directories.setdefault(id, _in_words(*row))
    found = {id: Doubt(f"{name} may be back: a held change on People says so", "someone releases or dismisses it", True)
             for id, name in db.execute_sql(_ASKED_ON_PEOPLE, people).fetchall()}  # fmt: skip
    return found | by_directories


def restored() -> dict[str, str | None]:
    """What a statement with MAY_LACK needs: when a backup was restored last (UTC)."""
    at = setting(WITHDRAWN)
    return {"restored": at and str(datetime.fromisoformat(at))}


def _in_words(name: str, directory: str, is_back: bool, is_leaving: bool, many: bool, has_left: bool, pushes: bool,
              since: str) -> Doubt:  # fmt: skip
    if is_leaving:
        return Doubt(f"{name} has left {directory}, and that is held",
                     "someone releases it on the directory's page, or the directory has them again", False)
    if not is_back:
        may_be = "may be back" if has_left else "may be in other groups now"
        until = (f"someone makes {directory} send everyone again and confirms that on its page" if pushes else
                 f"{directory} is read again, or gets a new list if its list was uploaded")  # fmt: skip
        return Doubt(f"{directory} may lack changes{since_in_words(since)}, so {name} {may_be}", until, bool(has_left))
    why, who = (", with many others at once", "someone") if many else (
        ", but ranks above the person responsible for it", "an Owner")  # fmt: skip
    return Doubt(f"{name} is back in {directory}{why}",
                 f"{who} confirms that on the directory's page, or the directory is fixed", True)


def since_in_words(moment: str | datetime) -> str:
    return f" since {to_local(datetime.fromisoformat(str(moment))):%d %b %Y at %H:%M}"


def may_wait(task: Task) -> bool:
    """Whether it takes something from someone, or gives them another role. An invitation, or access to something that
    they had no access to, takes nothing, and so doesn't wait."""
    if task.kind == TaskKind.GRANT:
        return task.change_id is not None and task.detail.get("before") is not None
    return task.kind in _ACTS


def errors(tasks: Iterable[Task]) -> dict[int, str]:
    """By task id, what to say of it: first what is in doubt, if someone may do it by hand in the app, then what went
    wrong. A task of which there is nothing to say is left out."""
    tasks = list(tasks)
    doubts, found = _of_accounts(task.account_id for task in tasks if _may_be_done_by_hand(task)), {}
    for task in tasks:
        doubt = doubts.get(task.account_id) if _may_be_done_by_hand(task) else None
        first = f"{doubt.why}. Check that before you {_ACTS[task.kind]}." if doubt and _is_about(task, doubt) else ""
        if task.state != TaskState.DONE and (words := " ".join(filter(None, (first, task.error)))):
            found[task.id] = words
    return found


def _may_be_done_by_hand(task: Task) -> bool:
    return task.state == TaskState.NEEDS_ATTENTION and may_wait(task)


def _of_accounts(account_ids: Iterable[int]) -> dict[int, Doubt]:
    ids = list(account_ids)
    if not ids:
        return {}
    people = dict(Account.select(Account.id, Account.person).where(one_of(Account.id, json.dumps(ids))).tuples())
    doubts = of_people(people.values())
    return {id: doubts[person] for id, person in people.items() if person in doubts}


def _is_about(task: Task, doubt: Doubt) -> bool:
    """A task that someone asked for by hand is in doubt only if they may have asked because the person had left."""
    return task.report_id is not None or doubt.is_return and task.kind in _OF_LEAVERS


# Of someone who has left, a directory where they are active can't lack their return.
_LACKS = "d.missing_since IS NOT NULL AND (e.status = 'deprovisioned' OR p.status <> 'deprovisioned')"
# After a restore, a directory that hasn't shown everyone again may have got anyone since the backup. Nobody who left by
# hand is back by that.
_MAY_HAVE_GOT = "d.missing_since <= :restored AND (p.status <> 'deprovisioned' OR p.status_by_hand IS NULL)"
MAY_LACK = f"CASE WHEN e.id IS NULL THEN {_MAY_HAVE_GOT} ELSE {_LACKS} END"  # `e`: their entry in `d`, if they have one
_IS_BACK = f"(p.status = 'deprovisioned' AND e.status = 'deprovisioned' AND {entry_is_held('e')})"
# Someone held as a leaver may have lost their groups with it.
_IS_LEAVING = f"(p.status <> 'deprovisioned' AND e.reported_status = 'deprovisioned' AND {entry_is_held('e')})"
_PEOPLE = "(SELECT CAST(value AS INTEGER) FROM json_each(:people))"
_OF_DIRECTORY = """d.many_back_since IS NOT NULL, p.status = 'deprovisioned', d.next_read_at IS NULL, d.missing_since,
        d.id AS directory"""
_HELD_UP = f"""
    SELECT e.person_id, coalesce(nullif(p.name, ''), e.email), d.name, {_IS_BACK}, {_IS_LEAVING}, {_OF_DIRECTORY},
        CASE WHEN {_IS_BACK} THEN 0 WHEN {_IS_LEAVING} THEN 1 ELSE 2 END AS place
    FROM directory_entry e JOIN directory d ON d.id = e.directory_id JOIN person p ON p.id = e.person_id
    WHERE e.person_id IN {_PEOPLE} AND ({_IS_BACK} OR {_IS_LEAVING} OR {_LACKS})
    UNION ALL
    SELECT p.id, coalesce(nullif(p.name, ''), 'this person'), d.name, FALSE, FALSE, {_OF_DIRECTORY}, 2
    FROM person p CROSS JOIN directory d
    WHERE p.id IN {_PEOPLE} AND {_MAY_HAVE_GOT} AND NOT EXISTS (
        SELECT 1 FROM directory_entry e WHERE e.person_id = p.id AND e.directory_id = d.id)
    ORDER BY place, directory
"""
_ASKED_ON_PEOPLE = f"""
    SELECT DISTINCT p.id, coalesce(nullif(p.name, ''), 'This person')
    FROM held_change h JOIN person p ON p.id = h.person_id
    WHERE h.person_id IN {_PEOPLE} AND h.state = 'open' AND h.field = 'status' AND h.value <> 'deprovisioned'
        AND p.status = 'deprovisioned'
"""
