"""A new installation to measure, a check run in this thread, and counters for its writes."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from bench.sample import SampleApp
from connectors.base import Account
from sync import start
from sync.apps import apps
from sync.checks import checks
from sync.config import Config
from sync.db import connected, db
from sync.jobs import asking
from sync.models import App, Change, Check, Person
from sync.people import people
from sync.rank import Asker
from sync.states import ChangeKind

BY = Asker.command_line()


def open_workspace(folder: Path) -> App:
    """An installation in `folder` with its first Owner and one app, which reads bench.sample."""
    return connect(open_owner(folder), SampleApp.slug, {})


def open_owner(folder: Path) -> Person:
    """An installation in `folder` with its first Owner."""
    start.open_all(Config.from_environ({"ROLLCALL_HOME": str(folder)}))
    with connected():
        # without a password, because argon2 needs 64 MB to hash one
        return people.add("Olga Brandt", "olga@acme.example", BY, workspace_role="owner")


def connect(owner: Person, slug: str, settings: dict[str, str]) -> App:
    with connected():
        return apps.connect(slug, "Bench", settings, [owner], BY)


def run_check(app: App) -> Check:
    """Run one check from the request to its end. Raises if it fails."""
    with connected():
        check = asking.ask(app, BY)
        checks.run(check.id)
        check = Check.get_by_id(check.id)
    if check.state != "succeeded":
        raise RuntimeError(f"the check {check.state}: {check.error}")
    return check


class Rollcall:
    """An installation with one app, as a program of bench/programs.py."""

    def __init__(self, folder: Path):
        self._app = open_workspace(folder)
        db.connect()  # as a worker's thread, which stays connected

    def check(self, pages: Iterable[list[Account]]) -> None:
        SampleApp.pages = staticmethod(lambda: pages)
        self._check = run_check(self._app)

    def found(self) -> tuple[int, int, int]:
        """How many accounts the last check found new, gone and changed."""
        kinds = Counter(change.kind for change in Change.select(Change.kind).where(Change.found_by == self._check))
        changed = kinds[ChangeKind.UPDATED_ROLE] + kinds[ChangeKind.UPDATED_PROFILE]
        return kinds[ChangeKind.NEW_USER], kinds[ChangeKind.REMOVED_USER], changed


def let_somebody_go(accounts: Iterator[Account], app: App) -> None:
    """Make twenty of the accounts belong to people who have left, so that a check opens a report."""
    for account in islice(accounts, 10, 30):
        people.mark_left(people.add(account.name, account.email, BY), BY)
    run_check(app)


@contextmanager
def rows_written() -> Iterator[list[int]]:
    """Counts what this thread's connection writes to the file itself, without TEMP tables and the index for searching.

    At the end of the block the list contains the number of different rows, and of writes (a row written twice
    counts as two).
    """
    connection, count = db.connection(), []
    connection.execute("CREATE TEMP TABLE written (name TEXT, row INT)")
    tables = [row[0] for row in connection.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")]  # fmt: skip
    triggers = [(f"{event}_{table}", event, table) for table in tables if not table.startswith("sqlite_")
                for event in ("INSERT", "UPDATE", "DELETE")]  # fmt: skip
    for name, event, table in triggers:
        row = "OLD" if event == "DELETE" else "NEW"
        connection.execute(f'CREATE TEMP TRIGGER "{name}" AFTER {event} ON main."{table}" '
                           f"BEGIN INSERT INTO written VALUES ('{table}', {row}.rowid); END")  # fmt: skip
    try:
        yield count
        for what in ("DISTINCT name, row", "ALL name, row"):
            count += connection.execute(f"SELECT count(*) FROM (SELECT {what} FROM written)").fetchone()
    finally:
        for name, _, _ in triggers:
            connection.execute(f'DROP TRIGGER temp."{name}"')
        connection.execute("DROP TABLE temp.written")


@contextmanager
def waiting_writer(path: str, pause: float = 0.005) -> Iterator[list[float]]:
    """Another connection writes one row, again `pause` seconds after each write. The list contains the seconds that
    each write took."""
    waits, stop = [0.0], threading.Event()

    def write() -> None:
        connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        while not stop.wait(pause):
            start = time.perf_counter()
            connection.execute("INSERT OR REPLACE INTO setting (name, value) VALUES ('bench', '1')")
            waits.append(time.perf_counter() - start)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()
