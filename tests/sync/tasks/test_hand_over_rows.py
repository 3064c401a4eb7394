"""The last look at assets that a task takes a manager from, each condition alone: rows as they are, and an app that
answers as the test says."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from connectors.base import LOOK_UP, NotRead, PartsUnread
from connectors.base import Access as Right
from connectors.base import Account as Seat
from connectors.base import Asset as AppAsset
from sync.apps import apps
from sync.db import utcnow, writing
from sync.models import Access, Account, App, Asset, HandOver, Task
from sync.tasks import hand_overs
from sync.tasks.hand_overs import NotHandedOver, NotSeenYet, Waits
from tests.sync.acting import account


class AnApp:
    """What a connector says of accounts and of who has access to an asset; `asked` lists what it was asked for."""

    def __init__(self, *rights: Right, seats: dict[str, Seat | None] | None = None, looks_up: bool = True):
        self.capabilities = frozenset((LOOK_UP,)) if looks_up else frozenset()
        self.rights, self.seats = rights, seats or {}
        self.manages: dict[str, list[AppAsset]] | None = None  # account id → what it manages; None: no call says it
        self.asked: list[object] = []
        self.unread: tuple[str, ...] = ()  # ids of those who may be in a part that can't be read

    def account(self, id: str) -> Seat | None:
        self.asked.append(id)
        if id in self.unread:
            raise PartsUnread("No.", (NotRead("r", "No."),))
        return self.seats.get(id)

    def managed(self, account: Seat) -> list[AppAsset] | None:
        if self.manages is None:
            return None
        self.asked.append(("manages", account.id))
        return self.manages.get(account.id, [])

    def access_to(self, asset) -> list[Right]:
        self.asked.append((asset.id, asset.kind, asset.name))
        return list(self.rights)


@pytest.fixture
def world(chat) -> SimpleNamespace:
    """Person 1 alone manages a room, and a task removes them. Person 2 is in the room, person 3 is the successor."""
    room = Asset.create(app=chat.app, external_id="r", kind="room", name="Red")
    Access.create(app=chat.app, account=account(1), asset=room, role="manager", privileged=True)
    Access.create(app=chat.app, account=account(2), asset=room, role="member")
    task = Task.create(app=chat.app, kind="remove", account=account(1), external_id=account(1).external_id)
    return SimpleNamespace(app=chat.app, room=room, task=task)


def grant(world, number: int = 3, state: str = "queued", **values: object) -> Task:
    return Task.create(app=world.app, kind="grant", account=account(number), asset=world.room, state=state,
                       detail={"role": "manager"}, **values)  # fmt: skip


def decided(world, successor: int | None = 3, **values: object) -> HandOver:
    return HandOver.create(app=world.app, account=account(1), decided_by="Ana", **{
        "asset": world.room, "task": world.task, "successor": successor and account(successor), **values})


def seat(number: int, **values: object) -> Seat:
    return Seat(**{"id": account(number).external_id, "email": account(number).email, "role": "member", **values})


def refuse(task: Task, app: AnApp) -> None:
    hand_overs.refuse_to_orphan(task, apps.for_connector(task.account), app)


# Before the app is asked


@pytest.mark.parametrize(("state", "waits"), [
    ("queued", True), ("running", True), ("needs attention", False), ("done", False), ("cancelled", False)])
def test_a_removal_waits_for_the_hand_over_it_depends_on(world, state, waits):
    decided(world, grant=grant(world, state=state))
    if not waits:
        return hand_overs.wait_for_grants(world.task)
    with pytest.raises(Waits, match="^Waits until Person 3 manages the room “Red”.$"):
        hand_overs.wait_for_grants(world.task)


def test_it_waits_for_no_other(world):
    other = Task.create(app=world.app, kind="remove", account=account(4))
    decided(world, grant=grant(world), task=other)
    decided(world, None)
    hand_overs.wait_for_grants(world.task)


# What is taken


@pytest.mark.parametrize(("kind", "detail", "of_this", "asks"), [
    ("remove", {}, False, True), ("revoke", {}, True, True), ("revoke", {}, False, False),
    ("grant", {"role": "member"}, True, True), ("grant", {"role": "member"}, False, False),
    ("grant", {"role": "manager"}, True, False)])  # fmt: skip
def test_it_is_asked_about_what_the_task_takes(world, kind, detail, of_this, asks):
    other = Asset.create(app=world.app, external_id="o", kind="room", name="Other")
    Task.update(kind=kind, detail=detail, asset=world.room if of_this else other).execute()
    task = Task.get_by_id(world.task.id)
    if asks:
        with pytest.raises(NotHandedOver):
            refuse(task, AnApp())
    else:
        refuse(task, AnApp())


def test_no_successor_is_needed_for_an_asset_that_the_account_only_uses(world):
    Access.update(privileged=False).execute()
    refuse(world.task, AnApp())


# Another manager


MANAGER = {"privileged": True, "role": "manager"}


@pytest.mark.parametrize(("values", "is_there"), [
    ({}, True), ({"status": "suspended"}, False), ({"status": "invited"}, False), ({"kind": "system"}, False),
    (None, False)])  # fmt: skip
def test_another_manager_counts_as_the_app_has_the_account_now(world, values, is_there):
    Access.update(MANAGER).where(Access.account == account(2)).execute()
    app = AnApp(seats={} if values is None else {account(2).external_id: seat(2, **values)})
    if is_there:
        refuse(world.task, app)
    else:
        with pytest.raises(NotHandedOver):
            refuse(world.task, app)
    refuse(world.task, AnApp(looks_up=False))  # as the last check knew it


def test_another_manager_in_a_part_that_cannot_be_read_does_not_count(world):
    Access.update(MANAGER).where(Access.account == account(2)).execute()
    app = AnApp()
    app.unread = (account(2).external_id,)
    with pytest.raises(NotHandedOver):
        refuse(world.task, app)


def test_the_app_is_asked_for_another_manager_once(world):
    Access.update(MANAGER).where(Access.account == account(2)).execute()
    again = Asset.create(app=world.app, external_id="s", kind="room", name="Second")
    for number in (1, 2):
        Access.create(app=world.app, account=account(number), asset=again, **MANAGER)
    app = AnApp(seats={account(2).external_id: seat(2)})
    refuse(world.task, app)
    assert app.asked == [account(2).external_id]


# What the app says of managers by now


ROOM = AppAsset("r", "room", "Red")


@pytest.mark.parametrize(("kind", "of_this", "refused"), [
    ("remove", False, True), ("revoke", True, True), ("revoke", False, False), ("grant", True, True)])  # fmt: skip
def test_someone_who_alone_manages_an_asset_since_the_last_reading_keeps_it(world, kind, of_this, refused):
    Access.update(privileged=False, role="member").execute()
    other = Asset.create(app=world.app, external_id="o", kind="room", name="Other")
    Task.update(kind=kind, detail={"role": "member"}, asset=world.room if of_this else other).execute()
    app, task = AnApp(), Task.get_by_id(world.task.id)
    app.manages = {account(1).external_id: [ROOM]}
    if refused:
        with pytest.raises(NotHandedOver, match="^Person 1 is now the only manager of the room “Red”. Nothing was"):
            refuse(task, app)
    else:
        refuse(task, app)
    app.manages = {}
    refuse(task, app)


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_managed_asset_that_the_last_reading_did_not_have_is_waited_for(world, is_gone):
    Access.delete().execute()
    app = AnApp()
    app.manages = {account(1).external_id: [AppAsset("new", "room")]}
    if is_gone:
        Asset.create(app=world.app, external_id="new", kind="room", name="Old", state="gone")
    with pytest.raises(NotHandedOver, match="^Person 1 now manages the room “new”, which is new since the last check."):
        refuse(world.task, app)


@pytest.mark.parametrize(("managed", "refused"), [(["r", "s"], False), (["s"], True), ([], True)])
def test_another_manager_counts_if_the_app_still_says_so(world, managed, refused):
    Access.update(MANAGER).execute()
    app = AnApp(seats={account(2).external_id: seat(2)})
    app.manages = {account(1).external_id: [ROOM], account(2).external_id: [AppAsset(id, "room") for id in managed]}
    if refused:
        with pytest.raises(NotHandedOver):
            refuse(world.task, app)
    else:
        refuse(world.task, app)
    assert app.asked == [("manages", account(1).external_id), account(2).external_id,
                         ("manages", account(2).external_id)]  # fmt: skip


def test_another_app_with_the_same_ids_is_not_asked(world):
    elsewhere = App.create(connector="sample-chat", name="Other", category="Sample", state="active")
    Asset.create(app=elsewhere, external_id="new", kind="room", name="Not this")
    app = AnApp()
    app.manages = {account(1).external_id: [AppAsset("new", "room", "This")]}
    decided(world, None)
    with pytest.raises(NotHandedOver, match="the room “This”, which is new"):
        refuse(world.task, app)


# Accepted that nobody manages it


@pytest.mark.parametrize(("values", "state", "accepted"), [
    ({}, "queued", True), ({}, "done", True), ({}, "cancelled", False), ({}, "no longer needed", False),
    ({"successor": 3}, "queued", False), ({"later": -1}, "queued", False), ({"elsewhere": True}, "queued", False)])
def test_a_later_acceptance_covers_all_managers_of_the_asset(world, values, state, accepted):
    of_another = Task.create(app=world.app, kind="remove", account=account(4), state=state)
    elsewhere = Asset.create(app=world.app, external_id="o", kind="room", name="Other")
    decided(world, values.get("successor"), task=of_another, asset=elsewhere if "elsewhere" in values else world.room,
            decided_at=world.task.created_at + timedelta(seconds=values.get("later", 0)))  # fmt: skip
    if accepted:
        refuse(world.task, AnApp())
    else:
        with pytest.raises(NotHandedOver):
            refuse(world.task, AnApp())


def test_an_acceptance_with_this_removal_never_expires(world):
    decided(world, None, decided_at=world.task.created_at - timedelta(days=9))
    refuse(world.task, AnApp())


# Handed over


@pytest.mark.parametrize(("number", "values", "privileged", "seen"), [
    (3, {}, True, True), (3, {}, False, False), (4, {}, True, True), (1, {}, True, False),
    (3, {"state": "gone"}, True, False), (3, {"status": "suspended"}, True, False),
    (3, {"kind": "system"}, True, False), (3, {"app": 0}, True, False)])  # fmt: skip
def test_the_app_itself_must_show_another_manager_who_can_act(world, number, values, privileged, seen):
    decided(world, grant=grant(world, state="done"))
    if "app" in values:
        values = {"app": App.create(connector="listed", name="Other", category="Seat-based", state="active")}
    Account.update(values or {"seat": ""}).where(Account.id == account(number).id).execute()
    app = AnApp(Right(account=account(number).external_id, asset="r", role="manager", privileged=privileged))
    if seen:
        refuse(world.task, app)
    else:
        with pytest.raises(NotSeenYet, match="^Person 3 was made a manager of the room “Red”, but the app"):
            refuse(world.task, app)
    assert app.asked == [("r", "room", "Red")]


# Not handed over, and why


THEN = "Nothing was removed. Assign another manager in Chat, check it and retry, or cancel this and decide again."


def refused(world) -> Exception:
    with pytest.raises(Exception) as met:  # noqa: PT011 - which one is what the test asks
        refuse(world.task, AnApp())
    return met.value


def test_nobody_was_chosen(world):
    met = refused(world)
    assert (type(met), str(met)) == (
        NotHandedOver, f"Person 1 is now the only manager of the room “Red”. {THEN}")


@pytest.mark.parametrize(("state", "error", "why"), [
    ("needs attention", "The app refused.", "The app refused"), ("cancelled", None, "cancelled")])
def test_the_hand_over_failed(world, state, error, why):
    decided(world, grant=grant(world, state=state, error=error))
    met = refused(world)
    assert (type(met), str(met)) == (
        NotHandedOver, f"The room “red” was not handed over to Person 3: {why}. {THEN}")


def test_the_task_of_the_hand_over_is_gone(world):
    decided(world)
    assert str(refused(world)) == f"The room “red” was not handed over to Person 3. {THEN}"


@pytest.mark.parametrize(("state", "here", "waits"), [
    ("queued", True, True), ("running", True, True), ("needs attention", True, False), ("queued", False, False)])
def test_a_hand_over_of_another_removal_is_waited_for(world, state, here, waits):
    room = world.room if here else Asset.create(app=world.app, external_id="o", kind="room", name="Other")
    of_another = Task.create(app=world.app, kind="remove", account=account(4))
    decided(world, grant=grant(world, state=state), task=of_another, asset=room)
    met = refused(world)
    assert type(met) is (Waits if waits else NotHandedOver)
    assert not waits or str(met) == "Waits until Person 3 manages the room “Red”."


# Once it has ended


@pytest.mark.parametrize(("state", "of_this", "looks"), [
    ("queued", True, True), ("needs attention", True, True), ("running", True, False), ("done", True, False),
    ("cancelled", True, False), ("needs attention", False, False)])  # fmt: skip
def test_a_removal_that_waits_for_a_hand_over_is_tried_at_once(world, state, of_this, looks):
    later = utcnow() + timedelta(hours=1)
    mine, other = grant(world), grant(world, 5)
    Task.update(state=state, next_at=later).where(Task.id == world.task.id).execute()
    decided(world, grant=mine if of_this else other)
    with writing():
        hand_overs.look_again(mine)
    row = Task.get_by_id(world.task.id)
    assert (row.next_at < later) == looks and row.state == ("queued" if looks else state)
