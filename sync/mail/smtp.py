"""How one mail leaves: the mail server's address, the message, the talk with the server.
Two errors decide everything: MailRefused is final, MailDelayed is worth another try."""

from __future__ import annotations

import base64
import hashlib
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from connectors import is_loopback, reaching
from connectors.base import ConnectorError
from connectors.names import beyond_ascii, clean_email, domain_key
from connectors.time_limit import time_limit
from sync import faults, vault
from sync.mail.letters import SEALED_LINK, clean
from sync.mail.smtp_talk import WHOLE_SECONDS, Checked, CheckedTls, Smtp, SmtpTls
from sync.models import Mail

TIMEOUT = 20  # seconds, for each step of the talk
SMTPUTF8 = "smtputf8"  # what a server offers that takes addresses with letters beyond ASCII before the @ (RFC 6531)
SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
ENCODE = "Write special characters of user and password percent-encoded: @ is %40, : is %3A, / is %2F, # is %23."

BAD_CERTIFICATE = ("Check that the name is the one in the certificate. If your own authority signed it, name that with "
                   "?ca=FILE in ROLLCALL_SMTP_URL.")  # fmt: skip
BAD_SIGN_IN = "Check the user and the password. Some providers want an app password instead of the usual one."
NOT_OFFERED = "Choose another encryption: port 587 usually has STARTTLS, and port 465 TLS."
NOT_REACHED = ("Check the name, the port and the encryption, and that a firewall lets Rollcall connect. Port 587 "
               "usually has STARTTLS, and port 465 TLS.")  # fmt: skip
BAD_SENDER = "Enter an address in “From” that this user may send from."


class MailNotSent(Exception):
    """An e-mail that wasn't sent. The text says what happened, `advice` what to do about it, where that is known."""

    def __init__(self, text: str, advice: str = ""):
        super().__init__(text)
        self.advice = advice

    @property
    def in_full(self) -> str:
        text = str(self)
        return f"{text if text.endswith('.') else f'{text}.'} {self.advice}".strip()


class MailRefused(MailNotSent):
    """The server refused this e-mail, or it can't be written: another try won't help. The text has its words."""


class MailDelayed(MailNotSent):
    """It wasn't sent now, but may be later: no connection, a time-out, a 4xx, a sign-in that was refused."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The mail server that is used, and the sender's address. `checked`: the address was entered on a page, so the
    rules for private networks hold; `private`: an Owner entered it, so it may be in a private network."""

    scheme: str
    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str | None = None
    checked: bool = False
    private: bool = False


def parse_smtp_url(url: str, base_url: str = "") -> Outgoing:
    """smtp://, smtp+starttls:// or smtps://[USER:PASSWORD@]HOST[:PORT][?from=ADDRESS&ca=FILE].

    Mails come from `from`, else from the user if that is an address, else from
    rollcall@ the host of `base_url`. Raises ValueError with a sentence that never
    holds the password.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"The host and port can't be read. {ENCODE}") from None
    if parts.scheme not in SCHEMES:
        raise ValueError("It must begin with smtp://, smtp+starttls:// or smtps://, such as "
                         "smtp+starttls://user:password@mail.acme.example:587.")
    if parts.path.strip("/") or parts.fragment:
        raise ValueError(f"Nothing may follow the host and port but ?from= and ?ca=. {ENCODE}")
    if not host:
        raise ValueError("The name of the mail server is missing.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    refuse_credential(user, password)
    if is_in_the_clear(parts.scheme, host, password):
        raise ValueError("smtp:// would send the password in the clear. Use smtps:// or smtp+starttls:// instead; "
                         "without encryption a password goes only to a mail server on this machine.")
    options = _options(parts.query)
    ca = options.get("ca")
    if ca is not None and not Path(ca).is_file():
        raise ValueError(f"The file {ca!r} of ?ca= doesn't exist.")
    try:
        sender = sender_of(options.get("from", ""), user, base_url)
    except ValueError as problem:
        raise ValueError(f"{problem} Give an e-mail address with ?from=.") from None
    return Outgoing(parts.scheme, host, port or SCHEMES[parts.scheme], sender, user, password, ca)


def is_in_the_clear(scheme: str, host: str, password: str) -> bool:
    """Whether the password would cross a network without encryption."""
    return bool(password) and scheme == "smtp" and not is_loopback(host)


def refuse_credential(user: str, password: str) -> None:
    """Raises ValueError unless both or none are given, in characters that every mail server accepts."""
    if bool(user) != bool(password):
        raise ValueError("Enter both a user and a password, or neither.")
    if not (user + password).isascii() or not (user + password).isprintable():
        raise ValueError("The user and the password can only contain printable ASCII characters.")


def sender_of(given: str, user: str, base_url: str) -> str:
    """The address that e-mails come from: the given one, else the user's. Raises ValueError for no address."""
    sender = given or (user if "@" in user else _own_address(base_url))
    try:
        return address(sender).addr_spec
    except ValueError:
        raise ValueError(f"E-mails can't come from {sender!r}.") from None


