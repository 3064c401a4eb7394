"""Whether a connection has a session of its own on the server. A pooler between the two may lend one session to several
connections, as pgbouncer does in transaction mode: TEMP tables, LISTEN, settings and advisory locks are then lost."""

from __future__ import annotations

import psycopg
from psycopg.errors import ProtocolViolation

from sync.postgres.opening import CannotBeUsed

LENT = (
    "A pooler between Rollcall and the server, such as pgbouncer, lends one session to several connections. A lock "
    "then excludes nobody, and two schedulers could act on people's access, so Rollcall doesn't use it. Set its "
    "pool_mode to session, or write the address of the server itself into ROLLCALL_DATABASE."
)
ROUNDS = 3  # the session may be lent to a third connection during one of them
SESSION = "SELECT pg_backend_pid()"


def refuse_lent(connection: psycopg.Connection, address: str) -> None:
    """Raises CannotBeUsed if others get the session of this connection, which is in no transaction.

    A server sends the number of the session to the client, and a pooler a number of its own. A pooler isn't refused
    as long as its sessions stay with their connections.
    https://www.postgresql.org/docs/current/protocol-flow.html (BackendKeyData)
    """
    if _session(connection) == connection.info.backend_pid:
        return
    try:
        if any(_is_lent(connection, address) for _ in range(ROUNDS)):
            raise CannotBeUsed(LENT)
    except ProtocolViolation as problem:  # in statement mode, pgbouncer refuses transactions
        raise CannotBeUsed(LENT) from problem


def _is_lent(connection: psycopg.Connection, address: str) -> bool:
    before = _session(connection)
    with psycopg.connect(address) as other:  # it begins a transaction
        return _session(other) == before or _session(connection) != before


def _session(connection: psycopg.Connection) -> int:
    return connection.execute(SESSION).fetchone()[0]
