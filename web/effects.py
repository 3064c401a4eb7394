"""What removing people does in an app, and how long its API lives, as pages show it."""

from __future__ import annotations

from datetime import datetime

from connectors.base import REMOVE, Connector
from connectors.explaining import Explanation, explained_for_each_choice
from sync import workspace
from sync.effects import removal_in_words, version_of
from sync.models import App


def of_removal(app: App, decided_at: datetime | None = None) -> list[Explanation]:
    """A paragraph for each kind of account. The last day to undo it counts from today, or from the decision."""
    return removal_in_words(app, workspace.to_local(decided_at).date() if decided_at else None)


def of_kind(kind: type[Connector]) -> list[Explanation]:
    """Of a kind of app that isn't connected yet: with the choices of its settings."""
    return explained_for_each_choice(kind, REMOVE)


def version_in_words(app: App) -> str:
    """The version of the app's API with its end; "" where its kind isn't known."""
    version = version_of(app)
    return version.with_end() if version else ""
