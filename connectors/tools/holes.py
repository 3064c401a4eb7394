"""Refuses calls in which a value is missing: a segment of the path, a parameter, a value of the body.
Without it, the call would mean something else, such as DELETE /memberships for everyone."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from connectors.base import Refused


class _Everything:
    def __contains__(self, name: object) -> bool:
        return True


EVERYTHING = _Everything()  # as `may_be_empty`, for a caller that has checked each value itself


def needed(value: str, what: str) -> str:
    """The value. Raises Refused if it is empty. `what`: its name for the message, such as "role"."""
    if not value.strip():
        raise Refused(f"The {what} is missing, so nothing was sent to the app.")
    return value


def segment(text: Any, what: str = "an id") -> str:
    """The value, encoded as one segment of a path. Raises Refused if it is empty, or would change the path's meaning.
    `what`: its name for the message, such as "the team's id"."""
    if text is None or not str(text).strip():
        raise Refused(f"Nothing was sent: {what} that the call needs is empty.")
    if str(text) in (".", ".."):
        raise Refused(f"Nothing was sent to the app: “{text}”, given as {what}, can't be a part of an address.")
    return quote(str(text), safe="")


def refuse_holes(asked: str, path: str, params: Mapping, body: Any, may_be_empty: Container[str] = ()) -> None:
    """Raises Refused if a segment of the path, a parameter or a value of the body is empty. `asked`: the call, as
    messages name it. `may_be_empty`: names of parameters and values that mean something when they are empty.

    A whole address, which the app itself gave for a next page, isn't checked.
    """
    if "://" not in path and "//" in path.partition("?")[0]:
        raise Refused(f"{asked} was not sent: a part of its address is empty.")
    for place, node in (("parameter", dict(params)), ("body", body)):
        for name in _holes(node):
            if name not in may_be_empty:
                raise Refused(f"{asked} was not sent: “{name}” in its {place} is empty.")


def _holes(node: Any, name: str = "") -> Iterator[str]:
    """The names of values that are None or a blank text."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _holes(value, str(key))
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _holes(value, name)
    elif name and (node is None or isinstance(node, str) and not node.strip()):
        yield name
