"""Other libraries that find what has changed, each used as its documentation recommends: one module for each.
They are installed in an environment of their own (`make .venv-bench/ready`), and nothing else imports them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

PYTHON = str(Path(__file__).parents[2] / ".venv-bench" / "bin" / "python")
CLASSES = {
    "diffsync": "bench.peers.with_diffsync:Diffsync",
    "dlt": "bench.peers.with_dlt:Dlt",
    "deepdiff": "bench.peers.with_deepdiff:Deepdiff",
}
ASK = "import json, sys, importlib.metadata as m; print(json.dumps({x: m.version(x) for x in sys.argv[1:]}))"


def versions() -> dict[str, str]:
    """Of each library; empty where they aren't installed."""
    try:
        done = subprocess.run([PYTHON, "-c", ASK, *CLASSES], capture_output=True, text=True)
    except FileNotFoundError:
        return {}
    return json.loads(done.stdout) if done.returncode == 0 else {}
