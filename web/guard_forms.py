"""The guards in the form for an app's policy, with the names and words of their fields."""

from __future__ import annotations

from dataclasses import dataclass

from sync.states import ChangeKind

GUARDS = {
    "": ChangeKind.REMOVED_USER,
    "roles_": ChangeKind.UPDATED_ROLE,
    "profiles_": ChangeKind.UPDATED_PROFILE,
}  # by the prefix of its fields
GUARD_WORDS = {
    "": ("Hold back removals", "would be removed at once"),
    "roles_": ("Hold back changed roles", "would get another role at once"),
    "profiles_": ("Hold back changed profiles", "would get another e-mail address, name or status at once"),
}


@dataclass(frozen=True)
class GuardForm:
    """The fields of one guard."""

    prefix: str
    legend: str
    default: str
    own: bool  # numbers of this app, not the workspace's
    accounts: str
    percent: str
    what: str
