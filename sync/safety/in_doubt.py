"""Why it is in doubt that someone has left, or is here, or what groups give them, and until when: a directory or a held
change says so. An approved task waits for that; where someone does it by hand in the app, it is shown with the task."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sync.db import db, utcnow
from sync.listing import one_of
from sync.matching import doubtful
from sync.models import Account, Task, entry_is_held
from sync.safety import unread_directories
from sync.settings import setting
from sync.states import ChangeKind, TaskKind, TaskState
from sync.workspace import WITHDRAWN, to_local

# What someone does who carries out a task by hand that may be in doubt.
_ACTS = {
    TaskKind.REMOVE: "remove the account",
    TaskKind.REVOKE: "revoke the access",
    TaskKind.CHANGE_ROLE: "change the role",
    TaskKind.INVITE: "invite them",
}
_OF_LEAVERS = (TaskKind.REMOVE, TaskKind.REVOKE)  # what someone asks for by hand because a person has left
ITS_PAGE = "Its page says what to do."
_LEFT, _SHOWN = "left according to a directory or list", "The pages Directory and People show why."


@dataclass(frozen=True)
class Doubt:
    """Why it is in doubt that someone has left, is here, or what groups give them, and until when: two halves of a
    sentence. `cause` is why, and what to do then, without the name: of one person, and of several."""

    why: str
    until: str
    is_return: bool  # they count as having left, and may be back
    cause: tuple[str, str]


def is_possible() -> bool:
    """Whether anyone may be in doubt, without looking at each person."""
    found = db.execute_sql(f"""
        SELECT EXISTS (SELECT 1 FROM directory WHERE missing_since IS NOT NULL)
            OR EXISTS (SELECT 1 FROM directory_entry WHERE {entry_is_held()})
            OR EXISTS (SELECT 1 FROM held_change WHERE state = 'open' AND field = 'status')""").fetchone()
    return bool(found[0]) or bool(unread_directories.all_of(utcnow())) or bool(doubtful.held_leavers())


def of_people(person_ids: Iterable[int | None]) -> dict[int, Doubt]:
    """By person id, of those in doubt."""
    people = {"people": json.dumps(sorted({id for id in person_ids if id is not None}))}
    by_directories: dict[int, Doubt] = {}
    said = cache(since_in_words)  # it reads the time zone each time, and many lack changes since the same moment
    for id, *row, since, _, _ in db.execute_sql(_HELD_UP, people | restored()).fetchall():
        by_directories.setdefault(id, _in_words(*row, said(since)))
    found = {id: Doubt(f"{name} may be back: a held change on People says so", "someone releases or dismisses it", True,
                       ("a held change on People says that this person is back. Release or dismiss it there.",
                        "held changes on People say that these people are back. Release or dismiss them there."))
             for id, name in db.execute_sql(_ASKED_ON_PEOPLE, people).fetchall()}  # fmt: skip
    return found | by_directories


def of_new_access(person_ids: Iterable[int | None]) -> dict[int, Doubt]:
    """The same of people who would get an account or access that they don't have: someone who has left must not. So it
    is also in doubt while they have left according to a directory or a list, or while no directory that has them shows
    who has left, unless someone decided by hand that they are here."""
    ids = {id for id in person_ids if id is not None}
    found = of_people(ids)
    left = doubtful.held_leavers() & ids - found.keys()
    gaps = unread_directories.all_of(utcnow())
    people = {"people": json.dumps(sorted(ids - found.keys()))}
    here_by: dict[int, list[int]] = {}
    causes = {id: _gap_in_words(gap) for id, gap in gaps.items()}
    for id, name, directory in db.execute_sql(_HERE_BY, people).fetchall() if left or gaps else ():
        if id in left:
            found[id] = Doubt(f"{name} has {_LEFT}, but counts as here",
                              "someone decides which is right", False,
                              (f"this person has {_LEFT}, but counts as here. {_SHOWN}",
                               f"these people have {_LEFT}, but count as here. {_SHOWN}"))  # fmt: skip
        elif directory is not None:
            here_by.setdefault(id, []).append(directory)
            if gaps.keys() >= set(here_by[id]):
                found[id] = _unread(name, gaps[here_by[id][0]].name, causes[here_by[id][0]])
            else:
                found.pop(id, None)
    return found


def _gap_in_words(gap: unread_directories.Unread) -> str:
    since = since_in_words(gap.since)
    verb = "hasn't shown" if since else "doesn't show"
    return f"{gap.name} {verb} who has left{since}"


def _unread(name: str, directory: str, cause: str) -> Doubt:
    return Doubt(f"{cause}, so {name} may have left", f"{directory} shows again who has left", False, _of_all(cause))


def _of_all(cause: str) -> tuple[str, str]:
    return (f"{cause}. {ITS_PAGE}",) * 2


def restored() -> dict[str, str | None]:
    """What a statement with MAY_LACK needs: when a backup was restored last (UTC)."""
    at = setting(WITHDRAWN)
    return {"restored": at and str(datetime.fromisoformat(at))}


def _in_words(name: str, directory: str, is_back: bool, is_leaving: bool, many: bool, has_left: bool, pushes: bool,
              since: str) -> Doubt:  # fmt: skip
    if is_leaving:
        return Doubt(f"{name} has left {directory}, and that is held",
                     "someone releases it on the directory's page, or the directory has them again", False,
                     (f"this person has left {directory}, and that is held. {ITS_PAGE}",
                      f"these people have left {directory}, and that is held. {ITS_PAGE}"))  # fmt: skip
    if not is_back:
        may_be = "may be back" if has_left else "may have left, or be in other groups now"
        until = (f"someone makes {directory} send everyone again and confirms that on its page" if pushes else
                 f"{directory} is read again, or gets a new list if its list was uploaded")  # fmt: skip
        lacks = f"{directory} may lack changes{since}"
        return Doubt(f"{lacks}, so {name} {may_be}", until, bool(has_left), _of_all(lacks))
    why, of_several, who = (", with many others at once", ", with many others at once", "someone") if many else (
        ", but ranks above the person responsible for it", ", but rank above the person responsible for it",
        "an Owner")  # fmt: skip
    return Doubt(f"{name} is back in {directory}{why}",
                 f"{who} confirms that on the directory's page, or the directory is fixed", True,
                 (f"this person is back in {directory}{why}. {ITS_PAGE}",
                  f"these people are back in {directory}{of_several}. {ITS_PAGE}"))  # fmt: skip


def since_in_words(moment: str | datetime | None) -> str:
    return "" if moment is None else f" since {to_local(datetime.fromisoformat(str(moment))):%d %b %Y at %H:%M}"


def may_wait(task: Task) -> bool:
    """Whether an approval asks for it that covers people or their groups. A hand-over to a successor doesn't wait:
    someone chose them by name."""
    if task.kind in (TaskKind.GRANT, TaskKind.INVITE):
        return task.change_id is not None
    return task.kind in _ACTS


def gives(task: Task) -> bool:
    """Whether someone gets an account or access that they don't have."""
    return task.kind == TaskKind.INVITE or task.kind == TaskKind.GRANT and task.detail.get("before") is None


