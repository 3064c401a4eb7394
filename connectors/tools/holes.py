"""What a call must have before it is sent: each segment of its path, each parameter, each value of its body.
A hole in it would make it mean something else: DELETE /memberships without whose."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from connectors.base import Refused


class _Everything:
    def __contains__(self, name: object) -> bool:
        return True


EVERYTHING = _Everything()  # may be empty: for a caller that has looked at each value itself


def needed(value: str, what: str) -> str:
    """The value; Refused where there is none. `what` it is, in words: "role"."""
    if not value.strip():
        raise Refused(f"The {what} is missing, so nothing was sent to the app.")
    return value


def segment(text: Any, what: str = "an id") -> str:
    """A value as one segment of a path; Refused for one that would change the path's meaning. `what`: in words."""
    if text is None or not str(text).strip():
        raise Refused(f"Nothing was sent: {what} that the call needs is empty.")
    if str(text) in (".", ".."):
        raise Refused(f"The app gave “{text}” as {what}, which cannot be used in an address.")
    return quote(str(text), safe="")


def refuse_holes(asked: str, path: str, params: Mapping, body: Any, may_be_empty: Container[str] = ()) -> None:
    """Raises Refused where the call that `asked` names would go out without a value that has its place there. An
    address that the app itself gave, of a next page, is as it is."""
    if "://" not in path and "//" in path.partition("?")[0]:
        raise Refused(f"{asked} was not sent: a part of its address is empty.")
    for place, node in (("parameter", dict(params)), ("body", body)):
        for name in _holes(node):
            if name not in may_be_empty:
                raise Refused(f"{asked} was not sent: “{name}” in its {place} is empty.")


def _holes(node: Any, name: str = "") -> Iterator[str]:
    """The names of the values that are None or an empty text."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _holes(value, str(key))
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _holes(value, name)
    elif name and (node is None or isinstance(node, str) and not node.strip()):
        yield name
