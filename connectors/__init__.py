"""How to speak to each app and each directory. No database, no Flask.
`app_connectors()` and `directory_connectors()` are the catalogue: slug → class."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from connectors.base import Connector, DirectoryConnector


@cache
def app_connectors() -> dict[str, type[Connector]]:
    """Every kind of app that Rollcall can speak to, by slug, in the order of its label."""
    return _found(Connector)


@cache
def directory_connectors() -> dict[str, type[DirectoryConnector]]:
    """Every kind of pull directory, by slug."""
    return _found(DirectoryConnector)


def _found(contract: type) -> dict:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = [kind for kind in _heirs(contract) if kind.__dict__.get("slug")]
    return {kind.slug: kind for kind in sorted(found, key=lambda kind: kind.label.casefold())}


def _heirs(kind: type) -> set[type]:
    return {heir for child in kind.__subclasses__() for heir in {child, *_heirs(child)}}
