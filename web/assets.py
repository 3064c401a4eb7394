"""The Assets tab of an app: its assets, and who has access to each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, request, url_for

from connectors.base import GRANT, REVOKE
from sync.apps import assets
from sync.apps.assets import AssetRow as Found
from sync.apps.assets import Assets
from sync.models import Access, App, Asset
from sync.names import account_name, asset_name
from sync.safety import sole_managers
from sync.states import AppManager, AssetState, ListName, PersonStatus
from web import saved_views
from web.answers import dialog
from web.app_page import can, kind_of, match_in_words, owns, page
from web.components import OnlyManager
from web.list_view import Column, Listed, ListHead, Shortcut, filter_field
from web.permissions import app_manager
from web.words import number, plural

pages = Blueprint("assets", __name__, url_prefix="/apps/<int:app_id>/assets")


COLUMNS = [
    Column("Name", "name"),
    Column("Kind", "kind"),
    Column("Accounts", "accounts", "number", up="fewest first", down="most first", down_first=True),
    Column("Managers", "managers", up="fewest first", down="most first"),
]


@dataclass(frozen=True)
class Row:
    """An asset in the list."""

    id: int
    name: str
    kind: str
    accounts: int
    managers: str  # by name; empty where nobody in the list manages it
    one_manager: bool
    unmanaged: bool  # others of its kind have managers, or someone accepted that it has none

    @property
    def accounts_word(self) -> str:
        """The noun for the number, shown where no column head says it."""
        return "account" if self.accounts == 1 else "accounts"


@dataclass(frozen=True)
class AccessRow:
    """An account with access to an asset."""

    account_id: int
    name: str
    email: str
    role: str
    manages: bool
    person: str
    status: str  # of the person, where it isn't the usual one
    access: Access


@pages.get("")
@app_manager(AppManager.COLLABORATOR)
def index(app: App) -> str:
    wanted = Assets.of(request.args)
    listed = Listed(url_for("assets.index", app_id=app.id), wanted, assets.ORDER)
    found = assets.search(app, wanted, listed.sort, request.args.get("page", 1, type=int))
    without = sole_managers.count_unmanaged(app).get(app.id, 0)
    unmanaged = set(sole_managers.unmanaged(app)) if without else set()
    return page(
        app, "assets/index.html", "assets/_list.html", page=found, unmanaged=_unmanaged(app, without),
        rows=[_row(row, unmanaged) for row in found.rows], filtered=bool(wanted.asked), search=wanted.search,
        heads=listed.heads(COLUMNS), list_head=_list_head(app, listed, without),
        address=listed.address, download=listed.download(url_for("downloads.of_assets", app_id=app.id)),
    )  # fmt: skip


WITHOUT = "Without a manager"


def _list_head(app: App, listed: Listed, without: int) -> ListHead:
    labels = {"kind": lambda value: WITHOUT if value == assets.UNMANAGED else f"Kind: {value}"}
    to_unmanaged = listed.to(replace(listed.wanted, kind=assets.UNMANAGED), listed.sort)
    offered = without and listed.wanted.kind != assets.UNMANAGED
    return listed.head(
        COLUMNS, "By kind", labels, listed.filters(url_for("assets.filters", app_id=app.id)),
        [Shortcut(WITHOUT, without, to_unmanaged, "user-off")] if offered else [],
        saved_views.of_list(ListName.ASSETS, listed, app),
    )  # fmt: skip


@pages.get("/filters")
@app_manager(AppManager.COLLABORATOR)
def filters(app: App) -> tuple[str, int]:
    """The dialog with all filters of the list: its form goes back to the list."""
    wanted = Assets.of(request.args)
    listed = Listed(url_for("assets.index", app_id=app.id), wanted, assets.ORDER)
    kinds = [(kind, f"{kind.capitalize()}s ({number(count)})") for kind, count in assets.kinds(app)]
    if without := sole_managers.count_unmanaged(app).get(app.id, 0):
        kinds.append((assets.UNMANAGED, f"{WITHOUT} ({number(without)})"))
    return dialog(
        "lists/_filters.html", f"Filter {kind_of(app).asset_word}s", here=listed.here, back=listed.address,
        fields=[filter_field("kind", "Kind", kinds, wanted.kind)], kept=listed.kept_beside("kind"),
    )  # fmt: skip


def _unmanaged(app: App, count: int) -> str:
    word = kind_of(app).asset_word
    return f"{plural(count, f'{word} has', f'{word}s have')} no manager." if count else ""


def _row(row: Found, unmanaged: set[int]) -> Row:
    more = row.controllers - len(row.names)
    managers = ", ".join(row.names) + (f" and {number(more)} more" if more > 0 else "")
    return Row(row.asset.id, asset_name(row.asset), row.asset.kind.capitalize(), row.accounts,
                    managers if row.controllers else "", row.controllers == 1, row.asset.id in unmanaged)  # fmt: skip


@pages.get("/<int:asset_id>")
@app_manager(AppManager.COLLABORATOR)
def show(app: App, asset: Asset) -> str:
    found = assets.access_to(asset, request.args.get("page", 1, type=int))
    may_change, able = owns() and asset.state == AssetState.PRESENT, can(app)
    may_grant, may_revoke = may_change and GRANT in able, may_change and REVOKE in able
    ticks = may_grant or may_revoke
    gone = " · no longer in the app" if asset.state == AssetState.GONE else ""
    return page(
        app, "assets/show.html", "assets/_access.html", asset=asset, name=asset_name(asset), page=found,
        subtitle=f"{asset.kind.capitalize()}{gone}", rows=[_access(access) for access in found.rows],
        only_manager=_only_manager(app, asset, found.rows) if found.number == 1 else None,
        may_grant=may_grant, may_revoke=may_revoke, ticks=ticks,
        columns=([("", "tick")] if ticks else []) + ["Account", "Role here", "Person", "Last active"],
        address=url_for("assets.show", app_id=app.id, asset_id=asset.id) + "?",
    )  # fmt: skip


def _only_manager(app: App, asset: Asset, first: list[Access]) -> OnlyManager | None:
    """Managers come first, so the first page has every manager, or more than one."""
    managers = [access for access in first if access.privileged]
    if len(managers) != 1:
        return None
    return OnlyManager(f"{account_name(managers[0].account)} is the only manager of this {asset.kind}.",
                       f"Make someone else in {app.name} a manager too, so that it isn't lost with one account.")


def _access(access: Access) -> AccessRow:
    account, person = access.account, access.account.person
    return AccessRow(
        account.id, account_name(account), account.email or "", access.role.capitalize() or "–", access.privileged,
        match_in_words(account), person.status if person and person.status != PersonStatus.ACTIVE else "", access,
    )  # fmt: skip
