"""The assets of an app, as its pages ask for them: which there are, who has access, who alone controls one.
Set-based: a page of assets is a handful of statements, however many accounts have access."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from peewee import ModelSelect, fn

from connectors.base import NotRead
from sync.apps.kinds import kind_of
from sync.db import db
from sync.listing import Filter, Order, Page, one_of, page_of
from sync.models import Access, Account, App, Asset, Person
from sync.prepared import prepared_plain
from sync.safety import sole_managers
from sync.search import finding
from sync.search.index import Kind
from sync.search.texts import MOST_WORDS
from sync.states import AccountKind, AccountStatus, AssetState

NAMED = 3  # accounts named on an asset's row
CHUNK = 500  # ids in one SQL statement
EVERY_ROLE = "*"  # of a kind of asset, in a connector's asset_roles_by_hand and asset_roles_kept


@dataclass(frozen=True)
class AssetRow:
    """One asset: how many accounts have access, how many control it, and the first of those by name."""

    asset: Asset
    accounts: int
    controllers: int
    names: list[str]


def kinds(app: App) -> list[tuple[str, int]]:
    """The app's kinds of assets and how many there are of each."""
    counted = (
        Asset.select(Asset.kind, fn.COUNT(Asset.id)).where(Asset.app == app, Asset.state == AssetState.PRESENT)
        .group_by(Asset.kind).order_by(Asset.kind)
    )  # fmt: skip
    return list(counted.tuples())


UNMANAGED = "unmanaged"  # in place of a kind: those of every kind that nobody manages


_PRESENT = Access.select(fn.COUNT(Access.id)).join(Account).where(Access.asset == Asset.id, Account.is_present)
ORDER = Order(
    {
        "name": (Asset.name,),
        "kind": (Asset.kind,),
        "accounts": (_PRESENT,),
        "managers": (_PRESENT.where(Access.privileged),),
    },
    ties=(Asset.kind, Asset.name, Asset.id),
)


@dataclass(frozen=True)
class Assets(Filter):
    """`kind` is the app's word for it, or UNMANAGED."""

    search: str = ""
    kind: str = ""


def search(app: App, wanted: Assets, sort: str = "", number: int = 1) -> Page:
    """A page of AssetRow; without a `sort` of ORDER, by kind and name."""
    return page_of(found(app, wanted).order_by(*ORDER.terms(sort)), number, _with_access)


def found(app: App, wanted: Assets) -> ModelSelect:
    """The app's assets that match everything, in no order."""
    query = Asset.select().where(Asset.app == app, Asset.state == AssetState.PRESENT)
    if wanted.kind == UNMANAGED:
        query = query.where(one_of(Asset.id, json.dumps(list(sole_managers.unmanaged(app)))))
    elif wanted.kind:
        query = query.where(Asset.kind == wanted.kind)
    if finding.searches(wanted.search):
        query = query.where(finding.having(Asset.id, Kind.ASSET, wanted.search, app.id))
    return query


DOWNLOADED = ("asset", "name", "kind", "accounts", "managers", "named_managers")


def download(app: App, wanted: Assets, sort: str = "") -> Iterator[tuple]:
    """All assets that the list shows on all its pages, with DOWNLOADED of each; as many managers by name as NAMED."""
    rows = list(found(app, wanted).order_by(*ORDER.terms(sort)))
    for start in range(0, len(rows), CHUNK):
        for row in _with_access(rows[start : start + CHUNK]):
            asset = row.asset
            yield asset.external_id, asset.name, asset.kind, row.accounts, row.controllers, row.names


def may_hold(account: Account, parts: Iterable[NotRead]) -> bool:
    """Whether the account may have access to one of these assets, by what was last known of each.

    It may, if it had access, or if nobody's access to the asset is known, unless that can only mean nobody's.
    """
    for part in parts:
        known = _known_access(account.app_id, part.asset)
        if known.where(Access.account == account).exists() or not (part.if_known or known.exists()):
            return True
    return False


def that_matter(app: App, parts: Iterable[NotRead]) -> list[NotRead]:
    """The parts in which someone may have access, by what was last known."""
    return [part for part in parts if not part.if_known or _known_access(app.id, part.asset).exists()]


def _known_access(app_id: int, external_id: str) -> ModelSelect:
    return Access.select(Access.account).join(Asset).where(Asset.app == app_id, Asset.external_id == external_id)


