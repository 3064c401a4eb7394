"""Makes the calls that a YAML file describes: fills them in, keeps to the rate limit, and reads the app's errors.
lists.py and connector.py read the answers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Container, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.rest.auth import LOGIN_HEADER, auth_of
from connectors.rest.template import (
    Hole,
    Look,
    anything,
    fill,
    fill_address,
    fill_base,
    fill_texts,
    find,
    keys_of,
    put,
    something,
)
from connectors.rest.values import holds
from connectors.rest.yaml_source import as_text
from connectors.tools.answers import RATE_LIMITED
from connectors.tools.holes import EVERYTHING
from connectors.tools.http import Answer, Forbidden, Http, clean, seconds_to_wait, words
from connectors.tools.redaction import MASK

UNKNOWN_WAIT = 60  # seconds
ABSENT = (404, 410)
TO_BE_KEPT = re.compile(r"%7B(kept\.\w+)%7D")


@dataclass(frozen=True)
class Sent:
    """One call as it would be sent, to be shown to people."""

    method: str
    address: str
    headers: dict[str, str]
    body: Any  # JSON, or the fields of a form; None without one


class WasSo(Refused):
    """An answer with a status that means that the operation is already done, or that the thing doesn't exist."""


class Client:
    """The calls of one connected app. Every method raises the four ConnectorErrors and nothing else.

    `spec`: the checked file. `settings`: the values of its fields. `secrets`: the names of the secret fields.
    `authority`: the path of a certificate authority's file. `pause`: waits so many seconds.
    """

    def __init__(self, spec: dict, settings: Mapping[str, str], secrets: set[str], authority: str | None,
                 pause: Callable[[float], None] = time.sleep):  # fmt: skip
        self._spec, self._pause = spec, pause
        self.scope = dict(settings)
        self._secrets = [settings[name] for name in secrets if settings.get(name)]
        self._base = fill_base(spec["base_url"], anything(self.scope))
        self._headers = fill_texts(spec.get("headers", {}), anything(self.scope))
        self._make = partial(Http, secrets=self._secrets, headers=self._headers, verify=authority or True)
        self._auth = auth_of(spec.get("auth", {}), self.scope, self._caller)
        self._secrets += [value.split(" ", 1)[-1] for value in self._auth.headers.values()]
        self._http = self._make(self._base, auth=self._auth, on_error=self._own_error, says=self._error_words)
        self._was_so: Callable[[Answer], bool] = lambda answer: False
        limit = spec.get("rate_limit", {})
        self._pace = limit.get("seconds", 1) / limit["calls"] if "calls" in limit else 0.0
        self._next_turn = 0.0

    @property
    def host(self) -> str:
        return self._http.origin[1]

    def close(self) -> None:
        self._http.close()

    def _caller(self, base_url: str | None = None, **options: Any) -> Http:
        return self._make(base_url or self._base, **options)

    def read(self, call: dict, scope: Mapping[str, Any], absent: tuple[int, ...] = (), *,
             position: Mapping[str, Any] | None = None, in_body: bool = False,
             address: str = "") -> Answer:  # fmt: skip
        """One call that changes nothing. Raises WasSo for the statuses that mean that the thing doesn't exist.

        `position`: a pager's own parameters, put into the query or the body. `address`: a whole address, called in
        place of the path.
        """
        look = something({**self.scope, **scope}, self.scope.keys())  # a field of the app may be empty
        parts = self._filled({"path": "/", "headers": call.get("headers", {})} if address else call, "GET", look)
        if address:
            parts["path"] = address
        elif in_body:
            parts["json"] = deepcopy(parts.get("json", {}))
            for name, value in (position or {}).items():
                put(parts["json"], keys_of(name), value)
        elif position:
            parts["params"] = parts.get("params", {}) | {name: as_text(value) for name, value in position.items()}
        return self._ask(parts, partial(_is_one_of, call.get("gone"), absent), idempotent=True)

    def filled(self, call: dict, scope: Mapping[str, Any], optional: Container[str] = ()) -> dict[str, Any]:
        """The arguments of Http.call for an operation. Raises Refused for a missing value."""
        return self._filled(call, "POST", something({**self.scope, **scope}, optional))

    def operate(self, call: dict, parts: dict[str, Any], already: tuple[int, ...]) -> Answer | None:
        """One call of an operation, with these arguments of Http.call; None if it was already done.

        `already`: the statuses that mean this, unless the file names them. Raises Refused with the app's words.
        """
        conditions = call.get("already_when")

        def was_so(answer: Answer) -> bool:
            return _is_one_of(call.get("already"), already, answer) or bool(
                conditions and holds(_data(answer), conditions)
            )

        try:
            answer = self._ask(parts, was_so)
        except WasSo:
            return None
        except Forbidden as refusal:  # the credential could read a moment ago: the app refuses only this operation
            raise Refused(str(refusal)) from None
        wrong_status = "done" in call and answer.status not in call["done"]
        if wrong_status or not holds(_data(answer), call.get("done_when", {})):
            raise Refused(
                f"{answer.asked} answered {answer.status}: "
                f"{self._error_words(answer) or 'the file says that this is not a success'}."
            )
        return answer

    def _filled(self, call: dict, method: str, look: Look) -> dict[str, Any]:
        method = call.get("method", method)
        how = {"path": (fill_address, "path"), "query": (fill_texts, "params"), "headers": (fill_texts, "headers"),
               "body": (fill, "json"), "form": (fill_texts, "data")}  # fmt: skip
        parts: dict[str, Any] = {"method": method}
        for part, (fill_in, name) in how.items():
            try:
                if part in call:
                    parts[name] = fill_in(call[part], look)
            except Hole as hole:
                raise Refused(f"{method} {call['path']} was not sent: in its {part}, {hole}") from None
        return parts

    def shown(self, parts: dict[str, Any]) -> Sent:
        """The call as it would be sent, without secrets. Nothing is sent."""
        request = requests.Request("GET", f"{self._base}/{parts['path'].lstrip('/')}", params=parts.get("params"))
        address = TO_BE_KEPT.sub(r"{\1}", self._redact(request.prepare().url))
        auth = self._spec.get("auth", {})
        if "query" in auth:
            address += f"{'&' if '?' in address else '?'}{auth['query']['name']}={MASK}"
        headers = {name: self._redact(value) for name, value in {**self._headers, **parts.get("headers", {})}.items()}
        headers |= {name: MASK for name in self._auth.headers or _names_of_credential(auth)}
        body = parts.get("json", parts.get("data"))
        return Sent(parts["method"], address, headers, json.loads(self._redact(json.dumps(body, ensure_ascii=False))))

    def _redact(self, text: str) -> str:
        return self._http.redact(text)

    def _ask(self, parts: dict[str, Any], was_so: Callable[[Answer], bool], **more: Any) -> Answer:
        self._was_so = was_so
        return self._in_turn(partial(self._http.call, **parts, **more, may_be_empty=EVERYTHING))

    def _in_turn(self, send: Callable[[], Answer]) -> Answer:
        """Wait for a turn, then send: calls are spread evenly, and are no more than the file's rate_limit allows."""
        if self._pace:
            wait = self._next_turn - time.monotonic()
            if wait > 0:
                self._pause(wait)
            self._next_turn = time.monotonic() + self._pace
        return send()

    def _own_error(self, answer: Answer) -> ConnectorError | None:
        if self._was_so(answer):
            return WasSo(f"{answer.asked} answered {answer.status}.")
        errors, limit = self._spec.get("errors", {}), self._spec.get("rate_limit", {})
        data = _data(answer) if errors else None
        says = f"{answer.asked} answered {answer.status}: “{self._error_words(answer)}”."
        if answer.status in limit.get("statuses", ()) or self._means("too_many", data):
            return RateLimited(f"{says} {RATE_LIMITED}", self._wait(answer))
        if self._means("credential", data):
            return CredentialRejected(f"{says} The app rejects the credential.")
        if self._means("later", data):
            return TemporarilyUnavailable(says)
        if answer.status < 400 and self._means("when", data):
            return Refused(says)
        return None

    def _means(self, kind: str, data: Any) -> bool:
        conditions = self._spec.get("errors", {}).get(kind)
        return bool(conditions) and holds(data, conditions)

    def _wait(self, answer: Answer) -> float:
        wait_header = answer.headers.get(self._spec.get("rate_limit", {}).get("wait_header", ""), "").strip()
        if wait_header.isascii() and wait_header.isdigit() and len(wait_header) < 6:
            return float(wait_header)
        wait = seconds_to_wait(answer)
        return UNKNOWN_WAIT if wait is None else wait

    def _error_words(self, answer: Answer) -> str:
        """The app's own words about an error, from the place that the file names or from the usual ones."""
        path = self._spec.get("errors", {}).get("says")
        found = find(_data(answer), keys_of(path)) if path else None
        return clean(found) or (words(answer) if answer.status >= 400 else "")


def _names_of_credential(auth: dict) -> list[str]:
    """The names of the headers that hold a credential."""
    return [auth["login"].get("send", LOGIN_HEADER)["name"]] if "login" in auth else ["Authorization"] if auth else []


def _is_one_of(stated: list[int] | None, usual: tuple[int, ...], answer: Answer) -> bool:
    """Whether the answer has one of the statuses that the file states, or else one of the usual ones. A web page counts
    only if the file states its status."""
    if stated is not None:
        return answer.status in stated
    return answer.status in usual and not answer.is_page


def _data(answer: Answer) -> Any:
    """The JSON of the answer; None if it isn't JSON."""
    try:
        return answer.json() if answer.body else None
    except TemporarilyUnavailable:
        return None
