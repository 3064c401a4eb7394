"""What identity providers send beside the standard, brought into its form before it is read.
Seen in the documentation of Entra ID and Okta, and in the incidents of others; anything else stays as it came."""

from __future__ import annotations

import json
from typing import Any

from scim2_models import Path, Resource, SCIMException

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MANAGER = f"{ENTERPRISE}:manager".casefold()
OPERATIONS = "operations"


def resource(document: Any) -> Any:
    """A User or Group of a create or a replace: Entra ID gives a manager as a plain id."""
    if not isinstance(document, dict):
        return document
    return {
        name: {**value, "manager": _manager(value["manager"])}
        if name.casefold() == ENTERPRISE.casefold() and isinstance(value, dict) and "manager" in value
        else value
        for name, value in document.items()
    }


def patch(document: Any, model: type[Resource]) -> Any:
    """A PATCH: the value of each operation in the form that its path asks for."""
    if not isinstance(document, dict):
        return document
    return {
        name: [one for operation in value for one in _operations(operation, model)]
        if name.casefold() == OPERATIONS and isinstance(value, list)
        else value
        for name, value in document.items()
    }


def bulk(document: Any, models: dict[str, type[Resource]]) -> Any:
    """A Bulk request: the data of each operation, by the endpoint of its path ("users")."""
    if not isinstance(document, dict):
        return document
    return {
        name: [_bulk_operation(operation, models) for operation in value]
        if name.casefold() == OPERATIONS and isinstance(value, list)
        else value
        for name, value in document.items()
    }


def number_of_operations(body: bytes) -> int:
    """How many operations a Bulk request has."""
    document = json.loads(body)
    return sum(len(value) for name, value in document.items() if name.casefold() == OPERATIONS)


def _bulk_operation(document: Any, models: dict[str, type[Resource]]) -> Any:
    if not isinstance(document, dict) or "data" not in document:
        return document
    model = models.get(str(document.get("path")).strip("/").partition("/")[0].casefold())
    if str(document.get("method")).upper() != "PATCH":
        return {**document, "data": resource(document["data"])}
    return {**document, "data": patch(document["data"], model)} if model else document


def _operations(document: Any, model: type[Resource]) -> list[Any]:
    if not isinstance(document, dict):
        return [document]
    document = {name.lower(): value for name, value in document.items()}
    operation, path, value = str(document.get("op")).lower(), document.get("path"), document.get("value")
    if path == "":
        document.pop("path")
        path = None
    if path is None and isinstance(value, dict) and operation in ("add", "replace"):
        return _split(document, value, model)
    if not isinstance(path, str):
        return [document]
    if operation == "remove":
        return [_removal(document, path, value, model)]
    if path.casefold() == MANAGER:
        manager = _manager(value)
        return [{**document, "value": manager} if manager else {"op": "remove", "path": path}]
    return [{**document, "value": _unwrapped(path, value, model)}]


def _split(document: dict, value: dict, model: type[Resource]) -> list[dict]:
    """Keys of a value that are paths with a filter, or name the manager, become operations of their own."""
    own = {key: item for key, item in value.items() if "[" in key or key.casefold() == MANAGER}
    rest = resource({key: item for key, item in value.items() if key not in own})
    parts = [{**document, "value": rest}] if rest or not own else []
    for key, item in own.items():
        parts += _operations({**document, "path": key, "value": item}, model)
    return parts


def _removal(document: dict, path: str, value: Any, model: type[Resource]) -> dict:
    """A removal whose value says nothing, or names members without the list or the objects around their ids. It never
    removes more than it names: a value that is empty, but not null, names nobody."""
    if isinstance(value, dict) and value:
        return {**document, "value": [value]}
    if value is not None and _has_many(path, model):
        named = value if isinstance(value, list) else [value or ""]
        return {**document, "value": [one if isinstance(one, dict) else {"value": str(one)} for one in named or ("",)]}
    if not value or isinstance(value, (str, bool, int, float)):
        return {name: item for name, item in document.items() if name != "value"}
    return document


def _manager(value: Any) -> Any:
    """Entra ID: the id alone, or a list of one object; nobody is an empty text."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        return {"value": value} if value.strip() else None
    return value


def _unwrapped(path: str, value: Any, model: type[Resource]) -> Any:
    """`[{"$ref": null, "value": "…"}]` for an attribute that has one plain value (older Entra ID)."""
    if not (isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) and "value" in value[0]):
        return value
    binding = _binding(path, model)
    plain = binding is not None and not binding.is_multivalued and binding.target_type in (str, bool)
    return value[0]["value"] if plain else value


def _has_many(path: str, model: type[Resource]) -> bool:
    """Whether the path is that of a whole attribute with several values, each an object."""
    binding = None if "[" in path else _binding(path, model)
    return binding is not None and binding.is_multivalued and binding.target_type not in (str, bool)


def _binding(path: str, model: type[Resource]) -> Any:
    """What the path is in the model; None if it is nothing."""
    try:
        return Path[model](path).resolve()
    except (SCIMException, ValueError):
        return None
