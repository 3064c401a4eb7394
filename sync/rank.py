"""Nobody changes someone above them: who asks for a change, and whether their rank allows it. Asked here and nowhere
else: for one person by Python, for a directory's reading by SQL."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sync.models import App, AppPerson, Person
from sync.names import signature
from sync.states import AppManager, PersonStatus, WorkspaceRole

RANKS = tuple(WorkspaceRole)  # the highest first
MANAGERS = RANKS[:3]
NOBODY = len(RANKS)  # the rank of someone without a role
NO_ADDRESS = str.maketrans("", "", "<>")  # so that a program's name doesn't look like someone's signature


class NotAllowed(PermissionError):
    """The asker's rank is too low for this. Nothing was changed; the message is a sentence for the page."""


@dataclass(frozen=True)
class Asker:
    """Who asks for a change: how the log names them, and the workspace role whose rank counts."""

    name: str
    role: str | None
    person_id: int | None = None  # of a person; None for a program
    vouches: bool = False  # addresses that they give are trusted at a sign-in

    def __str__(self) -> str:
        return self.name

    @classmethod
    def person(cls, person: Person) -> Asker:
        """Someone who is signed in, with the role that they have now."""
        now = Person.get_by_id(person.id)
        role = now.workspace_role if now.status == PersonStatus.ACTIVE else None
        return cls(signature(now), role, now.id, vouches=role == WorkspaceRole.OWNER)

    @classmethod
    def command_line(cls, name: str = "command line") -> Asker:
        """For the command line, which has the installation's files anyway: it counts as an Owner."""
        return cls(name, WorkspaceRole.OWNER, vouches=True)

    @classmethod
    def provider(cls, label: str) -> Asker:
        """The sign-in provider that an Owner has set up, with the roles that the Owner gave to its groups."""
        return cls(f"sign-in with {label.translate(NO_ADDRESS)}", WorkspaceRole.OWNER)

    @classmethod
    def rollcall(cls, name: str = "schedule") -> Asker:
        """Rollcall itself carries out what someone was allowed to decide before."""
        return cls(name, WorkspaceRole.OWNER)

    @property
    def rank(self) -> int:
        return rank_of(self.role)


sqlite3.register_adapter(Asker, str)  # a row keeps the name


def rank_of(role: str | None) -> int:
    """0 for an Owner; the higher the number, the less they may do."""
    return RANKS.index(role) if role in RANKS else NOBODY


def may_change(asker: Asker, person: Person) -> bool:
    """Whether the asker may change how this person is called, reached and let in: nobody reaches above themselves."""
    _refuse_unknown(asker)
    return asker.rank <= rank_of(Person.get_by_id(person.id).workspace_role) and asker.rank < NOBODY


def is_above(person: Person, other: Person) -> bool:
    """Whether this person ranks above the other one."""
    return rank_of(person.workspace_role) < rank_of(other.workspace_role)


def require_over(asker: Asker, person: Person) -> None:
    """Raises NotAllowed unless the asker manages people and this person doesn't rank above them."""
    require(asker, *MANAGERS)
    if not may_change(asker, person):
        role = Person.get_by_id(person.id).workspace_role
        raise NotAllowed(f"{person.name or signature(person)} is {in_words(role)}, which ranks above you. "
                         "Nothing was changed.")


def require(asker: Asker, *roles: str) -> None:
    """Raises NotAllowed unless the asker has one of these workspace roles."""
    _refuse_unknown(asker)
    if asker.role not in roles:
        raise NotAllowed(f"This needs {' or '.join(in_words(role) for role in roles)}. Nothing was changed.")


def require_for_sign_in(asker: Asker, person: Person) -> None:
    """Raises NotAllowed unless the asker may change how this person signs in: everyone their own; that of others, who
    may give roles."""
    _refuse_unknown(asker)
    if asker.person_id != person.id:
        require(asker, WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN)
        require_over(asker, person)


def require_manager(asker: Asker, app: App, least: AppManager = AppManager.OWNER) -> None:
    """Raises NotAllowed unless the asker is an Owner of the app; with "collaborator", a Collaborator will do."""
    _refuse_unknown(asker)
    if asker.role in RANKS[:2]:
        return
    theirs = AppPerson.get_or_none(AppPerson.app == app, AppPerson.person == asker.person_id)
    if asker.rank == NOBODY or theirs is None or theirs.manages_as not in (AppManager.OWNER, least):
        raise NotAllowed(f"Only an Owner of {app.name} can do this. Nothing was changed.")


def _refuse_unknown(asker: Asker) -> None:
    """A name has no rank: a caller that passes only a text for the asker is a bug."""
    if not isinstance(asker, Asker):
        raise TypeError(f"the asker must be an Asker, not {type(asker).__name__}")


def in_words(role: str | None) -> str:
    """An Owner, a super admin, …"""
    if role is None:
        return "someone without a role"
    return {WorkspaceRole.OWNER: "an Owner", WorkspaceRole.ADMIN: "an admin"}.get(role, f"a {role}")


_CASE = " ".join(f"WHEN '{role}' THEN {rank}" for rank, role in enumerate(RANKS))


def sql_rank(role: str) -> str:
    """SQL: the rank of this workspace role."""
    return f"(CASE {role} {_CASE} ELSE {NOBODY} END)"
