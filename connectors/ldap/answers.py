"""Receives an LDAP server's answers with limits of size and time, whatever the server sends.
ldap3 itself waits for ever for slow bytes, keeps everything that comes, and takes quadratic time for both."""

from __future__ import annotations

import functools

import ldap3
from ldap3.core.exceptions import LDAPSocketReceiveError
from ldap3.strategy.safeSync import SafeSyncStrategy
from ldap3.utils import asn1

from connectors.time_limit import check_time

MOST_BYTES = 64_000_000  # in one answer: one page of a list, with everything in its entries
MOST_MESSAGES = 20_000  # in one answer: each entry of the page is one
MOST_VALUES = 2_000_000  # in one answer: each takes about 200 bytes of memory, however short it is in the answer
UNCOUNTED = 1_000_000  # bytes: the values of a shorter answer aren't counted
PIECE = 65_536  # bytes
LONGEST_INTEGER = 8  # bytes; RFC 4511 has none beyond 2^31 - 1


class Unreadable(LDAPSocketReceiveError):
    """The answer isn't LDAP, or is too large."""


class BoundedAnswers(SafeSyncStrategy):
    """A strategy of ldap3 that raises Unreadable for an answer that is too large, and TimeoutError for a slow one."""

    def __init__(self, connection: ldap3.Connection):
        super().__init__(connection)
        self._came = self._messages = self._values = 0
        self._unread = bytearray()

    def send(self, *request, **options) -> int:
        self._came = self._messages = self._values = 0
        self._unread.clear()  # bytes that came before a request don't answer it, above all not before StartTLS
        return super().send(*request, **options)

    def receiving(self) -> list[bytes]:
        """The next messages, at least one; [] if the server has closed the connection."""
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
        """The size of the next message with its head (X.690 8.1.3, definite form), in bytes; 0 until its head is
        complete."""
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
    """The connection, which must not be open yet, with BoundedAnswers."""
    strategy = connection.strategy = BoundedAnswers(connection)
    for name in ("send", "open", "get_response", "post_send_single_response", "post_send_search"):
        setattr(connection, name, getattr(strategy, name))
    connection._prepare_return_value = functools.partial(_handed_over, connection)
    return connection


def _handed_over(connection: ldap3.Connection, status: bool, response: bool = False) -> tuple:
    """(status, result, entries, request), which are removed from the connection. ldap3 would return deep copies,
    because threads may share its connection, and that takes almost as long as reading the entries."""
    entries, request, result = connection.response, connection.request, connection.result
    connection.response = connection.request = None
    return status, result, entries if response else None, request


class _Number(int):
    def __bytes__(self) -> bytes:
        raise ValueError("it sent a number in place of a text")  # bytes(2_000_000_000) would take two gigabytes


def _integer(message: bytes, start: int, stop: int, context_decoders: dict | None = None) -> _Number:
    """Decodes an integer. ldap3's own decoder shifts byte by byte: a number of a megabyte would take minutes."""
    if stop - start > LONGEST_INTEGER:
        raise ValueError("it sent a number that is too large")
    return _Number.from_bytes(message[start:stop], signed=True)


asn1.DECODERS[(0, 2)] = asn1.DECODERS[(0, 10)] = _integer
