"""Reads an app's answer: its data, the app's own error message, and how long the app asks us to wait.
Nothing here sends a call; http.py does."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.base import UNKNOWN, CredentialRejected, Refused, TemporarilyUnavailable
from connectors.tools.times import from_http

_PARTS, _ITEMS = msgspec.json.Decoder(dict[str, msgspec.Raw]), msgspec.json.Decoder(list[msgspec.Raw])
RATE_LIMITED = "These were too many calls. Rollcall tries again later."  # ends the message of a RateLimited
LONGEST_WAIT = 24 * 3600  # seconds
MOST_VALUES = 5_000_000  # in one answer: each takes about 60 bytes of memory, however short it is in the answer


class NotFound(Refused):
    """404 or 410: the app doesn't have this, or no longer has it."""


class NotOffered(Refused):
    """405 or 501: this server doesn't support that at all."""


class Conflict(Refused):
    """409: the thing already exists, or something else prevents the operation."""


class Stale(Refused):
    """412: someone has changed the thing since we read it."""


def disappeared(what: str, problem: Exception) -> TemporarilyUnavailable:
    """The error for something that a list named and that is gone when it is read: the reading must begin again.

    `what`: "The team Sales". `problem`: the error of the failed call.
    """
    return TemporarilyUnavailable(f"{what} disappeared while it was read. {problem}")


def no_list(answered: str, what: str) -> TemporarilyUnavailable:
    """An answer without the list that was asked for. `answered`: the app's label, or Answer.asked; `what`: "users"."""
    return TemporarilyUnavailable(f"{answered} answered without its list of {what}.")


def list_in(body: Mapping[str, Any], key: str, answered: str, what: str = "") -> list:
    """The list under a key of an answer. Raises no_list(answered, what) where there is none; `what` is the key if
    it is empty."""
    rows = body.get(key)
    if not isinstance(rows, list):
        raise no_list(answered, what or key)
    return rows


class Forbidden(CredentialRejected):
    """403: the credential lacks a permission. For an operation, it can also mean that the app refuses this one."""


