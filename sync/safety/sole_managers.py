"""Who alone controls an asset: nobody can hand it over once such an account has left."""

from __future__ import annotations

from sync.models import Access, Account, App, Asset, Change


def sole_assets(account_ids: list[int]) -> dict[int, list[Asset]]:
    """For each account that controls assets which nobody beside these accounts does: those assets.

    Given all that leave together, it finds what two of them control together. Hand these over before a removal.
    """
    leaving = set(account_ids)
    found: dict[int, list[Asset]] = {}
    for start in range(0, len(account_ids), 500):
        part = account_ids[start : start + 500]
        rows = list(Access.select(Access.account_id, Access.asset_id).where(
            Access.account.in_(part), Access.privileged).order_by(Access.id).tuples())  # fmt: skip
        assets = {asset.id: asset for asset in Asset.select().where(Asset.id.in_({row[1] for row in rows}))}
        stay = _controllers(list(assets), leaving)
        for account_id, asset_id in rows:
            if asset_id not in stay:
                found.setdefault(account_id, []).append(assets[asset_id])
    return found


def ready_to_leave(app: App, leaving: list[Change]) -> set[int]:
    """The ids of those removals that a standing approval covers: never of sole managers of an asset, and never all."""
    alone = sole_assets([change.account_id for change in leaving])
    ready = {change.id for change in leaving if change.account_id not in alone}
    members = Account.select().where(Account.app == app, Account.state == "present", Account.kind == "user").count()
    return ready if len(ready) < members else set()


def _controllers(asset_ids: list[int], leaving: set[int]) -> set[int]:
    """Those of the assets that someone who can act in the app, and isn't leaving, controls too."""
    others = Access.select(Access.asset_id, Access.account_id).join(Account).where(
        Access.asset.in_(asset_ids), Access.privileged,
        Account.state == "present", Account.status == "active", Account.kind == "user",
    )  # fmt: skip
    return {asset_id for asset_id, account_id in others.tuples() if account_id not in leaving}
