"""Which space of an app the settings lead to. In some apps, an account has the same id in each space: what is approved
for one must not be done in another, and what was decided about an account there is not about the one here.
Settings that have no space have a token that leads to one: the ids of such apps are the same nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import Connector, Field
from sync.models import App, Task
from sync.problems import AppProblem
from sync.words import plural

Space = dict[str, str]  # the fields that lead there, by name


def space(kind: type[Connector], settings: Mapping[str, str]) -> Space:
    """What distinguishes one space of an app from another: the fields that lead there."""
    return {field.name: settings.get(field.name) or "" for field in kind.fields if _leads_there(field)}


def _leads_there(field: Field) -> bool:
    """Neither how to sign in there, nor an option: a choice, a file, the version of an API."""
    is_option = not field.required and (field.path or not field.asks_secrets_again)
    return not (field.secret or field.choices or field.mapping or field.of_credential or is_option)


def is_same(one: Space, other: Space) -> bool:
    """A field that only one of them has is of another version of the connector, and doesn't count."""
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def is_read_elsewhere(app: App, kind: type[Connector]) -> bool:
    """Whether the last reading was of a different space than the settings lead to now."""
    return not is_same(app.read_in or {}, space(kind, app.settings))


def last_read(app: App, kind: type[Connector]) -> Space | None:
    """The space of the last reading, before the settings change; None without a reading."""
    if app.read_in is None and app.last_check_at is not None:
        return space(kind, app.settings)  # an earlier version didn't note it
    return app.read_in


def refuse_another_with_tasks(app: App, kind: type[Connector], values: Mapping[str, str]) -> None:
    """Raises AppProblem where these values lead to another space while tasks wait or run in the present one."""
    if space(kind, app.settings) == space(kind, values):
        return
    if live := Task.select().where(Task.app == app, Task.is_live).count():
        raise AppProblem(f"These settings lead to another place, but {plural(live, 'task is', 'tasks are')} still to "
                         f"be done in {app.name}. Nothing was changed: wait for the tasks, or cancel them first.")
