"""Texts with {names} in them, and paths into JSON: the two small languages of a YAML-described app.
Pure functions; what a name may be, rest_file.py has checked before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from connectors.base import Refused
from connectors.http import segment
from connectors.rest_yaml import Place, as_text

PIECES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
NAME = re.compile(r"[A-Za-z_@$][\w@$:-]*(\.[\w@$:*-]+)*")
HOST_PART = re.compile(r"[A-Za-z0-9._~:-]+")

Keys = tuple[str, ...]


def keys_of(path: str | list) -> Keys:
    """A path's keys: `data.0.id`, or a list of keys where one has a dot in it; none for “.”, the whole."""
    if isinstance(path, list):
        return tuple(map(str, path))
    return () if path == "." else tuple(path.split("."))


def find(data: Any, keys: Keys) -> Any:
    """What is there; None for nothing. `*` goes through a list or an object's values and gives a list."""
    for place, key in enumerate(keys):
        if key == "*":
            inner = data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ()
            return [found for one in inner for found in _flat(find(one, keys[place + 1 :]))]
        if isinstance(data, Mapping):
            data = data.get(key)
        elif isinstance(data, list) and re.fullmatch(r"-?\d{1,6}", key) and -len(data) <= int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data


def has(data: Any, keys: Keys) -> bool:
    """Whether the path is there, with whatever value: null on the way says that nothing is inside it, as does []."""
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
    """Set the value there; objects on the way are made."""
    for key in keys[:-1]:
        data = data.setdefault(key, {})
    data[keys[-1]] = value


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """(text, is a name) one after the other; raises ValueError for a brace without its other, and for no name."""
    done = 0
    for found in PIECES.finditer(text):
        yield text[done : found.start()], False
        done = found.end()
        if found[0] in ("{{", "}}"):
            yield found[0][0], False
        elif found[1] is None:
            raise ValueError(f"there is a “{found[0]}” without its other: write {{{{ or }}}} for a brace")
        elif not NAME.fullmatch(found[1]):
            raise ValueError(f"“{found[0]}” is no name in braces: write {{{{ and }}}} for braces")
        else:
            yield found[1], True
    yield text[done:], False


def is_template(text: str) -> bool:
    return "{" in text or "}" in text


def names_in(node: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every {name} in the texts of a text, list or object, with its place; raises ValueError as pieces() does."""
    if isinstance(node, str):
        yield from ((place, name) for name, is_name in pieces(node) if is_name)
    elif isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from names_in(value, (*place, key))


def fill(node: Any, scope: Mapping[str, Any]) -> Any:
    """A text, list or object with every {name} filled in; a text that is one {name} alone becomes that very value."""
    if isinstance(node, dict):
        return {key: fill(value, scope) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(value, scope) for value in node]
    if not isinstance(node, str):
        return node
    parts = [part for part in pieces(node) if part[0]]
    if len(parts) == 1 and parts[0][1]:
        return find(scope, keys_of(parts[0][0]))
    return _joined(parts, scope, lambda value: "" if value is None else as_text(value))


def fill_texts(texts: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters, headers, a form: as text; what is left empty is left out."""
    filled = {name: fill(value, scope) for name, value in texts.items()}
    return {name: as_text(value) for name, value in filled.items() if value not in (None, "")}


def fill_address(text: str, scope: Mapping[str, Any]) -> str:
    """A path below base_url: each value is one encoded segment of it. Raises Refused for a value that can't be one."""
    path, mark, query = text.partition("?")
    filled = _joined(pieces(path), scope, lambda value: segment("" if value is None else as_text(value)))
    return filled + mark + _joined(pieces(query), scope, lambda value: quote(as_text(value), safe=""))


def fill_base(text: str, scope: Mapping[str, Any]) -> str:
    """The base address: one whole field, or parts of it that cannot lead to another host. Raises Refused."""
    if not text.startswith("{"):
        return _joined(pieces(text), scope, _host_part)
    whole, is_name = next(part for part in pieces(text) if part[0])
    rest = text[len(whole) + 2 :]
    return str(find(scope, keys_of(whole)) or "").rstrip("/") + _joined(pieces(rest), scope, _host_part)


def _host_part(value: Any) -> str:
    text = as_text(value)
    if not HOST_PART.fullmatch(text) or text in (".", ".."):
        raise Refused(f"“{text}” cannot be part of the app's address. Check what the app is connected by.")
    return text


def _joined(parts: Any, scope: Mapping[str, Any], form: Callable[[Any], str]) -> str:
    return "".join(form(find(scope, keys_of(part))) if is_name else part for part, is_name in parts)