def change_gives(kind: str, before: str | None) -> bool:
    """The same of a change that its task is for."""
    return kind == ChangeKind.TO_INVITE or kind == ChangeKind.TO_GRANT_ACCESS and before is None


def of_task(task: Task, person_id: int | None) -> Doubt | None:
    """What is in doubt about this task, which is about this person."""
    return (of_new_access if gives(task) else of_people)([person_id]).get(person_id)


def errors(tasks: Iterable[Task]) -> dict[int, str]:
    """By task id, what to say of it: first what is in doubt, if someone may do it by hand in the app, then what went
    wrong. A task of which there is nothing to say is left out."""
    tasks, found = list(tasks), {}
    by_hand = [task for task in tasks if task.state == TaskState.NEEDS_ATTENTION and (may_wait(task) or gives(task))]
    people, giving = _people_of(by_hand), {task.id for task in by_hand if gives(task)}
    taking = people.keys() - giving
    taken = of_people(people[id] for id in taking) if taking else {}
    given = of_new_access(people[id] for id in giving) if giving else {}
    for task in tasks:
        doubt = (given if gives(task) else taken).get(people.get(task.id))
        first = f"{doubt.why}. Check that before you {_act(task)}." if doubt and _is_about(task, doubt) else ""
        if task.state != TaskState.DONE and (words := " ".join(filter(None, (first, task.error)))):
            found[task.id] = words
    return found


def _act(task: Task) -> str:
    return _ACTS.get(task.kind) or ("grant the access" if gives(task) else "change the role")


def _people_of(tasks: Iterable[Task]) -> dict[int, int | None]:
    """By task id, the person that it is about."""
    tasks = list(tasks)
    ids = [task.account_id for task in tasks if task.account_id is not None]
    people = dict(Account.select(Account.id, Account.person).where(one_of(Account.id, json.dumps(ids))).tuples()
                  ) if ids else {}  # fmt: skip
    return {task.id: people.get(task.account_id, task.detail.get("person")) for task in tasks}


def _is_about(task: Task, doubt: Doubt) -> bool:
    """A task that someone asked for by hand is in doubt if it gives something, or if they may have asked because the
    person had left."""
    return task.report_id is not None or gives(task) or doubt.is_return and task.kind in _OF_LEAVERS


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
# Without a directory: nobody's word, or someone's decision by hand. The directories in which they are here follow.
_HERE_BY = f"""
    SELECT p.id, coalesce(nullif(p.name, ''), 'this person'), CASE WHEN p.status_by_hand IS NULL THEN e.directory_id END
    FROM person p LEFT JOIN directory_entry e ON e.person_id = p.id AND e.status <> 'deprovisioned'
        AND e.reported_status <> 'deprovisioned'
    WHERE p.id IN {_PEOPLE} AND p.status <> 'deprovisioned' ORDER BY p.id, e.directory_id NULLS LAST
"""
