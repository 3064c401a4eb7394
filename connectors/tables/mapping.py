"""A person's decisions about a file's columns, values and unclear places, kept as JSON with the directory or app.
Columns and values are recognised by their text, without regard to case and spaces."""

from __future__ import annotations

import json
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from connectors.base import Refused
from connectors.tables.meanings import MEANINGS, Meaning, Means, Purpose, choices_for

VERSION = 1


@lru_cache(maxsize=20_000)
def key_of(text: str) -> str:
    """The form in which headers and values are compared."""
    return " ".join(text.replace("_", " ").casefold().split())


@dataclass(frozen=True)
class Mapping:
    """`columns`: header → meaning; `values`: header → value → what it means; `roles`: header → value → the role's
    name where it isn't the value itself; `decisions`: key of a Question about the file as a whole → answer."""

    columns: AnyMapping[str, Meaning] = field(default_factory=dict)
    values: AnyMapping[str, AnyMapping[str, Means]] = field(default_factory=dict)
    roles: AnyMapping[str, AnyMapping[str, str]] = field(default_factory=dict)
    decisions: AnyMapping[str, str] = field(default_factory=dict)

    def meaning(self, header: str) -> Meaning | None:
        """The answer about this column; None if there is none."""
        return self._columns.get(key_of(header))

    def means(self, header: str, value: str) -> Means | None:
        """The answer about this value of the column."""
        return self._values.get(key_of(header), {}).get(key_of(value))

    def role(self, header: str, value: str) -> str | None:
        """The name of the role that this value means, if someone entered one."""
        return self._roles.get(key_of(header), {}).get(key_of(value))

    @cached_property
    def _columns(self) -> dict[str, Meaning]:
        return {key_of(name): decided for name, decided in self.columns.items()}

    @cached_property
    def _values(self) -> dict[str, dict[str, Means]]:
        return _by_key(self.values)

    @cached_property
    def _roles(self) -> dict[str, dict[str, str]]:
        return _by_key(self.roles)

    def decision(self, key: str) -> str:
        return self.decisions.get(key, "")

    def answered(self, answers: AnyMapping[str, str]) -> Mapping:
        """The mapping with answers added, by Question.key (see questions.py). Raises Refused for an unknown key."""
        now = self
        for key, answer in answers.items():
            now = now._with(key, answer)
        return now

    def _with(self, key: str, answer: str) -> Mapping:
        kind, _, rest = key.partition(":")
        if kind == "column":
            others = {name: decided for name, decided in self.columns.items() if key_of(name) != key_of(rest)}
            return replace(self, columns={**others, rest: Meaning(answer)} if answer else others)
        if kind == "missing":
            return self._with(f"column:{rest}", "")
        if kind == "needed":
            return self._with(f"column:{answer}", rest)
        if kind in ("value", "role"):
            header, value = _header_and_value(rest)
            known = self.values if kind == "value" else self.roles
            decided = {name: dict(values) for name, values in known.items()}
            column = next((name for name in decided if key_of(name) == key_of(header)), header)
            values = {name: word for name, word in decided.get(column, {}).items() if key_of(name) != key_of(value)}
            if answer:
                values[value] = Means(answer) if kind == "value" else answer
            return replace(self, **{"values" if kind == "value" else "roles": {**decided, column: values}})
        return replace(self, decisions={**self.decisions, key: answer})

    def to_json(self) -> str:
        document = {"version": VERSION, "columns": dict(self.columns),
                    "values": {header: dict(values) for header, values in self.values.items()},
                    "roles": {header: dict(values) for header, values in self.roles.items()},
                    "decisions": dict(self.decisions)}  # fmt: skip
        return json.dumps(document, ensure_ascii=False, indent=2)


def _by_key(known: AnyMapping[str, AnyMapping[str, str]]) -> dict[str, dict]:
    return {key_of(name): {key_of(text): decided for text, decided in values.items()} for name, values in known.items()}


def value_key(header: str, value: str, kind: str = "value") -> str:
    """The key of the question about a value of a column ("value"), or of the name of its role ("role")."""
    return f"{kind}:{json.dumps([header, value], ensure_ascii=False)}"


def _header_and_value(key: str) -> tuple[str, str]:
    """The parts of a key that value_key() made. Raises ValueError for any other text."""
    try:
        header, value = json.loads(key)
    except (TypeError, RecursionError):
        raise ValueError(key[:100]) from None
    if not (isinstance(header, str) and isinstance(value, str)):
        raise ValueError(key[:100])
    return header, value


def from_json(text: str, purpose: Purpose) -> Mapping:
    """The mapping in a text of JSON; an empty text is an empty mapping. Raises Refused with the reason, if it isn't
    valid."""
    if not text.strip():
        return Mapping()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise Refused(f"The mapping isn't JSON: {problem}.") from problem
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise Refused(f'The mapping must be an object with "version": {VERSION}.')
    unknown = set(document) - {"version", "columns", "values", "roles", "decisions", "open"}
    if unknown:
        raise Refused(f"The mapping has an unknown part: {', '.join(sorted(unknown))}.")
    columns = {header: _meaning(header, decided, purpose) for header, decided in _object(document, "columns").items()}
    values = {header: _values(header, decided) for header, decided in _object(document, "values").items()}
    return Mapping(_unlike("columns", columns), values, _texts(document, "roles"),
                   {key: str(answer) for key, answer in _object(document, "decisions").items()})


def _object(document: dict, part: str) -> dict:
    decided = document.get(part, {})
    if not isinstance(decided, dict):
        raise Refused(f'"{part}" in the mapping must be an object.')
    return decided


def _meaning(header: str, decided: object, purpose: Purpose) -> Meaning:
    allowed = [str(meaning) for meaning in MEANINGS[purpose]]
    if decided not in allowed:
        raise Refused(f"The mapping says that the column {header} is {decided!r}. It can be {', '.join(allowed)}.")
    return Meaning(decided)


def _unlike(part: str, decided: dict) -> dict:
    seen: dict[str, str] = {}
    for name in decided:
        if key_of(name) in seen:
            raise Refused(f"The mapping names {name} twice in {part}.")
        seen[key_of(name)] = name
    return decided


def _values(header: str, decided: object) -> dict[str, Means]:
    if not isinstance(decided, dict):
        raise Refused(f'"values" of the column {header} in the mapping must be an object.')
    allowed = {str(means) for means in Means}
    for value, means in decided.items():
        if not isinstance(means, str) or means not in allowed:
            raise Refused(f"The mapping says that {value} in the column {header} is {means!r}. "
                          f"It can be {', '.join(sorted(allowed))}.")
    return _unlike(f"the values of {header}", {value: Means(means) for value, means in decided.items()})


def _texts(document: dict, part: str) -> dict[str, dict[str, str]]:
    decided = _object(document, part)
    if not all(isinstance(values, dict) and all(isinstance(text, str) for text in values.values())
               for values in decided.values()):
        raise Refused(f'"{part}" in the mapping must be an object of texts for each column.')
    return decided


def allowed(mapping: Mapping, header: str, value: str, meaning: Meaning, purpose: Purpose) -> Means | None:
    """The answer about the value, for a column with this meaning."""
    decided = mapping.means(header, value)
    return decided if decided in choices_for(meaning, purpose) else None
