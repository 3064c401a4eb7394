"""Measures whole checks over HTTP beside a plain program: a `requests` loop that reads the same pages of a SCIM server
on this machine, and bench/floor.py, which stages and compares them. `python -m bench.whole 100000`."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import requests

from bench import clock, floor, reading
from bench.children import peak_megabytes
from bench.children import run as run_child
from bench.machine import facts
from connectors.base import Account

STEPS = ("first reading", "nothing new, once", "nothing new", "1 % changed", "nothing new, after it")
ROUNDS = (0, 0, 0, 1, 1)  # of each step: what the server has


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        what, count = sys.argv[2], int(sys.argv[3])
        with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
            measured = {"plain": plain, "check": check}[what](count, Path(folder))
        measured["peak MB"] = peak_megabytes()
        print(json.dumps(measured))
        return
    print("\n".join(facts()), flush=True)
    for count in map(int, sys.argv[1:] or ["100000"]):
        compare(count, 5 if count <= 100_000 else 1)


def compare(count: int, repeat: int) -> None:
    """Print both, in processor seconds."""
    runs = [(run_child("bench.whole", "plain", count), run_child("bench.whole", "check", count)) for _ in range(repeat)]
    print(f"\n{count:,} members over HTTP: a requests loop that stages and compares, a whole check, in processor "
          f"seconds; medians of {repeat}")  # fmt: skip
    for step in (*STEPS, "peak MB"):
        plain, ours = (statistics.median(run[side][step] for run in runs) for side in (0, 1))
        ratio = statistics.median(ours[step] / plain[step] for plain, ours in runs)
        print(f"{step:24}{plain:9.3f}{ours:9.3f}{ratio:8.2f}×", flush=True)


def plain(count: int, folder: Path) -> dict[str, float]:
    """A competent program, without retries, checks or limits."""
    connection = floor.open_floor(str(folder / "floor.db"))
    with reading.Server(count) as server:
        return {step: clock.seconds(lambda: floor.check(connection, _pages(server.url)))
                for step, _ in _rounds(server)}  # fmt: skip


def _pages(url: str) -> Iterator[list[Account]]:
    with requests.Session() as session:
        session.headers.update({"Authorization": "Bearer t", "Accept": "application/scim+json"})
        start = 1
        while True:
            body = session.get(f"{url}/Users?startIndex={start}&count={reading.PAGE}").json()
            if not body["Resources"]:
                return
            yield [reading.plain_account(user) for user in body["Resources"]]
            start += len(body["Resources"])


def check(count: int, folder: Path) -> dict[str, float]:
    """Rollcall's, from the request to its end."""
    import connectors
    from bench.workspace import connect, open_owner, run_check

    owner = open_owner(folder)
    connectors.allow_networks(connectors.parse_networks("127.0.0.0/8"))
    with reading.Server(count) as server:
        app = connect(owner, "scim", {"base_url": server.url, "token": "t", "groups": "leave out"})
        return {step: clock.seconds(lambda: run_check(app)) for step, _ in _rounds(server)}


def _rounds(server: reading.Server) -> Iterator[tuple[str, int]]:
    for step, round in zip(STEPS, ROUNDS):
        server.begin(round)
        yield step, round


if __name__ == "__main__":
    main()
