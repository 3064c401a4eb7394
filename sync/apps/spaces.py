"""Which space of an app the settings lead to. In some apps, an account has the same id in each space: what is approved
for one must not be done in another."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import Connector
from sync.models import App, Task
from sync.problems import AppProblem
from sync.words import plural


def space(kind: type[Connector], settings: Mapping[str, str]) -> dict[str, str | None]:
    """What distinguishes one space of an app from another: the fields that aren't options."""
    return {field.name: settings.get(field.name) for field in kind.fields
            if not (field.secret or field.choices or field.mapping)}  # fmt: skip


def refuse_another_with_tasks(app: App, kind: type[Connector], values: Mapping[str, str]) -> None:
    """Raises AppProblem where these values lead to another space while tasks wait or run in the present one."""
    if space(kind, app.settings) == space(kind, values):
        return
    if live := Task.select().where(Task.app == app, Task.is_live).count():
        raise AppProblem(f"These settings lead to another place, but {plural(live, 'task is', 'tasks are')} still to "
                         f"be done in {app.name}. Nothing was changed: wait for the tasks, or cancel them first.")
