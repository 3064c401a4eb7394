"""The operations of a PATCH in few steps: scim2-models looks at every member of a group for each operation, and a group
has thousands of both. Runs of plain additions or removals of members are made in one step each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from itertools import groupby
from typing import Any

from scim2_models import PatchOp, PayloadTooLargeException, Resource

MOST_OTHERS = 200  # operations that aren't plain: each may look at everything that the resource has
ONE_MEMBER = re.compile(r'members\[value eq "([^"\\]*)"\]', re.IGNORECASE)


class Kind(StrEnum):
    """What an operation does, where it is plain."""

    ADDS_MEMBERS = "adds members"
    REMOVES_MEMBERS = "removes members"
    OTHER = "other"


def steps(patch: PatchOp) -> Iterator[Callable[[Resource], bool]]:
    """Each changes the resource, and returns whether it did. Raises PayloadTooLargeException for too many operations
    that aren't plain."""
    runs = [(kind, list(run)) for kind, run in groupby(patch.operations or [], _kind)]
    if sum(len(run) for kind, run in runs if kind == Kind.OTHER) > MOST_OTHERS:
        raise PayloadTooLargeException(detail=f"A PATCH may have {MOST_OTHERS} operations, beside those that add or "
                                              "remove members by their ids")  # fmt: skip
    for kind, run in runs:
        if kind == Kind.REMOVES_MEMBERS:
            yield partial(_without, {id for operation in run for id in _removed(operation)})
            continue
        if kind == Kind.ADDS_MEMBERS:
            run = [run[0].model_copy(update={"value": [one for operation in run for one in operation.value]})]
        yield patch.model_copy(update={"operations": run}).patch


def _kind(operation: Any) -> Kind:
    if operation.op == "add" and str(operation.path).casefold() == "members" and _are_objects(operation.value):
        return Kind.ADDS_MEMBERS
    return Kind.REMOVES_MEMBERS if operation.op == "remove" and _removed(operation) else Kind.OTHER


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _removed(operation: Any) -> list[str]:
    """The ids of the members that a plain removal names, by a filter or, as Entra ID does, by its value."""
    path, value = str(operation.path), operation.value
    if value is None and (named := ONE_MEMBER.fullmatch(path)):
        return [named[1]]
    if path.casefold() != "members" or not _are_objects(value):
        return []
    given = [{name: part for name, part in one.items() if part is not None} for one in value]
    plain = all(one.keys() == {"value"} and isinstance(one["value"], str) for one in given)
    return [one["value"] for one in given] if plain else []


def _without(ids: set[str], group: Resource) -> bool:
    members = group.members or []
    left = [member for member in members if member.value not in ids]
    group.members = left or None
    return len(left) < len(members)
