"""Reads what a provider of OpenID Connect publishes about itself: its addresses and its keys (Discovery 1.0, RFC 8414).
Addresses are kept in memory for a minute, keys for an hour, and a failure for half a minute, so that nobody else waits
for it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connectors.base import ConnectorError, Refused
from connectors.tools.answers import Answer, NotFound, Strayed
from connectors.tools.http import Http
from connectors.tools.times import from_http

KEPT, FAILURE_KEPT, KEYS_KEPT, KEYS_KEPT_AT_LEAST = 60, 30, 3600, 30  # seconds
QUICK = {"timeout": (4, 6), "max_seconds": 10, "max_bytes": 1_000_000, "retries": 0, "patience": 0}
PATH = "/.well-known/openid-configuration"
SIGNATURES = frozenset([  # never none, never HS…, whose key would be the client secret
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
])  # fmt: skip


@dataclass(frozen=True)
class Metadata:
    """A provider's own description. Addresses are https://, or http:// on loopback if the issuer is there too; "" if
    the provider has none."""

    issuer: str  # exactly as its tokens have it
    authorization: str
    token: str
    keys: str
    userinfo: str
    end_session: str
    signatures: tuple[str, ...]
    by_basic: bool  # True: the client sends its secret in the header; False: in the form
    names_itself: bool  # each answer names its issuer (RFC 9207)
    scopes: tuple[str, ...]  # () if it doesn't list them
    flows: tuple[str, ...]
    challenges: tuple[str, ...]
    clock: float | None  # the seconds that its clock is ahead of ours


@dataclass
class _Known:
    """What is remembered of an issuer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    metadata: Metadata | None = None
    problem: ConnectorError | None = None
    until: float = 0.0
    keys: KeySet | None = None
    keys_from: str = ""
    keys_read: float = 0.0


_known: dict[str, _Known] = {}


def clear(issuer: str) -> None:
    _known.pop(_plain(issuer), None)


def is_down(issuer: str) -> bool:
    """Whether a recent failure shows that the provider can't be reached. No call is made."""
    known = _known.get(_plain(issuer))
    return known is not None and known.problem is not None and time.monotonic() < known.until


def discover(issuer: str) -> Metadata:
    """The provider's description. Raises a ConnectorError with what to do, if there is no provider or it is down."""
    known = _of(issuer)
    with known.lock:
        if time.monotonic() >= known.until:
            try:
                known.metadata, known.problem = _read(issuer), None
            except ConnectorError as problem:
                known.problem = problem
            known.until = time.monotonic() + (FAILURE_KEPT if known.problem else KEPT)
        if known.problem:
            raise known.problem.with_traceback(None)
        return known.metadata


def keys_of(metadata: Metadata, again: bool = False) -> KeySet:
    """The provider's keys. `again`: read them again, at most twice a minute, because a token names a new one."""
    known = _of(metadata.issuer)
    with known.lock:
        age = time.monotonic() - known.keys_read
        if known.keys is None or known.keys_from != metadata.keys or age > (KEYS_KEPT_AT_LEAST if again else KEYS_KEPT):
            known.keys = _read_keys(metadata.keys)
            known.keys_from, known.keys_read = metadata.keys, time.monotonic()
        return known.keys


def last_known(issuer: str) -> Metadata | None:
    """The description that was read last; None if there is none. No call is made."""
    known = _known.get(_plain(issuer))
    return known.metadata if known else None


def get(address: str, **options) -> Answer:
    """One answer. It must come quickly, without retries: see QUICK."""
    client = Http(address, **QUICK, **options)
    try:
        return client.get(address)
    finally:
        client.close()


def _of(issuer: str) -> _Known:
    return _known.setdefault(_plain(issuer), _Known())


def _plain(issuer: str) -> str:
    return issuer.strip().rstrip("/")


def _read(issuer: str) -> Metadata:
    address = _plain(issuer)
    try:
        answer = get(address + PATH)
    except (NotFound, Strayed):
        raise Refused(f"There is no provider at {address}: it answers, but has no {PATH}. Check the issuer.") from None
    document = answer.json(dict)
    named = document.get("issuer")
    if not isinstance(named, str) or _plain(named) != address:
        raise Refused(
            f"The provider calls itself “{str(named)[:200]}”, not “{address}”. Enter the issuer exactly as the "
            "provider writes it. For Entra ID, that is the address with your tenant's ID, not “common”."
        )
    plain_http = urlsplit(address).scheme == "http"  # Http has let it through: it is on loopback

    def place(name: str, needed: bool = True) -> str:
        value = document.get(name)
        if value is None and not needed:
            return ""
        allowed = ("https", "http") if plain_http else ("https",)
        if not isinstance(value, str) or urlsplit(value).scheme not in allowed or not urlsplit(value).hostname:
            raise Refused(f"The provider's description of itself can't be used: {name} isn't an https:// address.")
        return value

    methods = _words(document, "token_endpoint_auth_methods_supported")
    return Metadata(
        issuer=named,
        authorization=place("authorization_endpoint"),
        token=place("token_endpoint"),
        keys=place("jwks_uri"),
        userinfo=place("userinfo_endpoint", needed=False),
        end_session=place("end_session_endpoint", needed=False),
        signatures=tuple(one for one in _words(document, "id_token_signing_alg_values_supported") if one in SIGNATURES),
        by_basic=not methods or "client_secret_basic" in methods or "client_secret_post" not in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        scopes=_words(document, "scopes_supported"),
        flows=_words(document, "response_types_supported"),
        challenges=_words(document, "code_challenge_methods_supported"),
        clock=_ahead(answer.headers.get("Date", "")),
    )


def _words(document: dict, name: str) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _ahead(date: str) -> float | None:
    now = from_http(date)
    return None if now is None else now.timestamp() - time.time()


def _read_keys(address: str) -> KeySet:
    """The keys for signatures whose kind is known. Raises Refused if there is none."""
    listed = get(address).json(dict).get("keys")
    usable = KeySet([])
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("kty") in ("RSA", "EC", "OKP") and one.get("use") in (None, "sig"):
            try:
                usable.keys.extend(KeySet.import_key_set({"keys": [one]}).keys)
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    if not usable.keys:
        raise Refused("The provider publishes no key by which Rollcall could check its signatures.")
    return usable
