"""Connections are kept for the next thread that needs one, and hold none of the tables of the last."""

from __future__ import annotations

import os
import threading

import peewee
import psycopg
import pytest

from sync import faults
from sync.db import connected, db, writing
from sync.models import Person
from tests.database import ON_SERVER

pytestmark = ON_SERVER
PID = "SELECT pg_backend_pid()"


@pytest.fixture(autouse=True)
def closed(home):
    """Each test begins with no connection of this thread's."""
    db.close()
    yield
    db.connect(reuse_if_open=True)


def in_use() -> int:
    """The server's process that this thread's connection belongs to."""
    with connected():
        return db.execute_sql(PID).fetchone()[0]


def test_a_connection_is_used_again_and_each_thread_has_one_of_its_own():
    seen = {in_use()}  # one that was just given back is cleaned by another thread first
    assert any(in_use() in seen or seen.add(in_use()) for _ in range(1000))
    with connected():
        others = []
        thread = threading.Thread(target=lambda: others.append(in_use()))
        thread.start()
        thread.join()
        assert db.execute_sql(PID).fetchone()[0] != others[0]


def test_nothing_is_left_for_the_next_one():
    with connected():
        db.execute_sql("CREATE TEMP TABLE mine (a INT)")
        first = db.execute_sql(PID).fetchone()[0]
        db.execute_sql("BEGIN")
        db.execute_sql("INSERT INTO mine VALUES (1)")
    used = set()
    while first not in used:
        with connected():
            used.add(db.execute_sql(PID).fetchone()[0])
            assert not db.in_transaction()
            with pytest.raises(peewee.ProgrammingError, match="does not exist"):
                db.execute_sql("SELECT * FROM mine")


def test_one_that_the_server_has_ended_is_replaced(config):
    ended = in_use()
    with psycopg.connect(config.database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (ended,))
    assert in_use() != ended


def test_a_process_that_was_forked_has_connections_of_its_own():
    parents = {in_use() for _ in range(20)}
    reading, to_write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(to_write, str(in_use()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reading, 20)) not in parents and any(in_use() in parents for _ in range(1000))
    os.close(reading)
    os.close(to_write)


def test_a_statement_that_takes_too_long_is_ended_and_named():
    faults.clear()
    with pytest.raises(peewee.DatabaseError), writing():
        Person.create(name="Nobody")
        db.execute_sql("SET LOCAL statement_timeout = 20")
        db.execute_sql("SELECT pg_sleep(60)")
    assert faults.current() == [faults.SERVER_SLOW]
    with writing():
        assert not Person.select().where(Person.name == "Nobody").exists()
        Person.create(name="Maria")
    assert not faults.current()


def test_a_transaction_that_is_idle_is_ended_and_named():
    faults.clear()
    with pytest.raises(peewee.DatabaseError), writing():
        db.execute_sql("SET LOCAL idle_in_transaction_session_timeout = 1")
        Person.create(name="Nobody")
        while db.connection().pgconn.socket >= 0 and not _has_ended():
            pass
        Person.create(name="Nobody")
    assert faults.current() and faults.current()[0] in (faults.SERVER_SLOW, faults.NO_SERVER)
    with writing():
        assert not Person.select().where(Person.name == "Nobody").exists()


def _has_ended() -> bool:
    """Whether the server has closed this thread's connection."""
    import select

    return bool(select.select([db.connection().pgconn.socket], [], [], 10)[0])


def test_without_a_server_the_fault_is_named(config):
    db.end_pool()
    db.database, before = f"{config.database_url}_gone", db.database
    db.begin_pool()
    db.pool.wait_seconds = 0.2
    with pytest.raises(peewee.OperationalError) as raised, connected():
        pass
    assert faults.of(raised.value) is faults.NO_SERVER
    db.end_pool()
    db.database = before
    db.begin_pool()
