"""The workspace roles in words: which may be given, and a table of what each may do.
The table is read from the permissions of the views, so it says what the code does."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from sync.apps import apps
from sync.models import Person
from sync.states import WorkspaceRole
from web.permissions import WORKSPACE_ROLES, PermissionKind, outranks
from web.security import FINDS_PEOPLE, signed_in_person

USUAL = (WorkspaceRole.OWNER, WorkspaceRole.ADMIN, WorkspaceRole.USER)
ROLE_HELP = {
    WorkspaceRole.OWNER: "Can do everything, including managing Owners.",
    WorkspaceRole.SUPER_ADMIN: "Can do everything except manage Owners.",
    WorkspaceRole.ADMIN: "Manages people, directories and the apps they belong to.",
    WorkspaceRole.USER: "Uses the apps they belong to.",
    WorkspaceRole.GUEST: "Someone from outside the company; uses the apps they belong to.",
}
# What people do → the view that does it, or the roles that a rule of the code names.
ABILITIES: tuple[tuple[str, str | tuple[str, ...]], ...] = (
    ("See the apps that they belong to, and approve as an app's Owner", "apps.index"),
    ("Find colleagues by name", FINDS_PEOPLE),
    ("Add people, and mark someone as left", "people.create"),
    ("Connect directories", "directories.create"),
    ("Connect apps", "connect.test_new"),
    ("Read the activity log and waiting e-mails", "activity.index"),
    ("See and manage every app", apps.RUNS_ALL),
    ("Invite colleagues and give roles up to their own", "colleagues.create"),
    ("Change the settings of the workspace", "settings.update"),
    ("Set up the sign-in provider and the mail server, and require a second factor", "oidc_settings.update"),
    ("Manage Owners", WORKSPACE_ROLES[:1]),
)


@dataclass(frozen=True)
class RoleChoice:
    """A workspace role that may be chosen; `value` is "" for none."""

    value: str
    label: str
    help: str
    chosen: bool


@dataclass(frozen=True)
class Ability:
    """A line of the table: for each role, whether it may."""

    words: str
    may: list[bool]


@dataclass(frozen=True)
class RoleField:
    """The field of a form, with the table below it."""

    usual: list[RoleChoice]
    more: list[RoleChoice]
    heads: list[str]
    abilities: list[Ability]

    @property
    def more_open(self) -> bool:
        return any(one.chosen for one in self.more)


def roles_to_give() -> list[str]:
    """Roles that the person who is signed in may give: none above their own."""
    me = signed_in_person()
    return [name for name in WORKSPACE_ROLES if outranks(me, Person(workspace_role=name))]


def role_field(chosen: str, *first: RoleChoice) -> RoleField:
    """The roles to give, after the `first` choices; the ones that few people need are folded until one is chosen."""
    offered = [RoleChoice(name, name.capitalize(), ROLE_HELP[name], name == chosen) for name in roles_to_give()]
    return RoleField(
        [*first, *(one for one in offered if one.value in USUAL)],
        [one for one in offered if one.value not in USUAL],
        [role.capitalize() for role in WORKSPACE_ROLES],
        abilities(),
    )


def abilities() -> list[Ability]:
    return [Ability(words, [_may(role, by) for role in WORKSPACE_ROLES]) for words, by in ABILITIES]


def _may(role: str, by: str | tuple[str, ...]) -> bool:
    if not isinstance(by, str):
        return role in by
    permission = current_app.view_functions[by].permission
    return (permission.kind == PermissionKind.SIGNED_IN
            or permission.kind == PermissionKind.WORKSPACE_ROLE and role in permission.allowed)  # fmt: skip
