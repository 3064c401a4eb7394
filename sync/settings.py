"""Values that are kept by name, one row each: the workspace's settings, and what a room has to remember.
What a name means is up to the room that keeps it."""

from __future__ import annotations

from typing import Any

from sync.db import connected, writing
from sync.models import Setting


def setting(name: str, default: Any = None) -> Any:
    with connected():
        row = Setting.get_or_none(Setting.name == name)
    return default if row is None else row.value


def set_setting(name: str, value: Any) -> None:
    with writing():
        Setting.insert(name=name, value=value).on_conflict(
            conflict_target=[Setting.name], update={Setting.value: value}
        ).execute()
