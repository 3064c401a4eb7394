"""Every filter, order and page of Members: each account once, and the same as plain Python finds and sorts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from peewee import prefetch

from sync.apps import member_list
from sync.apps.member_list import Members
from sync.db import db
from sync.matching import members
from sync.matching.members import LEFT, TABS
from sync.models import BIT, Access, Account, App, Asset, Person, Role
from sync.search.texts import contains, text_of, words_of
from tests.sync.ordered import asks, assert_pages, compared, in_order

READ = datetime(2026, 11, 20, 4, 0)
SEATS = st.fixed_dictionaries({
    "name": st.sampled_from(["", "Ana", "ana", "Élodie", "Bo", "Zoë"]),
    "days": st.none() | st.sampled_from([0, 29, 30, 31, 60, 61, 89, 90, 91, 400]),
    "missing_fields": st.sampled_from([None, 0, BIT["last_activity"], BIT["name"]]),
    "role": st.sampled_from(["", "admin", "member", "unlisted"]),
    "further": st.sampled_from(["[]", None, '["admin"]', '["member","unlisted"]']),
    "match": st.sampled_from(["matched", "matched", "unmatched", "guest", "local partner", "service account"]),
    "state": st.sampled_from(["present", "present", "present", "removing", "gone"]),
    "person": st.sampled_from([None, 0, 1, 2]),
    "asset": st.booleans(),
})  # fmt: skip
VALUES = {
    "tab": ("unmatched", "guests", "service accounts", LEFT),
    "search": ("ana", "é", "x ana"),
    "inactive": ("30", "30", "60", "90", "unknown", "31", "0", "-30", "unknown; --"),
    "role": ("admin", "admin", "member", "nobody", "' OR 1=1 --"),
    "department": ("Sales", "Nowhere"),
    "asset": ("asset", "999999", "x"),
}
POSITIONS = {"admin": (0, "Admin"), "member": (1, "Member")}


def build(app: App, seats: list[dict]) -> Asset:
    Account.delete().where(Account.app == app).execute()
    Role.delete().where(Role.app == app).execute()
    for role, (position, label) in POSITIONS.items():
        Role.create(app=app, external_id=role, label=label, position=position)
    persons = [
        Person.create(name="Left", status="deprovisioned", department="Sales"),
        Person.create(name="Here", status="active", department="Sales"),
        Person.create(name="Other", status="active"),
    ]
    asset = Asset.create(app=app, external_id=f"c{persons[0].id}", kind="channel", name="sales")
    for number, seat in enumerate(seats):
        account = Account.create(
            app=app, external_id=f"a{number}", name=seat["name"], email=f"{number}@acme.example", role=seat["role"],
            last_activity=None if seat["days"] is None else READ - timedelta(days=seat["days"], seconds=1),
            missing_fields=seat["missing_fields"], further_roles=seat["further"], match_kind=seat["match"],
            state=seat["state"],
            person=None if seat["person"] is None else persons[seat["person"]],
            first_seen=READ - timedelta(days=number % 3),
        )  # fmt: skip
        if seat["asset"]:
            Access.create(app=app, account=account, asset=asset)
    App.update(last_check_at=READ).where(App.id == app.id).execute()
    members.recount(app)
    return asset


def has_left(account: Account) -> bool:
    person = account.person
    return account.match_kind == "matched" and account.state != "gone" and person is not None and person.has_left


def on_tab(account: Account, tab: str) -> bool:
    if tab == LEFT:
        return has_left(account)
    return account.state == "present" and account.match_kind in TABS[tab]


def matches(account: Account, wanted: Members) -> bool:
    """In plain Python; tests/sync/search has what it means that a text contains words."""
    known = account.last_activity is not None and not (account.missing_fields or 0) & BIT["last_activity"]
    days = int(wanted.inactive) if wanted.inactive in member_list.INACTIVE else None
    rights = {str(access.asset_id) for access in account.access}
    return all((
        contains(text_of([account.name, account.email]), words_of(wanted.search)),
        not wanted.inactive or (not known if wanted.inactive == "unknown" else
                                known and days is not None and (READ - account.last_activity) > timedelta(days=days)),
        not wanted.role or wanted.role in (account.role, *(account.further_roles or ())),
        not wanted.department or account.person is not None and account.person.department == wanted.department,
        not wanted.asset or wanted.asset in rights,
    ))  # fmt: skip


def by(accounts: list[Account], sort: str) -> list[Account]:
    def value(account: Account) -> list:
        position, label = POSITIONS.get(account.role, (None, None))
        return {
            "name": [account.name], "status": [account.status], "role": [position, label, account.role],
            "active": [account.last_activity], "added": [account.first_seen],
        }[sort.removeprefix("-") or "name"]  # fmt: skip

    return in_order(accounts, value, lambda account: (account.name, account.id), sort.startswith("-"))


@compared(12)
@given(st.lists(SEATS, min_size=9, max_size=12), asks(VALUES, member_list.ORDER), st.booleans())
def test_each_account_once_and_as_plain_python_sorts(chat, short_pages, seats, asked, has_many) -> None:
    with db.atomic() as undone:
        asset = build(chat.app, seats)
        app = App.get_by_id(chat.app.id)
        other = App.create(connector=app.connector, name="Other", category=app.category, settings={})
        for role, match in itertools.product(POSITIONS, ("matched", "unmatched")):
            Account.create(app=other, external_id=role + match, name="Bo", email="bo@acme.example", role=role,
                           match_kind=match, first_seen=READ)  # fmt: skip
        if has_many:  # as far as the list knows: it reads accounts in another way then
            app.users = member_list.MANY + 1
        everyone = list(prefetch(Account.select().where(Account.app == app), Person.select(), Access.select()))
        for values, sort in asked:
            wanted = Members.of(values)
            if wanted.asset == "asset":
                wanted = replace(wanted, asset=str(asset.id))
            found = [row for row in everyone if matches(row, wanted)]
            listed = [row for row in found if on_tab(row, wanted.tab)]
            if wanted.tab == "onboarded" and not sort:
                rest = [row for row in listed if not has_left(row)]
                expected = [row.id for row in by([row for row in found if has_left(row)], "") + by(rest, "")]
                assert sorted(member_list.ids(app, wanted)) == sorted(expected)
            else:
                expected = [row.id for row in by(listed, sort)]
            assert_pages(partial(member_list.search, app, wanted, sort), expected, lambda row: row.id)
        undone.rollback()
