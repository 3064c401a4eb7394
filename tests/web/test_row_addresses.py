"""An address that is filled in for a row is the one that url_for() builds for it."""

from __future__ import annotations

import pytest
from flask import url_for
from markupsafe import Markup

from sync.models import Account, App
from web.row_addresses import PLACE, Alike, account_address, menu_of_alike, written_alike

BACK = {"a list": "/apps/1/members", "a place": f"/apps/1/members?search={PLACE}", "odd": "/a?x=é&account_id=7"}


@pytest.mark.parametrize("back", BACK.values(), ids=BACK)
def test_it_is_the_address_of_the_row(site, back: str) -> None:
    with site.test_request_context():
        for account in (Account(id=7, app=3), Account(id=8, app=3), Account(id=7, app=4)):
            app_id, id = account.app_id, account.id
            assert account_address("account.show", account) == url_for("account.show", app_id=app_id, account_id=id)
            assert account_address("decisions.new", account, "account", kind="guest", back=back) == url_for(
                "decisions.new", app_id=app_id, account=id, kind="guest", back=back)
            assert account_address("members.match", account, back=back) == url_for(
                "members.match", app_id=app_id, account_id=id, back=back)


def test_a_menu_is_written_once_for_accounts_that_are_alike(site) -> None:
    written, app = [], App(id=3)

    def write(app: App, alike: Alike, can: tuple) -> Markup:
        written.append(alike)
        return Markup('<a href="{}">{}</a>').format(alike.id, alike.match_kind)

    with site.test_request_context():
        menus = [menu_of_alike(write, app, account, ()) for account in (
            Account(id=7, app=3, match_kind="guest"), Account(id=8, app=3, match_kind="guest"),
            Account(id=9, app=3, match_kind="matched"))]  # fmt: skip
    assert menus == ['<a href="7">guest</a>', '<a href="8">guest</a>', '<a href="9">matched</a>']
    assert len(written) == 2


def test_a_menu_with_two_ids_is_written_once_for_rows_that_are_alike(site) -> None:
    written = []

    class Menu:
        name = "menu"

        def __call__(self, id: int, report: int | None, label: str) -> Markup:
            written.append(label)
            return Markup('<a href="{}">{} {}</a>').format(id, report and f"report {report}", label)

    with site.test_request_context():
        menus = [written_alike(Menu(), *values) for values in (
            (7, 70, "x"), (8, 80, "x"), (9, None, "x"), (6, 60, "y"))]  # fmt: skip
    assert menus == ['<a href="7">report 70 x</a>', '<a href="8">report 80 x</a>', '<a href="9">None x</a>',
                     '<a href="6">report 60 y</a>']  # fmt: skip
    assert len(written) == 3


def test_accounts_are_alike_only_if_all_that_a_menu_reads_is() -> None:
    values = {"app": 3, "kind": "user", "status": "active", "match_kind": "matched"}
    others = ({"app": 4}, {"kind": "system"}, {"status": "invited"}, {"match_kind": "guest"}, {"match_by_hand": True},
              {"left_out_reason": "a contractor"}, {"protection_reason": "the owner"})  # fmt: skip
    kinds = {Alike.of(Account(id=id, **values | other)) for id, other in enumerate(({}, *others))}
    assert len(kinds) == len(others) + 1
    assert Alike.of(Account(id=1, **values)) == Alike.of(Account(id=2, name="Ana", **values))
