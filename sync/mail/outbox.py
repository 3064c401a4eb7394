"""The outbox: each e-mail is a row, put there in the transaction that caused it, and sent by `run`.
The row is the truth, so an e-mail survives a crash and is queued once."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from peewee import ModelSelect

import connectors
from connectors.names import email_key
from sync import activity, rank, vault
from sync.db import connected, utcnow, writing
from sync.jobs import leases, queue, retries
from sync.mail import delivery, mail_server
from sync.mail.letters import Link, Sentence, write
from sync.mail.smtp import MailDelayed, MailNotSent, MailRefused, compose, deliver
from sync.models import App, Mail, Person, PersonEmail
from sync.names import person_name
from sync.prepared import prepared_plain
from sync.rank import Asker
from sync.states import MailState, PersonStatus
from sync.workspace import workspace

WHO = "Rollcall"
TOO_OLD = timedelta(days=3)
TO_ANYONE = ("test", "sign-in changed")  # kinds; the others are for people who may sign in,
TO_INVITED = ("invitation", "invitation reminder")  # and these for people who are here, or aren't known
WAITED_FOR = 30  # seconds at most, for a test e-mail that someone waits for
UNSENT = tuple(state for state in MailState if state != MailState.SENT)
_base_url = "http://127.0.0.1:8000"


def configure(smtp_url: str | None, base_url: str) -> None:
    """Take the mail server of the environment, and what links begin with.

    Raises ValueError with a sentence for an URL that can't be used.
    """
    global _base_url
    _base_url = base_url.rstrip("/")
    mail_server.configure(smtp_url, _base_url)


def can_send() -> bool:
    """False while no mail server is set: then e-mails wait in the outbox."""
    return mail_server.is_set()


def reaches_people() -> bool:
    """Whether a server is set and worked when it was last tried, or wasn't tried yet."""
    return can_send() and delivery.failing() is None


def link(path: str) -> Link:
    """The whole address of a page."""
    return Link(f"{_base_url}{path}")


def unsent(limit: int = 100) -> list[Mail]:
    """E-mails that haven't been sent or failed, newest first."""
    return list(Mail.select().where(Mail.state.in_(UNSENT)).order_by(Mail.id.desc()).limit(limit))


def count_queued() -> int:
    return Mail.select().where(Mail.state == MailState.QUEUED).count()


def may_read(mail: Mail, app_ids: Collection[int] | None) -> bool:
    """Whether someone who sees these apps (None: all of them) may read this e-mail: one that wasn't sent."""
    of_theirs = app_ids is None or mail.app_id is None or mail.app_id in app_ids
    return mail.state != MailState.SENT and of_theirs


def count_failed(since: datetime) -> int:
    """How many e-mails could not be sent, of those created after `since` (UTC)."""
    return Mail.select().where(Mail.state == MailState.FAILED, Mail.created_at > since).count()


def test_mail(to: str) -> Mail:
    """Send a test e-mail to one address."""
    [mail] = put([to], "test", f"test-{secrets.token_hex(8)}", template="test", link=link(""),
                       subject=Sentence("Test e-mail from Rollcall"))  # fmt: skip
    return mail


def try_out(to: str, by: Asker) -> None:
    """Hand a test e-mail to the mail server while someone waits. Raises MailRefused or MailDelayed, with what to fix.

    Raises NotAllowed for people below a super admin.
    """
    rank.require(by, *mail_server.MAY_TRY)
    outgoing = mail_server.current()
    if outgoing is None:
        raise MailDelayed("No mail server is set.", "Enter one first.")
    letter = write("test", Sentence("Test e-mail from Rollcall"), company=workspace().name, link=link(""))
    mail = Mail(id=0, key=f"test-{secrets.token_hex(8)}", kind="test", to=to, subject=letter.subject, text=letter.text,
                html=letter.html)  # fmt: skip
    try:
        deliver(compose(mail, outgoing), outgoing, mail_server.PATIENCE, WAITED_FOR)
    except MailNotSent as problem:
        with writing():
            activity.record(by, "test e-mail failed", about=to, why=str(problem))
        raise
    with writing():
        delivery.succeeded()
        activity.record(by, "sent test mail", about=to, why=f"{outgoing.host} accepted it")


