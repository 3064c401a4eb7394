"""Reads what a YAML file declares about its app: the effect of each operation, and the API's version with its end.
An operation without a declaration is shown as “not declared”."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

from connectors.base import ASSETS, CHANGE_ROLE, GRANT, INVITE, LOOK_UP, REMOVE, REVOKE
from connectors.effects import (
    GRANTED,
    INVITATION_SENT,
    REVOKED,
    ROLE_CHANGED,
    Effect,
    Effects,
    Reach,
    Seat,
    Sessions,
    Undo,
    declared,
)
from connectors.quality import Missing, Quality, Rule, not_kept
from connectors.versions import ApiVersion

USUAL = {CHANGE_ROLE: ROLE_CHANGED, INVITE: INVITATION_SENT, GRANT: GRANTED, REVOKE: REVOKED}
NOT_TESTED = Missing("Your team described the app, and nobody else has tested it.")


def declarations(spec: Mapping[str, Any], capabilities: frozenset[str]) -> dict[str, Any]:
    """The attributes `effects`, `api_version` and `quality` of the connector that the file describes."""
    effects = _effects(spec, capabilities)
    return {"effects": effects, "api_version": _version(spec), "quality": _quality(effects, capabilities)}


def _effects(spec: Mapping[str, Any], capabilities: frozenset[str]) -> Effects:
    """The effects of the operations that the file both describes and declares."""
    operations = {name.replace("_", " "): entry for name, entry in spec.get("effects", {}).items()}
    found = {name: _effect(name, entry) for name, entry in operations.items() if name in capabilities}
    return declared(spec["label"], **{name.replace(" ", "_"): effect for name, effect in found.items()})


def _effect(operation: str, entry: Mapping[str, Any]) -> Effect:
    usual = USUAL.get(operation) or Effect("Removes them from the app.", Reach.NOT_DECLARED, Undo.NOT_KNOWN)
    given: dict[str, Any] = {
        **entry,
        "reach": Reach(entry["reach"]),
        "undo": Undo(entry["undo"]),
        "lost": tuple(entry.get("lost", ())),
        "undo_by": entry.get("undo_by", ""),
    }
    if "frees_seat" in entry:
        given["frees_seat"] = Seat(entry["frees_seat"])
    if "ends_sessions" in entry:
        given["ends_sessions"] = Sessions(entry["ends_sessions"])
    return replace(usual, **given)


def _version(spec: Mapping[str, Any]) -> ApiVersion:
    """The version of the app's API, as the file names it."""
    entry = spec.get("api_version", {})
    ends = date.fromisoformat(entry["ends"]) if "ends" in entry else None
    return ApiVersion(entry.get("name", spec["label"]), entry.get("version", ""), ends, entry.get("source", ""))


def _quality(effects: Effects, capabilities: frozenset[str]) -> Quality:
    """A team's own file keeps only the rule on declared effects, if it declares each operation's effect."""
    rules = not_kept(NOT_TESTED, Rule)
    undeclared = sorted(capabilities & {REMOVE, *USUAL} - effects.keys())
    if undeclared:
        rules[Rule.EFFECTS] = Missing(f"The file doesn't declare the effect of: {', '.join(undeclared)}.")
    else:
        del rules[Rule.EFFECTS]
    return MappingProxyType(rules)


def capabilities_of(spec: dict) -> frozenset[str]:
    """The capabilities that the file describes. A second look needs “look_up” in every list of accounts."""
    accounts, assets = spec["accounts"], spec.get("assets", [])
    by_prefix = {entry.get("prefix", ""): entry for entry in reversed(accounts)}
    can = {
        LOOK_UP: all("look_up" in entry for entry in by_prefix.values()),
        ASSETS: bool(assets),
        REMOVE: any("remove" in entry for entry in accounts),
        CHANGE_ROLE: any("change_role" in entry for entry in accounts),
        INVITE: "invite" in spec,
        GRANT: any("grant" in entry for entry in assets),
        REVOKE: any("revoke" in entry for entry in assets),
    }
    return frozenset(capability for capability, described in can.items() if described)
