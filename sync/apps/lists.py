"""The apps of the workspace as pages and commands list them: connected, active, failing, or by name."""

from __future__ import annotations

from sync.apps.apps import by_name
from sync.models import App
from sync.states import CONNECTED, AppState


def connected() -> list[App]:
    """Active and paused apps, by name."""
    return list(App.select().where(App.is_connected).order_by(App.name))


def active() -> list[App]:
    """Those that are checked, by name."""
    return list(App.select().where(App.is_active).order_by(App.name))


def with_credential() -> list[App]:
    return list(App.select().where(App.credential.is_null(False)).order_by(App.id))


def named(name: str) -> App:
    """The app of this name, or the last one disconnected if none is connected. Raises AppProblem if there is none."""
    known = App.select().where(App.name == name, App.state.in_((*CONNECTED, AppState.DISCONNECTED)))
    return known.order_by(App.is_disconnected, App.id.desc()).first() or by_name(name)
