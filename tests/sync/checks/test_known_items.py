"""An item that came as at the last reading isn't read again. Whatever happens, that makes no difference."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module

import msgspec
import pytest

import connectors
from connectors.base import LOOK_UP, Account, Connector
from connectors.memory import Marked, Unchanged
from connectors.tools.items import Opened, accounts_of
from sync import vault
from sync.apps import apps
from sync.checks import known_items, snapshot
from sync.checks import listed as staging
from sync.checks.known_items import KnownItems
from sync.db import connected, db, utcnow, writing
from sync.jobs import retries
from sync.models import BIT, App, RememberedItems
from sync.models import Account as Row
from sync.postgres.schema import watched
from sync.workspace import update_workspace
from tests.database import ON_FILE
from tests.sync.checks import test_listed
from tests.sync.checks.test_listed import ROLES, SEEN, Twins
from tests.sync.listed import Listed, ListedApp, ListedOperations

STEPS = 20
PAGE = 5
SETS = ("further_roles", "missing_fields", "defaulted_fields")
migration = import_module("sync.migrations.0039_known_items")
later = [import_module(f"sync.migrations.{name}") for name in ("0048_names_that_explain", "0049_reasons")]


def encoded(seat: Account) -> msgspec.Raw:
    """The account as an item of a list."""
    fields = dataclasses.asdict(seat)
    return msgspec.Raw(json.dumps({**fields, **{key: sorted(fields[key]) for key in SETS}}, default=str).encode())


def seat_of(item: dict) -> Account:
    seen = item["last_activity"] and datetime.fromisoformat(item["last_activity"])
    sets = {"further_roles": tuple(item["further_roles"])} | {key: frozenset(item[key]) for key in SETS[1:]}
    return Account(**{**item, **sets, "last_activity": seen})


def read(connector: Connector, seats: Iterator[Account]) -> Iterator[Account | Marked | Unchanged]:
    """As a connector reads pages of items."""
    if connector.known_items is None:
        yield from seats
        return
    opened, page = Opened(connector.known_items, "seats"), []
    for seat in seats:
        page.append(encoded(seat))
        if len(page) == PAGE:
            yield from accounts_of(opened(page), seat_of)
            page = []
    yield from accounts_of(opened(page), seat_of)


class Stories(Twins):
    """Two apps that read the same list. Only the first remembers its items."""

    def write_here(self) -> None:
        """Whatever writes to an account that Rollcall knows: a task, a decision, an import, a command."""
        id, values = self.chance.choice(self.ids() or ["owner"]), self.chance.choice((
            {"role": "guest"}, {"further_roles": ("guest",)}, {"state": "gone", "gone_at": utcnow()},
            {"missing_since": SEEN}, {"held_values": {"role": "guest"}}, {"held_values": None},
            {"name": "Written here"},
            {"email": "p2@acme.example", "email_key": "p2@acme.example"}, {"missing_fields": None},
            {"employee_number": "8"},
            {"match_kind": "guest", "match_by_hand": True},
        ))  # fmt: skip
        for app in self.apps:
            Row.update(values).where(Row.app == app, Row.external_id == id).execute()

    def wait(self) -> None:
        before = utcnow() - self.chance.choice((timedelta(days=6), timedelta(days=8)))
        RememberedItems.update(all_read_at=str(before)).execute()

    def accounts_of(self, connector: Connector) -> Iterator[Account | Marked | Unchanged]:
        return read(connector, self.accounts())


@pytest.fixture
def itemised(listed: Listed, monkeypatch: pytest.MonkeyPatch) -> Listed:
    """Its connector reads item by item."""
    monkeypatch.setattr(ListedApp, "reads_item_by_item", True)
    monkeypatch.setattr(ListedOperations, "reads_item_by_item", False)
    monkeypatch.setattr(ListedApp, "accounts", lambda connector: read(connector, iter([*listed.seats.values()])))
    return listed


@pytest.fixture
def unchanged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that weren't read again, of all readings."""
    ids, compare = [], KnownItems.compare

    def noted(self: KnownItems, what: str, items: list[bytes]) -> list:
        found = compare(self, what, items)
        ids.extend(one.id for one in found if isinstance(one, Unchanged))
        return found

    monkeypatch.setattr(KnownItems, "compare", noted)
    return ids


