"""A real SMTP server for tests: plain, with STARTTLS or TLS, with sign-in; keeps what it was given.
`answers` makes it refuse: the next recipients get these replies before it takes mail again."""

from __future__ import annotations

import email
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.parts import free_port, need

USER, PASSWORD = "rollcall@acme.example", "p@ss:w/rd#1"


class SmtpServer:
    """`messages` are the e-mails received so far, `recipients` their addresses; `wait_for(count)` waits for so many."""

    def __init__(
        self, security: str = "none", sign_in: bool = False, folder: Path | None = None, smtputf8: bool = False
    ):
        self.security, self.sign_in, self.smtputf8 = security, sign_in, smtputf8
        self.recipients: list[str] = []
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self.answers: deque[str] = deque()
        self.with_starttls: list[bool] = []
        self._arrived = threading.Condition()
        self._controller = None
        self.ca: Path | None = None
        if security != "none":
            self.ca = folder / "ca.pem"
            self._context = self._certificate()

    @property
    def url(self) -> str:
        """What ROLLCALL_SMTP_URL is for this server."""
        scheme = {"none": "smtp", "starttls": "smtp+starttls", "tls": "smtps"}[self.security]
        signed_in = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@" if self.sign_in else ""
        ca = f"?ca={quote(str(self.ca))}" if self.ca else ""
        return f"{scheme}://{signed_in}127.0.0.1:{self.port}{ca}"

    def start(self) -> None:
        from aiosmtpd.controller import Controller

        options = {"hostname": "127.0.0.1", "port": self.port, "enable_SMTPUTF8": self.smtputf8}
        if self.sign_in:
            options |= {"auth_required": True, "authenticator": self._authenticate,
                        "auth_require_tls": self.security != "none"}
        if self.security == "starttls":
            options |= {"tls_context": self._context, "require_starttls": True}
        if self.security == "tls":
            options |= {"ssl_context": self._context}
        self._controller = Controller(self, **options)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def wait_for(self, count: int, timeout: float = 60) -> list[EmailMessage]:
        """The messages, once there are at least `count` of them."""
        return self.wait_until(lambda messages: len(messages) >= count, timeout)

    def wait_until(self, enough: Callable[[list[EmailMessage]], bool], timeout: float = 60) -> list[EmailMessage]:
        with self._arrived:
            if not self._arrived.wait_for(lambda: enough(self.messages), timeout):
                seen = [str(message["Subject"]) for message in self.messages]
                raise AssertionError(f"the mail that was waited for has not come within {timeout} s; there were {seen}")
            return list(self.messages)

    def _certificate(self) -> ssl.SSLContext:
        need("trustme")
        import trustme

        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context

    def _authenticate(self, server, session, envelope, mechanism, credential):
        from aiosmtpd.smtp import AuthResult

        good = (credential.login, credential.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False, message=None if good else f"535 5.7.8 no: {PASSWORD} is wrong")

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answers:
            return self.answers.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        with self._arrived:
            self.messages.append(message)
            self.recipients += envelope.rcpt_tos
            self.with_starttls.append(session.ssl is not None)
            self._arrived.notify_all()
        return "250 taken"


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    """A server without encryption or sign-in."""
    yield from _running(SmtpServer)


@pytest.fixture
def smtp_signed_in() -> Iterator[SmtpServer]:
    """A server without encryption that insists on sign-in: Rollcall sends a password to it on this machine alone."""
    yield from _running(SmtpServer, "none", True)


@pytest.fixture
def smtp_utf8() -> Iterator[SmtpServer]:
    """A server that takes addresses with letters beyond ASCII before the @."""
    yield from _running(SmtpServer, "none", False, None, True)


@pytest.fixture
def smtp_starttls(tmp_path: Path) -> Iterator[SmtpServer]:
    """A server that insists on STARTTLS and sign-in."""
    yield from _running(SmtpServer, "starttls", True, tmp_path)


@pytest.fixture
def smtps(tmp_path: Path) -> Iterator[SmtpServer]:
    """A server with TLS from the first byte."""
    yield from _running(SmtpServer, "tls", False, tmp_path)


def _running(make: Callable[..., SmtpServer], *arguments) -> Iterator[SmtpServer]:
    need("aiosmtpd")
    server = make(*arguments)
    server.start()
    try:
        yield server
    finally:
        server.stop()
