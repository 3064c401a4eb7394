"""Who may follow as a manager: the accounts that are offered, in order and at most so many, and those that are allowed;
which assets have no manager, and leavers in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync.models import Access, Account, App, Asset, Change, HandOver, Person, Report
from sync.safety import leaving, sole_managers, successors
from sync.safety.successors import SuccessorProblem

LONG_AGO = datetime(2026, 1, 1)


@pytest.fixture
def app(home) -> App:
    return App.create(connector="listed", name="Listed", category="Test", state="active")


@pytest.fixture
def other(app) -> App:
    return App.create(connector="listed", name="Other", category="Test", state="active")


def account(app: App, name: str, days: int | None = None, **values: object) -> Account:
    """`days`: when it was last active, counted from a day long ago."""
    last = None if days is None else LONG_AGO + timedelta(days=days)
    return Account.create(app=app, external_id=name, name=name, last_activity=last, **values)


def asset(app: App, name: str, **values: object) -> Asset:
    return Asset.create(app=app, external_id=name, **{"kind": "room", "name": name, **values})


def give(one: Account, place: Asset, privileged: bool = False) -> Access:
    return Access.create(app=one.app, account=one, asset=place, role="x", privileged=privileged)


def names(accounts: list[Account]) -> list[str]:
    return [one.name for one in accounts]


MAY = [
    ({}, True), ({"status": "suspended"}, False), ({"status": "invited"}, False), ({"kind": "system"}, False),
    ({"state": "removing"}, False), ({"state": "gone"}, False), ({"left": "matched"}, False),
    ({"left": "service account"}, True), ({"left": "guest"}, True), ({"here": "matched"}, True),
]  # fmt: skip


def made(app: App, values: dict[str, object]) -> Account:
    values = dict(values)
    for word, status in (("left", "deprovisioned"), ("here", "active")):
        if word in values:
            person = Person.create(name="Ada", status=status)
            values = {"match_kind": values[word], "person": person}
    return account(app, "One", **values)


@pytest.mark.parametrize(("values", "may"), MAY)
def test_each_way_to_ask_agrees_on_who_can_manage_an_asset(app, values, may):
    one, room = made(app, values), asset(app, "Red")
    give(one, room)
    found = successors.candidates(app, [room.id], [])
    assert (found.with_access, found.others) == (({room.id: [one]}, [one]) if may else ({}, [])) and not found.more
    if may:
        assert successors.allowed(app, one.id) == one
    else:
        with pytest.raises(SuccessorProblem, match="^One can't manage anything in Listed: the account isn't in use"):
            successors.allowed(app, one.id)


def test_those_who_leave_too_and_those_of_another_app_are_not_offered_or_allowed(app, other):
    leaves, stranger = account(app, "Leaves"), account(other, "Stranger")
    room, blue = asset(app, "Red"), asset(app, "Blue")
    for place in (room, blue):
        give(leaves, place)
    found = successors.candidates(app, [room.id], [leaves.id])
    assert (found.with_access, found.others) == ({}, [])
    assert successors.candidates(app, [room.id], []).with_access == {room.id: [leaves]}, "of the asset asked for alone"
    for one in (leaves, stranger):
        with pytest.raises(SuccessorProblem, match="^The successor has no account in Listed, or is leaving it"):
            successors.allowed(app, one.id, [leaves.id])


def test_they_are_offered_by_name_and_of_many_those_who_manage_or_were_active_last(app, monkeypatch):
    room = asset(app, "Red")
    for number in range(22):
        give(account(app, f"{'abcdefghijklmnopqrstuv'[number]}", number), room, privileged=number == 0)
    found = successors.candidates(app, [room.id], [])
    assert names(found.with_access[room.id]) == ["a", *"defghijklmnopqrstuv"], "a manages it"
    assert not found.more
    for number in range(39):
        account(app, f"Z{number:02}", -number)
    found = successors.candidates(app, [room.id], [])
    assert found.more and len(found.others) == 60 and names(found.others)[-1] == "Z37"
    assert names(found.others)[:2] == ["a", "b"]
    Account.delete().where(Account.name == "Z38").execute()
    assert not successors.candidates(app, [room.id], []).more


def test_equals_are_offered_in_the_order_in_which_they_came(app):
    one, two = account(app, "same"), account(app, "Same")
    first = account(app, "Alone")
    assert successors.candidates(app, [], []).others == [first, one, two]


@pytest.mark.parametrize(("typed", "found"), [
    (" ADA@acme.example ", "ada"), ("id-b", "bo"), (" id-b ", "bo"), ("", None), (" ", None),
    ("nobody@x.example", None), ("two@acme.example", "more than one"), ("gone@acme.example", None),
    ("other@acme.example", None)])  # fmt: skip
def test_an_account_is_named_by_its_e_mail_or_id(app, other, typed, found):
    rows = {
        "ada": account(app, "id-a", email_key="ada@acme.example"), "bo": account(app, "id-b", email_key=""),
        "one": account(app, "1", email_key="two@acme.example"), "two": account(app, "2", email_key="two@acme.example"),
        "gone": account(app, "3", email_key="gone@acme.example", state="gone"),
        "other": account(other, "id-b", email_key="other@acme.example"),
    }  # fmt: skip
    if found in rows:
        assert successors.named(app, typed) == rows[found]
    else:
        many = "more than one account" if found else "no account"
        with pytest.raises(SuccessorProblem) as met:
            successors.named(app, typed)
        assert str(met.value) == (f"Listed has {many} with the e-mail or id “{typed.strip()}”. Nothing was changed. "
                                  "Choose someone else.")  # fmt: skip


def test_an_account_that_is_named_must_be_able_to_manage_it(app):
    account(app, "id", status="suspended")
    with pytest.raises(SuccessorProblem, match="isn't in use"):
        successors.named(app, "id")


def test_accounts_are_called_by_their_names(app):
    one, two, _ = account(app, "One"), account(app, "Two"), account(app, "Three")
    assert successors.names([two.id, one.id]) == {one.id: "One", two.id: "Two"}


# Assets without a manager


@pytest.mark.parametrize(("values", "case", "without"), [
    ({}, "", True), ({"state": "gone"}, "", False), ({}, "managed", False), ({}, "left", True), ({}, "used", True),
    ({"kind": "list"}, "", False), ({"kind": "list"}, "accepted", True), ({}, "nobody of the kind", False),
])  # fmt: skip
def test_an_asset_has_no_manager_where_its_kind_has_them_or_someone_accepted_it(app, other, values, case, without):
    one, hall = account(app, "One"), asset(app, "Hall")
    give(one, hall, privileged=case != "nobody of the kind")
    room = asset(app, "Red", **values)
    if case in ("managed", "used"):
        give(one, room, privileged=case == "managed")
    elif case == "left":
        give(account(app, "Two", status="suspended"), room, privileged=True)
    elif case == "accepted":
        HandOver.create(app=app, asset=room, account=one, decided_by="Ana")
    assert sole_managers.unmanaged(app) == ([room.id] if without else [])
    assert sole_managers.count_unmanaged() == sole_managers.count_unmanaged(app) == ({app.id: 1} if without else {})
    assert sole_managers.unmanaged(other) == [] and sole_managers.count_unmanaged(other) == {}


@pytest.mark.parametrize(("state", "counts"), [("active", True), ("paused", True), ("disconnected", False)])
def test_assets_of_an_app_that_is_disconnected_are_not_counted(app, state, counts):
    one, hall, _ = account(app, "One"), asset(app, "Hall"), asset(app, "Red")
    give(one, hall, privileged=True)
    App.update(state=state).execute()
    assert sole_managers.count_unmanaged() == ({app.id: 1} if counts else {})


@pytest.mark.parametrize(("role", "privileged", "here", "manages"), [
    ("x", True, True, True), ("x", False, True, False), ("y", True, True, False), ("x", True, False, False)])
def test_a_role_manages_where_the_app_has_shown_so(app, other, role, privileged, here, manages):
    where = app if here else other
    Access.create(app=where, account=account(where, "One"), asset=asset(where, "Red"), role=role, privileged=privileged)
    assert sole_managers.manages_with(app, "x") is manages


def test_other_managers_come_by_their_last_activity(app):
    room, green = asset(app, "Red"), asset(app, "Green")
    one, two, three = account(app, "One", 1), account(app, "Two", 3), account(app, "Three", 2)
    for each in (one, two, three):
        give(each, room, privileged=True)
    give(account(app, "Elsewhere", 4), green, privileged=True)
    give(account(app, "Reader", 5), room, privileged=False)
    assert sole_managers.managers_beside(one.id, room.id) == [two.id, three.id]
    assert sole_managers.managers_beside(two.id, room.id) == [three.id, one.id]


def test_of_many_managers_and_assets_three_are_named(app):
    people = [account(app, name) for name in "ABCD"]
    rooms = [asset(app, f"r{number}") for number in range(5)]
    rest = "Nothing was changed. Choose who manages it from now on, or accept that nobody does."
    assert str(sole_managers.NeedsSuccessor({people[0].id: rooms[:1]})) == (
        f"A is the only manager of the room “r0”. {rest}")
    assert str(sole_managers.NeedsSuccessor({one.id: rooms[:3] for one in people[:3]})) == (
        f"A, B and C are the only managers of the room “r0”, the room “r1” and the room “r2”. {rest}")
    assert str(sole_managers.NeedsSuccessor({one.id: rooms for one in people})) == (
        f"A, B, C and 1 more are the only managers of the room “r0”, the room “r1”, the room “r2” and 2 more. "
        f"{rest}")  # fmt: skip


# Leavers of a report, in one sentence


@pytest.mark.parametrize(("numbers", "detail"), [
    ((3, 3, 0, (), 0), ""), ((3, 1, 1, (), 1), "1 can be removed. 1 is held by a guard. 1 may stay for now."),
    ((2, 0, 2, (), 0), "2 are held by a guard."), ((1, 0, 0, ("Ana",), 0), "Ana can't be removed yet."),
    ((3, 1, 0, ("Ana", "Bo"), 0), "1 can be removed. Ana and Bo can't yet."),
    ((4, 1, 0, ("Ana", "Bo", "Cy"), 0), "1 can be removed. 3 can't yet."), ((1, 0, 0, (), 1), "1 may stay for now."),
    ((2000, 1500, 500, (), 0), "1,500 can be removed. 500 are held by a guard.")])  # fmt: skip
def test_the_options_for_leavers_are_shown_in_words(app, numbers, detail):
    assert leaving.Leaving(app, *numbers).detail() == detail


@pytest.mark.parametrize(("stuck", "sentence"), [
    ((), ""), (("Ana",), "Ana can't be removed yet."), (("Ana", "Bo"), "Ana and Bo can't be removed yet."),
    (("Ana", "Bo", "Cy"), "3 can't be removed yet.")])  # fmt: skip
def test_those_who_cannot_be_removed_yet_are_named(app, stuck, sentence):
    assert leaving.Leaving(app, 5, 2, 0, stuck).not_yet() == sentence


@pytest.mark.parametrize(("values", "counts"), [
    ({}, (1, 1, 0, (), 0)), ({"decision": "held"}, (1, 0, 1, (), 0)), ({"decision": "left out"}, (1, 0, 0, (), 1)),
    ({"decision": "confirmed"}, (0, 0, 0, (), 0)), ({"decision": "ignored"}, (0, 0, 0, (), 0)),
    ({"decision": "ignored", "protection_reason": "x", "protection": "by hand"}, (1, 0, 0, ("Ana",), 0)),
    ({"decision": "ignored", "protection_reason": "x", "protection": "kept until"}, (1, 0, 0, (), 1)),
    ({"decision": "ignored", "protection_reason": "x", "protection": "by hand", "decided_at": LONG_AGO},
     (1, 0, 0, (), 1)),
    ({"in_app": False}, (0, 0, 0, (), 0)), ({"kind": "no longer assigned"}, (0, 0, 0, (), 0))])  # fmt: skip
def test_each_leaver_of_a_report_is_counted_once(app, values, counts):
    ana = account(app, "One", person=Person.create(name="Ana", status="deprovisioned"), match_kind="matched")
    report = Report.create(app=app)
    Change.create(app=app, report=report, account=ana, **{
        "kind": "removed user", "decision": "needs confirmation", **values})
    found = leaving.of(report)
    assert (found.people, found.ready, found.held, found.stuck, found.staying) == counts
    assert found.waits is bool(counts[1] or counts[2] or counts[3])
    Report.update(state="applied").execute()
    assert leaving.of(Report.get_by_id(report.id)) == leaving.Leaving(app)
