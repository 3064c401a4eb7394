"""What Settings shows about the mail server, and what a page shows about an e-mail that waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from markupsafe import Markup

from sync.mail import delivery, mail_server, outbox
from sync.mail.letters import SEALED_LINK, without_breaks
from sync.models import Mail
from sync.states import MailState, Tone
from web import stale
from web.view import Badge
from web.words import dotted, plural, when

QUEUED, FAILED = Badge("Queued", Tone.WAITING, "hourglass"), Badge("Failed", Tone.ATTENTION)
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
    badge: Badge
    problem: str  # what the last e-mail met, with what to fix
    seen: str
    variable: str = mail_server.FROM_ENVIRONMENT


def mail_settings(given: Mapping[str, str] | None = None) -> MailSettings:
    """The mail settings. `given` has the entered values of a form that was refused."""
    fixed, stored = mail_server.of_environment(), mail_server.entered()
    used = fixed or stored
    known = {name: str(value) for name, value in asdict(stored).items()} if stored else {}
    failing = delivery.failing()
    return MailSettings(
        fixed is not None, stored is not None, f"{used.host}:{used.port}" if used else "", used.sender if used else "",
        mail_server.FIELDS, known if given is None else given, _badge(failing), failing.error if failing else "",
        stale.mark(stored),
    )  # fmt: skip


def _badge(failing: delivery.Failing | None) -> Badge:
    if not outbox.can_send():
        return Badge("No mail server is set", Tone.WAITING, "mail")
    return Badge("E-mails can't be sent", Tone.ATTENTION) if failing else Badge("A mail server is set", Tone.OK)


@dataclass(frozen=True)
class MailNotice:
    """Why nobody gets e-mail, and what to do about it. `details`: what the mail server answered."""

    tone: Tone
    title: str
    words: Markup | str
    button: str
    details: str = ""


def mail_notice() -> MailNotice | None:
    """Why nobody gets e-mail; None as long as e-mails leave, as far as anyone knows."""
    if not outbox.can_send():
        return MailNotice(Tone.WAITING, "Nobody gets e-mail yet.", "Reports and invitations wait in the outbox.",
                          "Set up mail")  # fmt: skip
    failing = delivery.failing()
    if failing is None or not failing.keeps:
        return None
    waiting = plural(outbox.count_queued(), "e-mail waits", "e-mails wait")
    words = ("No e-mail has been sent since {}. {} in the outbox, and Rollcall keeps trying. "
             "Fix the mail server, or send a test e-mail once it works again.")  # fmt: skip
    return MailNotice(Tone.ATTENTION, "Nobody gets e-mail at the moment.",
                      Markup(words).format(when(failing.since), waiting),
                      "Check the mail server", failing.error)  # fmt: skip


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
    """The e-mail's text, without its one-time link, and with names that can be copied."""
    return without_breaks(mail.text.replace(SEALED_LINK, NOT_SHOWN))
