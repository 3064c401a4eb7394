"""Shared by the sample apps' web servers: permissions, refusals, and the protection of forms.
Each app adds its own routes. No app's rule belongs here."""

from __future__ import annotations

import hmac

from flask import Flask, Response, abort, jsonify, redirect, request
from werkzeug.exceptions import HTTPException

from demo.store import Refusal, Store

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


def new_app(name: str, api: str = "/api/") -> Flask:
    """A Flask app whose paths under `api` return JSON, and whose other paths are pages."""
    app = Flask(name, root_path=__file__.rpartition("/")[0])
    app.config.update(MAX_CONTENT_LENGTH=100_000, MAX_FORM_MEMORY_SIZE=100_000)
    app.json.sort_keys = False

    @app.before_request
    def only_from_this_machine():
        host = request.host.rpartition(":")[0] if request.host[-1:].isdigit() and ":" in request.host else request.host
        if host not in LOOPBACK:
            abort(421, "This sample is available only on this machine.")

    @app.after_request
    def careful_headers(answer: Response):
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "same-origin"
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @app.errorhandler(Refusal)
    def say_no(no: Refusal):
        if request.path.startswith(api):
            return _error(no.status, no.code, no.message)
        return redirect(f"/?no={no.code}", 303)

    @app.errorhandler(HTTPException)
    def http_error(problem: HTTPException):
        if request.path.startswith(api):
            return _error(problem.code, problem.name.lower().replace(" ", "_"), problem.description)
        return problem

    return app


def _error(status: int, code: str, message: str) -> Response:
    answer = jsonify(error={"code": code, "message": message})
    answer.status_code = status
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def caller(store: Store) -> bool:
    """True if the bearer token may change things, False if it may only read. Refusal 401 without a known token."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = token.strip().encode()
    if scheme.lower() == "bearer":
        if hmac.compare_digest(given, store.token.encode()):
            return True
        if hmac.compare_digest(given, store.reading_token.encode()):
            return False
    raise Refusal(401, "invalid_token", "The access token is missing, wrong or has been revoked.")


def check_token(store: Store) -> None:
    """For `before_request` of an API: any known token may read, and only the full one may change things."""
    if not caller(store) and request.method != "GET":
        raise Refusal(403, "missing_scope", "This access token may only read. Use the full token to change things.")


def check_form(form_key: str) -> None:
    """For `before_request` of a page: a form must contain the key that only this app's own page has."""
    if request.method == "POST":
        key = request.form.get("key", "")
        if not hmac.compare_digest(key.encode(), form_key.encode()):
            abort(400, "This form is out of date. Go back, load the page again and repeat what you did.")


def problem(reasons: dict[str, str]) -> str:
    """Why the last form was refused, to show on the page again; "" if it wasn't."""
    code = request.args.get("no")
    return reasons.get(code, "That wasn't possible, and nothing was changed.") if code else ""


def body() -> dict:
    """The JSON object in the request. Refusal 400 if the body isn't one."""
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise Refusal(400, "invalid_json", "The request's body must be a JSON object.")
    return sent


def text(values: dict, name: str) -> str:
    """A required text of 1 to 200 characters. Refusal 400 otherwise."""
    value = values.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise Refusal(400, f"invalid_{name}", f"“{name}” must be text of 1 to 200 characters.")
    return value.strip()


def number(name: str, default: int, least: int, most: int) -> int:
    """A number from the query, at most `most`: larger ones are lowered silently, as many servers do. Refusal 400
    if it isn't a number."""
    given = request.args.get(name, str(default))
    if not given.isascii() or not given.isdigit() or len(given) > 12 or int(given) < least:
        raise Refusal(400, f"invalid_{name}", f"“{name}” must be a number of at least {least}.")
    return min(int(given), most)
