"""The mail server that is entered under Settings: what is refused, and which server gets its password."""

from __future__ import annotations

import json

import pytest

import connectors
from sync.credentials import SecretNeeded
from sync.mail import mail_server, outbox
from sync.mail.mail_server import MailServerProblem
from sync.models import Activity, Mail, Setting
from sync.problems import Problem
from sync.rank import Asker
from tests.real.smtp import PASSWORD, USER

BASE = "https://rollcall.acme.example"
OWNER = Asker.command_line()


@pytest.fixture(autouse=True)
def no_server_afterwards(home):
    outbox.configure(None, BASE)
    connectors.allow_networks(connectors.parse_networks("127.0.0.0/8"))
    yield
    connectors.allow_networks(())
    outbox.configure(None, BASE)


def entered(port: int, **changed: str) -> dict[str, str]:
    values = {"host": "localhost", "port": str(port), "encryption": "none", "user": "", "password": "", "sender": ""}
    return values | changed


def with_starttls(server, monkeypatch, **changed: str) -> dict[str, str]:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca))  # trust the test's authority
    return entered(server.port, encryption="starttls", user=USER, password=PASSWORD) | changed


def test_starttls_and_sign_in_are_tried_before_the_server_is_stored(smtp_starttls, monkeypatch):
    mail_server.save(with_starttls(smtp_starttls, monkeypatch), OWNER)
    stored = json.dumps([row.value for row in Setting.select()])
    assert USER in stored and PASSWORD not in stored, "the password is stored encrypted alone"
    outbox.try_out("olga@acme.example", OWNER)
    [message] = smtp_starttls.wait_for(1)
    assert message["From"] == f"Rollcall <{USER}>" and smtp_starttls.with_starttls == [True]
    assert Activity.get(Activity.what == "sent test mail").about == "olga@acme.example"


def test_tls_from_the_first_byte(smtps, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(smtps.ca))
    mail_server.save(entered(smtps.port, encryption="tls", sender="rollcall@acme.example"), OWNER)
    mail = outbox.test_mail("olga@acme.example")
    outbox.run(mail.id)
    assert Mail.get_by_id(mail.id).state == "sent" and smtps.wait_for(1)


def test_a_wrong_password_is_refused_with_what_to_fix(smtp_starttls, monkeypatch):
    with pytest.raises(MailServerProblem, match="refused the sign-in.*Check the user and the password") as refusal:
        mail_server.save(with_starttls(smtp_starttls, monkeypatch, password="wrong"), OWNER)
    assert "Nothing was changed" in str(refusal.value) and mail_server.entered() is None


def test_a_certificate_that_isnt_trusted_is_refused(smtp_starttls):
    values = entered(smtp_starttls.port, encryption="starttls", user=USER, password=PASSWORD)
    with pytest.raises(MailServerProblem, match="certificate of localhost was not accepted"):
        mail_server.save(values, OWNER)


def test_a_stored_password_goes_only_to_the_server_it_was_entered_for(smtp_starttls, smtp, monkeypatch):
    values = with_starttls(smtp_starttls, monkeypatch)
    mail_server.save(values, OWNER)
    mail_server.save(values | {"password": "", "sender": "it@acme.example"}, OWNER)
    assert mail_server.current().password == PASSWORD and mail_server.current().sender == "it@acme.example"
    for elsewhere in ({"host": "127.0.0.1"}, {"port": str(smtp.port)}, {"encryption": "none"}, {"user": "eve"}):
        with pytest.raises(SecretNeeded):
            mail_server.save(values | {"password": ""} | elsewhere, OWNER)
    mail_server.save(entered(smtp.port), OWNER)
    assert mail_server.current().password == "", "no user, no password"


@pytest.mark.parametrize("wrong", [
    {"host": ""}, {"host": "smtp://mail.example"}, {"host": "mail.example:25"}, {"host": "user@mail.example"},
    {"host": "mail.example\r\nRCPT TO:<eve@x.example>"}, {"host": "mail example"}, {"host": "a" * 300}, {"host": "-x"},
    {"port": "0"}, {"port": "65536"}, {"port": "25 "*9}, {"port": "٣"}, {"port": ""}, {"encryption": "rot13"},
    {"user": "eve", "password": ""}, {"user": "", "password": "secret"}, {"user": "e\0ve", "password": "x"},
    {"user": "eve", "password": "x\r\nDATA"}, {"user": "eve", "password": "pässword"},
    {"sender": "no address"}, {"sender": "a@b.example\r\nBcc: eve@x.example"}, {"sender": "a@b.example, c@d.example"},
])  # fmt: skip
def test_hostile_values_are_refused_before_anything_is_sent(smtp, wrong):
    with pytest.raises(Problem, match="Nothing was changed|Nothing was sent"):
        mail_server.save(entered(smtp.port) | wrong, OWNER)
    assert mail_server.entered() is None


def test_no_password_crosses_a_network_unencrypted():
    with pytest.raises(MailServerProblem, match="Without encryption"):
        mail_server.save(entered(25, host="mail.acme.example", user="u", password="p"), OWNER)


def test_this_machine_and_private_networks_follow_the_rules_of_every_address(smtp):
    connectors.allow_networks(())
    with pytest.raises(MailServerProblem, match="leads to this machine itself"):
        mail_server.save(entered(smtp.port), OWNER)
    with pytest.raises(MailServerProblem, match="private network"):
        mail_server.save(entered(25, host="10.1.2.3"), OWNER)
    with pytest.raises(MailServerProblem, match="never connects to"):
        mail_server.save(entered(25, host="169.254.169.254"), OWNER)


def test_a_stored_server_is_checked_at_each_mail(smtp):
    mail_server.save(entered(smtp.port, sender="it@acme.example"), OWNER)
    connectors.allow_networks(())
    mail = outbox.test_mail("olga@acme.example")
    outbox.run(mail.id)
    assert "leads to this machine itself" in Mail.get_by_id(mail.id).error and not smtp.messages


def test_the_environment_wins(smtp):
    mail_server.save(entered(smtp.port, sender="it@acme.example"), OWNER)
    outbox.configure("smtp://mail.acme.example", BASE)
    assert mail_server.current().host == "mail.acme.example"
    with pytest.raises(MailServerProblem, match="ROLLCALL_SMTP_URL is set, and takes"):
        mail_server.save(entered(smtp.port), OWNER)


def test_removed_means_that_mails_wait(smtp):
    mail_server.save(entered(smtp.port, sender="it@acme.example"), OWNER)
    assert outbox.can_send()
    mail_server.remove(OWNER)
    assert not outbox.can_send() and mail_server.current() is None


def test_a_one_time_link_is_only_in_the_mail_itself(smtp):
    from sync.mail.letters import SEALED_LINK, Sentence

    [mail] = outbox.put(["ann@acme.example"], "test", "k", template="test", subject=Sentence("Hello"), link=SEALED_LINK,
                        secret_link="https://r.example/sign-in/tok3n")
    assert "tok3n" not in mail.text + mail.html and b"tok3n" not in bytes(mail.sealed)
    mail_server.save(entered(smtp.port, sender="it@acme.example"), OWNER)
    outbox.run(mail.id)
    [message] = smtp.wait_for(1)
    assert "https://r.example/sign-in/tok3n" in message.get_body(("plain",)).get_content()
    assert 'href="https://r.example/sign-in/tok3n"' in message.get_body(("html",)).get_content()
    assert Mail.get_by_id(mail.id).sealed is None, "gone once it was sent"
