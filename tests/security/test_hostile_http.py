"""An app that means harm over HTTP: slow bytes, no end, bombs, odd data. Each reading ends, in time and in memory."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
import zlib

from connectors.tools.http import Http
from tests.security.hostile import endlessly, listening, readings, slowly

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
IN_TIME = "did not end within 0.5 seconds"
TOO_MUCH = "sent more than 50,000,000 bytes"


def asked(connection: socket.socket) -> bytes:
    """The head of the next request, b"" when there is none."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        head += piece
    return head


def raw(*first: bytes, then=None, with_: bytes = b"x"):
    """Sends `first`, then a piece `slowly` or `endlessly`."""

    def says(connection: socket.socket, stopped: threading.Event) -> None:
        while asked(connection):
            connection.sendall(b"".join(first))
            if then is None:
                return
            then(connection, stopped, with_)

    return says


def whole(body: bytes, *headers: bytes):
    head = OK + b"".join(header + b"\r\n" for header in headers)
    return raw(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def bomb() -> bytes:
    """Half a gigabyte in half a megabyte. It has no checksum at its end, which nobody may come to."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = squeeze.compress(b" " * 1_000_000) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return first + 499 * (squeeze.compress(b" " * 1_000_000) + squeeze.flush(zlib.Z_FULL_FLUSH))


def empty_blocks(connection: socket.socket, stopped: threading.Event) -> None:
    """gzip that never unpacks to anything: blocks without a byte in them, for ever."""
    asked(connection)
    connection.sendall(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10])
    endlessly(connection, stopped, b"\x00\x00\x00\xff\xff")


def cases() -> dict:
    """What each server sends, and words of the error. Only the test makes them: together they are 150 MB."""
    return {
        "a status line that drips": (raw(then=slowly), IN_TIME),
        "a head that drips": (raw(OK + b"X-Slow: ", then=slowly), IN_TIME),
        "a body that drips": (raw(OK + b"\r\n", then=slowly), IN_TIME),
        "a body of known length that drips": (raw(OK + b"Content-Length: 9999\r\n\r\n", then=slowly), IN_TIME),
        "the size of a chunk that drips": (raw(OK + CHUNKED, then=slowly, with_=b"0"), IN_TIME),
        "trailers that drip": (raw(OK + CHUNKED + b"2\r\n{}\r\n0\r\n", then=slowly), IN_TIME),
        "for ever “continue”": (raw(then=slowly, with_=b"HTTP/1.1 100 Continue\r\n\r\n"), IN_TIME),
        "many times “continue”": (raw(then=endlessly, with_=b"HTTP/1.1 100 Continue\r\n\r\n"), IN_TIME),
        "silence": (raw(then=lambda connection, stopped, _: stopped.wait(60)), IN_TIME),
        "a status line without end": (raw(then=endlessly), "broke off"),
        "headers without end": (raw(OK, then=endlessly, with_=b"X-More: 1\r\n"), "broke off"),
        "a header without end": (raw(OK + b"X-Long: ", then=endlessly), "broke off"),
        "a body without end": (raw(OK + b"\r\n", then=endlessly), TOO_MUCH),
        "a chunk without end": (raw(OK + CHUNKED + b"ffffffffff\r\n", then=endlessly), TOO_MUCH),
        "chunks without end": (raw(OK + CHUNKED, then=endlessly, with_=b"1\r\nx\r\n"), IN_TIME),
        "a chunk's size without end": (raw(OK + CHUNKED, then=endlessly, with_=b"0"), "broke off"),
        "a gzip bomb": (whole(bomb(), b"Content-Encoding: gzip"), TOO_MUCH),
        "gzip that unpacks to nothing": (empty_blocks, IN_TIME),
        "less than announced": (raw(OK + b"Content-Length: 100\r\n\r\n{}"), "broke off"),
        "two lengths": (raw(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), None),
        "a length below zero": (raw(OK + b"Content-Length: -5\r\n\r\n", then=slowly), IN_TIME),
        "brackets without end": (whole(b"[" * 1_000_000), "isn't JSON"),
        "empty lists by the million": (whole(b"[" + b"[]," * 16_000_000 + b"[]]"), "values at once"),
        "empty objects by the million": (whole(b"[" + b"{}," * 16_000_000 + b"{}]"), "values at once"),
        "short texts by the million": (whole(b"[" + b'"ab",' * 9_000_000 + b'""]'), "values at once"),
        "a number of a million digits": (whole(b"1" * 1_000_000), "isn't JSON"),
        "not a number": (whole(b"NaN"), "unexpected form"),
        "a list where an object belongs": (whole(b"[]"), "unexpected form"),
        "half a letter": (whole(b'{"a": "\xff\xfe"}'), "isn't JSON"),
        "no HTTP at all": (raw(b"\x00\x01\x02" * 100), "broke off"),
    }  # fmt: skip


def test_a_hostile_app_is_given_up_in_time_and_memory():
    made = cases()
    slow = {name: says for name, (says, words) in made.items() if words == IN_TIME}
    large = {name: says for name, (says, words) in made.items() if words != IN_TIME}
    became = readings("http", slow) | readings("large http", large)
    assert len(became) == len(made)
    assert not_given_up(became, {name: words or "" for name, (_, words) in made.items()}) == {}


def not_given_up(became: dict[str, dict[str, str]], words: dict[str, str]) -> dict[str, dict[str, str]]:
    """Those that did not end in one of our own errors, with these words and not too many."""
    return {
        case: shown for case, shown in became.items()
        if "ConnectorError" not in shown["kind"] or words[case] not in shown["says"] or len(shown["says"]) > 1000
    }  # fmt: skip


def test_an_answer_in_tiny_pieces_takes_the_memory_of_its_bytes() -> None:
    pieces = 20_000
    with listening(raw(OK + CHUNKED + pieces * b"2\r\nxx\r\n" + b"0\r\n\r\n")) as port:
        client = Http(f"http://127.0.0.1:{port}", retries=0)
        tracemalloc.start()
        try:
            body, (_, peak) = client.get("/people").body, tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert body == pieces * b"xx" and peak < 800_000, f"{peak:,} bytes"


# Lists


def pages(says_next):
    """A page of one person for each request, each with the link that `says_next(number)` gives."""

    def says(connection: socket.socket, stopped: threading.Event) -> None:
        number = 0
        while (head := asked(connection)) and not stopped.is_set():
            host = head.partition(b"Host: ")[2].partition(b"\r\n")[0]
            number += 1
            body = b'[{"id": "%d"}]' % number
            link = b'Link: <%s>; rel="next"\r\n' % says_next(number).replace(b"HOST", host)
            connection.sendall(OK + link + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    return says


LISTS = {
    "always a further page": (pages(lambda number: b"http://HOST/people?page=%d" % number), "doesn't end"),
    "in circles": (pages(lambda number: b"http://HOST/people?page=1"), "lead back to an earlier page"),
    "to another host": (pages(lambda number: b"http://169.254.169.254/latest"), None),
    "to a file": (pages(lambda number: b"file:///etc/passwd"), None),
    "to no address": (pages(lambda number: b"http://[::1"), None),
    "a link of a megabyte": (pages(lambda number: b"http://HOST/" + b"x" * 1_000_000), None),
}  # fmt: skip


def test_a_list_that_leads_nowhere_is_given_up():
    became = readings("listed", {name: says for name, (says, _) in LISTS.items()})
    assert not_given_up(became, {name: words or "" for name, (_, words) in LISTS.items()}) == {}
    assert "root:" not in str(became)
