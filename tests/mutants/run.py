"""`make mutants`: a sample of mutants, or all, one after the other, against the tests that execute the changed line.
It shows those that no test noticed, and how many of each package were noticed. Exit code 1: under 95 % of a package."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutants import mutate, reached, workshop
from tests.mutants.mutate import ROOT, Mutant

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
LEFT = reached.KEPT / "left.json"  # those that survived the last run
SECONDS = 60  # of tests for one mutant, the nearest first: the others are left out
ENOUGH = 0.95
Name = tuple[str, str, str, str]  # path, scope, the lines before and after

KILLED, SLOW, SURVIVED, EQUAL, BROKEN = "killed", "timed out", "SURVIVED", "equivalent", "not Python"


def named(mutant: Mutant, source: str) -> Name:
    return (mutant.path, mutant.scope, *mutant.lines(source))


def equivalents() -> dict[Name, str]:
    """Mutants that mean the same as the code, and why."""
    listed = tomllib.loads(EQUIVALENT.read_text())["equivalent"]
    return {(one["path"], one.get("scope", ""), one["before"], one["after"]): one["why"] for one in listed}


def chosen(package: str, sample: int | None, seed: int) -> list[Mutant]:
    """A random sample; without a number, all. The same seed draws the same mutants also when others come and go.

    Each has a lot of its own: the third `AND` of a function is drawn with it, or without.
    """
    drawn: list[tuple[str, Mutant]] = []
    for path in mutate.modules((package,)):
        source, alike = (ROOT / path).read_text(), Counter[str]()
        for mutant in mutate.mutants_of(path, source):
            what = f"{path} {mutant.scope} {source[mutant.start : mutant.end]} {mutant.new}"
            alike[what] += 1
            drawn.append((hashlib.sha256(f"{seed} {what} {alike[what]}".encode()).hexdigest(), mutant))
    if sample is None:
        return [mutant for _, mutant in drawn]
    return [mutant for _, mutant in sorted(drawn, key=lambda one: one[0])][:sample]


@dataclass
class Attempts:
    """Tries mutants one after the other. Tests that have noticed one come first for the next of the same function."""

    shop: workshop.Workshop
    known: reached.Reached
    seconds: float
    noticed: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def __post_init__(self) -> None:
        self.warm = self.shop.warm(reached.files_of_tests())

    def outcome(self, mutant: Mutant) -> str:
        source = (ROOT / mutant.path).read_text()
        changed = mutant.applied_to(source)
        try:
            compile(changed, mutant.path, "exec")
        except SyntaxError:
            return BROKEN
        tests, expected = self._tests_for(mutant, source)
        if not tests:
            return SURVIVED
        found = self._tested(mutant, source, changed, tests, 20 + 4 * expected)
        if found.failed:
            self.noticed[mutant.path, mutant.scope][found.failed] += 1
        return SLOW if found.code is None else SURVIVED if found.code == 0 else KILLED

    def _tested(self, mutant: Mutant, source: str, changed: str, tests: list[str], seconds: float) -> workshop.Outcome:
        self.warm.send((mutant.path, mutant.scope, changed, tests, seconds))
        if (values := self.warm.recv()) is not None:
            return workshop.Outcome(*values)
        self.shop.write(mutant.path, changed)
        try:
            return self.shop.test(tests, seconds)
        finally:
            self.shop.write(mutant.path, source)

    def _tests_for(self, mutant: Mutant, source: str) -> tuple[list[str], float]:
        """And how long they take."""
        tests, expected = [], 0.0
        for test in self.known.tests_for(mutant, source):
            if tests and expected + self.known.seconds[test] > self.seconds:
                break
            tests, expected = [*tests, test], expected + self.known.seconds[test]
        noticed = self.noticed[mutant.path, mutant.scope]
        return sorted(tests, key=lambda test: -noticed[test]), expected


def interval(killed: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % confidence interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, killed / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return middle - half, middle + half


def show(mutant: Mutant, name: Name, outcome: str) -> None:
    print(f"{outcome}: {mutant.path}:{mutant.line} {mutant.scope} ({mutant.operator})")
    print(f"    - {name[2]}\n    + {name[3]}", flush=True)


def of_package(package: str, mutants: list[Mutant], attempts: Attempts) -> Iterator[Name]:
    """Try them, print the outcome, and yield those that survived."""
    same, counts, kinds = equivalents(), Counter[str](), Counter[str]()
    for mutant in mutants:
        name = named(mutant, (ROOT / mutant.path).read_text())
        outcome = EQUAL if name in same else attempts.outcome(mutant)
        counts[outcome] += 1
        if outcome == SURVIVED:
            kinds[mutant.operator] += 1
            show(mutant, name, outcome)
            yield name
    killed = counts[KILLED] + counts[SLOW]
    of = killed + counts[SURVIVED]
    low, high = interval(killed, of)
    print(f"{package}: {killed} of {of} killed ({killed / max(of, 1):.1%}; 95 % confidence {low:.0%} to {high:.0%}), "
          f"{counts[SLOW]} of them timed out; left out: {counts[EQUAL]} equivalent, {counts[BROKEN]} not Python",
          flush=True)  # fmt: skip
    print("    by kind, survived: " + (", ".join(f"{number} {kind}" for kind, number in kinds.most_common()) or "none"),
          flush=True)  # fmt: skip
    if counts[SURVIVED] > (1 - ENOUGH) * of:
        print(f"{package}: this is under {ENOUGH:.0%}", flush=True)


def main() -> int:
    asked = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    asked.add_argument("--modules", nargs="*", help="packages or modules, such as sync/tasks/perform.py")
    asked.add_argument("--sample", type=int, help="mutants of each of them; all, if left out")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--seconds", type=float, default=SECONDS, help="of tests for one mutant, the nearest first")
    asked.add_argument("--again", action="store_true", help="only those that survived the last run")
    options = asked.parse_args()
    os.nice(10)
    again = [tuple(name) for name in json.loads(LEFT.read_text())] if options.again else None
    left: list[Name] = []
    enough = True
    with workshop.opened() as shop:
        reached.measure(shop)
        attempts = Attempts(shop, reached.Reached.known(), options.seconds)
        for package in options.modules or mutate.PACKAGES:
            mutants = chosen(package, None if again is not None else options.sample, options.seed)
            if again is not None:
                mutants = [one for one in mutants if named(one, (ROOT / one.path).read_text()) in again]
            survived = list(of_package(package, mutants, attempts))
            left += survived
            enough = enough and len(survived) <= (1 - ENOUGH) * len(mutants)
            LEFT.write_text(json.dumps(left))
    return 0 if enough else 1


if __name__ == "__main__":
    raise SystemExit(main())
