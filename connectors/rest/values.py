"""Makes Rollcall's values of one item of an app's answer, as a YAML file maps them.
A value that the file doesn't foresee is never guessed: the reading fails and names the value to add."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Refused
from connectors.rest.template import anything, bare, fill, find, has, is_template, keys_of, names_in
from connectors.rest.yaml_source import as_text
from connectors.tools.http import clean

EMPTY = (None, "", [])
PLAIN = (str, bool, int, float)

Tables = Callable[[str], Mapping[str, list]]  # a table's name → the table: each key's values, in their order


class Value:
    """The mapping of one field. `about`: the field's name for messages; `time`: the file's settings for times."""

    def __init__(self, spec: str | list | dict, about: str, time: dict | None = None):
        self._spec = spec if isinstance(spec, dict) else {"from": spec}
        sources = self._spec.get("from", [])
        self._sources = [
            source if is_template(source) else keys_of(source)
            for source in (sources if isinstance(sources, list) else [sources])
        ]
        self._about, self._time = about, {**(time or {}), **self._spec}
        self._ranks = _ranks(self._spec.get("prefer", []))
        self._map = {key: value for key, value in self._spec.get("values", {}).items()}
        is_path = len(self._sources) == 1 and not isinstance(self._sources[0], str)
        self._only_path = self._sources[0] if is_path and not self._spec.keys() & {"const", "table"} else None

    def raw(self, item: Mapping[str, Any], tables: Tables) -> Any:
        """The value, the first one if there are several; None if there is none. Raises Refused for a value that the
        file doesn't foresee."""
        values = self.every(item, tables)
        return self._meant(values[0] if values else None)

    def every(self, item: Mapping[str, Any], tables: Tables) -> list:
        """All values that the app returned, the preferred ones first, before `values` and `default` are applied."""
        if self._only_path is not None:  # a shortcut: nearly all values are read so, and are plain
            only = find(item, self._only_path)
            if only is None or type(only) in PLAIN:
                return [] if only in EMPTY else [only]
        if "const" in self._spec:
            return [self._spec["const"]]
        found = next(
            (value for value in (self._look(item, source) for source in self._sources) if value not in EMPTY), None
        )
        values = in_order(found if isinstance(found, list) else [found], self._ranks)
        if "table" in self._spec and values:
            table = tables(self._spec["table"])
            values = [value for one in values for value in table.get(as_text(one), ())]
        if any(isinstance(value, (dict, list)) for value in values):
            raise Refused(
                f"“{self._about}” is a whole object in the app's answer. Nothing was changed. Name a part of the "
                "object in the file."
            )
        return values

    def _meant(self, found: Any) -> Any:
        if "const" in self._spec:
            return found
        if self._map and (found is not None or "null" in self._map):
            found = self._translated(found)
        return self._spec.get("default") if found in EMPTY else found

    def is_present(self, item: Mapping[str, Any], tables: Tables) -> bool:
        """Whether the item has a key for the value. A value missing from a table counts as missing, too."""
        if "const" in self._spec or not self._sources:
            return True
        found = next((value for value in (self._look(item, source) for source in self._sources) if value not in EMPTY),
                     None)  # fmt: skip
        if "table" in self._spec and found is not None and not isinstance(found, (dict, list)):
            return as_text(found) in tables(self._spec["table"])
        return found is not None or any(has(item, keys) for source in self._sources for keys in _paths(source))

    @property
    def explains_missing(self) -> bool:
        """Whether the file says what a missing value means."""
        return "default" in self._spec or "null" in self._map

    def _look(self, item: Mapping[str, Any], source: Any) -> Any:
        found = fill(source, anything(item)) if isinstance(source, str) else find(item, source)
        return " ".join(found.split()) if isinstance(source, str) and isinstance(found, str) else found

    def _translated(self, found: Any) -> Any:
        for key in (as_text(found), "*"):
            if key in self._map:
                return self._map[key]
        raise Refused(
            f"The app returned the {self._about} “{clean(as_text(found))}”, which “values” doesn't name. "
            "Nothing was changed. Add it to the file."
        )

    def text(self, item: Mapping[str, Any], tables: Tables) -> str:
        found = self.raw(item, tables)
        return "" if found is None else clean(as_text(found))

    def texts(self, item: Mapping[str, Any], tables: Tables) -> list[str]:
        """All values as texts, each once. The first is the one that text() returns."""
        return list(dict.fromkeys(filter(None, (clean(as_text(one)) for one in self.translated(item, tables)))))

    def address(self, item: Mapping[str, Any], tables: Tables) -> str:
        """The first of all values with an @; without one, as text(). A list of contacts may begin with a phone
        number."""
        found = self.texts(item, tables)
        return next((one for one in found if "@" in one), next(iter(found), ""))

    def translated(self, item: Mapping[str, Any], tables: Tables) -> list:
        """All values. The first is the one that raw() returns. Of the others, those that `values` doesn't name are
        returned as they came."""
        values = self.every(item, tables)
        meant = [self._meant(values[0] if values else None)]
        meant += [self._map.get(as_text(value), self._map.get("*", value)) for value in values[1:]]
        return [one for one in meant if one is not None]

    def truth(self, item: Mapping[str, Any], tables: Tables) -> bool:
        return as_text(self.raw(item, tables)).casefold() in ("true", "1", "yes")

    def moment(self, item: Mapping[str, Any], tables: Tables) -> datetime | None:
        return read_time(
            self.raw(item, tables), self._time.get("time") or self._time.get("format", "iso"), self._time.get("zone")
        )


def _paths(source: Any) -> list[tuple[str, ...]]:
    """The paths that a source reads: its own, or those of the names in its text."""
    return [keys_of(bare(name)) for _, name in names_in(source)] if isinstance(source, str) else [source]


def in_order(values: list, ranks: Mapping[str, int]) -> list:
    """The values that aren't empty, the preferred ones first, the others in the app's order."""
    present = [value for value in values if value not in EMPTY]
    return sorted(present, key=lambda value: ranks.get(as_text(value), len(ranks))) if len(present) > 1 else present


def _ranks(preferred: list) -> dict[str, int]:
    return {as_text(value): rank for rank, value in enumerate(preferred)}


def holds(item: Any, conditions: Mapping[str, list]) -> bool:
    """True if each path leads to one of its wanted values. Of a list, one value is enough."""
    for path, wanted in conditions.items():
        found = find(item, keys_of(path))
        given = {as_text(value) for value in found} if isinstance(found, list) else {as_text(found)}
        if not given & {as_text(value) for value in wanted}:
            return False
    return True


def read_time(value: Any, form: str, zone: str | None) -> datetime | None:
    """A time in naive UTC; None for a value that can't be read, and for 0, which means never.

    `form`: iso, seconds, milliseconds, or a format of strptime. `zone`: the time zone of times that name none; None is
    UTC.
    """
    try:
        if form in ("seconds", "milliseconds"):
            number = float(value) / (1000 if form == "milliseconds" else 1)
            return datetime.fromtimestamp(number, UTC).replace(tzinfo=None) if number > 0 else None
        text = as_text(value).strip()
        moment = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
        return moment.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
