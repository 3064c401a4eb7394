"""The core on a private PostgreSQL: some tests of each part of it, which otherwise run on the file.
ROLLCALL_TEST_DATABASE=postgresql runs all others there too (CONTRIBUTING.md)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.database import ASKED
from tests.parts import need

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SELECTED = (
    "tests/sync/postgres",
    "tests/sync/reports/test_merge.py",
)
SECONDS = 600  # on a machine that others use as well


@pytest.mark.skipif(ASKED == "postgresql", reason="all of this run is on PostgreSQL")
def test_the_core_runs_on_postgresql():
    need("postgresql")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=short", *SELECTED],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS,
        env=os.environ | {"ROLLCALL_TEST_DATABASE": "postgresql"})  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
