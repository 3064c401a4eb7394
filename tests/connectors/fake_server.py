"""Serves a fake app to Rollcall's HTTP client. http.server reads each head as an e-mail and looks the host's name up,
which takes longer than all that the fakes do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from socketserver import StreamRequestHandler, ThreadingTCPServer
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


class Server(ThreadingTCPServer):
    """On a free port of this machine. `content_type`: of answers that name none."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, answer: Answer, content_type: str):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answer, self.content_type = answer, content_type

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Connection(StreamRequestHandler):
    server: Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
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
        self.wfile.write("\r\n".join(lines).encode("latin-1") + (body[: len(body) // 2] if reply.cut else body))