def _options(query: str) -> dict[str, str]:
    options = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in ("from", "ca") or not value:
            raise ValueError(f"{name!r} isn't an option: there are ?from=ADDRESS and ?ca=FILE.")
        options[name] = unquote(value)
    return options


def _own_address(base_url: str) -> str:
    host = urlsplit(base_url).hostname or "localhost"
    with suppress(ValueError):
        ip_address(host)
        host = "localhost"
    return f"rollcall@{host}"


def address(text: str, name: str = "") -> Address:
    """A header's address, its domain in ASCII (IDNA 2008). Raises ValueError if e-mail can't be sent to it."""
    try:
        local, _, domain = clean_email(text).rpartition("@")
        return Address(name, username=local, domain=domain_key(domain))
    except (ValueError, MessageError, IndexError) as problem:
        raise ValueError(f"{clean(text)!r} isn't an address that e-mail can be sent to.") from problem


def compose(mail: Mail, outgoing: Outgoing) -> EmailMessage:
    """The message of an outbox row, the same each time, so that a repeated delivery can be recognised.

    Message-ID follows from the row alone (RFC 5322 3.6.4); Auto-Submitted keeps
    out-of-office answers away (RFC 3834 5).
    """
    message = EmailMessage(policy=policy.SMTP)
    try:
        message["From"] = address(outgoing.sender, "Rollcall")
        message["To"] = address(mail.to)
    except ValueError as problem:
        raise MailRefused(str(problem)) from problem
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at.replace(tzinfo=UTC))
    message["Message-ID"] = message_id(mail, outgoing)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["List-Id"] = f"Rollcall <rollcall.{outgoing.sender.rpartition('@')[2]}>"
    link = vault.unseal(mail.sealed).get("link", "")
    message.set_content(mail.text.replace(SEALED_LINK, link))
    message.add_alternative(mail.html.replace(SEALED_LINK, link), subtype="html")
    return message


def message_id(mail: Mail, outgoing: Outgoing) -> str:
    news = hashlib.sha256(f"{mail.key} {mail.created_at.isoformat()}".encode()).hexdigest()[:24]
    return f"<{mail.id}.{news}@{outgoing.sender.rpartition('@')[2]}>"


def deliver(message: EmailMessage, outgoing: Outgoing, timeout: int = TIMEOUT, whole: int = WHOLE_SECONDS) -> None:
    """Hand one message over; returns once the server has taken it. Raises MailRefused, MailDelayed or OwnFault.

    `timeout` is in seconds, for each step; `whole` for all of them together.
    """
    with faults.named(), time_limit(whole) as talk:
        try:
            server = _reached(outgoing, timeout)
            try:
                _transmit(server, message, outgoing)
            finally:
                _part(server)
        except MailDelayed:
            if talk.over:
                raise MailDelayed(f"{outgoing.host} did not accept the e-mail {talk}.") from None
            raise


def greet(outgoing: Outgoing, timeout: int = TIMEOUT) -> bool:
    """Connect, sign in and disconnect, to see whether e-mail could leave. Returns whether the server offers SMTPUTF8.

    `timeout` is in seconds, for each step. Raises MailDelayed with what to fix.
    """
    with time_limit(WHOLE_SECONDS):
        server = _reached(outgoing, timeout)
        try:
            return _offers_smtputf8(server)
        finally:
            _part(server)


def _offers_smtputf8(server: smtplib.SMTP) -> bool:
    with suppress(OSError, smtplib.SMTPException):
        server.ehlo_or_helo_if_needed()
    return server.has_extn(SMTPUTF8)


