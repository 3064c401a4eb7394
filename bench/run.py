"""Every speed claim, measured: `python -m bench.run` prints the tables that bench/README.md explains.
Each measurement is a process of its own, so that its peak memory is its own; ratios are of one and the same run."""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SIZES = (10_000, 100_000)
STEPS = ("first reading", "1 % changed", "nothing new")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeat", type=int, default=3, help="runs of each measurement; the best counts")
    arguments.add_argument("--child", nargs=2, metavar=("WHAT", "COUNT"), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        what, count = given.child
        with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
            measured = CHILDREN[what](int(count), Path(folder))
        measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(measured))
        return
    from bench.machine import facts

    print("\n".join(facts()), flush=True)
    for count in SIZES:
        _compare(count, given.repeat)
    _prove(SIZES[-1])
    _pages()


def _compare(count: int, repeat: int) -> None:
    runs = {"floor": [], "check": []}
    for _ in range(repeat):
        for what, measured in runs.items():
            measured.append(_child(what, count))
    print(f"\n{count:,} accounts: own work in processor seconds (reading aside), the best of {repeat}")
    print(f"{'':16}{'floor':>10}{'check':>10}{'ratio':>9}")
    for step in STEPS:
        floor, check = (min(run[step] for run in runs[what]) for what in ("floor", "check"))
        print(f"{step:16}{floor:10.3f}{check:10.3f}{check / floor:8.2f}×")
    floor, check = (min(run["peak_mb"] for run in runs[what]) for what in ("floor", "check"))
    print(f"{'peak memory, MB':16}{floor:10.0f}{check:10.0f}")
    last = runs["check"][-1]
    print(f"a check that finds nothing writes {last['rows']} rows, in {last['writes']} writes")


def _prove(count: int) -> None:
    measured = _child("locks", count)
    print(f"\nWhile {count:,} accounts are read, another connection writes between the pages, with no patience at all:")
    print(f"{measured['written']:,} of {measured['tried']:,} writes went through at once")
    print(f"the longest that a writer waited during the whole check, taking over included: {measured['longest']:.2f} s")


def _pages() -> None:
    measured = _child("pages", 50_000)
    print("\n200 apps, 50,000 accounts in one of them: a page's time in ms (median of 20) and its size")
    for page, (milliseconds, size) in measured["pages"].items():
        print(f"{page:48}{milliseconds:8.1f}{size / 1024:8.0f} KB")
    print(f"{'peak memory, MB':48}{measured['peak_mb']:8.0f}")


def _child(what: str, count: int) -> dict:
    command = [sys.executable, "-m", "bench.run", "--child", what, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def _timed(work: Callable[[], object]) -> float:
    """Seconds of this process on the processor: neighbours on the machine don't count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _reading(count: int, round: int) -> float:
    """What the making of the list costs by itself: taken off both sides."""
    from bench.sample import pages

    return min(_timed(lambda: sum(map(len, pages(count, round)))) for _ in range(2))


def floor_child(count: int, folder: Path) -> dict:
    from bench import floor, sample

    connection = floor.open_floor(str(folder / "floor.db"))
    seconds = {}
    for round, step in enumerate(STEPS):
        reading = _reading(count, round)
        seconds[step] = _timed(lambda round=round: floor.check(connection, sample.pages(count, round))) - reading
    return seconds


def check_child(count: int, folder: Path) -> dict:
    from bench.sample import SampleApp
    from bench.workspace import open_workspace, rows_written, run_check
    from sync.db import connected

    app = open_workspace(folder)
    measured = {}
    with connected():
        for round, step in enumerate(STEPS):
            SampleApp.count, SampleApp.round = count, round
            reading = _reading(count, round)
            measured[step] = _timed(lambda: run_check(app)) - reading
        with rows_written() as written:
            run_check(app)
        measured["rows"], measured["writes"] = written
    return measured


def locks_child(count: int, folder: Path) -> dict:
    from bench.sample import SampleApp
    from bench.workspace import open_workspace, run_check, waiting_writer

    app = open_workspace(folder)
    path = str(folder / "rollcall.db")
    impatient = sqlite3.connect(path, timeout=0, isolation_level=None)
    tried, written = 0, 0

    def write() -> None:
        nonlocal tried, written
        tried += 1
        try:
            impatient.execute("INSERT OR REPLACE INTO setting (name, value) VALUES ('bench', ?)", (str(tried),))
            written += 1
        except sqlite3.OperationalError:
            pass

    SampleApp.count, SampleApp.between_pages = count, staticmethod(write)
    run_check(app)
    SampleApp.between_pages = staticmethod(lambda: None)
    SampleApp.round = 1
    with waiting_writer(path) as waits:
        run_check(app)
    return {"tried": tried, "written": written, "longest": max(waits)}


def pages_child(count: int, folder: Path) -> dict:
    from bench.pages import times

    return {"pages": times(count, folder)}


CHILDREN = {"floor": floor_child, "check": check_child, "locks": locks_child, "pages": pages_child}

if __name__ == "__main__":
    main()
