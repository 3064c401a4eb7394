"""Who it is that a provider of OpenID Connect has signed in, and what they may do here.
Found by what the provider calls them (issuer and subject), else by a verified e-mail address; groups give the role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.names import LONGEST_NAME, clean_email, clean_name, email_key, looks_like
from sync import activity, names, rank
from sync.db import utcnow, writing
from sync.matching import addresses, vouching
from sync.models import DirectoryEntry, Person, PersonEmail, SignInIdentity, WaitingSignIn
from sync.people import people
from sync.people.people import WORKSPACE_ROLES, PeopleProblem
from sync.rank import Asker
from sync.sign_in import waiting as waiting_sign_ins
from sync.sign_in.oidc import OidcProblem, Settings
from sync.states import PersonStatus, WorkspaceRole

LONGEST_EMAIL = 254
MOST_GROUPS = 10_000  # in a claim; more are refused
ENTRA = ("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn")


class Refused(OidcProblem):
    """The provider knows them, but they may not sign in; the message says why."""


class Unconfirmed(Refused):
    """They would be someone here, who must say so first, or an Owner: `waiting` is what waits for that."""

    def __init__(self, message: str, waiting: WaitingSignIn):
        super().__init__(message)
        self.waiting = waiting


def admit(claims: Mapping[str, Any], known: Settings) -> Person:
    """The person that these verified claims are, with the role that their groups give; made where they are new.

    Raises Refused, and nobody is signed in. Activity has the refusal. Unconfirmed is one of them: the first
    time, by an address, someone must confirm it who is above a plain user, or whose address nobody of rank vouches
    for.
    """
    by = Asker.provider(known.label)
    refusal = None
    with writing():
        try:
            person = _find(claims, known, by)
            _refuse_leavers(person)
            _refuse_unconfirmed(person, claims, known)
            _follow_email(person, claims, known, by)
            _give_role(person, claims, known, by)
            _remember(person, claims, known, by)
        except Refused as problem:
            refusal = problem  # raised below: what was decided on the way, a lost role, stays decided
            _record_refusal(claims, known, by, str(problem))
    if refusal:
        raise refusal
    return Person.get_by_id(person.id)


def known_as(claims: Mapping[str, Any]) -> Person | None:
    """Who has signed in before as what the provider calls them; the address proves nothing here."""
    identity = _identity(claims)
    return identity.person if identity else None


def trusted_email(claims: Mapping[str, Any], known: Settings) -> str:
    """The address, where the provider vouches for it, else ""; as it was given."""
    email = claims.get("email")
    if not isinstance(email, str) or len(email) > LONGEST_EMAIL or not email_key(email):
        return ""
    return clean_email(email) if known.trust_email or _is_verified(claims, known) else ""


def role_by_groups(claims: Mapping[str, Any], known: Settings) -> str | None:
    """The highest role that a group of the claim gives, else the default one; None: nobody here."""
    groups = _groups(claims, known)
    given = {role for group, role in known.roles if group in groups}
    return min(given, key=WORKSPACE_ROLES.index, default=known.default_role or None)


def _refuse_unconfirmed(person: Person, claims: Mapping[str, Any], known: Settings) -> None:
    """A subject that is new here came by an address. If this makes them an admin, or an admin or
    any directory could give them, is asked first."""
    if _identity(claims) is not None:
        return
    email = trusted_email(claims, known)
    vouched = vouching.is_vouched_for(email_key(email), person)
    if vouched and rank.rank_of(person.workspace_role) >= rank.rank_of(WorkspaceRole.USER):
        return
    name = person.name or email
    if vouched:
        why = f"{name} is {rank.in_words(person.workspace_role)}, so the first sign-in with {known.label} is confirmed"
        advice = "Confirm it below with the password or a one-time link, or ask an Owner to approve it under People."
    else:
        why = f"No Owner vouches that {email} is {name}'s"
        advice = "Ask an Owner to approve it under People."
    waiting = waiting_sign_ins.keep(person, claims["iss"], claims["sub"], email, known.label, why,
                                    person_may_confirm=vouched)
    raise Unconfirmed(f"{why}. {advice}", waiting)


def _find(claims: Mapping[str, Any], known: Settings, by: Asker) -> Person:
    identity, email = _identity(claims), trusted_email(claims, known)
    if identity and looks_like(email_key(email), identity.email):
        _unlink(identity, email, by)
        identity = None
    if identity:
        return identity.person
    if not email:
        raise Refused(_why_no_email(claims))
    if addresses.is_disputed(email_key(email)):
        raise Refused(f"A directory gives {email} to more than one person. Ask an Owner to correct it there.")
    person = people.find_by_email(email)
    if person:
        return person
    role = role_by_groups(claims, known)
    if role is None:
        raise Refused(
            f"Rollcall doesn't know {email}, and no group of yours has a role here. "
            "Ask an Owner of Rollcall to add you."
        )
    person = people.add(_name(claims, email), email, by, workspace_role=role)
    # An Owner has set the provider up.
    PersonEmail.update(vouched_for=True).where(PersonEmail.person == person).execute()
    _remember(person, claims, known, by)
    return person


def _unlink(identity: SignInIdentity, email: str, by: Asker) -> None:
    """An address that only looks like the linked one is another mailbox, and doesn't identify this person."""
    activity.record(by, "unlinked sign-in", about=names.signature(identity.person), person=identity.person,
                    why=f"{email} looks like {identity.email}, but they are different mailboxes")
    identity.delete_instance()


