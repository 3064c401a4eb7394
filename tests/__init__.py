"""Where tests keep what the next run can use again: servers that they install, data that servers begin with, and
compiled Python, also where the environment forbids to write it beside the source. Each program that a test starts would
compile Rollcall again."""

import os
import sys
from pathlib import Path

CACHE = Path(os.environ.get("ROLLCALL_TEST_CACHE") or Path.home() / ".cache" / "rollcall-tests").expanduser()

if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(CACHE / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

if "ROLLCALL_TEST_DATABASE" in os.environ:
    from tests import database, in_memory

    in_memory.begin()
    database.begin()  # before sync.db is imported