REFUSALS = {404: NotFound, 410: NotFound, 405: NotOffered, 501: NotOffered, 409: Conflict, 412: Stale}


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer of an app; `body` is decompressed."""

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
        """True for a web page, such as a sign-in form or a proxy's error, in place of data."""
        start = self.body[:200].lstrip().lower()
        return "html" in self.headers.get("Content-Type", "").lower() or start.startswith((b"<!doctype", b"<html"))

    def json(self, kind: type = object) -> Any:
        """The body as JSON. Raises TemporarilyUnavailable if it isn't JSON, isn't a `kind` (dict, list), or has more
        than MOST_VALUES values."""
        self._refuse_too_many_values()
        try:
            value = decoded(self.body)
        except (ValueError, RecursionError):
            what = "a web page instead of data" if self.is_page else "something that isn't JSON"
            raise TemporarilyUnavailable(f"{self.asked} answered with {what}.") from None
        if not isinstance(value, kind):
            raise TemporarilyUnavailable(f"{self.asked} answered with data of an unexpected form.")
        return value

    def json_or_none(self) -> Any:
        """As json(), but None where that raises: an error may come as anything."""
        try:
            return self.json()
        except TemporarilyUnavailable:
            return None

    def json_but_items(self, *lists: str, kind: type = dict) -> Any:
        """As json(kind), but the items of the lists under these keys are msgspec.Raw: the bytes that the app sent.
        Without keys, the body itself is such a list.

        If the body has another form, or only the more lenient decoder understands it, this returns what json() does.
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
        # A value takes at least a byte, so only a long answer needs to be counted.
        if len(self.body) > MOST_VALUES and sum(map(self.body.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise TemporarilyUnavailable(f"{self.asked} answered with more than {MOST_VALUES:,} values at once.")


def unreadable(*parts: tuple[str, Callable[[], object], str]) -> tuple[str, ...]:
    """Reads each part, and returns those that the credential may not read, with the app's words, for Identity.missing.

    A part is (“read roles”, how it is read, what to do if that is forbidden). Raises every error but Forbidden.
    """
    found = []
    for what, read, advice in parts:
        try:
            read()
        except Forbidden as no:
            found.append(f"{what}: {no} {advice}".rstrip())
    return tuple(found)


def decoded(text: bytes) -> Any:
    """The JSON value of a text. Raises ValueError or RecursionError.

    msgspec takes half the time that json does, but json understands more: NaN, lone surrogates, UTF-16.
    """
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return json.loads(text)


def clean(value: Any) -> str:
    """An app's text without the characters that a file or page can't hold: control characters and lone surrogates.
    A whole number becomes its digits, and any other value ""."""
    if type(value) is str and value.isprintable():  # nearly all are: a shortcut, because this is done to each value
        return value.strip()
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
    if not value.isprintable():
        value = "".join(c for c in value if unicodedata.category(c) not in ("Cc", "Cs"))
    return value.strip()


Key = str | tuple[str, ...]  # of an object; a tuple is a path into objects inside it


def has(item: Any, key: Key) -> bool:
    """Whether the item has the key, with any value. If null is on the way, it has the key: nothing is inside null."""
    for part in (key,) if isinstance(key, str) else key:
        if item is None:
            return True
        if not isinstance(item, Mapping) or part not in item:
            return False
        item = item[part]
    return True


def missing_from(item: Any, **keys: Key | list[Key] | set[Key]) -> frozenset[str]:
    """The fields of an Account for which the item has no key, for Account.missing_fields or Account.defaulted_fields.

    `keys`: the key of each field. Of a list of keys, one is enough; of a set, all are needed.
    """
    if type(item) is not dict:
        return frozenset(field for field, places in keys.items() if not _says(item, places))
    # Nearly all are: a shortcut, because this is done to each account.
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
    """The Account.status that a word of the app means; UNKNOWN, with the word, for one that `meanings` lacks."""
    known = meanings.get(value) if isinstance(value, (str, int, bool, type(None))) else None
    if known is not None:
        return known
    word = " ".join(clean(value).split())[:40]
    return f"{UNKNOWN}: {word}" if word else UNKNOWN


def seconds_to_wait(answer: Answer) -> float | None:
    """The seconds that the app asks us to wait, at most LONGEST_WAIT; None where it doesn't ask.

    From Retry-After, in seconds or as a date (RFC 9110, 10.2.3). Without it, where no calls remain, from
    X-RateLimit-Reset as Unix time or in seconds, or from RateLimit-Reset in seconds
    (draft-ietf-httpapi-ratelimit-headers-03).
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
    """The answer isn't the app's own but, for example, a proxy's. An immediate retry would get the same answer."""


def strayed(answer: Answer) -> Strayed | None:
    """The error for a web page with status 404 or 410; None for any other answer. An API answers with data, so such a
    page isn't from the app, and doesn't mean that an account is gone."""
    if answer.status not in (404, 410) or not answer.is_page:
        return None
    return Strayed(
        f"{answer.asked} answered {answer.status} with a web page instead of data. "
        "The address may be wrong, or a proxy answered in place of the app."
    )


def words(answer: Answer) -> str:
    """The app's own words about an error; "" for a web page or an empty answer. They may hold secrets: Http redacts
    them."""
    if answer.is_page:
        return ""
    try:
        return _words_in(answer.json())
    except (TemporarilyUnavailable, RecursionError):
        return answer.text.strip()


def _words_in(value: Any) -> str:
    """The detail or message, in any of the places where SCIM, RFC 9457, OAuth, JSON:API, Google, Meta and GitHub put
    it."""
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
    """Seconds until an HTTP date, by the app's own clock (`now`) where it reports the time; None for no date."""
    target, present = from_http(date), from_http(now) or datetime.now(UTC)
    return None if target is None else (target - present).total_seconds()
