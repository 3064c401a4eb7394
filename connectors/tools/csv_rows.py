"""Reads a file on this machine whole, or says why that isn't possible.
It reads only regular files, up to a size and within a time: a device never ends, and a pipe may never begin."""

from __future__ import annotations

import os
import stat
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from connectors.base import Refused, TemporarilyUnavailable

MAX_BYTES = 50_000_000
SECONDS = 30  # for the whole file: a network share that hangs must not block a worker for ever


def file_content(path: Path) -> bytes:
    """The whole file. Raises TemporarilyUnavailable when it can't be read, takes longer than SECONDS or is being
    written to, Refused if it isn't a regular file or is larger than MAX_BYTES."""
    done: Future[bytes] = Future()
    Thread(target=_read_into, args=(path, done), daemon=True, name="file").start()
    try:
        return done.result(SECONDS)
    except Late:
        raise TemporarilyUnavailable(f"The file {path} could not be read within {SECONDS} seconds.") from None


def written_at(path: Path | str) -> datetime | None:
    """When the file was last written, naive UTC; None if it can't be reached."""
    try:
        written = os.stat(path).st_mtime
    except (OSError, ValueError):
        return None
    return datetime.fromtimestamp(written, UTC).replace(tzinfo=None)


def _read_into(path: Path, done: Future[bytes]) -> None:
    try:
        done.set_result(_read(path))
    except BaseException as problem:  # noqa: BLE001 - the thread that waits raises it
        done.set_exception(problem)


def _read(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK, opening a pipe waits for a writer. The checks are made on the opened file, not the path.
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(opened, "rb") as file:
            before = os.fstat(opened)
            if not stat.S_ISREG(before.st_mode):
                raise Refused(f"{path} isn't a regular file. Enter the path of one.")
            content = file.read(MAX_BYTES + 1)
            after = os.fstat(opened)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise TemporarilyUnavailable(f"The file {path} can't be read: {reason}.") from problem
    if len(content) > MAX_BYTES:
        raise Refused(f"{path} is larger than {MAX_BYTES // 1_000_000} MB.")
    if before.st_mtime_ns != after.st_mtime_ns or len(content) != after.st_size:
        raise TemporarilyUnavailable(f"Another program was writing to the file {path} while Rollcall read it.")
    return content
