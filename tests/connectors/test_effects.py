"""Each connector declares what its operations reach, lose and free, and which version of the app's API it uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType

import pytest

from connectors import app_connectors, directory_connectors
from connectors.base import CHANGE_ROLE, GRANT, INVITE, REMOVE, REVOKE, Connector, Field
from connectors.effects import Effect, Effects, Reach, Undo, declared
from connectors.quality import Level, Rule
from connectors.rest.yaml_source import DescriptionProblem
from connectors.versions import WARN_DAYS, ApiVersion
from docs.connector_table import PAGE, written
from tests.connectors.described import described

SHIPPED = [kind for kind in app_connectors().values() if kind.__module__.startswith("connectors.")
           and kind.level() != Level.OWN_FILE]  # fmt: skip
DIRECTORIES = [kind for kind in directory_connectors().values() if kind.__module__.startswith("connectors.")]
PLANS = ("team", "company")
OPERATIONS = frozenset({REMOVE, CHANGE_ROLE, INVITE, GRANT, REVOKE})
TODAY = date(2026, 11, 26)
REMOVED = Effect("Removes them from the workspace.", Reach.WORKSPACE, Undo.IMPOSSIBLE, "Invite them again.")
REMOVAL = {"method": "DELETE", "path": "/users/{account.id}"}
REMOVABLE = [{"path": "/users", "account": {"id": "id"}, "remove": REMOVAL}]
each_app = pytest.mark.parametrize("kind", SHIPPED, ids=lambda kind: kind.slug)


def declarations(effects: Effects) -> Iterator[Effect]:
    return (effect for of_one in effects.values() for effect in of_one)


@each_app
def test_each_operation_has_its_effect(kind):
    assert set(kind.effects) == kind.capabilities & OPERATIONS, f"{kind.slug}: declare the effect of each operation"


def test_without_an_answer_the_first_choice_of_a_field_decides_the_effect():
    class Chosen(Connector):
        fields = (Field("plan", "Plan", choices=tuple((plan, plan) for plan in PLANS)),)
        capabilities = frozenset({REMOVE})
        effects = MappingProxyType({REMOVE: tuple(replace(REMOVED, when=("plan", plan)) for plan in PLANS)})

    for given, plan in (({}, "team"), ({"plan": ""}, "team"), ({"plan": "company"}, "company")):
        assert [effect.when for effect in Chosen(given).effects_of(REMOVE)] == [("plan", plan)]


@each_app
def test_an_effect_is_whole(kind):
    for effect in declarations(kind.effects):
        assert effect.source and effect.reach is not Reach.NOT_DECLARED, effect
        for sentence in filter(None, (effect.does, effect.undo_by, effect.seat_note)):
            assert sentence[0].isupper() and sentence.endswith("."), sentence
        assert effect.undo_by or effect.undo is Undo.NOT_KNOWN, "say what undoes it, or what to do instead"
        assert effect.undo_days is None or effect.undo is Undo.POSSIBLE
        assert not any(phrase.endswith(".") for phrase in effect.lost)
        assert not re.search(r"s the (user|person|member|guest)\b|, with (all )?its\b", effect.does), effect.does


@each_app
def test_each_choice_of_a_setting_has_exactly_one_effect_for_the_same_accounts(kind):
    for setting in {effect.when[0] for effect in declarations(kind.effects) if effect.when}:
        [field] = [field for field in kind.fields if field.name == setting]
        for value, _ in field.choices:
            connector = kind({setting: value})
            for operation in OPERATIONS & connector.capabilities:
                people = [effect.who for effect in connector.effects_of(operation)]
                assert people and len(people) == len(set(people)), (setting, value, operation)
            connector.close()


@each_app
def test_it_keeps_the_rule_on_declarations(kind):
    assert Rule.EFFECTS not in kind.quality


@pytest.mark.parametrize("kind", [*SHIPPED, *DIRECTORIES], ids=lambda kind: kind.slug)
def test_the_version_of_its_api_has_a_source(kind):
    assert kind.api_version.name and kind.api_version.source


@pytest.mark.parametrize("kind", [*SHIPPED, *DIRECTORIES], ids=lambda kind: kind.slug)
def test_no_version_in_use_ends_within_90_days(kind):
    """It fails from a day in the calendar on, on purpose."""
    if warning := kind.api_version.warning(kind.label, date.today()):
        pytest.fail(f"{warning} Move the connector to a later version, and declare that one's end.", pytrace=False)


@pytest.mark.parametrize("kind", SHIPPED, ids=lambda kind: kind.slug)
def test_a_setting_that_overrides_the_version_is_a_field(kind):
    assert kind.api_version.setting in ("", *(field.name for field in kind.fields))


@pytest.mark.parametrize("kind", [kind for kind in SHIPPED if kind.api_version.ends], ids=lambda kind: kind.slug)
def test_a_version_that_ends_can_be_overridden_in_the_settings(kind):
    [field] = [field for field in kind.fields if field.name == kind.api_version.setting]
    assert not field.required and field.placeholder == kind.api_version.version


def test_a_warning_begins_90_days_before_the_end_and_names_version_day_and_source():
    version = ApiVersion("Ads API", "v3", TODAY + timedelta(days=WARN_DAYS), source="“Version history”")
    assert version.warning("Desk", TODAY - timedelta(days=1)) == ""
    assert version.warning("Desk", TODAY) == (
        "Desk: the version in use, Ads API v3, ends on 24 February 2027. Update Rollcall before that. "
        "Source: “Version history”."
    )
    assert "ends on" in version.warning("Desk", version.ends)
    assert "ended on" in version.warning("Desk", version.ends + timedelta(days=1))
    assert ApiVersion("Ads API", "v3").warning("Desk", TODAY) == ""


def test_a_version_that_someone_entered_has_its_own_end():
    version = ApiVersion("Ads API", "v3", TODAY, setting="version", end_of={"v4": TODAY + timedelta(days=200)}.get)
    assert version.chosen({}) == version.chosen({"version": " "}) == version.chosen({"version": "v3"}) == version
    assert str(version.chosen({"version": "v4"})) == "Ads API v4"
    assert version.chosen({"version": "v4"}).warning("Desk", TODAY) == ""
    assert version.chosen({"version": "v9"}).ends is None
    assert "Enter a later version in the app's settings." in version.warning("Desk", TODAY)


def test_an_operation_by_hand_has_no_effect_and_one_without_a_declaration_says_so():
    class Desk(Connector):
        capabilities = frozenset({REMOVE})

    assert Desk({}).effects_of(INVITE) == ()
    [effect] = Desk({}).effects_of(REMOVE)
    assert (effect.reach, effect.undo) == (Reach.NOT_DECLARED, Undo.NOT_KNOWN)


def test_the_source_of_all_is_that_of_each_which_names_none():
    own = Effect("Deletes them.", Reach.TENANT, Undo.IMPOSSIBLE, "Make a new user.", source="Another page")
    effects = declared("A page", remove=(REMOVED, own), revoke=REMOVED)
    assert [effect.source for effect in declarations(effects)] == ["A page", "Another page", "A page"]


def test_a_file_declares_effects_and_the_version(tmp_path):
    kind = described(tmp_path, accounts=REMOVABLE, effects={"remove": {
        "does": "Deletes the user.", "reach": "tenant", "undo": "possible", "undo_by": "Restore the user.",
        "undo_days": 20, "lost": ["their files"], "frees_seat": "yes", "ends_sessions": "no", "source": "API guide",
    }}, api_version={"version": "v2", "ends": "2027-10-01", "source": "API guide"})  # fmt: skip
    [effect] = kind.effects[REMOVE]
    assert (effect.reach, effect.undo_days, effect.lost, effect.source) == (
        Reach.TENANT, 20, ("their files",), "API guide")  # fmt: skip
    assert (str(kind.api_version), kind.api_version.ends) == (f"{kind.label} v2", date(2027, 10, 1))


def test_a_file_without_a_declaration_says_so_and_does_not_keep_the_rule(tmp_path):
    bare = described(tmp_path, accounts=REMOVABLE)
    [effect] = bare({"base_url": "https://desk.example"}).effects_of(REMOVE)
    assert effect.reach is Reach.NOT_DECLARED
    assert bare.quality[Rule.EFFECTS].reason == "The file doesn't declare the effect of: remove."


def test_an_end_that_is_no_day_is_refused_with_its_line(tmp_path):
    with pytest.raises(DescriptionProblem, match="there is no such day"):
        described(tmp_path, api_version={"version": "v2", "ends": "2027-02-30"})


def test_the_table_in_the_docs_is_what_the_code_declares():
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "run `.venv/bin/python -m docs.connector_table` and commit docs/connectors.md"
