"""The two small languages of a YAML file that describes an app: texts with {names}, and paths into JSON.
Pure functions; file.py has already checked the names."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from connectors.base import Refused
from connectors.rest.yaml_source import Place, as_text
from connectors.tools.http import segment

PIECES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
NAME = re.compile(r"[A-Za-z_@$][\w@$:-]*(\.[\w@$:*-]+)*\??")
QUERY = re.compile(r"\?(?![^{}]*\})")  # the question mark before a query, not one inside {braces}
HOST_PART = re.compile(r"[A-Za-z0-9._~:-]+")

Keys = tuple[str, ...]
Look = Callable[[str], Any]  # a name in braces → its value


def keys_of(path: str | list) -> Keys:
    """The keys of a path: `data.0.id`, or a list of keys if one has a dot in it. “.”, the whole, has none."""
    if isinstance(path, list):
        return tuple(map(str, path))
    return () if path == "." else tuple(path.split("."))


def find(data: Any, keys: Keys) -> Any:
    """The value at a path; None if there is none. `*` goes through a list or an object's values, and returns a list."""
    for place, key in enumerate(keys):
        if key == "*":
            inner = data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ()
            return [found for one in inner for found in _flat(find(one, keys[place + 1 :]))]
        if type(data) is dict or isinstance(data, Mapping):  # the first is a tenth of the second
            data = data.get(key)
        elif isinstance(data, list) and re.fullmatch(r"-?\d{1,6}", key) and -len(data) <= int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data


def has(data: Any, keys: Keys) -> bool:
    """Whether the data has the path, with any value. If null or [] is on the way, it does: nothing is inside these."""
    for place, key in enumerate(keys):
        if data is None:
            return True
        if key == "*":
            inner = list(data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ())
            return not inner or any(has(one, keys[place + 1 :]) for one in inner)
        if isinstance(data, Mapping):
            if key not in data:
                return False
            data = data[key]
        else:
            return isinstance(data, list) and (not data or find(data, keys[place:]) is not None)
    return True


def _flat(found: Any) -> list:
    return found if isinstance(found, list) else [] if found is None else [found]


def put(data: dict, keys: Keys, value: Any) -> None:
    """Set the value at a path. Objects on the way are created."""
    for key in keys[:-1]:
        data = data.setdefault(key, {})
    data[keys[-1]] = value


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The pieces of a text as (text, whether it is a name). Raises ValueError for a brace that is alone, and for a name
    that isn't valid."""
    done = 0
    for found in PIECES.finditer(text):
        yield text[done : found.start()], False
        done = found.end()
        if found[0] in ("{{", "}}"):
            yield found[0][0], False
        elif found[1] is None:
            raise ValueError(f"there is a single “{found[0]}”: write {{{{ or }}}} for a literal brace")
        elif not NAME.fullmatch(found[1]):
            raise ValueError(f"“{found[0]}” isn't a name in braces: write {{{{ and }}}} for literal braces")
        else:
            yield found[1], True
    yield text[done:], False


def is_template(text: str) -> bool:
    return "{" in text or "}" in text


def names_in(node: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every {name} in the texts of a text, list or object, with its place. A name that may be empty keeps its `?`.
    Raises ValueError as pieces() does."""
    if isinstance(node, str):
        yield from ((place, name) for name, is_name in pieces(node) if is_name)
    elif isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from names_in(value, (*place, key))


class Hole(Refused):
    """A name in a call has no value, or one that isn't allowed in its place, so the call must not be sent."""

    def __init__(self, name: str, why: str = "is empty"):
        super().__init__(f"“{{{name}}}” {why}.")
        self.name, self.why = name, why


def bare(name: str) -> str:
    """The name without the `?` that allows it to be empty."""
    return name.removesuffix("?")


def anything(scope: Mapping[str, Any]) -> Look:
    """Looks up names, None for one without a value: for mappings, in which a value may be missing."""
    return lambda name: find(scope, keys_of(bare(name)))


def something(scope: Mapping[str, Any], optional: Container[str] = ()) -> Look:
    """Looks up names for calls: raises Hole for one without a value, unless it ends in `?` or is in `optional`."""

    def look(name: str) -> Any:
        found = find(scope, keys_of(bare(name)))
        if is_nothing(found) and not name.endswith("?") and name not in optional:
            raise Hole(name)
        return found

    return look


def is_nothing(found: Any) -> bool:
    """True for null, a blank text, an empty list and an empty object; not for 0 and false."""
    return found is None or found == [] or found == {} or isinstance(found, str) and not found.strip()


def fill(node: Any, look: Look) -> Any:
    """A text, list or object with every {name} filled in. A text that is a single {name} becomes its value, of any
    type."""
    if isinstance(node, dict):
        return {key: fill(value, look) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(value, look) for value in node]
    if not isinstance(node, str):
        return node
    parts = [part for part in pieces(node) if part[0]]
    if len(parts) == 1 and parts[0][1]:
        return look(parts[0][0])
    return _joined(parts, look, lambda value: "" if value is None else as_text(value))


def fill_texts(texts: Mapping[str, Any], look: Look) -> dict[str, str]:
    """Query parameters, headers or the fields of a form, filled in as texts. Empty ones are left out."""
    filled = {name: fill(value, _plain(look)) for name, value in texts.items()}
    return {name: as_text(value) for name, value in filled.items() if value not in (None, "")}


def fill_address(text: str, look: Look) -> str:
    """A path below base_url, filled in: each value becomes one encoded segment. Raises Refused for a value that can't
    be one."""
    path, *query = QUERY.split(text, maxsplit=1)
    filled = _joined(pieces(path), _plain(look), lambda value: segment("" if value is None else as_text(value)))
    encode = lambda value: quote("" if value is None else as_text(value), safe="")  # noqa: E731
    return "?".join([filled, *(_joined(pieces(part), _plain(look), encode) for part in query)])


def fill_base(text: str, look: Look) -> str:
    """The base address, filled in from one whole field, or from parts that can't lead to another host. Raises Refused
    for others."""
    if not text.startswith("{"):
        return _joined(pieces(text), look, _host_part)
    whole, is_name = next(part for part in pieces(text) if part[0])
    rest = text[len(whole) + 2 :]
    return str(look(whole) or "").rstrip("/") + _joined(pieces(rest), look, _host_part)


def _host_part(value: Any) -> str:
    text = as_text(value)
    if not HOST_PART.fullmatch(text) or text in (".", ".."):
        raise Refused(f"“{text}” can't be a part of the app's address. Nothing was sent. Check the app's settings.")
    return text


def _plain(look: Look) -> Look:
    def plain(name: str) -> Any:
        found = look(name)
        if isinstance(found, (dict, list)):
            raise Hole(name, "is a whole list or object, which can't be written there")
        return found

    return plain


def _joined(parts: Any, look: Look, form: Callable[[Any], str]) -> str:
    return "".join(form(look(part)) if is_name else part for part, is_name in parts)
