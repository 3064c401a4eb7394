"""The threads of a process write one after the other; one that waits too long fails, as the file is locked."""

from __future__ import annotations

import threading

import pytest
from peewee import OperationalError

from sync.db import db, own_row, waiting_at_most, writing
from sync.settings import set_setting, setting
from tests.database import ON_FILE

pytestmark = [ON_FILE, pytest.mark.usefixtures("home")]


def test_each_waits_for_the_one_before_and_none_is_lost():
    def count() -> None:
        for _ in range(25):
            with writing():
                set_setting("count", (setting("count") or 0) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert setting("count") == 100


def test_a_write_that_fails_gives_its_turn_back():
    with pytest.raises(ValueError), writing():
        raise ValueError
    done = threading.Thread(target=set_setting, args=("after", 1))
    done.start()
    done.join()
    assert setting("after") == 1


def test_one_that_waits_too_long_fails_and_leaves_the_turn_to_others():
    begun, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with writing():
            begun.set()
            may_end.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    begun.wait()
    with pytest.raises(OperationalError, match="locked"), db.connection_context(), waiting_at_most(0.01), writing():
        pass
    may_end.set()
    holder.join()
    set_setting("after", 1)
    assert setting("after") == 1


@pytest.mark.parametrize("fails", [False, True])
def test_the_next_write_after_that_of_a_lease_waits_for_the_disk_again(fails):
    db.execute_sql("PRAGMA synchronous = 2")
    try:
        with own_row():
            assert db.execute_sql("PRAGMA synchronous").fetchone() == (1,)
            set_setting("lease", 1)
            if fails:
                raise ValueError
    except ValueError:
        pass
    assert db.execute_sql("PRAGMA synchronous").fetchone() == (2,)
