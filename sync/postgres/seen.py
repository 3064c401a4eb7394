"""Which processes of all machines are connected to the server: each holds an advisory lock with a number of its own,
which ends with its connection, even after kill -9."""

from __future__ import annotations

PROCESSES = 0x50726F63  # "Proc": the first number of each of these locks
HOLD = "SELECT pg_advisory_lock_shared(%s, %s)"
QUESTION = f"""
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = {PROCESSES}
    AND objid = CAST(%s AS oid) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def number(boot: str) -> int:
    """Of a process: 31 bits of its mark, which begins with eight hexadecimal digits at random."""
    return int(boot[:8], 16) & 0x7FFFFFFF
