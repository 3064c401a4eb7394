"""The preview of an offboarding: which accounts it names, and what it says of each."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync.db import utcnow
from sync.models import Access, Account, App, AppPerson, Asset, Change, Person, Report
from sync.offboarding.preview import Line, Preview, preview

LEFT = datetime(2026, 11, 20)
HOUR = timedelta(hours=1)


@pytest.fixture
def ana(home) -> Person:
    return Person.create(name="Ana", status="deprovisioned", status_since=LEFT)


@pytest.fixture
def owner(home) -> Person:
    return Person.create(name="Olga", workspace_role="user")


@pytest.fixture
def connect(owner):
    def app(name: str, owned: bool = True, **values: object) -> App:
        made = App.create(name=name, category="Seat-based", **{"connector": "none", "state": "active"} | values)
        if owned:
            AppPerson.create(app=made, person=owner, manages_as="owner")
        return made

    return app


def account(app: App, person: Person, number: int = 1, **values: object) -> Account:
    values = {"match_kind": "matched", "state": "present"} | values
    return Account.create(app=app, person=person, external_id=f"{app.name} {number}", **values)


def line_of(ana: Person, owner: Person) -> Line:
    [line] = preview(ana, owner).lines
    return line


def test_each_account_of_theirs_is_named_where_the_app_is_connected(ana, owner, connect):
    for name, values in {"Active": {}, "Paused": {"state": "paused"}, "Past": {"state": "disconnected"},
                         "Not yet": {"state": "connecting"}}.items():  # fmt: skip
        account(connect(name, **values), ana)
    account(connect("Others'", owned=False), ana)
    account(connect("Others' past", owned=False, state="disconnected"), ana)
    account(connect("Service"), ana, match_kind="service account")
    account(connect("Others' service", owned=False), ana, match_kind="service account")
    account(connect("Ben's"), Person.create(name="Ben"))
    account(connect("Guest's"), ana, match_kind="guest")
    found = preview(ana, owner)
    assert sorted(line.account.app.name for line in found.lines) == ["Active", "Paused"]
    assert (found.elsewhere, [each.app.name for each in found.services]) == (1, ["Others' service", "Service"])
    warned = {line.account.app.name: line.warnings for line in found.lines}
    assert warned["Active"] == [] and "is paused" in warned["Paused"][0]


def test_an_account_that_is_being_removed_is_not_removed_again(ana, owner, connect):
    account(connect("Chat"), ana, state="removing")
    line = line_of(ana, owner)
    assert line.under_way and not line.removable and not line.is_removed_now and not line.held


@pytest.mark.parametrize("of, at, status, left_out", [
    ("Ana", LEFT, "deprovisioned", True),
    ("Ana", LEFT - HOUR, "deprovisioned", False),
    ("Ben", LEFT, "deprovisioned", False),
    ("Ana", LEFT, "active", False),
    ("Ana", LEFT, "suspended", False),
], ids=["this departure", "an earlier one", "another person", "someone here", "someone suspended"])  # fmt: skip
def test_an_account_stays_left_out_for_one_person_and_one_departure(ana, owner, connect, of, at, status, left_out):
    people = {"Ana": ana, "Ben": Person.create(name="Ben", status="deprovisioned", status_since=LEFT)}
    Person.update(status=status).where(Person.id == ana.id).execute()
    account(connect("Chat"), ana, left_out_reason="A mailbox", left_out_person=people[of], left_out_at=at)
    assert (line_of(Person.get_by_id(ana.id), owner).left_out_reason == "A mailbox") is left_out


def test_an_app_that_this_version_does_not_know_is_not_left_to_someones_hand(ana, owner, connect):
    account(connect("Chat"), ana)
    assert not line_of(ana, owner).by_hand, "its task says what is wrong"


def test_assets_that_two_accounts_of_theirs_manage_together_have_no_other_manager(ana, owner, connect):
    app = connect("Chat")
    asset = Asset.create(app=app, external_id="1", kind="channel", name="General")
    for number, state in ((1, "present"), (2, "present"), (3, "removing")):
        manager = account(app, ana, number, state=state)
        Access.create(app=app, account=manager, asset=asset, role="admin", privileged=True)
    assert [len(line.alone) for line in preview(ana, owner).lines] == [1, 1, 0]
    service = account(app, ana, 4, match_kind="service account")
    Access.create(app=app, account=service, asset=asset, role="admin", privileged=True)
    assert [len(line.alone) for line in preview(ana, owner).lines] == [0, 0, 0], "the service still manages it"


def test_only_a_removal_that_waits_for_nothing_saves_money(ana, owner, connect):
    app = connect("Chat", connector="sample-chat", seat_price=875, error="It can't be reached.\nTimed out.")
    account(app, ana)
    found = preview(ana, owner)
    [line] = found.lines
    assert (line.waits_for, found.saved) == (None, 875)
    assert line.warnings == ["The last check of the app failed: It can't be reached."]
    line.held = True
    assert (line.waits_for, found.saved) == ("release", 0)
    line.by_hand = True
    assert (line.waits_for, found.saved) == ("hand", 0)
    unlike = {"left_out_reason": "A mailbox", "alone": [Asset()], "under_way": True, "protection_reason": "Needed"}
    for name, value in unlike.items():
        other = Line(line.account, **{name: value})
        assert not other.is_removed_now and Preview(ana, [other], 0, []).saved == 0
    App.update(state="paused").execute()
    assert len(line_of(ana, owner).warnings) == 1


def held(app: App, ana: Person, count: int) -> None:
    for number in range(count):
        account(app, ana, number)


def test_the_guard_counts_the_accounts_of_earlier_apps_too(ana, owner, connect):
    """Three accounts in each of two apps: six in all are more than five and more than 20 %."""
    for name in ("Chat", "Desk"):
        held(connect(name, users=3), ana, 3)
    lines = preview(ana, owner).lines
    assert [line.held for line in lines] == [False] * 3 + [True] * 3
    assert {line.waits_for for line in lines} == {None, "release"}


def test_the_guard_counts_what_already_waits_in_the_app(ana, owner, connect):
    app = connect("Chat", users=6)
    held(app, ana, 3)
    report = Report.create(app=app)
    for mine in Account.select():
        Change.create(report=report, app=app, account=mine, kind="removed user", in_app=True, created_at=utcnow(),
                      decision="needs confirmation")  # fmt: skip
    assert {line.held for line in preview(ana, owner).lines} == {False}, "each account counts once"
    for number, decision in enumerate(("needs confirmation", "held", "needs confirmation"), 10):
        other = account(app, Person.create(name="Ben"), number)
        Change.create(report=report, app=app, account=other, kind="removed user", in_app=True, decision=decision,
                      created_at=utcnow())  # fmt: skip
    assert {line.held for line in preview(ana, owner).lines} == {True}


def test_the_guard_holds_only_accounts_that_would_leave_whatever_came_before(ana, owner, connect):
    """Two in each of three apps are six in all, and one more in the fourth; those that stay don't count."""
    out = {"left_out_reason": "A mailbox", "left_out_person": ana, "left_out_at": LEFT}
    account(connect("A", users=9), ana, **out)
    for name, count in (("B", 2), ("C", 2), ("D", 2), ("E", 1)):
        held(connect(name, users=3), ana, count)
    stays = [account(App.get(App.name == name), ana, number, **values)
             for name in "CD" for number, values in ((7, {"protection_reason": "Needed"}), (8, out))]  # fmt: skip
    lines = preview(ana, owner).lines
    assert {line.account.app.name for line in lines if line.held} == {"D", "E"}
    assert sum(line.held for line in lines) == 3 and not any(line.held for line in lines if line.account in stays)
