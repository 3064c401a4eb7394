"""Columns get plainer names on both databases: each row keeps its values on the way back, and there again."""

from __future__ import annotations

import itertools
from importlib import import_module

from playhouse.migrations import Runner

from sync import activity
from sync.db import MIGRATIONS, db, utcnow, writing
from sync.mail import mail_server
from sync.models import (
    Account,
    App,
    AppPerson,
    Change,
    Check,
    Directory,
    DirectoryAddress,
    DirectoryEntry,
    DirectoryReading,
    Person,
    PersonEmail,
    RememberedItems,
    Session,
    Task,
    WaitingFile,
    WaitingSignIn,
)
from sync.settings import set_setting, setting
from sync.sign_in import oidc
from sync.states import AppManager, Approval, PersonStatus, SecondFactor, TaskKind

FIRST, SETTINGS, LAST = "0047_plain_names", "0048_names_that_explain", "0049_reasons"
GIVEN = [import_module(f"sync.migrations.{name}").NAMES for name in (FIRST, SETTINGS, LAST)]
NAMES = {table: {old: new for given in GIVEN for old, new in given.get(table, {}).items()}
         for table in dict.fromkeys(itertools.chain(*GIVEN))}  # fmt: skip


def test_each_value_is_kept_under_the_old_name_and_again_under_the_new_one(home):
    person = Person.create(name="Ana", legal_hold_reason="A case")
    PersonEmail.create(person=person, email="ana@acme.example", email_key="ana@acme.example", vouched_for=True)
    app = App.create(connector="none", name="Chat", category="Seat-based", joiner_approval=Approval.AUTOMATIC,
                     unassigned_approval=Approval.AUTOMATIC, missing_fields={"fields": ["name"]},
                     private_network_approver="Olga", automation_name="The bot", automation_external_id="bot",
                     service_accounts=2)  # fmt: skip
    account = Account.create(app=app, external_id="1", moved_email_key="ana@acme.example", former_person=person,
                             missing_fields=1, defaulted_fields=2, held_values={"role": "admin"},
                             protection_reason="A pilot", left_out_reason="On leave")  # fmt: skip
    Change.create(app=app, kind="removed user", decision="ignored", protection_reason="Protected: A pilot")
    Check.create(app=app, items_read=3)
    AppPerson.create(app=app, person=person, manages_as=AppManager.OWNER)
    Task.create(app=app, kind=TaskKind.REVOKE, account=account)
    directory = Directory.create(kind="ldap", name="Company", responsible_id=person.id, guard_counts_from=utcnow(),
                                 vouched_for=True, private_network_approver="Olga",
                                 unread_attributes=[{"attribute": "status"}])  # fmt: skip
    DirectoryEntry.create(directory=directory, external_id="1", person=person, status_before_dates=PersonStatus.ACTIVE,
                          reported_status=PersonStatus.DEPROVISIONED)  # fmt: skip
    DirectoryAddress.create(directory=directory, external_id="1", email_key="ana@acme.example",
                            email="Ana@acme.example", active=True)  # fmt: skip
    DirectoryReading.create(directory=directory, people_read=3)
    with writing():
        activity.record("Olga", "added app", app=app)
    RememberedItems.create(app=app, place=0, code_and_settings="ab", all_read_at=str(utcnow()), notes="[]", items=b"")
    Session.create(token_hash="t", person=person, ends_at=utcnow(), second_factor=SecondFactor.APP)
    WaitingFile.create(purpose="list", person=person, sealed=b"")
    WaitingSignIn.create(issuer="https://id.example", subject="ana", person=person, person_may_confirm=True)
    now, runner = rows(), Runner(db, str(MIGRATIONS))
    assert all(row[column] for table, columns in NAMES.items() for row in now[table] for column in columns.values())
    runner.down(FIRST)
    former = rows()
    for table, columns in NAMES.items():
        [row], [was] = now[table], former[table]
        row = {name: value for name, value in row.items() if name in was or name in columns.values()}  # no later ones
        assert was == {**{name: value for name, value in row.items() if name not in columns.values()},
                       **{old: row[new] for old, new in columns.items()}}  # fmt: skip
    runner.up()
    assert rows() == now


def test_the_approver_of_a_private_network_is_kept_in_the_settings(home):
    kept = {mail_server.KEPT_AS: {"host": "mail.example", "private_network_approver": "Olga"},
            oidc.KEPT_AS: {"issuer": "https://id.example", "private_network_approver": None}}  # fmt: skip
    for name, value in kept.items():
        set_setting(name, value)
    runner = Runner(db, str(MIGRATIONS))
    runner.down(SETTINGS)
    assert setting(mail_server.KEPT_AS) == {"host": "mail.example", "private_by": "Olga"}
    assert setting(oidc.KEPT_AS) == {"issuer": "https://id.example", "private_by": None}
    runner.up()
    assert {name: setting(name) for name in kept} == kept


def test_the_version_of_an_account_counts_what_is_written_under_the_new_names(home):
    app = App.create(connector="none", name="Chat", category="Seat-based")
    account = Account.create(app=app, external_id="1")
    runner = Runner(db, str(MIGRATIONS))
    runner.down(SETTINGS)
    runner.up()
    for written in ({"missing_fields": 1}, {"defaulted_fields": 2}, {"held_values": {"role": "admin"}}):
        before = Account.get_by_id(account.id).version
        Account.update(written).where(Account.id == account.id).execute()
        assert Account.get_by_id(account.id).version == before + 1, written


def rows() -> dict[str, list[dict]]:
    found = {}
    for table in NAMES:
        cursor = db.execute_sql(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        found[table] = [dict(zip(names, row)) for row in cursor.fetchall()]
    return found
