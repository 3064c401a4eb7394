"""Checks the data of a YAML file against rest.schema.json, and explains each problem in plain words, with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from connectors.rest.yaml_source import Place, as_text

SCHEMA = Path(__file__).with_name("rest.schema.json")
MOST_PROBLEMS = 20
KINDS = {
    "object": "a mapping (key: value)", "array": "a list", "string": "text", "integer": "a whole number",
    "number": "a number", "boolean": "true or false", "null": "nothing",
}  # fmt: skip


def problems(data: Any) -> Iterator[tuple[Place, str]]:
    """(place, reason) of each problem, at most MOST_PROBLEMS."""
    for number, error in enumerate(_validator().iter_errors(data)):
        if number == MOST_PROBLEMS:
            return
        place = tuple(error.absolute_path)
        name = f"“{place[-1]}”" if place and isinstance(place[-1], str) else "this entry" if place else "the file"
        yield from _explained(error, place, name)


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # takes as long to import as all of connectors/, and few need it

    return Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def _explained(error: Any, place: Place, name: str) -> Iterator[tuple[Place, str]]:
    wanted, given = error.validator_value, error.instance
    if error.validator == "additionalProperties" and isinstance(given, dict) and wanted is False:
        known = list(error.schema.get("properties", ()))
        for key in given:
            if key not in known:
                near = get_close_matches(key, known, 1)
                may = f"did you mean “{near[0]}”?" if near else f"it may contain {', '.join(known)}."
                yield (*place, key), f"“{key}” is not known in {name}: {may}"
    elif error.validator == "required":
        missing = next(key for key in wanted if key not in given)
        yield place, f"{name} lacks “{missing}”."
    elif error.validator == "type":
        kinds = wanted if isinstance(wanted, list) else [wanted]
        yield place, f"{name} must be {' or '.join(KINDS[kind] for kind in kinds)}."
    elif error.validator == "enum":
        yield place, f"{name} is “{as_text(given)}”, but must be one of {', '.join(map(as_text, wanted))}."
    elif error.validator == "const":
        yield place, f"{name} must be {as_text(wanted)}."
    elif error.validator == "pattern":
        yield place, f"{name} isn't in the right format: “{given}” must match {wanted}"
    elif error.validator in ("minProperties", "maxProperties"):
        known = ", ".join(error.schema.get("properties", ()))
        yield place, f"{name} must contain exactly one of {known}." if known else f"{name} must not be empty."
    elif error.validator in ("minLength", "minItems"):
        yield place, f"{name} must not be empty."
    else:
        yield place, f"{name}: {error.message}."
