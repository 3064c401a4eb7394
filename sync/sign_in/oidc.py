"""Sign-in by OpenID Connect, as the workspace has set it up: the settings, the way there and back, signing out.
Who it is that comes back is for oidc_people.py."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import connectors
from connectors.base import ConnectorError
from sync import activity, credentials, rank, vault
from sync.db import writing
from sync.people.people import WORKSPACE_ROLES
from sync.problems import Problem, refuse_overtaken
from sync.rank import Asker
from sync.sign_in import challenges
from sync.states import Tone, WorkspaceRole
from sync.workspace import set_setting, setting

if TYPE_CHECKING:
    from connectors import Metadata, Provider, SignedIn

KEPT_AS = "sign-in provider"
RETURN = "/sign-in/oidc/answer"  # the redirect address, after ROLLCALL_URL
SIGNED_OUT = "/sign-in"  # and where a provider sends people after signing them out
DEFAULT_ROLES = (
    "",
    WorkspaceRole.GUEST,
    WorkspaceRole.USER,
    WorkspaceRole.ADMIN,
)  # for people in no mapped group; "": nobody. Higher ones only by a group
MOST_GROUPS = 200
LONGEST = {"issuer": 500, "client_id": 500, "label": 60, "groups_claim": 200, "scopes": 500, "factor_acr": 500}
HEAVIEST_TOKEN = 16_000  # characters of an ID token that is kept for signing out
GOOGLE = "https://accounts.google.com"
PATIENCE = 10 * 60  # seconds that the provider's own pages may take
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class OidcProblem(Problem):
    """It can't be set up like this, or nobody can be signed in; the message is a sentence for the page."""


@dataclass(frozen=True)
class Settings:
    """How people sign in through the company's provider."""

    issuer: str = ""
    client_id: str = ""
    label: str = "your company account"  # of the button: "Sign in with …"
    scopes: str = "openid email profile"
    groups_claim: str = "groups"
    roles: tuple[tuple[str, str], ...] = ()  # (a group as the claim names it, a workspace role)
    default_role: str = ""  # of DEFAULT_ROLES
    trust_email: bool = False  # an e-mail address that the provider doesn't call verified counts as well
    factor_acr: str = ""  # values of acr, with blanks between, that stand for two factors (provider_factors.py)


@dataclass(frozen=True)
class Finding:
    """What a test of the settings found; tone: ok, waiting (look at it), attention (nobody can sign in)."""

    tone: Tone
    words: str


def settings() -> Settings | None:
    """None where nobody has set it up."""
    kept = setting(KEPT_AS)
    if not kept:
        return None
    values = {name: kept[name] for name in asdict(Settings()) if name in kept}
    return Settings(**values | {"roles": tuple((group, role) for group, role in values.get("roles", ()))})


def has_secret() -> bool:
    return bool((setting(KEPT_AS) or {}).get("secret"))


def save(new: Settings, secret: str | None, base_url: str, by: Asker, approver: str | None = None) -> Settings:
    """Store the settings; `secret` None keeps the one that is stored. `approver`: as for apps.test().

    Raises OidcProblem, ConnectorError or Overtaken, and changes nothing, when they can't be: a provider or client that
    is new must answer first, so that nobody is sent to where there is nothing.
    """
    rank.require(by, WorkspaceRole.OWNER)
    kept, before, new = setting(KEPT_AS), settings(), _tidy(new)
    _refuse_nonsense(new, base_url)
    as_before = before is not None and _is_same(before, new) and secret is None
    secret = _secret_for(new, secret)
    if as_before:
        new = replace(new, issuer=before.issuer)
    else:
        with connectors.reaching(approver is not None):
            new = replace(new, issuer=connectors.provider(new.issuer, new.client_id).metadata().issuer)
    approver = approver or (_stored_approver() if before is not None and _is_same(before, new) else None)
    with writing():
        refuse_overtaken(kept, setting(KEPT_AS))
        sealed = vault.seal({"secret": secret}).decode() if secret else ""
        set_setting(KEPT_AS, asdict(new) | {"secret": sealed, "private_network_approver": approver})
        words = {"before": before and _settings_in_words(before), "after": _settings_in_words(new)}
        activity.record(by, "changed sign-in provider", about=new.issuer, **words)
    return new


def remove(by: Asker) -> None:
    """From now on people sign in only with their passwords. Current sessions continue until they end."""
    rank.require(by, WorkspaceRole.OWNER)
    before = settings()
    if before is not None:
        with writing():
            set_setting(KEPT_AS, None)
            activity.record(by, "removed sign-in provider", about=before.issuer, before=_settings_in_words(before))


