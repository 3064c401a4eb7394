"""How to get a credential: every step is shown whole, its pages are links, its scopes can be copied."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import connectors
from connectors import getting_started
from connectors.apps import google_workspace
from connectors.directories import google
from tests.web.client import Client
from web.how_to import of_kind, parts

LOGOS = Path(__file__).resolve().parents[2] / "static/logos"
EVERY = (*connectors.app_connectors().values(), *connectors.directory_connectors().values())
KINDS = [kind for kind in EVERY if kind.__module__.startswith("connectors.")]  # other tests have some of their own


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_nothing_of_a_step_is_lost_and_links_lead_to_https(kind: type):
    for text in kind.docs:
        found = parts(text)
        assert "".join(part.text for part in found) == text
        links = [urlsplit(part.link) for part in found if part.link]
        assert all(link.scheme == "https" and link.hostname for link in links)
        assert not any(char in part.link + part.copies for part in found for char in '“”<>"')
    how = of_kind(kind)
    assert how.steps and len(how.steps) + len(how.notes) == len(kind.docs)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_has_a_mark(kind: type):
    assert kind.logo and (LOGOS / kind.logo).is_file()


def test_marks_hold_shapes_alone():
    for file in LOGOS.glob("own-*.svg"):
        assert set(re.findall(r"<(\w+)", file.read_text())) <= {"svg", "title", "path", "rect", "circle"}


def test_the_tables_name_kinds_that_are_there():
    slugs = {kind.slug for kind in KINDS}
    assert set(getting_started.STEPS) <= slugs and set(getting_started.SHORTCUTS) <= slugs


def test_shortcuts_ask_for_what_the_steps_name():
    slack = connectors.app_connectors()["slack"]
    wanted = {part.copies for part in parts(slack.docs[1])}
    asked = set(re.findall(r"- (\S+)", getting_started.SLACK_MANIFEST))
    assert asked <= wanted
    [token] = getting_started.SHORTCUTS["github"]
    assert parse_qs(urlsplit(token.link).query)["scopes"] == ["admin:org,repo,read:user"]
    for slug, scopes in (("google_workspace", google_workspace.SCOPES), ("google", google.SCOPES)):
        text = getting_started.SHORTCUTS[slug][2].text
        assert text.split(",") == [f"https://www.googleapis.com/auth/admin.directory.{scope}" for scope in scopes]
    for slug, kind in (("microsoft_365", connectors.app_connectors()), ("entra", connectors.directory_connectors())):
        names = re.search(r"for NAME in (.*); do", getting_started.SHORTCUTS[slug][0].text).group(1).split()
        assert set(names) <= {part.copies for text in kind[slug].docs for part in parts(text)}


@pytest.mark.parametrize("text, links, copies", [
    ("Open api.slack.com/apps, “Create New App”.", ["https://api.slack.com/apps"], []),
    ("an address that ends in eu.pagerduty.com, or rollcall@acme.example", [], []),
    ("scopes users:read.email and admin:org.", [], ["users:read.email", "admin:org"]),
    ("User.Read.All, team_info.read; Members: read", [], ["User.Read.All", "team_info.read"]),
    ("https://x.example/authorize?client_id=ID", [], ["https://x.example/authorize?client_id=ID"]),
    ("Exchange it: curl https://x.example/token -d code=CODE -d a=b_c. The answer", [],
     ["curl https://x.example/token -d code=CODE -d a=b_c"]),
    ("javascript:alert(1) <b>", [], ["javascript:alert"]),  # a text to copy, never a link
])  # fmt: skip
def test_pieces(text: str, links: list[str], copies: list[str]):
    found = parts(text)
    assert [part.link for part in found if part.link] == links
    assert [part.copies for part in found if part.copies] == copies


def test_the_page(owner: Client):
    page = owner.get("/apps/new/slack").text
    assert 'data-copy="users:read.email"' in page and "manifest_yaml=display_information" in page
    assert "What it can and can" in page and page.index("Install to Workspace") < page.index("What it can and can")
    assert "own-slack.svg" in page
    assert 'data-copy="az ad' not in page and "az ad app create" in owner.get("/directories/new/entra").text
