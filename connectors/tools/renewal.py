"""A token that ends and is requested again, as the `auth` of an Http client.
oauth.py, and connectors with a way of their own, know how to request it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from requests import PreparedRequest
from requests.auth import AuthBase

from connectors.base import CredentialRejected, Refused
from connectors.tools.answers import Forbidden
from connectors.tools.redaction import Redactor

EARLY = 30  # seconds: a token is renewed so long before its announced end


class Renewed(AuthBase):
    """Headers with a token, which `ask` gets when it is first needed and again before it ends.

    `ask` returns the headers, the token and the seconds until it ends (None: unknown). It raises ConnectorErrors.
    """

    def __init__(self, ask: Callable[[], tuple[dict[str, str], str, float | None]]):
        self.headers: dict[str, str] = {}
        self._ask, self._ends, self._redactors = ask, float("-inf"), []
        self._one = threading.RLock()  # only one thread requests a token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        self.have()
        request.headers.update(self.headers)
        return request

    def hide_from(self, redactor: Redactor) -> None:
        """Keep each token, this one and later ones, out of the texts of this redactor."""
        self._redactors.append(redactor)

    def have(self) -> None:
        """Make sure that there is a token that hasn't ended. Raises as renew() does."""
        with self._one:
            if time.monotonic() > self._ends:
                self.renew()

    def renew(self) -> None:
        """Get a new token. Raises CredentialRejected or Refused if there is none; never NotFound or the like, which the
        caller would take for the answer to its own call."""
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
