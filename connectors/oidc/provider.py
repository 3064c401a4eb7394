"""Signs people in at a provider of OpenID Connect (Core 1.0), as its client: the authorization code flow with PKCE.
Authlib knows the rules, joserfc checks signatures, and Http makes the calls. Every result is verified."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.oidc import discovery
from connectors.oidc.discovery import Metadata
from connectors.tools.answers import Answer, words
from connectors.tools.http import Http
from connectors.tools.net import HostRefused
from connectors.tools.redaction import one_line

SKEW = 120  # seconds that two clocks may differ
LONGEST_HINT = 4000  # characters of an ID token in an address
NO_ANSWER = "The provider sent you back without an answer that Rollcall can use. Nothing was changed: start again."
ABOUT_EMAIL = ("email", "email_verified", "xms_edov")  # xms_edov is Entra ID's name for email_verified
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # by how a signature's name begins
log = logging.getLogger(__name__)


class NotTrusted(Refused):
    """The provider's answer can't be verified, so nobody is signed in."""


class CodeRefused(Refused):
    """The provider accepts the client but not the code, which was already used or is too old."""


@dataclass(frozen=True)
class Pending:
    """A request to the provider. The person's browser keeps it until the answer comes."""

    state: str
    nonce: str
    verifier: str  # of PKCE (RFC 7636)
    redirect: str  # the address to which the answer comes


@dataclass(frozen=True)
class SignedIn:
    """The person who signed in: the claims of the ID token, completed by userinfo, and the token itself."""

    claims: Mapping[str, Any]
    id_token: str
    token_claims: Mapping[str, Any]  # of the ID token alone: only they are trusted about how the person signed in


class Provider:
    """One client at one provider. `client_secret`: "" for a public client, which only PKCE protects."""

    def __init__(self, issuer: str, client_id: str, client_secret: str = ""):
        self.issuer, self.client_id, self._secret = issuer, client_id, client_secret

    def metadata(self) -> Metadata:
        return discovery.discover(self.issuer)

    def is_down(self) -> bool:
        """Whether a recent failure shows that the provider can't be reached. No call is made."""
        return discovery.is_down(self.issuer)

    def forget(self) -> None:
        """Clear everything that was read about the provider."""
        discovery.clear(self.issuer)

    def count_keys(self) -> int:
        return len(discovery.keys_of(self.metadata()).keys)

    def begin(self, redirect: str, scopes: str, acr: str = "", again: bool = False) -> tuple[Pending, str]:
        """The request, and the address to send the browser to. Raises ConnectorErrors if the provider can't be reached.

        `acr`: the levels of sign-in that are wanted, separated by spaces. `again`: the person must sign in again even
        if the provider still has a session (Core 3.1.2.1).
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # here: Authlib takes half a second to import
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        pending = Pending(*[secrets.token_urlsafe(size) for size in (24, 24, 48)], redirect)
        return pending, prepare_grant_uri(
            self.metadata().authorization, self.client_id, "code", redirect, scopes, pending.state,
            nonce=pending.nonce, code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256", **({"acr_values": acr} if acr else {}),
            **({"prompt": "login", "max_age": "0"} if again else {}),
        )  # fmt: skip

    def signed_in(self, answer: Mapping[str, str], kept: Mapping[str, str]) -> SignedIn:
        """The person who came back with this `answer` in the address's query. `kept`: the values of Pending.

        Raises NotTrusted for an answer that can't be verified, Refused with the provider's words if it refused,
        CredentialRejected for a wrong client id or secret, TemporarilyUnavailable if the provider can't be reached.
        """
        pending, metadata = Pending(**kept), self.metadata()
        if not hmac.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise NotTrusted(NO_ANSWER)
        named = answer.get("iss")
        if (named is None and metadata.names_itself) or named not in (None, metadata.issuer):  # RFC 9207, 2.4
            raise NotTrusted(NO_ANSWER)
        if "error" in answer:
            reason = one_line(answer.get("error_description") or answer["error"])
            raise Refused(f"The provider did not sign you in: “{reason}”.")
        if not answer.get("code"):
            raise NotTrusted(NO_ANSWER)
        tokens = self._exchange(metadata, answer["code"], pending.redirect, pending.verifier)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str) or not id_token:
            raise NotTrusted("The provider gave no ID token. An Owner should look at the scopes: “openid” is needed.")
        access_token = access_token if isinstance(access_token, str) else ""
        claims = self._verified(metadata, id_token, access_token, pending.nonce)
        return SignedIn(self._completed(metadata, claims, access_token), id_token, claims)

    def end_address(self, id_token: str, back: str) -> str | None:
        """The address to which the browser goes to sign out at the provider too (RP-Initiated Logout 1.0); None if the
        provider has none, or nothing is known about it. No call is made.
        """
        from authlib.common.urls import add_params_to_uri

        metadata = discovery.last_known(self.issuer)
        if metadata is None or not metadata.end_session:
            return None
        query = {"client_id": self.client_id, "post_logout_redirect_uri": back}
        if id_token and len(id_token) <= LONGEST_HINT:
            query["id_token_hint"] = id_token
        return add_params_to_uri(metadata.end_session, list(query.items()))

    def probe(self, redirect: str) -> None:
        """Test the client's id and secret with a wrong code. Raises CredentialRejected if the provider refuses them."""
        try:
            self._exchange(self.metadata(), "rollcall-tests-its-settings", redirect, "0" * 43)
        except CodeRefused:
            return  # the provider refuses only the code

    def _exchange(self, metadata: Metadata, code: str, redirect: str, verifier: str) -> dict:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        headers = {}
        if self._secret and metadata.by_basic:  # RFC 6749, 2.3.1: each is form-encoded first
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret)}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        else:
            form |= {"client_id": self.client_id} | ({"client_secret": self._secret} if self._secret else {})
        hidden = [self._secret, code, verifier, *headers.values()]
        client = Http(metadata.token, secrets=hidden, on_error=_refused_exchange, **discovery.QUICK)
        try:
            return client.post(metadata.token, data=form, headers=headers).json(dict)
        finally:
            client.close()

    def _verified(self, metadata: Metadata, id_token: str, access_token: str, nonce: str) -> dict:
        """The claims of the ID token, by Core 3.1.3.7."""
        from authlib.oidc.core import CodeIDToken

        try:
            token = self._decoded(metadata, id_token)
            expected = {"iss": {"essential": True, "value": metadata.issuer},
                        "aud": {"essential": True, "value": self.client_id}}  # fmt: skip
            asked = {"nonce": nonce, "client_id": self.client_id, "access_token": access_token}
            CodeIDToken(token.claims, token.header, expected, asked).validate(leeway=SKEW)
            subject = token.claims["sub"]
            if not subject or len(subject) > 255 or not subject.isprintable():
                raise ValueError("sub")
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as problem:
            log.warning("An ID token was refused: %s", type(problem).__name__)
            raise NotTrusted(f"{_why(problem)} Nobody was signed in.") from None
        return token.claims

    def _decoded(self, metadata: Metadata, id_token: str) -> jwt.Token:
        signatures = list(metadata.signatures or ("RS256",))
        registry = JWSRegistry(algorithms=signatures, strict_check_header=False)
        header = _header(id_token)
        if header.get("alg") not in signatures:
            raise _NotSigned()
        for again in (False, True):
            for key in _fitting(discovery.keys_of(metadata, again).keys, header):
                try:
                    return jwt.decode(id_token, key, registry=registry)
                except JoseError:
                    continue
        raise _NotSigned()

    def _completed(self, metadata: Metadata, claims: dict, access_token: str) -> dict:
        """Many providers keep e-mail and groups out of the ID token: their userinfo has them (Core 5.3)."""
        if not metadata.userinfo or not access_token:
            return claims
        try:
            answer = discovery.get(metadata.userinfo, headers={"Authorization": f"Bearer {access_token}"})
        except (TemporarilyUnavailable, RateLimited, HostRefused):
            raise  # without userinfo, the person would seem to be in no group
        except ConnectorError:
            return claims
        if "jwt" in answer.headers.get("Content-Type", ""):
            return claims
        more = answer.json(dict)
        if more.get("sub") != claims["sub"]:
            raise NotTrusted("The provider described someone other than the person it signed in. Nobody was signed in.")
        rest = {name: value for name, value in {**more, **claims}.items() if name not in ABOUT_EMAIL}
        return rest | _email_of_one_source(claims, more)


