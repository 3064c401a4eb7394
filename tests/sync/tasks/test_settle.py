"""What Rollcall did in an app while it was read: an earlier reading doesn't undo it, and isn't news."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from connectors.base import Account as Seat
from sync.checks import listed, snapshot
from sync.db import db, utcnow, writing
from sync.models import Access, Account, App, Asset, Assignment, Invitation, Task
from sync.tasks import settle
from tests.sync.acting import account
from tests.sync.fixtures import email

BEGAN = datetime(2026, 11, 3, 9)
SINCE = BEGAN + timedelta(seconds=1)
LIVE = ("queued", "running", "needs attention")


@pytest.fixture
def asset(chat) -> Asset:
    return Asset.create(app=chat.app, external_id="ring", kind="channel", name="Ring")


@pytest.fixture
def reading(chat, asset) -> Iterator[None]:
    """Persons 1 and 2 are listed as members, and the channel."""
    with snapshot.staging():
        for number in (1, 2):
            listed.stage_account(Seat(account(number).external_id, email(number), role="member"))
        db.execute_sql("INSERT INTO staged_asset VALUES ('ring', 'channel', 'Ring')")
        yield


def task(kind: str, number: int = 1, asset: Asset | None = None, **values: object) -> Task:
    """A task of person 1 that ended after the reading began."""
    defaults = {"state": "done", "finished_at": SINCE, "detail": {"role": "admin"}}
    seat = account(number)
    return Task.create(app=seat.app, account=seat, kind=kind, asset=asset, **{**defaults, **values})


def under_way(kind: str, asset: Asset | None = None, state: str = "queued", **detail: object) -> Task:
    return task(kind, asset=asset, state=state, finished_at=None, detail={"role": "admin", **detail})


def bring(chat) -> None:
    with writing():
        settle.bring_into_reading(chat.app, BEGAN)


def listed_roles() -> dict[str, tuple[str, str]]:
    rows = db.execute_sql("SELECT email, role, further_roles FROM staged_account").fetchall()
    return {email: (role, further) for email, role, further in rows}


def listed_access() -> set[tuple]:
    return set(db.execute_sql("SELECT account, asset, role, privileged FROM staged_access").fetchall())


def list_access(number: int, role: str, privileged: bool = False, asset: str = "ring") -> None:
    db.execute_sql("INSERT INTO staged_access VALUES (?, ?, ?, ?, FALSE)",
                   (account(number).external_id, asset, role, privileged))  # fmt: skip


def known_access() -> set[tuple]:
    return set(Access.select(Access.account, Access.asset, Access.role, Access.privileged).tuples())


def has(number: int, asset: Asset, role: str = "admin", privileged: bool = True) -> None:
    seat = account(number)
    Access.create(app=seat.app, account=seat, asset=asset, role=role, privileged=privileged)


OLD = ({"finished_at": BEGAN}, {"finished_at": BEGAN - timedelta(seconds=1)}, {"state": "cancelled"},
       {"state": "no longer needed"})  # fmt: skip


# Roles


@pytest.mark.parametrize("values", [{}, *OLD, {"kind": "grant"}])
def test_a_role_changed_since_is_put_into_the_reading(chat, reading, values):
    task(**{"kind": "change role", **values})
    Account.update(role="admin", further_roles=("guest",)).where(Account.email.in_([email(1), email(2)])).execute()
    bring(chat)
    assert listed_roles() == {email(1): ("member", "[]") if values else ("admin", '["guest"]'),
                              email(2): ("member", "[]")}  # fmt: skip


def test_a_task_of_another_app_changes_nothing(chat, second, reading, asset):
    """Its accounts may have the same ids."""
    theirs = Account.get(Account.app == second.app, Account.email == email(1))
    Account.update(external_id=account(1).external_id, role="admin").where(Account.id == theirs.id).execute()
    list_access(1, "admin")
    for kind in ("change role", "grant", "revoke"):
        for state in ("done", "queued"):
            Task.create(app=second.app, account=theirs, kind=kind, state=state, finished_at=SINCE, asset=asset,
                        detail={"role": "admin"})  # fmt: skip
    before = listed_roles(), listed_access(), known_access()
    under_way("invite")  # so that there is something at all
    bring(chat)
    assert (listed_roles(), listed_access(), known_access()) == before
    assert (account(1).role, Account.get_by_id(theirs.id).role) == ("member", "admin")


def test_an_app_is_compared_after_a_role_was_changed(chat):
    """There may be another administrator now: someone who has left is then no longer the last one."""
    App.update(compare_at=None).execute()
    with writing():
        settle.settle(under_way("change role", state="running"), "done")
    assert App.get_by_id(chat.app.id).compare_at is not None and account(1).role == "admin"


@pytest.mark.parametrize("state", [*LIVE, "cancelled", "no longer needed"])
def test_a_role_under_way_that_the_reading_shows_already_is_applied(chat, reading, state):
    under_way("change role", state=state)
    db.execute_sql("UPDATE staged_account SET role = 'admin'")
    bring(chat)
    assert account(1).role == ("admin" if state in LIVE else "member") and account(2).role == "member"


@pytest.mark.parametrize(("role", "further", "detail", "applied"), [
    ("guest", "[]", {}, False),
    ("admin", '["guest"]', {}, False),
    ("admin", '["guest"]', {"after": ["guest", "admin"]}, True),
    ("guest", '["admin"]', {"after": ["admin", "guest"]}, True),
    ("admin", "[]", {"after": ["admin", "guest"]}, False),
    ("admin", "[]", {"after": ["admin"], "role": "guest"}, True),
])  # fmt: skip
def test_only_the_roles_that_were_asked_for_are_applied(chat, reading, role, further, detail, applied):
    under_way("change role", **detail)
    db.execute_sql("UPDATE staged_account SET role = ?, further_roles = ?", (role, further))
    bring(chat)
    roles = (role, *(["guest"] if "guest" in further else ["admin"] if "admin" in further else []))
    assert account(1).roles == (roles if applied else ("member",))


def test_another_act_under_way_is_none_of_the_role(chat, reading, asset):
    under_way("grant", asset)
    db.execute_sql("UPDATE staged_account SET role = 'admin'")
    bring(chat)
    assert account(1).role == "member"


# Access


@pytest.mark.parametrize("values", [{}, *OLD, {"kind": "revoke"}])
def test_access_granted_since_is_put_into_the_reading(chat, reading, asset, values):
    has(1, asset)
    has(2, asset)
    list_access(1, "member")
    task(**{"kind": "grant", "asset": asset, **values})
    bring(chat)
    wanted = ("member", 0) if values else ("admin", 1)
    assert listed_access() == {(account(1).external_id, "ring", *wanted)}


def test_only_the_asset_that_was_granted_is(chat, reading, asset):
    other = Asset.create(app=chat.app, external_id="hall", kind="channel", name="Hall")
    has(1, asset)
    has(1, other)
    task("grant", asset=other)
    bring(chat)
    assert listed_access() == {(account(1).external_id, "hall", "admin", 1)}


@pytest.mark.parametrize("values", [{}, *OLD, {"kind": "grant"}])
def test_access_revoked_since_leaves_the_reading(chat, reading, asset, values):
    for number in (1, 2):
        list_access(number, "member")
    list_access(1, "member", asset="hall")
    task(**{"kind": "revoke", "asset": asset, **values})
    bring(chat)
    left = {(account(2).external_id, "ring", "member", 0), (account(1).external_id, "hall", "member", 0)}
    assert listed_access() == left | ({(account(1).external_id, "ring", "member", 0)} if values else set())


def test_access_that_was_revoked_and_granted_since_stays_in_it(chat, reading, asset):
    list_access(1, "admin", True)
    has(1, asset)
    task("revoke", asset=asset)
    bring(chat)
    assert listed_access() == {(account(1).external_id, "ring", "admin", 1)}


@pytest.mark.parametrize("state", [*LIVE, "cancelled", "no longer needed"])
def test_a_grant_under_way_that_the_reading_shows_already_is_applied(chat, reading, asset, state):
    under_way("grant", asset, state)
    for number in (1, 2):
        list_access(number, "admin", True)
    bring(chat)
    assert known_access() == ({(account(1).id, asset.id, "admin", True)} if state in LIVE else set())
    assert all(row.app == chat.app for row in Access.select())


@pytest.mark.parametrize(("kind", "number", "role", "listed"), [
    ("grant", 1, "admin", "hall"), ("grant", 1, "member", "ring"), ("grant", 2, "admin", "ring"),
    ("revoke", 1, "admin", "ring"), ("change role", 1, "admin", "ring")])  # fmt: skip
def test_another_role_account_asset_or_act_is_not(chat, reading, asset, kind, number, role, listed):
    under_way(kind, asset)
    list_access(number, role, asset=listed)
    bring(chat)
    assert known_access() == set()


@pytest.mark.parametrize("state", [*LIVE, "cancelled", "no longer needed"])
def test_a_revocation_under_way_that_the_reading_shows_already_is_applied(chat, reading, asset, state):
    other = Asset.create(app=chat.app, external_id="hall", kind="channel", name="Hall")
    has(1, asset)
    has(2, asset)
    has(1, other)
    under_way("revoke", asset, state)
    list_access(2, "admin")
    bring(chat)
    rest = {(account(2).id, asset.id, "admin", True), (account(1).id, other.id, "admin", True)}
    assert known_access() == rest | (set() if state in LIVE else {(account(1).id, asset.id, "admin", True)})


@pytest.mark.parametrize("case", ["still listed", "asset not listed", "another kind"])
def test_a_revocation_that_the_reading_does_not_show_is_not(chat, reading, asset, case):
    has(1, asset)
    under_way("grant" if case == "another kind" else "revoke", asset)
    list_access(2, "admin")
    if case == "still listed":
        list_access(1, "admin", True)
    if case == "asset not listed":
        db.execute_sql("DELETE FROM staged_asset")
    bring(chat)
    assert known_access() == {(account(1).id, asset.id, "admin", True)}


# A task that has ended


@pytest.mark.parametrize(("privileged", "app_of_other"), [(True, "chat"), (False, "chat"), (True, "second")])
def test_granted_access_is_handed_on_as_that_of_others_with_the_role(chat, second, asset, privileged, app_of_other):
    other = account(2) if app_of_other == "chat" else Account.get(Account.app == second.app, Account.email == email(2))
    Access.create(app=other.app, account=other, asset=asset, role="admin", privileged=privileged)
    Access.create(app=chat.app, account=account(3), asset=asset, role="member", privileged=True)
    Access.create(app=chat.app, account=account(1), asset=asset, role="member")
    with writing():
        settle.settle(task("grant", asset=asset), "done")
    [row] = Access.select().where(Access.account == account(1))
    assert (row.role, row.app, row.asset, row.granted_by) == ("admin", chat.app, asset, None)
    assert row.privileged is (privileged and app_of_other == "chat")
    assert Access.select().where(Access.account == account(3)).exists()


@pytest.mark.parametrize("state", ["no longer needed", "cancelled", "needs attention", "queued"])
@pytest.mark.parametrize("kind", ["grant", "revoke", "change role"])
def test_a_task_that_was_not_done_changes_nothing(chat, asset, kind, state):
    has(1, asset, "member", False)
    with writing():
        settle.settle(task(kind, asset=asset), state)
    assert known_access() == {(account(1).id, asset.id, "member", False)} and account(1).role == "member"


def test_revoked_access_is_that_of_the_account_to_the_asset_alone(chat, asset):
    other = Asset.create(app=chat.app, external_id="hall", kind="channel", name="Hall")
    for number, place in ((1, asset), (2, asset), (1, other)):
        has(number, place)
    with writing():
        settle.settle(task("revoke", asset=asset), "done")
    assert {row[:2] for row in known_access()} == {(account(2).id, asset.id), (account(1).id, other.id)}


@pytest.mark.parametrize(("kind", "detail", "words"), [
    ("remove", {"role": "admin", "before": "member"}, (None, None)),
    ("change role", {"role": "admin"}, (None, "Admin")),
    ("change role", {"role": "admin", "before": "member"}, ("Member", "Admin")),
    ("change role", {"role": "admin", "before": "member", "roles": ["member", "guest"], "after": ["admin", "guest"]},
     ("Member, Guest", "Admin, Guest")),
    ("grant", {"role": "admin"}, (None, "Ring: admin")),
    ("grant", {"role": "", "before": "member"}, ("Ring: member", "Ring: access")),
    ("revoke", {"before": "member"}, ("Ring: member", None)),
    ("revoke", {"before": ""}, ("Ring: access", None)),
    ("invite", {}, (None, None)),
])  # fmt: skip
def test_the_changes_of_a_task_are_shown_in_words(chat, asset, kind, detail, words):
    assert settle.in_words(task(kind, asset=asset if kind in ("grant", "revoke") else None, detail=detail)) == words


def test_a_task_is_about_the_person_of_its_account_or_of_its_invitation(chat):
    assert settle.person_of(task("remove")) == chat.people[1].id
    invite = Task.create(app=chat.app, kind="invite", detail={"person": chat.people[2].id}, finished_at=utcnow())
    assert settle.person_of(invite) == chat.people[2].id
    invite.detail = {}
    assert settle.person_of(invite) is None


@pytest.mark.parametrize(("ended", "app", "person", "stays"), [
    (True, "chat", 1, False), (False, "chat", 1, True), (True, "second", 1, True), (True, "chat", 2, True)])
@pytest.mark.parametrize("gone", [True, False])
def test_a_removal_deletes_the_assignment_that_had_ended(chat, second, asset, ended, app, person, stays, gone):
    row = Assignment.create(app={"chat": chat, "second": second}[app].app, person=chat.people[person],
                            ended_at=BEGAN if ended else None)  # fmt: skip
    has(1, asset)
    has(2, asset)
    Account.update(state="removing").where(Account.id == account(1).id).execute()
    with writing():
        settle.settle(task("remove"), "done" if gone else "cancelled")
    assert (Assignment.get_or_none(Assignment.id == row.id) is not None) is (stays or not gone)
    assert account(1).state == ("gone" if gone else "present") and (account(1).gone_at is not None) is gone
    assert {row[0] for row in known_access()} == {account(2).id} | (set() if gone else {account(1).id})


def test_a_task_that_ends_settles_nothing_that_is_over_already(chat):
    """A check has found the account gone, and someone has cancelled the invitation."""
    left, at = account(1), BEGAN - timedelta(days=1)
    Account.update(state="gone", gone_at=at).where(Account.id == left.id).execute()
    invite = task("invite")
    for state in ("cancelled", "onboarded"):
        Invitation.create(app=chat.app, email=state, email_key=state, task=invite, state=state)
    with writing():
        for state in ("no longer needed", "done"):
            settle.settle(task("remove"), state)
            settle.settle(invite, state)
    assert (account(1).state, account(1).gone_at) == ("gone", at)
    assert {row.state for row in Invitation.select()} == {"cancelled", "onboarded"}
