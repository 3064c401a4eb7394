"""Items are trusted only with the code that has read them: no file of it may be newer than the process."""

from __future__ import annotations

import os
import time
from importlib import import_module
from pathlib import Path

from sync.checks import known_items


def test_code_that_is_newer_than_the_process_is_not_trusted(monkeypatch):
    assert known_items._hash_of_code.__wrapped__()
    monkeypatch.setattr(known_items, "_process_started", 0)
    assert known_items._hash_of_code.__wrapped__() is None


def test_code_that_was_copied_with_its_time_since_the_start_is_newer_too(monkeypatch, tmp_path):
    monkeypatch.setattr(known_items, "CODE_FOLDERS", (tmp_path,))
    monkeypatch.setattr(known_items, "_process_started", time.time() - 1000)
    copied = (tmp_path / "copied").with_suffix(".py")
    copied.write_text("")
    os.utime(copied, (0, 0))
    assert known_items._hash_of_code.__wrapped__() is None


def test_the_start_of_the_process_is_no_later_than_now():
    """Otherwise code that was changed in the meantime would be trusted."""
    assert known_items._process_started <= time.time()


def test_all_that_makes_accounts_of_items_is_watched(monkeypatch, tmp_path):
    watched = set(known_items._code_files())
    for module in ("connectors.tools.items", "connectors.scim.connector", "connectors.names", "sync.checks.listed"):
        assert Path(import_module(module).__file__) in watched
    monkeypatch.setattr(known_items, "CODE_FOLDERS", (tmp_path,))
    monkeypatch.setattr(known_items, "_process_started", time.time() + 1000)
    found = {known_items._hash_of_code.__wrapped__()}
    for name in (".py", "deep/.json", "deep/.yaml", ".yml"):
        path = (tmp_path / name).with_name(f"new{Path(name).name}")
        path.parent.mkdir(exist_ok=True)
        for text in ("one", "two"):
            path.write_text(text)
            found.add(known_items._hash_of_code.__wrapped__())
    assert len(found) == 9 and None not in found
