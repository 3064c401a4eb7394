"""The programs that do the same job: each reads an app's accounts into its own file, finds which are new, gone and
changed, and records that. `python -m bench.programs --child NAME COUNT` runs one, and again for its memory."""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Protocol

from bench import children, clock, peers, sample
from connectors.base import Account

FLOOR, ROLLCALL = "floor", "Rollcall"
CLASSES = {FLOOR: "bench.floor:Floor", ROLLCALL: "bench.workspace:Rollcall", **peers.CLASSES}
PEAK = "peak memory, MB"
MEASURED = (*sample.STEPS, PEAK)
FOR_MEMORY = " memory"


class Program(Protocol):
    """Made with an empty folder."""

    def check(self, pages: Iterable[list[Account]]) -> None:
        """Read all accounts of the app."""

    def found(self) -> tuple[int, int, int]:
        """How many accounts were new, gone and changed, with another role, name, address or status."""


@dataclass
class Run:
    """What one program took (processor seconds of each reading, and MB), what it found, and what ended it early."""

    took: dict[str, float]
    found: dict[str, list[int]]
    limit: children.Limit | None


def run(name: str, count: int) -> Run:
    """Run the program for its times, and again for its memory if no limit ended it."""
    python = peers.PYTHON if name in peers.CLASSES else sys.executable
    lines, limit = children.results("bench.programs", name, count, python)
    took = {line["step"]: line["seconds"] for line in lines}
    found = {line["step"]: line["found"] for line in lines}
    if not limit:
        memory, limit = children.results("bench.programs", name + FOR_MEMORY, count, python)
        for line in memory:
            took |= line
    return Run(took, found, limit)


def main() -> None:
    _, what, count = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        program: Program = resolve_name(CLASSES[what.removesuffix(FOR_MEMORY)])(Path(folder))
        (_memory if what.endswith(FOR_MEMORY) else _times)(program, int(count))


def _times(program: Program, count: int) -> None:
    """Pages are made before each reading and frozen for the garbage collector, so that their cost isn't measured."""
    for round, step in enumerate(sample.STEPS):
        made = list(sample.pages(count, round))
        gc.collect()
        gc.freeze()
        children.limit_next_part()
        seconds = clock.seconds(lambda made=made: program.check(made))
        print(json.dumps({"step": step, "seconds": seconds, "found": program.found()}), flush=True)


def _memory(program: Program, count: int) -> None:
    """Pages are made while they are read, as with a real app."""
    for round in range(len(sample.STEPS)):
        children.limit_next_part()
        program.check(sample.pages(count, round))
    print(json.dumps({PEAK: children.peak_megabytes()}))


if __name__ == "__main__":
    main()
