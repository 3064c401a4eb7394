"""The kind of an app, as its connector declares it, also for an app whose connector this version doesn't have."""

from __future__ import annotations

from connectors.base import Connector
from sync.apps.apps import capabilities_of, connector_class
from sync.models import App
from sync.problems import AppProblem
from sync.vault import VaultProblem


class UnknownKind(Connector):
    """In place of a connector that is gone: its app can be viewed, and who has left reported, but it can't be read."""

    label = "Unknown app"


def kind_of(app: App) -> type[Connector]:
    try:
        return connector_class(app.connector)
    except AppProblem:
        return UnknownKind


def can(app: App) -> frozenset[str]:
    """What Rollcall can do in this app: nothing while its connector, or the key to its credential, is missing."""
    try:
        return capabilities_of(app)
    except (AppProblem, VaultProblem):
        return frozenset()
