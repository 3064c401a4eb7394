"""The HTTP client of all connectors, built on requests.
It raises every error as one of the four ConnectorErrors, in plain words and without a secret."""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cached_property
from http.cookiejar import CookieJar
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from requests.auth import AuthBase, HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from urllib3.util import parse_url

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.time_limit import time_limit
from connectors.tools import hosts, net
from connectors.tools.addresses import is_loopback
from connectors.tools.answers import (
    RATE_LIMITED,
    REFUSALS,
    Answer,
    Conflict,
    Forbidden,
    NotFound,
    NotOffered,
    Stale,
    Strayed,
    clean,
    seconds_to_wait,
    strayed,
    words,
)
from connectors.tools.failures import is_silence, never_arrived, reason
from connectors.tools.holes import refuse_holes, segment
from connectors.tools.http_connections import Cookies, InTime
from connectors.tools.redaction import Redactor, one_line
from connectors.tools.renewal import Renewed

__all__ = [
    "Answer", "Conflict", "Forbidden", "Http", "NotFound", "NotOffered", "Stale",
    "Strayed", "clean", "seconds_to_wait", "segment", "words",
]  # fmt: skip

# At DEBUG, urllib3 logs each address with its query, and some apps take the credential there.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
UNKNOWN_WAIT = 60  # seconds to wait where the app doesn't say how long
CHUNK = 65_536  # bytes


