"""Measures how many checks 1, 2 and 4 worker processes do on one PostgreSQL: apps that are due at once, each of which
answers a call after 300 ms. `python -m bench.workers 96`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROCESSES = (1, 2, 4)
LATENCY = 0.3
LIMIT = 600  # seconds
ROOT = Path(__file__).parent.parent


def measure(count: int, processes: int, folder: Path, address: str) -> dict[str, float]:
    """Seconds from the first start of a check to the last end, and of one check (the median)."""
    import statistics

    import connectors
    from bench.many import ACCOUNTS, NETWORK, SHARED, _connect, _length, _make_due
    from bench.many_servers import Servers
    from bench.pages import people_here
    from bench.workspace import BY
    from sync import start
    from sync.config import Config
    from sync.db import connected
    from sync.models import Check
    from sync.people import people
    from sync.states import CheckTrigger

    surroundings = {"ROLLCALL_HOME": str(folder), "ROLLCALL_DATABASE": address, "ROLLCALL_PRIVATE_NETWORKS": NETWORK}
    start.open_all(Config.from_environ(surroundings))
    connectors.allow_networks(connectors.parse_networks(NETWORK))
    with connected(), Servers(LATENCY, LATENCY, ACCOUNTS) as servers:
        owner = people.add("Olga Brandt", "olga@acme.example", BY, workspace_role="owner")
        people_here(ACCOUNTS)
        due = [_connect(owner, servers, f"App {number}", SHARED + number) for number in range(count)]
        servers.begin()
        workers = [subprocess.Popen([sys.executable, "app.py", "worker"], cwd=ROOT, env={**os.environ, **surroundings},
                                    stderr=subprocess.DEVNULL) for _ in range(processes)]  # fmt: skip
        time.sleep(8)  # all have started: nothing is due yet
        try:
            _make_due(due)
            ended = (Check.trigger == CheckTrigger.DAILY) & Check.finished_at.is_null(False)
            until = time.monotonic() + LIMIT
            while Check.select().where(ended).count() < count and time.monotonic() < until:
                time.sleep(0.2)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        checks = list(Check.select().where(ended))
        wall = max(check.finished_at for check in checks) - min(check.started_at for check in checks)
        return {"wall": wall.total_seconds(), "one": statistics.median(map(_length, checks)), "checks": len(checks)}


def main() -> None:
    from tests.database import start_server

    count = int((sys.argv[1:] or ["96"])[0])
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
            told = json.loads(done.stdout.splitlines()[-1])
        print(f"{processes} worker processes: {told['checks'] / told['wall']:.2f} checks a second, "
              f"{told['wall']:.1f} s for {told['checks']}, one takes {told['one']:.1f} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
