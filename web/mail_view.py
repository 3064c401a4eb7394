"""What Settings shows about the mail server, and what a page shows about an e-mail that waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from markupsafe import Markup

from sync.mail import mail_server
from sync.mail.letters import SEALED_LINK
from sync.models import Mail
from sync.states import MailState
from web.view import Badge
from web.words import dotted, when

QUEUED, FAILED = Badge("Queued", "waiting", "hourglass"), Badge("Failed", "attention")
NOT_SHOWN = "(one-time link, only in the e-mail itself)"


@dataclass(frozen=True)
class MailSettings:
    """`server` is shown as facts where the environment names it; otherwise `fields` is the form with `given`."""

    from_environment: bool
    stored: bool
    server: str
    sender: str
    fields: tuple
    given: Mapping[str, str]
    variable: str = mail_server.FROM_ENVIRONMENT


def mail_settings(given: Mapping[str, str] | None = None) -> MailSettings:
    """`given`: what was entered, of a form that was refused."""
    fixed, stored = mail_server.of_environment(), mail_server.entered()
    used = fixed or stored
    known = {name: str(value) for name, value in asdict(stored).items()} if stored else {}
    return MailSettings(fixed is not None, stored is not None, f"{used.host}:{used.port}" if used else "",
                        used.sender if used else "", mail_server.FIELDS, known if given is None else given)


@dataclass(frozen=True)
class OutboxLine:
    id: int
    subject: str
    note: Markup
    badge: Badge


def outbox_line(mail: Mail) -> OutboxLine:
    note = dotted(f"to {mail.to}", when(mail.created_at), mail.error)
    return OutboxLine(mail.id, mail.subject, note, FAILED if mail.state == MailState.FAILED else QUEUED)


def body_of(mail: Mail) -> str:
    """The e-mail's text, without its one-time link."""
    return mail.text.replace(SEALED_LINK, NOT_SHOWN)
