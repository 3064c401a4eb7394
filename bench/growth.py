"""Measures what a check costs as an app grows, beside the floor and other libraries: `python -m bench.growth` prints a
table, writes bench/growth.json and draws bench/growth.svg. `--draw` draws what was measured last."""

from __future__ import annotations

import argparse
import json
import statistics
from datetime import date
from pathlib import Path

from bench import peers, picture, sample
from bench.children import GIGABYTES, SECONDS, Limit
from bench.machine import facts
from bench.programs import FLOOR, MEASURED, PEAK, ROLLCALL, Run, run

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
NUMBERS, PICTURE = (Path(__file__).with_name(f"growth.{kind}") for kind in ("json", "svg"))
NOT_TRIED = "not tried"
IN_TABLE = {Limit.SECONDS: f"over {SECONDS} s", Limit.MEMORY: f"over {GIGABYTES} GB", NOT_TRIED: NOT_TRIED, None: ""}

# Of one program with one number of accounts: each of MEASURED with its value and its ratio to the floor, as far as it
# got, and "ended": the limit that ended it early, NOT_TRIED, or None.
Measured = dict[str, list[float] | str | None]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeat", type=int, default=3, help="runs up to 100,000 accounts; more have one")
    arguments.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    arguments.add_argument("--draw", action="store_true", help="measure nothing")
    given = arguments.parse_args()
    if not given.draw:
        found = {"date": f"{date.today():%-d %B %Y}", "machine": facts(), "peers": peers.versions(), "sizes": {}}
        print(*found["machine"], with_peers(found["peers"]), sep="\n", flush=True)
        for count in given.sizes:
            tried = found["sizes"][str(count)] = measure(
                count, given.repeat if count <= 100_000 else 1, found["peers"], found["sizes"])  # fmt: skip
            print(*table({str(count): tried}), sep="\n", flush=True)
            NUMBERS.write_text(json.dumps(found, indent=1) + "\n")
    PICTURE.write_text(drawn(json.loads(NUMBERS.read_text())))


def with_peers(versions: dict[str, str]) -> str:
    """A line for the top of a report."""
    if not versions:
        return "peers      none, as they aren't installed (`make .venv-bench/ready`): only floor and check are measured"
    return "peers      " + ", ".join(f"{name} {version}" for name, version in versions.items())


def measure(count: int, repeat: int, versions: dict[str, str], smaller: dict[str, dict[str, Measured]]
            ) -> dict[str, Measured]:  # fmt: skip
    """All programs in turns, peers only in the first. One that didn't end with fewer accounts isn't tried."""
    failed = {name for tried in smaller.values() for name, measured in tried.items() if measured["ended"]}
    names = [name for name in (FLOOR, ROLLCALL, *versions) if name not in failed]
    turns = []
    for turn in range(repeat):
        turns.append({name: run(name, count) for name in (names if turn == 0 else (FLOOR, ROLLCALL))})
        agree({name: one.found for name, one in turns[-1].items()})
    measured = {name: _medians(name, turns) for name in names}
    return measured | {name: {"ended": NOT_TRIED} for name in versions if name in failed}


def agree(found: dict[str, dict[str, list[int]]]) -> None:
    """Raises SystemExit if a program didn't find the same numbers of new, gone and changed accounts as the floor."""
    for name, steps in found.items():
        for step, numbers in steps.items():
            if numbers != (right := found[FLOOR][step]):
                raise SystemExit(f"{name}, {step}: found {numbers} new, gone and changed accounts instead of {right}")


def _medians(name: str, turns: list[dict[str, Run]]) -> Measured:
    pairs = [(turn[name].took, turn[FLOOR].took) for turn in turns if name in turn]
    measured: Measured = {
        what: [round(statistics.median(values), 4) for values in zip(*((took[what], took[what] / floor[what])
                                                                       for took, floor in pairs))]
        for what in MEASURED if all(what in took for took, _ in pairs)
    }  # fmt: skip
    return measured | {"ended": next((turn[name].limit for turn in turns if name in turn and turn[name].limit), None)}


def table(sizes: dict[str, dict[str, Measured]]) -> list[str]:
    """In Markdown: a line for each of MEASURED with each number of accounts, a column for each program."""
    names = list(dict.fromkeys(name for tried in sizes.values() for name in tried))
    lines = [f"| accounts | | {' | '.join(names)} |", "| ---: | --- |" + " ---: |" * len(names)]
    for count, tried in sizes.items():
        for what in MEASURED:
            cells = [_cell(tried[name], what) for name in names]
            lines.append(f"| {int(count):,} | {what} | {' | '.join(cells)} |")
    return lines


def _cell(measured: Measured, what: str) -> str:
    if what not in measured:
        return IN_TABLE[measured["ended"]]
    value, ratio = measured[what]
    return _number(value) if ratio == 1 else f"{_number(value)} ({ratio:.1f}×)"


def _number(value: float) -> str:
    """Three digits or so."""
    return f"{value:,.{3 if value < 0.1 else 2 if value < 10 else 0}f}"


def drawn(found: dict) -> str:
    """The picture, from what growth.json has."""
    first, changed, _ = sample.STEPS
    panels = [
        picture.Panel("Processor seconds of a first reading", _lines(found, first), lambda value: f"{value:g} s"),
        picture.Panel("Processor seconds with 1 % changed", _lines(found, changed), lambda value: f"{value:g} s"),
        picture.Panel("Peak memory", _lines(found, PEAK), lambda value: _bytes(value)),
    ]
    notes = [f"{name}: {int(count):,} accounts, a reading not finished within {measured['ended']}."
             for count, tried in found["sizes"].items() for name, measured in tried.items()
             if measured["ended"] not in (None, NOT_TRIED)]  # fmt: skip
    return picture.draw("What a check costs as an app grows", "accounts in the app", panels, notes)


def _lines(found: dict, what: str) -> dict[str, picture.Points]:
    lines: dict[str, picture.Points] = {}
    for count, tried in found["sizes"].items():
        for name, measured in tried.items():
            if what in measured:
                lines.setdefault(name, []).append((int(count), measured[what][0]))
    return lines


def _bytes(megabytes: float) -> str:
    return f"{megabytes:g} MB" if megabytes < 1000 else f"{megabytes / 1000:g} GB"


if __name__ == "__main__":
    main()
