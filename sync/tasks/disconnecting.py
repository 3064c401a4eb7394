"""An app is disconnected: its checks stop, and each task that isn't done is cancelled, settled and reported.
Members, reports and activity stay to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import Select

from sync import rank
from sync.apps import apps
from sync.db import writing
from sync.models import App, Check, Task
from sync.rank import Asker
from sync.states import AppState, TaskState
from sync.tasks import tasks


def disconnect(app: App, by: Asker) -> None:
    """Delete the credential, stop checking, cancel open tasks. Raises AppProblem if it already is disconnected."""
    rank.require_manager(by, app)
    with writing():
        apps.set_state(app, AppState.DISCONNECTED, "disconnected app", by)
        App.update(credential=None, error=None).where(App.id == app.id).execute()
        Check.update(cancel_asked=True).where(
            Check.app == app, Check.is_live
        ).execute()
        tasks.cancel_all(app, by)


@dataclass(frozen=True)
class Undone:
    """What a disconnection cancels."""

    tasks: int
    requests: int  # of these, in how many the app itself holds a request that can still be approved there


def undone(app: App) -> Undone:
    open_tasks = _open_tasks(app)
    return Undone(open_tasks.count(), open_tasks.where(Task.where_asked_there()).count())


def _open_tasks(app: App) -> Select:
    return Task.select().where(Task.app == app, Task.state.in_((TaskState.QUEUED, TaskState.NEEDS_ATTENTION)))
