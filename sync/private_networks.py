"""Who may connect something inside a private network: Owners of the workspace and the command line.
The approver is stored with the app, directory or provider, and counts while the address is unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.base import Field
from sync.credentials import moved
from sync.models import Person
from sync.names import signature
from sync.states import WorkspaceRole


def approver(person: Person) -> str | None:
    """The approval that a private address gets if this person enters it; None if they may not approve it."""
    return signature(person) if person.workspace_role == WorkspaceRole.OWNER else None


def still_approved(fields: Iterable[Field], entered: Mapping[str, str], settings: Mapping[str, str],
                   approved_by: str | None) -> str | None:  # fmt: skip
    """Who approved the stored `settings`, where what was `entered` leads to the same place; None elsewhere."""
    return None if moved(fields, entered, settings) else approved_by
