"""A refusal of PostgreSQL that has to do with its machine is a fault of our own; a wrong statement is not."""

from __future__ import annotations

import peewee
import psycopg
import pytest
from psycopg import errors

from connectors.apps.postgres import PostgresRoles
from connectors.base import TemporarilyUnavailable
from sync import faults
from sync.db import db, writing
from sync.models import Person
from tests.database import ON_SERVER
from tests.parts import free_port


@pytest.mark.parametrize(("problem", "fault"), [
    (psycopg.OperationalError("server closed the connection unexpectedly"), faults.NO_SERVER),
    (errors.AdminShutdown(), faults.NO_SERVER), (errors.CannotConnectNow(), faults.NO_SERVER),
    (errors.ConnectionException(), faults.NO_SERVER),
    (errors.DiskFull(), faults.SERVER_FULL), (errors.TooManyConnections(), faults.SERVER_FULL),
    (errors.ReadOnlySqlTransaction(), faults.SERVER_READS_ONLY),
    (errors.SerializationFailure(), faults.CONFLICT), (errors.DeadlockDetected(), faults.CONFLICT),
    (errors.LockNotAvailable(), faults.LOCKED), (errors.DataCorrupted(), faults.DAMAGED),
    (errors.IoError(), faults.FAILING), (errors.QueryCanceled(), faults.SERVER_SLOW),
    (errors.IdleInTransactionSessionTimeout(), faults.SERVER_SLOW),
    (errors.UniqueViolation(), None), (errors.SyntaxError(), None), (errors.UndefinedTable(), None),
    (psycopg.DataError("NUL"), None), (psycopg.ProgrammingError("no result"), None),
])  # fmt: skip
def test_a_refusal_is_distinguished_by_its_code(problem, fault):
    assert faults.of(problem) is fault
    wrapped = peewee.OperationalError("wrapped")
    wrapped.__cause__ = problem
    assert faults.of(wrapped) is fault


def test_an_app_whose_own_database_cannot_be_reached_is_no_fault_of_ours():
    settings = {"host": "127.0.0.1", "port": str(free_port()), "user": "rollcall", "password": "secret",
                "email_domain": "acme.example"}  # fmt: skip
    connector = PostgresRoles(settings)
    with pytest.raises(TemporarilyUnavailable) as raised:
        list(connector.accounts())
    assert isinstance(raised.value.__cause__ or raised.value.__context__, psycopg.OperationalError)
    assert faults.of(raised.value) is None


@ON_SERVER
def test_a_connection_that_the_server_cut_off_is_noted_and_the_next_write_ends_it(home, config):
    faults.clear()
    db.close()
    with pytest.raises(peewee.DatabaseError), writing():
        Person.create(name="Nobody")
        with psycopg.connect(config.database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                          "WHERE datname = current_database() AND pid <> pg_backend_pid()")
        Person.create(name="Nobody")
    assert faults.current() == [faults.NO_SERVER]
    with writing():
        Person.create(name="Maria")
    assert not faults.current()
    with db.connection_context():
        assert [person.name for person in Person.select()] == ["Maria"]
    db.connect()
