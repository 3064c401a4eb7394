"""Saved views: a list's filters and order under a name, private or shared; what may not be kept or touched."""

from __future__ import annotations

import html
from urllib.parse import urlencode

import pytest
from flask import Flask

from sync import saved_views
from sync.apps import apps
from sync.models import Activity, SavedView
from sync.rank import Asker, NotAllowed
from sync.states import ListName
from tests.web.client import Client

HOSTILE = "<img src=x onerror=alert(1)> & \"Co\""


def save(browser: Client, name: str, query: str = "status=active&sort=-name", **given):
    return browser.post("/views", **{"name": name, "list": "people", "query": query} | given)


def test_a_view_is_saved_opened_renamed_and_deleted(owner: Client, olga) -> None:
    answer = save(owner, "Active")
    assert (answer.status_code, answer.location) == (303, "/people?status=active&sort=-name")
    page = owner.get("/people").text
    assert 'href="/people?status=active&amp;sort=-name"' in page and ">Active<" in page
    view = SavedView.get()
    here = owner.get("/people?status=active&sort=-name").text
    assert f'"/views/{view.id}?back=' in here, "the one that is shown can be changed"
    owner.send("PATCH", f"/views/{view.id}", name="Still here")
    assert ">Still here<" in owner.get("/people").text
    assert owner.send("DELETE", f"/views/{view.id}").location == "/people?status=active&sort=-name"
    assert not SavedView.select().exists()
    assert "This view no longer exists." in owner.get(owner.send("DELETE", f"/views/{view.id}").location).text


@pytest.mark.parametrize("hostile", [
    "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_a_view_that_is_gone_leads_to_no_other_host(owner: Client, hostile: str) -> None:
    assert owner.get("/views/999?back=/people?sort=name").location == "/people?sort=name"
    assert owner.get(f"/views/999?{urlencode({'back': hostile})}").location == "/"
    for method in ("PATCH", "DELETE"):
        assert owner.send(method, "/views/999", back=hostile).location == "/", method


def test_only_what_the_list_understands_is_kept(owner: Client) -> None:
    save(owner, "Odd", "status=active&sort=drop+table&evil=1&page=7&back=//evil.example")
    assert SavedView.get().query == "status=active"
    assert save(owner, "Nothing", "evil=1").status_code == 422
    assert save(owner, "x", list="nothing").status_code == 400
    assert save(owner, "x", list="members", app="999999").status_code == 404
    assert SavedView.select().count() == 1


def test_names(owner: Client) -> None:
    save(owner, HOSTILE)
    page = owner.get("/people").text
    assert "<img src=x" not in page and html.escape("<img src=x onerror=alert(1)>") in page
    answer = save(owner, HOSTILE)
    assert answer.status_code == 422 and "already" in answer.text, "what was entered is kept"
    assert html.escape("<img src=x onerror=alert(1)>") in answer.text
    assert save(owner, " \u202e ").status_code == 422
    assert save(owner, "x" * 61).status_code == 422


def test_there_are_not_too_many(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    assert [save(owner, str(number)).status_code for number in range(3)] == [303, 303, 422]


def test_a_private_view_is_nobody_elses(site: Flask, owner: Client, someone) -> None:
    save(owner, "Mine alone")
    view, other = SavedView.get(), Client(site, someone("Ada Admin", "super admin"))
    assert "Mine alone" not in other.get("/people").text
    assert "Mine alone" not in other.get(f"/views/{view.id}").text
    for method in ("PATCH", "DELETE"):
        other.send(method, f"/views/{view.id}", name="Taken")
    assert SavedView.get().name == "Mine alone"
    with pytest.raises(NotAllowed):
        saved_views.delete(view, Asker.person(someone("Nora", "admin")))


def test_a_shared_view_is_everyones_to_open(site: Flask, owner: Client, someone) -> None:
    save(owner, "For all", shared="yes")
    admin, manager = Client(site, someone("Ada Admin", "admin")), Client(site, someone("Sue", "super admin"))
    assert "For all" in admin.get("/people").text
    view = SavedView.get()
    admin.send("DELETE", f"/views/{view.id}")
    assert SavedView.select().exists(), "an admin can't delete an Owner's"
    manager.send("DELETE", f"/views/{view.id}")
    assert not SavedView.select().exists()
    written = Activity.select().where(Activity.what.contains("shared view")).order_by(Activity.id)
    assert [row.what for row in written] == ["shared view", "deleted shared view"]


def test_only_owners_share_a_view(site: Flask, chat, someone) -> None:
    collaborator, owner = someone("Cora", "user"), someone("Oda", "user")
    apps.set_manager(chat.app, collaborator, "collaborator", chat.by)
    apps.set_manager(chat.app, owner, "owner", chat.by)
    given = {"list": "members", "app": chat.app.id, "query": "role=member", "shared": "yes"}
    assert Client(site, collaborator).post("/views", name="X", **given).status_code == 422
    assert Client(site, owner).post("/views", name="X", **given).status_code == 303
    assert not saved_views.may_share(ListName.PEOPLE, None, Asker.person(owner))
    stranger = Client(site, someone("Sam", "user"))
    assert stranger.get(f"/views/new?list=members&app={chat.app.id}&query=role%3Dmember").status_code == 404
    assert stranger.get("/views/new?list=people&query=status%3Dactive").status_code == 404
    assert ">X<" in Client(site, collaborator).get(f"/apps/{chat.app.id}/members").text


@pytest.mark.parametrize(("name", "address", "query"), [
    ("reports", "reports", "state=open"), ("activity", "activity", "kind=checks"),
])  # fmt: skip
def test_a_list_of_one_app_has_views_of_its_own(
    owner: Client, chat, second, name: str, address: str, query: str
) -> None:
    here = f"/apps/{chat.app.id}/{address}"
    answer = save(owner, "Of this app", query, list=name, app=chat.app.id)
    assert (answer.status_code, answer.location) == (303, f"{here}?{query}")
    assert ">Of this app<" in owner.get(here).text
    assert ">Of this app<" not in owner.get(f"/{address}").text
    assert ">Of this app<" not in owner.get(f"/apps/{second.app.id}/{address}").text
    save(owner, "Of all apps", query, list=name)
    assert ">Of all apps<" in owner.get(f"/{address}").text and ">Of all apps<" not in owner.get(here).text


def test_views_of_reports_inside_an_app_are_its_owners(site: Flask, chat, someone) -> None:
    ann, kim = someone("Ann Owner", "user"), someone("Kim Sees", "user")
    apps.set_manager(chat.app, ann, "owner", chat.by)
    apps.set_manager(chat.app, kim, "collaborator", chat.by)
    for name in ("reports", "activity"):
        asked = {"list": name, "app": chat.app.id, "query": "state=open" if name == "reports" else "kind=checks"}
        assert save(Client(site, ann), "Mine", **asked).location.startswith(f"/apps/{chat.app.id}/{name}?")
        assert save(Client(site, kim), "Mine", **asked).status_code == 404
