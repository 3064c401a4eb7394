"""An LDAP server that means harm: no end, slow bytes, huge lengths, wrong types.
Each reading ends, in time and in memory."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from tests.security.hostile import endlessly, readings, slowly

PAGED = b"1.2.840.113556.1.4.319"
BIND, SEARCH, ENTRY, DONE, REFERENCE = 0x61, 0x63, 0x64, 0x65, 0x73


def tlv(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    size = len(body)
    length = bytes([size]) if size < 128 else b"\x84" + size.to_bytes(4)
    return bytes([tag]) + length + body


def number(value: int, tag: int = 0x02) -> bytes:
    return tlv(tag, value.to_bytes(max(1, (value.bit_length() + 8) // 8), signed=True))


def text(value: bytes | str) -> bytes:
    return tlv(0x04, value if isinstance(value, bytes) else value.encode())


def message(id: int, *parts: bytes) -> bytes:
    return tlv(0x30, number(id), *parts)


def result(tag: int, code: int = 0, shown: str = "", *more: bytes) -> bytes:
    return tlv(tag, number(code, 0x0A), text(""), text(shown), *more)


def entry(id: int, dn: str, **values: list[bytes]) -> bytes:
    attributes = [tlv(0x30, text(name.replace("_", ";")), tlv(0x31, *map(text, each))) for name, each in values.items()]
    return message(id, tlv(ENTRY, text(dn), tlv(0x30, *attributes)))


def person(id: int, which: int, **more: list[bytes]) -> bytes:
    who = str(which).encode()
    return entry(id, f"uid=p{which},dc=acme,dc=example", entryUUID=[b"id-" + who], cn=[b"Person " + who],
                 mail=[b"p" + who + b"@acme.example"], uid=[b"p" + who], **more)  # fmt: skip


def done(id: int, cookie: bytes = b"") -> bytes:
    control = tlv(0x30, text(PAGED), text(tlv(0x30, number(0), text(cookie))))
    return message(id, result(DONE), tlv(0xA0, control))


def asked(connection: socket.socket) -> tuple[int, int]:
    """(message id, kind) of the next request; (0, 0) at the end."""
    data = connection.recv(65_536)
    if not data:
        return 0, 0
    at = 2 if data[1] < 128 else 2 + (data[1] & 0x7F)
    size = data[at + 1]
    return int.from_bytes(data[at + 2 : at + 2 + size]), data[at + 2 + size]


Answers = Callable[[socket.socket, threading.Event, int], None]


def signs_in(answers: Answers):
    """Lets everyone sign in, then answers each search so."""

    def says(connection: socket.socket, stopped: threading.Event) -> None:
        while not stopped.is_set():
            id, kind = asked(connection)
            if not kind or kind == 0x42:
                return
            if kind == 0x60:
                connection.sendall(message(id, result(BIND)))
            elif kind == SEARCH:
                answers(connection, stopped, id)

    return says


def once(make: Callable[[int], bytes]):
    return signs_in(lambda connection, stopped, id: connection.sendall(make(id)))


def then(go_on: Callable, make: Callable[[int], bytes], start: bytes = b""):
    def answers(connection: socket.socket, stopped: threading.Event, id: int) -> None:
        connection.sendall(start)
        go_on(connection, stopped, make(id))

    return signs_in(answers)


def before_signing_in(go_on: Callable, piece: bytes, start: bytes = b""):
    def says(connection: socket.socket, stopped: threading.Event) -> None:
        asked(connection)
        connection.sendall(start)
        go_on(connection, stopped, piece)

    return says


def silence(connection: socket.socket, stopped: threading.Event, _: bytes) -> None:
    stopped.wait(60)


MANY = b"\x04\x00" * 3_000_000  # in six megabytes
HUGE = b"\x7f" * 1_000_000
NESTED = b"".join(b"\x30\x84" + (60_000 - 6 * depth).to_bytes(4) for depth in range(9_999))

CASES = {
    "entries without end": then(endlessly, lambda id: person(id, 7)),
    "references without end": then(endlessly, lambda id: message(id, tlv(REFERENCE, text("ldap://elsewhere/")))),
    "pages without end": once(lambda id: person(id, id) + done(id, b"more")),
    "empty pages without end": once(lambda id: done(id, b"more")),
    "slow bytes": then(slowly, lambda id: b"\x30"),
    "a slow entry": then(slowly, lambda id: b"x", b"\x30\x84\x00\x10\x00\x00"),
    "entries that come slowly": then(slowly, lambda id: person(id, 7)),
    "silence": then(silence, lambda id: b""),
    "silence before signing in": before_signing_in(silence, b""),
    "slow bytes before signing in": before_signing_in(slowly, b"x", b"\x30\x84\x00\x10\x00\x00"),
    "no end before signing in": before_signing_in(endlessly, b"\x00" * 1000, b"\x30\x84\x7f\xff\xff\xff"),
    "a length of an exabyte": then(endlessly, lambda id: b"x", b"\x30\x88\x0f\xff\xff\xff\xff\xff\xff\xff"),
    "a length of 126 bytes": then(endlessly, lambda id: b"\xff", b"\x30\xfe"),
    "a length without end": then(endlessly, lambda id: b"x", b"\x30\x80"),
    "two gigabytes, announced and sent": then(endlessly, lambda id: b"x", b"\x30\x84\x7f\xff\xff\xff"),
    "garbage": then(endlessly, lambda id: b"\xde\xad\xbe\xef"),
    "HTTP": once(lambda id: b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a message of nothing": once(lambda id: b"\x30\x00"),
    "a number of a megabyte": once(lambda id: tlv(0x30, tlv(0x02, HUGE), result(DONE))),
    "a result of a megabyte": once(lambda id: message(id, tlv(DONE, tlv(0x0A, HUGE), text(""), text("")))),
    "a result that nobody knows": once(lambda id: message(id, result(DONE, 4_000))),
    "text for a result": once(lambda id: message(id, tlv(DONE, text("0"), text(""), text("")))),
    "an entry that is a number": once(lambda id: message(id, tlv(ENTRY, number(7))) + done(id)),
    "an entry without attributes": once(lambda id: message(id, tlv(ENTRY, text("uid=p1"))) + done(id)),
    "values that are numbers": once(lambda id: message(id, tlv(ENTRY, text("uid=p1"), tlv(0x30, tlv(
        0x30, text("entryUUID"), tlv(0x31, number(100_000_000)))))) + done(id)),
    "millions of empty values": once(lambda id: message(id, tlv(ENTRY, text("uid=p1"), tlv(0x30, tlv(
        0x30, text("mail"), tlv(0x31, MANY))))) + done(id)),
    "sequences in sequences": once(lambda id: message(id, tlv(ENTRY, text("uid=p1"), tlv(0x30, NESTED))) + done(id)),
    "another question's answer": once(lambda id: done(id + 1)),
    "an answer to something else": once(lambda id: message(id, result(BIND))),
    "a referral elsewhere": once(lambda id: message(id, result(DONE, 10, "", tlv(0xA3, text("ldap://127.0.0.2/"))))),
    "an answer without its pages": once(lambda id: message(id, result(DONE))),
    "a cookie that is none": once(lambda id: message(id, result(DONE), tlv(
        0xA0, tlv(0x30, text(PAGED), text(b"\x30\x03\x02"))))),
    "a page's control of nothing": once(lambda id: message(id, result(DONE), tlv(0xA0, tlv(0x30, text(PAGED))))),
    "words of a megabyte": once(lambda id: message(id, result(DONE, 1, "x" * 1_000_000))),
    "no letters in the words": once(lambda id: message(id, tlv(DONE, number(1, 0x0A), text(b"\xff"), text(b"\xff")))),
    "an entry without a name": once(lambda id: entry(id, "", entryUUID=[b"1"]) + done(id)),
    "an objectGUID of three bytes": once(lambda id: entry(id, "cn=p1", objectGUID=[b"abc"]) + done(id)),
    "a disconnection": once(lambda id: message(0, result(0x78, 52, "", tlv(0x8A, b"1.3.6.1.4.1.1466.20036")))),
}  # fmt: skip
SAYS = {
    "entries without end": "20,000 messages", "references without end": "20,000 messages",
    "millions of empty values": "2,000,000 values", "two gigabytes, announced and sent": "64,000,000 bytes",
    "slow bytes": "no complete answer came within", "pages without end": "doesn't end",
}  # fmt: skip
HARMLESS = {"an entry without a name"}


def test_a_hostile_ldap_server_is_given_up_in_time_and_memory():
    slow = {case: says for case, says in CASES.items() if "slow" in case or "silence" in case}
    became = readings("ldap", slow) | readings("large ldap", {case: CASES[case] for case in CASES.keys() - slow.keys()})
    assert {case for case, shown in became.items() if not shown["kind"]} == HARMLESS
    others = {case: shown for case, shown in became.items() if case not in HARMLESS}
    assert {case: became[case] for case, words in SAYS.items() if words not in became[case]["says"]} == {}
    bad = {case: shown for case, shown in others.items() if "ConnectorError" not in shown["kind"]}
    assert bad == {}
    assert max(len(shown["says"]) for shown in became.values()) < 1000 and "secret" not in str(became)