def _with_access(assets: Iterable[Asset]) -> list[AssetRow]:
    assets = list(assets)
    ids = [asset.id for asset in assets]
    marks = ", ".join("?" * len(ids))
    counted = {
        row[0]: row[1:]
        for row in db.execute_sql(
            f"""
            SELECT x.asset_id, count(*), count(*) FILTER (WHERE x.privileged)
            FROM access x JOIN account a ON a.id = x.account_id
            WHERE x.asset_id IN ({marks}) AND a.state = 'present' GROUP BY x.asset_id
            """,
            ids,
        )
    }
    names: dict[int, list[str]] = {}
    for asset_id, name in db.execute_sql(
        f"""
        SELECT asset_id, name FROM (
            SELECT x.asset_id, coalesce(nullif(a.name, ''), nullif(a.email, ''), a.external_id) AS name,
                row_number() OVER (PARTITION BY x.asset_id ORDER BY a.name, a.id) AS place
            FROM access x JOIN account a ON a.id = x.account_id
            WHERE x.asset_id IN ({marks}) AND a.state = 'present' AND x.privileged) AS managers
        WHERE place <= {NAMED} ORDER BY asset_id, place
        """,
        ids,
    ):
        names.setdefault(asset_id, []).append(name)
    return [AssetRow(asset, *counted.get(asset.id, (0, 0)), names.get(asset.id, [])) for asset in assets]


def chosen(app: App, asset_ids: Iterable[int]) -> list[Asset]:
    """Those of the app's assets that have these ids, by name."""
    found = Asset.select().where(Asset.app == app, Asset.id.in_(list(asset_ids)))
    return list(found.order_by(Asset.name, Asset.id))


def access_to(asset: Asset, number: int = 1) -> Page:
    """A page of Access with accounts and people: who controls the asset first, then by name."""
    query = (
        Access.select(Access, Account, Person).join(Account).left_outer_join(Person)
        .where(Access.asset == asset, Account.is_present)
    )  # fmt: skip
    return page_of(query.order_by(Access.privileged.desc(), Account.name, Account.id), number)


def access_of(account: Account, most: int = 500) -> list[Access]:
    """What this account may use, with the assets, by kind and name."""
    query = Access.select(Access, Asset).join(Asset).where(Access.account == account, Asset.state == AssetState.PRESENT)
    return list(query.order_by(Asset.kind, Asset.name, Asset.id).limit(most))


def count_of(account_ids: list[int]) -> dict[int, int]:
    """Account id → number of assets it can access, for accounts that have any."""
    return dict(_counted(json.dumps(account_ids)))


@prepared_plain
def _counted(account_ids: str) -> ModelSelect:
    counted = Access.select(Access.account, fn.COUNT(Access.id)).where(one_of(Access.account, account_ids))
    return counted.group_by(Access.account)


def may_be_given(app: App, search: str, most: int) -> list[Account]:
    """At most so many accounts that access can be granted to, and that have all the words in name or address."""
    query = Account.select().where(
        Account.app == app, Account.is_present, Account.status == AccountStatus.ACTIVE,
        Account.kind == AccountKind.USER,
    )  # fmt: skip
    for word in search.split()[:MOST_WORDS]:
        query = query.where(Account.name.contains(word) | Account.email.contains(word))
    return list(query.order_by(Account.name, Account.id).limit(most))


def only_by_hand(app: App, kind: str, *asset_roles: str | None) -> str:
    """A sentence if Rollcall can neither give nor change one of these roles on an asset of this kind; "" if it can."""
    connector = kind_of(app)
    found = [role for role in asset_roles if is_among(connector.asset_roles_by_hand, kind, role or "")]
    return f"{_named(kind, found[0])} can only be given and changed in {connector.label} itself." if found else ""


def only_taken_by_hand(app: App, kind: str, asset_role: str) -> str:
    """A sentence if Rollcall can't take away this role on an asset of this kind; "" if it can."""
    connector = kind_of(app)
    if not is_among(connector.asset_roles_kept, kind, asset_role):
        return ""
    return f"{_named(kind, asset_role)} can only be taken away in {connector.label} itself."


def is_among(asset_roles: Collection[tuple[str, str]], kind: str, role: str) -> bool:
    """Whether a connector's set of (kind, role) has this one, or every role of the kind."""
    return (kind, role) in asset_roles or (kind, EVERY_ROLE) in asset_roles


def _named(kind: str, role: str | None) -> str:
    return f"The role “{role}” there" if role else f"Access to this {kind}"


def asset_roles(app: App, kinds: Iterable[str] | None = None) -> list[str]:
    """The roles that accounts have on assets of these kinds, or of all, the most common first: what can be granted
    there."""
    counted = (
        Access.select(Access.role).where(Access.app == app, Access.role != "")
        .group_by(Access.role).order_by(fn.COUNT(Access.id).desc(), Access.role)
    )  # fmt: skip
    if kinds is not None:
        kinds = set(kinds)
        counted = counted.join(Asset).where(Asset.kind.in_(kinds))
    found = [role for (role,) in counted.tuples()]
    if not kind_of(app).asset_roles_by_hand:
        return found
    if kinds is None:
        kinds = {kind for (kind,) in Asset.select(Asset.kind).where(Asset.app == app).distinct().tuples()}
    return [role for role in found if not all(only_by_hand(app, kind, role) for kind in kinds)]
