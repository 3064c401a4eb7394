"""The incidents that others had with identity providers that push, re-enacted and named after their rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.config import Config
from sync.directory import directories
from sync.models import Person, PersonEmail
from sync.people import people
from tests.asking import MACHINE
from tests.web.provider import ENTERPRISE, USER, Provider, problem
from tests.web.site import pages_over


@pytest.fixture
def entra(home: Path, config: Config, olga: Person) -> Provider:
    return Provider(pages_over(config), "Entra ID")


def status(email: str) -> str:
    return people.find_by_email(email).status


def test_entra_patch(entra):
    """ssoready issue 228, laravel-scim-server 34 and 119, SCIM-SDK 416 and 668: refused, or other e-mails wiped."""
    user = entra.add("ana@acme.example", emails=[{"type": "home", "value": "ana@home.example"}])
    after = entra.patch(
        f"/Users/{user}",
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "ana.b@acme.example"},
        {"op": "Add", "path": 'emails[type eq "other"].value', "value": "ana@other.example"},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Sales"},
        {"op": "Replace", "path": "active", "value": "True"},
    )
    body = {(email["type"], email["value"]) for email in after["emails"]}
    assert body == {("home", "ana@home.example"), ("work", "ana.b@acme.example"), ("other", "ana@other.example")}
    known = {email.email for email in PersonEmail.select().where(PersonEmail.person == entra.person(user))}
    assert known == {"ana@acme.example", *(email for _, email in body)}


def test_user_name_changed_case(entra):
    """PostHog PR 42253: the answer gave userName in lower case, and Okta's tests failed."""
    user = entra.add("Ana.Brandt@Acme.example")
    assert entra.get(f"/Users/{user}")["userName"] == "Ana.Brandt@Acme.example"
    assert entra.get("/Users", filter='userName eq "ANA.BRANDT@acme.EXAMPLE"')["totalResults"] == 1
    after = entra.patch(f"/Users/{user}", {"op": "Replace", "path": "userName", "value": "ana.brandt@acme.example"})
    assert after["userName"] == "ana.brandt@acme.example"


def test_case_of_e_mail(entra):
    """langfuse PR 13528, ory/polis PR 4065: Ana@ and ana@ were two; an e-mail was held unique, not userName."""
    known = people.add("Ana", "ana@acme.example", MACHINE)
    user = entra.add("ana.b", emails=[{"value": "ANA@Acme.example"}])
    assert entra.person(user) == known and Person.select().where(Person.name == "Ana").count() == 1
    answer = entra.call("POST", "/Users", {"schemas": [USER], "userName": "ANA.B"})
    assert problem(answer) == (409, "uniqueness")
    second = entra.add("ana.admin", emails=[{"value": "ana@acme.example"}])
    assert second != user, "an e-mail need not be unique"


def test_recreated(entra):
    """Budibase issue 17628: disconnected and connected again, everyone got a new identity."""
    user = entra.add("ana@acme.example", externalId="1")
    person = entra.person(user)
    directories.remove(entra.directory, MACHINE)
    assert status("ana@acme.example") == "active"
    again = Provider(entra.client.application, "Entra ID")
    assert again.person(again.add("ana@acme.example", externalId="1")) == person


def test_reactivated(entra):
    """Rocket.Chat issue 17561: the next sync reactivated people who had been deactivated by hand."""
    user = entra.add("ana@acme.example")
    people.mark_left(entra.person(user), MACHINE, "Last day was Friday")
    entra.patch(f"/Users/{user}", {"op": "Replace", "path": "title", "value": "Lead"})
    entra.call("PUT", f"/Users/{user}", entra.get(f"/Users/{user}") | {"displayName": "Ana B", "active": True})
    assert status("ana@acme.example") == "deprovisioned"


def test_still_valid(entra):
    """zammad issue 1211: who was deleted in the directory stayed active for ever."""
    entra.add("bo@acme.example")
    user = entra.add("ana@acme.example")
    assert entra.call("DELETE", f"/Users/{user}").status_code == 204
    assert status("ana@acme.example") == "deprovisioned"


def test_unguarded_small(entra):
    """Okta's import safeguard begins at 100 users: here even ten people can't all leave in one day without approval."""
    users = [entra.add(f"p{number}@acme.example") for number in range(10)]
    for user in users:
        entra.call("DELETE", f"/Users/{user}")
    assert Person.select().where(Person.status == "deprovisioned").count() == 0
    assert len(directories.held(entra.directory)) == 10
