"""The machine that the numbers were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path


def facts() -> list[str]:
    """Lines for the top of a report: processor, memory, system, versions."""
    return [
        f"processor  {_processor()}, {os.cpu_count()} cores seen",
        f"memory     {_memory()}",
        f"system     {platform.system()} {platform.release()}",
        f"versions   Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"load       {os.getloadavg()[0]:.2f} at the start",
    ]


def _processor() -> str:
    lines = _lines("/proc/cpuinfo")
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory() -> str:
    total = next((line for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "")
    return f"{int(total.split()[1]) / 1024 / 1024:.1f} GB" if total else "unknown"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
