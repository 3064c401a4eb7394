"""Each connector deserves the level that the catalogue shows: what bronze, silver, gold and platinum ask for."""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from pathlib import Path

import pytest

from connectors import app_connectors
from connectors.base import (
    ASSETS,
    BRONZE,
    CAPABILITIES,
    GOLD,
    LEVELS,
    LOOK_UP,
    OWN_FILE,
    PLATINUM,
    SAMPLE,
    SILVER,
    Connector,
)
from tests.connectors.contract import ConnectorContract
from tests.connectors.reading_contract import ReadingContract

TESTS = Path(__file__).parent.parent
SHIPPED = [kind for kind in app_connectors().values() if kind.__module__.startswith("connectors.")
           and kind.level != OWN_FILE]  # not those that tests have made
NO_HTTP = {
    "csv_export": "reads a file: test_csv_export.py goes through what a file can do",
    "ldap-group": "speaks LDAP: tests/real holds it to the same against a server",
    "postgresql": "speaks PostgreSQL: tests/real holds it to the same against a server",
    "sample-ads": "its app is in demo/, and the real thing: test_sample_ads.py asks it",
    "sample-chat": "its app is in demo/, and the real thing: test_sample_chat.py asks it",
}
# What silver promises, and where the battery tries it: a class that overrides one of these says something else.
LIMITS = (
    "test_a_short_wait_is_waited_out", "test_a_long_wait_is_handed_on", "test_a_refused_token_is_told",
    "test_a_token_that_expires_half_way_fails_the_reading", "test_secrets_stay_secret",
    "test_nobody_there_is_none_and_a_fault_is_not",
)  # fmt: skip


@cache
def batteries() -> dict[str, list[type]]:
    """Slug → the classes that hold its connector to the battery."""
    found: dict[str, list[type]] = {}
    here = Path(__file__).parent
    for file in here.rglob("test_*.py"):
        inside = ".".join(file.relative_to(here).with_suffix("").parts)
        module = importlib.import_module(f"tests.connectors.{inside}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, ReadingContract) and kind.__name__.startswith("Test"):
                connector = getattr(kind, "kind", None)
                if isinstance(connector, type) and issubclass(connector, Connector):
                    found.setdefault(connector.slug, []).append(kind)
    return found


@cache
def proven() -> set[str]:
    """The slugs that a test marked with `proves` takes through the main job, against a real server."""
    marked = set()
    for folder in ("real", "journeys"):
        for file in (TESTS / folder).glob("test_*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.FunctionDef):
                    marked |= {
                        argument.value for mark in node.decorator_list
                        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.proves"
                        for argument in mark.args if isinstance(argument, ast.Constant)
                    }  # fmt: skip
    return marked


@pytest.fixture(params=SHIPPED, ids=lambda kind: kind.slug)
def kind(request) -> type[Connector]:
    return request.param


def reaches(kind: type[Connector], level: str) -> bool:
    return LEVELS.index(kind.level) >= LEVELS.index(level)


def test_bronze_has_a_documented_api_and_the_contracts_tests(kind):
    assert kind.level in LEVELS and kind.docs and kind.fields
    source = inspect.getdoc(inspect.getmodule(kind))
    told = any(word in source for word in (".com", ".org", "RFC", "npm ", "description", "pg_catalog", "PostgreSQL"))
    assert told or kind.slug in NO_HTTP, "the module does not say which public document its calls come from"
    assert kind.slug in batteries() or kind.slug in NO_HTTP, "no class holds it to the battery"


def test_silver_has_a_second_look_and_honours_limits(kind):
    if reaches(kind, SILVER):
        assert LOOK_UP in kind.capabilities
        tested = batteries().get(kind.slug, [])
        full = [one for one in tested if issubclass(one, ConnectorContract)]
        assert full or kind.slug in NO_HTTP, "only its reading is tested"
        for one in full:
            for test in LIMITS:
                assert getattr(one, test) is getattr(ConnectorContract, test), f"{one.__name__} overrides {test}"


def test_gold_has_assets_and_every_act_there_is(kind):
    if reaches(kind, GOLD):
        assert ASSETS in kind.capabilities
        assert set(CAPABILITIES) - kind.capabilities == set(kind.unknown_acts)
        assert all(kind.unknown_acts.values()), "say why the app has no such act"


def test_platinum_is_proven_against_the_real_server(kind):
    assert (kind.level == PLATINUM) == (kind.slug in proven())


def test_what_reads_further_roles_is_held_to_them(kind):
    if "further_roles" in inspect.getsource(inspect.getmodule(kind)) and kind.slug not in NO_HTTP:
        assert any(getattr(one, "several_roles", ()) for one in batteries()[kind.slug])


def test_no_act_is_both_offered_and_unknown(kind):
    assert not kind.capabilities & set(kind.unknown_acts)


def test_the_list_of_those_without_http_is_as_short_as_it_can_be():
    slugs = {kind.slug for kind in SHIPPED}
    assert set(NO_HTTP) <= slugs and not set(NO_HTTP) & set(batteries())
    assert {kind.slug for kind in SHIPPED if kind.category == SAMPLE and kind.level != BRONZE} == set()
