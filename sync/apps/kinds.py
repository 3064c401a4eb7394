"""The kind of an app, as its connector declares it, also for an app whose connector this version doesn't have."""

from __future__ import annotations

from connectors.base import Connector
from sync.apps.apps import connector_class
from sync.models import App
from sync.problems import AppProblem


class UnknownKind(Connector):
    """In place of a connector that is gone: its app can be viewed, and who has left reported, but it can't be read."""

    label = "Unknown app"


def kind_of(app: App) -> type[Connector]:
    try:
        return connector_class(app.connector)
    except AppProblem:
        return UnknownKind
