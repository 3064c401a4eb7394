"""A fake app behind real HTTP that accepts only what the app's own description declares, and misbehaves on demand.
contract.py explains how a connector's author uses it; apps/test_asana.py is an example to copy."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from connectors.effects import Reach
from tests.connectors.fake_server import Reply, Server


@dataclass(frozen=True)
class Fact:
    """One call that the app's description declares, and the fake's method that answers it."""

    method: str
    path: str  # "/users/{id}", below the fake's base_path
    answer: str  # name of a method: takes the Request, returns a Reply, or what becomes its JSON body
    params: tuple[str, ...] = ()  # every query parameter that is declared
    fields: tuple[str, ...] = ()  # every top-level field of the JSON or form body that is declared
    required: tuple[str, ...] = ()  # of both, those that must be there

    @cached_property
    def _pattern(self) -> re.Pattern:
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))

    def match(self, method: str, path: str) -> dict[str, str] | None:
        found = self._pattern.fullmatch(path) if method == self.method else None
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None

    def objections(self, request: Request) -> list[str]:
        bodies = request.body if isinstance(request.body, list) else [request.body]
        given = {name for body in bodies if isinstance(body, Mapping) for name in body}
        missing = [name for name in self.required if name not in given and name not in request.params]
        return (
            [f"parameter “{name}” is not declared" for name in request.params if name not in self.params]
            + [f"field “{name}” is not declared" for name in sorted(given) if name not in self.fields]
            + [f"“{name}” is missing" for name in missing]
        )


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # below base_path, without the query
    params: dict[str, str]  # the first value of each; all of them in `query`
    query: dict[str, list[str]]
    headers: Mapping[str, str]  # names in lower case
    body: Any  # JSON or form fields; None without a body
    ids: dict[str, str] = field(default_factory=dict)  # the values of the path's {…}

    def number(self, name: str, default: int) -> int:
        return int(self.params.get(name, default))


@dataclass
class Seat:
    """One account in the fake app, whatever the app calls it."""

    id: str
    email: str = ""
    name: str = ""
    status: str = "active"  # active, invited, suspended
    role: str = ""
    further_roles: tuple[str, ...] = ()


@dataclass
class Thing:
    """One asset in the fake app; `members` is account id → role on it."""

    id: str
    name: str = ""
    kind: str = ""
    members: dict[str, str] = field(default_factory=dict)


@dataclass
class _Fault:
    on: str  # name of the Fact's answer; "" for every call
    skip: int
    times: int
    bend: Callable[[Reply], Reply] | None
    do: Callable[[], None] | None
    acts: bool


class Shown(Sequence):
    """Rows as an app shows them: of a list, only those of the page that is sent are made."""

    def __init__(self, show: Callable[[Any], dict], rows: Sequence):
        self._show, self._rows = show, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int | slice) -> Any:
        found = self._rows[place]
        return [self._show(row) for row in found] if isinstance(place, slice) else self._show(found)


class FakeApp:
    """Subclass it: `facts`, one method for each `answer`, and what the app's errors look like."""

    sends_etags = False
    facts: tuple[Fact, ...] = ()
    base_path = ""
    content_type = "application/json"
    token = "s3cret-7f1c0b52e9"  # overwritten where the app's tokens have a form
    account_list = ""  # the `answer` of the call that lists accounts
    reads: tuple[str, ...] = ()  # the `answer` of each call that changes nothing, though it isn't a GET
    reaches: Mapping[Reach, tuple[str, ...]] = {}  # how far each other call reaches, by its `answer`

    def __init_subclass__(cls) -> None:
        taken = [fact.answer for fact in cls.facts if hasattr(FakeApp, fact.answer)]
        assert not taken, f"FakeApp itself has a {taken}: give the answer another name"

    def __init__(self):
        self.seats: list[Seat] = []
        self.things: list[Thing] = []
        self.shown: list[Seat] | None = None  # what the list shows instead of `seats`, for a list that lies
        self.lie = 0  # added to the total that the app reports
        self.most = 1_000_000  # rows on a page, where that is less than was asked for
        self.first_page_for_ever = False  # account_list answers each later call as it did the first
        self._first_page: Reply | None = None
        self.requests: list[Request] = []  # every one that came
        self.violations: list[str] = []
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._server: Server | None = None

    # What a subclass may override

    def is_authorised(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.token}"

    def unauthorised(self) -> Reply:
        return self.error(401, "The token is not valid.")

    def error(self, status: int, words: str) -> Reply:
        return Reply(status, {"message": words})

    # What answers use

    @property
    def listed(self) -> list[Seat]:
        return self.seats if self.shown is None else self.shown

    @property
    def total(self) -> int:
        return len(self.listed) + self.lie

    def seat(self, id: str) -> Seat | None:
        return next((seat for seat in self.seats if seat.id == id), None)

    def thing(self, id: str) -> Thing | None:
        return next((thing for thing in self.things if thing.id == id), None)

    # What tests use

    def fail(
        self, bend: Callable[[Reply], Reply] | Reply, *, on: str = "", skip: int = 0, times: int = 1, acts: bool = False
    ) -> None:
        """Answer `times` calls differently, after `skip` good ones; `acts`: the call still has its effect."""
        self._faults.append(_Fault(on, skip, times, bend if callable(bend) else lambda _: bend, None, acts))

    def when(self, do: Callable[[], None], *, on: str = "", skip: int = 0) -> None:
        """Do something right before a call is answered, after `skip` others."""
        self._faults.append(_Fault(on, skip, 1, None, do, True))

    def behave(self) -> None:
        """From now on every call is answered as it should be."""
        self._faults.clear()

    def asked(self, answer: str) -> list[Request]:
        """The requests that came for one of the facts."""
        return [request for request in self.requests if (found := self._fact(request)) and found[0].answer == answer]

    def reach_of(self, request: Request) -> Reach | None:
        """How far a call that was made reaches; None for one that only reads."""
        found = self._fact(request)
        if request.method == "GET" or found is None or found[0].answer in self.reads:
            return None
        return self.reach_of_answer(found[0].answer)

    def reach_of_answer(self, answer: str) -> Reach:
        [reach] = [reach for reach, answers in self.reaches.items() if answer in answers] or [None]
        assert reach, f"{type(self).__name__}: say in `reaches` or `reads` how far “{answer}” reaches"
        return reach

    def start(self) -> None:
        self._server = Server(self._reply_to, self.content_type)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}{self.base_path}"

    def stop(self) -> None:
        """Raises AssertionError when something undeclared was asked for."""
        self._server.stop()
        assert not self.violations, "the app's description does not declare this:\n" + "\n".join(self.violations)

    # How a request is answered

    def _reply_to(self, method: str, target: str, headers: dict[str, str], raw: bytes) -> Reply:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        path = parts.path
        path = path.removeprefix(self.base_path) if path.startswith(self.base_path) else f"(outside){path}"
        first = {name: values[0] for name, values in query.items()}
        return self.handle(Request(method, path, first, query, headers, _body(headers, raw)))

    def handle(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            found = self._fact(request)
            if not found:
                return self._violation(f"{request.method} {request.path}: no such call")
            fact, ids = found
            request = replace(request, ids=ids)
            if objections := fact.objections(request):
                return self._violation(f"{request.method} {fact.path}: {'; '.join(objections)}")
            try:
                reply = self._answer(fact, request)
            except Exception:
                return self._violation(f"the fake itself failed:\n{traceback.format_exc()}")
            return self._unless_known(request, reply) if self.sends_etags else reply

    def _unless_known(self, request: Request, reply: Reply) -> Reply:
        """With an ETag of the body alone, and 304 without any other header for a client that has that body."""
        if request.method != "GET" or reply.status != 200:
            return reply
        etag = f'"{hashlib.sha256(json.dumps(reply.body, default=str).encode()).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == etag:
            return Reply(304)
        return replace(reply, headers={**reply.headers, "ETag": etag})

    def _fact(self, request: Request) -> tuple[Fact, dict[str, str]] | None:
        matches = ((fact, fact.match(request.method, request.path)) for fact in self.facts)
        return next(((fact, ids) for fact, ids in matches if ids is not None), None)

    def _violation(self, text: str) -> Reply:
        self.violations.append(text)
        return Reply(418, {"message": text})

    def _answer(self, fact: Fact, request: Request) -> Reply:
        due = [fault for fault in self._faults if self._is_due(fault, fact)]
        for fault in due:
            if fault.do:
                fault.do()
        bends = [fault for fault in due if fault.bend]
        if bends and not bends[0].acts:
            return bends[0].bend(Reply(200, {}))
        reply = getattr(self, fact.answer)(request) if self.is_authorised(request) else self.unauthorised()
        reply = reply if isinstance(reply, Reply) else Reply(200, reply)
        if self.first_page_for_ever and fact.answer == self.account_list:
            reply = self._first_page = self._first_page or reply
        return bends[0].bend(reply) if bends else reply

    @staticmethod
    def _is_due(fault: _Fault, fact: Fact) -> bool:
        if fault.on not in ("", fact.answer) or fault.times == 0:
            return False
        if fault.skip:
            fault.skip -= 1
            return False
        fault.times -= 1
        return True


FOREVER = -1  # for fail(times=…)
WEB_PAGE = Reply(200, "<!doctype html><html><body>Please sign in</body></html>", {"Content-Type": "text/html"})
DROPPED = Reply(drop=True)


def cut_off(reply: Reply) -> Reply:
    """A bend for fail(…, acts=True): the connection breaks in the middle of the answer."""
    return replace(reply, cut=True)


def _body(headers: Mapping[str, str], raw: bytes) -> Any:
    """The fields of a form, or JSON."""
    if not raw:
        return None
    if "form-urlencoded" in headers.get("content-type", ""):
        return {name: values[0] for name, values in parse_qs(raw.decode(), keep_blank_values=True).items()}
    return json.loads(raw)