@pytest.mark.parametrize("capabilities", [{LOOK_UP}, set()], ids=["asked again", "absent twice"])
@pytest.mark.parametrize("seed", range(int(os.environ.get("SEEDS", 4))))
def test_it_makes_no_difference_whatever_happens(itemised, unchanged, monkeypatch, seed, capabilities):
    listed, chance = itemised, random.Random(seed)
    for kind in (ListedApp, ListedOperations):
        monkeypatch.setattr(kind, "capabilities", frozenset(capabilities))
    monkeypatch.setattr(ListedApp, "accounts", lambda connector: twins.accounts_of(connector))
    for place, name, value in ((snapshot, "BATCH", 4), (staging, "BATCHES_IN_FULL", 1),
                               (known_items, "SEARCHED_AROUND", 4), (known_items, "ITEMS_IN_A_ROW", 7),
                               (retries, "WITHIN_CHECK", retries.seconds())):
        monkeypatch.setattr(place, name, value)
    update_workspace(listed.by, guard_accounts=5)
    twins = Stories(listed, chance)
    listed.roles = ROLES
    for number in range(18):
        listed.add(f"first{number}", email=f"p{number}@acme.example", role=chance.choice(("member", "member", "admin")))
    happenings = (twins.add, twins.drop, twins.go_back, *[twins.change] * 2, twins.lose, twins.shuffle, twins.rank,
                  twins.break_off, twins.repeat, twins.leave_or_return, twins.decide, twins.accept_lost,
                  *[twins.write_here] * 4, twins.wait)  # fmt: skip
    for _ in range(STEPS):
        for happening in chance.choices(happenings, k=chance.choice((0, 1, 1, 2))):
            happening()
        twins.past.append({**listed.seats})
        test_listed.check(twins.apps[0])
        with monkeypatch.context() as patch:  # its twin stages each account in full
            patch.setattr(staging.Listed, "_same", lambda self, rows: None)
            test_listed.check(twins.apps[1])
        twins.breaks_at = twins.repeated = None
        one, other = map(test_listed.known, twins.apps)
        for what, found in one.items():
            assert found == other[what], what
    assert unchanged, "every item was read again"


def test_on_the_third_quiet_day_nothing_is_read_again_and_nothing_more_is_written(itemised, unchanged):
    for number in range(12):
        itemised.add(f"id{number}", name=f"Person {number}", seat="full")
    itemised.check()
    assert not RememberedItems.select().exists()
    itemised.check()
    assert unchanged == []
    before = RememberedItems.get()
    itemised.check()
    assert unchanged == list(itemised.seats) and RememberedItems.get() == before
    assert (RememberedItems.select().count(), RememberedItems.get().items) == (1, before.items)


def quiet(itemised: Listed, unchanged: list[str]) -> None:
    """Three readings: each item is remembered, and was trusted once."""
    for number in range(12):
        itemised.add(f"id{number}", name=f"Person {number}", seat="full")
    for _ in range(3):
        itemised.check()
    assert set(unchanged) == set(itemised.seats)
    unchanged.clear()


def test_an_item_is_found_where_the_list_has_moved_and_only_what_differs_is_read(itemised, unchanged):
    quiet(itemised, unchanged)
    del itemised.seats["id2"], itemised.seats["id7"]
    itemised.seats = {"new": Account("new", name="New"), **itemised.seats}
    itemised.say("id5", name="Renamed")
    assert itemised.check().applied == 4
    assert set(unchanged) == set(itemised.seats) - {"new", "id5"}
    assert itemised.account("id5").name == "Renamed" and itemised.account("id2").is_gone


def test_a_value_missing_for_everyone_and_then_given_for_one_is_known_for_all(itemised, unchanged):
    """Items that say nothing new come to mean something else by what others say."""
    for number in range(6):
        itemised.add(f"id{number}", defaulted_fields=frozenset({"seat", "kind"}))
    itemised.say("owner", defaulted_fields=frozenset({"seat", "kind"}))
    for _ in range(3):
        itemised.check()
    both = BIT["seat"] | BIT["kind"]
    assert {(row.missing_fields, row.defaulted_fields) for row in Row.select()} == {(both, 0)}
    assert set(unchanged) == set(itemised.seats), "what only the account.s own answer shows is read again for ever"
    itemised.say("id1", seat="full", defaulted_fields=frozenset({"kind"}))
    unchanged.clear()
    itemised.check()
    assert set(unchanged) == set(itemised.seats) - {"id1"}
    assert {row.external_id: (row.missing_fields, row.defaulted_fields) for row in Row.select()} == {
        id: (BIT["kind"], 0 if id == "id1" else BIT["seat"]) for id in itemised.seats
    }
    itemised.say("id1", seat="", defaulted_fields=frozenset({"seat", "kind"}))
    itemised.check()
    assert {(row.missing_fields, row.defaulted_fields) for row in Row.select()} == {(both, 0)}


COLUMNS = [column for column in watched() if column not in ("app_id", "id")]


