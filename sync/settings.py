"""Values that are kept by name, one row each: the workspace's settings, and what a room has to remember.
What a name means is up to the room that keeps it."""

from __future__ import annotations

from typing import Any

from peewee import ModelSelect

from sync.db import connected, writing
from sync.models import Setting
from sync.once import is_remembering, once
from sync.prepared import prepared


def setting(name: str, default: Any = None) -> Any:
    if is_remembering():  # a page asks for several
        return all_settings().get(name, default)
    with connected():
        found = _one(name)
    return found[0][0] if found else default


@prepared
def _one(name: str) -> ModelSelect:
    return Setting.select(Setting.value).where(Setting.name == name).tuples()


@once
def all_settings() -> dict[str, Any]:
    """By their names."""
    with connected():
        return dict(_all())


@prepared
def _all() -> ModelSelect:
    return Setting.select(Setting.name, Setting.value).tuples()


def set_setting(name: str, value: Any) -> None:
    with writing():
        if not Setting.update(value=value).where(Setting.name == name).execute():
            Setting.insert(name=name, value=value).execute()
