"""What protects each request: the session, CSRF tokens, the security headers, the connection.
Permissions are in web/permissions.py."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

from flask import Flask, Response, abort, current_app, g, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect

from sync import vault
from sync.config import Config
from sync.db import connected
from sync.models import Person, Session
from sync.once import remembering
from sync.rank import Asker
from sync.sign_in import sessions
from sync.sign_in.sessions import Way
from sync.states import WorkspaceRole
from web import browsers, known_browser

csrf = CSRFProtect()

FINDS_PEOPLE = tuple(role for role in WorkspaceRole if role != WorkspaceRole.GUEST)
LONGEST_QUERY = 16_000  # characters: pages repeat it in their links, so that a long one makes a page of megabytes
MESSAGES = "_flashes"  # in the session: Flask's name for what flash() was given
WAITS = "waiting sign-in"  # in the session: the WaitingSignIn that began in this browser

# Only our own files are loaded, no inline code runs, and no other site can frame us. htmx's indicator style is off.
CONTENT_SECURITY_POLICY = "; ".join([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
])


HSTS_SECONDS = 365 * 24 * 3600  # only for this host: what else its domain serves is not ours to decide


class PageSessions(SecureCookieSessionInterface):
    """The cookie is renewed by pages, never by files, which a browser shares and keeps."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        return request.endpoint != "static" and super().should_set_cookie(app, session)

    def get_cookie_path(self, app: Flask) -> str:
        """Our own path only: other programs on the same host don't get the session."""
        return "/" if self.get_cookie_name(app).startswith("__Host-") else request.script_root or "/"


def install(app: Flask, config: Config) -> None:
    secure = config.url.startswith("https://")
    app.config.update(
        SECRET_KEY=vault.derive("session"),
        SESSION_COOKIE_NAME=_cookie_name(secure, config.prefix),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page that was left open over lunch still works
        MAX_CONTENT_LENGTH=32_000_000,  # a CSV file of a directory
        MAX_FORM_MEMORY_SIZE=5_000_000,
        MAX_FORM_PARTS=50_000,  # a report with as many rows
    )
    app.session_interface = PageSessions()
    app.before_request(refuse_long_query)
    app.before_request(open_connection)
    app.teardown_request(close_connection)
    known_browser.install(app)
    app.after_request(add_headers)


def _cookie_name(secure: bool, prefix: str) -> str:
    """By its name a browser keeps others from setting it: __Host- needs the path / (RFC 6265bis 4.1.3)."""
    return ("__Secure-rollcall" if prefix else "__Host-rollcall") if secure else "rollcall"


def refuse_long_query() -> None:
    if len(request.query_string) > LONGEST_QUERY:
        abort(414)


def open_connection() -> None:
    """One connection to the database for the length of the request, which asks for the same thing once."""
    if request.endpoint != "static":
        g.connection = ExitStack()
        g.connection.enter_context(connected())
        g.connection.enter_context(remembering())


def close_connection(_problem: BaseException | None = None) -> None:
    connection = g.pop("connection", None)
    if connection is not None:
        connection.close()


def signed_in_person() -> Person | None:
    """Who sits at this browser; asked once a request."""
    if "person" not in g:
        current = current_session()
        g.person = current.person if current else None
    return g.person


def current_session() -> Session | None:
    """The session that this browser uses; asked once a request."""
    if "session" not in g:
        token = session.get("token")
        g.session = sessions.session_of(token) if token else None
    return g.session


def may_look_for_people() -> bool:
    """A guest is from elsewhere: nobody is suggested to them. Whose address they know, they can type."""
    return signed_in_person().workspace_role in FINDS_PEOPLE


def by() -> Asker:
    """The person at this browser as the asker, with their rank now."""
    return Asker.person(signed_in_person())


def sign_in(person: Person, way: Way) -> None:
    """Start a fresh session. Nothing is kept from the earlier one, except a sign-in that waits for confirmation and
    messages that no page has shown yet."""
    kept = {name: session[name] for name in (WAITS, MESSAGES) if name in session}
    session.clear()
    session.permanent = True
    session.update(kept)
    session["token"] = sessions.start_session(
        person, way, source=source(), browser=browsers.in_words(request.user_agent.string))
    g.pop("session", None)
    g.person = person
    known_browser.remember(person)


def sign_in_again() -> None:
    """A fresh session in place of this browser's, which a new password has ended: begun the same way."""
    before = current_session()
    sign_in(before.person, Way(before.method, before.second_factor, before.provider, "after a new password"))


def source() -> str:
    """The network address that the request comes from."""
    return request.remote_addr or ""


def sign_out() -> bytes | None:
    """End the session. Returns what it kept of the provider that began it."""
    token = session.get("token")
    kept = sessions.end_session(token) if token else None
    session.clear()
    g.person = g.session = None
    return kept


def add_headers(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    answer.headers["X-Frame-Options"] = "DENY"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if current_app.config["SESSION_COOKIE_SECURE"]:
        answer.headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
    if request.endpoint != "static":
        answer.headers["Cache-Control"] = "no-store"
        answer.vary.add("HX-Request")
        answer.vary.add("Cookie")
    return answer
