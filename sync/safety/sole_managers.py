"""Who alone manages an asset (rule 5): nobody can hand it over once such an account has left.
Such an account stays until a successor is chosen, or someone has accepted that nobody manages the asset."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping

from sync.db import db
from sync.models import Account, App, Asset, Change
from sync.names import account_name, asset_name
from sync.problems import Problem
from sync.states import LIVE_TASKS, AccountKind, OffboardingState, TaskKind, TaskState, texts
from sync.unchanged import while_unchanged
from sync.words import listed

NAMED = 3  # managers, and assets, before the others are counted
# What becomes of an asset, by (account id, asset id): the id of the account that gets it; None where nobody does.
Choices = Mapping[tuple[int, int], int | None]

# A role on assets of `x`'s app that lets someone hand them over, as far as Rollcall has seen it.
_MANAGING_ROLES = "SELECT y.role FROM access y WHERE y.app_id = x.app_id AND y.privileged"
_LOSES_IT = f"""EXISTS (SELECT 1 FROM app_task t WHERE t.account_id = x.account_id AND t.asset_id = x.asset_id
    AND t.state IN ({texts(LIVE_TASKS)})
    AND (t.kind = 'revoke' OR t.kind = 'grant' AND t.detail ->> 'role' NOT IN ({_MANAGING_ROLES})))"""
# Whether the access `x` of the account `a` is that of a manager who can act in the app, and keeps it.
MANAGES = f"""(x.privileged AND a.state = 'present' AND a.status = 'active' AND a.kind = 'user' AND NOT {_LOSES_IT})"""


class NeedsSuccessor(Problem):
    """An approval would leave assets without a manager. Nothing was changed. `code` is for programs."""

    code = "sole manager"

    def __init__(self, alone: Mapping[int, list[Asset]]):
        self.alone = dict(alone)
        super().__init__(_in_words(self.alone))


def _in_words(alone: Mapping[int, list[Asset]]) -> str:
    accounts = Account.select().where(Account.id.in_(list(alone))).order_by(Account.name, Account.id)
    names = {row.id: account_name(row) for row in accounts}
    assets = {asset.id: f"the {asset.kind} “{asset_name(asset)}”" for found in alone.values() for asset in found}
    who, which = (listed(list(each.values()), NAMED) for each in (names, assets))
    is_one = len(names) == 1
    return (f"{who} {'is the only manager' if is_one else 'are the only managers'} of {which}. Nothing was changed. "
            "Choose who manages it from now on, or accept that nobody does.")  # fmt: skip


def sole_assets(account_ids: Iterable[int]) -> dict[int, list[Asset]]:
    """For each account that manages assets which nobody beside these accounts does: those assets.

    Given all that leave together, it finds what two of them manage together.
    """
    return left_alone(managed_by(account_ids))


def managed_by(account_ids: Iterable[int]) -> list[tuple[int, int]]:
    """What these accounts manage in their apps, each an (account id, asset id)."""
    return db.execute_sql(
        """SELECT x.account_id, x.asset_id FROM access x JOIN asset s ON s.id = x.asset_id AND s.state = 'present'
        WHERE x.privileged AND x.account_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))""",
        (json.dumps(list(account_ids)),)).fetchall()  # fmt: skip


def left_alone(going: Iterable[tuple[int, int]]) -> dict[int, list[Asset]]:
    """By account, the assets that nobody who can act in the app manages without this access: (account id,
    asset id) of each. An account appears with assets that it manages itself."""
    gone = set(going)
    rows = db.execute_sql(
        f"""SELECT x.account_id, x.asset_id, {MANAGES} FROM access x JOIN account a ON a.id = x.account_id
        JOIN asset s ON s.id = x.asset_id AND s.state = 'present'
        WHERE x.privileged AND x.asset_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ORDER BY x.id""",
        (json.dumps(sorted({asset_id for _, asset_id in gone})),)).fetchall()  # fmt: skip
    managed = {asset_id for account_id, asset_id, manages in rows if manages and (account_id, asset_id) not in gone}
    lost = [(account_id, asset_id) for account_id, asset_id, _ in rows
            if (account_id, asset_id) in gone and asset_id not in managed]  # fmt: skip
    assets = {asset.id: asset for asset in _assets({asset_id for _, asset_id in lost})}
    found: dict[int, list[Asset]] = {}
    for account_id, asset_id in lost:
        found.setdefault(account_id, []).append(assets[asset_id])
    return found


def _assets(ids: Collection[int]) -> list[Asset]:
    wanted, found = sorted(ids), []
    for start in range(0, len(wanted), 500):
        found.extend(Asset.select().where(Asset.id.in_(wanted[start : start + 500])))
    return found


def unanswered(alone: Mapping[int, list[Asset]], choices: Choices) -> dict[int, list[Asset]]:
    """What is left of `alone` once `choices` are known: one choice is enough for all who manage an asset together."""
    answered = {asset_id for (account_id, asset_id) in choices if account_id in alone}
    left = {account_id: [asset for asset in assets if asset.id not in answered] for account_id, assets in alone.items()}
    return {account_id: assets for account_id, assets in left.items() if assets}


def manages_with(app: App, role: str) -> bool:
    """Whether this role on an asset makes a manager, by what the app has shown so far."""
    found = db.execute_sql("SELECT 1 FROM access WHERE app_id = ? AND role = ? AND privileged LIMIT 1", (app.id, role))
    return found.fetchone() is not None


def managers_beside(account_id: int, asset_id: int) -> list[int]:
    """The accounts that manage the asset beside this one, and can act in the app."""
    rows = db.execute_sql(
        f"""SELECT a.id FROM access x JOIN account a ON a.id = x.account_id
        WHERE x.asset_id = ? AND a.id <> ? AND {MANAGES} ORDER BY a.last_activity DESC NULLS LAST, a.id""",
        (asset_id, account_id)).fetchall()  # fmt: skip
    return [found for (found,) in rows]


# Nobody can hand the asset `s` over, although its app says of others of its kind who can, or someone accepted it so.
UNMANAGED = f"""s.state = 'present' AND NOT EXISTS (
        SELECT 1 FROM access x JOIN account a ON a.id = x.account_id WHERE x.asset_id = s.id AND {MANAGES})
    AND (EXISTS (SELECT 1 FROM access x JOIN asset o ON o.id = x.asset_id
            WHERE x.app_id = s.app_id AND x.privileged AND o.kind = s.kind)
        OR EXISTS (SELECT 1 FROM hand_over h WHERE h.asset_id = s.id))"""


def count_unmanaged(app: App | None = None) -> dict[int, int]:
    """App id → how many of its assets have no manager, for the apps that have any; one statement for all apps."""
    return _count_unmanaged(app and app.id)


@while_unchanged
def _count_unmanaged(app_id: int | None) -> dict[int, int]:
    rows = db.execute_sql(
        f"""SELECT s.app_id, count(*) FROM asset s JOIN app ON app.id = s.app_id
        WHERE app.state IN ('active', 'paused') AND s.app_id = coalesce(:app, s.app_id) AND {UNMANAGED}
        GROUP BY s.app_id""", {"app": app_id}).fetchall()  # fmt: skip
    return dict(rows)


def unmanaged(app: App) -> list[int]:
    """The ids of the app's assets that nobody manages."""
    return [id for (id,) in db.execute_sql(f"SELECT s.id FROM asset s WHERE s.app_id = ? AND {UNMANAGED}", (app.id,))]


