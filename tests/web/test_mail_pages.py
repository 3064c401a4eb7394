"""The mail server on the Settings page, the banner while nobody gets e-mail, and e-mails that wait, to be read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.mail import delivery, mail_server, outbox
from sync.mail.letters import SEALED_LINK, Sentence, name_in_line
from sync.models import Mail, Person
from sync.rank import Asker
from tests.web.client import Client

BASE = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def no_server_afterwards(home) -> Iterator[None]:
    yield
    outbox.configure(None, BASE)


def test_a_refused_form_keeps_the_entered_values(owner: Client):
    entered = {"host": "smtp.acme.example:587", "port": "587", "encryption": "tls", "user": "it", "password": "hunter2"}
    answer = owner.send("PUT", "/settings/mail-server", **entered)
    assert answer.status_code == 422 and "server&#39;s name alone" in answer.text
    assert "Nothing was changed" in answer.text
    assert 'value="smtp.acme.example:587"' in answer.text and 'value="it"' in answer.text
    assert "hunter2" not in answer.text and mail_server.entered() is None


def test_the_environment_wins_and_the_page_says_so(owner: Client):
    outbox.configure("smtp+starttls://u:hunter2@mail.acme.example", BASE)
    page = owner.get("/settings").text
    assert "takes precedence over this page" in page and "mail.acme.example:587" in page
    assert "hunter2" not in page and 'name="host"' not in page


def test_a_test_mail_says_who_refused_it_and_what_to_fix(owner: Client):
    outbox.configure("smtp://127.0.0.1:9?from=it@acme.example", BASE)
    answer = owner.post("/settings/test-mails")
    assert answer.status_code == 422 and "127.0.0.1:9 could not be reached: Connection refused. Check" in answer.text
    assert "Check the name, the port" in answer.text and not Mail.select().exists()


def test_owners_see_that_nobody_gets_mail(site, owner: Client, someone):
    assert "Nobody gets e-mail yet" in owner.get("/people").text
    assert "Nobody gets e-mail yet" not in Client(site, someone("Ada Admin", "admin")).get("/people").text
    outbox.configure("smtp://mail.acme.example", BASE)
    assert "Nobody gets e-mail yet" not in owner.get("/people").text


def test_a_waiting_mail_can_be_read_without_its_link(owner: Client):
    [mail] = outbox.put(["ann@acme.example"], "test", "k", template="test", link=SEALED_LINK,
                        subject=Sentence(f"Hello {name_in_line('ann.example')}"), secret_link="https://r.example/tok3n")
    assert f"/activity/mails/{mail.id}" in owner.get("/activity").text
    page = owner.get(f"/activity/mails/{mail.id}").text
    assert "E-mail from Rollcall reaches you" in page and "one-time link, only in the e-mail itself" in page
    assert "tok3n" not in page and page.count("Hello ann.example") == 3  # title, heading, text: to be copied


def test_an_e_mail_of_an_app_is_read_by_those_who_see_the_app(site, chat, olga: Person, someone):
    admin = Client(site, someone("Ada Admin", "admin"))
    [mail] = outbox.put(["ann@acme.example"], "test", "k", template="test", subject=Sentence("Hello Ann"), link=BASE,
                        app=chat.app)
    assert admin.get(f"/activity/mails/{mail.id}").status_code == 404
    assert "Hello Ann" not in admin.get("/activity").text
    assert "Hello Ann" in Client(site, olga).get(f"/activity/mails/{mail.id}").text
    Mail.update(state="sent").execute()
    assert Client(site, olga).get(f"/activity/mails/{mail.id}").status_code == 404, "one that was sent"


def test_removing_the_server_is_for_those_who_run_the_workspace(owner: Client):
    mail_server.set_setting(mail_server.KEPT_AS, {"host": "m.example", "port": 25, "encryption": "none", "user": "",
                                                  "sender": "a@b.example", "password": "",
                                                  "private_network_approver": None})
    assert "Remove the mail server" in owner.get("/settings").text
    owner.send("DELETE", "/settings/mail-server")
    assert mail_server.entered() is None
    mail_server.remove(Asker.command_line())  # a second click


def test_owners_see_that_mail_keeps_failing_why_and_what_to_do(site, owner: Client, someone):
    outbox.configure("smtp://mail.acme.example", BASE)
    delivery.failed("mail.acme.example refused the sign-in of it: 535 no. Check the user and the password.")
    assert 'id="no-mail"' not in owner.get("/people").text, "once may be a server that accepts it minutes later"
    assert "E-mails can&#39;t be sent" in owner.get("/settings").text, "no green state"
    delivery.failed("mail.acme.example refused the sign-in of it: 535 no. Check the user and the password.")
    outbox.test_mail("ann@acme.example")
    page = owner.get("/people").text
    assert "Nobody gets e-mail at the moment" in page and "1 e-mail waits in the outbox" in page
    assert "Check the user and the password" in page and "/settings#h-mail" in page
    assert 'id="no-mail"' not in Client(site, someone("Ada Admin", "admin")).get("/people").text
    delivery.succeeded()
    assert 'id="no-mail"' not in owner.get("/people").text
    assert "A mail server is set" in owner.get("/settings").text


def test_only_an_owner_sets_the_mail_server_because_links_that_sign_owners_in_leave_through_it(site, someone, owner):
    super_admin = Client(site, someone("Sol Super", "super admin"))
    entered = {"host": "mail.evil.example", "port": "587", "encryption": "starttls"}
    assert super_admin.send("PUT", "/settings/mail-server", **entered).status_code == 403
    assert super_admin.send("DELETE", "/settings/mail-server").status_code == 403
    page = super_admin.get("/settings").text
    assert 'name="host"' not in page and "Only an Owner of the workspace can change the mail server" in page
    assert 'name="host"' in owner.get("/settings").text
    assert super_admin.post("/settings/test-mails").status_code == 303, "to themselves"
