"""An account that is listed exactly as it is known isn't staged in full. Whatever happens, that makes no difference."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connectors.base import LOOK_UP, OPTIONAL_FIELDS, Refused, Role
from sync.apps import apps
from sync.checks import checks, known_columns, snapshot
from sync.checks import listed as staging
from sync.db import db
from sync.jobs import asking, retries
from sync.models import BIT, Account, App, Check
from sync.people import people
from sync.reports import reports
from sync.safety import lost_fields
from sync.workspace import update_workspace
from tests.database import ON_FILE
from tests.sync.listed import Listed, ListedApp, ListedOperations

SEEN = datetime(2026, 11, 1)
STEPS = 14
NAMES = ("one", "two", "three", "four")
ROLES = [Role("admin", "Admin", privileged=True), Role("member", "Member", default=True), Role("guest", "Guest")]


class Twins:
    """Two apps that read the same list. Only one of them compares while it reads."""

    def __init__(self, listed: Listed, chance: random.Random):
        self.listed, self.chance = listed, chance
        self.past: list[dict] = [{}]
        self.breaks_at: int | None = None
        self.repeated: dict[str, object] | None = None  # what an account has when it comes a second time
        self.apps = [listed.app, apps.connect("listed-operations", "Its twin", {}, [listed.olga], listed.by)]
        for app, name in zip(self.apps, ("Twin one", "Twin two")):
            App.update(name=name).where(App.id == app.id).execute()
            app.name = name
        self.people = [people.add(f"Person {number}", f"p{number}@acme.example", listed.by) for number in range(6)]

    def ids(self) -> list[str]:
        return list(self.listed.seats)

    def some(self) -> list[str]:
        return self.chance.sample(self.ids(), min(len(self.ids()), self.chance.choice((1, 1, 2, 3, 100))))

    # What may happen to the list

    def add(self) -> None:
        number = self.chance.randrange(40)
        self.listed.add(f"id{number}", email=f"P{number}@acme.example", name=f"Person {number}",
                        last_activity=self.chance.choice((None, SEEN)), role=self.chance.choice(("member", "guest")))

    def drop(self) -> None:
        for id in self.some()[:10]:
            del self.listed.seats[id]

    def change(self) -> None:
        field, values = self.chance.choice((
            ("name", NAMES), ("role", ("admin", "member", "guest", "")), ("further_roles", ((), ("guest",))),
            ("status", ("active", "suspended", "invited", "unknown: parked")), ("kind", ("user", "system")),
            ("last_activity", (None, SEEN, SEEN + timedelta(hours=1))), ("seat", ("", "full", "a\x1fb")),
            ("email", ("", "p1@acme.example", "P2@acme.example")), ("user_name", ("", "p1", "p3", "p\x1f3")),
            ("employee_number", ("", "7")), ("missing_fields", (frozenset(), frozenset({"role", "status", "name"}))),
            ("defaulted_fields", (frozenset(), frozenset({"status", "seat", "role"}))),
        ))  # fmt: skip
        value = self.chance.choice(values)
        for id in self.some():
            self.listed.say(id, **{field: value})

    def lose(self) -> None:
        field = self.chance.choice(OPTIONAL_FIELDS)
        empty = {"last_activity": None, "kind": "user", "status": "active"}.get(field, "")
        how = self.chance.choice(("missing_fields", "defaulted_fields"))
        for id, seat in self.listed.seats.items():
            self.listed.seats[id] = replace(seat, **{field: empty, how: getattr(seat, how) | {field}})

    def go_back(self) -> None:
        """All accounts are as they were once, or those that are missing are back."""
        before = self.chance.choice(self.past)
        self.listed.seats = {**before} if self.chance.random() < 0.5 else {**before, **self.listed.seats}

    def shuffle(self) -> None:
        seats = list(self.listed.seats.items())
        self.chance.shuffle(seats)
        self.listed.seats = dict(seats)

    def rank(self) -> None:
        self.listed.roles = [replace(role, privileged=self.chance.random() < 0.4) for role in self.listed.roles]

    def break_off(self) -> None:
        self.breaks_at = self.chance.randrange(len(self.listed.seats) + 1)

    def repeat(self) -> None:
        self.repeated = self.chance.choice(({}, {"name": "Twice"}))

    # What may happen here

    def leave_or_return(self) -> None:
        person = self.chance.choice(self.people)
        with suppress(people.PeopleProblem):
            self.chance.choice((people.mark_left, people.mark_returned))(person, self.listed.by)

    def decide(self) -> None:
        release = self.chance.random() < 0.7
        for app in self.apps:
            report = reports.open_report(app)
            if report is None:
                continue
            with suppress(reports.ReportProblem):
                (reports.release if release else reports.finish)(report, self.listed.by)

    def accept_lost(self) -> None:
        for app in self.apps:
            lost_fields.accept(app, self.listed.by)

    def accounts(self) -> Iterator:
        seats = list(self.listed.seats.values())
        for place, seat in enumerate(seats):
            if place == self.breaks_at:
                raise Refused("It broke off.")
            yield seat
        if self.repeated is not None and seats:
            yield replace(seats[len(seats) // 2], **self.repeated)


def check(app: App) -> Check:
    asked = asking.ask(app, "schedule")
    checks.run(asked.id)
    return Check.get_by_id(asked.id)


def known(app: App) -> dict[str, list[str]]:
    """All that a check can change of an app, without the ids and the times."""
    accounts = """external_id, email, email_key, name, status, role, kind, last_activity, seat, user_name,
        employee_number, further_roles, missing_fields, defaulted_fields, held_values, state,
        missing_since IS NULL, gone_at IS NULL,
        match_kind, match_by_hand, person_id, moved_email_key"""
    changes = """a.external_id, c.kind, c.decision, c.before, c.after, c.in_app, c.reason, c.protection,
        c.protection_reason, c.person_id, c.detail, r.state, c.report_id IS NULL"""
    return {
        "accounts": rows(f"SELECT {accounts} FROM account WHERE app_id = ?", app),
        "changes": rows(f"""SELECT {changes} FROM change c LEFT JOIN account a ON a.id = c.account_id
                            LEFT JOIN report r ON r.id = c.report_id WHERE c.app_id = ?""", app),
        "roles": rows("SELECT external_id, label, privileged, is_default, position FROM role WHERE app_id = ?", app),
        "checks": rows("""SELECT state, error, advice, warning, counts, accounts, applied, waiting, held
                          FROM app_check WHERE app_id = ?""", app),
        "app": rows("SELECT users, matched, unmatched, guests, service_accounts, missing_fields, failures FROM app "
                    "WHERE id = ?", app),
        "activity": rows("SELECT what, before, after, why, person_id FROM activity WHERE app_id = ?", app),
    }  # fmt: skip


def rows(query: str, app: App) -> list[str]:
    return sorted(repr(row).replace(app.name, "the app") for row in db.execute_sql(query, (app.id,)).fetchall())


@pytest.mark.parametrize("capabilities", [{LOOK_UP}, set()], ids=["asked again", "absent twice"])
@pytest.mark.parametrize("seed", range(int(os.environ.get("SEEDS", 3))))
def test_it_makes_no_difference_whatever_happens(listed, monkeypatch, seed, capabilities):
    chance = random.Random(seed)
    for kind in (ListedApp, ListedOperations):
        monkeypatch.setattr(kind, "capabilities", frozenset(capabilities))
    monkeypatch.setattr(ListedApp, "accounts", lambda connector: twins.accounts())
    monkeypatch.setattr(snapshot, "BATCH", 5)
    monkeypatch.setattr(staging, "BATCHES_IN_FULL", 1)
    monkeypatch.setattr(retries, "WITHIN_CHECK", retries.seconds())
    update_workspace(listed.by, guard_accounts=5)
    twins = Twins(listed, chance)
    listed.roles = ROLES
    for number in range(12):
        listed.add(f"first{number}", email=f"p{number}@acme.example", role=chance.choice(("member", "member", "admin")))
    happenings = (twins.add, twins.drop, *[twins.go_back] * 3, *[twins.change] * 3, twins.lose,
                  twins.shuffle, twins.rank, twins.break_off, twins.repeat, twins.leave_or_return, twins.decide,
                  twins.accept_lost)  # fmt: skip
    same, whole = [], staging.Listed._same
    monkeypatch.setattr(staging.Listed, "_same", lambda self, rows: same.append(whole(self, rows)) or same[-1])
    for _ in range(STEPS):
        for happening in chance.choices(happenings, k=chance.choice((0, 1, 1, 2))):
            happening()
        twins.past.append({**listed.seats})
        check(twins.apps[0])
        with monkeypatch.context() as patch:
            patch.setattr(staging.Listed, "_same", lambda self, rows: None)
            check(twins.apps[1])
        twins.breaks_at = twins.repeated = None
        one, other = map(known, twins.apps)
        for what, found in one.items():
            assert found == other[what], what
    assert any(same), "nothing was compared while it was read"


@pytest.mark.parametrize("name", ["First", "Second"])
def test_an_account_that_comes_again_in_a_later_part_repeats_the_list(listed, monkeypatch, name):
    listed.add("one", name="First")
    listed.check()
    reading = staging.Listed(listed.app)
    with snapshot.staging():
        reading.clear()
        parts = [listed.seats["one"]], [replace(listed.seats["one"], name=name)]
        counted = [reading.stage(part) for part in parts]
        assert counted == [1, 0] or reading.repeats()


@pytest.mark.parametrize(("known", "in_full"), [
    ({"first_seen": SEEN}, False), ({"state": "removing"}, False), ({"match_by_hand": True}, False),
    ({"state": "gone"}, True), ({"held_values": {"role": "admin"}}, True), ({"missing_since": SEEN}, True),
    ({"further_roles": None}, True), ({"missing_fields": None}, True), ({"name": "Another"}, True),
    ({"defaulted_fields": 1}, True),
])  # fmt: skip
def test_only_an_account_that_is_exactly_as_it_is_known_and_nothing_more_is_not_staged_in_full(listed, known, in_full):
    for id in ("one", "two", "three"):
        listed.add(id, name="Ana", last_activity=SEEN, user_name="ana", seat="full")
    listed.check()
    Account.update(known).where(Account.external_id == "one").execute()
    with snapshot.staging():
        reading = staging.Listed(listed.app)
        reading.clear()
        assert reading.stage([listed.seats[id] for id in ("one", "two", "three")]) == 3
        staged = [id for (id,) in db.execute_sql("SELECT external_id FROM staged_account").fetchall()]
    assert staged == (["one"] if in_full else [])


def in_full(listed: Listed, ids: list[str]) -> list[str]:
    """Those that are staged in full when these are read."""
    with snapshot.staging():
        reading = staging.Listed(listed.app)
        reading.clear()
        assert reading.stage([listed.seats[id] for id in ids]) == len(ids)
        return [id for (id,) in db.execute_sql("SELECT external_id FROM staged_account ORDER BY 1").fetchall()]


@pytest.mark.parametrize("ids", [
    ["id00", "id01", "id02"], ["id02", "id00", "id01"], ["id59", "id00"],
    ["id59", *(f"id{number}" for number in range(20, 40)), "id00"],
], ids=["in order", "in another order", "with many others between", "with others between most and a few"])  # fmt: skip
def test_the_order_of_the_list_makes_no_difference(listed, ids):
    for number in range(60):
        listed.add(f"id{number:02}", name=f"Person {number}", last_activity=SEEN)
    listed.check()
    assert in_full(listed, ids) == []
    listed.add("id000")
    listed.say("id00", last_activity=SEEN + timedelta(seconds=1))
    assert in_full(listed, ["id000", *ids]) == ["id00", "id000"]


def test_accounts_beside_a_value_that_no_column_can_hold_are_staged_in_full(listed):
    for id, seat in (("one", "full"), ("two", f"a{known_columns.BETWEEN}b")):
        listed.add(id, seat=seat)
    listed.check()
    assert in_full(listed, ["one", "two"]) == ["one", "two"]


def test_accounts_with_many_others_between_are_asked_for_by_their_ids(listed):
    for number in range(60):
        listed.add(f"id{number:02}")
    listed.check()
    reading = staging.Listed(listed.app)
    [(near, _)], [(far, _)] = reading._which(["id00", "id02"]), reading._which(["id00", "id59"])
    assert "BETWEEN" in near and "BETWEEN" not in far


@ON_FILE  # a server has times, not texts
def test_a_stored_time_that_cant_be_read_is_replaced(listed):
    listed.add("one", last_activity=SEEN)
    listed.check()
    db.execute_sql("UPDATE account SET last_activity = 'in May' WHERE external_id = 'one'")
    assert in_full(listed, ["one"]) == ["one"]


def test_an_unknown_status_is_staged_in_full(listed):
    listed.add("one", status="unknown: parked")
    listed.check()
    assert "a status that Rollcall does not know" in listed.check().warning


def test_a_value_assumed_for_everyone_counts_as_left_out_for_everyone(listed):
    for id in ("owner", "one", "two"):
        listed.add(id, defaulted_fields=frozenset({"seat"}))
    listed.add("three", seat="full")
    listed.check()
    listed.check()
    assert {row.defaulted_fields for row in Account.select()} == {0, BIT["seat"]}
    del listed.seats["three"]
    listed.check()
    assert {(row.missing_fields, row.defaulted_fields) for row in Account.select().where(Account.is_present)} == {
        (BIT["seat"], 0)}


NONE, SEAT, BOTH = frozenset(), frozenset({"seat"}), frozenset({"seat", "name"})


# What the app leaves out of an account (missing_fields, defaulted_fields), before and now. The others say everything.
@pytest.mark.parametrize(("before", "now"), [
    ((SEAT, NONE), (NONE, SEAT)), ((NONE, SEAT), (SEAT, NONE)), ((BOTH, SEAT), (BOTH, NONE)),
    ((BOTH, NONE), (BOTH, SEAT)), ((SEAT, BOTH), (NONE, BOTH)), ((NONE, BOTH), (SEAT, BOTH)),
])  # fmt: skip
def test_missing_and_assumed_values_are_known_separately(listed, before, now):
    listed.add("one", name="One", seat="full")
    for missing_fields, defaulted_fields in (before, now):
        listed.say("one", missing_fields=missing_fields, defaulted_fields=defaulted_fields)
        listed.check()
        account = listed.account("one")
        assert account.missing_fields == sum(BIT[field] for field in missing_fields)
        assert account.defaulted_fields == sum(BIT[field] for field in defaulted_fields)
