"""How an LDAP server's answers are received: bounded in size and time, whatever it sends.
ldap3's own way waits for ever for slow bytes, keeps whatever comes, and takes quadratic time for both."""

from __future__ import annotations

import functools

import ldap3
from ldap3.core.exceptions import LDAPSocketReceiveError
from ldap3.strategy.safeSync import SafeSyncStrategy
from ldap3.utils import asn1

from connectors.time_limit import check_time

MOST_BYTES = 64_000_000  # of one answer: one page of a list, with all that its entries hold
MOST_MESSAGES = 20_000  # of one answer: an entry of the page is one
MOST_VALUES = 2_000_000  # of one answer: each takes some 200 bytes of memory, however few it has in the answer
UNCOUNTED = 1_000_000  # bytes of an answer whose values need no counting
PIECE = 65_536
LONGEST_INTEGER = 8  # bytes; RFC 4511 has none beyond 2^31 - 1


class Unreadable(LDAPSocketReceiveError):
    """The answer isn't LDAP, or is too large."""


class BoundedAnswers(SafeSyncStrategy):
    def __init__(self, connection: ldap3.Connection):
        super().__init__(connection)
        self._came = self._messages = self._values = 0
        self._unread = bytearray()

    def send(self, *request, **options) -> int:
        self._came = self._messages = self._values = 0
        self._unread.clear()  # nothing that came before a question answers it: above all before StartTLS
        return super().send(*request, **options)

    def receiving(self) -> list[bytes]:
        """The next messages, at least one; [] when the server has hung up."""
        while True:
            if messages := self._whole_messages():
                return messages
            try:
                check_time()
                piece = self.connection.socket.recv(PIECE)
            except (OSError, AttributeError) as problem:
                self.close()
                raise LDAPSocketReceiveError(f"error receiving data: {problem}") from problem
            if not piece:
                return []
            self._came += len(piece)
            if self._came > MOST_BYTES:
                self._give_up(f"more than {MOST_BYTES:,} bytes in one answer")
            self._unread += piece

    def _whole_messages(self) -> list[bytes]:
        found = []
        while (size := self._size()) and size <= len(self._unread):
            found.append(bytes(self._unread[:size]))
            del self._unread[:size]
            if self._came > UNCOUNTED:
                self._count_values(found[-1])
        self._messages += len(found)
        if self._messages > MOST_MESSAGES:
            self._give_up(f"more than {MOST_MESSAGES:,} messages in one answer")
        return found

    def _count_values(self, message: bytes) -> None:
        at, last = 0, len(message) - 1
        while at < last:
            self._values += 1
            if self._values > MOST_VALUES:
                self._give_up(f"more than {MOST_VALUES:,} values in one answer")
            length, head = message[at + 1], 2
            if length & 0x80:
                head += length & 0x7F
                length = int.from_bytes(message[at + 2 : at + head])
            at += head if message[at] & 0x20 else head + length  # 0x20: more values are inside it

    def _size(self) -> int:
        """Of the next message, its head included (X.690 8.1.3, of definite length); 0 while its head isn't whole."""
        if len(self._unread) < 2:
            return 0
        if self._unread[0] != 0x30:
            self._give_up("something that isn't LDAP")
        length, head = self._unread[1], 2
        if length & 0x80:
            head += length & 0x7F
            if not 2 < head <= 2 + LONGEST_INTEGER:
                self._give_up("something that isn't LDAP")
            if len(self._unread) < head:
                return 0
            length = int.from_bytes(self._unread[2:head])
        if length > MOST_BYTES:
            self._give_up(f"more than {MOST_BYTES:,} bytes in one message")
        return head + length

    def _give_up(self, what: str) -> None:
        self._unread.clear()
        self.close()
        raise Unreadable(f"it sent {what}")


def bounded(connection: ldap3.Connection) -> ldap3.Connection:
    """The same connection, not yet open, with bounded answers."""
    strategy = connection.strategy = BoundedAnswers(connection)
    for name in ("send", "open", "get_response", "post_send_single_response", "post_send_search"):
        setattr(connection, name, getattr(strategy, name))
    connection._prepare_return_value = functools.partial(_handed_over, connection)
    return connection


def _handed_over(connection: ldap3.Connection, status: bool, response: bool = False) -> tuple:
    """(status, result, entries, request), which the connection keeps no longer. ldap3 would give deep copies of them,
    because its connection may be shared by threads: that takes almost as long as to read the entries."""
    entries, request, result = connection.response, connection.request, connection.result
    connection.response = connection.request = None
    return status, result, entries if response else None, request


class _Number(int):
    def __bytes__(self) -> bytes:
        raise ValueError("it sent a number for a text")  # bytes(2_000_000_000) would be two gigabytes of nothing


def _integer(message: bytes, start: int, stop: int, context_decoders: dict | None = None) -> _Number:
    """ldap3's own shifts byte by byte: a number of a megabyte would take it minutes."""
    if stop - start > LONGEST_INTEGER:
        raise ValueError("it sent a number that is too large")
    return _Number.from_bytes(message[start:stop], signed=True)


asn1.DECODERS[(0, 2)] = asn1.DECODERS[(0, 10)] = _integer
