"""Measures the search over everything beside a plain LIKE over the same rows, and what keeping its index up to date
costs: `python -m bench.search 100000`, or with several numbers of accounts."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import clock, sample
from bench.machine import facts
from bench.workspace import open_workspace, run_check
from sync import everywhere
from sync.db import connected, db, utcnow, writing
from sync.models import Account, App, Asset, Person, PersonEmail
from sync.search import index

APPS = 200
TIMES = 15
FIRST = ("olga", "jan", "tom", "anna", "maria", "peter", "paul", "jana", "eva", "pavel", "josef", "chris", "martin")
PARTS = ("ka", "lo", "mi", "ra", "te", "no", "su", "va", "pe", "di", "zo", "be", "ga", "hu", "ti", "le", "mo", "na",
         "fi", "ro", "son", "sen", "mann", "er", "ov", "ski")  # fmt: skip
ASKED = {
    "a name": "anna {rare}",
    "a rare name": "{rare}",
    "a common name": "anna",
    "two letters": "an",
    "an address": "anna.{rare}7@acme.example",
    "a part of an address": "{rare}7@acm",
    "a common domain": "acme.example",
    "nothing": "zzzzzz",
    "nothing, by common parts": "annajose martinson",
}


def main() -> None:
    print("\n".join(facts()), flush=True)
    for count in map(int, sys.argv[1:] or ["100000"]):
        with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
            _measure(count, Path(folder))
        with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
            _measure_checks(min(count, 100_000), Path(folder))


def _measure(count: int, folder: Path) -> None:
    app, rng = open_workspace(folder), random.Random(1)
    with connected():
        owner = Person.get(Person.workspace_role == "owner")
        last = ["".join(rng.choices(PARTS, k=rng.randint(2, 4))) for _ in range(20_000)]
        _fill(count, app, rng, last)
        longest, began, used = 0.0, time.perf_counter(), time.process_time()
        while True:
            before = time.perf_counter()
            if not index.bring_up_some():
                break
            longest = max(longest, time.perf_counter() - before)
        print(f"\n{count:,} accounts in {APPS} apps, {count // 10:,} people: the index in "
              f"{time.perf_counter() - began:.0f} s ({time.process_time() - used:.0f} of the processor), "
              f"its longest transaction {longest * 1000:.0f} ms (wall clock)")
        print(f"{'search, in processor ms':34}{'median; longest':>20}{'LIKE':>10}{'found':>8}")
        for what, asked in ASKED.items():
            asked = asked.format(rare=last[300])
            mine, longest, found = _timed(lambda asked=asked: everywhere.search(owner, asked))
            plain, _, _ = _timed(lambda asked=asked: _like(asked), 3)
            number = sum(len(getattr(found, kind).rows) for kind in ("people", "accounts", "assets"))
            print(f"{what:34}{mine:12.1f};{longest:7.1f}{plain:10.1f}{number:8}", flush=True)


def _fill(count: int, app: App, rng: random.Random, last: list[str]) -> None:
    with writing():
        apps = [app.id]
        for number in range(1, APPS):
            of_its_kind = {"connector": "bench", "category": "seat-based", "state": "active"}
            apps.append(App.create(name=f"Space {number}", **of_its_kind).id)
        for start in range(0, count, 500):
            names = [(rng.choice(FIRST), last[int(rng.paretovariate(0.6) * 20) % 20_000]) for _ in range(500)]
            addresses = [f"{first}.{name}{place % 97}@acme.example" for place, (first, name) in enumerate(names)]
            Account.insert_many([
                {"app": apps[start // 500 % APPS], "external_id": str(start + place), "name": f"{first} {name}".title(),
                 "email": addresses[place], "email_key": addresses[place]}
                for place, (first, name) in enumerate(names)
            ]).execute()  # fmt: skip
        for number in range(1000):
            Asset.create(app=apps[0], external_id=str(number), kind="channel", name=f"team {last[number]}")
        for number in range(count // 10):
            row = Person.insert(name=f"{rng.choice(FIRST)} {last[number % 20_000]}".title()).execute()
            email = f"person.{number}@acme.example"
            PersonEmail.insert(person=row, email=email, email_key=email, main=True).execute()


def _like(asked: str) -> list:
    words = " AND ".join("(name LIKE ? OR email LIKE ?)" for _ in asked.split())
    values = [f"%{word}%" for word in asked.split() for _ in range(2)]
    return db.execute_sql(f"SELECT id FROM account WHERE {words} ORDER BY name LIMIT 100", values).fetchall()


def _timed(ask: Callable, times: int = TIMES) -> tuple[float, float, object]:
    """Median and longest of it in processor milliseconds, and what was found."""
    taken = []
    for _ in range(times):
        watch = clock.Stopwatch()
        found = ask()
        taken.append(watch.seconds() * 1000)
    return statistics.median(taken), max(taken), found


def _measure_checks(count: int, folder: Path) -> None:
    """What the triggers cost a check: the same changes with and without them, by turns."""
    app, taken, turn = open_workspace(folder), {True: [], False: []}, 0
    with connected():
        triggers = db.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'search_%'")
        triggers = triggers.fetchall()
        for turn in range(11):
            kept = bool(turn % 2)
            for name, _ in triggers:
                db.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
            for _, made in triggers if kept else ():
                db.execute_sql(made)
            prepared = list(sample.pages(count, turn % 2))
            sample.SampleApp.pages = staticmethod(lambda prepared=prepared: prepared)
            taken[kept].append(clock.seconds(lambda: run_check(app)))
            index.bring_up_to_date(utcnow())
    without, kept = (statistics.median(taken[kept][kept is False :]) for kept in (False, True))
    print(f"a check of {count:,} accounts with 1 % changed, in processor seconds; medians of 5: "
          f"{kept:.3f} ÷ {without:.3f} without the triggers = {kept / without:.2f}×")


if __name__ == "__main__":
    main()
