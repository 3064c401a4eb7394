"""Measures how many checks 1, 2 and 4 worker processes do on one PostgreSQL: apps that are due at once, each of which
answers a call after 100 ms. `python -m bench.workers 200`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROCESSES = (1, 2, 4)
LATENCY = 0.1
LIMIT = 600  # seconds
LOOK_SECONDS = 0.1  # between looks at what the server's sessions wait for
ROOT = Path(__file__).parent.parent
WAITING = """
    SELECT count(*) FILTER (WHERE wait_event = 'advisory'), count(*) FILTER (WHERE wait_event_type = 'IO'),
        count(*) FILTER (WHERE wait_event_type = 'LWLock'), count(*)
    FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()
"""


def measure(count: int, processes: int, folder: Path, address: str) -> dict[str, float]:
    """Seconds: `wall` from the first start of a check to the last end, `one` check (the median), of the processor
    `ours` and `server`. Of sessions, the mean number that were `active`, and that waited for the lock of the one
    `writer`, for the `disk` or for a lock `inside` of the server."""
    import statistics

    import connectors
    from bench.many import ACCOUNTS, NETWORK, SHARED, _connect, _length, _make_due
    from bench.many_servers import Servers
    from bench.pages import people_here
    from bench.servers import server_seconds
    from bench.workspace import BY
    from sync import start
    from sync.config import Config
    from sync.db import connected
    from sync.models import Check
    from sync.people import people
    from sync.states import CheckTrigger

    surroundings = {"ROLLCALL_HOME": str(folder), "ROLLCALL_DATABASE": address, "ROLLCALL_PRIVATE_NETWORKS": NETWORK}
    port = address.rpartition("/")[0].rpartition(":")[2]
    start.open_all(Config.from_environ(surroundings))
    connectors.allow_networks(connectors.parse_networks(NETWORK))
    with connected(), Servers(LATENCY, LATENCY, ACCOUNTS) as servers:
        owner = people.add("Olga Brandt", "olga@acme.example", BY, workspace_role="owner")
        people_here(ACCOUNTS)
        due = [_connect(owner, servers, f"App {number}", SHARED + number) for number in range(count)]
        servers.begin()
        with _working(processes, folder, surroundings), _looking(address) as seen:
            server = server_seconds(port)
            _make_due(due)
            ended = (Check.trigger == CheckTrigger.DAILY) & Check.finished_at.is_null(False)
            until = time.monotonic() + LIMIT
            while Check.select().where(ended).count() < count and time.monotonic() < until:
                time.sleep(0.2)
            server = server_seconds(port) - server
        checks = list(Check.select().where(ended))
        wall = max(check.finished_at for check in checks) - min(check.started_at for check in checks)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        means = (statistics.mean(numbers) for numbers in zip(*seen))
        return {"wall": wall.total_seconds(), "one": statistics.median(map(_length, checks)), "checks": len(checks),
                "ours": used.ru_utime + used.ru_stime, "server": server,
                **dict(zip(("writer", "disk", "inside", "active"), means))}  # fmt: skip


@contextmanager
def _working(processes: int, folder: Path, surroundings: dict[str, str]) -> Iterator[None]:
    """Worker processes that have started, until the end of the block."""
    logs = [(folder / f"worker{number}.log").open("w+") for number in range(processes)]
    workers = [subprocess.Popen([sys.executable, "app.py", "worker"], cwd=ROOT, env={**os.environ, **surroundings},
                                stderr=log) for log in logs]  # fmt: skip
    try:
        while not all("runs the queue" in Path(log.name).read_text() for log in logs):
            time.sleep(0.1)
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


@contextmanager
def _looking(address: str) -> Iterator[list[tuple]]:
    import psycopg

    seen, stop = [], threading.Event()

    def look() -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            while not stop.wait(LOOK_SECONDS):
                seen.append(connection.execute(WAITING).fetchone())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def main() -> None:
    from tests.database import start_server

    count = int((sys.argv[1:] or ["200"])[0])
    address = start_server()
    print(f"{count} apps are due at once; {LATENCY * 1000:.0f} ms a call; load {os.getloadavg()[0]:.1f} at the start")
    for processes in PROCESSES:
        database = f"{address}/workers{processes}"
        subprocess.run(["psql", "-q", f"{address}/postgres", "-c", f"CREATE DATABASE workers{processes}"], check=True)
        with tempfile.TemporaryDirectory() as folder:
            code = (f"import json; from bench.workers import *; "
                    f"print(json.dumps(measure({count}, {processes}, Path({folder!r}), {database!r})))")  # fmt: skip
            done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"ROLLCALL_DATABASE": database},
                                  capture_output=True, text=True)  # fmt: skip
            if done.returncode:
                raise SystemExit(done.stderr)
            run = json.loads(done.stdout.splitlines()[-1])
        print(f"{processes} worker processes: {run['checks'] / run['wall']:.2f} checks a second, "
              f"{run['wall']:.1f} s for {run['checks']}, one takes {run['one']:.1f} s; processor seconds "
              f"{run['ours']:.1f} + {run['server']:.1f} of the server; sessions at work {run['active']:.1f}: "
              f"{run['writer']:.1f} waited for the one writer, {run['disk']:.1f} for the disk and "
              f"{run['inside']:.1f} inside of the server", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
