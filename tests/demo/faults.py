"""Makes a sample app misbehave, from the outside: a WSGI layer around it that spoils chosen answers of its API.
The sample apps don't know it; only tests wrap them in it."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from werkzeug.wrappers import Request, Response

CONTROL = "/_test/"
LISTS = ("members", "channels", "data")
HANG_AT_MOST = 120  # seconds


@dataclass
class Fault:
    """What goes wrong, and for which calls: those whose path holds `on`, by `method` if given,
    after the first `after` of them, and then `times` times (None: until it is cleared)."""

    name: str
    on: str = ""
    method: str = ""
    after: int = 0
    times: int | None = None
    seconds: float = 0  # slow: how long; rate-limit: Retry-After
    by: int = 1  # wrong-total: how much it is off
    fields: tuple[str, ...] = ()  # lost-fields: the fields that no row has,
    empty: bool = False  # or has empty,
    but: tuple[str, ...] = ()  # but those with these ids
    seen: int = 0
    first_row: dict | None = None
    first_page: list | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def strikes(self, method: str, path: str) -> bool:
        if self.on not in path or self.method not in ("", method):
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


class Faults:
    """Which faults are switched on. For use from any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self._on: list[Fault] = []
        self.were_set = False  # at any time
        self.calls: deque[str] = deque(maxlen=20_000)  # "DELETE /api/v1/members/U000004"

    def set(self, name: str, **options) -> None:
        """Switch on a fault: a name from BEFORE or AFTER; options as in Fault."""
        if name not in BEFORE and name not in AFTER:
            raise ValueError(f"There is no fault {name!r}: it is one of {', '.join([*BEFORE, *AFTER])}.")
        with self._lock:
            self.were_set = True
            self._on.append(Fault(name, **options))

    def clear(self) -> None:
        """Everything works again, and hanging requests continue."""
        with self._lock:
            for fault in self._on:
                fault.over.set()
            self._on.clear()

    def striking(self, method: str, path: str) -> list[Fault]:
        with self._lock:
            self.calls.append(f"{method} {path}")
            return [fault for fault in self._on if fault.strikes(method, path)]


class FaultyApp:
    """A WSGI application around another one; what is under `api` may be spoiled, pages never are.

    `remote` adds addresses under /_test/ by which another process switches faults.
    """

    def __init__(self, application: Callable, api: str, faults: Faults, remote: bool = False):
        self._application, self._api, self._faults, self._remote = application, api, faults, remote

    def __call__(self, environ: dict, start_response: Callable):
        request = Request(environ)
        if self._remote and request.path.startswith(CONTROL):
            return self._control(request)(environ, start_response)
        if not request.path.startswith(self._api):
            return self._application(environ, start_response)
        faults = self._faults.striking(request.method, request.path)
        for fault in faults:
            if fault.name in BEFORE and (answer := BEFORE[fault.name](fault)):
                return answer(environ, start_response)
        answer = Response.from_app(self._application, environ, buffered=True)
        for fault in faults:
            if fault.name in AFTER:
                answer = AFTER[fault.name](fault, answer)
        return answer(environ, start_response)

    def _control(self, request: Request) -> Response:
        if request.path == CONTROL + "calls":
            return _json(200, list(self._faults.calls))
        if request.method == "POST":
            self._faults.set(**json.loads(request.data))
        elif request.method == "DELETE":
            self._faults.clear()
        return _json(200, {})


def _json(status: int, value: object, **headers: str) -> Response:
    return Response(json.dumps(value), status, headers, content_type="application/json")


def _error(status: int, code: str, message: str, **headers: str) -> Response:
    return _json(status, {"error": {"code": code, "message": message}}, **headers)


def _hang(fault: Fault) -> Response:
    fault.over.wait(HANG_AT_MOST)
    return _error(503, "gone", "It hung and was let go.")


def _slow(fault: Fault) -> None:
    fault.over.wait(fault.seconds)


