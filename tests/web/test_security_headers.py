"""What every answer carries: the policy, no caching of pages, long caching of files, a cookie closed to scripts."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from peewee import OperationalError

from app import create_app
from sync.models import Person
from sync.sign_in import sessions
from tests.web.client import Client

PAGES = ["/sign-in", "/people", "/people/new", "/directories", "/directories/new", "/activity", "/settings", "/nothing"]


@pytest.mark.parametrize("address", PAGES)
def test_pages(owner: Client, address: str) -> None:
    headers = owner.get(address).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert {"HX-Request", "Cookie"} <= {part.strip() for part in headers["Vary"].split(",")}


def test_an_error_carries_them_too(anybody: Client) -> None:
    answer = anybody.client.post("/session")
    assert answer.status_code == 400 and "Content-Security-Policy" in answer.headers


class Addresses(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found += [
            value.partition("#")[0] for name, value in attrs if name in ("src", "href") and value.startswith("/static/")
        ]


def test_files_are_kept_for_a_year_by_their_content(owner: Client) -> None:
    parser = Addresses()
    parser.feed(owner.get("/directories/new").text)
    assert len(set(parser.found)) >= 6
    for address in set(parser.found):
        answer = owner.get(address)
        assert answer.status_code == 200, address
        assert re.fullmatch(r"/static/[^?]+\?v=[0-9a-f]{12}", address), address
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable", address
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("address", ["/static/rollcall.css", "/static/rollcall.css?v=old"])
def test_an_address_without_the_right_hash_is_asked_again(owner: Client, address: str) -> None:
    assert owner.get(address).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("address", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/nothing.css", "/static/"])
def test_nothing_but_files(owner: Client, address: str) -> None:
    assert owner.get(address).status_code == 404


@pytest.mark.parametrize("spelled", ["a/../", "a/../a/../", f"{'x' * 5000}/../"], ids=["once", "twice", "long"])
def test_a_file_by_another_spelling_of_its_address_is_no_error_and_takes_no_memory(anybody, monkeypatch, spelled):
    """There is no end of spellings, and the hash of what was looked for is remembered."""
    looked = []
    monkeypatch.setattr(Path, "is_file", lambda path: looked.append(path) or True)
    answer = anybody.get(f"/static/{spelled}rollcall.css")
    assert (answer.status_code, answer.headers["Cache-Control"], looked) == (200, "no-cache", [])


def test_cookie(site, olga: Person) -> None:
    cookie = Client(site).client.get("/sign-in").headers["Set-Cookie"]
    assert (
        cookie.startswith("rollcall=") and "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    )


def test_https_is_kept_to_by_browsers_that_were_here(home, config, olga: Person) -> None:
    encrypted = create_app(replace(config, url="https://rollcall.acme.example")).test_client()
    for path in ("/sign-in", "/healthz", "/scim/v2/Users", "/static/htmx.min.js", "/nowhere"):
        response = encrypted.get(path, base_url="https://rollcall.acme.example").headers
        assert response["Strict-Transport-Security"] == "max-age=31536000", path
    assert "Strict-Transport-Security" not in create_app(config).test_client().get("/sign-in").headers


def test_cookie_behind_https(home, config, olga: Person) -> None:
    site = create_app(replace(config, url="https://rollcall.acme.example"))
    cookie = site.test_client().get("/sign-in", base_url="https://rollcall.acme.example").headers["Set-Cookie"]
    assert cookie.startswith("__Host-rollcall=") and "Secure" in cookie and "HttpOnly" in cookie and "Path=/" in cookie


def test_forged_cookie_is_nobody(site, olga: Person) -> None:
    browser = Client(site, olga)
    value = browser.client.get_cookie("rollcall").value
    browser.client.set_cookie("rollcall", value[:-3] + ("abc" if value[-3:] != "abc" else "xyz"))
    assert browser.get("/people").status_code == 303


def test_an_internal_error_shows_what_to_do_and_no_internals(
    site, olga: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_values):
        raise RuntimeError("the inside: /srv/secret")

    broken.permission = site.view_functions["settings.show"].permission
    monkeypatch.setitem(site.view_functions, "settings.show", broken)
    answer = Client(site).get("/settings")
    assert answer.status_code == 500
    assert "went wrong in Rollcall" in answer.text and "the inside" not in answer.text
    assert "Content-Security-Policy" in answer.headers
    part = Client(site).get("/settings", htmx=True)
    assert (
        part.status_code == 500 and "went wrong" in part.headers["HX-Trigger"] and part.headers["HX-Reswap"] == "none"
    )


def test_the_page_for_it_needs_no_database(site, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_token: str) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(sessions, "session_of", locked)
    answer = owner.get("/settings")
    assert answer.status_code == 500 and "went wrong in Rollcall" in answer.text


@pytest.mark.parametrize(
    "method, address, status, words",
    [
        ("get", "/nothing", 404, "Page not found"),
        ("delete", "/directories/99", 404, "This no longer exists"),
        ("delete", "/people", 405, "isn&#39;t possible here"),
    ],
)
def test_error_pages(owner: Client, method: str, address: str, status: int, words: str) -> None:
    answer = getattr(owner.client, method)(address, headers={"X-CSRFToken": owner.token()})
    assert answer.status_code == status
    assert words in answer.text or words.replace("&#39;", "'") in answer.text
