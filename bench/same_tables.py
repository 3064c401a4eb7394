"""What a first reading costs at least with Rollcall's tables: the floor's plain program, which writes into them.
`python -m bench.same_tables 10000 100000` runs it with and without their indexes and foreign keys, beside the check."""

from __future__ import annotations

import gc
import json
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from pkgutil import resolve_name

from bench import clock, floor, programs, sample
from bench.children import run as run_child
from bench.machine import facts
from connectors.base import Account

SAME, NO_KEYS, NO_INDEXES = "the floor, same tables", "without foreign keys", "without indexes"
OTHERS = (programs.FLOOR, programs.ROLLCALL)
NEW_ACCOUNTS = """
    INSERT INTO account (app_id, external_id, email, email_key, name, status, role, kind, last_activity, seat,
        further_roles, missing_fields, defaulted_fields, state, match_kind, match_by_hand, first_seen)
    SELECT :app, external_id, email, email, name, status, role, 'user', last_activity, '', '[]', 0, 0, 'present',
        'unmatched', FALSE, :now FROM staged
"""
NEW_USERS = """
    INSERT INTO change (app_id, found_by_id, report_id, kind, decision, account_id, after, in_app, reason, created_at)
    SELECT :app, :check, :report, 'new user', 'applied', id, role, TRUE, 'In the app when it was connected', :now
    FROM account ORDER BY id
"""
INDEXES = "type = 'index' AND tbl_name IN ('account', 'change') AND sql IS NOT NULL"


def main() -> None:
    if sys.argv[1] == "--child":
        return _child(sys.argv[2], int(sys.argv[3]))
    print("\n".join(facts()), flush=True)
    for count in map(int, sys.argv[1:]):
        repeat = 9 if count < 100_000 else 5
        names = (programs.FLOOR, SAME, NO_KEYS, NO_INDEXES, programs.ROLLCALL)
        turns = [{name: run_child("bench.same_tables", name, count)["seconds"] for name in names}
                 for _ in range(repeat)]  # fmt: skip
        print(f"\n{count:,} accounts, a first reading in processor seconds; medians of {repeat}, and ÷ the floor's")
        for name in names:
            ratio = statistics.median(turn[name] / turn[programs.FLOOR] for turn in turns)
            print(f"{name:24}{statistics.median(turn[name] for turn in turns):8.3f}{ratio:8.2f}×", flush=True)


def _child(name: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        check = resolve_name(programs.CLASSES[name])(path).check if name in OTHERS else SameTables(path, name).check
        pages = list(sample.pages(count, 0))
        gc.collect()
        gc.freeze()
        print(json.dumps({"seconds": clock.seconds(lambda: check(pages))}))


class SameTables:
    """Rollcall's file, in which a report and a check wait for the accounts."""

    def __init__(self, folder: Path, name: str):
        from bench.workspace import BY, connected, open_workspace
        from sync.jobs import asking
        from sync.models import Report

        app = open_workspace(folder)
        with connected():
            check, report = asking.ask(app, BY), Report.create(app=app)
        self._values = {"app": app.id, "check": check.id, "report": report.id, "now": "2026-11-27 08:00:00"}
        self._file = sqlite3.connect(folder / "rollcall.db", isolation_level=None)
        keys = "off" if name == NO_KEYS else "on"
        self._file.executescript(f"PRAGMA synchronous = full; PRAGMA cache_size = -16000; PRAGMA foreign_keys = {keys}")
        if name == NO_INDEXES:
            for (index,) in self._file.execute(f"SELECT name FROM sqlite_schema WHERE {INDEXES}").fetchall():
                self._file.execute(f'DROP INDEX "{index}"')

    def check(self, pages: Iterable[list[Account]]) -> None:
        floor.stage(self._file, pages)
        self._file.execute("BEGIN IMMEDIATE")
        self._file.execute(NEW_ACCOUNTS, self._values)
        self._file.execute(NEW_USERS, self._values)
        self._file.execute("COMMIT")
        self._file.execute("DROP TABLE staged")


if __name__ == "__main__":
    main()
