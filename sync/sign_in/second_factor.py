"""The second factor of signing in: who has one, who needs one, and what changes it.
Passkeys are in passkeys.py, authenticator apps in authenticator.py, codes for a lost device in recovery_codes.py."""

from __future__ import annotations

from dataclasses import dataclass

from sync import activity, rank
from sync.apps.owners import own_ids
from sync.db import connected, writing
from sync.mail import sign_in_changes
from sync.models import App, AuthenticatorApp, Passkey, Person, RecoveryCode, Session
from sync.names import signature
from sync.people.people import PeopleProblem
from sync.rank import Asker
from sync.sign_in import attempts, authenticator, recovery_codes, sessions
from sync.states import AppState, SecondFactor, WorkspaceRole
from sync.workspace import Workspace, update_workspace, workspace

MANAGING = (WorkspaceRole.OWNER, WorkspaceRole.SUPER_ADMIN, WorkspaceRole.ADMIN)  # workspace roles
WRONG = "This code is wrong or was already used. Try the next one that the app shows."
NEEDED = (
    "Your workspace requires a second factor from admins and Owners. Nothing was changed: "
    "add another one before you remove this one."
)


@dataclass(frozen=True)
class Factors:
    """What someone can prove who they are with, beside a password. Recovery codes alone are none."""

    passkeys: list[Passkey]
    app: bool
    codes_left: int

    def __bool__(self) -> bool:
        return bool(self.passkeys) or self.app


def of(person: Person) -> Factors:
    with connected():
        passkeys = list(Passkey.select().where(Passkey.person == person).order_by(Passkey.created_at, Passkey.id))
        return Factors(passkeys, authenticator.has(person), recovery_codes.left(person))


def kinds(person: Person) -> list[str]:
    """Their factors, for people who manage them."""
    found = of(person)
    return [SecondFactor.PASSKEY] * bool(found.passkeys) + [SecondFactor.APP] * found.app


def has(person: Person) -> bool:
    return authenticator.has(person) or Passkey.select().where(Passkey.person == person).exists()


def manages(person: Person) -> bool:
    """Whether this person may change who has access: a workspace role of admin or above, or Owner of an app."""
    if person.workspace_role in MANAGING:
        return True
    return App.select().where(App.id.in_(own_ids(person)), App.state != AppState.DISCONNECTED).exists()


def must_set_up(session: Session, settings: Workspace) -> bool:
    """Whether this session may do nothing but add a second factor: one is required, and it began without any."""
    return not session.second_factor and settings.second_factor_required and manages(session.person)


def require(person: Person, required: bool, by: Asker) -> None:
    """Switch the requirement on or off. Raises PeopleProblem for someone who would lock out themselves,
    NotAllowed for anyone but an Owner."""
    rank.require(by, WorkspaceRole.OWNER)
    if required and not has(person):
        raise PeopleProblem("Add a second factor for yourself first. Nothing was changed.")
    update_workspace(by, second_factor_required=required)


def prove(person: Person, code: str, source: str = "", browser: str = "") -> str:
    """Takes a code of the authenticator app or a recovery code: which of the two it was.

    `source` and `browser` are as for signin.authenticate. Raises PeopleProblem for a wrong or used one,
    TooManyAttempts after too many; both count for the person, or for their known browser.
    """
    counted = attempts.keys_of_codes(person, source, browser)
    attempts.begin(counted)
    if authenticator.take(person, code):
        used = SecondFactor.APP
    elif has(person) and recovery_codes.take(person, code):
        used = SecondFactor.RECOVERY
        _announce(person, "used recovery code", f"A recovery code was used to sign in. {_left(person)}")
    else:
        attempts.failed(person, source, counted)
        raise PeopleProblem(WRONG)
    attempts.succeeded(counted)
    return used


def added(person: Person, what: str, session: Session) -> list[str]:
    """A second factor was added: other browsers are signed out where it is the first one, and get none without it.

    `session` is the one that it was added in, which has proved it by this. The recovery codes that are new, to be
    shown once; none where the person has some.
    """
    with writing():
        _announce(person, "added second factor", f"A second factor was added to your sign-in: {what}.", after=what)
        if not session.second_factor:
            Session.update(second_factor=what.partition(" “")[0]).where(Session.id == session.id).execute()
        if recovery_codes.left(person):
            return []
        sessions.end_sessions(person, signature(person), but=session.id)
        return recovery_codes.make(person)


def remove_app(person: Person, session: Session) -> None:
    """Every browser but that of `session` is signed out. Raises PeopleProblem where this is the last and one is
    required."""
    with writing():
        AuthenticatorApp.delete().where(AuthenticatorApp.person == person).execute()
        _removed(person, SecondFactor.APP, session)


def remove_passkey(person: Person, passkey_id: int, session: Session) -> None:
    """As remove_app(); also raises PeopleProblem if they have no such passkey."""
    with writing():
        passkey = Passkey.get_or_none(Passkey.id == passkey_id, Passkey.person == person)
        if passkey is None:
            raise PeopleProblem("There is no such passkey. Nothing was changed.")
        passkey.delete_instance()
        _removed(person, f"passkey “{passkey.name}”", session)


def _removed(person: Person, what: str, session: Session) -> None:
    """Inside the transaction of the removal, which this takes back by raising."""
    if not has(person):
        if workspace().second_factor_required and manages(person):
            raise PeopleProblem(NEEDED)
        recovery_codes.delete_all(person)
        proved_here = (Session.person == person) & (Session.second_factor != SecondFactor.PROVIDER)
        Session.update(second_factor="").where(proved_here).execute()  # none of them has one if one is required later
    sessions.end_sessions(person, signature(person), but=session.id)  # a thief may have signed in with it
    _announce(person, "removed second factor", f"A second factor was removed from your sign-in: {what}.", before=what)


def renew_codes(person: Person) -> list[str]:
    """A new set of recovery codes; the one before is void. Raises PeopleProblem for someone without a factor."""
    if not has(person):
        raise PeopleProblem("Recovery codes come with a second factor: add one first. Nothing was changed.")
    with writing():
        _announce(person, "made recovery codes", "New recovery codes were made for your sign-in. The earlier ones no "
                  "longer work.")
        return recovery_codes.make(person)


def reset(person: Person, by: Asker) -> bool:
    """Take away every factor of someone who has lost them, and sign them out; whether there was any. Raises NotAllowed
    for someone above the asker."""
    rank.require_for_sign_in(by, person)
    with writing():
        there = has(person)
        for kind in (AuthenticatorApp, Passkey, RecoveryCode):
            kind.delete().where(kind.person == person).execute()
        if there:
            sessions.end_sessions(person, by)
            _announce(person, "reset second factor", "The second factor of your sign-in was reset: all passkeys, the "
                      "authenticator app and the recovery codes were removed. Add a new one when you sign in.",
                      by)  # fmt: skip
    return there


def _left(person: Person) -> str:
    left = recovery_codes.left(person)
    return f"{left} recovery code{'s are' if left != 1 else ' is'} left." if left else "None is left: make new ones."


def _announce(person: Person, what: str, sentence: str, by: str = "", **values: str) -> None:
    """Record the change in Activity, and e-mail the person."""
    by = by or signature(person)
    with writing():
        activity.record(by, what, about=signature(person), person=person, **values)
        sign_in_changes.notify(person, sentence, by)
