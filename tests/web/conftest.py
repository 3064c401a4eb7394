"""A site over a fresh installation, and browsers before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from sync.config import Config
from sync.models import Person
from sync.people import people
from tests.real.slapd import slapd  # noqa: F401
from tests.web.client import Client
from tests.web.provider import Provider
from tests.web.site import pages_over
from web import scim_tokens


@pytest.fixture(autouse=True)
def no_failures_before() -> None:
    """Wrong tokens are counted in memory, beyond a test."""
    scim_tokens.clear_refusals()


@pytest.fixture
def site(home: Path, config: Config) -> Flask:
    return pages_over(config)


@pytest.fixture
def anybody(site: Flask) -> Client:
    """A browser that nobody is signed in at."""
    return Client(site)


@pytest.fixture
def owner(site: Flask, olga: Person) -> Client:
    return Client(site, olga)


@pytest.fixture
def someone(by: str) -> Callable[..., Person]:
    """`someone("Jana Kowalski", role="admin")` adds a person."""

    def add(name: str = "Jana Kowalski", role: str | None = None) -> Person:
        email = name.lower().replace(" ", ".") + "@acme.example"
        return people.add(name, email, by, workspace_role=role)

    return add


@pytest.fixture
def okta(site: Flask, olga: Person) -> Provider:
    """A directory that pushes."""
    return Provider(site, "Okta")


@pytest.fixture
def entra(site: Flask, olga: Person) -> Provider:
    """Another one."""
    return Provider(site, "Entra ID")