def test(new: Settings, secret: str | None, base_url: str, approver: str | None = None) -> list[Finding]:
    """Everything about these settings that can be known without signing in, in plain words.

    `approver`: as for apps.test(). Their approval holds for the addresses that the provider publishes too.
    """
    with connectors.reaching(approver is not None):
        return _tested(_tidy(new), secret, base_url)


def _tested(new: Settings, secret: str | None, base_url: str) -> list[Finding]:
    try:
        _refuse_nonsense(new, base_url)
        provider = connectors.provider(new.issuer, new.client_id, _secret_for(new, secret))
        provider.forget()
        metadata = provider.metadata()
    except (OidcProblem, ConnectorError, vault.VaultProblem) as problem:
        return [Finding(Tone.ATTENTION, str(problem))]
    found = [Finding(Tone.OK, f"The provider answers, and calls itself {metadata.issuer}.")]
    try:
        keys = provider.count_keys()
        found.append(Finding(Tone.OK, f"It publishes its signing keys: {keys}."))
        provider.probe(base_url + RETURN)
        accepts = "It accepts the client id and secret, as far as can be tested without signing in."
        found.append(Finding(Tone.OK, accepts))
    except ConnectorError as problem:
        found.append(Finding(Tone.ATTENTION, str(problem)))
    return [*found, *_doubts(metadata, new)]


def _doubts(metadata: Metadata, new: Settings) -> list[Finding]:
    missing = [scope for scope in new.scopes.split() if metadata.scopes and scope not in metadata.scopes]
    apart = abs(metadata.clock or 0)
    return [finding for doubted, finding in (
        (metadata.flows and "code" not in metadata.flows,
         Finding(Tone.ATTENTION, "It doesn't offer the authorization code flow, which Rollcall uses.")),
        (metadata.challenges and "S256" not in metadata.challenges,
         Finding(Tone.ATTENTION, "It doesn't offer PKCE with S256, which Rollcall uses.")),
        (not metadata.signatures, Finding(Tone.WAITING, "It doesn't say how it signs; Rollcall expects RS256.")),
        (missing, Finding(Tone.WAITING, f"It doesn't list the scope {', '.join(missing)}: it may refuse or ignore "
                                        "it.")),
        (apart > 60, Finding(Tone.WAITING, f"Its clock and this server's are {apart:.0f} seconds apart. Beyond 120 "
                                        "nobody can sign in. Synchronise this server's clock by NTP.")),
        (new.default_role and metadata.issuer == GOOGLE, Finding(Tone.WAITING, "Everyone else has a role: with the "
         "audience “External”, that is anyone with a Google account. Make it “Internal” there.")),
        (not metadata.end_session, Finding(Tone.WAITING, "It offers no address for signing out: people who sign out of "
                                                      "Rollcall stay signed in there.")),
        (True, Finding(Tone.WAITING, "Whether the redirect address is registered there is only known "
                                    "once someone signs in.")),
    ) if doubted]  # fmt: skip


def is_down() -> bool:
    """True while it is known, without asking, that the provider can't be reached: the password is the way in."""
    known = settings()
    return known is not None and connectors.provider(known.issuer, known.client_id).is_down()


def begin(base_url: str, again: bool = False) -> tuple[dict[str, str], str]:
    """The state for the browser, and the address to redirect to; `again`: sign in again, even with a provider session.

    Raises OidcProblem or ConnectorError: nobody can be sent there.
    """
    known = _known()
    with _reaching():
        pending, address = _provider(known).begin(base_url + RETURN, known.scopes, known.factor_acr, again)
    return asdict(pending) | {"provider": _stamp(known)}, address


def finish(answer: Mapping[str, str], kept: Mapping[str, str]) -> SignedIn:
    """The provider's answer about the person; `kept` is the browser's state, used up by this.

    Raises OidcProblem or ConnectorError, and nobody is signed in.
    """
    known = _known()
    if kept["provider"] != _stamp(known):
        raise OidcProblem("The settings of signing in have just been changed. You weren't signed in: start again.")
    _use_up(kept["state"])
    with _reaching():
        return _provider(known).signed_in(answer, {name: value for name, value in kept.items() if name != "provider"})


def sealed(came: SignedIn) -> bytes:
    """What a session keeps of the provider that began it, for signing out there."""
    token = came.id_token if len(came.id_token) <= HEAVIEST_TOKEN else ""
    return vault.seal({"issuer": came.claims["iss"], "id_token": token})


