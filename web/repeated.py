"""A form that was sent twice, as by a double click without scripts: the second request gets the answer of the first.
Each page gives its forms an id: only the same form of the same page with the same values counts as sent twice."""

from __future__ import annotations

import hashlib
import secrets
import threading

from flask import Flask, Response, flash, g, make_response, request, session

from sync import faults
from sync.sign_in import given_answers
from web.security import MESSAGES, current_session

FIELD = "form_id"
OF_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
LONGEST = 1_000_000  # characters of a page that is kept
WAITS = 30  # seconds, for a first request that is still being answered
AT_ONCE = 2  # requests of a process that may wait so: threads are left for pages (cli/pages.py)

_under_way: dict[str, threading.Event] = {}  # by the hash of the request that came first
_lock = threading.Lock()
_may_wait = threading.BoundedSemaphore(AT_ONCE)


def install(app: Flask) -> None:
    """Register this before the check of the CSRF token: a sign-in renews that. An answer that is given again shows
    nothing to another site, and nothing is done for it."""
    app.jinja_env.globals.update(form_id=form_id)
    app.before_request(answer_again)
    app.after_request(keep)
    app.teardown_request(end)


def form_id() -> str:
    """Of all forms of the page that is being made."""
    if FIELD not in g:
        setattr(g, FIELD, secrets.token_urlsafe(12))
    return getattr(g, FIELD)


def answer_again() -> Response | None:
    """The answer that this request got a moment ago, or gets now. With scripts, a form is sent once (rollcall.js)."""
    if request.htmx or request.mimetype not in OF_FORMS or FIELD not in request.form:
        return None
    asked = _hash_of_request()
    _wait_for_first(asked)
    browser = current_session()
    given = given_answers.of(browser, asked) if browser else None
    if given is None:
        g.asked, g.messages_before = asked, len(session.get(MESSAGES, ()))
        return None
    for tone, message in given["messages"]:
        flash(message, tone)
    answer = make_response(given["page"], given["status"])
    if given["address"]:
        answer.headers["Location"] = given["address"]
    return answer


def keep(answer: Response) -> Response:
    """A refusal isn't kept: the same request may be possible now."""
    asked = g.pop("asked", None)
    if asked is None or answer.status_code not in (200, 303) or answer.is_streamed or answer.mimetype != "text/html":
        return answer
    page = answer.get_data(as_text=True)
    if len(page) <= LONGEST and current_session():
        given = {"status": answer.status_code, "address": answer.location, "page": page,
                 "messages": session.get(MESSAGES, [])[g.messages_before:]}  # fmt: skip
        with faults.tolerated():
            given_answers.keep(current_session(), asked, given)
    return answer


def end(_problem: BaseException | None = None) -> None:
    if asked := g.pop("under_way", None):
        _under_way.pop(asked).set()


def _wait_for_first(asked: str) -> None:
    """Until a request of the same process that came first has its answer. Between processes, each does its work."""
    with _lock:
        first = _under_way.setdefault(asked, mine := threading.Event())
    if first is mine:
        g.under_way = asked
    elif _may_wait.acquire(blocking=False):
        try:
            first.wait(WAITS)
        finally:
            _may_wait.release()


def _hash_of_request() -> str:
    """Of its address and all of its values, the contents of its files included."""
    files = []
    for name, file in request.files.items(multi=True):
        files.append((name, file.filename, hashlib.file_digest(file.stream, "sha256").hexdigest()))
        file.stream.seek(0)
    sent = (request.method, request.full_path, list(request.form.items(multi=True)), files)
    return hashlib.sha256(repr(sent).encode()).hexdigest()
