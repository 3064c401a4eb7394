"""Every background job is named where an installation is opened: none depends on what else a process imports."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from sync import start
from sync.jobs import queue

ROOT = Path(__file__).resolve().parents[2]


def test_every_background_job_is_named_and_known_to_a_process_that_only_starts():
    named = {f"{job.__module__}.{job.__qualname__}" for job in start.JOBS}
    for path in (ROOT / "sync").rglob("*.py"):
        if "migrations" not in path.parts:
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    decorated = [*queue._runners.values(), *queue._minutely, *queue._in_each_process]
    assert named == {f"{job.__module__}.{job.__qualname__}" for job in decorated if job.__module__.startswith("sync.")}
    counted = "len(queue._runners) + len(queue._minutely) + len(queue._in_each_process)"
    asked = f"from sync import start; from sync.jobs import queue; print({counted})"
    known = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(known.stdout) == len(start.JOBS)
