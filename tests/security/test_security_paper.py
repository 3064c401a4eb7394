"""SECURITY.md keeps its word: each test it names is there, and each point of the standard is answered once.
The points are those of level 2 of the OWASP Application Security Verification Standard 4.0.3, deleted ones left out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAPER = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
STATES = {"met", "partly", "not met", "not applicable"}
SECTIONS = {  # section → its active points of level 2, as ranges
    "1.1": "1-7", "1.2": "1-4", "1.4": "1 4 5", "1.5": "1-4", "1.6": "1-4", "1.7": "1-2", "1.8": "1-2", "1.9": "1-2",
    "1.10": "1", "1.11": "1-2", "1.12": "2", "1.14": "1-6",
    "2.1": "1-12", "2.2": "1-3", "2.3": "1-3", "2.4": "1-6", "2.5": "1-7", "2.6": "1-3", "2.7": "1-6", "2.8": "1-7",
    "2.9": "1-3", "2.10": "1-4",
    "3.1": "1", "3.2": "1-4", "3.3": "1-4", "3.4": "1-5", "3.5": "1-3", "3.7": "1",
    "4.1": "1-3 5", "4.2": "1-2", "4.3": "1-3",
    "5.1": "1-5", "5.2": "1-8", "5.3": "1-10", "5.4": "1-3", "5.5": "1-4",
    "6.1": "1-3", "6.2": "1-6", "6.3": "1-2", "6.4": "1-2",
    "7.1": "1-4", "7.2": "1-2", "7.3": "1 3 4", "7.4": "1-3",
    "8.1": "1-4", "8.2": "1-3", "8.3": "1-8",
    "9.1": "1-3", "9.2": "1-4",
    "10.2": "1-2", "10.3": "1-3",
    "11.1": "1-8",
    "12.1": "1-3", "12.2": "1", "12.3": "1-6", "12.4": "1-2", "12.5": "1-2", "12.6": "1",
    "13.1": "1 3-5", "13.2": "1-3 5-6", "13.3": "1-2", "13.4": "1-2",
    "14.1": "1-4", "14.2": "1-6", "14.3": "2-3", "14.4": "1-7", "14.5": "1-4",
}  # fmt: skip


def expected() -> list[str]:
    points = []
    for section, ranges in SECTIONS.items():
        for span in ranges.split():
            first, _, last = span.partition("-")
            points += [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]
    return sorted(points)


def rows() -> list[list[str]]:
    """The cells of each row of the standard's tables."""
    lines = PAPER[PAPER.index("## OWASP ASVS") :].splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if re.match(r"\| \d", line)]


def test_each_point_is_answered_once():
    shown = [point.strip() for row in rows() for point in row[0].split(",")]
    assert sorted(shown) == expected()


def test_each_answer_is_one_of_four_and_has_its_reason():
    for points, state, reason in rows():
        assert state in STATES, points
        assert len(reason) > 10, points


def test_the_tests_are_there():
    named = set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAPER))
    there = {(path, name) for path in {path for path, _ in named} for name in names_in(ROOT / "tests" / path)}
    assert named and sorted(named - there) == []


def names_in(file: Path) -> set[str]:
    """The tests and classes of a file; none if it isn't there."""
    if not file.is_file():
        return set()
    return {node.name for node in ast.parse(file.read_text(encoding="utf-8")).body if hasattr(node, "name")}


def test_every_promise_has_a_test():
    promises = PAPER[PAPER.index("## What is promised") : PAPER.index("## What is not defended")]
    rows = [line for line in promises.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 15
    assert all("::test_" in row for row in rows), [row for row in rows if "::test_" not in row]
