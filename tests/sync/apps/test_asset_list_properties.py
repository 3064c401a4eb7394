"""Every filter, order and page of Assets: each asset once, and the same as plain Python finds, counts and sorts."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from peewee import prefetch

from sync.apps import assets
from sync.apps.assets import UNMANAGED, Assets
from sync.db import db
from sync.models import Access, Account, App, Asset
from sync.search.texts import contains, text_of, words_of
from tests.sync.ordered import asks, assert_pages, compared, in_order

# Whether someone has it as a manager, by account: 0 can act, 1 is suspended, 2 has left the app.
ACCESS = st.dictionaries(st.integers(0, 2), st.booleans(), max_size=3)
ASSETS = st.fixed_dictionaries({
    "name": st.sampled_from(["", "sales", "Sales", "Élysée", "ads"]),
    "kind": st.sampled_from(["channel", "channel", "board"]),
    "state": st.sampled_from(["present", "present", "present", "gone"]),
    "elsewhere": st.sampled_from([False, False, False, True]),
    "access": ACCESS,
})  # fmt: skip
VALUES = {
    "search": ("sales", "é", "x sales"),
    "kind": ("channel", "board", UNMANAGED, UNMANAGED, "Channel", "nothing", "' OR 1=1 --"),
}


def build(chat: App, given_assets: list[dict]) -> None:
    Asset.delete().execute()
    Account.delete().execute()
    other = App.create(connector="scim", name="Other", category="", state="active")
    accounts = [Account.create(app=chat, external_id=str(place), name=str(place), status=status, state=state)
                for place, (status, state) in enumerate((("active", "present"), ("suspended", "present"),
                                                         ("active", "gone")))]  # fmt: skip
    for number, values in enumerate(given_assets):
        app = other if values["elsewhere"] else chat
        asset = Asset.create(app=app, external_id=f"c{number}", **{k: values[k] for k in ("name", "kind", "state")})
        for place, privileged in values["access"].items() if app == chat else ():
            Access.create(app=app, account=accounts[place], asset=asset, privileged=privileged)


def present(asset: Asset) -> list[Access]:
    return [row for row in asset.access if row.account.state == "present"]


def managers(asset: Asset) -> int:
    return sum(row.privileged for row in present(asset))


def is_unmanaged(asset: Asset, among: list[Asset]) -> bool:
    """Nobody who can act manages it, although the app has managers of such assets."""
    known = any(row.privileged for other in among if other.kind == asset.kind for row in other.access)
    return known and not any(row.privileged and row.account.status == "active" for row in present(asset))


def matches(asset: Asset, wanted: Assets, among: list[Asset]) -> bool:
    of_kind = is_unmanaged(asset, among) if wanted.kind == UNMANAGED else wanted.kind in ("", asset.kind)
    return asset.state == "present" and of_kind and contains(text_of([asset.name]), words_of(wanted.search))


def by(found: list[Asset], sort: str) -> list[Asset]:
    def value(asset: Asset) -> list:
        return [{
            "": 0, "name": asset.name, "kind": asset.kind, "accounts": len(present(asset)), "managers": managers(asset),
        }[sort.removeprefix("-")]]  # fmt: skip

    return in_order(found, value, lambda asset: (asset.kind, asset.name, asset.id), sort.startswith("-"))


@compared(15)
@given(st.lists(ASSETS, min_size=7, max_size=9), asks(VALUES, assets.ORDER))
def test_each_asset_once_and_as_plain_python_sorts(chat, short_pages, given_assets, asked) -> None:
    with db.atomic() as undone:
        build(chat.app, given_assets)
        among = list(prefetch(Asset.select().where(Asset.app == chat.app), Access.select(), Account.select()))
        for values, sort in asked:
            wanted = Assets.of(values)
            expected = by([asset for asset in among if matches(asset, wanted, among)], sort)
            ids = [asset.id for asset in expected]
            assert_pages(partial(assets.search, chat.app, wanted, sort), ids, lambda row: row.asset.id)
            shown = [(row[0], row[3], row[4]) for row in assets.download(chat.app, wanted, sort)]
            assert shown == [(asset.external_id, len(present(asset)), managers(asset)) for asset in expected]
        undone.rollback()
