"""Names from anywhere: one line, not without end, and nothing in them that reverses the text around them."""

from __future__ import annotations

import pytest

from connectors.base import Identity
from connectors.identity import LONGEST, MOST
from connectors.names import LONGEST_NAME, clean_name
from sync.apps import apps
from sync.directory import push
from sync.directory.naming import DirectoryProblem
from sync.models import Account, Activity, App, Directory, Person
from sync.people import importing, people
from tests.web.client import Client

TURNED = "Ana \u202egnp.exe\u202c Lo\u200bpez\u2066"
STEERING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff\x00\x1b\x7f\u2028\n"


@pytest.mark.parametrize(("given", "name"), [
    ("Ana Lopez", "Ana Lopez"), ("  Ana \t Lopez\n", "Ana Lopez"), (TURNED, "Ana gnp.exe Lopez"),
    ("Ana\x00Lopez\x1b[31m", "Ana Lopez [31m"), ("a\ud800b", "ab"), ("a" * 100_000, "a" * LONGEST_NAME),
    ("\u202e", ""), ("Zoë \u05d3\u05d5\u05d3", "Zoë \u05d3\u05d5\u05d3"),
    ("\u0645\u06cc\u200c\u0631\u0648", "\u0645\u06cc\u200c\u0631\u0648"), ("a\u2028b\u2029c", "a b c"),
])  # fmt: skip
def test_a_name_is_cleaned(given: str, name: str):
    assert clean_name(given) == Identity(given).name == name


def test_a_name_by_a_page_by_a_list_and_by_a_push(owner: Client, by: str, okta):
    person = people.add(f"Eva{STEERING}Berg", "eva@acme.example", by)
    people.edit(person, by, name=TURNED)
    importing.import_csv(f"email,name\nben@acme.example,{TURNED}\n".encode(), by)
    okta.add("pia@acme.example", displayName=TURNED)
    names = {one.name for one in Person.select() if one.name != "Olga Brandt"}
    assert names == {"Ana gnp.exe Lopez"}
    assert not set(owner.get("/people").text) & set(STEERING.replace("\n", ""))


def test_a_name_that_an_app_shows(chat, owner: Client):
    chat.store.add("kim@freelance.example", TURNED, "guest", via="page")
    chat.check()
    assert Account.get(Account.email == "kim@freelance.example").name == "Ana gnp.exe Lopez"


def test_an_address_of_300_characters_is_none(by: str):
    with pytest.raises(people.PeopleProblem, match="longer than 254"):
        people.add("Long", "a" * 300 + "@acme.example", by)


@pytest.mark.parametrize("name", [
    "Olga Brandt", "olga \u202ebrandt", "Olga Brandt <olga@acme.example>", "Command line", "ROLLCALL",
])  # fmt: skip
def test_a_directory_is_never_named_like_a_person_or_a_program(owner: Client, by: str, name: str):
    """An admin's own directory would write entries that read as an Owner's."""
    with pytest.raises(DirectoryProblem, match="can't be called"):
        push.connect(name, by)
    assert not Directory.select().exists()


def test_a_directory_is_never_shown_as_someone_who_joins_with_its_name(owner: Client, okta, by: str):
    okta.add("ana@acme.example")
    people.add("Okta", "o.kta@acme.example", by)
    push.note_refused(okta.directory, "The user has no address.")
    assert Activity.get(Activity.what == "directory needs a look").who == "Okta (directory)"
    assert "Okta (directory)" in owner.get("/activity").text


def test_a_name_that_someone_gives_an_app_is_cleaned(chat):
    apps.rename(chat.app, TURNED, chat.by)
    assert App.get_by_id(chat.app.id).name == "Ana gnp.exe Lopez"


def test_an_app_says_at_most_so_much_about_its_credential():
    flood = Identity("Bot", "7" * 10**6, may=("read",) * 10**5, missing=("read\u202e roles: " + "x" * 10**6,))
    assert len(flood.external_id) == LONGEST and flood.may == ("read",) * MOST
    assert Identity("Bot", 7).external_id == "7", "an app may answer with a number"
    assert flood.missing == ("read roles: " + "x" * (LONGEST - 12),)