def ready_to_leave(app: App, leaving: list[Change]) -> set[int]:
    """The ids of those removals that a standing approval covers: never of sole managers of an asset, nor of accounts
    that someone has kept, and never all."""
    accounts = [change.account_id for change in leaving]
    stays = sole_assets(accounts).keys() | _kept(accounts)
    ready = {change.id for change in leaving if change.account_id not in stays}
    members = (
        Account.select()
        .where(Account.app == app, Account.is_present, Account.kind == AccountKind.USER)
        .count()
    )
    return ready if len(ready) < members else set()


def _kept(account_ids: Iterable[int]) -> set[int]:
    """Those of these accounts whose removal someone has cancelled since their people have their present status, and
    those of people whose offboarding is planned: that plan decides."""
    rows = db.execute_sql(
        f"""SELECT t.account_id FROM app_task t JOIN account a ON a.id = t.account_id
        JOIN person p ON p.id = a.person_id
        WHERE t.kind = '{TaskKind.REMOVE}' AND t.state = '{TaskState.CANCELLED}' AND t.created_at >= p.status_since
            AND t.account_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:accounts))
        UNION SELECT a.id FROM account a JOIN offboarding o ON o.person_id = a.person_id
        WHERE o.state = '{OffboardingState.SCHEDULED}'
            AND a.id IN (SELECT CAST(value AS INTEGER) FROM json_each(:accounts))""",
        {"accounts": json.dumps(list(account_ids))}).fetchall()  # fmt: skip
    return {account_id for (account_id,) in rows}
