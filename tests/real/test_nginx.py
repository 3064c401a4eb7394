"""Rollcall behind a real nginx, below a path and without one: every page is walked to by its links, none leads out."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from email.message import Message
from http.client import HTTPConnection
from http.cookies import Morsel, SimpleCookie
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests
import trustme

from sync.config import Config
from sync.directory import push
from sync.models import Person
from sync.sign_in import sign_in
from tests.asking import MACHINE
from tests.journeys.browser import serving
from tests.parts import free_port, need
from tests.real.nginx import ANOTHER_TOOL, STRIPPED, WHOLE, nginx
from tests.web.addresses import led_to, outside
from tests.web.conftest import someone as someone
from tests.web.test_permissions import report as report
from tests.web.test_permissions import world as world

ROOT = Path(__file__).resolve().parents[2]
PATH = "/tools/rollcall"
PROXY = (ip_network("127.0.0.1"),)
# path, how nginx passes it on, X-Forwarded-Prefix, what ROLLCALL_URL says of the path, who is trusted
WAYS = [
    ("", WHOLE, "", "", ()),
    (PATH, WHOLE, "", PATH, ()),
    (PATH, STRIPPED, "", PATH, ()),
    (PATH, STRIPPED, PATH, PATH, PROXY),
    (PATH, STRIPPED, PATH, "", PROXY),
]


@contextmanager
def behind(config: Config, way: tuple) -> Iterator[str]:
    path, passed, header, shown, trusted = way
    port = free_port()
    config = replace(config, trusted_proxies=trusted)
    with (
        serving(config, f"http://127.0.0.1:{port}{shown}") as live,
        nginx(port, live.config.listen_port, path, passed, header) as url,
    ):
        yield url


class Walker:
    """Asks one host over one connection, with the cookies that it was given for the path. With a Session of requests,
    the walk takes 6 % more processor time."""

    def __init__(self, url: str):
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._cookies: dict[str, Morsel] = {}

    def get(self, address: str) -> tuple[int, Message, str]:
        """Status, headers and text."""
        sent = [f"{name}={one.value}" for name, one in self._cookies.items()
                if below(one["path"], address) and not one["secure"]]  # fmt: skip
        self._connection.request("GET", address, headers={"Cookie": "; ".join(sent)} if sent else {})
        answer = self._connection.getresponse()
        for header in answer.headers.get_all("Set-Cookie", ()):
            self._cookies.update(SimpleCookie(header))
        return answer.status, answer.headers, answer.read().decode(errors="replace")

    def close(self) -> None:
        self._connection.close()


def below(path: str, address: str) -> bool:
    """Whether a cookie of this path is sent there (RFC 6265, 5.1.4)."""
    asked = urlsplit(address).path
    return asked == path or asked.startswith(path if path.endswith("/") else f"{path}/")


def walk(browser: Walker, path: str, everywhere: bool) -> tuple[list[str], set[str]]:
    """What is wrong on the way through every kind of page that a link leads to, and the pages. Not `everywhere`: of the
    pages and pictures of all connectors, only one connector's."""
    wrong, seen, kinds = [], set(), set()
    waiting, left_out = [f"{path}/apps"], r"\d+|=[^&]*" + ("" if everywhere else r"|(?<=apps/new/)[\w-]+|(?<=logos/).*")
    while waiting:
        address = waiting.pop(0)
        if (kind := re.sub(left_out, "", address)) in kinds or "/sign-in/oidc" in address:
            continue
        seen.add(address)
        kinds.add(kind)
        status, headers, text = browser.get(address)
        addresses = list(led_to(text, headers))
        wrong += [f"{address}: {leaves}" for leaves in outside(path, addresses)]
        if status >= 500 or ANOTHER_TOOL in text:
            wrong.append(f"{address}: {status}")
        if "text/html" in headers.get("Content-Type", ""):
            led = (urljoin(address, one).partition("#")[0] for one in addresses)
            waiting += sorted({one for one in led if "_method=" not in one} - seen)
    return wrong, seen


@pytest.mark.parametrize("way", WAYS, ids=["none", "whole", "stripped", "header and URL", "header alone"])
def test_every_page_that_a_link_leads_to_is_below_the_path(config, world, olga: Person, way):
    with behind(config, way) as url, closing(Walker(url)) as browser:
        _, headers, _ = browser.get(f"{way[0]}/sign-in/{sign_in.signed_link(olga)}")
        assert urlsplit(headers["Location"]).path == f"{way[0]}/"
        wrong, seen = walk(browser, way[0], everywhere=way == WAYS[1])
    assert not wrong, "\n".join(wrong)
    for page in ("/people", "/reports", "/activity", "/directories", "/settings", f"/apps/{world['app_id']}/members"):
        assert way[0] + page in seen
    assert len(seen) > 60


def test_mail_scim_and_the_redirect_address_say_where_nginx_serves_it(config, home, olga):
    from sync.mail import outbox

    directory, token = push.connect("Okta", MACHINE)
    with behind(config, WAYS[2]) as url:
        assert f"{url}\n" in outbox.test_mail("olga@acme.example").text
        scim = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana@acme.example"}
        answer = requests.post(f"{url}/scim/v2/Users", json=user, headers=scim, timeout=30)
        assert answer.status_code == 201
        created = requests.get(answer.headers["Location"], headers=scim, timeout=30).json()
        assert created["userName"] == "ana@acme.example"
        with requests.Session() as browser:
            browser.get(f"{url}/sign-in/{sign_in.signed_link(olga)}", timeout=30)
            settings = browser.get(f"{url}/settings/sign-in", timeout=30).text
            assert f"{url}/sign-in/oidc/answer" in settings
            assert f"{url}/scim/v2" in browser.get(f"{url}/directories/{directory.id}", timeout=30).text
            assert re.search(rf'<link rel="stylesheet" href="{PATH}/static/', settings)


def test_a_visitor_can_not_say_the_path(config, home):
    with behind(config, ("", WHOLE, "", "", PROXY)) as url:
        answer = requests.get(url, headers={"X-Forwarded-Prefix": "//evil.example"}, timeout=30, allow_redirects=False)
        assert answer.headers["Location"] == "/sign-in"
    with behind(config, ("", WHOLE, "", "", ())) as url:
        answer = requests.get(url, headers={"X-Forwarded-Prefix": "/evil"}, timeout=30, allow_redirects=False)
        assert answer.headers["Location"] == "/sign-in"


def test_the_example_in_the_docs_is_one_that_nginx_takes(tmp_path):
    text = (ROOT / "docs" / "proxy.md").read_text()
    example = re.search(r"```nginx\n(.*?)```", text, re.S).group(1)
    authority = trustme.CA()
    authority.issue_cert("rollcall.acme.example").private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    for name in ("pem", "key"):
        example = example.replace(f"/etc/ssl/rollcall.{name}", str(tmp_path / "both.pem"))
    config = tmp_path / "nginx.conf"
    head = f"pid {tmp_path}/nginx.pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
    config.write_text(f"{head}http {{\n{example}\n}}\n")
    command = [need("nginx"), "-t", "-p", tmp_path, "-c", config]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
