"""People get an e-mail when their sign-in changes: what changed, by whom, and what to do if it wasn't them.
Also at the address that was taken away."""

from __future__ import annotations

import pytest

from sync.models import Mail, Person
from sync.people import people
from sync.rank import Asker
from sync.sign_in import sign_in
from tests.security.factors import PASSWORD
from tests.sync.scripted import Scripted
from tests.web.client import Client

CHANGED = "sign-in changed"


def mails_by_address() -> dict[str, str]:
    """The text of each e-mail by its address; clears the list."""
    mails = {mail.to: mail.text for mail in Mail.select().where(Mail.kind == CHANGED)}
    Mail.delete().execute()
    return mails


@pytest.fixture
def ben(someone) -> Person:
    return someone("Ben Roth", "admin")


def test_a_password(owner: Client, olga: Person, ben: Person):
    owner.send("PUT", f"/people/{ben.id}/password", password="quite another horse battery")
    [(to, text)] = mails_by_address().items()
    assert to == "ben.roth@acme.example" and "password was changed" in text and "By Olga Brandt" in text
    assert "If not, change your password" in text and "/settings/your-sign-in" in text
    assert "quite another horse" not in text
    owner.send("PUT", "/settings/password", current=PASSWORD, password="yet another horse battery",
               password_again="yet another horse battery")
    assert list(mails_by_address()) == ["olga@acme.example"]


def test_a_link_that_someone_else_makes(owner: Client, by, ben: Person, olga: Person):
    """It signs in as the person, like a new password, but changes nothing that they would notice."""
    owner.post(f"/people/{ben.id}/sign-in-links")
    assert not mails_by_address(), "to someone who has no other way to sign in, it is no news"
    sign_in.set_password(ben, PASSWORD)
    owner.post(f"/people/{ben.id}/sign-in-links")
    text = mails_by_address()["ben.roth@acme.example"]
    assert "A one-time link was made that signs in as you." in text and "By Olga Brandt" in text
    owner.post(f"/people/{olga.id}/sign-in-links")
    assert not mails_by_address(), "one's own"


def test_a_role_and_its_loss(owner: Client, ben: Person):
    owner.send("PUT", f"/people/{ben.id}/workspace-role", role="user")
    assert "Your role in Rollcall is now user. Before, it was admin." in mails_by_address()["ben.roth@acme.example"]
    owner.send("PUT", f"/people/{ben.id}/workspace-role", role="user")
    assert not mails_by_address(), "nothing changed"
    owner.send("PUT", f"/people/{ben.id}/workspace-role", role="")
    assert "may no longer sign in" in mails_by_address()["ben.roth@acme.example"]


def test_addresses_show_the_old_and_the_new_one(owner: Client, ben: Person):
    owner.send("PATCH", f"/people/{ben.id}", name="Ben Roth", emails="mallory@evil.example")
    mails = mails_by_address()
    assert set(mails) == {"ben.roth@acme.example", "mallory@evil.example"}
    for text in mails.values():
        assert "are now mallory@evil.example. Before, they were ben.roth@acme.example." in text


def test_another_main_address_is_reported_too(owner: Client, ben: Person):
    owner.send("PATCH", f"/people/{ben.id}", name="Ben", emails="ben.roth@acme.example\nben@acme.example")
    assert set(mails_by_address()) == {"ben.roth@acme.example", "ben@acme.example"}
    owner.send("PATCH", f"/people/{ben.id}", name="Ben", emails="ben@acme.example\nben.roth@acme.example")
    assert set(mails_by_address()) == {"ben.roth@acme.example", "ben@acme.example"}
    owner.send("PATCH", f"/people/{ben.id}", name="Benjamin", emails="ben@acme.example\nben.roth@acme.example")
    assert not mails_by_address(), "a name is no way to sign in"


def test_a_person_who_cannot_sign_in_gets_no_e_mail(owner: Client, someone):
    tom = someone("Tom Okafor")
    owner.send("PATCH", f"/people/{tom.id}", name="Tom", emails="t@acme.example")
    assert not mails_by_address()


def test_a_directory_that_adds_an_address(okta, ben: Person):
    user = okta.add("ben.roth@acme.example", displayName="Ben Roth")
    mails_by_address()
    okta.patch(f"/Users/{user}", {"op": "add", "path": "emails", "value": [
        {"value": "ben.roth@acme.example", "type": "work", "primary": True},
        {"value": "mallory@evil.example", "type": "other"}]})  # fmt: skip
    mails = mails_by_address()
    assert {"ben.roth@acme.example", "mallory@evil.example"} <= set(mails)
    assert "By Okta" in mails["ben.roth@acme.example"]


def test_a_list_that_another_directory_goes_before(scripted, ben: Person, by: str):
    hr = Scripted("HR")
    for number in range(8):
        hr.add(f"h{number}", f"p{number}@acme.example", f"Person {number}")
    hr.add("ben", "ben.roth@acme.example", "Ben Roth")
    hr.read()
    mails_by_address()
    hr.say("ben", email="ben@acme.example")
    hr.read()
    mails = mails_by_address()
    assert set(mails) == {"ben.roth@acme.example", "ben@acme.example"}
    assert "are now ben@acme.example, ben.roth@acme.example" in mails["ben@acme.example"]


def test_a_change_that_was_rolled_back_is_not_reported(ben: Person, by: str, someone):
    someone("Tom Okafor")
    with pytest.raises(people.PeopleProblem):
        people.edit(ben, by, emails=["tom.okafor@acme.example"])
    assert not mails_by_address()


def test_the_way_in_by_the_set_up_link_is_reported(olga: Person, by: str):
    people.set_workspace_role(people.add("Ann", "ann@acme.example", by), "owner", by)
    mails_by_address()
    for owner in Person.select().where(Person.workspace_role == "owner"):
        Person.update(status="suspended").where(Person.id == owner.id).execute()
    page = Asker.command_line("set-up page")
    sign_in.set_up("Acme", "olga@acme.example", "Olga Brandt", "quite another horse battery", page)
    assert "set-up link" in mails_by_address()["olga@acme.example"]
