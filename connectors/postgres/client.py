"""One connection to a PostgreSQL server: encrypted beyond this machine, and with a limit for every wait.
The driver quotes the names of roles and databases. Its errors become ConnectorErrors, without the password."""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from requests import certs

from connectors.base import ConnectorError, CredentialRejected, Refused, TemporarilyUnavailable
from connectors.tools import net
from connectors.tools.addresses import is_loopback
from connectors.tools.redaction import Redactor, one_line

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60  # after this time, the server itself ends a statement
ANSWER_SECONDS = 75  # after this time, the connection is closed: the server accepts it but doesn't answer
LARGEST = 50_000_000  # bytes of one answer, as for every app
LOOK_EVERY = 0.05  # seconds between two looks at the time and the bytes received
BYTES_RECEIVED = slice(128, 136)  # of Linux' struct tcp_info, include/uapi/linux/tcp.h
WATCHED = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}

CHECKED = "checked"
SSL_MODES = (
    (CHECKED, "Encrypted, certificate and name checked; not needed on this machine"),
    ("verify-full", "Encrypted, certificate and name checked, on this machine too"),
    ("verify-ca", "Encrypted, certificate checked, its name not"),
    ("require", "Encrypted, but any server is trusted"),
)

# Before a connection exists, the server's errors have no code, only a text (in English unless lc_messages differs).
REJECTED_WORDS = (
    "authentication failed", "no pg_hba.conf entry", "pg_hba.conf rejects", "is not permitted to log in",
    "no password supplied", "permission denied for database", "must be a superuser",
)  # fmt: skip
NO_SUCH_ROLE = re.compile('role ".*" does not exist')
NO_SUCH_DATABASE = re.compile('database ".*" does not exist')
TLS_WORDS = ("SSL", "certificate", "root certificate file")

# SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
INSUFFICIENT_PRIVILEGE = "42501"
AUTHORIZATION = "28"
PASSING = ("08", "40", "53", "55", "57", "58", "XX")  # connection, rollback, resources, lock, intervention, system


