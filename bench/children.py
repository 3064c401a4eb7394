"""Runs one measurement in a Python of its own, so that none pays for the memory or the caches of another.
The module that measures takes `--child WHAT COUNT` and prints each result as a line of JSON."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from enum import StrEnum
from pathlib import Path

SECONDS, GIGABYTES = 120, 4  # most processor time and memory that a part of a child may take, if it has limits


class Limit(StrEnum):
    """What ended a child early."""

    SECONDS = f"{SECONDS} seconds"
    MEMORY = f"{GIGABYTES} GB"


def run(module: str, what: str, count: int) -> dict:
    """What the child printed. Raises SystemExit with its errors if it failed."""
    (result,), _ = results(module, what, count)
    return result


def results(module: str, what: str, count: int, python: str = sys.executable) -> tuple[list[dict], Limit | None]:
    """All that the child printed, and the limit that ended it early. Raises SystemExit as `run` does."""
    command = [python, "-m", module, "--child", what, str(count)]
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:  # removed also if the child is killed
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent,
                              env={**os.environ, "TMPDIR": folder})  # fmt: skip
    limit = _limit(done)
    if done.returncode and not limit:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()], limit


def _limit(done: subprocess.CompletedProcess[str]) -> Limit | None:
    if done.returncode == -signal.SIGXCPU:
        return Limit.SECONDS
    return Limit.MEMORY if done.returncode and "MemoryError" in done.stderr else None


def limit_next_part() -> None:
    """In a child: the system ends this process if it takes more from now on than SECONDS and GIGABYTES allow."""
    _set(resource.RLIMIT_CPU, int(time.process_time()) + SECONDS)
    _set(resource.RLIMIT_DATA, _data() + GIGABYTES * 1024**3)


def peak_megabytes() -> float:
    """The most memory that this process had: VmHWM of proc(5), as Linux counts that of the parent into `ru_maxrss`."""
    path = Path("/proc/self/status")
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _set(which: int, most: int) -> None:
    resource.setrlimit(which, (most, resource.getrlimit(which)[1]))


def _data() -> int:
    """Bytes that this process has for its data; 0 on a system that doesn't say (Linux: proc(5), statm)."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[5]) * resource.getpagesize() if path.exists() else 0
