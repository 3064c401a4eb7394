"""What an approval decides about assets whose only manager leaves: a successor gets each of them first, or someone
accepts by name that nobody manages it. Without either, nothing is approved (rule 5)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from peewee import JOIN, ModelSelect

from connectors.base import GRANT
from sync import activity
from sync.apps import apps, assets, kinds
from sync.listing import one_of
from sync.models import Access, Account, App, Asset, Change, HandOver, Report, Task
from sync.names import account_name, asset_name
from sync.prepared import prepared
from sync.safety import sole_managers, successors
from sync.safety.sole_managers import Choices, NeedsSuccessor
from sync.safety.successors import SuccessorProblem
from sync.states import TaskKind
from sync.tasks import tasks


def may_follow(app: App, account_ids: Collection[int]) -> bool:
    """Whether Rollcall can hand over an asset that these accounts manage; else someone does so in the app itself."""
    if GRANT not in kinds.can(app):
        return False
    if not (by_hand := apps.connector_class(app.connector).asset_roles_by_hand):
        return True
    managing = (Access.select(Asset.kind, Access.role).join(Asset)
                .where(Access.account.in_(account_ids), Access.privileged).distinct())  # fmt: skip
    return not all(assets.is_among(by_hand, kind, role) for kind, role in managing.tuples())


def refuse_unanswered(account_ids: Iterable[int], choices: Choices) -> dict[int, list[Asset]]:
    """What these accounts alone manage. Raises NeedsSuccessor if nothing was chosen about one of those assets."""
    alone = sole_managers.sole_assets(account_ids)
    if missing := sole_managers.unanswered(alone, choices):
        raise NeedsSuccessor(missing)
    return alone


def arrange(app: App, approved: Sequence[Task], choices: Choices, by: object, report: Report | None = None
            ) -> list[Task]:  # fmt: skip
    """The further tasks, one for each asset that is handed over; the approved removals and revocations wait for them.

    Inside the approval's transaction, once its tasks are there. Raises NeedsSuccessor or SuccessorProblem.
    """
    managed: dict[int, list[tuple[int, int]]] = {}
    for pair in sole_managers.managed_by({task.account_id for task in approved if task.account_id}):
        managed.setdefault(pair[0], []).append(pair)
    pairs = {pair: task for task in approved for pair in _takes(task, managed.get(task.account_id, []))}
    alone = sole_managers.left_alone(pairs)
    if missing := sole_managers.unanswered(alone, choices):
        raise NeedsSuccessor(missing)
    leaving = {task.account_id for task in approved if task.kind == TaskKind.REMOVE}
    orphaned = {asset.id for assets in alone.values() for asset in assets}
    made: dict[int, Task] = {}
    for asset_id in sorted({asset_id for _, asset_id in pairs}):
        holders = [(account_id, task) for (account_id, found), task in pairs.items() if found == asset_id]
        chosen = [choices[account_id, asset_id] for account_id, _ in holders if (account_id, asset_id) in choices]
        successor = next((one for one in chosen if one is not None), None)
        if successor is not None:
            role = Access.get(Access.account == holders[0][0], Access.asset == asset_id).role
            grant = _hand_over(app, asset_id, _successor(app, asset_id, successor, leaving, role), role, by, report)
            made[grant.id] = grant
            _keep(app, asset_id, holders, by, successor=successor, grant=grant)
        elif asset_id in orphaned:
            _accept(app, asset_id, holders, by, report)
    return list(made.values())


def _takes(task: Task, mine: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs of `mine`, (account id, asset id), that the task takes away."""
    if task.kind == TaskKind.REMOVE:
        return mine
    return [pair for pair in mine if pair[1] == task.asset_id] if task.kind == TaskKind.REVOKE else []


