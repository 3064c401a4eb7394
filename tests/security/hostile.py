"""Hostile servers behind real sockets: each sends its data to every client until the connection is closed.
What a reader makes of them runs in a process of its own (hostile_reader.py), whose memory has a limit."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 600  # seconds for all readings of one reader: they are over in ten where nothing else runs
DRIP = 0.05  # seconds between two slow bytes: each comes well within the time-out for a piece
PIECE = 65_536

Says = Callable[[socket.socket, threading.Event], None]


@contextmanager
def listening(says: Says) -> Iterator[int]:
    """The port of a server that answers each connection in a thread of its own by `says(connection, stopped)`."""
    stopped = threading.Event()
    talks: list[threading.Thread] = []
    connections: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(DEADLINE)
            says(connection, stopped)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                talks.append(threading.Thread(target=answer, args=[connection], daemon=True))
                talks[-1].start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopped.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with suppress(OSError):  # most have ended; one whose reader has gone away may still be sending
                connection.shutdown(socket.SHUT_RDWR)
        for talk in talks:
            talk.join(DEADLINE)


def slowly(connection: socket.socket, stopped: threading.Event, piece: bytes = b"x") -> None:
    """One byte after the other, for ever."""
    while not stopped.wait(DRIP):
        connection.sendall(piece)


def endlessly(connection: socket.socket, stopped: threading.Event, piece: bytes) -> None:
    """As fast as possible, for ever."""
    block = piece * max(1, PIECE // len(piece))
    while not stopped.is_set():
        connection.sendall(block)


def readings(protocol: str, cases: dict[str, Says]) -> dict[str, dict[str, str]]:
    """What a reader in a process of its own says of each server: the error's kind and its message."""
    with _all_listening(cases) as ports:
        command = [sys.executable, "-m", "tests.security.hostile_reader", protocol, json.dumps(ports)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@contextmanager
def _all_listening(cases: dict[str, Says]) -> Iterator[dict[str, int]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(listening(says)) for name, says in cases.items()}
