"""The talk with a mail server, bounded: an answer has an end, and so has the talk as a whole, slow bytes included.
smtplib itself limits the length of a line and the wait for a piece, not how many lines or pieces there are."""

from __future__ import annotations

import io
import smtplib

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


class SmtpTls(Smtp, smtplib.SMTP_SSL):
    """TLS from the first byte."""
