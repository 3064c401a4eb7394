"""No view without a permission, and no method but by a POST: what the table of test_permissions.py rests on."""

from __future__ import annotations

import pytest
from flask import Flask

from sync.apps import apps
from sync.models import Account, Person
from sync.states import AppManager
from tests.sync.fixtures import email
from tests.web.client import Client
from web.permissions import open_to_all, refuse_views_without_permission


def test_a_view_without_permission_stops_the_start() -> None:
    site = Flask("naked", static_folder="/nowhere")
    site.add_url_rule("/open", "open", open_to_all(lambda: "open"))
    refuse_views_without_permission(site)
    site.add_url_rule("/naked", "naked", lambda: "naked")
    with pytest.raises(RuntimeError, match="naked"):
        refuse_views_without_permission(site)


def test_method_override_changes_nothing_but_posts(owner: Client, someone) -> None:
    jana = someone()
    assert owner.client.get(f"/people/{jana.id}/departure?_method=DELETE").status_code == 200
    assert Person.get_by_id(jana.id).status == "active"
    assert owner.client.post("/settings?_method=GET", data={"csrf_token": owner.token()}).status_code == 405
    assert owner.client.post("/settings?_method=TRACE", data={"csrf_token": owner.token()}).status_code == 405


def test_an_address_that_mixes_two_apps_leads_nowhere(site: Flask, chat, second, someone, by) -> None:
    """For someone who owns the first app alone, and for the Owner of both."""
    jana = someone(role="user")
    apps.set_manager(chat.app, jana, AppManager.OWNER, by)
    mine, theirs = (Account.get(Account.app == one.app, Account.email == email(1)) for one in (chat, second))
    for person in (jana, Person.get(Person.workspace_role == "owner")):
        client = Client(site, person)
        for account, status in ((mine, 200), (theirs, 404)):
            assert client.get(f"/apps/{chat.app.id}/members/{account.id}/acceptance").status_code == status
