"""Schemathesis, in a process of its own: a run of all tests would make its tests in each worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.parts import need

DESCRIBED = Path(__file__).with_name("scim_described.py")
SECONDS = 300  # on a machine that others use as well


def test_every_answer_to_a_directory_is_one_that_is_described():
    need("schemathesis")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "schemathesis.pytest.plugin",
         "-p", "no:cacheprovider", "--tb=short", str(DESCRIBED)],
        cwd=DESCRIBED.parents[2], capture_output=True, text=True, timeout=SECONDS)  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
