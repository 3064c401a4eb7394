"""Faults of our own: the disk, the database, the memory and the open files of the machine that Rollcall runs on.
This one place recognises them, by the codes of SQLite and of the system; health.py says which are current."""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STANDS_SECONDS = 150  # after it was last met, unless the database takes a write before
LONGEST_CHAIN = 20  # of causes that are looked at
LEAST_FREE = 64 * 1024  # bytes, below which a disk counts as full

log = logging.getLogger("rollcall.faults")


@dataclass(frozen=True, slots=True)
class Fault:
    """`sentence` says what happened, `advice` what to do; neither names a path, so anyone may read both."""

    kind: str
    sentence: str
    advice: str
    of_writing: bool = True  # over as soon as something is written again

    @property
    def text(self) -> str:
        return f"{self.sentence} {self.advice}"


FULL = Fault(
    "disk full", "The disk that Rollcall writes to is full.",
    "Make room on the disks of ROLLCALL_HOME and of temporary files: Rollcall then continues automatically.",
)
READ_ONLY = Fault(
    "disk read-only", "Rollcall can't write to its disk.",
    "Make ROLLCALL_HOME writable for the user that Rollcall runs as: Rollcall then continues automatically.",
)
FAILING = Fault(
    "disk failing", "The disk that Rollcall writes to reports errors.",
    "Look into the machine's system log, and keep a backup on another disk.",
)
LOCKED = Fault(
    "database locked", "Another program keeps Rollcall's database locked.",
    "End the program that has the file rollcall.db open: Rollcall then continues automatically.",
)
DAMAGED = Fault(
    "database damaged", "Rollcall's database is damaged.",
    "Stop Rollcall and restore the last backup: python app.py restore FILE.",
)
NO_MEMORY = Fault(
    "memory", "The machine that Rollcall runs on ran out of memory.",
    "Give it more memory, or stop other programs that use it: Rollcall tries again automatically.", of_writing=False,
)
NO_FILES = Fault(
    "open files", "Rollcall can't open more files.",
    "Raise the limit of open files (LimitNOFILE in rollcall.service), then restart Rollcall.", of_writing=False,
)
NO_SERVER = Fault(
    "database server", "Rollcall's database server doesn't answer.",
    "Start it, or repair the network between it and Rollcall: Rollcall then continues automatically.",
)
SERVER_FULL = Fault(
    "database server full", "Rollcall's database server has run out of disk space, memory or connections.",
    "PostgreSQL's log says which. Give it more: Rollcall then continues automatically.",
)
SERVER_READS_ONLY = Fault(
    "database server read-only", "Rollcall can read from its database server, but not write to it.",
    "It may be a replica: point ROLLCALL_DATABASE to the primary server.",
)
SERVER_SLOW = Fault(
    "database server slow", "Rollcall's database server ended a statement or a transaction that took too long.",
    "Look at the server's load and its log: Rollcall tries it again automatically.",
)
CONFLICT = Fault(
    "database conflict", "Two changes to Rollcall's database were in conflict, and the server refused one of them.",
    "Rollcall tries it again automatically.",
)
ALL = (FULL, READ_ONLY, FAILING, LOCKED, DAMAGED, NO_MEMORY, NO_FILES, NO_SERVER, SERVER_FULL, SERVER_READS_ONLY,
       SERVER_SLOW, CONFLICT)  # fmt: skip

# Primary result codes, https://www.sqlite.org/rescode.html; an extended code holds its primary one in the low byte.
OF_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_IOERR: FAILING,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_NOMEM: NO_MEMORY,
}
# By the code's beginning, https://www.postgresql.org/docs/current/errcodes-appendix.html
OF_POSTGRESQL = {
    "08": NO_SERVER,  # connection exception
    "57P": NO_SERVER,  # shut down, or starting up
    "53": SERVER_FULL,  # insufficient resources
    "25006": SERVER_READS_ONLY,
    "25P03": SERVER_SLOW,  # idle in a transaction
    "57014": SERVER_SLOW,  # canceled
    "40001": CONFLICT,  # serialization
    "40P01": CONFLICT,  # deadlock
    "55P03": LOCKED,
    "58": FAILING,  # system error
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}
UNREADABLE = "Could not decode to UTF-8"  # what Python says of a text that a damaged page holds, without a code
# errno(3); a network's or a remote server's troubles have others.
OF_SYSTEM = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: READ_ONLY,
    errno.EIO: FAILING,
    errno.ENOMEM: NO_MEMORY,
    errno.EMFILE: NO_FILES,
    errno.ENFILE: NO_FILES,
}


