"""The same checks on a SQLite file and on PostgreSQL, one after the other: processor seconds of Rollcall and of the
server. `python -m bench.servers 20000` starts a private server in a temporary folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench import clock, sample
from tests.database import start_server

STEPS = ("first reading", "1 % changed", "nothing new")
SERVER = "BENCH_SERVER"  # the port of the server, for the process that checks


def server_seconds(port: str) -> float:
    """Processor seconds of the server with this port, with all its processes, also those that have ended."""
    found, postmaster = [], None
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            spent, words = (folder / "stat").read_text(), (folder / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        numbers = spent[spent.rindex(")") + 2 :].split()
        found.append((int(folder.name), int(numbers[1]), numbers[11:15]))
        if "-p" in words and words[words.index("-p") + 1 : words.index("-p") + 2] == [port] and "postgres" in words[0]:
            postmaster = int(folder.name)
    own = [sum(map(int, ticks)) for pid, _, ticks in found if pid == postmaster]
    return sum(own + [sum(map(int, ticks[:2])) for _, parent, ticks in found if parent == postmaster]) / os.sysconf(
        "SC_CLK_TCK")  # fmt: skip


def check_child(count: int, folder: Path, address: str) -> list[tuple[float, float]]:
    """For each step, processor seconds of this process and of the server."""
    from bench.workspace import BY, connect, run_check
    from sync import start
    from sync.config import Config
    from sync.db import connected
    from sync.people import people

    port = address.rpartition("/")[0].rpartition(":")[2]
    config = Config.from_environ({"ROLLCALL_HOME": str(folder)})
    start.open_all(replace(config, database_url=address) if address else config)
    with connected():
        owner = people.add("Olga Brandt", "olga@acme.example", BY, workspace_role="owner")
    app = connect(owner, sample.SampleApp.slug, {})
    spent = []
    with connected():
        for round, _ in enumerate(STEPS):
            made = list(sample.pages(count, round))
            sample.SampleApp.pages = staticmethod(lambda made=made: made)
            server, watch = server_seconds(port), clock.Stopwatch()
            run_check(app)
            spent.append((watch.seconds(), server_seconds(port) - server))
    return spent


def main() -> None:
    count, repeat = int((sys.argv[1:] or ["20000"])[0]), int((sys.argv[2:] or ["3"])[0])
    address = start_server()
    found: dict[str, list[list[tuple[float, float]]]] = {"SQLite": [], "PostgreSQL": []}
    for number in range(repeat):
        subprocess.run(["psql", "-q", f"{address}/postgres", "-c", f"CREATE DATABASE bench{number}"], check=True)
        for name, database in (("SQLite", ""), ("PostgreSQL", f"{address}/bench{number}")):
            with tempfile.TemporaryDirectory() as folder:
                environ = os.environ | ({"ROLLCALL_DATABASE": database} if database else {})
                code = f"from bench.servers import *; print(check_child({count}, Path({folder!r}), {database!r}))"
                done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
                if done.returncode:
                    raise RuntimeError(done.stderr)
                found[name].append(eval(done.stdout.splitlines()[-1]))  # what this module has printed
    print(f"{count:,} accounts: processor seconds of Rollcall and of the server; medians of {repeat}")
    for place, step in enumerate(STEPS):
        for name, runs in found.items():
            ours, server = (median(run[place][which] for run in runs) for which in (0, 1))
            print(f"{step:15} {name:11} {ours:7.2f} + {server:5.2f} = {ours + server:6.2f}")


if __name__ == "__main__":
    main()
