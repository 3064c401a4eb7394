"""A right refused to someone who is signed in: each time in the log for fail2ban, once with a count in Activity."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from cli.serve import LOG_FORMAT
from sync import activity, vault
from sync.apps import apps
from sync.db import db, utcnow
from sync.directory import waiting_files
from sync.models import Account, Activity, App, Person, WaitingFile
from sync.people import people
from sync.sign_in import refusals
from tests.database import ON_FILE
from tests.web.client import Client
from web.permissions import WORKSPACE_ROLES

FILTER = Path(__file__).resolve().parents[2] / "docs" / "proxy.md"
HOST = r"(?P<host>[0-9a-fA-F:.]+)"  # what fail2ban puts in place of <HOST>, without names


@pytest.fixture(autouse=True)
def nothing_before() -> Iterator[None]:
    refusals._further.clear()
    yield
    refusals._further.clear()


@pytest.fixture
def jana(site: Flask, someone) -> Person:
    return someone(role="user")


@pytest.fixture
def app(olga: Person) -> App:
    return App.create(connector="scim", name="Payroll", category="Seat-based", state="active", settings={})


def entries() -> list[Activity]:
    return list(Activity.select().where(Activity.what == "refused a right").order_by(Activity.id))


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    formatter = logging.Formatter(LOG_FORMAT)
    return [formatter.format(record) for record in caplog.records if record.name == "rollcall.security"]


def test_a_role_that_isnt_enough(site: Flask, jana: Person):
    assert Client(site, jana).get("/directories?secret=xyzzy").status_code == 403
    [entry] = entries()
    assert entry.about == "Jana Kowalski <jana.kowalski@acme.example>" and entry.person_id == jana.id
    assert "GET /directories, from 127.0.0.1" in entry.why and "xyzzy" not in entry.why


def test_an_app_that_isnt_theirs_is_distinguished_from_one_that_isnt_there(site: Flask, jana: Person, app: App):
    browser = Client(site, jana)
    assert browser.get(f"/apps/{app.id}").status_code == 404
    assert browser.get("/apps/4711").status_code == 404
    [entry] = entries()
    assert entry.app_id == app.id and refusals.NOT_THEIRS in entry.why


def test_a_collaborator_who_acts_as_an_owner(site: Flask, jana: Person, app: App, by: str):
    apps.set_manager(app, jana, "collaborator", by)
    assert Client(site, jana).send("DELETE", f"/apps/{app.id}/pause").status_code == 403
    [entry] = entries()
    assert "DELETE /apps/<int:app_id>/pause" in entry.why


def test_many_refusals_are_two_entries_and_each_a_line(site: Flask, jana: Person, caplog):
    caplog.set_level(logging.WARNING, "rollcall.security")
    browser = Client(site, jana)
    for _ in range(50):
        browser.get("/directories")
    assert len(entries()) == 1 and len(lines(caplog)) == 50
    refusals.record_further(utcnow())
    assert len(entries()) == 1, "not before the quarter of an hour is over"
    refusals.record_further(utcnow() + timedelta(minutes=16))
    assert "49 more within 15 minutes" in entries()[1].why and len(entries()) == 2
    assert activity.verify().ok
    browser.get("/directories")
    assert len(entries()) == 3


@ON_FILE
def test_a_refusal_that_cant_be_written_down_is_still_one(site: Flask, jana: Person, caplog):
    """The file can't be written, or the person was deleted before the count of the further ones was written."""
    browser = Client(site, jana)
    db.execute_sql("CREATE TEMP TRIGGER broken BEFORE INSERT ON activity BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert [browser.get("/directories").status_code for _ in range(2)] == [403, 403]
    refusals.record_further(utcnow() + timedelta(minutes=16))
    assert not entries() and caplog.text.count("not in Activity") == 2


def test_people_and_kinds_are_counted_apart(site: Flask, jana: Person, someone, app: App):
    other = someone("Luis Ortega", role="user")
    for person in (jana, other):
        browser = Client(site, person)
        for _ in range(3):
            browser.get("/directories")
            browser.get(f"/apps/{app.id}")
    assert sorted((entry.person_id, refusals.NOT_THEIRS in entry.why) for entry in entries()) == [
        (jana.id, False), (jana.id, True), (other.id, False), (other.id, True)]  # fmt: skip


def test_nobody_signed_in_is_nobody_refused(anybody: Client, olga: Person, app: App):
    anybody.get("/directories")
    anybody.get(f"/apps/{app.id}")
    assert not entries()


def test_fail2bans_filter_of_the_docs_finds_each_line(site: Flask, jana: Person, app: App, okta, anybody, caplog):
    caplog.set_level(logging.WARNING, "rollcall.security")
    anybody.post("/session", email="olga@acme.example", password="wrong")
    okta.token = "wrong"
    okta.call("GET", "/Users")
    browser = Client(site, jana)
    browser.get("/directories")
    browser.get(f"/apps/{app.id}")
    found = re.search(r"failregex = (.+?)\n```", FILTER.read_text(), re.DOTALL)[1]
    patterns = [line.strip().replace("<HOST>", HOST) for line in found.splitlines()]
    real = lines(caplog)
    assert len(real) == 4
    for line in real:
        hosts = [match["host"] for pattern in patterns if (match := re.search(pattern, line))]
        assert hosts == ["127.0.0.1"], line
    for line in re.findall(r"^\d{4}-.*rollcall\.security.*$", FILTER.read_text(), re.MULTILINE):
        assert "locked out" in line or any(re.search(pattern, line) for pattern in patterns), line


@pytest.mark.parametrize("role", WORKSPACE_ROLES)
def test_guests_are_suggested_nobody(site: Flask, olga: Person, app: App, someone, by: str, role: str):
    person = olga if role == "owner" else someone(role=role)
    if role != "owner":
        apps.set_manager(app, person, "owner", by)
    people.add("Pia Personal", "pia@acme.example", by)
    shown = Client(site, person).get(f"/apps/{app.id}/people/suggestions?owner=pia").text
    assert ("pia@acme.example" in shown) is (role != "guest")


@pytest.mark.parametrize("role", ["user", "guest"])
def test_a_number_tells_no_guest_whose_it_is(site: Flask, app: App, someone, by: str, role: str):
    """The Owner of an app names people by their addresses. A guest who counts up numbers learns nobody's name."""
    owner, pia = someone(role=role), people.add("Pia Personal", "pia@acme.example", by)
    apps.set_manager(app, owner, "owner", by)
    account = Account.create(app=app, external_id="1", name="Sam")
    browser, here = Client(site, owner), f"/apps/{app.id}"
    for method, address, given in (
        ("PUT", f"{here}/people/{pia.id}", {"manages_as": "collaborator"}), ("DELETE", f"{here}/people/{pia.id}", {}),
    ):  # fmt: skip
        answer = browser.send(method, address, **given)
        assert answer.status_code == 404 and "Pia" not in browser.get(here).text
    browser.send("PUT", f"{here}/members/{account.id}/match", kind="person", chosen=f"person {pia.id}")
    assert (Account.get().person == pia) is (role == "user")
    browser.send("POST", f"{here}/people", email=f"person {pia.id}", manages_as="collaborator")
    assert ("Pia" in browser.get(here).text) is (role == "user")


def test_a_file_that_waits_in_an_app_that_is_no_longer_theirs(site: Flask, jana: Person, app: App, by: str):
    file = WaitingFile.create(purpose=waiting_files.EXPORT, person=jana, app=app, sealed=vault.seal({}))
    assert Client(site, jana).get(f"/files/{file.id}").status_code == 404
    [entry] = entries()
    assert entry.app_id == app.id and refusals.NOT_THEIRS in entry.why
