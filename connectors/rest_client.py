"""Makes the calls that a YAML file describes: fills them in, keeps the pace, renews the token, reads the app's errors.
What is in an answer is for rest_lists.py and rest.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.http import Answer, Forbidden, Http, clean, seconds_to_wait, words
from connectors.rest_auth import auth_of
from connectors.rest_template import fill, fill_address, fill_base, fill_texts, find, keys_of
from connectors.rest_values import holds

UNKNOWN_WAIT = 60  # seconds
ABSENT = (404, 410)


class WasSo(Refused):
    """An answer that the file counts as done already, or as there being no such thing."""


class Client:
    """The calls of one connected app; every method raises the four ConnectorErrors and nothing else.

    `spec`: the checked file. `settings`: what its fields were given; `secrets`: the names of the secret ones.
    """

    def __init__(self, spec: dict, settings: Mapping[str, str], secrets: set[str], authority: str | None,
                 pause: Callable[[float], None] = time.sleep):  # fmt: skip
        self._spec, self._pause = spec, pause
        self.scope = dict(settings)
        self._secrets = [settings[name] for name in secrets if settings.get(name)]
        self._base = fill_base(spec["base_url"], self.scope)
        self._headers = fill_texts(spec.get("headers", {}), self.scope)
        self._make = partial(Http, secrets=self._secrets, headers=self._headers, verify=authority or True)
        self._auth = auth_of(spec.get("auth", {}), self.scope, self._caller)
        self._secrets += [value.split(" ", 1)[-1] for value in self._auth.headers.values()]
        self._http = self._make(self._base, auth=self._auth, on_error=self._own_error, says=self._said)
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

    def read(self, call: dict, scope: Mapping[str, Any], absent: tuple[int, ...] = (), **places: Any) -> Answer:
        """One call that changes nothing. Raises WasSo for the statuses that mean that there is no such thing.

        `places`: query and body, where a pager has put its own values in; address: instead of path, as it is.
        """
        return self._ask(call, scope, partial(_is_one_of, call.get("gone"), absent), reads=True, **places)

    def act(self, call: dict, scope: Mapping[str, Any], already: tuple[int, ...]) -> Answer | None:
        """One call that changes something; None when it was so before. Raises Refused with the app's words."""
        conditions = call.get("already_when")

        def was_so(answer: Answer) -> bool:
            return _is_one_of(call.get("already"), already, answer) or bool(
                conditions and holds(_data(answer), conditions)
            )

        try:
            answer = self._ask(call, scope, was_so, reads=False)
        except WasSo:
            return None
        except Forbidden as refusal:  # the credential could read a moment ago: the app means this very act
            raise Refused(str(refusal)) from None
        wrong_status = "done" in call and answer.status not in call["done"]
        if wrong_status or not holds(_data(answer), call.get("done_when", {})):
            raise Refused(
                f"{answer.asked} answered {answer.status}: {self._said(answer) or 'not what counts as done'}."
            )
        return answer

    def _ask(self, call: dict, scope: Mapping[str, Any], was_so: Callable[[Answer], bool], *, reads: bool,
             query: dict | None = None, body: Any = None, address: str | None = None) -> Answer:  # fmt: skip
        send = partial(
            self._http.call,
            call.get("method", "GET" if reads else "POST") if address is None else "GET",
            address or fill_address(call["path"], scope),
            params=query
            if query is not None
            else fill_texts(call.get("query", {}), scope)
            if address is None
            else None,
            headers=fill_texts(call.get("headers", {}), scope),
            json=body
            if body is not None
            else fill(call["body"], scope)
            if "body" in call and address is None
            else None,
            data=fill_texts(call["form"], scope) if "form" in call and address is None else None,
            idempotent=True if reads else None,
        )
        self._was_so = was_so
        return self._in_turn(send)

    def _in_turn(self, send: Callable[[], Answer]) -> Answer:
        """Not more calls than the file's rate_limit allows, spread evenly."""
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
        says = f"{answer.asked} answered {answer.status}: “{self._said(answer)}”."
        if answer.status in limit.get("statuses", ()) or self._means("too_many", data):
            return RateLimited(f"{says} Too many calls; going on later.", self._wait(answer))
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
        told = answer.headers.get(self._spec.get("rate_limit", {}).get("wait_header", ""), "").strip()
        if told.isascii() and told.isdigit() and len(told) < 6:
            return float(told)
        wait = seconds_to_wait(answer)
        return UNKNOWN_WAIT if wait is None else wait

    def _said(self, answer: Answer) -> str:
        """The app's own words, where the file says that they are or where apps usually have them."""
        path = self._spec.get("errors", {}).get("says")
        found = find(_data(answer), keys_of(path)) if path else None
        return clean(found) or (words(answer) if answer.status >= 400 else "")


def _is_one_of(stated: list[int] | None, usual: tuple[int, ...], answer: Answer) -> bool:
    """A web page is taken for the app's own word only where the file states the status."""
    if stated is not None:
        return answer.status in stated
    return answer.status in usual and not answer.is_page


def _data(answer: Answer) -> Any:
    """The JSON of the answer; None for anything else."""
    try:
        return answer.json() if answer.body else None
    except TemporarilyUnavailable:
        return None