@pytest.mark.parametrize("column", COLUMNS)
def test_an_account_that_was_written_is_read_again_no_matter_who_wrote_it(itemised, unchanged, column):
    quiet(itemised, unchanged)
    row = itemised.account("id3")
    other = {"status": "suspended", "state": "removing", "last_activity": SEEN, "missing_since": SEEN,
             "held_values": {"role": "admin"}, "further_roles": ("guest",), "missing_fields": 1,
             "defaulted_fields": 1}  # fmt: skip
    Row.update({column: other.get(column, "another")}).where(Row.id == row.id).execute()
    with snapshot.staging():
        known = KnownItems(itemised.app, connector_of(itemised))
        found = known.compare("seats", [bytes(encoded(seat)) for seat in itemised.seats.values()])
    again = [id for id, one in zip(itemised.seats, found) if not isinstance(one, Unchanged)]
    assert again == ["id3"]


def connector_of(listed: Listed) -> Connector:
    return apps.connector_for(App.get_by_id(listed.app.id))


def test_the_trigger_watches_all_that_a_reading_compares_and_asks():
    columns = set(watched())
    assert set(staging._COMPARED) | {"email_key", "state", "missing_since", "held_values", "app_id"} == columns
    asked = set(re.findall(r"\w+", known_items.IS_TRUSTED)) & set(Row._meta.columns)
    assert {"app_id", "state", "held_values", "missing_since", "status"} <= asked <= columns


def trusted(itemised: Listed, what: str = "seats") -> int:
    """How many of its items need not be read."""
    with snapshot.staging():
        known = KnownItems(App.get_by_id(itemised.app.id), connector_of(itemised))
        found = known.compare(what, [bytes(encoded(seat)) for seat in itemised.seats.values()])
    return sum(isinstance(one, Unchanged) for one in found)


def test_with_another_setting_secret_code_or_list_everything_is_read(itemised, unchanged, monkeypatch):
    quiet(itemised, unchanged)
    everyone = len(itemised.seats)
    assert (trusted(itemised), trusted(itemised, "invitations")) == (everyone, 0)
    with monkeypatch.context() as patch:
        patch.setattr(ListedApp, "read_with", "another description")
        assert trusted(itemised) == 0
    with monkeypatch.context() as patch:
        patch.setattr(known_items, "_hash_of_code", lambda: "another")
        assert trusted(itemised) == 0
    with monkeypatch.context() as patch:
        patch.setattr(known_items, "_hash_of_code", lambda: None)
        assert trusted(itemised) == 0
    with monkeypatch.context() as patch:
        patch.setattr(vault, "unseal", lambda _: {"token": "another"})
        assert trusted(itemised) == 0
    App.update(settings={"space": "another"}).where(App.id == itemised.app.id).execute()
    assert trusted(itemised) == 0


@pytest.mark.parametrize("other", [{"code_and_settings": "another"},
                                   {"all_read_at": str(utcnow() - timedelta(days=1))}],
                         ids=("another key", "another day"))
def test_parts_that_were_not_made_together_are_not_trusted(itemised, unchanged, monkeypatch, other):
    monkeypatch.setattr(known_items, "ITEMS_IN_A_ROW", 5)
    quiet(itemised, unchanged)
    assert RememberedItems.select().count() > 1 and trusted(itemised) == len(itemised.seats)
    RememberedItems.update(other).where(RememberedItems.place == 1).execute()
    assert trusted(itemised) == 0


@pytest.mark.parametrize(("age", "is_trusted"), [
    (timedelta(days=7, minutes=-5), True), (timedelta(days=7), False), (timedelta(minutes=-5), False),
])  # fmt: skip
def test_after_a_week_everything_is_read_and_so_it_is_when_the_clock_was_put_back(itemised, unchanged, age, is_trusted):
    quiet(itemised, unchanged)
    RememberedItems.update(all_read_at=str(utcnow() - age)).execute()
    assert bool(trusted(itemised)) == is_trusted
    itemised.check()
    assert (datetime.fromisoformat(RememberedItems.get().all_read_at) > utcnow() - timedelta(minutes=1)) != is_trusted


def test_a_check_that_fails_remembers_nothing_new(itemised, unchanged):
    quiet(itemised, unchanged)
    before = RememberedItems.get().items
    kept, itemised.seats = itemised.seats, {}
    with pytest.raises(AssertionError, match="empty list"):
        itemised.check()
    assert RememberedItems.get().items == before
    itemised.seats = kept
    assert trusted(itemised) == len(kept)


