"""The operations of an app that a YAML file describes: one or several calls in a row, sent or only shown.
A missing value stops the operation before the call is sent, and the message names the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.base import Refused
from connectors.rest.client import Client, Sent
from connectors.rest.file import CALL
from connectors.rest.template import bare, find, is_nothing, keys_of, names_in
from connectors.tools.http import Answer

Parts = dict[str, Any]  # what Http.call takes


class Operations:
    """The operations of one connected app. `label`: the app's name for messages."""

    def __init__(self, client: Client, label: str):
        self._client, self._label = client, label

    def run(self, entry: dict, name: str, scope: Mapping[str, Any], already: tuple[int, ...] = ()) -> None:
        """Send the calls of an operation. `entry`: the part of the file that describes it. `scope`: the values of its
        names. `already`: the statuses that mean that it is already done, unless the file states them.

        Raises Refused before anything is sent if a value is missing, and as soon as `keep` finds nothing.
        """
        calls = self._calls(entry, name)
        list(self._filled(calls, scope, _to_be_kept(calls)))
        kept: dict[str, Any] = {}
        for number, (call, parts) in enumerate(self._filled(calls, scope, kept), 1):
            answer = self._client.operate(call, parts, already)
            if "keep" in call and answer is None:
                break  # the app says that it was already done: there is nothing left to do
            for key, where in call.get("keep", {}).items():
                kept[key] = _found(key, where, answer, f"{number} of {len(calls)} calls")

    def shown(self, entry: dict, name: str, scope: Mapping[str, Any]) -> list[Sent]:
        """The calls as run() would send them. A value that one call would keep is shown in later ones as its name in
        braces."""
        calls = self._calls(entry, name)
        return [self._client.shown(parts) for _, parts in self._filled(calls, scope, _to_be_kept(calls))]

    def _calls(self, entry: dict, name: str) -> list[dict]:
        if name not in entry:
            raise Refused(
                f"The file that describes {self._label} has no “{name}” for this. Nothing was changed. Do it in the "
                "app itself."
            )
        return calls_of(entry[name])

    def _filled(self, calls: list[dict], scope: Mapping[str, Any], kept: dict) -> Iterator[tuple[dict, Parts]]:
        for call in calls:
            values, stated = {**scope, "kept": kept}, ()
            if "role" in scope and "values" in call:
                values["role"] = self._role_in_app(call["values"], scope["role"])
                values["roles"] = [call["values"].get(role, role) for role in scope.get("roles", ())]
                stated = ("role",)  # the file may say null for a role: that isn't a missing value
            yield call, self._client.filled(call, values, stated)

    def _role_in_app(self, values: dict[str, Any], role: str) -> Any:
        if role not in values:
            raise Refused(f"{self._label} has no role “{role}”. Its roles are: {', '.join(values)}.")
        return values[role]


def calls_of(operation: Any) -> list[dict]:
    """The calls of an operation, which the file writes as one call or as a list."""
    return operation if isinstance(operation, list) else [operation] if operation else []


def keeps_others(call: dict) -> bool:
    """Whether a change of role keeps the account's further roles: the file says so, or the call sends all {roles}."""
    names = {bare(name) for part in CALL if part in call for _, name in names_in(call[part])}
    return call.get("keeps_others", False) or "roles" in names


def _to_be_kept(calls: list[dict]) -> dict[str, str]:
    return {key: f"{{kept.{key}}}" for call in calls for key in call.get("keep", {})}


def _found(key: str, where: Any, answer: Answer, sent: str) -> Any:
    """The value to keep of an answer. Raises Refused if it is missing, because the next call needs it. `sent`: the
    number of calls so far, in words."""
    if isinstance(where, dict):
        found, place = answer.headers.get(where["header"]), f"the header {where['header']}"
    else:
        found = find(answer.json() if answer.body else None, keys_of(where))
        place = where if isinstance(where, str) else ".".join(map(str, where))
    if is_nothing(found):
        asked = f"{answer.asked.split(' ')[0]} {urlsplit(answer.url).path}"
        raise Refused(f"`keep` {key} found nothing at {place} in the answer to {asked}, so the operation stopped after "
                      f"{sent}. Check in the app what was done.")  # fmt: skip
    return found
