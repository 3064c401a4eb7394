"""Who may open what: each view has exactly one of the six decorators below, or Rollcall doesn't start.
Someone who may not know that an app exists gets 404. Someone who sees it, but may not do this, gets 403."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps

from flask import Flask, abort, g
from werkzeug.exceptions import NotFound

from sync import rank
from sync.apps import apps
from sync.models import Account, App, Asset, Change, Check, GroupRule, Invitation, LeftOut, Person, Report, Task
from sync.sign_in import second_factor
from sync.states import AppManager
from web.rows import row_or_404
from web.security import by, current_session, may_look_for_people, signed_in_person
from web.words import this_workspace

WORKSPACE_ROLES = rank.RANKS

# What an address may name of an app: `/apps/<int:app_id>/…/<int:report_id>` hands the view `app` and `report`.
OF_AN_APP = {
    "app_id": App,
    "report_id": Report,
    "check_id": Check,
    "change_id": Change,
    "task_id": Task,
    "account_id": Account,
    "asset_id": Asset,
    "invitation_id": Invitation,
    "rule_id": GroupRule,
    "left_out_id": LeftOut,
}


class SecondFactorNeeded(Exception):
    """The workspace requires a second factor of this person, who has none; errors.py leads them to add one."""


class NotTheirs(NotFound):
    """It is there, perhaps in an `app`, but not open to this person: to them it is as if it weren't."""

    def __init__(self, app: App | None = None):
        super().__init__()
        self.app = app


class NotSignedIn(Exception):
    """The page is only for people who are signed in; errors.py redirects to /sign-in."""


class PermissionKind(StrEnum):
    """What a view asks of someone before it answers.
    Each has a decorator below."""

    OPEN_TO_ALL = "open to all"
    DIRECTORY_TOKEN = "directory token"
    SIGNED_IN = "signed in"
    WORKSPACE_ROLE = "workspace role"
    APP_MANAGER = "app manager"


@dataclass(frozen=True)
class Permission:
    kind: PermissionKind
    allowed: tuple[str, ...] = ()


def open_to_all(view: Callable) -> Callable:
    """Anybody, signed in or not."""
    view.permission = Permission(PermissionKind.OPEN_TO_ALL)
    return view


def directory_token(view: Callable) -> Callable:
    """An identity provider with a directory's token; the view itself asks for it, in the words of its protocol."""
    view.permission = Permission(PermissionKind.DIRECTORY_TOKEN)
    return view


def signed_in(view: Callable) -> Callable:
    """Anybody who is signed in."""

    @wraps(view)
    def guarded(*args, **values):
        _me()
        return view(*args, **values)

    guarded.permission = Permission(PermissionKind.SIGNED_IN)
    return guarded


def while_setting_up(view: Callable) -> Callable:
    """Anyone who is signed in, even someone who must add a second factor first and may open nothing else."""

    @wraps(view)
    def guarded(*args, **values):
        _me(may_lack_factor=True)
        return view(*args, **values)

    guarded.permission = Permission(PermissionKind.SIGNED_IN, ("while setting up",))
    return guarded


def workspace_role(*roles: str) -> Callable:
    """Those whose workspace role is one of `roles`."""
    unknown = set(roles) - set(WORKSPACE_ROLES)
    if unknown or not roles:
        raise ValueError(f"no such workspace role: {unknown}")

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        def guarded(*args, **values):
            if _me().workspace_role not in roles:
                abort(403)
            return view(*args, **values)

        guarded.permission = Permission(PermissionKind.WORKSPACE_ROLE, roles)
        return guarded

    return decorate


def app_manager(least: AppManager) -> Callable:
    """The app's Owners ("owner"), or its Owners and Collaborators ("collaborator").

    Loads what the address names (OF_AN_APP) and hands it to the view by name, `app` included;
    404 when one of them is not there, belongs to another app, or the person doesn't manage the app.
    """
    if least not in tuple(AppManager):
        raise ValueError(f"no such manager: {least}")

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        def guarded(**values):
            me = _me()
            loaded = _loaded(values)
            g.manages_as = apps.manages_as(me, loaded["app"])
            if g.manages_as is None:
                raise NotTheirs(loaded["app"])
            if least == AppManager.OWNER and g.manages_as != AppManager.OWNER:
                abort(403)
            return view(**loaded)

        guarded.permission = Permission(PermissionKind.APP_MANAGER, (least,))
        return guarded

    return decorate


def not_for_guests(view: Callable) -> Callable:
    """Below a permission: a guest gets 403, because this shows who works at the company."""

    @wraps(view)
    def guarded(*args, **values):
        if not may_look_for_people():
            abort(403)
        return view(*args, **values)

    return guarded


def _loaded(values: dict) -> dict:
    loaded, owners = {}, set()
    for name, value in values.items():
        if name not in OF_AN_APP:
            loaded[name] = value
            continue
        row = row_or_404(OF_AN_APP[name], value)
        loaded[name.removesuffix("_id")] = row
        owners.add(row.id if name == "app_id" else row.app_id)
    if len(owners) != 1:
        abort(404)
    if "app" not in loaded:
        loaded["app"] = App.get_by_id(owners.pop())
    return loaded


def _me(may_lack_factor: bool = False) -> Person:
    me = signed_in_person()
    if me is None:
        raise NotSignedIn
    if not may_lack_factor and second_factor.must_set_up(current_session(), this_workspace()):
        raise SecondFactorNeeded
    return me


def outranks(me: Person, other: Person) -> bool:
    """True when a page offers `me` to change how `other` signs in or what they may do; the core asks again."""
    manages = me.workspace_role in rank.MANAGERS
    return manages and rank.rank_of(me.workspace_role) <= rank.rank_of(other.workspace_role)


def require_rank_over(other: Person) -> None:
    rank.require_over(by(), other)


def refuse_views_without_permission(app: Flask) -> None:
    """Called when all views are there; raises RuntimeError that names those which carry no permission."""
    app.view_functions["static"] = open_to_all(lambda **values: app.send_static_file(**values))
    naked = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "permission"))
    if naked:
        raise RuntimeError(f"these views carry no permission: {', '.join(naked)} (see web/permissions.py)")
