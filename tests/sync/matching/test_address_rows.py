"""Values of addresses are kept as a directory has them, and an address that moves asks about the right accounts: each
condition has a row for which it alone decides."""

from __future__ import annotations

import pytest

from connectors.base import DirectoryPerson
from sync.db import db
from sync.directory import reading
from sync.matching import addresses, members
from sync.models import Account, App, Directory, DirectoryAddress, Person

MOVED = "moved@acme.example"
SAID = {"id": "1", "email": MOVED, "name": "Ana", "employee_number": "7", "further_emails": ("b@acme.example",)}


@pytest.mark.parametrize(("changed", "column", "value"), [
    ({"name": "Bo"}, "name", "Bo"), ({"employee_number": "8"}, "employee_number", "8"),
    ({"email": "Moved@acme.example"}, "email", "Moved@acme.example"), ({"status": "deprovisioned"}, "active", False),
    ({"email": "b@acme.example", "further_emails": (MOVED,)}, "main", False),
])  # fmt: skip
def test_each_value_beside_an_address_is_news_and_is_kept(home, changed, column, value):
    directory = Directory.create(kind="csv", name="File")
    for said, news in ((SAID, True), (SAID, False), (SAID | changed, True), (SAID | changed, False)):
        with reading.staging():
            reading.stage([DirectoryPerson(**said)])
            assert addresses.note(directory, whole=True) == news
    assert getattr(DirectoryAddress.get(email_key=MOVED), column) == value


def test_an_address_that_moves_asks_about_each_account_that_it_decided(home):
    bo, ana = Person.create(name="Bo"), Person.create(name="Ana")
    domain, other, none = (App.create(connector="x", name=f"X {match}", category="Test", state="active",
                                      match_domain=match) for match in ("acme.example", "other.example", None))
    cases: dict[str, tuple[App, dict, bool]] = {
        "by the rules": (none, {"match_kind": "matched"}, True),
        "a guest by hand": (none, {"match_kind": "guest", "match_by_hand": True}, True),
        "matched by hand": (none, {"match_kind": "matched", "match_by_hand": True}, False),
        "the app's own": (none, {"kind": "system"}, False),
        "another address": (none, {"email_key": "other@acme.example"}, False),
        "by its user name": (domain, {"email_key": "", "user_name": "Moved"}, True),
        "another user name": (domain, {"email_key": "", "user_name": "other"}, False),
        "another domain": (other, {"email_key": "", "user_name": "moved"}, False),
        "no domain": (none, {"email_key": "", "user_name": "moved"}, False),
        "asked before": (none, {"moved_email_key": MOVED}, False),
        "asked about another": (none, {"moved_email_key": "other@acme.example"}, True),
    }
    for id, (app, values, _) in cases.items():
        Account.create(app=app, external_id=id, **{"email_key": MOVED, "former_person": bo} | values)
    addresses.ask_whose([MOVED], ana)
    asked = Account.select().where(Account.moved_email_key == MOVED, Account.former_person == ana)
    assert {account.external_id for account in asked} == {id for id, (*_, is_asked) in cases.items() if is_asked}
    untouched = Account.select().where(Account.former_person == bo, Account.moved_email_key.is_null())
    assert len(asked) + len(untouched) + len(["asked before"]) == len(cases)


@pytest.mark.parametrize(("known", "now", "unproven"), [
    ("", "", True), ("", MOVED, True), (MOVED, MOVED, False), (MOVED, "", False), (MOVED, "b@acme.example", True)])
def test_an_account_that_is_back_is_proven_by_an_email_that_is_not_another(home, known, now, unproven):
    sql = (f"SELECT {members.is_unproven('k', 'n')} FROM (SELECT CAST(? AS TEXT) AS email_key) AS k, "
           "(SELECT CAST(? AS TEXT) AS email_key) AS n")  # fmt: skip
    assert bool(db.execute_sql(sql, (known, now)).fetchone()[0]) == unproven
