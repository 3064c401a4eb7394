"""How well a connector is written and tested: rules, the tier of each rule, and the level that follows from them.
A connector states only the rules that it doesn't keep; tests/connectors/test_levels.py proves the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType


class Level(StrEnum):
    """How good a connector is.
    OWN_FILE: described by the team in a YAML file, so it can't be compared with the others."""

    UNRATED = "unrated"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"
    OWN_FILE = "own file"


TIERS = (Level.BRONZE, Level.SILVER, Level.GOLD, Level.PLATINUM)  # each includes those before it
MEANINGS = {
    Level.UNRATED: "not rated yet",
    Level.BRONZE: "built on a documented API and tested against its description",
    Level.SILVER: "verifies before each change and handles rate limits",
    Level.GOLD: "also reads assets and offers every operation",
    Level.PLATINUM: "proven against the real server",
    Level.OWN_FILE: "described by your team and tested by nobody else",
}


class Rule(Enum):
    """A rule for connectors: its tier, a short name, and its promise in a sentence."""

    def __init__(self, tier: Level, label: str, promise: str):
        self.tier, self.label, self.promise = tier, label, promise

    DOCUMENTED = (
        Level.BRONZE, "documented calls",
        "Every call is in a public document that the connector's source names.")  # fmt: skip
    EXPLAINED = Level.BRONZE, "explained credential", "The connection page explains where to get the credential."
    READING_TESTED = (
        Level.BRONZE, "tested reading",
        "Its reading passes the tests that are the same for every connector.")  # fmt: skip
    SECOND_LOOK = Level.SILVER, "second look", "It can read one account again, so Rollcall verifies each change."
    CHANGES_TESTED = (
        Level.SILVER, "tested operations",
        "Its operations pass the tests that are the same for every connector.")  # fmt: skip
    WAITS = (
        Level.SILVER, "rate limits",
        "It waits when the app asks for a pause, and postpones the check if that takes long.")  # fmt: skip
    CREDENTIAL_END = (
        Level.SILVER, "credential that ends",
        "A credential that ends is renewed, or is reported when it fails.")  # fmt: skip
    EFFECTS = (
        Level.SILVER, "declared effects",
        "It declares how far each operation reaches, and whether it can be undone.")  # fmt: skip
    SECRETS = Level.SILVER, "secrets", "No message contains a part of the credential."
    ASSETS = Level.GOLD, "assets", "It reads the app's assets and the people who have access to them."
    OPERATIONS = Level.GOLD, "every operation", "It offers every operation that this kind of app has."
    MANAGERS = (
        Level.PLATINUM, "last look at managers",
        "Right before a removal, it asks the app what the person manages by then, and who else does.")  # fmt: skip
    REAL_SERVER = Level.PLATINUM, "real server", "Tests check and remove people on the app's real server."


@dataclass(frozen=True, slots=True)
class Exempt:
    """The rule doesn't apply to this connector, and doesn't lower its level."""

    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The connector doesn't keep the rule, so its level is below the rule's tier."""

    reason: str


Quality = Mapping[Rule, Exempt | Missing]

TESTED_OVER_HTTP = (Rule.READING_TESTED, Rule.CHANGES_TESTED, Rule.WAITS, Rule.CREDENTIAL_END, Rule.SECRETS)
OF_LAST_READING = Missing(
    "Rollcall knows no call that lists all that one person manages. Before a removal, the last reading counts.")
NO_TEST_SERVER = Missing("The app runs only at its maker, who offers no server for tests.")


def at_its_maker(operations: str = "", more: Mapping[Rule, Exempt | Missing] = MappingProxyType({}),
                 managers: bool = True) -> Quality:  # fmt: skip
    """The `quality` of a connector whose app runs only at its maker. `operations`: a sentence on why operations are
    missing, "" if none is; `more`: further rules that it doesn't keep; `managers`: whether it keeps Rule.MANAGERS."""
    lacks = {Rule.OPERATIONS: Missing(operations)} if operations else {}
    lacks |= {} if managers else {Rule.MANAGERS: OF_LAST_READING}
    return MappingProxyType({**lacks, Rule.REAL_SERVER: NO_TEST_SERVER, **more})


def not_kept(state: Exempt | Missing, rules: Iterable[Rule]) -> dict[Rule, Exempt | Missing]:
    """Rules that are exempt or missing for the same reason, as a part of a connector's `quality`."""
    return dict.fromkeys(rules, state)


NOT_OVER_HTTP = not_kept(Exempt("It doesn't use HTTP: tests on a real server replace these."), TESTED_OVER_HTTP)
NOT_RATED = not_kept(Missing("Nobody has rated this connector."), Rule)


def level_of(quality: Quality) -> Level:
    """The highest tier for which all rules, and all rules of lower tiers, are kept or exempt; UNRATED if none is."""
    reached = Level.UNRATED
    for tier in TIERS:
        if missing(quality, tier):
            break
        reached = tier
    return reached


def missing(quality: Quality, tier: Level) -> list[Rule]:
    """The rules of a tier that the connector doesn't keep."""
    return [rule for rule in Rule if rule.tier == tier and isinstance(quality.get(rule), Missing)]


def next_tier(quality: Quality) -> Level | None:
    """The lowest tier that the connector hasn't reached; None if it has reached all."""
    return next((tier for tier in TIERS if missing(quality, tier)), None)


def legend(quality: Quality) -> list[str]:
    """The rules that a connector lacks for the next tier, and those that it is exempt from: a sentence for each
    reason."""
    tier = next_tier(quality)
    exempt = [rule for rule in Rule if isinstance(quality.get(rule), Exempt)]
    parts = [(f"For {tier}, it lacks", missing(quality, tier)), ("Exempt from", exempt)]
    return [f"{begin} {', '.join(labels)}: {reason}" for begin, rules in parts
            for reason, labels in _by_reason(quality, rules).items()]  # fmt: skip


def _by_reason(quality: Quality, rules: Iterable[Rule]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule in rules:
        found.setdefault(quality[rule].reason, []).append(f"“{rule.label}”")
    return found
