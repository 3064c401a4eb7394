"""One connection to a PostgreSQL server: encrypted beyond this machine, with a limit to every wait.
The driver quotes the names of roles and databases; its errors become the contract's, without the password."""

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
STATEMENT_SECONDS = 60  # the server ends a statement itself then
ANSWER_SECONDS = 75  # the connection is given up then: the server is there, but says nothing
LARGEST = 50_000_000  # bytes of one answer, as for every app
LOOK_EVERY = 0.05  # seconds between two looks at how long it takes and how much has come
BYTES_RECEIVED = slice(128, 136)  # of Linux' struct tcp_info, include/uapi/linux/tcp.h
WATCHED = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}

CHECKED = "checked"
SSL_MODES = (
    (CHECKED, "Encrypted, certificate and name checked; not needed on this machine"),
    ("verify-full", "Encrypted, certificate and name checked, on this machine too"),
    ("verify-ca", "Encrypted, certificate checked, its name not"),
    ("require", "Encrypted, but any server is trusted"),
)

# What the server says before a connection exists comes without a code, as text (in English unless lc_messages differs).
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
    """`rows` queries, `run` changes, `transaction` groups changes, `close` ends it; connects at the first call."""

    def __init__(self, settings: dict[str, str]):
        self._settings = settings
        self._clean = Redactor([settings.get("password")])
        self._connection: psycopg.Connection | None = None

    @property
    def place(self) -> str:
        """Where the server is, in words."""
        return f"{self._settings['host']}:{self._settings.get('port') or '5432'}"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def rows(self, query: str, values: Sequence = ()) -> list[tuple]:
        with self._in_our_words(), self._patience() as connection:
            return connection.execute(query, values).fetchall()

    def run(self, act: str, **names: str) -> None:
        """`act` has {names} of roles and databases, which come quoted into it."""
        from psycopg import sql

        quoted = {key: sql.Identifier(name) for key, name in names.items()}
        with self._in_our_words(), self._patience() as connection:
            connection.execute(sql.SQL(act).format(**quoted))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: an error inside leaves the server as it was."""
        with self._in_our_words(), self._patience() as connection, connection.transaction():
            yield

    @contextmanager
    def _patience(self) -> Iterator[psycopg.Connection]:
        """A server that is there but never answers, or never ends, is hung up on: the driver itself would wait for
        ever, and keep whatever comes."""
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
            raise Refused(f"Rollcall can't sign in to {self.place} like that: {self._reason(problem)}.") from None

    def _where(self, mode: str) -> dict[str, str]:
        """The name, which TLS checks, and the addresses that net.py allowed, which libpq connects to."""
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
            return CredentialRejected(f'PostgreSQL does not let this user do that: "{reason}".')
        if code.startswith(PASSING) or isinstance(problem, psycopg.OperationalError):
            why = "broke, or the answer was too long or too slow"
            return TemporarilyUnavailable(f'The connection to {self.place} {why}: "{reason}".')
        return Refused(f'PostgreSQL refused: "{reason}".')

    def _reason(self, problem: Exception) -> str:
        return self._clean(one_line(str(problem)))


def ssl_parameters(settings: dict[str, str]) -> dict[str, str]:
    """libpq's parameters by which this server is trusted. Raises Refused for what can't be safe."""
    mode, authority = settings.get("sslmode") or CHECKED, settings.get("ca_file") or ""
    if authority and not Path(authority).is_file():
        raise Refused(f"There is no file {authority} with a certificate authority.")
    if mode == CHECKED:
        host = settings["host"]
        if host.startswith("/") or is_loopback(host):
            return {"sslmode": "prefer"}
        mode = "verify-full"
    if mode == "require":
        return {"sslmode": mode, "sslrootcert": "", "require_auth": "!password"}  # never in the clear to a stranger
    if mode == "verify-ca" and not authority:
        raise Refused("Without a check of the name, name an authority of your own: anyone can ask a public one.")
    return {"sslmode": mode, "sslrootcert": authority or certs.where()}


def _watch(ours: socket.socket, over: threading.Event) -> None:
    last, before = time.monotonic() + ANSWER_SECONDS, _received(ours)
    while not over.wait(LOOK_EVERY):
        if time.monotonic() > last or _received(ours) - before > LARGEST:
            with suppress(OSError):  # it has just ended
                ours.shutdown(socket.SHUT_RDWR)
            return


def _received(ours: socket.socket) -> int:
    """Bytes that have come over this connection; 0 where the system doesn't say (Linux does, of TCP)."""
    try:
        reason = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_RECEIVED.stop)
    except (OSError, AttributeError):
        return 0
    return int.from_bytes(reason[BYTES_RECEIVED], sys.byteorder)
