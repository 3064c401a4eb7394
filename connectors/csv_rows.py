"""The content of a file on this machine, whole, or why it can't be read."""

from __future__ import annotations

from pathlib import Path

from connectors.base import Refused, TemporarilyUnavailable

MAX_BYTES = 50_000_000


def file_content(path: Path) -> bytes:
    """The whole file; TemporarilyUnavailable when it can't be read or is being written to, Refused beyond MAX_BYTES."""
    try:
        before = path.stat()
        content = path.read_bytes() if before.st_size <= MAX_BYTES else b""
        after = path.stat()
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise TemporarilyUnavailable(f"The file {path} can't be read: {reason}.") from problem
    if before.st_size > MAX_BYTES:
        raise Refused(f"It is larger than {MAX_BYTES // 1_000_000} MB.")
    if before.st_mtime_ns != after.st_mtime_ns or len(content) != after.st_size:
        raise TemporarilyUnavailable(f"The file {path} was being written to while it was read.")
    return content