BEFORE: dict[str, Callable[[Fault], Response | None]] = {
    "server-error": lambda fault: _error(500, "internal", "Something broke on our side."),
    "hang": _hang,
    "slow": _slow,
    "expired-token": lambda fault: _error(401, "token_expired", "The access token has expired."),
    "forbidden": lambda fault: _error(403, "forbidden", "Your plan does not allow this."),
    "rate-limit": lambda fault: Response(
        json.dumps({"error": {"code": "rate_limited", "message": "Slow down."}}),
        429,
        {"Retry-After": f"{fault.seconds:g}"},
        content_type="application/json",
    ),
    "ignored": lambda fault: Response(status=204),  # it reports success and does nothing
    "web-page": lambda fault: Response("<!doctype html><title>Sign in</title>", 200, content_type="text/html"),
}


def _done_then_error(fault: Fault, answer: Response) -> Response:
    return _error(502, "bad_gateway", "It was done, but the answer was lost.")


def _cut_off(fault: Fault, answer: Response) -> Callable:
    whole = answer.get_data()

    def cut(environ: dict, start_response: Callable):
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(whole)))])
        return [whole[: len(whole) // 2]]

    return cut


def _with_list(change: Callable[[Fault, dict, list], list | None]) -> Callable[[Fault, Response], Response]:
    """A fault that changes a list in an answer; `change` gets the answer and its rows, and gives the new rows."""

    def spoil(fault: Fault, answer: Response) -> Response:
        body = answer.get_json(silent=True)
        name = next((name for name in LISTS if isinstance(body, dict) and isinstance(body.get(name), list)), None)
        if name is None:
            return answer
        body[name] = change(fault, body, body[name])
        return _json(answer.status_code, body)

    return spoil


def _wrong_total(fault: Fault, body: dict, rows: list) -> list:
    where = body.get("paging", body)
    where["total"] += fault.by
    return rows


def _repeated(fault: Fault, body: dict, rows: list) -> list:
    """The list's first row is where another one should be: the one is there twice, the other not at all."""
    fault.first_row = fault.first_row or (rows[0] if rows else None)
    return [*rows[:-1], fault.first_row] if len(rows) > 1 or rows and rows[0] != fault.first_row else rows


def _short(fault: Fault, body: dict, rows: list) -> list:
    return rows[:-1]


def _first_page_only(fault: Fault, body: dict, rows: list) -> list:
    """The first page as if there were no more, the total with it: no reader of the list can notice."""
    if "paging" not in body:
        body["total"], body["next_cursor"] = len(rows), ""
        return rows
    limit, total = body["paging"]["limit"], body["paging"]["total"]
    body["paging"]["total"] = min(limit, total)
    return [] if body["paging"]["offset"] else rows


def _first_page_for_ever(fault: Fault, body: dict, rows: list) -> list:
    """The first page, whichever is asked for, as if it were the whole list: the total agrees with it."""
    fault.first_page = rows if fault.first_page is None else fault.first_page
    body.get("paging", body)["total"] = len(fault.first_page)
    return fault.first_page


def _without_fields(fault: Fault, answer: Response) -> Response:
    """What a credential that lost a permission gets: the same list, and the same people, with fewer fields."""
    body = answer.get_json(silent=True)
    if not isinstance(body, dict):
        return answer
    name = next((name for name in LISTS if isinstance(body.get(name), list)), None)
    for row in body[name] if name else [body]:
        if isinstance(row, dict) and row.get("id") not in fault.but:
            for field_ in fault.fields:
                row.pop(field_, None)
                if fault.empty:
                    row[field_] = None
    return _json(answer.status_code, body)


def _empty(fault: Fault, body: dict, rows: list) -> list:
    body.get("paging", body)["total"] = 0
    if "next_cursor" in body:
        body["next_cursor"] = ""
    return []


AFTER: dict[str, Callable] = {
    "done-then-error": _done_then_error,
    "cut-off": _cut_off,
    "wrong-total": _with_list(_wrong_total),
    "repeated-account": _with_list(_repeated),
    "short-page": _with_list(_short),
    "first-page-only": _with_list(_first_page_only),
    "first-page-for-ever": _with_list(_first_page_for_ever),
    "empty-list": _with_list(_empty),
    "lost-fields": _without_fields,
}
