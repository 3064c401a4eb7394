"""Rollcall on a private PostgreSQL: some tests of the core and of the pages, which otherwise run on the file, the main
job with several processes, and a server that is away. ROLLCALL_TEST_DATABASE=postgresql runs all others there too
(CONTRIBUTING.md)."""

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
    "tests/sync/jobs/test_leases.py",
    "tests/faults/test_server_faults.py",
    "tests/web/test_reports_pages.py",
    "tests/cli/test_processes.py::test_two_web_and_two_worker_processes_do_the_main_job_and_one_dies_in_it",
    "tests/cli/test_processes.py::test_a_session_and_wrong_passwords_count_in_both_web_processes",
    "tests/cli/test_processes.py::test_a_daily_check_runs_once_although_two_workers_keep_the_schedule",
    "tests/cli/test_server_away.py",
)
SECONDS = 600  # on a machine that others use as well


@pytest.mark.skipif(ASKED == "postgresql", reason="all of this run is on PostgreSQL")
def test_rollcall_runs_on_postgresql():
    need("postgresql")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=short", *SELECTED],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS,
        env=os.environ | {"ROLLCALL_TEST_DATABASE": "postgresql"})  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
