"""Recognises the file of a well-known program by its headers.
The programs themselves are in known_people.py and known_apps.py, each with the page that documents its file."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.tables import known_apps, known_people
from connectors.tables.mapping import key_of
from connectors.tables.meanings import Purpose
from connectors.tables.preset import Preset


def recognise(header: Sequence[str], purpose: Purpose) -> Preset | None:
    """The preset whose signs the file has; of several, the one with the most signs."""
    names = {key_of(name) for name in header}
    known = (*known_people.PRESETS, *known_apps.PRESETS)
    found = [preset for preset in known if purpose in preset.purposes and preset.fits(names)]
    return max(found, key=lambda preset: len(preset.signs), default=None)
