"""The outbox: each e-mail is a row, put there in the transaction that caused it, and sent by `run`.
The row is the truth, so an e-mail survives a crash and is queued once."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sync import activity
from sync.db import connected, utcnow, writing
from sync.jobs import leases, queue, retries
from sync.mail.letters import Sentence, write
from sync.mail.smtp import MailDelayed, MailRefused, Outgoing, compose, deliver, parse_smtp_url
from sync.models import App, Mail
from sync.states import MailState
from sync.workspace import workspace

WHO = "Rollcall"
TOO_OLD = timedelta(days=3)
server: Outgoing | None = None
_base_url = "http://127.0.0.1:8000"


def configure(smtp_url: str | None, base_url: str) -> None:
    """Say through which server mails leave, and what their links begin with; without a server they wait.

    Raises ValueError with a sentence for an URL that can't be used.
    """
    global server, _base_url
    _base_url = base_url.rstrip("/")
    server = parse_smtp_url(smtp_url, _base_url) if smtp_url else None


def can_send() -> bool:
    """False while no mail server is set: then mails wait in the outbox."""
    return server is not None


def link(path: str) -> str:
    """The whole address of a page."""
    return f"{_base_url}{path}"


def unsent(limit: int = 100) -> list[Mail]:
    """E-mails that haven't been sent or failed, newest first."""
    return list(Mail.select().where(Mail.state != MailState.SENT).order_by(Mail.id.desc()).limit(limit))


def count_failed(since: datetime) -> int:
    """How many e-mails could not be sent, of those created after `since` (UTC)."""
    return Mail.select().where(Mail.state == MailState.FAILED, Mail.created_at > since).count()


def test_mail(to: str) -> Mail:
    """Send a test e-mail to one address."""
    [mail] = put([to], "test", f"test-{secrets.token_hex(8)}", template="test", link=_base_url,
                       subject=Sentence("Test mail from Rollcall"))  # fmt: skip
    return mail


def put(
    to: list[str], kind: str, key: str, *, template: str, subject: Sentence, app: App | None = None, **values: Any
) -> list[Mail]:
    """Add one row for each address that wasn't notified yet. Returns the new rows."""
    letter = write(template, subject, company=workspace().name, **values)
    queued = []
    with writing():
        for address in to:
            own_key = f"{key}-{address}"
            if Mail.select().where(Mail.key == own_key).exists():
                continue
            mail = Mail.create(key=own_key, kind=kind, to=address, subject=letter.subject, text=letter.text,
                               html=letter.html, app=app)
            queued.append(mail)
            if not can_send():
                activity.record(WHO, "mail waits", about=address, app=app,
                                why=f"{letter.subject} (no mail server is set: ROLLCALL_SMTP_URL)")
            queue.wake("mail", mail.id)
    return queued


@queue.runs("mail")
def run(mail_id: int) -> None:
    """Send one mail of the outbox, if it is due and nobody else is at it. What fails for now is tried again, with
    growing delays; a repeated delivery after a crash has the same Message-ID."""
    outgoing = server
    if outgoing is None:
        return
    with connected():
        if not leases.claim(Mail, mail_id):
            return
        mail = Mail.get_by_id(mail_id)
        if utcnow() - mail.created_at > TOO_OLD:
            _fail(mail, f"It waited more than {TOO_OLD.days} days, so it is out of date. It was not sent.")
            return
        try:
            deliver(compose(mail, outgoing), outgoing)
        except MailRefused as problem:
            _fail(mail, str(problem))
        except MailDelayed as problem:
            _put_off(mail, str(problem))
        else:
            _end(mail, "sent mail", mail.subject, state=MailState.SENT, error=None)


def _put_off(mail: Mail, error: str) -> None:
    wait = retries.MAIL.after(mail.attempts)
    if wait is None:
        _fail(mail, f"{error} It was tried {mail.attempts + 1} times.")
        return
    with writing():
        leases.finish(mail, state=MailState.QUEUED, error=error, attempts=mail.attempts + 1,
                      next_at=utcnow() + wait)  # fmt: skip


def _fail(mail: Mail, error: str) -> None:
    _end(mail, "mail failed", f"{mail.subject} ({error})", state=MailState.FAILED, error=error)


def _end(mail: Mail, what: str, why: str, **values: Any) -> None:
    with writing():
        if leases.finish(mail, attempts=mail.attempts + 1, **values):
            activity.record(WHO, what, about=mail.to, why=why, app=mail.app_id)