def _reached(outgoing: Outgoing, timeout: float) -> smtplib.SMTP:
    try:
        return _signed_in(outgoing, timeout)
    except ssl.SSLCertVerificationError as problem:
        reason = f"The certificate of {outgoing.host} was not accepted: {problem.verify_message}."
        raise MailDelayed(reason, BAD_CERTIFICATE) from None
    except smtplib.SMTPAuthenticationError as problem:
        reason = f"{outgoing.host} refused the sign-in of {outgoing.user}: {_words(problem, outgoing)}"
        raise MailDelayed(reason, BAD_SIGN_IN) from None
    except ConnectorError as problem:  # an address that Rollcall may not connect to
        raise MailDelayed(str(problem)) from None
    except smtplib.SMTPNotSupportedError as problem:
        reason = f"{outgoing.host}:{outgoing.port} lacks this encryption or sign-in: {_words(problem, outgoing)}"
        raise MailDelayed(reason, NOT_OFFERED) from None
    except (OSError, ValueError, smtplib.SMTPException) as problem:  # ValueError: a challenge that isn't base64
        server_name = f"{outgoing.host}:{outgoing.port}"
        raise MailDelayed(f"{server_name} could not be reached: {_words(problem, outgoing)}", NOT_REACHED) from None


def _signed_in(outgoing: Outgoing, timeout: int) -> smtplib.SMTP:
    plain, tls = (Checked, CheckedTls) if outgoing.checked else (Smtp, SmtpTls)
    with reaching(outgoing.private):
        if outgoing.scheme == "smtps":
            server = tls(outgoing.host, outgoing.port, timeout=timeout, context=_tls(outgoing))
        else:
            server = plain(outgoing.host, outgoing.port, timeout=timeout)
    try:
        if outgoing.scheme == "smtp+starttls":
            server.starttls(context=_tls(outgoing))
        if outgoing.user:
            server.login(outgoing.user, outgoing.password)
    except BaseException:
        server.close()
        raise
    return server


def _tls(outgoing: Outgoing) -> ssl.SSLContext:
    """What checks a server's certificate. It reads all authorities, which takes longer than most talks."""
    return ssl.create_default_context(cafile=outgoing.ca)


def _transmit(server: smtplib.SMTP, message: EmailMessage, outgoing: Outgoing) -> None:
    if beyond_ascii(str(message["To"].addresses[0].addr_spec)) and not _offers_smtputf8(server):
        raise MailRefused(no_smtputf8(outgoing, message["To"]))
    try:
        server.send_message(message)
    except smtplib.SMTPRecipientsRefused as problem:
        (code, words), = problem.recipients.values()
        raise _refusal(code, _words(smtplib.SMTPResponseException(code, words), outgoing), message["To"]) from None
    except smtplib.SMTPDataError as problem:
        raise _refusal(problem.smtp_code, _words(problem, outgoing), message["To"]) from None
    except smtplib.SMTPSenderRefused as problem:  # all e-mails have this sender, so a setting is wrong
        reason = _words(problem, outgoing)
        raise MailDelayed(f"{outgoing.host} accepts no e-mail from {outgoing.sender}: {reason}", BAD_SENDER) from None
    except (OSError, smtplib.SMTPException) as problem:
        raise MailDelayed(f"{outgoing.host} closed the connection: {_words(problem, outgoing)}") from None


def no_smtputf8(outgoing: Outgoing, to: str) -> str:
    return (f"{outgoing.host} can't send e-mail to {to}: for letters such as é before the @ a mail server must offer "
            "SMTPUTF8, and it doesn't. Use another address, or a mail server that offers it.")


def _refusal(code: int, words: str, to: str) -> MailRefused | MailDelayed:
    if 500 <= code < 600:
        return MailRefused(f"The mail server refused the e-mail to {to}: {words}")
    return MailDelayed(f"The mail server deferred the e-mail to {to}: {words}")


def _words(problem: Exception, outgoing: Outgoing) -> str:
    """The server's answer, on one line, without the credential should it have been echoed."""
    if isinstance(problem, smtplib.SMTPResponseException):
        reason = problem.smtp_error
        reason = f"{problem.smtp_code} {reason.decode('utf-8', 'replace') if isinstance(reason, bytes) else reason}"
    else:
        reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    reason = clean(reason, 300)
    if outgoing.password:
        for sent in (f"\0{outgoing.user}\0{outgoing.password}", outgoing.password):
            reason = reason.replace(base64.b64encode(sent.encode()).decode(), "•••").replace(sent, "•••")
    return reason


def _part(server: smtplib.SMTP) -> None:
    """Disconnect. An error no longer matters now: the server has accepted the e-mail, or the reason is known."""
    with suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()
