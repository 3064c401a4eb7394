"""Which e-mails are in the outbox, once each, and who may read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.mail import outbox
from sync.mail.letters import Sentence
from sync.models import Activity, App, Mail, Person, PersonEmail


def put(*to: str) -> list[str]:
    queued = outbox.put(list(to), "test", "news", template="test", link="", subject=Sentence("News"))
    return [mail.to for mail in queued]


def test_news_is_put_once_for_each_address_whatever_became_of_it(home):
    assert put("ann@acme.example", "ben@acme.example") == ["ann@acme.example", "ben@acme.example"]
    for state in ("queued", "sending", "sent", "failed"):
        Mail.update(state=state).execute()
        assert put("ann@acme.example", "cy@acme.example") == (["cy@acme.example"] if state == "queued" else [])


def test_an_email_that_is_about_no_app_is_read_by_all_who_read_any(home):
    app = App.create(connector="none", name="App", category="Seat-based")
    of_app, of_none = Mail(app=app, state="queued"), Mail(app=None, state="queued")
    assert outbox.may_read(of_app, None) and outbox.may_read(of_app, {app.id})
    assert not outbox.may_read(of_app, {app.id + 1})
    assert outbox.may_read(of_none, set()) and not outbox.may_read(Mail(app=None, state="sent"), None)


@pytest.mark.parametrize(("kind", "role", "status", "is_sent"), [
    ("report", "admin", "active", True), ("report", "admin", "suspended", False), ("report", None, "active", False),
    ("invitation", None, "active", True), ("invitation", None, "deprovisioned", False),
    ("invitation", None, "suspended", False),
    ("sign-in changed", "admin", "suspended", True),
])  # fmt: skip
def test_an_email_that_waited_is_sent_only_to_someone_who_may_still_get_it(home, kind, role, status, is_sent):
    ann = Person.create(name="Ann", workspace_role=role, status=status)
    PersonEmail.create(person=ann, email="Ann@acme.example", email_key="ann@acme.example", main=True)
    put("ann@acme.example", "ben@acme.example")
    Mail.update(kind=kind).execute()
    outbox.configure("smtp://127.0.0.1:1", "http://127.0.0.1:8000")
    try:
        for mail in list(Mail.select()):
            outbox.run(mail.id)
    finally:
        outbox.configure(None, "http://127.0.0.1:8000")
    of_ann, of_ben = Mail.select().order_by(Mail.to)
    assert (of_ben.state, of_ann.state) == ("queued", "queued" if is_sent else "failed"), "nothing answers there"
    assert is_sent or of_ann.error.startswith("Ann ") and of_ann.error.endswith("It was not sent.")


@pytest.mark.parametrize(("holder", "error"), [
    ("Ann", "127.0.0.1:1 could not be reached"), ("Ben", "signs in someone else, but Ben has this address"),
    (None, "nobody has this address now"),
])  # fmt: skip
def test_a_link_that_signs_in_is_sent_only_while_its_person_has_the_address(home, holder, error):
    ann, ben = (Person.create(name=name, workspace_role="admin") for name in ("Ann", "Ben"))
    outbox.put(["ann@acme.example"], "colleague", "c", template="test", subject=Sentence("Your access"), link="",
               secret_link="https://rollcall.example/1", signs_in=ann)  # fmt: skip
    if holder:
        PersonEmail.create(person=ann if holder == "Ann" else ben, email="ann@acme.example",
                           email_key="ann@acme.example", main=True)  # fmt: skip
    outbox.configure("smtp://127.0.0.1:1", "http://127.0.0.1:8000")
    try:
        outbox.run(Mail.get().id)
    finally:
        outbox.configure(None, "http://127.0.0.1:8000")
    mail = Mail.get()
    assert error in mail.error
    assert (mail.state, mail.sealed is None) == (("queued", False) if holder == "Ann" else ("failed", True))


def test_an_e_mail_whose_link_cannot_be_decrypted_fails_with_that_reason(home):
    put("ann@acme.example")
    Mail.update(sealed=b"by another key").execute()
    outbox.configure("smtp://127.0.0.1:1", "http://127.0.0.1:8000")
    try:
        outbox.run(Mail.get().id)
    finally:
        outbox.configure(None, "http://127.0.0.1:8000")
    assert Mail.get().state == "failed" and "secret.key isn't the one it was stored with" in Mail.get().error


def test_failures_are_counted_since_a_time(home):
    put("ann@acme.example", "ben@acme.example", "cy@acme.example")
    for to, state, age in (("ann", "failed", 3), ("ben", "failed", 1), ("cy", "failed", 1)):
        Mail.update(state=state, created_at=utcnow() - timedelta(days=age)).where(Mail.to.startswith(to)).execute()
    assert outbox.count_failed(utcnow() - timedelta(days=2)) == 2


def test_a_worker_that_lost_the_email_to_another_writes_nothing_about_it(home):
    [mail] = outbox.put(["ann@acme.example"], "test", "news", template="test", link="", subject=Sentence("News"))
    Mail.update(state="sending", lease_owner="elsewhere:1:abc", lease_until=utcnow() + timedelta(minutes=5)).execute()
    before = Activity.select().count()
    outbox._fail(Mail.get_by_id(mail.id), "No answer.")
    assert (Mail.get().state, Mail.get().error, Activity.select().count()) == ("sending", None, before)
