"""Mail to addresses beyond ASCII against real SMTP servers: to the domain of IDNA 2008, with SMTPUTF8 or not at all."""

from __future__ import annotations

import pytest

from sync.mail import outbox
from sync.mail import reach as mail_reach
from sync.mail.smtp import parse_smtp_url
from sync.models import Activity, Mail
from tests.real.smtp import SmtpServer
from tests.real.test_smtp import BASE, queued, sent

JOERG = "jörg@münchen.example"


@pytest.fixture(autouse=True)
def no_server_afterwards(home):
    mail_reach._known.clear()
    yield
    outbox.configure(None, BASE)


@pytest.mark.parametrize(
    ("to", "recipient"),
    [
        ("maria@weiß.example", "maria@xn--wei-7ka.example"),  # IDNA 2003 would send it to weiss.example
        ("maria@münchen.example", "maria@xn--mnchen-3ya.example"),
        ("maria@xn--mnchen-3ya.example", "maria@xn--mnchen-3ya.example"),
        ("nikos@ςοφος.example", "nikos@xn--0xaahcs.example"),
        ("a..b@docomo.example", "a..b@docomo.example"),
    ],
)
def test_mail_goes_to_the_domain_that_is_written(smtp: SmtpServer, to, recipient) -> None:
    outbox.configure(smtp.url, BASE)
    mail = sent(queued(to))
    assert (mail.state, mail.error) == ("sent", None)
    [message] = smtp.wait_for(1)
    assert smtp.recipients == [recipient]
    assert message["To"] == recipient


def test_letters_before_the_at_go_where_the_server_offers_smtputf8(smtp_utf8: SmtpServer) -> None:
    outbox.configure(smtp_utf8.url, BASE)
    assert mail_reach.warning([JOERG]) == ""
    mail = sent(queued(JOERG))
    assert (mail.state, mail.error) == ("sent", None)
    [message] = smtp_utf8.wait_for(1)
    assert smtp_utf8.recipients == ["jörg@xn--mnchen-3ya.example"]
    assert message["To"] == "jörg@xn--mnchen-3ya.example"
    assert message["Subject"] == "Test e-mail from Rollcall"


def test_elsewhere_the_mail_fails_at_once_with_the_reason(smtp: SmtpServer) -> None:
    outbox.configure(smtp.url, BASE)
    mail = sent(queued(JOERG))
    assert mail.state == "failed" and "must offer SMTPUTF8, and it doesn't" in mail.error
    assert "jörg@" in mail.error and "Use another address" in Activity.get(Activity.what == "mail failed").why
    assert smtp.messages == []
    assert sent(queued("olga@acme.example")).state == "sent", "others get theirs"


def test_where_such_an_address_is_typed_the_server_is_asked_once(smtp: SmtpServer) -> None:
    assert mail_reach.warning(["olga@acme.example"]) == "" == mail_reach.warning([])
    assert "none is set yet" in mail_reach.warning(["olga@acme.example", JOERG])
    outbox.configure(smtp.url, BASE)
    assert "it doesn't" in mail_reach.warning([JOERG])
    smtp.stop()
    assert "it doesn't" in mail_reach.warning([JOERG]), "it answered so a moment ago"
    mail_reach._known.clear()
    assert "couldn't find out" in mail_reach.warning([JOERG])
    assert mail_reach.warning(["olga@münchen.example"]) == "", "a domain goes through every server"


def test_a_sender_at_such_a_domain(smtp: SmtpServer) -> None:
    outbox.configure(f"{smtp.url}?from=rollcall@weiß.example", BASE)
    mail: Mail = sent(queued())
    assert mail.state == "sent"
    [message] = smtp.wait_for(1)
    assert message["From"] == "Rollcall <rollcall@xn--wei-7ka.example>"
    assert message["Message-ID"].endswith("@xn--wei-7ka.example>") and "xn--wei-7ka" in message["List-Id"]
    assert parse_smtp_url("smtp://m?from=Rollcall <a@b.example>").sender == "a@b.example"
    with pytest.raises(ValueError, match="can't come from"):
        parse_smtp_url("smtp://m?from=a b@c.example")
