"""Mail against a real SMTP server: STARTTLS, sign-in, refusals, a server that is down, a crash half way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from sync.db import utcnow, writing
from sync.mail import outbox
from sync.models import Activity, Mail
from tests.real.smtp import PASSWORD, USER

BASE = "https://rollcall.acme.example"


@pytest.fixture(autouse=True)
def no_server_afterwards(home):
    yield
    outbox.configure(None, BASE)


def queued(to: str = "olga@acme.example") -> Mail:
    with writing():
        return outbox.test_mail(to)


def sent(mail: Mail) -> Mail:
    outbox.run(mail.id)
    return Mail.get_by_id(mail.id)


def make_due(mail: Mail) -> None:
    Mail.update(next_at=utcnow()).where(Mail.id == mail.id).execute()


def test_delivered_with_starttls_and_sign_in(smtp_starttls):
    outbox.configure(smtp_starttls.url, BASE)
    mail = sent(queued())
    assert (mail.state, mail.error, mail.attempts) == ("sent", None, 1)
    [message] = smtp_starttls.wait_for(1)
    assert smtp_starttls.with_starttls == [True]
    assert message["Subject"] == "Test e-mail from Rollcall"
    assert message["From"] == f"Rollcall <{USER}>"
    assert message["To"] == "olga@acme.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.replace(tzinfo=None) == mail.created_at.replace(microsecond=0)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert BASE in message.get_body(("plain",)).get_content()
    assert Activity.get(Activity.what == "sent mail").about == "olga@acme.example"


def test_delivered_with_tls_from_the_first_byte(smtps):
    outbox.configure(smtps.url, BASE)
    assert sent(queued()).state == "sent"
    assert len(smtps.wait_for(1)) == 1


@pytest.mark.parametrize("encrypted", ["smtp_starttls", "smtps"])
def test_an_unknown_authority_is_not_trusted(request, encrypted):
    server = request.getfixturevalue(encrypted)
    outbox.configure(server.url.partition("?")[0], BASE)
    mail = sent(queued())
    assert mail.state == "queued"
    assert "certificate" in mail.error and "?ca=" in mail.error
    assert server.messages == []


def test_a_server_without_starttls_gets_neither_password_nor_mail(smtp):
    outbox.configure(smtp.url.replace("smtp://", "smtp+starttls://user:secret@"), BASE)
    mail = sent(queued())
    assert mail.state == "queued" and "STARTTLS" in mail.error
    assert smtp.messages == []


def test_wrong_password_is_reported_without_the_password_and_tried_again(smtp_starttls):
    wrong = smtp_starttls.url.replace("%231@", "%232@")
    outbox.configure(wrong, BASE)
    mail = sent(queued())
    assert mail.state == "queued"
    assert "refused the sign-in" in mail.error and "535" in mail.error
    outbox.configure(smtp_starttls.url, BASE)
    make_due(mail)
    assert sent(mail).state == "sent"


def test_a_password_that_the_server_echoes_is_not_kept(smtp_starttls, monkeypatch):
    monkeypatch.setattr("tests.real.smtp.USER", "somebody else")
    outbox.configure(smtp_starttls.url.replace("somebody%20else", "rollcall"), BASE)
    mail = sent(queued())
    assert "535" in mail.error and "•••" in mail.error
    assert PASSWORD not in mail.error


def test_a_refused_recipient_is_final_and_reported_in_the_servers_words(smtp):
    outbox.configure(smtp.url, BASE)
    smtp.answers.append("550 5.1.1 no such user here")
    mail = sent(queued("nobody@acme.example"))
    assert mail.state == "failed"
    assert "550 5.1.1 no such user here" in mail.error
    assert "550 5.1.1 no such user here" in Activity.get(Activity.what == "mail failed").why
    make_due(mail)
    assert sent(mail).state == "failed" and smtp.messages == []


def test_greylisting_puts_off_and_the_next_attempt_arrives(smtp):
    outbox.configure(smtp.url, BASE)
    smtp.answers.append("451 4.7.1 greylisted, come back later")
    mail = queued()
    before = utcnow()
    mail = sent(mail)
    assert (mail.state, mail.attempts) == ("queued", 1)
    assert "greylisted" in mail.error
    assert before + timedelta(seconds=59) < mail.next_at < utcnow() + timedelta(seconds=70)
    assert sent(mail).attempts == 1, "it is not due yet"
    make_due(mail)
    assert sent(mail).state == "sent"
    assert len(smtp.messages) == 1


def test_a_server_that_is_down_gets_the_mail_when_it_is_up(smtp):
    outbox.configure(smtp.url, BASE)
    smtp.stop()
    mail = sent(queued())
    assert mail.state == "queued" and "could not be reached" in mail.error
    smtp.start()
    make_due(mail)
    assert sent(mail).state == "sent"
    assert len(smtp.wait_for(1)) == 1


def test_attempts_grow_apart_and_end_after_ten(smtp):
    outbox.configure(smtp.url, BASE)
    smtp.answers.extend(["451 later"] * 10)
    mail = queued()
    waits = []
    for _attempt in range(10):
        make_due(mail)
        before = utcnow()
        mail = sent(mail)
        waits.append(round((mail.next_at - before).total_seconds() / 60))  # minutes: the attempt itself takes time too
    assert mail.state == "failed" and mail.attempts == 10 and "10 times" in mail.error
    assert waits[:9] == sorted(waits[:9]) and sum(waits[:9]) * 60 < outbox.TOO_OLD.total_seconds()
    assert smtp.messages == []


def test_never_twice_in_normal_life(smtp):
    outbox.configure(smtp.url, BASE)
    mail = sent(queued())
    sent(mail)
    make_due(mail)
    sent(mail)
    assert len(smtp.messages) == 1


KILLED = """
import os, signal, sys
from sync import vault
from sync.mail import outbox
from sync.db import connected, open_database
home, mail_id, url = sys.argv[1:]
vault.open_vault(home + "/secret.key")
open_database(home + "/rollcall.db")
outbox.configure(url, "https://rollcall.acme.example")
deliver = outbox.deliver
def deliver_and_die(*arguments):
    deliver(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
outbox.deliver = deliver_and_die
with connected():
    outbox.run(int(mail_id))
"""


def test_killed_between_delivery_and_mark_it_comes_again_with_the_same_message_id(home, smtp):
    mail = queued()
    done = subprocess.run([sys.executable, "-c", KILLED, str(home), str(mail.id), smtp.url], env=os.environ, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert Mail.get_by_id(mail.id).state == "sending"
    outbox.configure(smtp.url, BASE)
    assert sent(mail).state == "sent"
    first, second = smtp.wait_for(2)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


def test_two_e_mails_never_share_a_message_id(smtp):
    outbox.configure(smtp.url, BASE)
    sent(queued())
    sent(queued())
    first, second = smtp.wait_for(2)
    assert first["Message-ID"] != second["Message-ID"]


def test_a_hostile_name_adds_no_header(smtp):
    outbox.configure(smtp.url, BASE)
    with writing():
        mail = outbox.test_mail("olga@acme.example")
        Mail.update(to="olga@acme.example\r\nBcc: eve@evil.example").where(Mail.id == mail.id).execute()
    mail = sent(mail)
    assert mail.state == "failed" and "an address that e-mail can be sent to" in mail.error
    assert smtp.messages == []