def _identity(claims: Mapping[str, Any]) -> SignInIdentity | None:
    return SignInIdentity.get_or_none(
        SignInIdentity.issuer == claims["iss"], SignInIdentity.subject == claims["sub"]
    )


def _why_no_email(claims: Mapping[str, Any]) -> str:
    email = claims.get("email")
    if not isinstance(email, str) or not email_key(email) or len(email) > LONGEST_EMAIL:
        return (
            "Your provider doesn't send your e-mail address, so Rollcall can't know who you are. "
            "Ask an Owner to check the scopes: “email” is needed."
        )
    return (
        f"Your provider doesn't vouch for {email} (email_verified), so Rollcall can't know whether it is yours. "
        "Verify it there, or ask an Owner."
    )


def _is_verified(claims: Mapping[str, Any], known: Settings) -> bool:
    # OpenID Connect Core 5.1 wants a JSON boolean. Apple's ID tokens and Amazon Cognito's userinfo say it as the text
    # "true", which means nothing else. A number is neither, and no provider's documentation has one.
    claimed = claims.get("email_verified")
    if claimed is True or claimed == "true":
        return True
    # Entra ID never sends email_verified; xms_edov says that the address's domain is one the tenant has proven.
    from_entra = urlsplit(known.issuer).hostname in ENTRA
    return from_entra and "email_verified" not in claims and claims.get("xms_edov") in (True, 1, "1", "true")


def _refuse_leavers(person: Person) -> None:
    if person.status in (PersonStatus.SUSPENDED, PersonStatus.DEPROVISIONED):
        since = person.status_reason.rstrip(".") or f"since {person.status_since:%Y-%m-%d}"
        claimed = "suspended" if person.status == PersonStatus.SUSPENDED else "someone who has left"
        raise Refused(f"Rollcall knows you as {claimed} ({since}). If that is wrong, ask an Owner of Rollcall.")


def _follow_email(person: Person, claims: Mapping[str, Any], known: Settings, by: Asker) -> None:
    """Add a new address of someone who is in no directory; otherwise the directory's reading adds it."""
    email, identity = trusted_email(claims, known), _identity(claims)
    if not (email and identity and identity.email) or email_key(email) == identity.email:
        return
    in_directory = DirectoryEntry.select().where(DirectoryEntry.person == person).exists()
    if in_directory or people.find_by_email(email):
        return
    people.edit(person, by, emails=[email, *(row.email for row in person.addresses())])


def _give_role(person: Person, claims: Mapping[str, Any], known: Settings, by: Asker) -> None:
    """At each sign-in, by the groups; "owner" is given and taken by groups only where one of them maps to it."""
    has = person.workspace_role
    by_hand = has == WorkspaceRole.OWNER and WorkspaceRole.OWNER not in {mapped for _, mapped in known.roles}
    if by_hand or not known.roles or _groups_left_out(claims, known):
        role = has or known.default_role or None
    else:
        role = role_by_groups(claims, known)
    if role != has:
        try:
            people.set_workspace_role(person, role, by)
        except PeopleProblem:
            role = has  # the last owner stays one
    if role is None:
        why = "None of your groups has a role in Rollcall." if known.roles else "You have no role in Rollcall."
        raise Refused(f"{why} Ask an Owner of Rollcall to give you one.")


def _groups(claims: Mapping[str, Any], known: Settings) -> set[str]:
    claimed = claims.get(known.groups_claim) if known.groups_claim else None
    if isinstance(claimed, str):
        return {claimed}
    return {group for group in claimed[:MOST_GROUPS] if isinstance(group, str)} if isinstance(claimed, list) else set()


def _groups_left_out(claims: Mapping[str, Any], known: Settings) -> bool:
    """Entra ID leaves the groups out for someone in more than 200, and says so: that isn't being in none."""
    named = claims.get("_claim_names")
    elsewhere = isinstance(named, Mapping) and known.groups_claim in named
    return known.groups_claim not in claims and (elsewhere or claims.get("hasgroups") in (True, "true"))


def _remember(person: Person, claims: Mapping[str, Any], known: Settings, by: Asker) -> None:
    """From the next time on, the subject counts. A second subject of the same person is logged like the first."""
    if _identity(claims) is None:
        linked = f"{claims['sub']} of {claims['iss']}"
        activity.record(by, "linked sign-in", about=names.signature(person), after=linked, person=person)
    values = {"used_at": utcnow()}
    if email := email_key(trusted_email(claims, known)):
        values["email"] = email
    SignInIdentity.insert(issuer=claims["iss"], subject=claims["sub"], person=person, **values).on_conflict(
        conflict_target=[SignInIdentity.issuer, SignInIdentity.subject], update=values
    ).execute()


def _record_refusal(claims: Mapping[str, Any], known: Settings, by: Asker, why: str) -> None:
    identity, email = _identity(claims), trusted_email(claims, known)
    person = identity.person if identity else people.find_by_email(email)
    about = names.signature(person) if person else email
    activity.record(by, "refused sign-in", about=about, why=why, person=person)


def _name(claims: Mapping[str, Any], email: str) -> str:
    """A name from the provider is a text of strangers: one line, not without end; pages escape it."""
    parts = [claims.get("name")] if isinstance(claims.get("name"), str) else [
        claims.get(part) for part in ("given_name", "family_name")]  # fmt: skip
    given = " ".join(part for part in parts if isinstance(part, str))
    return clean_name(given[: LONGEST_NAME * 2]) or email.partition("@")[0]
