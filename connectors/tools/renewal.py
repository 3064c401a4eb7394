"""A credential that ends and is asked for again, as the `auth` of an Http client.
How it is asked for is for oauth.py and for connectors with a way of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from requests import PreparedRequest
from requests.auth import AuthBase

from connectors.base import CredentialRejected, Refused
from connectors.tools.answers import Forbidden
from connectors.tools.redaction import Redactor

EARLY = 30  # seconds before its announced end a token is renewed


class Renewed(AuthBase):
    """Headers that hold a token which `ask` gives, asked for when it is needed first and again before it ends.

    `ask` returns the headers, the token and its remaining seconds (None: unknown), and raises ConnectorErrors.
    """

    def __init__(self, ask: Callable[[], tuple[dict[str, str], str, float | None]]):
        self.headers: dict[str, str] = {}
        self._ask, self._ends, self._redactors = ask, float("-inf"), []
        self._one = threading.RLock()  # for one asking at a time

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        self.have()
        request.headers.update(self.headers)
        return request

    def hide_from(self, redactor: Redactor) -> None:
        """Each token there is or will be is a secret of this redactor too."""
        self._redactors.append(redactor)

    def have(self) -> None:
        with self._one:
            if time.monotonic() > self._ends:
                self.renew()

    def renew(self) -> None:
        """Raises CredentialRejected or Refused when no token is given; never a NotFound or the like, which the
        caller would take for an answer to its call."""
        with self._one:
            try:
                headers, token, seconds = self._ask()
            except Refused as no:
                raise Refused(str(no)) from None
            except Forbidden as no:
                raise CredentialRejected(str(no)) from None
            for redactor in self._redactors:
                redactor.learn(token)
            self.headers = headers
            self._ends = time.monotonic() + max(seconds - EARLY, 1) if seconds else float("inf")
