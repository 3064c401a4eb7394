"""Whether the mail server takes e-mails, over several of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.db import utcnow
from sync.mail import delivery, outbox
from sync.models import Mail
from sync.states import MailState
from tests.parts import free_port

BASE = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def no_server_afterwards(home) -> Iterator[None]:
    yield
    outbox.configure(None, BASE)


def send(to: str = "ann@acme.example") -> Mail:
    mail = outbox.test_mail(to)
    return send_again(mail)


def send_again(mail: Mail) -> Mail:
    Mail.update(next_at=utcnow()).where(Mail.id == mail.id).execute()
    outbox.run(mail.id)
    return Mail.get_by_id(mail.id)


def down() -> None:
    outbox.configure(f"smtp://127.0.0.1:{free_port()}", BASE)


def test_a_server_that_is_down_keeps_failing_from_the_second_time_on(home):
    down()
    assert delivery.failing() is None and outbox.reaches_people()
    mail = send()
    first = delivery.failing()
    assert not first.keeps and "could not be reached" in first.error and not outbox.reaches_people()
    send_again(mail)
    second = delivery.failing()
    assert second.keeps and second.since == first.since and "Check the name, the port" in second.error


def test_one_email_that_leaves_ends_it(smtp):
    down()
    mail = send()
    send("bo@acme.example")
    outbox.configure(smtp.url, BASE)
    assert send_again(mail).state == MailState.SENT and delivery.failing() is None


def test_a_server_that_refuses_an_address_works(smtp):
    down()
    mail = send()
    outbox.configure(smtp.url, BASE)
    smtp.answers.append("550 5.1.1 no such user")
    assert send_again(mail).state == MailState.FAILED and delivery.failing() is None
    smtp.answers.append("550 5.1.1 no such user")
    send()
    assert delivery.failing() is None


def test_an_email_that_cant_be_written_shows_nothing_about_the_server(home):
    down()
    send()
    assert send("nobody").state == MailState.FAILED and delivery.failing().count == 1


def test_a_test_mail_that_is_accepted_ends_it(smtp, by):
    down()
    send()
    send()
    outbox.configure(smtp.url, BASE)
    outbox.try_out("olga@acme.example", by)
    assert delivery.failing() is None