def _email_of_one_source(token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    """The address and whether it was verified, both from the ID token or both from userinfo, because one of them
    doesn't prove the other's address. The token is preferred, unless only userinfo verifies the same address."""
    vouches = any(name in token for name in ABOUT_EMAIL[1:])
    by_token = token.get("email") and (vouches or userinfo.get("email") != token["email"])
    source = token if by_token else userinfo
    return {name: source[name] for name in ABOUT_EMAIL if name in source}


class _NotSigned(ValueError):
    pass


def _header(id_token: str) -> dict:
    part = id_token.split(".")[0]
    header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header if isinstance(header, dict) else {}


def _fitting(keys: list[Key], header: dict) -> list[Key]:
    """The key that the token names; if it names none, all keys of the right kind."""
    kind = KEY_TYPES.get(str(header.get("alg"))[:2])
    fitting = [key for key in keys if key.key_type == kind]
    return [key for key in fitting if "kid" not in header or key.kid == header["kid"] or key.kid is None]


def _why(problem: Exception) -> str:
    if isinstance(problem, _NotSigned):
        return "The provider's answer is not signed by the provider."
    kind, claim = type(problem).__name__, str(getattr(problem, "claim", "") or problem)
    if kind == "ExpiredTokenError" or claim.startswith(("exp", "iat", "nbf")):
        return "The provider's answer is out of date, or the clocks of the two servers differ by more than two minutes."
    if "aud" in claim or "azp" in claim:
        return "The provider's answer was meant for another program."
    if "nonce" in claim:
        return "The provider's answer belongs to another sign-in."
    if "iss" in claim:
        return "The answer comes from another provider."
    return "The provider's answer could not be verified."


def _refused_exchange(answer: Answer) -> ConnectorError | None:
    """The error for an exchange that the provider refuses: it refuses the code, or the client (RFC 6749, 5.2)."""
    if answer.status not in (400, 401, 403):
        return None
    try:
        error = answer.json(dict).get("error")
    except TemporarilyUnavailable:
        error = None
    reason = f": “{one_line(words(answer))}”" if words(answer) else ""
    if error in ("invalid_client", "unauthorized_client") or answer.status == 401:
        refused = f"The provider refuses Rollcall's client id or secret{reason}."
        return CredentialRejected(f"{refused} An Owner should enter them again.")
    return CodeRefused(f"The provider refused the sign-in{reason}. Nothing was changed: start again.")
