"""An answer outlives a page only as long as nobody has written anything: each write is seen by the next question."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from sync import workspace
from sync.apps import member_list
from sync.apps.member_list import Members
from sync.db import connected, db, keeping_connections, own_row, utcnow, writing
from sync.matching.members import LEFT
from sync.models import Account, App, Person, Setting
from sync.once import remembering
from sync.settings import set_setting
from sync.unchanged import MOST, while_unchanged
from tests.database import ON_FILE

pytestmark = pytest.mark.usefixtures("home")


@while_unchanged
def zone(*_asked: object) -> str | None:
    asked.append(_asked)
    row = Setting.get_or_none(Setting.name == "zone")
    return row and row.value


asked: list[tuple] = []


@pytest.fixture(autouse=True)
def _keeping() -> Iterator[None]:
    asked.clear()
    db.close()  # the one that opened the installation isn't kept
    with keeping_connections():
        yield


def page(ask: Callable[[], object] = zone) -> object:
    with connected(), remembering():
        return ask()


def elsewhere(work: Callable[[], object]) -> None:
    """In another thread, with a connection of its own."""
    def connected_work() -> None:
        with connected():
            work()

    thread = threading.Thread(target=connected_work)
    thread.start()
    thread.join()


@ON_FILE
def test_pages_share_an_answer_while_nothing_is_written():
    assert [page(), page(), page(lambda: zone("another"))] == [None, None, None]
    assert len(asked) == 2


@pytest.mark.parametrize("where", [lambda work: work(), elsewhere], ids=["here", "elsewhere"])
@pytest.mark.parametrize("how", [writing, own_row])
def test_each_write_is_seen_by_the_next_page(where, how):
    def write() -> None:
        with connected(), how():
            Setting.delete().where(Setting.name == "zone").execute()
            Setting.insert(name="zone", value=new).execute()

    for new in ("Europe/Berlin", "Asia/Tokyo"):
        page()
        where(write)
        assert page() == new


def test_a_write_is_seen_by_the_same_page():
    with connected(), remembering():
        assert zone() is None
        elsewhere(lambda: set_setting("zone", "Europe/Berlin"))
        assert zone("not remembered by the page itself") == "Europe/Berlin"
        set_setting("zone", "Asia/Tokyo")
        assert zone() == "Asia/Tokyo"


def test_a_transaction_reads_and_leaves_nothing_behind():
    with connected(), remembering():
        assert zone() is None
        with pytest.raises(RuntimeError), writing():
            set_setting("zone", "Europe/Berlin")
            assert zone() == "Europe/Berlin"
            raise RuntimeError
        assert zone() is None


def test_jobs_and_commands_ask_each_time():
    with connected():
        zone()
        zone()
    assert len(asked) == 2


@ON_FILE
def test_a_page_sees_the_writes_of_another_program():
    page()
    with sqlite3.connect(db.database) as other:
        other.execute("INSERT INTO setting (name, value) VALUES ('zone', '\"Asia/Tokyo\"')")
    assert page() == "Asia/Tokyo"
    page()
    with sqlite3.connect(db.database) as other:
        other.execute("DELETE FROM setting")
    assert page() is None


@ON_FILE
def test_an_answer_from_before_a_write_that_came_meanwhile_is_not_kept():
    @while_unchanged
    def slow() -> str | None:
        found = zone()
        if found is None:
            elsewhere(lambda: set_setting("zone", "Asia/Tokyo"))
        return found

    assert page(slow) is None
    assert page(slow) == "Asia/Tokyo"


def test_a_new_day_is_seen_although_nothing_is_written(monkeypatch):
    """The account of someone who has left may be kept until a day."""
    with connected():
        app = App.create(connector="slack", name="Slack", category="Seat-based", state="active")
        ana = Person.create(name="Ana", status="deprovisioned", remove_on=workspace.today() + timedelta(days=1))
        Account.create(app=app, external_id="1", match_kind="matched", person=ana)

    def left() -> int:
        return member_list.search(app, Members(tab=LEFT)).total

    assert page(left) == 0
    monkeypatch.setattr(workspace, "utcnow", lambda: utcnow() + timedelta(days=1))
    assert page(left) == 1


@ON_FILE
def test_a_connection_keeps_few_answers():
    for number in range(MOST + 1):
        page(lambda number=number: zone(number))
    page(lambda: zone(MOST))
    assert len(asked) == MOST + 1
    page(lambda: zone(0))
    assert len(asked) == MOST + 2
