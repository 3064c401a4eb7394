"""Search everything: what the page and the dialog show, who sees it, and that what is typed stays text."""

from __future__ import annotations

import re

import pytest

from sync.apps import apps
from sync.db import utcnow, writing
from sync.models import Account, App, Asset, Report
from sync.people import people
from sync.search import index
from tests.web.client import Client

OPTIONS = {"HX-Request": "true", "HX-Target": "search-options"}


def make_app(name: str) -> App:
    with writing():
        return App.create(connector="sample_chat", name=name, category="seat-based", state="active")


def add_account(app: App, name: str, email: str = "") -> Account:
    with writing():
        return Account.create(app=app, external_id=name, name=name, email=email)


@pytest.fixture
def two_apps(by) -> tuple[App, App]:
    found = make_app("Acme Chat"), make_app("Secret Ads")
    for app in found:
        add_account(app, f"Pavel of {app.name}", "pavel@acme.example")
        with writing():
            Asset.create(app=app, external_id="1", kind="page", name=f"Pavel's page in {app.name}")
    people.add("Pavel Horák", "pavel@acme.example", by)
    return found


def titles(page: str) -> list[str]:
    return re.findall(r'<span class="strong">([^<]*)</span>', page)


def links(page: str) -> list[str]:
    return re.findall(r'class="search-row[^"]*"[^>]*href="([^"]*)"', page)


def test_finds_everything_in_groups_with_counts(owner: Client, two_apps) -> None:
    page = owner.get("/search?q=pavel").text
    assert re.findall(r'id="h-(\w+)">', page) == ["people", "accounts", "assets", "actions"]
    assert titles(page) == ["Pavel Horák", "Pavel of Acme Chat", "Pavel of Secret Ads", "Pavel&#39;s page in Acme Chat",
                            "Pavel&#39;s page in Secret Ads", "Offboard Pavel Horák"]  # fmt: skip
    assert "Accounts: 2" in page and links(page)[-1].endswith("/offboardings/new")
    page = owner.get("/search?q=acme+ch").text
    assert titles(page)[0] == "Acme Chat" and "Check Acme Chat for updates" in titles(page)


def test_reports_are_found_by_the_apps_name_until_it_is_disconnected(owner: Client, chat) -> None:
    chat.leave(1)
    chat.check()
    address = f"/reports/{Report.get(Report.is_open).id}"
    search = f"/search?q={chat.app.name.replace(' ', '+')}"
    assert address in links(owner.get(search).text)
    with writing():
        App.update(state="disconnected").execute()
    assert address not in links(owner.get(search).text)


def test_each_link_leads_somewhere(owner: Client, two_apps, chat) -> None:
    for asked in ("pavel", "acme", "report", "check acme chat", "offboard pavel", "a", "connect", "mail", "password"):
        for address in links(owner.get(f"/search?q={asked}").text):
            assert owner.get(address.replace("&amp;", "&")).status_code == 200, address


def test_shows_to_each_only_what_their_pages_show(site, two_apps, someone, by) -> None:
    mine, other = two_apps
    people_of = {role: someone(f"Some {role}", role=role) for role in ("user", "guest", "admin", "super admin")}
    for role in ("user", "guest", "admin"):
        apps.set_manager(mine, people_of[role], "owner" if role == "user" else "collaborator", by)
    for _ in range(2):
        for role in ("user", "guest", "admin"):
            person = people_of[role]
            for headers in ({}, OPTIONS):
                for asked in ("pavel", "acme", "secret", "report", "check secret", "offboard pavel", "ads"):
                    page = Client(site, person).get(f"/search?q={asked}", **headers).text
                    assert "Secret" not in page.replace("Search everything", ""), (role, asked)
                    if role != "admin":
                        assert "Horák" not in page and "Connect an app" not in page, (role, asked)
            page = Client(site, person).get("/search?q=pavel").text
            assert "Pavel of Acme Chat" in page and ("Pavel Horák" in page) == (role == "admin")
            check = "Check Acme Chat for updates" in Client(site, person).get("/search?q=check").text
            assert check == (role == "user"), "only an Owner may check"
        assert "Pavel of Secret Ads" in Client(site, people_of["super admin"]).get("/search?q=pavel").text
        index.bring_up_to_date(utcnow())


def test_nobody_is_asked_to_sign_in_first(anybody: Client) -> None:
    assert anybody.get("/search?q=pavel").status_code in (302, 303)


@pytest.mark.parametrize("asked", [
    "", "%20", "%25", "_", "%3Cscript%3Ealert(1)%3C/script%3E", "%22", "'", "%00", "AND", "NEAR(", "pavel*", "-pavel",
    "%ED%A0%80", "x" * 5000, "%22%3E%3Cimg%20src=x%3E", "{{7*7}}", "pavel%20OR%201", "%F0%9F%92%A5",
])  # fmt: skip
@pytest.mark.parametrize("headers", [{}, OPTIONS])
def test_every_text_is_only_a_text(owner: Client, two_apps, asked: str, headers) -> None:
    for kind in ("", "people", "accounts", "nonsense"):
        answer = owner.get(f"/search?q={asked}&kind={kind}", **headers)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text and "<img src=x" not in answer.text


def test_hostile_names_are_escaped(owner: Client, two_apps, by) -> None:
    name = "<script>alert(1)</script>"
    app = make_app(f'"><img src=x> {name}')
    add_account(app, f"{name} account")
    people.add(f"{name} person", "hostile@acme.example", by)
    with writing():
        Asset.create(app=app, external_id="2", kind=f"<b>{name}", name=f"{name} asset")
    for headers in ({}, OPTIONS):
        page = owner.get("/search?q=script", **headers).text
        assert len(titles(page)) >= 5 and "<script>alert" not in page and "<img src=x" not in page and "<b>" not in page


def test_show_all_leads_to_the_list_that_shows_as_many(owner: Client, two_apps, by) -> None:
    for number in range(8):
        people.add(f"Zoé Nr {number}", f"zoe{number}@acme.example", by)
        add_account(two_apps[0], f"Zoé Nr {number}")
        with writing():
            Asset.create(app=two_apps[0], external_id=f"z{number}", kind="page", name=f"Zoé {number}")
    for _ in range(2):
        page = owner.get("/search?q=zoe").text
        addresses = dict(re.findall(r'href="([^"]*)">Show all 8<span class="visually-hidden"> (\w+)<', page))
        assert sorted(addresses.values()) == ["Accounts", "Assets", "People"]
        for address in addresses:
            page = owner.get(address.replace("&amp;", "&")).text
            assert set(re.findall(r"Zoé (?:Nr )?(\d)", page)) == set("01234567")
        index.bring_up_to_date(utcnow())


def test_a_backlog_is_reported(owner: Client, two_apps) -> None:
    with writing():
        Account.insert_many([{"app": two_apps[0], "external_id": str(number), "name": f"N{number}"}
                             for number in range(1100)]).execute()  # fmt: skip
    shown = "some can&#39;t be found yet", "some can't be found yet"
    assert any(words in owner.get("/search?q=pavel").text for words in shown)
    index.bring_up_to_date(utcnow())
    assert not any(words in owner.get("/search?q=pavel").text for words in shown)


def test_many_are_cut_and_reported(owner: Client, two_apps) -> None:
    with writing():
        Account.insert_many([{"app": two_apps[0], "external_id": str(number), "name": f"Quux {number}"}
                             for number in range(150)]).execute()  # fmt: skip
    assert "Show all 100+" in owner.get("/search?q=quux").text
    page = owner.get("/search?q=quux&kind=accounts").text
    assert len(titles(page)) == 100 and "These are the first 100" in page
