"""Decisions about an account that may be another person's in another place: an account for each condition."""

from __future__ import annotations

from datetime import datetime

import pytest

from sync.checks import another_space
from sync.db import db, writing
from sync.models import AcceptedLeaver, Account, App, MatchDecision, Person
from sync.staging import tables
from sync.staging.check import STAGED_ACCOUNT, STAGED_SAME
from sync.workspace import today

BEFORE = datetime(2026, 11, 1)
KEPT = {"match_note": "note", "email_when_matched": "ana@x", "former_person": "Bo", "person": "Ana"}
LEFT_OUT = {"left_out_reason": "stays", "left_out_by": "Cy", "left_out_at": BEFORE, "left_out_person": "Ana"}
BY_HAND = {"match_by_hand": True, "match_kind": "matched"}
FORGOTTEN = {"match_by_hand": False, "match_kind": "unmatched", "person": None, "match_note": None,
             "email_when_matched": None}  # fmt: skip


@pytest.fixture
def app(home) -> App:
    return App.create(connector="listed", name="Listed", category="Test")


def shown(account: Account) -> dict[str, object]:
    row = Account.get_by_id(account.id)
    values = {name: getattr(row, name) for name in (*FORGOTTEN, "former_person", *LEFT_OUT, "protection_reason")}
    return {name: value.name if isinstance(value, Person) else value for name, value in values.items()}


def accept(account: Account, person: Person, ended: datetime | None = None) -> AcceptedLeaver:
    return AcceptedLeaver.create(account=account, person=person, protection="by hand", reason="until May",
                                 until=today(), accepted_by="Cy", ended_at=ended)  # fmt: skip


def test_decisions_are_forgotten_and_what_the_rules_know_stays(app):
    other = App.create(connector="listed", name="Other", category="Test")
    people = {name: Person.create(name=name) for name in ("Ana", "Bo")}
    cases: dict[str, tuple[dict, dict]] = {  # an account, and what becomes of it
        "matched by hand": (BY_HAND, FORGOTTEN | {"former_person": "Ana"}),
        "a service's by hand": (BY_HAND | {"match_kind": "service account"}, FORGOTTEN),
        "a guest's by hand": (BY_HAND | {"match_kind": "guest", "person": None}, FORGOTTEN),
        "matched and protected": ({"match_kind": "matched", "protection_reason": "pilot"}, {"protection_reason": None}),
        "a guest's and left out": ({"match_kind": "guest"} | LEFT_OUT, dict.fromkeys(LEFT_OUT)),
        "accepted": ({"match_kind": "matched"}, {}),
        "accepted too": ({"match_kind": "matched"}, {}),
        "accepted as well": ({"match_kind": "matched"}, {}),
        "accepted until then": ({"match_kind": "matched"}, {}),
        "undecided": ({"match_kind": "matched"}, {}),
        "another app's": (BY_HAND | {"protection_reason": "pilot"}, {}),
    }
    accounts, expected = {}, {}
    for id, (values, after) in cases.items():
        before = KEPT | values
        accounts[id] = Account.create(
            app=other if id == "another app's" else app, external_id=id,
            **{name: people.get(value, value) if isinstance(value, str) else value for name, value in before.items()})
        expected[id] = shown(accounts[id]) | after
        undone = BEFORE if id == "a guest's by hand" else None
        MatchDecision.create(account=accounts[id], batch=id, match_kind="unmatched", undone_at=undone)
    for id in ("accepted", "accepted too", "accepted as well"):
        accept(accounts[id], people["Ana"])
    accept(accounts["accepted until then"], people["Ana"], BEFORE)
    accept(accounts["another app's"], people["Ana"])
    with tables.created(STAGED_ACCOUNT, STAGED_SAME), writing():
        [warning] = another_space.ask_again(app)
    assert {id: shown(account) for id, account in accounts.items()} == expected
    assert "decide again about 8 accounts with" in warning
    open_still = AcceptedLeaver.select().where(AcceptedLeaver.ended_at.is_null())
    assert [row.account.external_id for row in open_still] == ["another app's"]
    assert AcceptedLeaver.get(account=accounts["accepted until then"]).ended_at == BEFORE
    undoable = MatchDecision.select().where(MatchDecision.undone_at.is_null())
    assert [row.batch for row in undoable] == ["another app's"]
    assert MatchDecision.get(batch="a guest's by hand").undone_at == BEFORE


def test_an_account_is_proven_by_its_email_or_without_any_by_number_or_user_name(app):
    mail, number, name = {"email_key": "a@x"}, {"employee_number": "1"}, {"user_name": "a"}
    unset = {"email_key": ""}
    cases: dict[str, tuple[dict, dict | None, bool]] = {  # known, listed (None: as it is known), proven
        "same e-mail as known": (mail, None, True),
        "same number as known": (number, None, True),
        "same user name as known": (name, None, True),
        "nothing, as known": (unset, None, False),
        "e-mail": (mail, mail, True),
        "another e-mail": (mail | number | name, {"email_key": "b@x"} | number | name, False),
        "an e-mail at first": (number | name, mail | number | name, False),
        "number": (number, number | {"user_name": "b"}, True),
        "another number": (number, {"employee_number": "2"}, False),
        "user name": (name, name | {"employee_number": "2"}, True),
        "another user name": (name, {"user_name": "b"}, False),
        "nothing": ({"employee_number": "", "user_name": ""}, {"employee_number": "", "user_name": ""}, False),
        "not listed": (mail, {"external_id": "someone else"}, False),
    }
    other = App.create(connector="listed", name="Other", category="Test")
    with tables.created(STAGED_ACCOUNT, STAGED_SAME):
        for id, (known, listed, _) in cases.items():
            row = Account.create(app=app, external_id=id, **unset | known)
            Account.create(app=other, external_id=id, **unset | known)
            if listed is None:
                db.execute_sql("INSERT INTO staged_same (account_id) VALUES (?)", (row.id,))
                continue
            staged = {"external_id": id, "email_key": ""} | listed
            db.execute_sql(f"INSERT INTO staged_account ({', '.join(staged)}) VALUES ({', '.join('?' * len(staged))})",
                           tuple(staged.values()))  # fmt: skip
        found = db.execute_sql(another_space.PROVEN, {"app": app.id}).fetchall()
    proven = {(app.id, id) for id, (*_, is_proven) in cases.items() if is_proven}
    assert {(row.app_id, row.external_id) for row in Account.select().where(
        Account.id.in_([id for (id,) in found]))} == proven  # fmt: skip
