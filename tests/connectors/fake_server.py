"""Serves a fake app to Rollcall's HTTP client. http.server reads each head as an e-mail and looks the host's name up,
which takes longer than all that the fakes do; socketserver notices only now and then that it shall stop."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PHRASES = {status.value: status.phrase for status in HTTPStatus}
WITHOUT_LENGTH = (204, 304)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = None  # bytes and str are sent as they are, None as no body, all else as JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False  # announce the whole body, send half of it, hang up
    drop: bool = False  # hang up without a word


# From the method, the address without its host, the headers by their name in lower case, and the body's bytes
Answer = Callable[[str, str, dict[str, str], bytes], Reply]


class Server:
    """On a free port of this machine, until it is stopped. `content_type`: of answers that name none."""

    def __init__(self, answer: Answer, content_type: str):
        self.answer, self.content_type = answer, content_type
        self.tls: ssl.SSLContext | None = None  # of later connections
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port, self._stopped = self._door.getsockname()[1], False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        """Each connection in a thread of its own."""
        while True:
            connection, _ = self._door.accept()
            if self._stopped:
                return connection.close()
            threading.Thread(target=_Connection(self, connection).talk, daemon=True).start()

    def stop(self) -> None:
        """Refuse further connections. Those that are open stay so. A second time does nothing."""
        if self._stopped:
            return
        self._stopped = True
        with socket.create_connection(("127.0.0.1", self.port)):  # it waits for one
            self._thread.join()
        self._door.close()


class _Connection:
    def __init__(self, server: Server, connection: socket.socket):
        self.server, self.connection = server, connection

    def talk(self) -> None:
        with self.connection, contextlib.suppress(OSError):  # the client hung up
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            if self.server.tls:
                self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
            with self.connection, self.connection.makefile("rb") as self.rfile:
                self._answer_each()

    def _answer_each(self) -> None:
        while head := self._head():
            method, target, headers = head
            raw = self.rfile.read(int(headers.get("content-length") or 0))
            reply = self.server.answer(method, target, headers, raw) if method in METHODS else Reply(501)
            if reply.drop:
                return
            self._send(reply)
            if reply.cut or "close" in (headers.get("connection"), reply.headers.get("Connection")):
                return

    def _head(self) -> tuple[str, str, dict[str, str]] | None:
        """Method, target and headers; None where the client hangs up or begins with something else."""
        words = self.rfile.readline().decode("latin-1").split()
        if len(words) != 3:
            return None
        headers = {}
        while line := self.rfile.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.lstrip()
        return words[0], words[1], headers

    def _send(self, reply: Reply) -> None:
        body = reply.body
        if not isinstance(body, (bytes, str, type(None))):
            body = json.dumps(body)
        body = body.encode() if isinstance(body, str) else body or b""
        headers = {"Content-Type": self.server.content_type, "Content-Length": str(len(body)), **reply.headers}
        if reply.status in WITHOUT_LENGTH:
            del headers["Content-Length"]
        lines = [f"HTTP/1.1 {reply.status} {PHRASES.get(reply.status, '')}", *map(": ".join, headers.items()), "", ""]
        self.connection.sendall("\r\n".join(lines).encode("latin-1") + (body[: len(body) // 2] if reply.cut else body))
