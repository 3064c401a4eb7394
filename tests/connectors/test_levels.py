"""Each connector deserves the level that the catalogue shows: what bronze, silver, gold and platinum ask for."""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from pathlib import Path

import pytest

from connectors import app_connectors
from connectors.base import ASSETS, CAPABILITIES, LOOK_UP, SAMPLE, Connector
from connectors.quality import (
    NOT_RATED,
    TESTED_OVER_HTTP,
    TIERS,
    Exempt,
    Level,
    Missing,
    Rule,
    legend,
    level_of,
)
from tests.connectors.contract import ConnectorContract
from tests.connectors.reading_contract import ReadingContract

TESTS = Path(__file__).parent.parent
SHIPPED = [kind for kind in app_connectors().values() if kind.__module__.startswith("connectors.")
           and kind.level() != Level.OWN_FILE]  # not those that tests have made
# Where the battery tries what a rule promises: a class that overrides one of these says something else.
TRIED_BY = {
    Rule.SECOND_LOOK: ("test_nobody_there_is_none_and_a_fault_is_not",),
    Rule.WAITS: ("test_a_short_wait_is_waited_out", "test_a_long_wait_is_handed_on"),
    Rule.CREDENTIAL_END: ("test_a_refused_token_is_reported", "test_a_token_that_expires_half_way_fails_the_reading"),
    Rule.SECRETS: ("test_secrets_stay_secret",),
}
# A connector that the battery can't reach may be exempt from these. From no other rule.
MAY_BE_EXEMPT = {Rule.DOCUMENTED, *TESTED_OVER_HTTP}


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


def keeps(kind: type[Connector], rule: Rule) -> bool:
    return rule not in kind.quality


def exempt(kind: type[Connector]) -> set[Rule]:
    return {rule for rule, state in kind.quality.items() if isinstance(state, Exempt)}


def full(kind: type[Connector]) -> list[type]:
    """The classes that hold it to the whole battery, not to the part on reading alone."""
    return [one for one in batteries().get(kind.slug, []) if issubclass(one, ConnectorContract)]


def test_each_connector_is_rated_and_gives_a_reason_for_each_rule_that_it_does_not_keep(kind):
    assert kind.quality is not Connector.quality and kind.level() in TIERS
    for rule, state in kind.quality.items():
        assert isinstance(rule, Rule) and state.reason.endswith(".")


def test_only_a_connector_that_the_battery_cannot_reach_is_exempt(kind):
    assert exempt(kind) <= MAY_BE_EXEMPT
    assert not exempt(kind) or kind.slug not in batteries(), "the battery reaches it"


def test_its_calls_are_documented(kind):
    assert kind.level() in list(Level)
    source = inspect.getdoc(inspect.getmodule(kind))
    shown = any(word in source for word in (".com", ".org", "RFC", "npm ", "description", "pg_catalog", "PostgreSQL"))
    assert shown == keeps(kind, Rule.DOCUMENTED), "the module must say which public document its calls come from"


def test_its_credential_is_explained(kind):
    assert kind.docs and kind.fields and keeps(kind, Rule.EXPLAINED)


def test_its_reading_is_tested(kind):
    assert keeps(kind, Rule.READING_TESTED) == (kind.slug in batteries()), "a class must hold it to the battery"


def test_its_operations_are_tested(kind):
    assert keeps(kind, Rule.CHANGES_TESTED) == bool(full(kind)), "only its reading is tested"


def test_it_has_a_second_look(kind):
    assert keeps(kind, Rule.SECOND_LOOK) == (LOOK_UP in kind.capabilities)


@pytest.mark.parametrize("rule", TRIED_BY, ids=lambda rule: rule.name.lower())
def test_the_unchanged_battery_tries_each_rule_that_a_connector_keeps(kind, rule):
    if keeps(kind, rule):
        assert full(kind) or kind.slug not in batteries() and exempt(kind), "nothing tries it"
        for one in full(kind):
            for test in TRIED_BY[rule]:
                assert getattr(one, test) is getattr(ConnectorContract, test), f"{one.__name__} overrides {test}"


def test_it_reads_assets(kind):
    assert keeps(kind, Rule.ASSETS) == (ASSETS in kind.capabilities)


def test_managers_are_asked_again_before_a_removal_or_it_is_said_that_they_are_not(kind):
    if is_asked := kind.managed is not Connector.managed:
        assert all(one.managing_role for one in full(kind)), "the battery compares it with the whole reading"
    assert keeps(kind, Rule.MANAGERS) == (is_asked or not reads_managers(kind))


def reads_managers(kind: type[Connector]) -> bool:
    """Whether its access() can hold a manager of an asset: an Access with a fourth value, or with `privileged`."""
    modules = {inspect.getmodule(one) for one in kind.__mro__ if issubclass(one, Connector) and one is not Connector}
    calls = [node for module in modules for node in ast.walk(ast.parse(inspect.getsource(module)))
             if isinstance(node, ast.Call) and ast.unparse(node.func) == "Access"]  # fmt: skip
    return any(len(call.args) > 3 or any(word.arg == "privileged" for word in call.keywords) for call in calls)


def test_it_offers_every_operation_there_is(kind):
    if keeps(kind, Rule.OPERATIONS):
        assert set(CAPABILITIES) - kind.capabilities == set(kind.absent_operations)
        assert all(kind.absent_operations.values()), "say why the app has no such operation"


def test_it_is_proven_against_the_real_server(kind):
    assert keeps(kind, Rule.REAL_SERVER) == (kind.level() == Level.PLATINUM) == (kind.slug in proven())


def test_a_level_is_reached_with_all_rules_of_its_tier_and_of_those_below():
    lacking = Missing("It can't.")
    assert level_of({}) == Level.PLATINUM and level_of(dict.fromkeys(Rule, Exempt("No server."))) == Level.PLATINUM
    assert level_of({Rule.REAL_SERVER: lacking}) == Level.GOLD
    assert level_of({Rule.ASSETS: lacking}) == Level.SILVER
    assert level_of({Rule.SECRETS: lacking, Rule.WAITS: Exempt("No calls.")}) == Level.BRONZE
    assert level_of({Rule.EXPLAINED: lacking}) == Level.UNRATED == level_of(NOT_RATED)


def test_the_legend_names_what_the_next_tier_lacks_and_each_exemption():
    quality = {Rule.REAL_SERVER: Missing("None."), Rule.ASSETS: Missing("No assets."), Rule.WAITS: Exempt("No calls."),
               Rule.SECRETS: Exempt("No calls.")}  # fmt: skip
    lacks, exempt_from = "For gold, it lacks “assets”: No assets.", "Exempt from “rate limits”, “secrets”: No calls."
    assert legend(quality) == [lacks, exempt_from]
    assert legend(dict.fromkeys(Rule, Missing("A file."))) == [
        "For bronze, it lacks “documented calls”, “explained credential”, “tested reading”: A file."
    ]
    assert legend({}) == []


def test_a_connector_that_reads_further_roles_is_tested_for_them(kind):
    if "further_roles" in inspect.getsource(inspect.getmodule(kind)) and keeps(kind, Rule.READING_TESTED):
        assert any(getattr(one, "several_roles", ()) for one in batteries()[kind.slug])


def test_no_act_is_both_offered_and_unknown(kind):
    assert not kind.capabilities & set(kind.absent_operations)


def test_a_sample_is_bronze_and_no_more():
    assert {kind.slug for kind in SHIPPED if kind.category == SAMPLE and kind.level() != Level.BRONZE} == set()
