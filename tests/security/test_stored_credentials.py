"""A stored credential goes only where it was entered for: apps, drafts, directories, sign-in, YAML apps."""

from __future__ import annotations

import pytest

import connectors
from connectors.base import Field
from sync import vault
from sync.apps import apps, drafts
from sync.credentials import SecretNeeded, with_stored
from sync.directory import directories
from sync.models import App, Directory
from sync.problems import AppProblem
from tests.security.conftest import Stranger
from tests.web.client import Client

FIELDS = (
    Field("url", "Address"), Field("groups", "Groups", choices=(("read", "are read"), ("out", "are left out")),
                                   asks_secrets_again=False),
    Field("tls", "Encryption", choices=(("yes", "on"), ("no", "off"))), Field("token", "Token", secret=True),
)  # fmt: skip
STORED = {"url": "https://a.example", "groups": "read", "tls": "yes"}


@pytest.mark.parametrize("entered", [
    {"url": "https://b.example"}, {"url": "https://a.example", "tls": "no"}, {"url": ""}, {"url": "https://a.example/x"},
])  # fmt: skip
def test_a_field_that_says_where_asks_for_the_secret_again(entered):
    with pytest.raises(SecretNeeded, match="Token"):
        with_stored(FIELDS, entered, STORED, {"token": "t"})
    assert with_stored(FIELDS, {**entered, "token": "new"}, STORED, {"token": "t"})["token"] == "new"


@pytest.mark.parametrize("entered", [
    STORED, {"url": " https://a.example ", "groups": "out"}, {"url": "https://a.example", "tls": ""},
])  # fmt: skip
def test_the_same_place_keeps_it(entered):
    assert with_stored(FIELDS, entered, STORED, {"token": "t"})["token"] == "t"


def test_every_field_says_where_unless_its_connector_says_that_it_cant():
    """The ones that may change without the secrets: options, filters and names of attributes, looked at one by one."""
    kinds = [*connectors.app_connectors().values(), *connectors.directory_connectors().values()]
    harmless = {field.name for kind in kinds for field in kind.fields if not field.asks_secrets_again}
    assert harmless == {
        "groups", "emails", "access", "channels", "by_member", "guests", "second_email", "removal", "roles_from",
        "privileged", "version", "email_domain", "id_attribute", "email_attribute", "name_attribute", "disabled",
        "base_dn", "filter", "group_base", "group_filter", "app", "source", "path", "file", "owner", "mapping", "ends",
        "roles_in", "workspaces", "instagram", "whatsapp", "shops", "blocked", "suspended", "teams",
        "leavers", "enterprise", "partners", "sessions", "hidden",
    }


def test_an_apps_owner_cant_send_its_credential_to_another_host(owner: Client, chat, stranger: Stranger):
    answer = owner.send("PUT", f"/apps/{chat.app.id}/credential", base_url=stranger.url, token="")
    assert answer.status_code == 422 and "Enter Access token again" in answer.text
    assert stranger.heard == []
    assert App.get_by_id(chat.app.id).settings["base_url"] == chat.url
    owner.send("PUT", f"/apps/{chat.app.id}/credential", base_url=stranger.url, token="acme_mine")
    assert stranger.heard and not any(chat.token in heard for heard in stranger.heard)


def test_nor_from_a_draft(owner: Client, chat, stranger: Stranger, olga):
    draft = drafts.start("sample-chat", olga)
    with pytest.raises(AppProblem, match="already connected"):
        drafts.enter(draft, "Second chat", {"base_url": chat.url, "token": chat.token})
    assert vault.unseal(App.get_by_id(draft.id).credential)["token"] == chat.token
    address = f"/apps/{draft.id}/connection"
    for _again in range(2):
        answer = owner.post(address, app_name="Second chat", base_url=stranger.url, token="")
        assert answer.status_code == 422
    assert not any(chat.token in heard for heard in stranger.heard)
    assert not vault.unseal(App.get_by_id(draft.id).credential).get("token"), "it is forgotten with its address"


def test_nor_from_a_directory(home, by, stranger: Stranger):
    directory = Directory.create(kind="okta", name="Okta", settings={"base_url": "https://acme.okta.com"},
                                 credential=vault.seal({"token": "kept-secret"}))
    with pytest.raises(SecretNeeded, match="API token"):
        directories.reconnect(directory, {"base_url": "https://elsewhere.example", "token": ""}, by)
    assert Directory.get_by_id(directory.id).settings["base_url"] == "https://acme.okta.com"


def test_nor_by_the_core_for_part_of_the_values(chat, by, stranger: Stranger):
    with pytest.raises(SecretNeeded):
        apps.replace_credential(chat.app, {"base_url": stranger.url}, by)
    assert stranger.heard == []