class Http:
    """Calls one app. Several threads may use it: each has a connection of its own.

    base_url: https://, or http:// for a loopback address that is configured (see net.py). Paths are joined to it. An
        absolute address (a "next" link) is only followed to the same scheme, host and port.
    headers: sent with each call.
    auth: (user, password), or an AuthBase of requests. A Renewed token is renewed once if a call is answered 401.
    secrets: kept out of every message, like those in `auth` and in an Authorization header.
    timeout: seconds to connect, and seconds between two pieces of an answer.
    max_seconds: for one whole answer, from connecting to its last byte, however slowly the bytes come.
    max_bytes: of one answer, decompressed.
    verify: True, or the path of a file with the certificate authority to trust.
    retries: the number of further attempts, for idempotent calls only. A 429 is retried for any call, and a server that
        doesn't answer at all is tried only once more.
    patience: seconds; a longer wait that the app asks for raises RateLimited.
    on_error: called first with every answer, even a 200, because some apps report errors in it. It returns the
        ConnectorError to raise, or None for the usual meaning of the status. (As a web page, 404 and 410 don't mean
        that anyone is gone.)
    says: finds the app's own words in an error.
    """

    first_pause = 0.3  # seconds before the first retry; doubled for each further one

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | AuthBase | None = None,
        secrets: Iterable[str | None] = (),
        timeout: tuple[float, float] = (10, 30),
        max_seconds: float = 300,
        max_bytes: int = 50_000_000,
        verify: bool | str = True,
        retries: int = 3,
        patience: float = 5,
        on_error: Callable[[Answer], ConnectorError | None] | None = None,
        says: Callable[[Answer], str] = words,
        pause: Callable[[float], None] = time.sleep,
    ):
        self._base = base_url.strip().rstrip("/")
        self.origin = _origin(self._base)
        self._own: tuple[str, ...] = ()  # how an address began that was found to be of this origin
        self.redact = Redactor([*secrets, *_credentials(headers or {}, auth)])
        self._timeout, self._max_seconds, self._max_bytes = timeout, max_seconds, max_bytes
        self._retries, self._patience, self._pause = retries, patience, pause
        self._on_error, self._says = on_error, says
        self._renewed = auth if isinstance(auth, Renewed) else None
        if self._renewed:
            self._renewed.hide_from(self.redact)
        asks = {"User-Agent": "Rollcall", "Accept": "application/json", **(headers or {})}
        self._headers = {**requests.utils.default_headers(), **asks}
        # Without an explicit auth, requests would replace the credential by an entry of ~/.netrc.
        self._auth = HTTPBasicAuth(*auth) if isinstance(auth, tuple) else auth or (lambda request: request)
        self._verify = verify
        self._of_thread, self._sessions = threading.local(), []

    @property
    def _session(self) -> requests.Session:
        session = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = requests.Session()
            session.mount("https://", InTime())
            session.mount("http://", InTime())
            session.verify, session.cookies = self._verify, Cookies()
            session.trust_env = not is_loopback(self.origin[1])
            self._sessions.append(session)
        return session

    def close(self) -> None:
        """Close the connections of all threads."""
        for session in self._sessions:
            session.close()

    def get(self, path: str, params: Mapping | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("GET", path, params=params, headers=headers)

    def post(self, path: str, json: Any = None, data: Any = None, **more: Any) -> Answer:
        return self.call("POST", path, json=json, data=data, **more)

    def put(self, path: str, json: Any = None, data: Any = None, **more: Any) -> Answer:
        return self.call("PUT", path, json=json, data=data, **more)

    def patch(self, path: str, json: Any = None, data: Any = None, **more: Any) -> Answer:
        return self.call("PATCH", path, json=json, data=data, **more)

    def delete(self, path: str, json: Any = None, data: Any = None, **more: Any) -> Answer:
        return self.call("DELETE", path, json=json, data=data, **more)

    def operate(self, method: str, path: str, **more: Any) -> Answer:
        """As call(), for an operation. A 403 raises Refused, not Forbidden: the credential could read a moment ago, so
        the app refuses this operation only."""
        try:
            return self.call(method, path, **more)
        except Forbidden as no:
            raise Refused(str(no)) from no

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping | None = None,
        json: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        may_be_empty: Container[str] = (),
    ) -> Answer:
        """One call with its retries. `idempotent` overrides what the method implies, for a search by POST.

        A segment of the path, a parameter or a value of the body that is empty raises Refused before anything is sent.
        `may_be_empty`: names of parameters and values that mean something when they are empty.
        Raises the four ConnectorErrors; by the status, NotFound, NotOffered, Conflict and Stale (all are Refused), and
        Forbidden (a CredentialRejected).
        """
        asked = f"{method} {self._shown(path)}"
        refuse_holes(asked, path, {**(params or {})}, json if json is not None else data, may_be_empty)
        may_repeat = method in IDEMPOTENT if idempotent is None else idempotent
        request = requests.Request(method, self._address(path), params=params, json=json, data=data, headers=headers)
        if self._renewed:
            self._renewed.have()
        try:
            return self._attempts(request, asked, may_repeat)
        except Forbidden:
            raise
        except CredentialRejected:
            if not self._renewed:
                raise
            self._renewed.renew()
            return self._attempts(request, asked, may_repeat)

    def _attempts(self, request: requests.Request, asked: str, may_repeat: bool) -> Answer:
        for attempt in range(self._retries + 1):
            answer = None
            try:
                answer = self._follow(request, asked)
                problem = self._problem(answer)
            except TemporarilyUnavailable as failure:
                problem = failure
            if problem is None:
                return answer
            wait = self._wait_before_retry(problem, answer, attempt, may_repeat)
            if wait is None or attempt == self._retries:
                raise problem
            self._pause(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _shown(self, path: str) -> str:
        """The address as messages name it: without its query."""
        bare = path.split("?")[0].split("#")[0]
        bare = bare if "://" in bare else f"{self._base}/{bare.lstrip('/')}"
        return one_line(self.redact(bare))

    def _address(self, path: str) -> str:
        return path if re.match(r"[a-z][a-z0-9+.-]*://", path, re.I) else f"{self._base}/{path.lstrip('/')}"

    def _follow(self, request: requests.Request, asked: str) -> Answer:
        """Send, and follow redirects on the same host."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._send(self._prepared(request, asked), asked)
            target = answer.headers.get("Location")
            if answer.status not in REDIRECTS or not target:
                return answer
            if request.method != "GET" and answer.status not in (307, 308):
                raise Refused(f"{asked} was answered with a redirect, so nothing was done. Check the app's address in "
                              "its settings.")  # fmt: skip
            try:
                target = urljoin(answer.url, target)
            except ValueError:
                raise Refused(f"{asked} was answered with a redirect that has no valid address.") from None
            request = requests.Request(
                request.method, target, json=request.json, data=request.data, headers=request.headers
            )
        raise Refused(f"{asked} was redirected more than {MOST_REDIRECTS} times, so nothing was done. Check the app's "
                      "address in its settings.")  # fmt: skip

    def _prepared(self, request: requests.Request, asked: str) -> requests.PreparedRequest:
        try:
            prepared = _Prepared()  # not by the session: its merging takes longer than everything else
            prepared.prepare(
                request.method, request.url, CaseInsensitiveDict({**self._headers, **(request.headers or {})}), None,
                request.data, request.params, self._auth, self._session.cookies or None, None, request.json,
            )  # fmt: skip
            origin = self.origin if prepared.url.startswith(self._own) else _origin(prepared.url)
        except requests.exceptions.InvalidHeader:
            raise CredentialRejected(
                "The credential contains characters that can't be sent, perhaps a line break. Enter it again."
            ) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError):
            raise Refused(f"{asked} was not sent: this isn't a valid address. Check the app's address in its settings."
                          ) from None
        if origin != self.origin:
            raise Refused(
                self.redact(f"{asked} leads to another host, {one_line(origin[1])}. ")
                + "The credential was not sent there. Check the app's address in its settings."
            )
        self._own = ("/".join(prepared.url.split("/", 3)[:3]) + "/",)
        return prepared

    @cached_property
    def _settings(self) -> dict[str, Any]:
        """The proxies and certificates that the environment names for this host."""
        settings = dict(self._session.merge_environment_settings(self._base, {}, True, self._verify, None))
        if requests.utils.select_proxy(self._base, settings["proxies"]):
            net.refuse_behind_proxy(*self.origin[1:])
        return settings

    def _send(self, prepared: requests.PreparedRequest, asked: str) -> Answer:
        with time_limit(self._max_seconds) as talk:
            try:
                with hosts.turn(self.origin[1], talk.seconds):
                    return self._answer(prepared, asked)
            except hosts.Busy:
                raise _NoAnswer(f"The server is busy with Rollcall's other calls.\n{asked}") from None
            except UnicodeError:
                raise CredentialRejected(
                    "The credential contains characters that can't be sent. Enter it again."
                ) from None
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as failure:
                if talk.over:
                    raise _TooMuch(f"{asked} did not end {talk}.") from None
                raise _NoAnswer(f"The server {reason(failure)}.\n{asked}", failure) from None

    def _answer(self, prepared: requests.PreparedRequest, asked: str) -> Answer:
        session = self._session
        # Not by session.send(), which would follow redirects, keep a history, and look for cookies each time.
        with session.get_adapter(self._base).send(prepared, timeout=self._timeout, **self._settings) as response:
            if "Set-Cookie" in response.headers:
                requests.cookies.extract_cookies_to_jar(session.cookies, prepared, response.raw)
            body = self._read(response, asked)
            return Answer(response.status_code, response.headers, body, prepared.url, asked)

    def _read(self, response: requests.Response, asked: str) -> bytes:
        """The body, in pieces so that reading can stop at max_bytes. urllib3 checks its length, InTime the time."""
        if "," in response.headers.get("Content-Encoding", ""):
            response.raw.close()
            raise _TooMuch(f"{asked} sent an answer that is packed several times, which Rollcall doesn't unpack.")
        body = BytesIO()  # not a list of pieces: an app may send millions of two bytes, each of which is an object
        while piece := response.raw.read1(CHUNK, decode_content=True):
            body.write(piece)
            if body.tell() > self._max_bytes:
                response.raw.close()
                raise _TooMuch(f"{asked} sent more than {self._max_bytes:,} bytes, so Rollcall stopped reading.")
        return body.getvalue()

    def _problem(self, answer: Answer) -> ConnectorError | None:
        own = (self._on_error(answer) if self._on_error else None) or strayed(answer)
        if own is not None:
            own.args = (one_line(self.redact(str(own))),)
            return own
        if answer.status < 400:
            return None
        own_words = one_line(self.redact(self._says(answer))).rstrip(".")
        says = f"{answer.asked} answered {answer.status}" + (f": “{own_words}”." if own_words else ".")
        wait = seconds_to_wait(answer)
        if answer.status == 429 or (answer.status == 403 and wait is not None):
            return RateLimited(f"{says} {RATE_LIMITED}", UNKNOWN_WAIT if wait is None else wait)
        if answer.status == 401:
            return CredentialRejected(f"The app rejects the credential: it is wrong, expired or revoked.\n{says}")
        if answer.status == 403:
            return Forbidden(f"The credential lacks a permission.\n{says}")
        if answer.status == 408 or (answer.status >= 500 and answer.status not in REFUSALS):
            return TemporarilyUnavailable(f"The server has a problem: it answered {answer.status}.\n{says}")
        return REFUSALS.get(answer.status, Refused)(says)

    def _wait_before_retry(
        self, problem: ConnectorError, answer: Answer | None, attempt: int, may_repeat: bool
    ) -> float | None:
        """Seconds until the next attempt; None where another attempt makes no sense, or only after more than
        `patience`."""
        backoff = self.first_pause * 2**attempt * random.uniform(0.8, 1.2)  # nosec B311 # no secret: a pause
        asked_for = seconds_to_wait(answer) if answer else None
        if isinstance(problem, RateLimited):
            is_unknown = asked_for is None and problem.retry_after == UNKNOWN_WAIT
            wait = backoff if is_unknown else max(problem.retry_after, backoff)
        elif isinstance(problem, TemporarilyUnavailable) and not isinstance(problem, (_TooMuch, Strayed)):
            if (problem.silent and attempt) or not (may_repeat or getattr(problem, "never_arrived", False)):
                return None
            wait = backoff if asked_for is None else max(asked_for, backoff)
        else:
            return None
        return wait if wait <= self._patience else None


class _Prepared(requests.PreparedRequest):
    def prepare_cookies(self, cookies: CookieJar | None) -> None:
        """requests makes half a request to ask an empty jar."""
        if cookies:
            super().prepare_cookies(cookies)


class _TooMuch(TemporarilyUnavailable):
    """An answer that is too long or takes too long. An immediate retry would get the same."""


class _NoAnswer(TemporarilyUnavailable):
    """No complete answer came. `failure`: the error of requests or urllib3; None if nothing was sent."""

    def __init__(self, message: str, failure: Exception | None = None):
        super().__init__(message)
        self.never_arrived = failure is None or never_arrived(failure)
        self.silent = failure is not None and is_silence(failure)


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, as urllib3 will use them. Raises Refused for plain HTTP to another machine."""
    try:
        parts = parse_url(url)
    except urllib3.exceptions.LocationParseError:
        parts = None
    if not parts or parts.scheme not in ("http", "https") or not parts.host:
        raise Refused("The address must begin with https:// and name a host.")
    if parts.auth:
        raise Refused("The address must not contain a user name or a password.")
    host = parts.host.strip("[]").lower()
    if parts.scheme == "http" and not is_loopback(host):
        raise Refused("The address must begin with https://, so that nobody can read the credential on its way.")
    return parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80)


def _credentials(headers: Mapping[str, str], auth: Any) -> list[str]:
    found = list(auth[1:]) + [":".join(auth)] if isinstance(auth, tuple) else []
    for name, value in headers.items():
        if name.lower() in ("authorization", "proxy-authorization", "x-api-key", "cookie"):
            found += [value, value.split(" ", 1)[-1]]
    return found