def put(
    to: list[str], kind: str, key: str, *, template: str, subject: Sentence, app: App | None = None,
    secret_link: str = "", signs_in: Person | None = None, **values: Any,
) -> list[Mail]:
    """Add one row for each address that wasn't notified yet. Returns the new rows.

    `secret_link` is stored encrypted, and written only into the e-mail itself, where the template has SEALED_LINK. It
    isn't sent to an address that the person that it `signs_in` no longer has.
    """
    theirs = {"person": str(signs_in.id)} if signs_in else {}
    sealed = vault.seal({"link": secret_link, **theirs}) if secret_link else None
    letter = write(template, subject, _own_hosts(to, app), company=workspace().name, **values)
    queued = []
    with writing():
        for address in to:
            own_key = f"{key}-{address}"
            if _with_key(own_key):
                continue
            mail = Mail.create(key=own_key, kind=kind, to=address, subject=letter.subject, text=letter.text,
                               html=letter.html, app=app, sealed=sealed)
            queued.append(mail)
            if not can_send():
                activity.record(WHO, "mail waits", about=address, app=app,
                                why=f"{letter.subject} (no mail server is set)")
            queue.wake("mail", mail.id)
    return queued


def _own_hosts(to: list[str], app: App | None) -> set[str]:
    """The domains of those who get the e-mail, and the app's maker where that is called by its domain: monday.com."""
    hosts = {address.rpartition("@")[2] for address in to}
    with suppress(KeyError):
        hosts |= {connectors.app_connector(app.connector).label} if app else set()
    return hosts


@prepared_plain
def _with_key(key: str) -> ModelSelect:
    return Mail.select(Mail.id).where(Mail.key == key)


@queue.runs("mail")
def run(mail_id: int) -> None:
    """Send one e-mail of the outbox, if it is due and no other worker has it.

    After a failure that may pass, it is sent again later, with growing delays. A delivery that is repeated after a
    crash has the same Message-ID.
    """
    with connected():
        if not can_send() or not leases.claim(Mail, mail_id):
            return
        mail = Mail.get_by_id(mail_id)
        if utcnow() - mail.created_at > TOO_OLD:
            _fail(mail, f"It waited more than {TOO_OLD.days} days, so it is out of date. It was not sent.")
            return
        if why := _not_for_them(mail):
            _fail(mail, why)
            return
        try:
            _deliver(mail)
        except MailRefused as problem:
            _fail(mail, problem.in_full)
        except MailDelayed as problem:
            delivery.failed(problem.in_full)
            _put_off(mail, problem.in_full)
        else:
            _end(mail, "sent mail", mail.subject, state=MailState.SENT, error=None, sealed=None)


def _not_for_them(mail: Mail) -> str:
    """Why an e-mail that has waited must not go to its address any longer; empty if it may."""
    try:
        link = vault.unseal(mail.sealed)
    except vault.VaultProblem:
        return "Its link can't be decrypted, because secret.key isn't the one it was stored with. It was not sent."
    holder = Person.select().join(PersonEmail).where(PersonEmail.email_key == email_key(mail.to)).first()
    if mail.kind in TO_ANYONE:
        return ""
    if holder is None:
        return "" if mail.sealed is None else "Its link signs in, but nobody has this address now. It was not sent."
    if link.get("person", str(holder.id)) != str(holder.id):  # older rows don't have it
        return f"Its link signs in someone else, but {person_name(holder)} has this address now. It was not sent."
    if holder.status != PersonStatus.ACTIVE:
        return f"{person_name(holder)} has left or is suspended. It was not sent."
    may = holder.may_sign_in or mail.kind in TO_INVITED
    return "" if may else f"{person_name(holder)} may no longer sign in to Rollcall. It was not sent."


def _deliver(mail: Mail) -> None:
    """Raises MailRefused or MailDelayed."""
    outgoing = mail_server.current()
    if outgoing is None:
        raise MailDelayed("The mail server was removed.")
    message = compose(mail, outgoing)
    try:
        deliver(message, outgoing)
    except MailRefused:
        delivery.succeeded()  # it answered
        raise
    delivery.succeeded()


def _put_off(mail: Mail, error: str) -> None:
    wait = retries.MAIL.after(mail.attempts)
    if wait is None:
        _fail(mail, f"{error} It was tried {mail.attempts + 1} times.")
        return
    with writing():
        leases.finish(mail, state=MailState.QUEUED, error=error, attempts=mail.attempts + 1,
                      next_at=utcnow() + wait)  # fmt: skip


def _fail(mail: Mail, error: str) -> None:
    _end(mail, "mail failed", f"{mail.subject} ({error})", state=MailState.FAILED, error=error, sealed=None)


def _end(mail: Mail, what: str, why: str, **values: Any) -> None:
    with writing():
        if leases.finish(mail, attempts=mail.attempts + 1, **values):
            activity.record(WHO, what, about=mail.to, why=why, app=mail.app_id)
