"""What a check wants, row by row of its TEMP table: each account in it, with the reason and its protection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from sync.db import db, utcnow, writing
from sync.models import AcceptedLeaver, Access, Account, Activity, App, Asset, Change, Person, Report
from sync.people import people
from sync.safety import guards, protection, wanted
from sync.workspace import today
from tests.sync.fixtures import email

LAST = ("last administrator", "Protected: the last Owner of the app")


@pytest.fixture
def values(chat) -> Iterator[dict[str, object]]:
    """An empty table. Persons 0 and 1 are the app's owners."""
    Account.update(role="owner").where(Account.email == email(1)).execute()
    with writing():
        wanted.want_nothing()
        yield {"app": chat.app.id, "identity": None, "today": str(today())}


def want(number: int, **columns: object) -> None:
    row = {"kind": "removed user", "account_id": account(number).id, "in_app": True, **columns}
    marks = ", ".join("?" * len(row))
    db.execute_sql(f"INSERT INTO wanted ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def account(number: int) -> Account:
    """In the first app."""
    return Account.select().where(Account.email == email(number)).order_by(Account.app).get()


def rows(*columns: str) -> list[tuple]:
    return db.execute_sql(f"SELECT {', '.join(columns)} FROM wanted ORDER BY account_id, asset_id, kind").fetchall()


def protected() -> list[tuple]:
    return rows("protection", "protection_reason")


# The last administrator


def protect_last(values, *kinds: str) -> list[tuple]:
    protection.protect_last(values, *(kinds or ("removed user",)))
    return protected()


@pytest.mark.parametrize("other", [{}, {"kind": "no longer assigned"}, {"detail": json.dumps({"demotes": True})},
                                   {"kind": "to change role", "detail": json.dumps({"demotes": True})}])  # fmt: skip
def test_administrators_who_would_all_leave_or_be_demoted_stay(values, other):
    want(0)
    want(1, **other)
    both = other.get("kind", "removed user") == "removed user"
    assert protect_last(values) == [LAST, LAST if both else (None, None)]


@pytest.mark.parametrize("other", [
    {"protection_reason": "Protected: a pilot"}, {"left_out_reason": "On leave"}, {"in_app": False},
    {"kind": "to change role"},
    {"kind": "updated role", "detail": json.dumps({"role": "admin"})},
])  # fmt: skip
def test_one_who_stays_an_administrator_lets_the_other_leave(values, other):
    want(0)
    want(1, **other)
    assert protect_last(values) == [(None, None), (None, other.get("protection_reason"))]


@pytest.mark.parametrize("columns", [{"protection_reason": "Protected: a pilot"}, {"left_out_reason": "On leave"},
                                     {"in_app": False},
                                     {"kind": "updated role"}])  # fmt: skip
def test_an_administrator_who_keeps_the_account_is_not_protected_as_the_last(chat, values, columns):
    Account.update(role="member").where(Account.email == email(1)).execute()
    want(0, **columns)
    assert protect_last(values, "removed user", "updated role") == [(None, columns.get("protection_reason"))]


def test_the_words_are_those_of_the_account(chat, values):
    """Several are wanted: a member, an admin of this app, and an owner of the roles of another one."""
    Account.update(role="member").where(Account.email == email(0)).execute()
    Account.update(role="admin").where(Account.email == email(1)).execute()
    for number in (0, 1, 2):
        want(number)
    assert protect_last(values) == [(None, None), (LAST[0], "Protected: the last Admin of the app"), (None, None)]


def test_nobody_wanted_without_an_account_counts(values):
    want(0)
    want(1, account_id=None, kind="removed asset")
    want(1, account_id=None)
    assert set(protect_last(values)) == {(None, None)}


# The other rules


@pytest.mark.parametrize(("columns", "holds"), [
    ({}, True), ({"kind": "no longer assigned"}, False), ({"in_app": False}, False),
    ({"protection": "system", "protection_reason": "Protected: before"}, False)])  # fmt: skip
def test_only_unprotected_removals_in_the_app_get_protected(chat, values, columns, holds):
    Account.update(protection_reason="A pilot").where(Account.email == email(2)).execute()
    want(2, **columns)
    want(3)
    protection.protect("removed user", values)
    before = (columns.get("protection"), columns.get("protection_reason"))
    assert protected() == [("by hand", "Protected: A pilot") if holds else before, (None, None)]


# Leavers


def want_leavers(chat, suspends: bool = False) -> None:
    App.update(removal_suspends=suspends).where(App.id == chat.app.id).execute()
    wanted.want_leavers(App.get_by_id(chat.app.id))


def leave(chat, *numbers: int, **columns: object) -> None:
    Person.update(status="deprovisioned", status_since=utcnow(), **columns).where(
        Person.id.in_([chat.people[number].id for number in numbers])).execute()  # fmt: skip


@pytest.mark.parametrize(("reason", "shown"), [("Marked as left", "Marked as left"), ("", "Left")])
def test_a_leavers_account_is_wanted_with_why(chat, second, values, reason, shown):
    leave(chat, 3, status_reason=reason)
    want_leavers(chat)
    columns = ("kind", "account_id", "asset_id", "in_app", "before", "reason", "left_out_reason", "person_id",
               "protection_reason")
    assert rows(*columns) == [
        ("removed user", account(3).id, None, 1, "Member", shown, None, chat.people[3].id, None)]  # fmt: skip


@pytest.mark.parametrize(("values_of", "suspends", "in_it"), [
    ({"state": "removing"}, False, False), ({"state": "gone"}, False, False), ({"match_kind": "guest"}, False, False),
    ({"match_kind": "service account"}, False, False), ({"status": "suspended"}, False, True),
    ({"status": "suspended"}, True, False), ({"status": "active"}, True, True), ({"person": None}, False, False),
])  # fmt: skip
def test_only_accounts_that_are_there_and_theirs_are_wanted(chat, values, values_of, suspends, in_it):
    leave(chat, 3)
    Account.update(**values_of).where(Account.email == email(3)).execute()
    want_leavers(chat, suspends)
    assert bool(rows("account_id")) is in_it


@pytest.mark.parametrize("status", ["active", "suspended"])
def test_the_removal_of_an_active_person_is_not_wanted(chat, values, status):
    Person.update(status=status).execute()
    want_leavers(chat)
    assert rows("account_id") == []


@pytest.mark.parametrize("statement", [wanted._LEAVERS_BY_PERSON, wanted._LEAVERS_BY_ACCOUNT],
                         ids=["by person", "by account"])
def test_leavers_of_this_app_are_found_from_either_side(chat, second, values, statement):
    leave(chat, 2, 3, 4, 5, 6, 7, 8)
    for number, column in {4: {"state": "gone"}, 5: {"match_kind": "guest"}, 6: {"status": "suspended"}}.items():
        Account.update(column).where(Account.email == email(number)).execute()
    App.update(removal_suspends=True).where(App.id == chat.app.id).execute()
    wanted.want_gone(chat.app, [account(7).id])
    db.execute_sql(statement, values)
    assert rows("account_id", "in_app") == [
        (account(2).id, 1), (account(3).id, 1), (account(7).id, 0), (account(8).id, 1)]  # fmt: skip


@pytest.mark.parametrize(("people", "few"), [(0, True), (2, True), (3, False)])
def test_whether_few_have_left_is_by_the_size_of_the_app(chat, people, few):
    leave(chat, *range(2, 2 + people))
    assert wanted._few_have_left(App(users=wanted.ACCOUNTS_OF_A_PERSON * 3 - 1)) is few


def test_one_that_the_app_no_longer_lists_is_wanted_once(chat, values):
    leave(chat, 3, 4)
    wanted.want_gone(chat.app, [account(3).id])
    want(4, kind="updated role")
    want_leavers(chat)
    assert rows("account_id", "kind", "in_app") == [
        (account(3).id, "removed user", 0), (account(4).id, "removed user", 1), (account(4).id, "updated role", 1)]


def test_all_that_protects_leavers_is_looked_at(chat, values):
    leave(chat, 0, 1, 2, 3)
    Account.update(protection_reason="A pilot").where(Account.email == email(2)).execute()
    App.update(automation_external_id=account(3).external_id).where(App.id == chat.app.id).execute()
    want_leavers(chat)
    assert [row[0] for row in protected()] == [LAST[0], LAST[0], "by hand", "automation account"]


@pytest.mark.parametrize(("days", "kept"), [(0, False), (1, True)])
def test_someone_is_kept_until_the_day(chat, values, days, kept):
    leave(chat, 3, remove_on=today() + timedelta(days=days))
    want_leavers(chat)
    assert [row[0] for row in protected()] == ["kept until" if kept else None]


# Counts


def test_changes_that_need_approval_are_counted_by_kind(values):
    want(2)
    want(3)
    want(4, protection_reason="Protected: a pilot")
    want(5, left_out_reason="On leave")
    want(6, kind="to change role")
    assert wanted.wanted_counts() == {"removed user": 2, "to change role": 1}


def test_assets_that_the_app_no_longer_lists_are_wanted_by_id(chat, values):
    asset, other = (Asset.create(app=chat.app, external_id=name, kind="channel", name=name) for name in ("a", "b"))
    for number, place in ((2, asset), (2, other), (3, asset)):
        Access.create(app=chat.app, account=account(number), asset=place, role="manager")
    wanted.want_gone(chat.app, [account(2).id])
    wanted.want_lost_assets([asset.id])
    wanted.want_lost_access([(account(2).id, asset.id)])
    gone = "No longer in the app's list"
    found = set(rows("kind", "account_id", "asset_id", "in_app", "before", "reason"))
    assert found == {
        ("removed user", account(2).id, None, 0, "Member", gone), ("removed asset", None, asset.id, 0, "a", gone),
        ("revoked access", account(2).id, asset.id, 0, "manager", gone)}  # fmt: skip


@pytest.mark.parametrize(("change", "shown"), [
    ({}, True), ({"protection_reason": None}, False), ({"decided_at": timedelta(seconds=-1)}, False),
    ({"decided_at": timedelta(0)}, True), ({"decided_at": None}, False), ({"app": "second"}, False)])  # fmt: skip
@pytest.mark.parametrize("why", ["Protected: a pilot", None])
def test_a_leaver_shown_in_a_report_decided_since_the_departure_is_known(chat, second, values, change, shown, why):
    leave(chat, 3)
    since = Person.get_by_id(chat.people[3].id).status_since
    want(3, protection_reason=why)
    want(4, protection_reason=why)
    after = change.get("decided_at", timedelta(seconds=1))
    Change.create(
        app=second.app if change.get("app") else chat.app, account=account(3), kind="removed user", decision="ignored",
        protection_reason=change.get("protection_reason", "Protected: before"),
        decided_at=after if after is None else since + after,
        report=Report.create(app=chat.app, state="applied"),
    )  # fmt: skip
    assert wanted.mailed_before(chat.app) == ({account(3).id} if shown and why else set())


def test_it_is_known_by_a_report_about_this_person_that_no_acceptance_has_followed(chat, values):
    leave(chat, 3)
    shown_at = Person.get_by_id(chat.people[3].id).status_since + timedelta(seconds=1)
    want(3, protection_reason="Protected: a pilot")
    Change.create(app=chat.app, account=account(3), kind="removed user", decision="ignored", decided_at=shown_at,
                  person=chat.people[3], protection_reason="Protected: before",
                  report=Report.create(app=chat.app, state="applied"))  # fmt: skip
    assert wanted.mailed_before(chat.app) == {account(3).id}
    for other in ({"decision": "applied"}, {"person": chat.people[4]}):
        with db.atomic() as attempt:
            Change.update(other).execute()
            assert wanted.mailed_before(chat.app) == set()
            attempt.rollback()
    for number, later, is_known in ((4, 0, True), (3, -1, True), (3, 0, False)):
        accepted = AcceptedLeaver.create(account=account(number), person=chat.people[3], reason="Handing over",
                                         protection="by hand", until=today(), accepted_by="Olga",
                                         ended_at=shown_at + timedelta(seconds=later))  # fmt: skip
        assert wanted.mailed_before(chat.app) == ({account(3).id} if is_known else set())
        accepted.delete_instance()


# Guards


def test_a_person_with_several_changes_counts_once_in_a_mass(chat):
    report = Report.create(app=chat.app, state="applied")
    for number in range(3):
        for kind in ("to invite", "to change role"):
            Change.create(app=chat.app, report=report, kind=kind, decision="confirmed", person=chat.people[number])
    both = ("to invite", "to change role")
    assert not guards.is_mass_of(chat.app, both, 2) and guards.is_mass_of(chat.app, both, 3)


def test_an_account_without_a_person_counts_as_itself(chat):
    report = Report.create(app=chat.app, state="applied")
    for number in (1, 2, 3):
        Change.create(app=chat.app, report=report, kind="to change role", decision="confirmed",
                      account=account(number))  # fmt: skip
    Change.create(app=chat.app, report=report, kind="to change role", decision="confirmed",
                  person=account(1).id)  # not the account of this number  # fmt: skip
    kinds = ("to change role",)
    assert not guards.is_mass_of(chat.app, kinds, 1) and guards.is_mass_of(chat.app, kinds, 2)


@pytest.mark.parametrize("kind", list(guards.GUARDS))
@pytest.mark.parametrize("place", [0, 1])
def test_an_app_has_a_guard_of_its_own_where_one_of_its_numbers_is_set(chat, kind, place):
    app = App.get_by_id(chat.app.id)
    assert not any(guards.has_own_guard(app, other) for other in guards.GUARDS)
    default = guards.workspace_guard()
    assert guards.guard_of(app, kind) == default
    setattr(app, guards.GUARDS[kind][place], 0)
    assert [other for other in guards.GUARDS if guards.has_own_guard(app, other)] == [kind]
    own = guards.guard_of(app, kind)
    assert (own.accounts, own.percent) == ((0, default.percent) if place == 0 else (default.accounts, 0))


def test_only_waiting_changes_of_the_same_app_count(chat, second):
    people.mark_left(chat.people[3], chat.by)
    for one in (chat, second):
        one.check()
    assert guards.waiting_beside(chat.app, [], "needs confirmation") == 1


# What an owner has accepted


def accept(chat, number: int, **columns: object) -> AcceptedLeaver:
    values = {"account": account(number), "person": chat.people[number], "protection": "by hand", "reason": "A pilot",
              "until": today() + timedelta(days=1), "accepted_by": "Olga", "accepted_at": utcnow()}  # fmt: skip
    return AcceptedLeaver.create(**values | columns)


AGO = timedelta(minutes=1)


@pytest.mark.parametrize(("columns", "row", "why"), [
    ({}, {}, None),
    ({}, {"protection": None}, "The account can be removed now"),
    ({"until": timedelta(0)}, {}, "The day to look again has come"),
    ({"until": timedelta(days=-1)}, {}, "The day to look again has come"),
    ({"until": timedelta(0)}, {"protection": None}, "The account can be removed now"),
    ({}, {"protection": "legal hold"}, "It is protected for another reason now"),
    ({"accepted_at": -2 * AGO}, {}, "They have left once more since"),
    ({"accepted_at": -AGO}, {}, None),  # they left in the same instant
    ({"person": 4}, {}, "They have left once more since"),
    ({"ended_at": AGO}, {}, ""),
    ({}, {"kind": "no longer assigned"}, ""), ({}, {"in_app": False}, ""),
])  # fmt: skip
def test_an_acceptance_holds_for_its_reason_its_day_and_this_departure(chat, values, columns, row, why):
    """None: it holds. Empty: it is neither used nor ended."""
    left = utcnow()
    leave(chat, 3)
    Person.update(status_since=left - AGO).where(Person.id == chat.people[3].id).execute()
    begins = {"until": today(), "accepted_at": left, "ended_at": left}
    set_to = {name: begins[name] + value if name in begins else chat.people[value] for name, value in columns.items()}
    accepted, other = accept(chat, 3, **set_to), accept(chat, 5)
    want(3, **{"protection": "by hand", "protection_reason": "Protected: a pilot"} | row)
    want(6, protection="by hand", protection_reason="Protected: a pilot")
    wanted._note_accepted(chat.app, values)
    assert rows("accepted") == [(accepted.id if why is None else None,), (None,)]
    assert (AcceptedLeaver.get_by_id(accepted.id).ended_at is not None) == bool(why or columns.get("ended_at"))
    entries = [(row.who, row.why) for row in Activity.select().where(Activity.what == "ended acceptance")]
    assert entries == ([("Rollcall", why)] if why else [])
    assert AcceptedLeaver.get_by_id(other.id).ended_at is None


STUCK = {"protection": "by hand", "protection_reason": "Protected: a pilot"}
BY_RULES = {"kind": "no longer assigned"}


@pytest.mark.parametrize(("columns", "mailed", "waits"), [
    ({}, False, True), (STUCK, False, True), (STUCK, True, True), (BY_RULES, False, True), (BY_RULES, True, True),
    (BY_RULES | STUCK, False, True), (BY_RULES | STUCK, True, False), ({"in_app": False} | STUCK, True, False),
    ({"in_app": False} | STUCK, False, True), ({"left_out_reason": "On leave"}, False, False),
    ({"accepted": 1}, False, False),
    (STUCK | {"protection": "kept until"}, False, False), (STUCK | {"protection": None}, False, True),
])  # fmt: skip
def test_something_waits_unless_it_is_decided_or_only_protected_and_was_shown(chat, values, columns, mailed, waits):
    assert not wanted.someone_waits(chat.app)
    leave(chat, 3)
    want(3, **columns)
    if mailed:
        Change.create(app=chat.app, account=account(3), kind="removed user", decision="ignored",
                      protection_reason="Protected",
                      decided_at=utcnow() + AGO, report=Report.create(app=chat.app, state="applied"))  # fmt: skip
    assert wanted.someone_waits(chat.app) is waits
