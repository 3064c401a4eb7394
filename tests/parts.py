"""The real parts that some tests need: a missing one skips with its reason, or fails under ROLLCALL_TEST_ALL=1."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
from pathlib import Path
from typing import NoReturn

import pytest

PROGRAMS = {
    "chromium": ("/usr/lib/chromium/chromium-headless-shell", "chromium", "/usr/bin/chromium"),  # the first is quicker
    "slapd": ("slapd", "/usr/sbin/slapd"),
    "samba": ("samba", "/usr/sbin/samba"),
    "slapadd": ("slapadd", "/usr/sbin/slapadd"),
    "pgbouncer": ("pgbouncer", "/usr/sbin/pgbouncer"),
    "postgresql": ("initdb", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)),
    "nginx": ("nginx", "/usr/sbin/nginx"),
    "caddy": ("caddy", "/usr/bin/caddy"),
    "node": ("node",),
    "npm": ("npm",),
}


def need(part: str) -> str:
    """The path of a program, or the name of a Python package; skips or fails where it is missing."""
    if part in PROGRAMS:
        found = next((path for name in PROGRAMS[part] if (path := shutil.which(name))), None)
    else:
        found = part if importlib.util.find_spec(part) else None
    return found or lack(f"{part} is not installed here")


def lack(reason: str) -> NoReturn:
    """Skips, or fails where every test must run."""
    if os.environ.get("ROLLCALL_TEST_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
