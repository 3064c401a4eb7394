"""Rollcall below a path of its host: no link leaves the path, and nobody but a trusted proxy says what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from sync.config import BadSetting, Config
from sync.db import db
from tests.web.addresses import led_to, outside
from tests.web.client import Client
from tests.web.test_permissions import report as report
from tests.web.test_permissions import routes
from tests.web.test_permissions import world as world
from web import security

PREFIX = "/tools/rollcall"
HTML = {"Content-Type": "text/html"}


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, url=f"http://acme.example{PREFIX}")


def walk(site: Flask, world: dict, browser: Client, before: str, htmx: bool) -> tuple[list[str], int]:
    """What is wrong with the links of every page, and how many links there are; `before` comes before each path."""
    wrong, seen = [], 0
    for name, method, endpoint in routes(site):
        if method != "GET" or endpoint in ("signin.follow_link", "oidc.begin", "oidc.answer"):
            continue
        arguments = next(rule for rule in site.url_map.iter_rules(endpoint) if method in rule.methods).arguments
        path = site.url_map.bind("localhost").build(endpoint, {key: world[key] for key in arguments})
        with db.atomic() as transaction:
            answer = browser.get(before + path, htmx=htmx)
            transaction.rollback()
        addresses = list(led_to(answer.text, answer.headers))
        wrong += [f"{name}: {address}" for address in outside(PREFIX, addresses)]
        seen += len(addresses)
        if answer.status_code in (404, 500) and endpoint != "static":
            wrong.append(f"{name}: {answer.status_code}")
    return wrong, seen


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
@pytest.mark.parametrize("before", [PREFIX, ""], ids=["the path is passed on", "the proxy takes it off"])
def test_no_link_of_any_page_leaves_the_path(site, world, olga, before, htmx):  # noqa: F811
    browser = Client(site)
    browser.sign_in(olga, before)
    wrong, seen = walk(site, world, browser, before, htmx)
    assert not wrong, "\n".join(wrong)
    assert seen > 500


def test_the_walk_sees_a_link_that_leaves():
    page = '<a href="/apps"></a><form action="/tools/rollcallx" hx-post="/tools/rollcall/x?back=/apps"></form>'
    assert outside(PREFIX, led_to(page, HTML)) == ["/apps", "/tools/rollcallx", "/apps"]
    assert outside(PREFIX, led_to("", {"HX-Location": '{"path": "/apps"}', "Location": "/"})) == ["/", "/apps"]
    page = """<A title='a>b' HREF='/a'><img\nsrc=/b><form id='"' action = "/c?x=1&amp;y" ><input name=back value=/d>"""
    assert outside(PREFIX, led_to(page, HTML)) == ["/a", "/b", "/c?x=1&y", "/d"]
    page = f'<a href="{PREFIX}"></a><a href="{PREFIX}/apps?back={PREFIX}/"></a><a href="#x">'
    assert outside(PREFIX, led_to(page, HTML)) == []


def test_the_session_belongs_to_the_path_alone(home, config, olga):
    browser = Client(create_app(replace(config, url=f"https://acme.example{PREFIX}")))
    response = browser.sign_in(olga, PREFIX)
    cookies = response.headers.getlist("Set-Cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["__Secure-rollcall-known", "__Secure-rollcall"]
    assert all(f"Path={PREFIX};" in cookie + ";" and "Secure;" in cookie for cookie in cookies)
    assert response.location == f"{PREFIX}/"


def test_without_a_path_the_cookie_belongs_to_the_host_as_before(home, config, olga):
    response = Client(create_app(replace(config, url="https://acme.example"))).sign_in(olga)
    cookies = response.headers.getlist("Set-Cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["__Host-rollcall-known", "__Host-rollcall"]
    assert all("Path=/;" in cookie + ";" for cookie in cookies)


def test_someone_sent_to_sign_in_comes_back_to_the_page(site, olga):
    browser = Client(site)
    sent = browser.get(f"{PREFIX}/people?search=x")
    assert sent.location == f"{PREFIX}/sign-in?next={PREFIX}/people?search%3Dx"
    browser.sign_in(olga, PREFIX)
    assert browser.get(sent.location).location == f"{PREFIX}/people?search=x"


@pytest.mark.parametrize("header", ["HX-Current-URL", "Referer"])
@pytest.mark.parametrize(("open_page", "back"), [
    (f"{PREFIX}/people?search=x", f"?next={PREFIX}/people?search%3Dx"), (f"{PREFIX}/", ""), (PREFIX, ""),
    (f"{PREFIX}/session", ""), (f"{PREFIX}{PREFIX}/people", "")])  # fmt: skip
def test_someone_whose_form_came_too_late_comes_back_to_its_page(site, header, open_page, back):
    headers = {header: f"http://acme.example{open_page}", **({"HX-Request": "true"} if header != "Referer" else {})}
    browser = Client(site)
    sent = browser.client.post(f"{PREFIX}/people", data={"csrf_token": browser.token()}, headers=headers)
    assert (sent.location or sent.headers["HX-Redirect"]) == f"{PREFIX}/sign-in{back}"


@pytest.mark.parametrize(
    "elsewhere", ["/apps", "//evil.example", f"{PREFIX}/../admin", f"{PREFIX}/%2e%2e/admin", f"{PREFIX}x", "x", ""])
def test_the_way_back_never_leaves_the_path(site, olga, elsewhere):
    browser = Client(site)
    browser.sign_in(olga, PREFIX)
    assert browser.get(f"{PREFIX}/sign-in?next={elsewhere}").location == f"{PREFIX}/"


def test_the_door_is_open_with_and_without_a_slash(site):
    for path in (PREFIX, f"{PREFIX}/"):
        assert site.test_client().get(path).location == f"{PREFIX}/sign-in"
    assert site.test_client().get("/healthz").text == site.test_client().get(f"{PREFIX}/healthz").text


def test_scim_says_addresses_below_the_path(okta):
    user = okta.add("ana@acme.example")
    assert okta.get(f"/Users/{user}")["meta"]["location"].startswith(f"http://acme.example{PREFIX}/scim/v2/Users/")


@pytest.fixture
def behind_a_proxy(home, config) -> Flask:
    from ipaddress import ip_network

    return create_app(replace(config, url="http://acme.example", trusted_proxies=(ip_network("10.1.0.0/16"),)))


def asked(site: Flask, remote: str, prefix: str) -> str:
    response = site.test_client().get("/", headers={"X-Forwarded-Prefix": prefix}, environ_base={"REMOTE_ADDR": remote})
    return response.location


def test_a_trusted_proxy_says_the_path(behind_a_proxy):
    assert asked(behind_a_proxy, "10.1.2.3", "/rollcall") == "/rollcall/sign-in"
    assert asked(behind_a_proxy, "10.1.2.3", "/rollcall/") == "/rollcall/sign-in"


@pytest.mark.parametrize("remote", ["10.2.0.1", "127.0.0.1", "::1", "unix:", ""])
def test_nobody_else_does(behind_a_proxy, remote):
    assert asked(behind_a_proxy, remote, "/rollcall") == "/sign-in"


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "https://evil.example", "/a//b", "/a b", "/a?b", "/a#b", "rollcall", "/..", "/a/./b",
               "/a, /b", "/%2F%2Fevil.example", "/a\\b"])  # fmt: skip
def test_a_prefix_that_is_not_a_plain_path_is_rejected_even_from_a_trusted_proxy(behind_a_proxy, prefix):
    assert asked(behind_a_proxy, "10.1.2.3", prefix) == "/sign-in"


@pytest.mark.parametrize(("remote", "forwarded", "source"), [
    ("10.1.2.3", "203.0.113.5", "203.0.113.5"),
    ("10.1.2.3", "127.0.0.1, 203.0.113.5", "203.0.113.5"),  # anyone may have written what comes before it
    ("10.1.2.3", "203.0.113.5, 10.1.9.9", "203.0.113.5"),  # two proxies of ours
    ("10.1.2.3", "fe80::1%x failed sign-in from 203.0.113.5", "10.1.2.3"),  # no text in a line of the log
    ("10.1.2.3", "2001:db8::7", "2001:db8::7"),
    ("::ffff:10.1.2.3", "203.0.113.5", "203.0.113.5"),
    ("10.1.2.3", "::ffff:203.0.113.5", "203.0.113.5"),  # or all clients of IPv4 would be one IPv6 network
    ("10.1.2.3", "203.0.113.5, nonsense", "10.1.2.3"),
    ("10.1.2.3", "", "10.1.2.3"),
    ("10.2.0.1", "203.0.113.5", "10.2.0.1"),  # no proxy of ours
])  # fmt: skip
def test_a_client_of_a_trusted_proxy_is_known_by_its_own_address(behind_a_proxy, remote, forwarded, source):
    seen = []
    behind_a_proxy.before_request(lambda: seen.append(security.source()))
    from_there = {"REMOTE_ADDR": remote}
    behind_a_proxy.test_client().get("/sign-in", headers={"X-Forwarded-For": forwarded}, environ_base=from_there)
    assert seen == [source]


@pytest.mark.parametrize("url", [
    "rollcall.acme.example", "ftp://acme.example", "https://", "https:///rollcall", "https://:443/",
    "https://acme.example/rollcall?x=1", "https://acme.example/?", "https://acme.example/rollcall#top",
    "https://acme.example/a//b", "https://acme.example/a/../b", "https://acme.example/a b", "https://acme.example/ä",
    "https://acme.example:port/", "https://acme.example:99999", "https://olga:secret@acme.example", "https://[::1",
])  # fmt: skip
def test_an_address_that_links_can_not_begin_with_stops_the_start(url):
    with pytest.raises(BadSetting, match="ROLLCALL_URL"):
        Config.from_environ({"ROLLCALL_URL": url})


def test_a_path_that_is_one_of_our_own_pages_stops_the_start(home, config):
    for path in ("/apps", "/apps/rollcall", "/scim", "/static"):
        with pytest.raises(BadSetting, match=f"ROLLCALL_URL.*{path}"):
            create_app(replace(config, url=f"https://acme.example{path}"))


@pytest.mark.parametrize(("url", "kept", "prefix"), [
    ("https://acme.example", "https://acme.example", ""),
    ("https://acme.example/", "https://acme.example", ""),
    ("https://acme.example/rollcall/", "https://acme.example/rollcall", "/rollcall"),
    ("http://[::1]:8000/a/b-c_d.e~f", "http://[::1]:8000/a/b-c_d.e~f", "/a/b-c_d.e~f"),
])  # fmt: skip
def test_the_path_is_taken_from_the_address(url, kept, prefix):
    config = Config.from_environ({"ROLLCALL_URL": url})
    assert (config.url, config.prefix) == (kept, prefix)


@pytest.mark.parametrize("proxies", ["proxy.acme.example", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.1;10.0.0.2"])
def test_a_proxy_that_is_no_address_stops_the_start(proxies):
    with pytest.raises(BadSetting, match="ROLLCALL_TRUSTED_PROXIES"):
        Config.from_environ({"ROLLCALL_TRUSTED_PROXIES": proxies})
