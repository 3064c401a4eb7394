"""Whether a pushed change may have switched a user off. If it was refused, its directory doesn't show who has left: the
identity provider may never send it again."""

from __future__ import annotations

import json
import re
from typing import Any

ACTIVE = re.compile(r"(?<![a-z])active(?![a-z])", re.IGNORECASE)  # also in what isn't a path or name


def may_disable(body: bytes) -> bool:
    """Whether a request may have been meant to switch a user off: it gives `active` a value that isn't true, deletes
    in a Bulk request, or can't be read."""
    try:
        return _gives_active_otherwise(json.loads(body))
    except (ValueError, RecursionError):
        return True


def _gives_active_otherwise(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_gives_active_otherwise, value))
    if not isinstance(value, dict):
        return False
    named = {name.casefold(): item for name, item in value.items()}
    path, given = named.get("path"), named.get("value")
    if isinstance(given, str) and not path and _is_active(given):
        return True  # an object as text
    if any(name.casefold() == "method" and str(item).upper() == "DELETE" for name, item in value.items()):
        return True
    values = [item for name, item in value.items() if _is_active(name)] + ([given] if _is_active(path) else [])
    return any(str(item).casefold() != "true" for item in values) or _gives_active_otherwise(list(value.values()))


def _is_active(name: Any) -> bool:
    return isinstance(name, str) and ACTIVE.search(name) is not None
