"""Runs one measurement in a Python of its own, so that none pays for the memory or the caches of another.
The module that measures takes `--child WHAT COUNT` and prints its result as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def run(module: str, what: str, count: int) -> dict:
    """What the child printed. Raises SystemExit with its errors if it failed."""
    command = [sys.executable, "-m", module, "--child", what, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout)
