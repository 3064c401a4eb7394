"""Roles in words: a statement about many accounts says of each what the one about a single account says."""

from __future__ import annotations

import pytest

from sync import roles
from sync.db import db
from sync.models import Account, App, Role

LABELS = ("Admin", "", "Guest", "Ünïcode, 'quoted'", "Guest", "", "Seven", "Eight", "Nine", "Ten")
FURTHER = ((), ("role1", "role9"), ("role8", "none"), ("none",))


@pytest.mark.parametrize("number", [0, 1, roles.AT_HAND, len(LABELS)])
def test_the_words_of_many_accounts_are_those_of_each(home, number):
    app, other = (App.create(connector="listed", name=name, category="Test", state="active") for name in "AB")
    for place, label in enumerate(LABELS):
        Role.create(app=other, external_id=f"role{place}", label="Of another app", position=place)
        if place < number:
            Role.create(app=app, external_id=f"role{place}", label=label, position=len(LABELS) - place)
    for main in ("", "none", *(f"role{place}" for place in range(len(LABELS)))):
        for further in FURTHER:
            Account.create(app=app, external_id=f"{main}{further}", role=main, further_roles=further)
    words, labels = roles.words_of_many("a", app)
    rows = db.execute_sql(f"SELECT {words}, {roles.words('a')} FROM account a", {"app": app.id, **labels}).fetchall()
    assert len(rows) == (2 + len(LABELS)) * len(FURTHER)
    assert [one for one, _ in rows] == [other for _, other in rows]
