"""Where temporary files of the tests are: in memory, on a machine that has enough of it. They are thousands of small
databases, and a tenth of a run's processor time was spent on bringing them to a disk."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

MEMORY = Path("/dev/shm")  # nosec B108 - a folder of our own in it
PREFIX = "rollcall-tests-"
ENOUGH = 4 * 2**30  # bytes; a whole run uses about a gigabyte at a time
_removed: list[Path] = []  # at the end of this process


def begin() -> None:
    """From now on, this process and those that it starts make temporary files in a new folder in memory. They are
    elsewhere by choice or for lack of memory, or where another process has already chosen."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    _remove_what_others_left()
    about = os.statvfs(MEMORY)
    if about.f_flag & os.ST_NOEXEC or min(about.f_bavail * about.f_frsize, _available()) < ENOUGH:
        return
    folder = MEMORY / f"{PREFIX}{os.getpid()}"
    folder.mkdir(0o755)  # servers with a user of their own look for their files there
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    _removed.append(folder)
    atexit.register(_remove)  # before that of a server that begins later, so it is called after it


def keep() -> None:
    """Files of tests that have failed are kept until the next run."""
    _removed.clear()


def _remove() -> None:
    for folder in _removed:
        if folder.name == f"{PREFIX}{os.getpid()}":  # not a fork's
            shutil.rmtree(folder, ignore_errors=True)


def _remove_what_others_left() -> None:
    """Of runs that have failed, whose files could be looked at up to now, or were killed."""
    for left in MEMORY.glob(f"{PREFIX}*"):
        with suppress(OSError, ValueError):
            if not Path(f"/proc/{int(left.name.removeprefix(PREFIX))}").exists():
                shutil.rmtree(left, ignore_errors=True)


def _available() -> int:
    """Bytes of memory that programs can have without swapping."""
    with open("/proc/meminfo", encoding="ascii") as about:
        return next((int(line.split()[1]) * 1024 for line in about if line.startswith("MemAvailable:")), 0)
