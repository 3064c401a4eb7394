"""The exports of well-known programs, recognised by their headers: what their columns and values mean.
Each cites where the program documents its file, as it was read in November 2026."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.tables.mapping import key_of
from connectors.tables.meanings import Meaning, Means, Purpose


@dataclass(frozen=True)
class Preset:
    """`signs` are headers that this program's file always has, enough to know it by; a file that is `closed` has no
    column beside those that are named here."""

    label: str
    source: str  # where its headers are documented
    purposes: tuple[Purpose, ...]
    signs: tuple[str, ...]
    columns: Mapping[str, Meaning] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Means]] = field(default_factory=dict)
    closed: bool = False

    def fits(self, names: set[str]) -> bool:
        """Whether these are the headers of its file, each as key_of() gives it."""
        own = {key_of(name) for name in (*self.columns, *self.signs)}
        return all(key_of(sign) in names for sign in self.signs) and (not self.closed or names <= own)

    def meaning(self, header: str) -> Meaning | None:
        return next((said for name, said in self.columns.items() if key_of(name) == key_of(header)), None)

    def means(self, header: str, value: str) -> Means | None:
        for name, values in self.values.items():
            if key_of(name) == key_of(header):
                return next((said for word, said in values.items() if key_of(word) == key_of(value)), None)
        return None


_OWN = ("email", "name", "status", "groups", "employee_number", "further_emails", "last_day", "start_date",
        "department", "manager", "user_name")  # fmt: skip
OWN = Preset(
    "Rollcall's own form", "docs/directories.md", (Purpose.DIRECTORY, Purpose.IMPORT), ("email", "status"),
    {name: Meaning(name) for name in _OWN}, {"status": {"": Means.NOTHING}}, closed=True,
)  # fmt: skip
PRESETS: tuple[Preset, ...] = (OWN,)


def recognise(header: Sequence[str], purpose: Purpose) -> Preset | None:
    """The preset with most signs whose signs are all there."""
    names = {key_of(name) for name in header}
    found = [preset for preset in PRESETS if purpose in preset.purposes and preset.fits(names)]
    return max(found, key=lambda preset: len(preset.signs), default=None)
