"""Someone of rank releases only what they saw; and a directory doesn't rise by an Owner's hand while someone
below still decides what it says."""

from __future__ import annotations

import re

import pytest

from sync.directory import directories, push
from sync.files import columns
from sync.matching import vouching
from sync.models import Directory, DirectoryToken, Person, SignInIdentity, WaitingSignIn
from sync.people import people
from sync.people.people import PeopleProblem
from sync.rank import Asker
from sync.sign_in import waiting as waiting_sign_ins
from sync.sign_in.oidc import Settings
from sync.sign_in.oidc_people import Unconfirmed, admit
from tests.web.client import Client
from tests.web.provider import Provider

ISSUER = "https://id.acme.example"
KNOWN = Settings(issuer=ISSUER, client_id="rollcall", label="Acme SSO")
MEANING = '{"version": 1, "columns": {"email": "email"}}'
EVIL = "mallory@evil.example"


@pytest.fixture
def mallory(someone) -> Person:
    return someone("Mallory Admin", role="admin")


def _tries(email: str) -> WaitingSignIn:
    with pytest.raises(Unconfirmed) as refused:
        admit({"iss": ISSUER, "sub": "m-1", "email": email, "email_verified": True}, KNOWN)
    return refused.value.waiting


def test_the_owner_approves_exactly_what_was_shown(site, olga, mallory):
    """The same account at the provider comes with another address while the Owner reads the page."""
    waiting = _tries("mallory.admin@acme.example")
    owner = Client(site, olga)
    seen = re.search(r'name="seen" value="(\w+)"', owner.get(f"/people/{mallory.id}").text).group(1)
    _tries("olga@acme.example")
    approval = f"/people/waiting-sign-ins/{waiting.id}/approval"
    for values in ({"seen": seen}, {"seen": ""}, {}):
        answer = owner.post(approval, **values)
        assert answer.status_code == 303 and not SignInIdentity.select().exists()
    assert "has just changed" in owner.get("/people").text
    now = re.search(r'name="seen" value="(\w+)"', owner.get(f"/people/{olga.id}").text).group(1)
    owner.post(approval, seen=now)
    assert SignInIdentity.get().person == olga, "what was seen this time"


def test_the_core_approves_no_other_than_it_was_asked_for(olga, mallory, by):
    waiting = _tries("mallory.admin@acme.example")
    _tries("olga@acme.example")
    with pytest.raises(PeopleProblem):
        waiting_sign_ins.approve(waiting, by)
    assert not SignInIdentity.select().exists()


def test_a_token_of_someone_below_ends_where_the_directory_rises(site, mallory, olga, by):
    mine = Provider(site, "Mine", Asker.person(mallory))
    user = mine.add("olga@acme.example")
    old, new = mine.token, push.rotate(mine.directory, by)
    assert vouching.rank_of_directory(mine.directory) == 0
    document = {"op": "replace", "path": "emails", "value": [{"value": "olga@acme.example"}, {"value": EVIL}]}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [document]}
    assert mine.call("PATCH", f"/Users/{user}", body).status_code == 401
    assert people.find_by_email(EVIL) is None
    mine.token = new
    assert mine.get("/Users")["totalResults"] == 1 and old != new


def test_one_of_the_same_rank_works_on(mallory, by):
    directory, _token = push.connect("Mine", Asker.person(mallory))
    push.rotate(directory, Asker.person(mallory))
    assert DirectoryToken.select().count() == 2
    push.rotate(push.connect("Other", by)[0], Asker.person(mallory))
    assert DirectoryToken.select().count() == 4


def test_the_dialog_says_when_the_old_token_ends(site, mallory, olga):
    directory, _token = push.connect("Mine", Asker.person(mallory))
    address = f"/directories/{directory.id}/tokens/new"
    assert "keeps working" in Client(site, mallory).get(address).text
    assert "tokens stop working immediately" in Client(site, olga).get(address).text


def test_an_owner_who_says_what_a_column_means_does_not_answer_for_the_file(mallory, by, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("email,name\nana@acme.example,Ana\n")
    directory = directories.connect("csv", "Mine", {"file": str(file)}, Asker.person(mallory))
    columns.remember(directory, MEANING, by)
    assert vouching.rank_of_directory(Directory.get_by_id(directory.id)) == 2, "an admin says what is in it"


def test_a_lower_one_who_says_it_is_responsible_for_it(mallory, by, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("email,name\nana@acme.example,Ana\n")
    directory = directories.connect("csv", "Theirs", {"file": str(file)}, by)
    assert vouching.rank_of_directory(directory) == 0
    columns.remember(directory, MEANING, Asker.person(mallory))
    assert vouching.rank_of_directory(Directory.get_by_id(directory.id)) == 2