class OwnFault(Exception):
    """What was begun met a fault of our own: nobody else is to blame, and it is tried again later."""

    def __init__(self, fault: Fault):
        super().__init__(fault.text)
        self.fault = fault


_folder: Path | None = None
_met: dict[Fault, float] = {}  # when each was met last, on the monotonic clock


def of(problem: BaseException | None) -> Fault | None:
    """The fault of our own behind an error, however it was wrapped since; None for anyone else's."""
    for _ in range(LONGEST_CHAIN):
        if problem is None:
            return None
        if fault := _itself(problem):
            return fault
        problem = problem.__cause__ or problem.__context__
    return None


def _itself(problem: BaseException) -> Fault | None:
    if isinstance(problem, OwnFault):
        return problem.fault
    if isinstance(problem, sqlite3.OperationalError) and str(problem).startswith(UNREADABLE):
        return DAMAGED
    if isinstance(problem, MemoryError):
        return NO_MEMORY
    if isinstance(problem, sqlite3.Error):
        fault = OF_SQLITE.get(getattr(problem, "sqlite_errorcode", 0) & 0xFF)
        return FULL if fault in (FAILING, READ_ONLY) and _is_full() else fault
    if type(problem).__module__.startswith("psycopg") and not _is_an_apps(problem):
        return _of_postgresql(problem)
    if isinstance(problem, OSError):
        return OF_SYSTEM.get(problem.errno)
    return None


def _is_an_apps(problem: BaseException) -> bool:
    """Whether a connector met it: the database is an app's, and not Rollcall's."""
    step = problem.__traceback__
    while step is not None:
        if step.tb_frame.f_globals.get("__name__", "").startswith("connectors."):
            return True
        step = step.tb_next
    return False


def _of_postgresql(problem: BaseException) -> Fault | None:
    code = getattr(problem, "sqlstate", None)
    if code is None:  # the driver's own: without a server, there is no code
        return NO_SERVER if any(kind.__name__ == "OperationalError" for kind in type(problem).__mro__) else None
    return next((fault for begin, fault in OF_POSTGRESQL.items() if code.startswith(begin)), None)


def watch(folder: Path) -> None:
    """Where the database is: SQLite has no other word for a full disk where it can't even make its shared memory."""
    global _folder
    _folder = folder


def _is_full() -> bool:
    try:
        return _folder is not None and shutil.disk_usage(_folder).free < LEAST_FREE
    except OSError:
        return False


def note(problem: BaseException) -> Fault | None:
    """Like `of`, and remember for health.py that this process met it."""
    fault = of(problem)
    if fault in ALL:  # the clock's fault is tested at each call
        if fault not in _met:
            log.error("%s", fault.text)
        _met[fault] = time.monotonic()
    return fault


def written() -> None:
    """Something was written: what hindered that is over."""
    for fault in [fault for fault in _met if fault.of_writing]:
        _met.pop(fault, None)


def current() -> list[Fault]:
    """What this process met lately and hasn't seen to be over, the newest first."""
    now = time.monotonic()
    recent = sorted(((met, fault.kind, fault) for fault, met in list(_met.items())), reverse=True)
    return [fault for met, _, fault in recent if now - met < STANDS_SECONDS]


def clear() -> None:
    """Nothing has been met: a new beginning."""
    _met.clear()


@contextmanager
def named() -> Iterator[None]:
    """Whatever is raised inside and is a fault of our own comes out as OwnFault; the rest as it is."""
    try:
        yield
    except OwnFault:
        raise
    except Exception as problem:
        fault = note(problem)
        if fault is None:
            raise
        raise OwnFault(fault) from problem


@contextmanager
def tolerated() -> Iterator[None]:
    """What can be left out where a fault of our own hinders it: a page must work without it."""
    try:
        yield
    except Exception as problem:
        if note(problem) is None:
            raise
