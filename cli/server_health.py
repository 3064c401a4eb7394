"""What `doctor` looks at in a PostgreSQL server: whether it can be written, who else is connected, what is broken."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from sync.db import DatabaseRefused
from sync.postgres import pooler
from sync.postgres.opening import CannotBeUsed, sentence

CROWDED = 0.8  # of the connections that the server allows
CONNECT_SECONDS = 10
_LOOK = """
    SELECT current_setting('server_version'), pg_database_size(current_database()),
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           current_setting('max_connections')::int, pg_is_in_recovery(), current_setting('server_encoding'),
           current_setting('fsync')::bool AND current_setting('full_page_writes')::bool
"""
_INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"


@dataclass(frozen=True)
class Look:
    """`problems` are sentences; `size` is in bytes."""

    version: str
    size: int
    connections: int
    most: int
    problems: tuple[str, ...]
    is_standby: bool

    @property
    def is_crowded(self) -> bool:
        return self.connections > CROWDED * self.most


def look(address: str) -> Look:
    """Raises DatabaseRefused where the server can't be asked."""
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            pooler.refuse_lent(connection, address)
            version, size, connections, most, standby, encoding, durable = connection.execute(_LOOK).fetchone()
            invalid = [name for (name,) in connection.execute(_INVALID)]
    except (CannotBeUsed, psycopg.Error) as problem:
        raise DatabaseRefused(sentence(problem, address)) from problem
    problems = []
    if standby:
        problems.append("The server is a standby and doesn't accept writes: name the primary server.")
    if encoding != "UTF8":
        problems.append(f"The database's encoding is {encoding}: move the workspace to one with UTF8.")
    if not durable:
        problems.append("fsync or full_page_writes is off: a power cut can damage the database. Switch them on.")
    if invalid:
        problems.append(f"Indexes are broken ({', '.join(invalid)}): REINDEX them.")
    return Look(version, size, connections, most, tuple(problems), standby)
