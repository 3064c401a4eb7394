"""A mail server that means harm: no end, slow bytes, wrong codes, a silent StartTLS.
Each mail ends, in time and in memory."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from tests.security.hostile import endlessly, readings, slowly

HELLO = b"220 mail.acme.example\r\n"
OFFERS = b"250-mail.acme.example\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5 PLAIN LOGIN\r\n"
TAKES = {b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n",
         b"EHLO": OFFERS, b"STAR": b"220 go on\r\n", b"AUTH": b"235 ok\r\n", b"RSET": b"250 ok\r\n"}  # fmt: skip

Goes = Callable[[socket.socket, threading.Event, bytes], None]


def at(step: bytes, first: bytes = b"", go_on: Goes | None = None, piece: bytes = b"x"):
    """A friendly server until `step` comes (b"" is the greeting, b"." the end of the mail)."""

    def turns(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(first)
        if go_on:
            go_on(connection, stopped, piece)

    def says(connection: socket.socket, stopped: threading.Event) -> None:
        if not step:
            return turns(connection, stopped)
        connection.sendall(HELLO)
        while shown := connection.recv(65_536):
            verb = b"." if shown.endswith(b"\r\n.\r\n") else shown[:4].upper()
            if verb == step[:4]:
                return turns(connection, stopped)
            connection.sendall(TAKES.get(verb, b"250 ok\r\n"))

    return says


def silence(connection: socket.socket, stopped: threading.Event, _: bytes) -> None:
    stopped.wait(60)


SLOW = {
    "a greeting that drips": at(b"", b"220 ", slowly),
    "lines that drip": at(b"EHLO", b"", slowly, b"250-X\r\n"),
    "an answer to the mail that drips": at(b".", b"2", slowly),
    "silence after the mail": at(b".", b"", silence),
    "silence after StartTLS": at(b"STARTTLS", b"220 go on\r\n", silence),
    "a handshake that drips": at(b"STARTTLS", b"220 go on\r\n\x16\x03\x03\x40\x00", slowly, b"\x00"),
    "silence for StartTLS": at(b"STARTTLS", b"", silence),
}
LARGE = {
    "a greeting without end": at(b"", b"", endlessly),
    "greetings without end": at(b"", b"", endlessly, b"220-hello\r\n"),
    "offers without end": at(b"EHLO", b"", endlessly, b"250-X\r\n"),
    "a refusal without end": at(b"RCPT", b"", endlessly, b"550-no\r\n"),
    "an answer of a gigabyte": at(b".", b"", endlessly, b"250-" + b"x" * 1000 + b"\r\n"),
    "a line without end": at(b"MAIL", b"250 ", endlessly),
    "codes that are none": at(b"", b"abc hello\r\n"),
    "a code of one digit": at(b"MAIL", b"2\r\n"),
    "a code below zero": at(b"MAIL", b"-25 ok\r\n"),
    "success where data was to begin": at(b"DATA", b"250 ok\r\n"),
    "a challenge that is none": at(b"AUTH", b"334 \xff\xfe!\r\n"),
    "a challenge that is half of one": at(b"AUTH", b"334 a\r\n"),
    "challenges without end": at(b"AUTH", b"", endlessly, b"334 YQ==\r\n"),
    "no StartTLS but words": at(b"STARTTLS", b"220 go on\r\nHTTP/1.1 400\r\n\r\n"),
    "HTTP": at(b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "letters of no alphabet": at(b"RCPT", b"550 \xff\xfe\x00\r\n"),
    "hanging up": at(b""),
    "hanging up on the mail": at(b"."),
}


def test_a_hostile_mail_server_is_given_up_in_time_and_memory():
    became = readings("smtp", SLOW) | readings("large smtp", LARGE)
    kinds = {case: shown["kind"].partition(" ")[0] for case, shown in became.items()}
    assert {case: became[case] for case, kind in kinds.items() if kind not in ("MailDelayed", "MailRefused")} == {}
    assert {kinds[case] for case in SLOW} == {"MailDelayed"}, "slow is not a no"
    assert max(len(shown["says"]) for shown in became.values()) < 1000 and "s3cret" not in str(became)
