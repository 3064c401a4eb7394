"""An app's answer, and what follows from it: data, the app's own error message, how long to wait.
Nothing here sends; http.py does."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from connectors.base import UNKNOWN, CredentialRejected, Refused, TemporarilyUnavailable

_PARTS, _ITEMS = msgspec.json.Decoder(dict[str, msgspec.Raw]), msgspec.json.Decoder(list[msgspec.Raw])
LONGEST_WAIT = 24 * 3600  # seconds
MOST_VALUES = 5_000_000  # of one answer: each takes some 60 bytes of memory, however few it has in the answer


class NotFound(Refused):
    """404 or 410: the app doesn't have this, or no longer."""


class NotOffered(Refused):
    """405 or 501: this server doesn't support that at all."""


class Conflict(Refused):
    """409: the thing already exists, or something else prevents the operation."""


class Stale(Refused):
    """412: it was changed since we read it."""


def disappeared(what: str, problem: Exception) -> TemporarilyUnavailable:
    """Something that a list named no longer exists when it is read, so the reading isn't of one moment: read again."""
    return TemporarilyUnavailable(f"{what} disappeared while it was read. {problem}")


class Forbidden(CredentialRejected):
    """403: the credential lacks a permission; for an operation, it may also mean that the app refuses this one."""


REFUSALS = {404: NotFound, 410: NotFound, 405: NotOffered, 501: NotOffered, 409: Conflict, 412: Stale}


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer of an app; `body` is decompressed."""

    status: int
    headers: Mapping[str, str]  # names without regard to case
    body: bytes
    url: str
    asked: str  # "GET /v2/Users at scim.acme.example", for messages

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def is_page(self) -> bool:
        """True for a web page: a sign-in form or a proxy's error, where data was asked for."""
        start = self.body[:200].lstrip().lower()
        return "html" in self.headers.get("Content-Type", "").lower() or start.startswith((b"<!doctype", b"<html"))

    def json(self, kind: type = object) -> Any:
        """The body as JSON; TemporarilyUnavailable when it is none, no `kind` (dict, list), or of too many values."""
        self._refuse_too_many_values()
        try:
            value = decoded(self.body)
        except (ValueError, RecursionError):
            what = "a web page instead of data" if self.is_page else "something that isn't JSON"
            raise TemporarilyUnavailable(f"{self.asked} answered with {what}.") from None
        if not isinstance(value, kind):
            raise TemporarilyUnavailable(f"{self.asked} answered with data of an unexpected form.")
        return value

    def json_but_items(self, *lists: str, kind: type = dict) -> Any:
        """As json(kind), but the items of the lists under these keys are msgspec.Raw: the bytes that the app sent.
        Without keys, the body itself is such a list.

        If only the more lenient decoder understands the body, or it is something else, the result is that of json().
        """
        self._refuse_too_many_values()
        try:
            if not lists:
                return _ITEMS.decode(self.body)
            parts = _PARTS.decode(self.body)
            return {key: _ITEMS.decode(part) if key in lists and part[:1] == b"[" else decoded(part)
                    for key, part in ((key, bytes(part)) for key, part in parts.items())}  # fmt: skip
        except (ValueError, RecursionError):
            return self.json(kind)

    def _refuse_too_many_values(self) -> None:
        if sum(map(self.body.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise TemporarilyUnavailable(f"{self.asked} answered with more than {MOST_VALUES:,} values in one piece.")


def unreadable(*parts: tuple[str, Callable[[], object], str]) -> tuple[str, ...]:
    """Reads each part: (“read roles”, how it is read, what to do where that is forbidden). Which of them the credential
    may not read, with the app's words, for Identity.missing."""
    found = []
    for what, read, advice in parts:
        try:
            read()
        except Forbidden as no:
            found.append(f"{what}: {no} {advice}".rstrip())
    return tuple(found)


def decoded(text: bytes) -> Any:
    """Its JSON value. Raises ValueError or RecursionError.

    msgspec takes half the time of json, which understands more: NaN, lone surrogates, UTF-16.
    """
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return json.loads(text)


def clean(value: Any) -> str:
    """An app's text as every file and page can hold it: without control characters and lone surrogates; "" for none."""
    if type(value) is str and value.isprintable():  # nearly all are: the short way, as this is done to each value
        return value.strip()
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
    if not value.isprintable():
        value = "".join(c for c in value if unicodedata.category(c) not in ("Cc", "Cs"))
    return value.strip()


Key = str | tuple[str, ...]  # of an object; a tuple goes into objects inside it


def has(item: Any, key: Key) -> bool:
    """Whether the answer has the key, with whatever value: null is a value, and says that nothing is inside it."""
    for part in (key,) if isinstance(key, str) else key:
        if item is None:
            return True
        if not isinstance(item, Mapping) or part not in item:
            return False
        item = item[part]
    return True


def unsaid(item: Any, **keys: Key | list[Key] | set[Key]) -> frozenset[str]:
    """The fields of an Account that the item says nothing about (Account.unsaid, Account.assumed).

    `keys`: where each field is. Of a list any key will do; of a set all of them are needed.
    """
    if type(item) is not dict:
        return frozenset(field for field, places in keys.items() if not _says(item, places))
    # Nearly all are: the short way, as this is done to each account.
    return frozenset([
        field for field, places in keys.items()
        if (places not in item if type(places) is str else not _says(item, places))
    ])  # fmt: skip


def _says(item: Any, places: Key | list[Key] | set[Key]) -> bool:
    if isinstance(places, (list, set)):
        enough = any if isinstance(places, list) else all
        return enough(has(item, key) for key in places)
    return has(item, places)


def known_status(value: Any, meanings: Mapping[Any, str]) -> str:
    """The Account.status that a word of the app means. UNKNOWN, with the word, where `meanings` lacks it (rule 12)."""
    known = meanings.get(value) if isinstance(value, (str, int, bool, type(None))) else None
    if known is not None:
        return known
    word = " ".join(clean(value).split())[:40]
    return f"{UNKNOWN}: {word}" if word else UNKNOWN


def seconds_to_wait(answer: Answer) -> float | None:
    """How long the app asks us to wait, None when it doesn't.

    Retry-After in seconds or as a date (RFC 9110, 10.2.3); else, with nothing remaining, X-RateLimit-Reset
    as Unix time or in seconds, or RateLimit-Reset in seconds (draft-ietf-httpapi-ratelimit-headers-03).
    """
    after = answer.headers.get("Retry-After", "").strip()
    wait = float(after) if re.fullmatch(r"\d{1,12}(\.\d+)?", after) else _until(after, answer.headers.get("Date", ""))
    if wait is None:
        for prefix in ("X-RateLimit-", "RateLimit-"):
            reset = answer.headers.get(prefix + "Reset", "").strip()
            if answer.headers.get(prefix + "Remaining", "").strip() == "0" and re.fullmatch(r"\d{1,12}", reset):
                wait = int(reset) - time.time() if int(reset) > 1_000_000_000 else float(reset)
                break
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT)


class Strayed(TemporarilyUnavailable):
    """The answer isn't the app's own, but a proxy's, for example. Another attempt at once would get the same."""


def strayed(answer: Answer) -> Strayed | None:
    """The error for a web page with status 404 or 410; None for any other answer. An API answers with data, so a page
    isn't the app's word, and nobody counts as gone."""
    if answer.status not in (404, 410) or not answer.is_page:
        return None
    return Strayed(
        f"{answer.asked} answered {answer.status} with a web page instead of data: "
        "the address may be wrong, or something is in front of the app."
    )


def words(answer: Answer) -> str:
    """What the app itself says about an error; "" for a web page or nothing. Not yet redacted: Http does that."""
    if answer.is_page:
        return ""
    try:
        return _words_in(json.loads(answer.body))
    except (ValueError, RecursionError):
        return answer.text.strip()


def _words_in(value: Any) -> str:
    """Detail or message, wherever the usual APIs put it: SCIM, RFC 9457, OAuth, JSON:API, Google, Meta, GitHub."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_words_in, value[:3])))
    if not isinstance(value, dict):
        return ""
    for key in ("detail", "message", "error_description", "description", "title", "error", "errors", "errorSummary"):
        if found := _words_in(value.get(key)):
            return found
    return ""


def _until(date: str, now: str) -> float | None:
    """Seconds until an HTTP date, by the app's own clock where it reports the time."""
    try:
        target = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    try:
        present = parsedate_to_datetime(now)
    except (TypeError, ValueError):
        present = datetime.now(UTC)
    return (target.replace(tzinfo=UTC) - present.replace(tzinfo=UTC)).total_seconds()