def end_address(kept: bytes | None, base_url: str) -> str | None:
    """Where a browser whose session held this goes to sign out at the provider too; None where there is no place."""
    known = settings()
    if kept is None or known is None:
        return None
    try:
        began = vault.unseal(kept)
    except vault.VaultProblem:
        return None
    if began["issuer"] != known.issuer:
        return None
    return connectors.provider(known.issuer, known.client_id).end_address(began["id_token"], base_url + SIGNED_OUT)


def _known() -> Settings:
    known = settings()
    if known is None:
        raise OidcProblem("Signing in through a provider isn't set up here. Use your password.")
    return known


def _provider(known: Settings) -> Provider:
    return connectors.provider(known.issuer, known.client_id, _secret())


def _stored_approver() -> str | None:
    return (setting(KEPT_AS) or {}).get("private_network_approver")


def _reaching() -> AbstractContextManager[None]:
    return connectors.reaching(_stored_approver() is not None)


def _stamp(known: Settings) -> str:
    return hashlib.sha256(f"{known.issuer} {known.client_id}".encode()).hexdigest()


def _use_up(state: str) -> None:
    """A state is good once, also for a browser that kept its old cookie."""
    if not challenges.use_up(f"state {state}", PATIENCE):
        raise OidcProblem("This sign-in has already been used. Nothing was changed: start again.")


def _secret() -> str:
    kept = (setting(KEPT_AS) or {}).get("secret")
    return vault.unseal(kept.encode())["secret"] if kept else ""


def _secret_for(new: Settings, secret: str | None) -> str:
    """The one given, or the one that is stored, which goes to the provider it was given for alone."""
    if secret is not None:
        return secret.strip()
    known = settings()
    if known is None or not has_secret():
        return ""
    if not _is_same(known, new):
        changed = [word for word, one, other in (("Issuer", known.issuer, new.issuer),
                   ("Client ID", known.client_id, new.client_id)) if one.rstrip("/") != other.rstrip("/")]
        raise OidcProblem(credentials.in_words(["the client secret"], changed))
    return _secret()


def _is_same(one: Settings, other: Settings) -> bool:
    """The same client of the same provider."""
    return (one.issuer.rstrip("/"), one.client_id) == (other.issuer.rstrip("/"), other.client_id)


def _tidy(new: Settings) -> Settings:
    texts = {name: " ".join(getattr(new, name).split()) for name in LONGEST}
    roles = {group.strip(): role for group, role in new.roles if group.strip()}
    standard = Settings()
    return replace(
        new, **texts | {"label": texts["label"] or standard.label, "scopes": texts["scopes"] or standard.scopes},
        roles=tuple(roles.items()),
    )  # fmt: skip


def _refuse_nonsense(new: Settings, base_url: str) -> None:
    for name, most in LONGEST.items():
        if len(getattr(new, name)) > most or not getattr(new, name).isprintable():
            raise OidcProblem(f"The {name.replace('_', ' ')} is too long, or contains characters that aren't allowed.")
    if not new.issuer or not new.client_id:
        raise OidcProblem("The issuer and the client id are needed.")
    if "openid" not in new.scopes.split():
        raise OidcProblem("The scopes must include “openid”.")
    here = urlsplit(base_url)
    if here.scheme != "https" and here.hostname not in _LOOPBACK:
        raise OidcProblem(
            f"Rollcall is reached at {base_url}, without TLS: anyone on the network could sign in as others. "
            "Serve it through a proxy with TLS, and start it with ROLLCALL_URL=https://…"
        )
    if new.default_role not in DEFAULT_ROLES:
        raise OidcProblem("The role of everyone else must be nobody, guest, user or admin.")
    if new.roles and not new.groups_claim:
        raise OidcProblem("Groups are mapped to roles: enter the name of the claim that contains them.")
    if len(new.roles) > MOST_GROUPS or any(len(group) > 300 for group, _ in new.roles):
        raise OidcProblem(f"At most {MOST_GROUPS} groups of at most 300 characters can be mapped.")
    if wrong := [role for _, role in new.roles if role not in WORKSPACE_ROLES]:
        raise OidcProblem(f"{wrong[0]!r} isn't a workspace role.")


def _settings_in_words(known: Settings) -> str:
    roles = ", ".join(f"{group} → {role}" for group, role in known.roles) or "no groups"
    email = "e-mail trusted unverified" if known.trust_email else "verified e-mail"
    factors = f", two factors by acr {known.factor_acr}" if known.factor_acr else ""
    others = known.default_role or "nobody"
    return f"{known.issuer}, client {known.client_id}, {roles}, others: {others}, {email}{factors}"
