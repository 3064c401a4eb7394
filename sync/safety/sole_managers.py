"""Who alone controls an asset: nobody can hand it over once such an account has left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync.models import Access, Account, App, Asset, Change
from sync.states import AccountKind, AccountStatus


def sole_assets(account_ids: list[int]) -> dict[int, list[Asset]]:
    """For each account that controls assets which nobody beside these accounts does: those assets.

    Given all that leave together, it finds what two of them control together. Hand these over before a removal.
    """
    going: list[tuple[int, int]] = []
    for part in _parts(account_ids):
        mine = Access.select(Access.account_id, Access.asset_id).where(Access.account.in_(part), Access.privileged)
        going.extend(mine.tuples())
    return left_alone(going)


def left_alone(going: Iterable[tuple[int, int]]) -> dict[int, list[Asset]]:
    """By account, the assets that nobody who can act in the app controls without these accesses, each an
    (account id, asset id). An account appears with assets that it controls itself."""
    gone = set(going)
    found: dict[int, list[Asset]] = {}
    for part in _parts(sorted({asset_id for _, asset_id in gone})):
        acts = (
            Account.is_present
            & (Account.status == AccountStatus.ACTIVE)
            & (Account.kind == AccountKind.USER)
        )
        rows = list(Access.select(Access.account_id, Access.asset_id, acts).join(Account).where(
            Access.asset.in_(part), Access.privileged).order_by(Access.id).tuples())  # fmt: skip
        controlled = {asset_id for account_id, asset_id, acts in rows if acts and (account_id, asset_id) not in gone}
        assets = {asset.id: asset for asset in Asset.select().where(Asset.id.in_(part))}
        for account_id, asset_id, _ in rows:
            if (account_id, asset_id) in gone and asset_id not in controlled:
                found.setdefault(account_id, []).append(assets[asset_id])
    return found


def _parts(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + 500] for start in range(0, len(ids), 500))


def ready_to_leave(app: App, leaving: list[Change]) -> set[int]:
    """The ids of those removals that a standing approval covers: never of sole managers of an asset, and never all."""
    alone = sole_assets([change.account_id for change in leaving])
    ready = {change.id for change in leaving if change.account_id not in alone}
    members = (
        Account.select()
        .where(Account.app == app, Account.is_present, Account.kind == AccountKind.USER)
        .count()
    )
    return ready if len(ready) < members else set()
