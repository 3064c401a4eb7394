"""Texts with {names} in them, and paths into JSON: the two small languages of a YAML-described app.
Pure functions; what a name may be, file.py has checked before."""

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
QUERY = re.compile(r"\?(?![^{}]*\})")  # the mark before it, which isn't one inside {braces}
HOST_PART = re.compile(r"[A-Za-z0-9._~:-]+")

Keys = tuple[str, ...]
Look = Callable[[str], Any]  # a name in braces → what it stands for


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
            raise ValueError(f"“{found[0]}” isn't a name in braces: write {{{{ and }}}} for braces")
        else:
            yield found[1], True
    yield text[done:], False


def is_template(text: str) -> bool:
    return "{" in text or "}" in text


def names_in(node: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every {name} in the texts of a text, list or object, with its place; raises ValueError as pieces() does.
    Of one that may stand for nothing, its `?` is kept."""
    if isinstance(node, str):
        yield from ((place, name) for name, is_name in pieces(node) if is_name)
    elif isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from names_in(value, (*place, key))


class Hole(Refused):
    """A name in a call has no value, or one that isn't allowed there: the call must not be sent."""

    def __init__(self, name: str, why: str = "is empty"):
        super().__init__(f"“{{{name}}}” {why}.")
        self.name, self.why = name, why


def bare(name: str) -> str:
    """The name without the `?` that lets it stand for nothing."""
    return name.removesuffix("?")


def anything(scope: Mapping[str, Any]) -> Look:
    """What each name stands for; None for nothing. For mappings, where a value may well be missing."""
    return lambda name: find(scope, keys_of(bare(name)))


def something(scope: Mapping[str, Any], optional: Container[str] = ()) -> Look:
    """The same for calls: raises Hole for nothing, unless the name ends in `?` or is one of `optional`."""

    def look(name: str) -> Any:
        found = find(scope, keys_of(bare(name)))
        if is_nothing(found) and not name.endswith("?") and name not in optional:
            raise Hole(name)
        return found

    return look


def is_nothing(found: Any) -> bool:
    """True for null, an empty text or one of blanks alone, an empty list or object; not for 0 and false."""
    return found is None or found == [] or found == {} or isinstance(found, str) and not found.strip()


def fill(node: Any, look: Look) -> Any:
    """A text, list or object with every {name} filled in; a text that is one {name} alone becomes that very value."""
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
    """Query parameters, headers, a form: as text; what may be empty and is, is left out."""
    filled = {name: fill(value, _plain(look)) for name, value in texts.items()}
    return {name: as_text(value) for name, value in filled.items() if value not in (None, "")}


def fill_address(text: str, look: Look) -> str:
    """A path below base_url: each value is one encoded segment of it. Raises Refused for a value that can't be one."""
    path, *query = QUERY.split(text, maxsplit=1)
    filled = _joined(pieces(path), _plain(look), lambda value: segment("" if value is None else as_text(value)))
    encode = lambda value: quote("" if value is None else as_text(value), safe="")  # noqa: E731
    return "?".join([filled, *(_joined(pieces(part), _plain(look), encode) for part in query)])


def fill_base(text: str, look: Look) -> str:
    """The base address: one whole field, or parts of it that cannot lead to another host. Raises Refused."""
    if not text.startswith("{"):
        return _joined(pieces(text), look, _host_part)
    whole, is_name = next(part for part in pieces(text) if part[0])
    rest = text[len(whole) + 2 :]
    return str(look(whole) or "").rstrip("/") + _joined(pieces(rest), look, _host_part)


def _host_part(value: Any) -> str:
    text = as_text(value)
    if not HOST_PART.fullmatch(text) or text in (".", ".."):
        raise Refused(f"“{text}” cannot be part of the app's address. Check what the app is connected by.")
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
