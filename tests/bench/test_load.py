"""The measurement under load starts a server, clicks and checks; its words say what it found."""

from __future__ import annotations

from pathlib import Path

from bench import load
from sync.db import db


def test_two_people_click_while_apps_are_checked(tmp_path: Path) -> None:
    try:
        found = load.measure(tmp_path, 2, 8, 5_000, lambda made: made < 4, thinks=(0, 0))
    finally:
        db.close()
    assert found.errors == [] and len(found.all) == 10, "each signs in, and clicks four times"
    assert found.waits and found.processor > 0 and found.memory > 20


def test_the_words() -> None:
    found = load.Load({"Home": [0.1, 0.2, 0.4], "Apps": [0.3]}, ["Apps: 500 /apps"], [0.0, 0.02], 3, 1.5, 90)
    first, *pages, writes, server, error = load.lines(found)
    assert first.startswith("4 clicks: half of them within 250 ms, 95 of 100 within 400 ms (misses 300 ms)")
    assert first.endswith("1 errors") and [line.split()[0] for line in pages] == ["Apps", "Home"]
    assert writes.endswith("the longest 20 ms") and server.startswith("3 checks ended") and error == "Apps: 500 /apps"
