"""Columns get plainer names on both databases: each row keeps its values on the way back, and there again."""

from __future__ import annotations

from importlib import import_module

from playhouse.migrations import Runner

from sync.db import MIGRATIONS, db, utcnow
from sync.models import Account, App, Directory, DirectoryAddress, Person, Session, WaitingFile, WaitingSignIn
from sync.states import Approval, SecondFactor

ITSELF = "0047_plain_names"
NAMES = import_module(f"sync.migrations.{ITSELF}").NAMES


def test_each_value_is_kept_under_the_old_name_and_again_under_the_new_one(home):
    person = Person.create(name="Ana")
    app = App.create(connector="none", name="Chat", category="Seat-based", joiner_approval=Approval.AUTOMATIC,
                     unassigned_approval=Approval.AUTOMATIC, missing_fields={"fields": ["name"]})  # fmt: skip
    Account.create(app=app, external_id="1", moved_email_key="ana@acme.example", former_person=person)
    directory = Directory.create(kind="ldap", name="Company", responsible_id=person.id,
                                 unread_attributes=[{"attribute": "status"}])  # fmt: skip
    DirectoryAddress.create(directory=directory, external_id="1", email_key="ana@acme.example",
                            email="Ana@acme.example", active=True)  # fmt: skip
    Session.create(token_hash="t", person=person, ends_at=utcnow(), second_factor=SecondFactor.APP)
    WaitingFile.create(purpose="list", person=person, sealed=b"")
    WaitingSignIn.create(issuer="https://id.example", subject="ana", person=person, person_may_confirm=True)
    now, runner = rows(), Runner(db, str(MIGRATIONS))
    assert all(row[column] for table, columns in NAMES.items() for row in now[table] for column in columns.values())
    runner.down(ITSELF)
    former = rows()
    for table, columns in NAMES.items():
        [row], [was] = now[table], former[table]
        assert was == {**{name: value for name, value in row.items() if name not in columns.values()},
                       **{old: row[new] for old, new in columns.items()}}  # fmt: skip
    runner.up()
    assert rows() == now


def rows() -> dict[str, list[dict]]:
    found = {}
    for table in NAMES:
        cursor = db.execute_sql(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        found[table] = [dict(zip(names, row)) for row in cursor.fetchall()]
    return found
