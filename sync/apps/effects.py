"""What an operation does in an app beyond its call, and how long the app's API lives: by the connector's declarations.
Both follow from the settings, so nothing is decrypted and the app isn't asked."""

from __future__ import annotations

from connectors.base import ApiVersion, Connector, Effect
from sync import workspace
from sync.apps.apps import connector_class
from sync.models import App
from sync.problems import AppProblem


def effects_of(app: App, operation: str) -> tuple[Effect, ...]:
    """The effects of one of connectors.base.CAPABILITIES; none where people carry it out by hand."""
    connector = _connector(app)
    return connector.effects_of(operation) if connector else ()


def version_of(app: App) -> ApiVersion | None:
    """The version of the app's API that is in use."""
    connector = _connector(app)
    return connector.version_in_use() if connector else None


def version_warning(app: App) -> str:
    """A sentence where that version ends soon or has ended; else ""."""
    version = version_of(app)
    return version.warning(app.name, workspace.today()) if version else ""


def _connector(app: App) -> Connector | None:
    """It has no secrets and connects to nothing; None where this version of Rollcall doesn't know its kind."""
    try:
        return connector_class(app.connector)(app.settings)
    except AppProblem:
        return None
