"""The last look at the assets that a task takes a manager from (rules 4 and 5): it waits until the successor manages
them in the app, and ends as needing attention if nobody would manage one of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container

from connectors.base import LOOK_UP, Connector, PartsUnread
from connectors.base import Account as AppAccount
from connectors.base import Asset as AppAsset
from sync.apps import apps
from sync.db import utcnow
from sync.jobs import queue
from sync.models import Access, Account, Asset, HandOver, Task
from sync.names import account_name, asset_name
from sync.safety import sole_managers
from sync.states import AccountKind, AccountState, AccountStatus, AssetState, TaskKind, TaskState


class Waits(Exception):
    """A hand-over has to be done first; the text says which."""


class NotHandedOver(Exception):
    """Nobody would manage an asset: a person must decide; the text says why."""


class NotSeenYet(Exception):
    """The app accepted the hand-over, but doesn't show it."""


def wait_for_grants(task: Task) -> None:
    """Raises Waits while a hand-over that the task depends on is under way; the app isn't asked for that."""
    for row in _of(task):
        if row.grant is not None and row.grant.is_under_way:
            raise Waits(f"Waits until {_named(row.successor)} manages {_called(row.asset)}.")


def refuse_to_orphan(task: Task, current: AppAccount, connector: Connector) -> None:
    """Unless everything that the task takes a manager from has another, by what the app says now, or someone has
    accepted that it has none. `current`: the task's account. Raises Waits, NotHandedOver, NotSeenYet or a
    ConnectorError."""
    decided = {row.asset_id: row for row in _of(task)}
    manages = _once(lambda account_id: _managed_by(connector, Account.get_by_id(account_id)))
    for asset in _taken_from(task, connector.managed(current) or ()):
        row, others = decided.get(asset.id), sole_managers.managers_beside(task.account_id, asset.id)
        if row is not None and row.is_accepted or _accepted_since(task, asset):
            continue
        if row is not None and row.grant is not None and row.grant.state == TaskState.DONE:
            _see_handed_over(task, row, connector)
        elif not any(asset.external_id in manages(other) for other in others):
            raise _not_handed_over(task, asset, row)


def _of(task: Task) -> list[HandOver]:
    return list(HandOver.select().where(HandOver.task == task).order_by(HandOver.id))


def _taken_from(task: Task, managed: Collection[AppAsset]) -> list[Asset]:
    """The assets that the task's account manages, by the last reading or now, and no longer would. Raises
    NotHandedOver for one that Rollcall doesn't know."""
    if task.kind == TaskKind.GRANT and sole_managers.manages_with(task.app, task.detail["role"]):
        return []
    mine = Access.select(Access, Asset).join(Asset).where(Access.account == task.account_id, Access.privileged)
    assets = {access.asset.external_id: access.asset for access in mine.order_by(Access.id)}
    if task.kind != TaskKind.REMOVE:
        one = task.asset
        return [one] if one.external_id in assets or any(found.id == one.external_id for found in managed) else []
    return [*assets.values(), *(_known(task, found) for found in managed if found.id not in assets)]


def _known(task: Task, found: AppAsset) -> Asset:
    asset = Asset.get_or_none(Asset.app == task.app_id, Asset.external_id == found.id)
    if asset is None or asset.state == AssetState.GONE:
        called = f"the {found.kind} “{found.name or found.id}”"
        raise NotHandedOver(f"{_named(task.account)} now manages {called}, which is new since the last check. Nothing "
                            f"was removed. Check {task.app.name} and retry, or cancel this and decide again.")
    return asset


def _accepted_since(task: Task, asset: Asset) -> bool:
    """Accepted with a later decision: nobody manages the asset from now on, in whichever order its managers leave."""
    others = HandOver.select().join(Task, on=HandOver.task == Task.id).where(
        HandOver.asset == asset, HandOver.successor.is_null(), HandOver.decided_at >= task.created_at,
        Task.state.not_in((TaskState.CANCELLED, TaskState.NO_LONGER_NEEDED)),
    )  # fmt: skip
    return others.exists()


def _see_handed_over(task: Task, row: HandOver, connector: Connector) -> None:
    """The app itself must show someone else as the manager."""
    known = {account.external_id for account in Account.select().where(
        Account.app == task.app, Account.state == AccountState.PRESENT, Account.status == AccountStatus.ACTIVE,
        Account.kind == AccountKind.USER, Account.id != task.account_id)}  # fmt: skip
    asset = AppAsset(id=row.asset.external_id, kind=row.asset.kind, name=row.asset.name)
    if not any(access.privileged and access.account in known for access in connector.access_to(asset)):
        raise NotSeenYet(f"{_named(row.successor)} was made a manager of {_called(row.asset)}, but the app doesn't "
                         "show it. Nothing was removed.")  # fmt: skip


def _not_handed_over(task: Task, asset: Asset, row: HandOver | None) -> Exception:
    live = HandOver.select().join(Task, on=HandOver.grant == Task.id).where(HandOver.asset == asset, Task.is_under_way)
    if (under_way := live.order_by(HandOver.id).first()) is not None:
        return Waits(f"Waits until {_named(under_way.successor)} manages {_called(asset)}.")
    name, app = _named(task.account), task.app.name
    then = f"Nothing was removed. Assign another manager in {app}, check it and retry, or cancel this and decide again."
    if row is None:
        return NotHandedOver(f"{name} is now the only manager of {_called(asset)}. {then}")
    why = f": {row.grant.error or row.grant.state}" if row.grant is not None else ""
    return NotHandedOver(f"{_called(asset).capitalize()} was not handed over to {_named(row.successor)}"
                         f"{why.rstrip('.')}. {then}")  # fmt: skip


class _Everything:
    """Contains every asset: the app doesn't say what one account manages, so the last check counts."""

    def __contains__(self, asset_id: str) -> bool:
        return True


def _managed_by(connector: Connector, account: Account) -> Container[str]:
    """The app's ids of the assets that another manager manages now, and may act on."""
    if not _can_act(connector, account):
        return ()
    managed = connector.managed(apps.for_connector(account))
    return _Everything() if managed is None else {asset.id for asset in managed}


def _can_act(connector: Connector, account: Account) -> bool:
    """Whether the app still has the account, active; as the last check knew it where the app can't be asked."""
    if LOOK_UP not in connector.capabilities:
        return True
    try:
        current = connector.account(account.external_id)
    except PartsUnread:
        return False  # it is in no part that could be read
    return current is not None and current.status == AccountStatus.ACTIVE and current.kind == AccountKind.USER


def _once(ask: Callable[[int], Container[str]]) -> Callable[[int], Container[str]]:
    known: dict[int, Container[str]] = {}

    def answer(key: int) -> Container[str]:
        if key not in known:
            known[key] = ask(key)
        return known[key]

    return answer


def _named(account: Account) -> str:
    return account_name(account)


def _called(asset: Asset) -> str:
    return f"the {asset.kind} “{asset_name(asset)}”"


def look_again(grant: Task) -> None:
    """A hand-over was done, failed or was given up: what waits for it is tried at once, unless its approval was
    withdrawn. Inside that transaction."""
    waiting = HandOver.select(HandOver.task).join(Task, on=HandOver.task == Task.id).where(
        HandOver.grant == grant, Task.state.in_((TaskState.QUEUED, TaskState.NEEDS_ATTENTION)),
        Task.where_approved())  # fmt: skip
    for task_id in sorted({row.task_id for row in waiting}):
        Task.update(state=TaskState.QUEUED, next_at=utcnow()).where(Task.id == task_id).execute()
        queue.wake("task", task_id)