def _successor(app: App, asset_id: int, account_id: int, leaving: Collection[int], role: str) -> Account:
    if only := assets.only_by_hand(app, Asset.get_by_id(asset_id).kind, role):
        raise SuccessorProblem(f"{only} Nothing was changed. Assign another manager there, or accept that there is "
                               "none.")  # fmt: skip
    if GRANT not in kinds.can(app):
        raise SuccessorProblem(f"Rollcall can't grant access in {app.name}. Nothing was changed. Assign another "
                               "manager there, or accept that there is none.")  # fmt: skip
    return successors.allowed(app, account_id, leaving)


def _hand_over(app: App, asset_id: int, successor: Account, role: str, by: object, report: Report | None) -> Task:
    """The task that grants it, or the one that is already under way."""
    asset = Asset.get_by_id(asset_id)
    theirs = Task.select().where(Task.account == successor, Task.asset == asset, Task.is_live,
                                 Task.kind.in_((TaskKind.GRANT, TaskKind.REVOKE)))  # fmt: skip
    live = theirs.order_by((Task.kind == TaskKind.GRANT), Task.id).first()
    if live is not None and live.kind == TaskKind.GRANT and live.detail.get("role") == role:
        return live
    if live is not None:
        raise SuccessorProblem(f"Another change of {account_name(successor)}'s access to {asset_name(asset)} is under "
                               "way. Nothing was changed. Wait for it, or choose someone else.")  # fmt: skip
    had = Access.get_or_none(Access.account == successor, Access.asset == asset)
    activity.record(by, "handed over", about=asset_name(asset), after=account_name(successor), app=app, report=report,
                    person=successor.person_id)  # fmt: skip
    return tasks.add(app, TaskKind.GRANT, successor, str(by), report=report, asset=asset, role=role,
                     before=had and had.role, person=successor.person_id)  # fmt: skip


def _accept(app: App, asset_id: int, holders: Iterable[tuple[int, Task]], by: object, report: Report | None) -> None:
    holders = list(holders)
    who = ", ".join(account_name(Account.get_by_id(account_id)) for account_id, _ in holders)
    activity.record(by, "accepted that nobody manages it", about=asset_name(Asset.get_by_id(asset_id)), app=app,
                    before=who, report=report)  # fmt: skip
    _keep(app, asset_id, holders, by)


def _keep(app: App, asset_id: int, holders: Iterable[tuple[int, Task]], by: object, **what: object) -> None:
    for account_id, task in holders:
        HandOver.create(app=app, asset=asset_id, account=account_id, change=task.change_id, task=task,
                        decided_by=str(by), **what)  # fmt: skip


def by_change(change_ids: Iterable[int]) -> dict[int, list[HandOver]]:
    """What was decided with each of these removals, with assets and successors."""
    found: dict[int, list[HandOver]] = {}
    for row in _by_change(json.dumps(list(change_ids))):
        found.setdefault(row.change_id, []).append(row)
    return found


@prepared
def _by_change(change_ids: str) -> ModelSelect:
    rows = HandOver.select(HandOver, Asset, Account).join(Asset).switch(HandOver).join(
        Account, JOIN.LEFT_OUTER, on=HandOver.successor)  # fmt: skip
    return rows.where(one_of(HandOver.change, change_ids), HandOver.task.is_null(False)).order_by(HandOver.id)


def plan(change: Change, choices: Choices, by: object) -> None:
    """Keep what was chosen for a removal on a later date; inside the transaction that plans it."""
    for pair in sole_managers.managed_by([change.account_id]):
        if pair in choices:
            HandOver.create(app=change.app_id, asset=pair[1], account=change.account_id, successor=choices[pair],
                            change=change, decided_by=str(by))  # fmt: skip


def take_planned(changes: Iterable[Change]) -> dict[tuple[int, int], int | None]:
    """The choices that were kept for these removals, whose day has come."""
    planned = HandOver.select().where(HandOver.change.in_(list(changes)), HandOver.task.is_null())
    kept = list(planned.order_by(HandOver.id))
    HandOver.delete().where(HandOver.id.in_([row.id for row in kept])).execute()
    return {(row.account_id, row.asset_id): row.successor_id for row in kept}
