"""Measures reading a list over HTTP: a SCIM server on this machine, the connector, and a plain http.client loop.
The server is a separate process. It sends prepared pages, each after `latency` seconds."""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
import time
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from urllib.parse import parse_qs, urlsplit

import connectors
from connectors.base import Account
from connectors.scim.connector import Scim

PAGE = 500
CONFIG = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"], "patch": {"supported": True},
          "filter": {"supported": True, "maxResults": PAGE}}  # fmt: skip
NO_SUCH_USER = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/scim+json\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Serves `count` users in pages of PAGE at `url`."""

    def __init__(self, count: int, latency: float = 0.0):
        ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=_serve, args=(count, latency, theirs))
        self._process.start()
        self._pipe = ours
        self.url = f"http://127.0.0.1:{ours.recv()}"

    def begin(self, round: int) -> None:
        """Serve this round from now on: 0, or 1 where 1 % differs from it."""
        self._pipe.send(round)
        self._pipe.recv()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()


def _serve(count: int, latency: float, pipe: Connection) -> None:
    made = pages(count, 0)
    others = {"/ServiceProviderConfig": encoded(CONFIG)}
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    pipe.send(listener.getsockname()[1])
    threading.Thread(target=_begin, args=(pipe, made, count), daemon=True).start()
    while True:
        threading.Thread(target=_talk, args=(listener.accept()[0], made, others, latency), daemon=True).start()


def _begin(pipe: Connection, made: dict[int, bytes], count: int) -> None:
    while True:
        made.update(pages(count, pipe.recv()))
        pipe.send(None)


def pages(count: int, round: int, size: int = PAGE) -> dict[int, bytes]:
    """By the index that each starts at. The last one, past the end, is empty."""
    return {start: encoded(page(count, start, round, size)) for start in (*range(1, count + 1, size), count + 1)}


def page(count: int, start: int, round: int, size: int = PAGE) -> dict:
    rows = [_user(number, round) for number in range(start, min(start + size, count + 1))]
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": count,
            "startIndex": start, "itemsPerPage": len(rows), "Resources": rows}  # fmt: skip


def _user(number: int, round: int) -> dict:
    """In round 1, of each 400 one is gone, one new, one has another role and one is renamed, as in sample.py."""
    kind = number % 400 if round else -1
    of = number if kind else number + 10_000_000
    role = ("admin", "Admin") if kind == 3 else ("member", "Member")
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": f"u-{of:09}",
        "userName": f"person.{of}@acme.example", "displayName": f"Person {of}{' changed' * (kind == 2)}",
        "active": True, "emails": [{"value": f"person.{of}@acme.example", "primary": True, "type": "work"}],
        "roles": [dict(zip(("value", "display"), role))],
        "meta": {"resourceType": "User", "created": "2026-01-01T00:00:00Z"},
    }  # fmt: skip


def encoded(body: dict) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/scim+json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


def _talk(caller: socket.socket, pages: dict[int, bytes], others: dict[str, bytes], latency: float) -> None:
    caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with caller, caller.makefile("rb") as requests:
        while line := requests.readline():
            while requests.readline() not in (b"\r\n", b""):
                pass
            address = urlsplit(line.split()[1].decode())
            start = int(parse_qs(address.query).get("startIndex", ["1"])[0])
            time.sleep(latency)
            one = address.path.startswith("/Users/")  # asked for those alone who are gone
            caller.sendall(NO_SUCH_USER if one else others.get(address.path) or pages.get(start) or pages[max(pages)])


def plain(url: str) -> int:
    """A competent program for reading this list once, without retries, checks or limits."""
    connection = HTTPConnection(urlsplit(url).netloc)
    start, read = 1, 0
    while True:
        address = f"/Users?startIndex={start}&count={PAGE}"
        connection.request("GET", address, headers={"Authorization": "Bearer t", "Accept": "application/scim+json"})
        body = json.loads(connection.getresponse().read())
        for user in body["Resources"]:
            plain_account(user)
            read += 1
        start += len(body["Resources"])
        if start > body["totalResults"]:
            return read


def plain_account(user: dict) -> Account:
    return Account(id=user["id"], email=user["emails"][0]["value"], name=user["displayName"],
                   status="active" if user["active"] else "suspended", role=user["roles"][0]["value"])  # fmt: skip


def connector(url: str) -> int:
    connectors.allow_networks(connectors.parse_networks("127.0.0.0/8"))  # as `make demo` does for its sample apps
    scim = Scim({"base_url": url, "token": "t", "groups": "leave out"})
    try:
        return sum(1 for _ in scim.accounts())
    finally:
        scim.close()
