"""The export of one known program: its signs, and the meanings of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.tables.mapping import key_of
from connectors.tables.meanings import Meaning, Means, Purpose

PEOPLE = (Purpose.DIRECTORY, Purpose.IMPORT)
ANY = "*"  # any value that isn't empty; at the end of a header: whatever comes after


@dataclass(frozen=True)
class Preset:
    """`signs`: headers that this program's file always has, and that no other file has together. `closed`: the file has
    no columns but those named here. `decisions`: answers that follow from the program's format."""

    label: str
    source: str  # where its headers are documented, or were seen
    purposes: tuple[Purpose, ...]
    signs: tuple[str, ...]
    columns: Mapping[str, Meaning] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Means]] = field(default_factory=dict)
    decisions: Mapping[str, str] = field(default_factory=dict)
    closed: bool = False

    def fits(self, names: set[str]) -> bool:
        """Whether these are the headers of its file, each as key_of() gives it."""
        own = {key_of(name) for name in (*self.columns, *self.signs)}
        return all(key_of(sign) in names for sign in self.signs) and (not self.closed or names <= own)

    def meaning(self, header: str) -> Meaning | None:
        return next((known for name, known in self.columns.items() if _is(name, header)), None)

    def means(self, header: str, value: str) -> Means | None:
        for name, values in self.values.items():
            if _is(name, header):
                known = next((known for word, known in values.items() if key_of(word) == key_of(value)), None)
                return known or (values.get(ANY) if value else None)
        return None


def _is(name: str, header: str) -> bool:
    if name.endswith(ANY):
        return key_of(header).startswith(key_of(name[:-1]))
    return key_of(name) == key_of(header)
