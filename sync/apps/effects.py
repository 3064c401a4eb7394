"""What an operation does in an app beyond its call, and how long the app's API lives: by the connector's declarations.
Both follow from the settings, so nothing is decrypted and the app isn't asked."""

from __future__ import annotations

from connectors.base import REMOVE, ApiVersion, Connector, Effect
from sync import workspace
from sync.apps.apps import connector_class
from sync.models import App
from sync.problems import AppProblem


def effects_of(app: App, operation: str) -> tuple[Effect, ...]:
    """The effects of one of connectors.base.CAPABILITIES; none where people carry it out by hand."""
    connector = _connector(app)
    return connector.effects_of(operation) if connector else ()


def saved_by_removal(app: App) -> int:
    """What the removal of one account saves a month, in hundredths; 0 where the vendor may charge for it as before.

    Where people remove accounts by hand, they are taken to remove them for good.
    """
    keeps_seat = any(effect.keeps_seat for effect in effects_of(app, REMOVE))
    return 0 if keeps_seat else app.seat_price or 0


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
