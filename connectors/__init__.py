"""Connectors: the code that speaks to each kind of app and directory. They use no database and no Flask.
`app_connectors()` and `directory_connectors()` are the catalogue, slug → class; people sign in at a `provider()`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.base import Connector, DirectoryConnector
from connectors.tools.addresses import is_loopback
from connectors.tools.net import addresses as network_addresses
from connectors.tools.net import allow as allow_networks
from connectors.tools.net import allow_own as allow_own_ports
from connectors.tools.net import parse_networks, reaching

if TYPE_CHECKING:
    from connectors.oidc.discovery import Metadata
    from connectors.oidc.provider import Provider, SignedIn
    from connectors.tables import Proposal

__all__ = [
    "Metadata", "Proposal", "Provider", "SignedIn", "allow_networks", "allow_own_ports", "is_loopback",
    "network_addresses", "parse_networks", "reaching",
]  # fmt: skip

APPS, DIRECTORIES = ("apps", "scim"), ("directories",)  # folders: each file there is looked at for a connector
_described: dict[str, type[Connector]] = {}
_broken: list[str] = []


def app_connectors() -> dict[str, type[Connector]]:
    """Every kind of app that Rollcall can speak to, by slug, in the order of their labels."""
    if not _described:
        return _shipped_apps()
    every = {**_described, **_shipped_apps()}
    return {kind.slug: kind for kind in sorted(every.values(), key=_label)}


def app_connector(slug: str) -> type[Connector]:
    """One kind of app. If its file is named like it, the others aren't imported. Raises KeyError if there is none."""
    own = _described.get(slug) or _in_file_of(slug)
    return app_connectors()[slug] if own is None else own


@cache
def _in_file_of(slug: str) -> type[Connector] | None:
    name = slug.replace("-", "_")
    is_room = name in APPS and "connector" in _names(name)
    if name not in _names("apps") and not is_room:
        return None
    module = importlib.import_module(f"{__name__}.{f'{name}.connector' if is_room else f'apps.{name}'}")
    return next((kind for kind in vars(module).values() if isinstance(kind, type) and _is(kind, slug)), None)


def _is(kind: type, slug: str) -> bool:
    return issubclass(kind, Connector) and kind.__dict__.get("slug") == slug


@cache
def directory_connectors() -> dict[str, type[DirectoryConnector]]:
    """Every kind of directory that Rollcall reads, by slug."""
    return _found(DirectoryConnector, DIRECTORIES)


def provider(issuer: str, client_id: str, client_secret: str = "") -> Provider:
    """A provider where people sign in by OpenID Connect. No call is made yet."""
    from connectors.oidc.provider import Provider  # imported here, so that other callers don't wait for it

    return Provider(issuer, client_id, client_secret)


def propose(content: bytes, purpose: str, mapping: str = "", today: date | None = None) -> Proposal:
    """The reading of a file of rows. `purpose`: a connector's file_purpose; `mapping`: the answers about the file's
    columns, as JSON. See connectors/tables. Raises Refused for a file that can't be read."""
    from connectors.tables import propose  # here: a spreadsheet's reader is slow to import

    return propose(content, purpose, mapping, today)


def rows_of(proposal: Proposal) -> tuple:
    """The rows of a file. Raises ColumnsUnclear while a question about its columns is open, Refused for a damaged
    row."""
    from connectors.tables import rows_of

    return rows_of(proposal)


def answered(purpose: str, mapping: str, answers: Mapping[str, str]) -> str:
    """The mapping (JSON) with these answers to a proposal's questions, by the questions' keys."""
    from connectors.tables import answered

    return answered(purpose, mapping, answers)


def file_content(path: Path) -> bytes:
    """The whole content of a file on this machine. Raises TemporarilyUnavailable or Refused."""
    from connectors.tools.csv_rows import file_content

    return file_content(path)


def as_setting(content: bytes) -> str:
    """A file's content as a text that a connector's settings can hold."""
    from connectors.tables import as_setting

    return as_setting(content)


def content_of(setting: str) -> bytes:
    """The content of a file, from the text that as_setting() made of it."""
    from connectors.tables import content_of

    return content_of(setting)


def load_folder(folder: Path) -> None:
    """Load the apps that YAML files in this folder describe; they replace those loaded before.

    A file that can't be used is left out, and broken_files() says why.
    """
    _described.clear()
    _broken.clear()
    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        _load_file(file)


def _load_file(file: Path) -> None:
    from connectors.rest.connector import connector_of  # here: connectors are imported when the catalogue is needed
    from connectors.rest.file import load
    from connectors.rest.yaml_source import DescriptionProblem

    try:
        kind = connector_of(load(file))
        taken = {**_shipped_apps(), **_described}.get(kind.slug)
        if taken is not None:
            reason = f"“app: {kind.slug}” is already the name of {taken.label}: choose another name."
            raise DescriptionProblem(file.name, [(1, reason)])
    except DescriptionProblem as problem:
        _broken.append(str(problem))
    else:
        _described[kind.slug] = kind


def broken_files() -> tuple[str, ...]:
    """The problems of the files that load_folder() left out, one line for each: file, line and reason."""
    return tuple(_broken)


@cache
def _shipped_apps() -> dict[str, type[Connector]]:
    return _found(Connector, APPS)


def _found(contract: type, rooms: tuple[str, ...]) -> dict:
    for room in rooms:
        for name in _names(room):
            importlib.import_module(f"{__name__}.{room}.{name}")
    found = [kind for kind in _heirs(contract) if kind.__dict__.get("slug") and not getattr(kind, "described", False)]
    return {kind.slug: kind for kind in sorted(found, key=_label)}


@cache
def _names(room: str) -> tuple[str, ...]:
    package = importlib.import_module(f"{__name__}.{room}")
    return tuple(module.name for module in pkgutil.iter_modules(package.__path__))


def _label(kind: type) -> str:
    return kind.label.casefold()


def _heirs(kind: type) -> set[type]:
    return {heir for child in kind.__subclasses__() for heir in {child, *_heirs(child)}}
