"""The talk with a mail server, bounded: an answer has an end, and so has the talk as a whole, slow bytes included.
smtplib itself limits the length of a line and the wait for a piece, not how many lines or pieces there are."""

from __future__ import annotations

import io
import smtplib
import socket

from connectors import network_addresses
from connectors.time_limit import Timed

MOST_LINES = 500  # of one answer; a server's list of what it offers has some twenty
WHOLE_SECONDS = 120  # for one mail, from connecting to the server's last word


class _Lines(io.BufferedReader):
    """What the server says, line by line."""

    left = MOST_LINES

    def readline(self, longest: int = -1) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise OSError(f"the server's answer has more than {MOST_LINES} lines")
        return super().readline(longest)


class Smtp(smtplib.SMTP):
    """Call it inside a time_limit()."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Lines(Timed(self.sock.makefile("rb")))
        self.file.left = MOST_LINES
        return super().getreply()


class SmtpTls(smtplib.SMTP_SSL, Smtp):
    """TLS from the first byte."""


class Checked(Smtp):
    """Connects only to where `connectors.network_addresses` allows; it raises HostRefused elsewhere."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """smtplib's one place that connects, as SMTP_SSL uses it too."""
        failed: OSError | None = None
        for address in network_addresses(host, port):
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as problem:
                failed = failed or problem
        raise failed or OSError(f"{host} has no address")


class CheckedTls(smtplib.SMTP_SSL, Checked):
    """The same with TLS from the first byte."""
