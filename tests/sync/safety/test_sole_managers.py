"""Who alone controls an asset: each condition by which someone else counts, of more assets than one statement takes."""

from __future__ import annotations

from datetime import datetime

import pytest

from sync.models import Access, Account, App, Asset, Change, Offboarding, Person, Task
from sync.safety import sole_managers
from tests.sync.fixtures import email


@pytest.fixture
def app(home) -> App:
    return App.create(connector="listed", name="Listed", category="Test")


def account(app: App, id: str, **values: object) -> Account:
    return Account.create(app=app, external_id=id, **values)


def asset(app: App, id: str) -> Asset:
    return Asset.create(app=app, external_id=id, kind="room", name=id)


def control(one: Account, place: Asset, privileged: bool = True) -> None:
    Access.create(app=one.app, account=one, asset=place, role="x", privileged=privileged)


@pytest.mark.parametrize(("values", "privileged", "counts"), [
    ({}, True, True), ({}, False, False), ({"status": "suspended"}, True, False), ({"status": "invited"}, True, False),
    ({"kind": "system"}, True, False), ({"state": "removing"}, True, False), ({"state": "gone"}, True, False),
])  # fmt: skip
def test_someone_else_who_controls_it_and_can_act_counts(app, values, privileged, counts):
    one, other, hall = account(app, "one"), account(app, "other", **values), asset(app, "hall")
    control(one, hall)
    control(other, hall, privileged)
    assert sole_managers.sole_assets([one.id]) == ({} if counts else {one.id: [hall]})


@pytest.mark.parametrize(("values", "loses"), [
    ({"kind": "revoke"}, True), ({"kind": "revoke", "state": "needs attention"}, True),
    ({"kind": "revoke", "state": "cancelled"}, False), ({"kind": "revoke", "state": "failed"}, False),
    ({"kind": "revoke", "account": "one"}, False), ({"kind": "revoke", "asset": "yard"}, False),
    ({"kind": "grant", "detail": {"role": "guest"}}, True), ({"kind": "grant", "detail": {"role": "x"}}, False),
    ({"kind": "grant", "detail": {"role": "manages elsewhere"}}, True),
])  # fmt: skip
def test_someone_who_is_about_to_lose_it_does_not_count(app, values, loses):
    one, other, hall, yard = account(app, "one"), account(app, "other"), asset(app, "hall"), asset(app, "yard")
    for each in (one, other):
        control(each, hall)
    elsewhere = App.create(connector="listed", name="Elsewhere", category="Test")
    Access.create(app=elsewhere, account=account(elsewhere, "one"), asset=asset(elsewhere, "hall"),
                  role="manages elsewhere", privileged=True)  # fmt: skip
    rows = {"one": one, "yard": yard}
    Task.create(**{"app": app, "account": other, "asset": hall} | {
        name: rows.get(value, value) if isinstance(value, str) else value for name, value in values.items()})
    assert sole_managers.sole_assets([one.id]) == ({one.id: [hall]} if loses else {})


def test_those_who_leave_together_do_not_count_for_each_other(app):
    one, two, hall, yard = account(app, "one"), account(app, "two"), asset(app, "hall"), asset(app, "yard")
    for each in (one, two):
        control(each, hall)
    control(one, yard, privileged=False)
    control(two, yard)
    assert sole_managers.sole_assets([one.id, two.id]) == {one.id: [hall], two.id: [hall, yard]}
    assert sole_managers.sole_assets([two.id]) == {two.id: [yard]}
    assert sole_managers.left_alone([(one.id, hall.id), (two.id, hall.id)]) == {one.id: [hall], two.id: [hall]}
    assert sole_managers.left_alone([(one.id, hall.id)]) == {}
    assert sole_managers.left_alone([(one.id, yard.id)]) == {}, "the access that is taken never controlled it"


def test_more_than_one_statement_takes(app):
    many = 501
    Account.insert_many([{"app": app, "external_id": f"a{number}"} for number in range(many)]).execute()
    Asset.insert_many([{"app": app, "external_id": f"t{number}", "kind": "room", "name": f"{number}"}
                       for number in range(many)]).execute()  # fmt: skip
    pairs = list(zip(Account.select().order_by(Account.id), Asset.select().order_by(Asset.id)))
    Access.insert_many([{"app": app, "account": one, "asset": place, "role": "x", "privileged": True}
                        for one, place in pairs]).execute()  # fmt: skip
    found = sole_managers.sole_assets([one.id for one, _ in pairs])
    assert found == {one.id: [place] for one, place in pairs}


@pytest.mark.parametrize(("values", "leave"), [({}, False), ({"kind": "system"}, True), ({"state": "removing"}, True),
                                               ({"app": "second"}, True)])  # fmt: skip
def test_a_standing_approval_never_covers_everyone(chat, second, values, leave):
    """Persons 0 to 9 and, at first, one more who stays."""
    extra = account(second.app if "app" in values else chat.app, "extra", **({} if "app" in values else values))
    changes = [Change.create(app=chat.app, kind="removed user", decision="needs confirmation",
                             account=Account.get(Account.app == chat.app, Account.email == email(number)))
               for number in range(10)]  # fmt: skip
    assert sole_managers.ready_to_leave(chat.app, changes) == (set() if leave else {change.id for change in changes})
    hall = asset(chat.app, "hall")
    control(changes[0].account, hall)
    assert sole_managers.ready_to_leave(chat.app, changes) == {change.id for change in changes[1:]}
    assert extra.external_id == "extra"


@pytest.mark.parametrize(("values", "is_kept"), [
    ({"kind": "remove", "state": "cancelled"}, True), ({"kind": "remove", "state": "done"}, False),
    ({"kind": "change role", "state": "cancelled"}, False),
    ({"kind": "remove", "state": "cancelled", "created_at": datetime(2026, 1, 1)}, False),
    ({"state": "scheduled"}, True), ({"state": "cancelled"}, False),
])  # fmt: skip
def test_a_standing_approval_leaves_whom_someone_kept(app, values, is_kept):
    ana = Person.create(name="Ana", status="deprovisioned", status_since=datetime(2026, 2, 1))
    one, _ = account(app, "one", person=ana), account(app, "other")
    change = Change.create(app=app, kind="removed user", decision="needs confirmation", account=one)
    if "kind" in values:
        Task.create(**{"app": app, "account": one, "created_at": datetime(2026, 2, 2)} | values)
    else:
        Offboarding.create(person=ana, key="o1", **values)
    assert sole_managers.ready_to_leave(app, [change]) == (set() if is_kept else {change.id})


def test_only_a_choice_for_someone_who_leaves_the_asset_alone_answers_for_it():
    hall, yard = Asset(id=7), Asset(id=8)
    alone = {1: [hall, yard], 2: [hall]}
    assert sole_managers.unanswered(alone, {(2, 7): None}) == {1: [yard]}
    assert sole_managers.unanswered(alone, {(3, 7): 4, (3, 8): 4}) == alone
