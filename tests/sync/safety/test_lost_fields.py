"""When a missing field fails the check, and who counts as an administrator that was lost: at each boundary."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connectors.base import Account as Seat
from sync.checks import listed, snapshot
from sync.db import db
from sync.models import BIT, Access, Account, App, Asset
from sync.safety import lost_fields
from sync.safety.guards import Guard
from sync.safety.lost_fields import Loss
from tests.sync.fixtures import email


@pytest.mark.parametrize(("loss", "most"), [
    (Loss("administrators", 1, 1), False),
    (Loss("administrators", 2, 2), True),
    (Loss("role", 1, 1), False),
    (Loss("role", 2, 2), True),  # matching and protection rest on it
    (Loss("role", 2, 3), False),
    (Loss("role", 2, 2, given=1), False),
    (Loss("seat", 2, 2), False),
    (Loss("seat", 5, 5), False),
    (Loss("seat", 6, 11), True),
    (Loss("seat", 6, 12), False),
    (Loss("seat", 6, 6, kept=6), False),  # left out, and nobody's access is decided by it
    (Loss("last_activity", 6, 6, kept=6), False),
    (Loss("last_activity", 6, 6, kept=5), True),  # one came empty
    (Loss("name", 6, 6, kept=6), True),
])  # fmt: skip
def test_most_is_all_of_a_vital_field_or_more_than_half_and_the_guard_lets_through(loss, most):
    assert loss.is_most(Guard(5, 20)) is most


@pytest.mark.parametrize(("loss", "words"), [
    (Loss("role", 1, 1), "1 of 1 role is missing"),
    (Loss("role", 1, 2), "1 of 2 roles is missing"),
    (Loss("role", 2_000, 3_000), "2,000 of 3,000 roles are missing"),
])  # fmt: skip
def test_a_loss_is_named_with_its_numbers(loss, words):
    assert loss.sentence == words


@pytest.fixture
def stage(chat) -> Iterator[Callable[..., None]]:
    """Stages the account of a person as the app is to return it now."""
    ids = {number: chat.id_of(number) for number in range(10)}
    with snapshot.staging():
        yield lambda number, **values: listed.stage_account(
            Seat(**{"id": ids[number], "email": email(number)} | values))


@pytest.mark.parametrize(("role", "further", "lost"), [
    ("member", (), 1), ("member", ("guest",), 1), ("member", ("owner",), 0), ("owner", (), 0), ("owner", ("guest",), 0),
])  # fmt: skip
def test_an_administrator_is_lost_where_nobody_has_a_role_that_administers(chat, stage, role, further, lost):
    stage(0, role="member")
    stage(1, role=role, further_roles=further)
    assert lost_fields.administrators_lost(chat.app) == lost


@pytest.mark.parametrize("values", [{"state": "gone"}, {"role": "member"}])
def test_an_account_that_was_no_administrator_is_none_that_was_lost(chat, stage, values):
    stage(0, role="member")
    assert lost_fields.administrators_lost(chat.app) == 1
    Account.update(**values).where(Account.email == email(0)).execute()
    assert lost_fields.administrators_lost(chat.app) == 0


def test_an_administrator_of_another_app_is_none_that_was_lost(chat, stage):
    another = App.create(connector="listed", name="Another", category="Test", state="active")
    Account.create(app=another, external_id=chat.id_of(1), role="owner")
    stage(0, role="member")
    stage(1, role="member")
    assert lost_fields.administrators_lost(chat.app) == 1


def test_administrators_whose_new_role_a_guard_holds_are_none_that_were_lost(chat, stage):
    Account.update(role="owner").where(Account.email == email(1)).execute()
    stage(0, role="member")
    stage(1, role="member")
    with pytest.raises(lost_fields.FieldsLost, match="Nobody is an administrator now, and 2 were before"):
        lost_fields.find(chat.app)
    Account.update(held_values={"role": "member"}).where(Account.email.in_([email(0), email(1)])).execute()
    assert lost_fields.find(chat.app) == []


def test_a_role_that_the_app_lists_now_counts_as_it_says_now(chat, stage):
    stage(0, role="owner")
    assert lost_fields.administrators_lost(chat.app) == 0
    db.execute_sql("INSERT INTO staged_role VALUES ('owner', 'Owner', FALSE, FALSE, 0)")
    assert lost_fields.administrators_lost(chat.app) == 1
    db.execute_sql("INSERT INTO staged_role VALUES ('boss', 'Boss', TRUE, FALSE, 1)")
    stage(1, role="boss")
    assert lost_fields.administrators_lost(chat.app) == 0


def test_administrators_who_are_listed_exactly_as_known_count_too(chat, stage):
    Account.update(role="owner").where(Account.email == email(1)).execute()
    stage(0, role="member")
    assert lost_fields.administrators_lost(chat.app) == 1
    db.execute_sql("INSERT INTO staged_same SELECT id, 0, 0, 0, 0 FROM account WHERE email = ?", (email(1),))
    assert lost_fields.administrators_lost(chat.app) == 0, "one is still listed as Owner"
    db.execute_sql("INSERT INTO staged_role VALUES ('owner', 'Owner', FALSE, FALSE, 0)")
    assert lost_fields.administrators_lost(chat.app) == 2


# Role and right to manage: as known, and as returned now, with whether the role is assumed. Then how many lost their
# role, had one and have one now, and the same of the right to manage.
@pytest.mark.parametrize(("known", "now", "counts"), [
    (("admin", True), ("admin", True, False), (0, 1, 1, 0, 1, 1)),
    (("admin", True), ("admin", False, False), (0, 1, 1, 1, 1, 0)),
    (("admin", True), ("", False, False), (1, 1, 0, 1, 1, 0)),
    (("admin", True), ("viewer", False, False), (0, 1, 1, 0, 1, 0)),
    (("", False), ("viewer", True, False), (0, 0, 1, 0, 0, 1)),
    (("admin", True), ("viewer", False, True), (1, 1, 0, 0, 1, 0)),
    (("viewer", False), ("viewer", False, True), (0, 1, 0, 0, 0, 0)),
])  # fmt: skip
def test_roles_on_assets_and_rights_to_manage_them_are_counted(chat, stage, known, now, counts):
    Access.delete().execute()
    account = Account.get(Account.email == email(1))
    asset = Asset.create(app=chat.app, external_id="ring", kind="channel", name="Ring")
    Access.create(app=chat.app, account=account, asset=asset, role=known[0], privileged=known[1])
    db.execute_sql("INSERT INTO staged_asset VALUES ('ring', 'channel', '')")
    db.execute_sql("INSERT INTO staged_access VALUES (?, 'ring', ?, ?, ?)", (account.external_id, *now))
    roles, managers = lost_fields._of_access(chat.app)
    assert (roles.lost, roles.had, roles.given, managers.lost, managers.had, managers.given) == counts
    names = lost_fields._of_assets(chat.app)
    assert (names.lost, names.had) == (1, 1)


def test_a_value_left_out_is_kept_and_none_is_made_up_for_a_new_account(chat, stage):
    stage(0, name="Now", role="", status="suspended", missing_fields=frozenset({"role", "email"}))
    stage(1, name="", role="guest", missing_fields=frozenset({"name"}))
    stage(2, role="guest")
    Account.delete().where(Account.email == email(3)).execute()
    stage(3, role="owner", further_roles=("guest",), missing_fields=frozenset({"role", "status"}))
    Account.update(email="p0@old.example", email_key="p0@old.example").where(Account.email == email(0)).execute()
    lost_fields.keep_known_values(App.get())
    rows = db.execute_sql("SELECT email, email_key, name, status, role, further_roles FROM staged_account "
                          "ORDER BY email "
                          "DESC").fetchall()  # fmt: skip
    assert rows == [
        (email(3), email(3), "", "unknown", "", "[]"),
        (email(2), email(2), "", "active", "guest", "[]"),
        (email(1), email(1), "Person 1", "active", "guest", "[]"),
        ("p0@old.example", "p0@old.example", "Now", "suspended", "owner", "[]"),
    ]


def test_where_the_app_says_nobodys_status_a_new_account_is_active(chat, stage):
    Account.delete().where(Account.email == email(3)).execute()
    for number in (1, 3):
        stage(number, missing_fields=frozenset({"status"}))
    lost_fields.keep_known_values(App.get())
    assert {status for (status,) in db.execute_sql("SELECT status FROM staged_account")} == {"active"}


def test_e_mails_that_nobody_comes_with_are_kept(chat, stage):
    for number in (1, 2):
        stage(number, email="", missing_fields=frozenset({"email"}))
    lost_fields.keep_known_values(App.get())
    assert {kept for (kept,) in db.execute_sql("SELECT email_key FROM staged_account")} == {email(1), email(2)}


def test_values_that_the_app_returns_are_unchanged(chat, stage):
    stage(1, role="guest", name="Another")
    Account.update(missing_fields=BIT["role"]).execute()
    lost_fields.keep_known_values(App.get())
    assert db.execute_sql("SELECT role, name FROM staged_account").fetchall() == [("guest", "Another")]


@pytest.mark.parametrize(("now", "words"), [
    ({"role": "member"}, "Nobody is an administrator now, and 2 were before"),
    ({"role": ""}, "10 of 10 roles are missing"),
    ({"role": "", "email": ""}, "10 of 10 e-mail addresses are missing; 10 of 10 roles are missing"),
    ({"role": "member", "email": ""}, "10 of 10 e-mail addresses are missing"),
    ({"role": "owner"}, None),
])  # fmt: skip
def test_all_that_was_lost_is_named_and_administrators_only_where_nothing_else_explains_it(chat, stage, now, words):
    Account.update(role="owner").where(Account.email << [email(0), email(1)]).execute()
    for number in range(10):
        stage(number, **{"name": f"Person {number}", "email": email(number)} | now)
    if words is None:
        assert lost_fields.find(App.get()) == []
        return
    with pytest.raises(lost_fields.FieldsLost) as lost:
        lost_fields.find(App.get())
    assert str(lost.value) == f"{words}: has the credential lost a permission?"