class PostgresClient:
    """`rows` queries, `run` changes, `transaction` groups changes. It connects at the first call. Every method raises
    the four ConnectorErrors and nothing else."""

    def __init__(self, settings: dict[str, str]):
        self._settings = settings
        self._clean = Redactor([settings.get("password")])
        self._connection: psycopg.Connection | None = None

    @property
    def place(self) -> str:
        """The server's host and port, for messages."""
        return f"{self._settings['host']}:{self._settings.get('port') or '5432'}"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def rows(self, query: str, values: Sequence = ()) -> list[tuple]:
        with self._in_our_words(), self._patience() as connection:
            return connection.execute(query, values).fetchall()

    def run(self, statement: str, **names: str) -> None:
        """Run a statement: SQL with {names} of roles and databases, which are quoted. `names`: their values."""
        from psycopg import sql

        quoted = {key: sql.Identifier(name) for key, name in names.items()}
        with self._in_our_words(), self._patience() as connection:
            connection.execute(sql.SQL(statement).format(**quoted))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """In this block, changes are made together: after an error, none of them is."""
        with self._in_our_words(), self._patience() as connection, connection.transaction():
            yield

    @contextmanager
    def _patience(self) -> Iterator[psycopg.Connection]:
        """In this block, the connection is closed if the server doesn't answer, or if its answer doesn't end. The
        driver itself would wait for ever and keep everything that comes."""
        connection = self._opened()
        ours, over = socket.socket(fileno=os.dup(connection.fileno())), threading.Event()
        watch = threading.Thread(target=_watch, args=[ours, over], daemon=True)
        watch.start()
        try:
            yield connection
        finally:
            over.set()
            watch.join()
            ours.close()

    def _opened(self) -> psycopg.Connection:
        if self._connection is not None and self._connection.closed:
            self._connection = None
        if self._connection is None:
            self._connection = self._connected()
        return self._connection

    def _connected(self) -> psycopg.Connection:
        import psycopg  # here: it takes a quarter of a second, which a start without PostgreSQL need not wait for

        security = ssl_parameters(self._settings)
        try:
            return psycopg.connect(
                **self._where(security["sslmode"]), port=self._settings.get("port") or "5432",
                dbname=self._settings.get("database") or "postgres", user=self._settings["user"],
                password=self._settings["password"], application_name="Rollcall", connect_timeout=CONNECT_SECONDS,
                gssencmode="disable", autocommit=True, prepare_threshold=None, client_encoding="UTF8",
                # The path: nobody's function of the same name must run with Rollcall's rights.
                options=f"-c search_path=pg_catalog -c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout=10s",
                **WATCHED, **security,
            )  # fmt: skip
        except (psycopg.Error, socket.gaierror) as problem:
            raise self._not_connected(str(problem)) from None
        except (OSError, ValueError) as problem:
            reason = self._reason(problem)
            raise Refused(f"Rollcall can't sign in to {self.place} with these settings: {reason}.") from None

    def _where(self, mode: str) -> dict[str, str]:
        """libpq's parameters for the host: its name, which TLS checks, and the addresses that net.py allowed."""
        host = self._settings["host"]
        if host.startswith("/"):
            net.refuse_socket_file(host)
            return {"host": host}
        allowed = net.addresses(host, int(self._settings.get("port") or 5432), loopback_only=mode == "prefer")
        return {"host": ",".join([host] * len(allowed)), "hostaddr": ",".join(allowed)}

    def _not_connected(self, text: str) -> ConnectorError:
        reason = self._clean(one_line(text))
        if any(words in text for words in REJECTED_WORDS) or NO_SUCH_ROLE.search(text):
            return CredentialRejected(f"{self.place} rejected Rollcall: {reason}. Check the role and the password.")
        if NO_SUCH_DATABASE.search(text):
            return Refused(f"{self.place} has no such database to sign in to: {reason}.")
        if any(words in text for words in TLS_WORDS):
            return TemporarilyUnavailable(f"The connection to {self.place} can't be encrypted safely: {reason}.")
        return TemporarilyUnavailable(f"{self.place} can't be reached: {reason}.")

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as problem:
            raise self._failure(problem) from None

    def _failure(self, problem: psycopg.Error) -> ConnectorError:
        import psycopg

        code, reason = problem.sqlstate or "", self._reason(problem)
        if code == INSUFFICIENT_PRIVILEGE or code.startswith(AUTHORIZATION):
            return CredentialRejected(f'Rollcall\'s role lacks a permission in PostgreSQL: "{reason}".')
        if code.startswith(PASSING) or isinstance(problem, psycopg.OperationalError):
            why = "broke, or the answer was too long or too slow"
            return TemporarilyUnavailable(f'The connection to {self.place} {why}: "{reason}".')
        return Refused(f'PostgreSQL refused: "{reason}".')

    def _reason(self, problem: Exception) -> str:
        return self._clean(one_line(str(problem)))


def ssl_parameters(settings: dict[str, str]) -> dict[str, str]:
    """libpq's parameters for encryption and trust. Raises Refused for settings that can't be safe."""
    mode, authority = settings.get("sslmode") or CHECKED, settings.get("ca_file") or ""
    if authority and not Path(authority).is_file():
        raise Refused(f"There is no file {authority} with a certificate authority. Check its path.")
    if mode == CHECKED:
        host = settings["host"]
        if host.startswith("/") or is_loopback(host):
            return {"sslmode": "prefer"}
        mode = "verify-full"
    if mode == "require":
        return {"sslmode": mode, "sslrootcert": "", "require_auth": "!password"}  # a stranger must not get the password
    if mode == "verify-ca" and not authority:
        raise Refused("If the server's name isn't checked, you must enter your own certificate authority: anyone can "
                      "get a certificate from a public one.")  # fmt: skip
    return {"sslmode": mode, "sslrootcert": authority or certs.where()}


def _watch(ours: socket.socket, over: threading.Event) -> None:
    last, before = time.monotonic() + ANSWER_SECONDS, _received(ours)
    while not over.wait(LOOK_EVERY):
        if time.monotonic() > last or _received(ours) - before > LARGEST:
            with suppress(OSError):  # the connection has just ended
                ours.shutdown(socket.SHUT_RDWR)
            return


def _received(ours: socket.socket) -> int:
    """The bytes that have come over the connection; 0 if the system doesn't report it (Linux does, for TCP)."""
    try:
        reason = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_RECEIVED.stop)
    except (OSError, AttributeError):
        return 0
    return int.from_bytes(reason[BYTES_RECEIVED], sys.byteorder)