def test_a_list_that_is_read_once_more_leaves_only_the_items_of_that_reading(itemised, unchanged, monkeypatch):
    monkeypatch.setattr(known_items, "ITEMS_IN_A_ROW", 1)
    quiet(itemised, unchanged)
    with snapshot.staging():
        known = KnownItems(App.get_by_id(itemised.app.id), connector_of(itemised))
        [first, second] = known.compare("seats", [bytes(encoded(itemised.seats[id])) for id in ("id3", "id4")])
        for one in (first, second):
            known.remember(one.row[6], one.row, one.note)
        known.restart()
        known.remember(second.row[6], second.row, second.note)
        known.end_of_list()
        with writing():
            known.save()
    assert [row.items[: known_items.MARK_BYTES] for row in RememberedItems.select()] == [second.row[6]]


def test_an_account_that_has_changed_is_trusted_again_once_it_is_quiet(itemised, unchanged):
    quiet(itemised, unchanged)
    itemised.say("id5", name="Renamed")
    itemised.check()
    assert trusted(itemised) == len(itemised.seats) - 1
    itemised.check()
    assert trusted(itemised) == len(itemised.seats)


def test_the_id_of_a_deleted_account_is_not_trusted_for_another_one(itemised, unchanged):
    quiet(itemised, unchanged)
    last = Row.select().order_by(Row.id.desc()).get()
    last.delete_instance()
    stranger = {"app": itemised.app, "external_id": "stranger", "name": "Stranger", "missing_fields": 0}
    Row.create(id=last.id, **stranger, force_insert=True)  # as SQLite gives the last row's id again
    assert not RememberedItems.select().exists() and trusted(itemised) == 0


def test_the_items_of_another_app_are_not_trusted(itemised, unchanged):
    quiet(itemised, unchanged)
    other = apps.connect("listed-operations", "Another list", {}, [itemised.olga], itemised.by)
    RememberedItems.update(app=other).execute()
    with snapshot.staging():
        found = KnownItems(other, connector_of(itemised)).compare("seats", [bytes(encoded(itemised.seats["id3"]))])
    assert not isinstance(found[0], Unchanged)


def test_parts_of_a_list_may_have_more_notes_together_than_sixteen_bits_count():
    """One note for each account of a large app, as when each one has roles of its own."""
    notes = [(f"roles {number}", 0, 0) for number in range(70_000)]
    whole = known_items._Items()
    for first in (0, 40_000):
        part = known_items._Items()
        for number in range(first, min(first + 40_000, len(notes))):
            part.add(bytes(known_items.MARK_BYTES), number, 1, notes[number])
        whole.extend(known_items._Items.unpacked(json.loads(json.dumps(part.notes)), part.packed()))
    assert list(whole.account_ids) == list(range(70_000))
    assert [whole.notes[number] for number in whole.note_numbers] == notes


@ON_FILE
def test_the_migration_is_undone_and_done_again(itemised, unchanged):
    quiet(itemised, unchanged)
    with connected():
        for rename in reversed(later):
            rename.down(None, db)
        migration.down(None, db)
        made = "SELECT name FROM sqlite_master WHERE name LIKE 'account_version' OR name = 'remembered_items'"
        assert db.execute_sql(made).fetchall() == []
        assert db.execute_sql("SELECT count(*) FROM sqlite_master WHERE name = 'search_account_changed'").fetchone()[0]
        migration.up(None, db)
        for rename in later:
            rename.up(None, db)
    assert trusted(itemised) == 0
    for _ in range(2):
        itemised.check()
    assert trusted(itemised) == len(itemised.seats)


def test_the_connector_reads_item_by_item_where_it_says_so():
    kinds = [kind for kind in connectors.app_connectors().values() if kind.reads_item_by_item]
    assert {"scim"} <= {kind.slug for kind in kinds}


@pytest.mark.parametrize(("row", "is_trusted"), [
    ({}, True), ({"status": "invited"}, True), ({"status": "suspended"}, True), ({"status": "unknown: parked"}, False),
    ({"state": "removing"}, True), ({"state": "gone"}, False), ({"held_values": {"role": "admin"}}, False),
    ({"missing_since": SEEN}, False),
])  # fmt: skip
def test_accounts_of_the_app_are_trusted_that_are_here_and_of_which_nothing_is_held(itemised, row, is_trusted):
    other = apps.connect("listed-operations", "Another list", {}, [itemised.olga], itemised.by)
    mine, elsewhere, more = (Row.create(app=app, external_id=id, **{"status": "active", "state": "present", **row})
                             for app, id in ((itemised.app, "1"), (other, "1"), (itemised.app, "2")))  # fmt: skip
    with snapshot.staging():
        found = KnownItems(itemised.app, connector_of(itemised))._trusted([mine.id, elsewhere.id])
    assert found == ({mine.id: (mine.id, "1", Row.get_by_id(mine.id).version, None, 0)} if is_trusted else {})
    assert more.id not in found
