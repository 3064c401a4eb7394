"""The real parts that some tests need: a missing one skips with its reason, or fails under ROLLCALL_TEST_ALL=1."""

from __future__ import annotations

import fcntl
import functools
import glob
import importlib.util
import itertools
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

PROGRAMS = {
    "chromium": ("/usr/lib/chromium/chromium-headless-shell", "chromium", "/usr/bin/chromium"),  # the first is quicker
    "slapd": ("slapd", "/usr/sbin/slapd"),
    "samba": ("samba", "/usr/sbin/samba"),
    "slapadd": ("slapadd", "/usr/sbin/slapadd"),
    "pgbouncer": ("pgbouncer", "/usr/sbin/pgbouncer"),
    "postgresql": ("initdb", "/usr/lib/postgresql/*/bin/initdb"),
    "nginx": ("nginx", "/usr/sbin/nginx"),
    "caddy": ("caddy", "/usr/bin/caddy"),
}


def need(part: str) -> str:
    """The path of a program, or the name of a Python package; skips or fails where it is missing."""
    if part in PROGRAMS:
        wait_for_programs()
        names = itertools.chain.from_iterable(map(_matching, PROGRAMS[part]))
        found = next((path for name in names if (path := shutil.which(name))), None)
    else:
        found = part if importlib.util.find_spec(part) else None
    return found or lack(f"{part} is not installed here")


def _matching(name: str) -> list[str]:
    """The programs whose path a pattern means, the newest version first; a name without one means itself."""
    return sorted(glob.glob(name), reverse=True) if "*" in name else [name]


@functools.cache
def wait_for_programs() -> None:
    """Until the programs that .ci/run installs beside the tests are there. While it does, it holds a lock on a file."""
    if installing := os.environ.get("ROLLCALL_TEST_INSTALLING"):
        with Path(installing).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)


def lack(reason: str) -> NoReturn:
    """Skips, or fails where every test must run."""
    if os.environ.get("ROLLCALL_TEST_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port on which nobody listens, another for each call. It is none of those that Linux gives to clients (from
    32768 on): a client that asks such a port before its server listens there may be connected with itself."""
    for port in _ports:
        with socket.socket() as listener, suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there is always a next port")


def _own_ports() -> Iterator[int]:
    """Of this process: each worker of a run has 2,500 of its own, so that no two of them begin a server on one port."""
    first, many = 12_000, 2_500
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    ports = range(first + worker * many, first + (worker + 1) * many)
    begin = os.getpid() * 101 % many  # processes that a worker starts don't begin with the same
    return itertools.cycle((*ports[begin:], *ports[:begin]))


_ports = _own_ports()
