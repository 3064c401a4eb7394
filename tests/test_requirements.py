"""Installed packages are the chosen ones: the locks match the requirements' versions, and have each file's hash."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAIRS = tuple((f"{name}.txt", f"{name}.lock") for name in ("requirements", "requirements-dev", "requirements-bench"))
RENEW = "run `make lock` and commit what it changes"


def decided(name: str) -> dict[str, str]:
    """Package → version, as the requirements say."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): pinned for package, pinned in pins}


def locked(name: str) -> dict[str, str]:
    return {canonicalize_name(package): pinned for package, pinned, *_ in _blocks(name)}


def _blocks(name: str) -> list[tuple[str, str, str]]:
    """(package, version, what follows: its markers and hashes) of each."""
    text = (ROOT / name).read_text()
    return re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)((?:[^\n]*\\\n)*[^\n]*)$", text, re.MULTILINE)


@pytest.mark.parametrize(("requirements", "lock"), PAIRS)
def test_the_lock_has_what_was_decided(requirements, lock):
    wanted, has = decided(requirements), locked(lock)
    assert wanted, "nothing was read"
    other = {package: (pinned, has.get(package)) for package, pinned in wanted.items() if has.get(package) != pinned}
    assert other == {}, f"{lock} does not agree with {requirements}: {RENEW}"


@pytest.mark.parametrize("lock", [lock for _, lock in PAIRS[1:]])
def test_tests_and_measurements_run_on_what_people_run_on(lock):
    of_people, here = locked("requirements.lock"), locked(lock)
    other = {package: (pinned, here.get(package)) for package, pinned in of_people.items()
             if here.get(package) != pinned}  # fmt: skip
    assert other == {}, f"{lock} does not agree with requirements.lock: {RENEW}"


@pytest.mark.parametrize("lock", [lock for _, lock in PAIRS])
def test_each_locked_package_has_the_hashes_of_its_files(lock):
    blocks = _blocks(lock)
    assert len(blocks) == len(re.findall(r"^[A-Za-z0-9]", (ROOT / lock).read_text(), re.MULTILINE))
    assert [package for package, _, rest in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", rest)] == []


@pytest.mark.parametrize("lock", [lock for _, lock in PAIRS])
def test_a_lock_names_no_registry(lock):
    assert not re.search(r"://|index|find-links", (ROOT / lock).read_text())


@pytest.mark.parametrize(("requirements", "lock"), PAIRS)
def test_indirect_requirements_are_locked_too(requirements, lock):
    """By what the installed packages say of themselves: also what came as the need of a need."""
    has, todo = locked(lock), list(decided(requirements))
    seen = set(todo)
    while todo:
        package = todo.pop()
        for need in _needs(package):
            assert need in has, f"{package} needs {need}, which {lock} does not have: {RENEW}"
            if need not in seen:
                seen.add(need)
                todo.append(need)


def _needs(package: str) -> list[str]:
    try:
        shown = [Requirement(text) for text in requires(package) or ()]
    except PackageNotFoundError:
        return []  # of another platform, or not installed here
    return [canonicalize_name(one.name) for one in shown if one.marker is None or one.marker.evaluate({"extra": ""})]


def test_a_decision_that_is_not_locked_is_seen(tmp_path, monkeypatch):
    (tmp_path / "requirements.txt").write_text("flask==0.1  # pages\n")
    (tmp_path / "requirements.lock").write_text("flask==0.2 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr("tests.test_requirements.ROOT", tmp_path)
    with pytest.raises(AssertionError, match="make lock"):
        test_the_lock_has_what_was_decided("requirements.txt", "requirements.lock")
