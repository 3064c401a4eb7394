"""A PostgreSQL server that means harm: no end, slow bytes, silence, rows and lengths that can't be.
Each question ends, in time and in memory. The messages: PostgreSQL 17, "Frontend/Backend Protocol", version 3.0."""

from __future__ import annotations

import socket
import threading

from tests.security.hostile import Says, endlessly, readings, slowly

TLS_ASKED = 80877103  # the code of an SSLRequest
KINDS = {"TemporarilyUnavailable", "CredentialRejected", "Refused"}


def message(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return kind + (len(body) + 4).to_bytes(4) + body


def column(name: bytes, type: int = 25) -> bytes:
    """Of the type text, as text."""
    return name + b"\0" + bytes(6) + type.to_bytes(4) + b"\xff\xff\xff\xff\xff\xff" + bytes(2)


def row(*values: bytes) -> bytes:
    return message(b"D", len(values).to_bytes(2), *(len(value).to_bytes(4) + value for value in values))


def problem(shown: bytes) -> bytes:
    return message(b"E", b"SERROR\0C42601\0M" + shown + b"\0\0")


READY = message(b"Z", b"I")
SIGNED_IN = message(b"R", bytes(4)) + message(b"S", b"client_encoding\0UTF8\0") + message(b"K", bytes(8)) + READY
BEGINS = message(b"1") + message(b"2") + message(b"T", (2).to_bytes(2), column(b"oid"), column(b"rolname"))


def at_the_start(first: bytes, go_on: Says | None = None) -> Says:
    """What it says instead of signing in."""

    def says(connection: socket.socket, stopped: threading.Event) -> None:
        if int.from_bytes(connection.recv(65_536)[4:8]) == TLS_ASKED:
            connection.sendall(b"N")
            connection.recv(65_536)
        connection.sendall(first)
        if go_on:
            go_on(connection, stopped)

    return says


def to_a_question(first: bytes, go_on: Says | None = None) -> Says:
    """What it answers once Rollcall is signed in."""

    def asked(connection: socket.socket, stopped: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(first)
        if go_on:
            go_on(connection, stopped)

    return at_the_start(SIGNED_IN, asked)


def on(piece: bytes) -> Says:
    return lambda connection, stopped: endlessly(connection, stopped, piece)


def silence(connection: socket.socket, stopped: threading.Event) -> None:
    stopped.wait(60)


def rows_one_by_one(connection: socket.socket, stopped: threading.Event) -> None:
    while not stopped.wait(0.05):
        connection.sendall(row(b"1", b"postgres"))


SLOW = {
    "silence": silence,
    "silence after the start": at_the_start(b"", silence),
    "a start that drips": at_the_start(b"R\x00\x00\x10\x00", slowly),
    "silence to a question": to_a_question(b"", silence),
    "an answer that drips": to_a_question(BEGINS + b"D\x00\x00\x10\x00", slowly),
    "rows that drip": to_a_question(BEGINS, rows_one_by_one),
    "silence after the last row": to_a_question(BEGINS + row(b"1", b"postgres"), silence),
    "notices without end": to_a_question(b"", on(message(b"N", b"SNOTICE\0C00000\0Mhello\0\0"))),
}
LARGE = {
    "rows without end": to_a_question(BEGINS, on(row(b"1", b"postgres"))),
    "wide rows without end": to_a_question(BEGINS, on(row(b"1", b"x" * 100_000))),
    "a row longer than its message": to_a_question(BEGINS + b"D\x00\x00\x00\x0c\x00\x02\x7f\xff\xff\xff\x00\x00"),
    "a row of two gigabytes": to_a_question(BEGINS + b"D\x7f\xff\xff\xff\x00\x02", on(b"x")),
    "a message of no length": to_a_question(b"T\x00\x00\x00\x00"),
    "more columns than were named": to_a_question(BEGINS + row(*[b"x"] * 9) + READY),
    "a problem of a megabyte": to_a_question(problem(b"x" * 1_000_000) + READY),
    "nonsense": to_a_question(b"\xff" * 5000),
    "hanging up": to_a_question(b""),
    "a start of nonsense": at_the_start(b"\xff" * 5000),
    "a start without end": at_the_start(b"", on(b"R")),
    "HTTP": at_the_start(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "hanging up at the start": at_the_start(b""),
    "another way to sign in": at_the_start(message(b"R", (9).to_bytes(4))),
}


def test_a_hostile_postgresql_server_is_given_up_in_time_and_memory():
    became = readings("postgres", SLOW) | readings("large postgres", LARGE)
    assert {case: shown for case, shown in became.items() if shown["kind"].partition(" ")[0] not in KINDS} == {}
    assert {case: shown for case, shown in became.items() if len(shown["says"]) > 600} == {}
    for case in ("rows without end", "wide rows without end"):  # hung up on, before there was no memory left
        assert "too long" in became[case]["says"], became[case]
