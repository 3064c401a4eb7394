"""A long text takes the time of its length, not of its square: that would stop all threads for hours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from bench.clock import Stopwatch
from connectors import names
from connectors.apps import sentry
from connectors.apps.postgres import PostgresRoles
from connectors.base import ConnectorError
from connectors.ldap.dn import normal_dn
from connectors.tables import propose
from connectors.tools.answers import Answer
from connectors.tools.oauth import rsa_key
from connectors.tools.paging import linked
from sync.files import cells
from sync.search import texts

ACCENTS = "\u0301\u0323"  # each two are in the wrong order
SHORT, TIMES_LONGER = 2_500, 8  # characters; the square would take 64 times as long


def with_link(text: str) -> Answer:
    return Answer(200, {"Link": text}, b"", "https://a.example/", "GET /")


READERS = {
    "a Link header": (lambda text: linked(with_link(text), "next"),
                      ("<", "<a", "a", "<a>; rel=", '<a>;rel="x ', ";", "; a", "<a?page=1&page=1")),
    "Sentry's Link header": (lambda text: sentry._next_cursor(with_link(text)), ("a", '<a>; rel="next"; a="')),
    "a private key": (lambda text: rsa_key(text, "wrong"), ("-----BEGIN A-----", "-----BEGIN A-----a", "A", " ")),
    "a cell of a list": (lambda text: propose(f"email,name\na@b.example,{text}x\n".encode(), "import"),
                         ("*", " ", "[", "-", ACCENTS)),
    "a user name": (names.text_key, (ACCENTS, "@", "<", "i\u0307")),
    "a text that is searched": (texts.fold, (ACCENTS, "ß")),
    "a downloaded cell": (cells.harmless, ("\n", "\n ", ";", " ")),
    "the comment of a role": (lambda text: PostgresRoles._email(None, "", text, False),
                              (" ", "a", "owner: ", "a@", "a.")),
    "a DN": (lambda text: normal_dn(f"cn={text}"), (ACCENTS, "\\,", "\\2c", ",cn=")),
}  # fmt: skip


@pytest.mark.parametrize("reader,piece", [(name, piece) for name, (_, pieces) in READERS.items() for piece in pieces],
                         ids=ascii)  # fmt: skip
def test_a_long_text_takes_the_time_of_its_length(reader, piece):
    read, _ = READERS[reader]
    assert any(is_in_proportion(read, piece) for _ in range(5)), "the square takes too long each time"


def is_in_proportion(read: Callable[[str], object], piece: str) -> bool:
    short = min(seconds(read, piece, SHORT) for _ in range(3))
    return min(seconds(read, piece, SHORT * TIMES_LONGER) for _ in range(2)) < 3 * TIMES_LONGER * short + 0.03


def seconds(read: Callable[[str], object], piece: str, length: int) -> float:
    text = piece * (length // len(piece))
    watch = Stopwatch()
    with suppress(ConnectorError):
        read(text)
    return watch.seconds()
