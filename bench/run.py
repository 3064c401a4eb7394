"""Measures every speed claim: `python -m bench.run` prints the tables that bench/README.md explains.
Each measurement runs in its own process, to separate their peak memory. Ratios compare the same run."""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import clock, growth, peers, reading, sample
from bench.children import run as run_child
from bench.machine import facts
from connectors.base import Account

SIZES = (10_000, 100_000)
PAGE_RATIO, PAGE_SIZE = 2, 14 * 1024  # times a bare page; bytes, which arrive before the browser has answered once
SLOW = 0.05  # seconds that a distant app needs for a page


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeat", type=int, default=5, help="runs of each measurement")
    arguments.add_argument("--child", nargs=2, metavar=("WHAT", "COUNT"), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        what, count = given.child
        with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
            print(json.dumps(CHILDREN[what](int(count), Path(folder))))
        return
    versions = peers.versions()
    print(*facts(), growth.with_peers(versions), sep="\n", flush=True)
    for count in SIZES:
        _compare(count, given.repeat, versions)
    _prove(SIZES[-1])
    _read(SIZES[-1], given.repeat)
    _pages()
    _paints()
    _leavers()
    _many()


def _compare(count: int, repeat: int, versions: dict[str, str]) -> None:
    print(f"\n{count:,} accounts: own work in processor seconds without reading; medians of {repeat}, once with peers")
    print(*growth.table({str(count): growth.measure(count, repeat, versions, {})}), sep="\n")
    measured = run_child("bench.run", "writes", count)
    for state, words in (("quiet", ""), ("waiting", ", while a report with 20 leavers waits,")):
        rows, writes = measured[state]
        print(f"a check that finds nothing{words} writes {rows} rows, in {writes} writes")


def _prove(count: int) -> None:
    measured = run_child("bench.run", "locks", count)
    print(f"\nWhile {count:,} accounts are read, another connection writes between the pages, never waiting:")
    print(f"{measured['written']:,} of {measured['tried']:,} writes succeeded at once")
    print(f"longest wait of a writer during a check that found 1 % changed: {measured['longest']:.2f} s")


def _read(count: int, repeat: int) -> None:
    runs = [run_child("bench.run", "reading", count) for _ in range(repeat)]
    print(f"\n{count:,} members read over HTTP on this machine, in processor seconds; medians of {repeat}")
    _line("a connector ÷ a plain http.client loop", runs, "plain", "connector")
    print(f"{count // 20:,} members of a server that takes {SLOW * 1000:.0f} ms for each page, in seconds")
    _line("a connector ÷ a plain http.client loop", runs, "plain, slow", "connector, slow")


def _line(words: str, runs: list[dict], below: str, above: str) -> None:
    plain, ours = (statistics.median(run[side] for run in runs) for side in (below, above))
    print(f"{words}: {ours:.2f} ÷ {plain:.2f} = {statistics.median(run[above] / run[below] for run in runs):.2f}×")


def _pages() -> None:
    measured = run_child("bench.run", "pages", 50_000)
    print("\n200 apps, 50,000 accounts in one of them: processor time a page, ÷ a bare Flask route with the same SQL")
    print("and rows (medians of 20), size compressed, queries")
    for page, (milliseconds, ratio, size, queries) in measured["pages"].items():
        over = "  over the limit" if ratio > PAGE_RATIO or size > PAGE_SIZE else ""
        print(f"{page:28}{milliseconds:8.1f} ms{ratio:7.1f}×{size / 1024:8.1f} KB{queries:6}{over}")


def _paints() -> None:
    print("\nfirst paint in Chromium in milliseconds, ÷ that of a bare page with the same SQL and rows (medians)")
    for page, (ours, ratio) in run_child("bench.run", "paints", 2_000)["pages"].items():
        print(f"{page:28}{ours:8.0f} ms{ratio:7.1f}×{'  over the limit' if ratio > PAGE_RATIO else ''}")


def _leavers() -> None:
    measured = run_child("bench.run", "leavers", 200)
    print("\nA directory pushes that 20 people left who have an account in each of 200 apps, in processor seconds")
    print(f"until they count as having left: {measured['left']:.1f}")
    print(f"until each app has its report and its Owner an e-mail for each: {measured['compared']:.1f}")
    print(f"{measured['reports']} reports, {measured['mails']} e-mails, {measured['calls']} calls of an app")
    print(f"to count them in all apps: {measured['counted']:.3f}")


def _many() -> None:
    from bench import many

    print("", *many.lines(200, run_child("bench.run", "many", 200)), sep="\n")


def writes_child(count: int, folder: Path) -> dict:
    from bench.workspace import let_somebody_go, open_workspace, rows_written, run_check
    from sync.db import connected

    app = open_workspace(folder)
    with connected():
        for round in range(len(sample.STEPS)):
            sample.SampleApp.pages = staticmethod(lambda round=round: sample.pages(count, round))
            run_check(app)
        with rows_written() as quiet:
            run_check(app)
        let_somebody_go(sample.accounts(count, round), app)
        with rows_written() as waiting:
            run_check(app)
    return {"quiet": quiet, "waiting": waiting}


def locks_child(count: int, folder: Path) -> dict:
    from bench.workspace import open_workspace, run_check, waiting_writer

    app = open_workspace(folder)
    path = str(folder / "rollcall.db")
    impatient = sqlite3.connect(path, timeout=0, isolation_level=None)
    went_through = []

    def pages_with_a_write_between() -> Iterator[list[Account]]:
        for page in sample.pages(count, 0):
            yield page
            try:
                impatient.execute("INSERT OR REPLACE INTO setting (name, value) VALUES ('bench', '1')")
                went_through.append(True)
            except sqlite3.OperationalError:
                went_through.append(False)

    sample.SampleApp.pages = staticmethod(pages_with_a_write_between)
    run_check(app)
    sample.SampleApp.pages = staticmethod(lambda: sample.pages(count, 1))
    with waiting_writer(path) as waits:
        run_check(app)
    return {"tried": len(went_through), "written": sum(went_through), "longest": max(waits)}


def reading_child(count: int, folder: Path) -> dict:
    seconds = {}
    with reading.Server(count) as server:
        for name, read in (("plain", reading.plain), ("connector", reading.connector)):
            seconds[name] = clock.seconds(lambda read=read: read(server.url))
    with reading.Server(count // 20, SLOW) as server:
        for name, read in (("plain, slow", reading.plain), ("connector, slow", reading.connector)):
            start = time.perf_counter()
            read(server.url)
            seconds[name] = time.perf_counter() - start
    return seconds


def leavers_child(count: int, folder: Path) -> dict:
    from bench.leavers import measure

    return measure(count, 500, folder)


def many_child(count: int, folder: Path) -> dict:
    from bench.many import measure

    return measure(count, folder)


def pages_child(count: int, folder: Path) -> dict:
    from bench.pages import times

    return {"pages": times(count, folder)}


def paints_child(count: int, folder: Path) -> dict:
    from bench.paint import paints

    return {"pages": paints(count, folder)}


CHILDREN = {
    "writes": writes_child, "locks": locks_child, "reading": reading_child, "pages": pages_child,
    "paints": paints_child, "leavers": leavers_child, "many": many_child,
}  # fmt: skip

if __name__ == "__main__":
    main()
