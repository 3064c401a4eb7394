"""Removes secrets from texts that people or logs will see.
Every text that leaves connectors/ passes through a Redactor first."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "•••"
LONGEST = 300
LOOKED_AT = 100_000  # characters: an app's error may have millions


class Redactor:
    """Knows a set of secrets in each form in which an app may echo them: plain, URL-encoded, base64, JSON-escaped."""

    def __init__(self, secrets: Iterable[str | None] = ()):
        self._forms: set[str] = set()
        self.learn(*secrets)

    def learn(self, *secrets: str | None) -> None:
        """Add further secrets."""
        self._forms |= {form for secret in secrets if secret for form in _forms(str(secret))}
        self._longest_first = sorted(self._forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for form in self._longest_first:  # not one pattern: compiling a private key's takes half a second
            text = text.replace(form, MASK)
        return text


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text without control characters and line breaks, cut to `longest` characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:LOOKED_AT]).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    forms = {secret, secret.strip(), quote(raw, safe=""), quote(raw), quote_plus(raw), json.dumps(secret)[1:-1]}
    forms |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {form for form in forms if form}
