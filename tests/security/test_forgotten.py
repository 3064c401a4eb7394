"""A forgotten password: the same answer for everyone, links that work once, second factors that still apply."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from sync import vault
from sync.db import utcnow
from sync.jobs import queue
from sync.mail import delivery, outbox
from sync.models import Mail, PasswordRequest, Person, PersonEmail, Session, SignInAttempt
from sync.people import people
from sync.sign_in import forgotten, oidc, sign_in
from sync.workspace import WITHDRAWN, set_setting
from tests.security.factors import with_app
from tests.web.client import Client

BASE = "http://127.0.0.1:8000"
NEW = "quite another horse battery"


@pytest.fixture(autouse=True)
def with_mail(home) -> Iterator[None]:
    outbox.configure("smtp://mail.acme.example", BASE)
    yield
    outbox.configure(None, BASE)


def _ask(browser: Client, email: str):
    return browser.post("/sign-in/password", email=email)


def _links() -> list[str]:
    """Where the links of the e-mails lead, which are nowhere else."""
    queue.drain(("password request",))
    mails = Mail.select().where(Mail.kind == "new password")
    assert not any("/sign-in/password/" in mail.text + mail.html for mail in mails)
    return [vault.unseal(mail.sealed)["link"].removeprefix(BASE) for mail in mails]


def _set(browser: Client, link: str, **changed: str):
    return browser.post(link, **{"password": NEW, "password_again": NEW} | changed)


def test_the_link_sets_a_password_once_and_ends_the_other_sessions(site, anybody: Client, olga: Person):
    elsewhere = Client(site, olga)
    _ask(anybody, "Olga@ACME.example")
    [link] = _links()
    assert vault.unseal(Mail.get().sealed)["person"] == str(olga.id), "it isn't sent to anyone else"
    assert anybody.get(link).status_code == anybody.get(link).status_code == 200, "opening it doesn't use it up"
    done = _set(anybody, link)
    assert done.location == "/" and anybody.get("/settings").status_code == 200
    assert elsewhere.get("/settings").status_code == 303, "signed out"
    assert sign_in.authenticate("olga@acme.example", NEW) == olga
    assert _set(Client(site), link).status_code == 410 and Client(site).get(link).status_code == 410
    assert Mail.select().where(Mail.kind == "sign-in changed").exists(), "the person is notified"


def test_every_address_gets_the_same_answer_and_leaves_the_same_work(anybody: Client, olga: Person):
    known = _ask(anybody, "olga@acme.example")
    before = PasswordRequest.select().count(), SignInAttempt.select().count()
    unknown = _ask(anybody, "eva@acme.example")
    assert (PasswordRequest.select().count(), SignInAttempt.select().count()) == (2, before[1] + 2) and before[0] == 1
    assert unknown.status_code == known.status_code == 200
    words = [re.sub(r'content="[^"]*"|csrf_token" value="[^"]*"|X-CSRFToken": "[^"]*"', "", page.text)
             for page in (known, unknown)]
    assert words[0].replace("olga@acme", "x") == words[1].replace("eva@acme", "x")
    assert len(_links()) == 1 and not PasswordRequest.select().exists()


def test_a_second_factor_is_still_asked_for(site, anybody: Client, olga: Person):
    with_app(olga)
    _ask(anybody, "olga@acme.example")
    [link] = _links()
    done = _set(anybody, link)
    assert done.location.startswith("/sign-in/second-factor") and not Session.select().exists()
    assert anybody.get("/settings").status_code == 303, "not signed in before the second step"


def test_requests_are_limited_for_an_address_and_for_a_source(anybody: Client, olga: Person):
    for email in ("olga@acme.example", "nobody@acme.example"):
        for _ in range(forgotten.FOR_ADDRESS):
            assert _ask(anybody, email).status_code == 200
        refused = _ask(anybody, email.upper())
        assert refused.status_code == 429 and "Too many links were requested" in refused.text
    SignInAttempt.delete().execute()
    answers = [_ask(anybody, f"{number}@x.example").status_code for number in range(forgotten.FOR_SOURCE + 1)]
    assert answers == [200] * forgotten.FOR_SOURCE + [429]


def test_asking_for_links_locks_nobody_out(anybody: Client, olga: Person):
    for _ in range(20):
        _ask(anybody, "olga@acme.example")
    assert sign_in.authenticate("olga@acme.example", "correct horse battery", "127.0.0.1") == olga


def test_a_link_ends_after_half_an_hour_and_with_another_password(anybody: Client, olga: Person, monkeypatch):
    token = forgotten.token_for(olga)
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + forgotten.LASTS + 2)
        assert forgotten.person_of(token) is None
    assert forgotten.person_of(token) == olga
    sign_in.set_password(olga, NEW)
    assert forgotten.person_of(token) is None


def test_links_of_one_kind_are_not_taken_for_the_other(anybody: Client, olga: Person):
    assert forgotten.person_of(sign_in.signed_link(olga)) is None
    assert sign_in.person_of_link(forgotten.token_for(olga)) is None
    for forged in ("x", "x.y.z", forgotten.token_for(olga)[:-2], "%00", "a" * 5000):
        assert anybody.get(f"/sign-in/password/{forged}").status_code in (404, 410)


def test_a_refused_password_changes_nothing(anybody: Client, olga: Person):
    link = f"/sign-in/password/{forgotten.token_for(olga)}"
    assert "passwords don&#39;t match" in _set(anybody, link, password_again="x").text
    assert _set(anybody, link, password="short", password_again="short").status_code == 422
    assert sign_in.authenticate("olga@acme.example", "correct horse battery") == olga


@pytest.mark.parametrize("why", ["left", "no role", "not vouched for", "provider alone"])
def test_nobody_else_gets_a_link(anybody: Client, someone, by, why: str, monkeypatch):
    ben = someone("Ben Roth", None if why == "no role" else "user")
    if why == "left":
        people.mark_left(ben, by)
    if why == "not vouched for":  # an admin has typed it: it doesn't prove that the mailbox is Ben's
        PersonEmail.update(vouched_for=False).where(PersonEmail.person == ben).execute()
    if why == "provider alone":
        oidc.set_setting(oidc.KEPT_AS, {"issuer": "https://id.example", "client_id": "x"})
    assert _ask(anybody, "ben.roth@acme.example").status_code == 200
    assert _links() == [] and not PasswordRequest.select().exists()


def test_without_mail_the_page_names_a_person_to_ask(anybody: Client, olga: Person):
    outbox.configure(None, BASE)
    assert "Ask an Owner of your workspace" in anybody.get("/sign-in/password").text
    assert _ask(anybody, "olga@acme.example").status_code == 422 and not PasswordRequest.select().exists()
    assert "Forgot your password?" in anybody.get("/sign-in").text


def test_while_the_mail_server_refuses_it_is_not_offered(anybody: Client, olga: Person):
    delivery.failed("could not be reached")
    assert "Ask an Owner of your workspace" in anybody.get("/sign-in/password").text


def test_a_link_ends_with_a_restored_backup(olga: Person):
    """The password is the earlier one again, so that a link that was used since would be good once more."""
    token = forgotten.token_for(olga)
    assert forgotten.person_of(token) == olga
    set_setting(WITHDRAWN, (utcnow() + timedelta(seconds=2)).isoformat())
    assert forgotten.person_of(token) is None
