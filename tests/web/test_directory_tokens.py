"""The pages of a directory that pushes: its token is shown this once, renewed without a gap, ended by hand."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from sync.db import utcnow
from sync.directory import directories, push
from sync.models import Activity, Directory, DirectoryToken
from tests.asking import MACHINE
from tests.web.client import Client
from tests.web.provider import Provider


def token_on(page: str) -> str:
    return re.search(r'value="(rollcall_scim_[^"]+)"', page).group(1)


def test_connected_it_shows_address_and_token_this_once(owner: Client) -> None:
    assert "/directories/new/scim" in owner.get("/directories/new").text
    assert "Create address and token" in owner.get("/directories/new/scim").text
    page = owner.post("/directories/new/scim", directory_name="Okta").text
    token, directory = token_on(page), Directory.get()
    assert "shown only once" in page and 'value="http://127.0.0.1:8000/scim/v2"' in page and 'data-copy="' in page
    assert push.directory_of(token) == directory and directory.kind == "scim"
    later = owner.get(f"/directories/{directory.id}").text
    assert token not in later and "/scim/v2" in later and "Read now" not in later
    assert Activity.get(Activity.what == "connected directory").who.startswith("Olga Brandt")


@pytest.mark.parametrize("name", ["Okta", "  Okta "])
def test_a_name_that_is_taken(owner: Client, okta: Provider, name: str) -> None:
    answer = owner.post("/directories/new/scim", directory_name=name)
    assert answer.status_code == 422 and "A directory named Okta already exists" in answer.text
    assert Directory.select().count() == 1


def test_a_new_token_beside_the_old(owner: Client, okta: Provider) -> None:
    okta.get("/Users")
    address = f"/directories/{okta.directory.id}"
    assert "keeps working until" in owner.get(f"{address}/tokens/new").text
    new = token_on(owner.post(f"{address}/tokens").text)
    page = owner.get(address).text
    assert page.count("Made ") == 2 and "Not used yet" in page
    assert okta.get("/Users")["totalResults"] == 0, "the old one works"
    okta.token = new
    okta.get("/Users")
    assert owner.get(address).text.count("Made ") == 1
    [row] = push.tokens(okta.directory)
    assert owner.send("DELETE", f"{address}/tokens/{row.id}").status_code == 303
    assert "It has no token" in owner.get(address).text


def test_requests_with_a_token_that_was_ended_are_noted_until_it_is_deleted(owner: Client, okta: Provider) -> None:
    old, okta.token = okta.token, push.rotate(okta.directory, MACHINE)
    okta.get("/Users")
    okta.token, new = old, okta.token
    assert okta.call("GET", "/Users").status_code == 401 and okta.row().missing_since is None, "nobody may have left"
    okta.token = new
    okta.add("ana@acme.example")
    okta.token = old
    for refused in (None, utcnow(), utcnow() - timedelta(minutes=2)):
        DirectoryToken.update(refused_at=refused).where(~push.WORKS).execute()
        Directory.update(missing_until=refused).execute()
        assert okta.call("GET", "/Users").status_code == 401
    assert utcnow() - okta.row().missing_until < timedelta(minutes=1)
    seen, address = okta.row().missing_until, f"/directories/{okta.directory.id}"
    banner = owner.get(address).text
    assert "A request with the token that was ended" in banner and "or delete the ended token below" in banner
    assert Activity.select().where(Activity.what == "directory needs a look").count() == 1, "once"
    assert push.confirm_sent_again(okta.directory, seen, MACHINE)
    DirectoryToken.update(refused_at=utcnow() - timedelta(minutes=2)).where(~push.WORKS).execute()
    assert okta.call("GET", "/Users").status_code == 401 and okta.row().missing_since is not None
    [ended] = push.ended_in_use(okta.directory)
    owner.send("DELETE", f"{address}/tokens/{ended.id}")
    assert push.ended_in_use(okta.directory), "ending it twice deletes nothing"
    [works] = push.tokens(okta.directory)
    push.delete_ended(works, MACHINE)
    assert push.tokens(okta.directory) == [works]
    DirectoryToken.update(refused_at=okta.row().missing_since - timedelta(days=1)).where(~push.WORKS).execute()
    assert "A request with the token that was ended" not in owner.get(address).text, "that isn't why"
    owner.send("DELETE", f"{address}/ended-tokens/{ended.id}")
    assert push.confirm_sent_again(okta.directory, okta.row().missing_until, MACHINE)
    assert okta.call("GET", "/Users").status_code == 401 and okta.row().missing_since is None
    assert "Changes may be missing" not in owner.get(address).text


def test_without_a_token_in_use_the_page_names_the_next_step_and_no_token_that_works(
    owner: Client, okta: Provider
) -> None:
    okta.add("ana@acme.example")
    address = f"/directories/{okta.directory.id}"
    DirectoryToken.update(used_at=None).execute()
    assert "Enter the token there" not in owner.get(address).text, "it is new"
    DirectoryToken.update(created_at=utcnow() - timedelta(days=2)).execute()
    assert "Enter the token there" in owner.get(address).text
    DirectoryToken.delete().execute()
    assert "Make a new token" in owner.get(address).text
    assert "keeps working" not in owner.get(f"{address}/tokens/new").text
    assert "current one works" not in owner.post(f"{address}/tokens").text
    assert "current one works" in owner.post(f"{address}/tokens").text


def test_its_page_and_card_show_the_pushes(owner: Client, okta: Provider) -> None:
    assert "Waiting for its first request" in owner.get("/directories").text
    for number in range(3):
        okta.add(f"p{number}@acme.example", emails=[{"value": f"p{number}@acme.example"}])
    okta.add("admin", emails=[{"value": "p0@acme.example"}])
    okta.add_group("Staff")
    card, page = owner.get("/directories").text, owner.get(f"/directories/{okta.directory.id}").text
    assert "last request" in card and "3 active" in card
    assert re.search(r"<dt>users</dt><dd>4</dd>", page) and re.search(r"<dt>groups</dt><dd>1</dd>", page)
    assert "Not applied yet" in page and "belongs to" in page
    directories.pause(okta.directory, MACHINE)
    assert "asked to try again later" in owner.get(f"/directories/{okta.directory.id}").text
    assert "Paused" in owner.get("/directories").text


def test_held_people_are_released_on_its_page(owner: Client, okta: Provider) -> None:
    users = [okta.add(f"p{number}@acme.example", displayName=f"Person {number}") for number in range(10)]
    for user in users[:7]:
        okta.deactivate(user)
    address = f"/directories/{okta.directory.id}"
    page = owner.get(address).text
    assert "7 changes are held back" in page and "allows in a day" in page and "Person 6" in page
    asked = owner.get(f"{address}/release").text
    seen = re.search(r'name="seen" value="(\w+)"', asked)[1]
    assert owner.post(f"{address}/release", seen=seen).status_code == 303
    assert "held back" not in owner.get(address).text


def test_it_is_removed_with_its_tokens(owner: Client, okta: Provider) -> None:
    okta.add("ana@acme.example")
    address = f"/directories/{okta.directory.id}"
    assert "deletes its tokens" in owner.get(f"{address}/removal").text
    assert owner.send("DELETE", address).status_code == 303
    assert DirectoryToken.select().count() == 0 and okta.call("GET", "/Users").status_code == 401


@pytest.mark.parametrize("address", ["/tokens/new", "/credential"])
def test_pages_of_the_other_kind_of_directory_are_not_found(owner: Client, okta: Provider, address: str) -> None:
    read = Directory.create(kind="csv", name="Staff", settings={"file": "/nowhere.csv"})
    wrong = read if address == "/tokens/new" else okta.directory
    assert owner.get(f"/directories/{wrong.id}{address}").status_code == 404
    assert owner.post(f"/directories/{okta.directory.id}/readings").status_code == 303
