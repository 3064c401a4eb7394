"""An account that has several roles: read, stored, compared and shown with all of them."""

from __future__ import annotations

import pytest
from playhouse.migrations import Runner

from connectors.base import Role
from sync import roles
from sync.db import MIGRATIONS, db
from sync.models import Account, Change
from sync.models import Role as Known
from tests.database import ON_FILE

ROLES = [
    Role("admin", "Admin", privileged=True),
    Role("billing", "Billing"),
    Role("editor", "Editor"),
    Role("member", "Member", default=True),
]


@pytest.fixture
def several(listed):
    listed.roles = ROLES
    listed.add("ada", email="ada@acme.example", name="Ada", role="admin", further_roles=("editor", "billing"))
    listed.add("ben", email="ben@acme.example", name="Ben", role="editor")
    listed.check()
    return listed


def updates(check) -> list[tuple]:
    rows = Change.select().where(Change.found_by == check, Change.kind == "updated role").order_by(Change.id)
    return [(row.account.external_id, row.before, row.after) for row in rows]


def test_all_of_them_are_kept(several):
    ada = several.account("ada")
    assert (ada.role, ada.further_roles) == ("admin", ("billing", "editor"))
    assert several.account("ben").further_roles == ()
    new = Change.get(Change.account == ada, Change.kind == "new user")
    assert new.after == "Admin, Billing, Editor"
    assert Change.get(Change.account == several.account("ben"), Change.kind == "new user").after == "Editor"


@pytest.mark.parametrize(
    "fields,expected",
    [
        ({"further_roles": ("editor",)}, ("Admin, Billing, Editor", "Admin, Editor")),
        ({"further_roles": ()}, ("Admin, Billing, Editor", "Admin")),
        ({"role": "editor", "further_roles": ()}, ("Admin, Billing, Editor", "Editor")),
        ({"further_roles": ("billing", "guest")}, ("Admin, Billing, Editor", "Admin, Billing, guest")),
        ({"role": "member"}, ("Admin, Billing, Editor", "Member, Billing, Editor")),
    ],
)
def test_a_change_of_any_of_them_is_found_once_with_all_of_them(several, fields, expected):
    several.say("ada", **fields)
    assert updates(several.check()) == [("ada", *expected)]
    assert updates(several.check()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"further_roles": ("billing", "editor")},  # in another order
        {"further_roles": ("editor", "editor", "billing", "", "admin")},  # twice, empty, the main one again
        {"role": "billing", "further_roles": ("admin", "editor")},  # another one comes first
        {"role": "", "further_roles": ("admin", "billing", "editor")},  # none is the main one
    ],
)
def test_the_same_ones_reported_otherwise_are_no_change(several, fields):
    several.say("ada", **fields)
    assert updates(several.check()) == []
    ada = several.account("ada")
    assert {ada.role, *ada.further_roles} == {"admin", "billing", "editor"} and len(ada.further_roles) == 2
    assert ada.role == (fields.get("role") or "admin")


def test_a_second_role_is_a_change(several):
    several.say("ben", further_roles=("billing",))
    assert updates(several.check()) == [("ben", "Editor", "Editor, Billing")]


def test_someone_who_leaves_and_returns_is_reported_with_all_of_them(several):
    ada = several.seats.pop("ada")
    several.check()
    gone = Change.get(Change.kind == "removed user")
    assert gone.before == "Admin, Billing, Editor"
    several.seats["ada"] = ada
    several.check()
    again = Change.get(Change.kind == "new user", Change.reason == "Is in the app again")
    assert again.after == "Admin, Billing, Editor"
    assert several.account("ada").further_roles == ("billing", "editor")


def test_a_role_that_is_only_someones_further_one_stays_known(several):
    several.roles = [role for role in ROLES if role.id not in ("billing", "member")]
    several.check()
    known = {role.external_id for role in Known.select()}
    assert "billing" in known
    assert roles.of(several.app).labels["billing"] == "Billing"


def test_names_of_any_script_are_the_same_text_however_they_are_written(several):
    several.say("ben", role="редактор", further_roles=("Geschäftsführer", "管理者", 'say "x"'))
    several.check()
    ben = several.account("ben")
    assert set(ben.further_roles) == {"Geschäftsführer", "管理者", 'say "x"'}
    Account.update(further_roles=ben.further_roles).where(Account.id == ben.id).execute()
    assert updates(several.check()) == []


def test_half_a_character_is_left_out_of_a_role_too(several):
    several.say("ben", further_roles=("bill\ud800ing",))
    several.check()
    assert several.account("ben").further_roles == ("billing",)


@ON_FILE
def test_a_file_from_before_is_brought_up_to_date_with_who_is_in_it(several):
    runner = Runner(db, str(MIGRATIONS))
    runner.down("0013_roles")
    assert db.execute_sql("SELECT name, role FROM account WHERE external_id = 'ben'").fetchone() == ("Ben", "editor")
    runner.up()
    ada, ben = several.account("ada"), several.account("ben")
    assert (ben.role, ben.further_roles, ada.roles) == ("editor", (), ("admin",))
    several.say("ben", role="member", further_roles=("billing",))
    assert updates(several.check()) == [("ben", "Editor", "Member, Billing")], "what was never read has not changed"
    assert several.account("ada").further_roles == ("billing", "editor")
    several.say("ada", further_roles=())
    assert updates(several.check()) == [("ada", "Admin, Billing, Editor", "Admin")]
