"""Gets access tokens: OAuth 2.0 (RFC 6749) by client credentials, refresh token or signed JWT.
The result is the `auth` of an Http client, which renews the token when it expires."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterable, Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.base import CredentialRejected
from connectors.tools.answers import Answer, words
from connectors.tools.http import Http
from connectors.tools.renewal import Renewed

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, 2.1

Token = tuple[str, float | None]  # the token, and in how many seconds it expires, if known


def bearer(ask: Callable[[], Token]) -> Renewed:
    """The token in the header that RFC 6750, 2.1 describes."""

    def headers() -> tuple[dict[str, str], str, float | None]:
        token, seconds = ask()
        return {"Authorization": f"Bearer {token}"}, token, seconds

    return Renewed(headers)


def client_credentials(address: str, client: str, secret: str, *, by_basic: bool = True, **form: str) -> Renewed:
    """RFC 6749, 4.4: a token for the client itself. `form` is sent too: scope, or what the app wants besides."""
    form = {"grant_type": "client_credentials", **form}
    return bearer(lambda: ask_for_token(address, form, client, secret, by_basic=by_basic))


def refreshed(
    address: str, client: str, secret: str, token: str, *, by_basic: bool = False, secrets: Iterable[str] = (),
    **form: str,
) -> Renewed:  # fmt: skip
    """RFC 6749, 6: access tokens for a refresh token that stays the same. `secrets`: others to keep out of messages."""
    form, secrets = {"grant_type": "refresh_token", "refresh_token": token, **form}, [token, *secrets]
    return bearer(lambda: ask_for_token(address, form, client, secret, by_basic=by_basic, secrets=secrets))


def jwt_bearer(address: str, claims: Mapping[str, str], key: RSAPrivateKey, secrets: Iterable[str] = ()) -> Renewed:
    """RFC 7523, 2.1: a token for a JWT that `key` signs; `claims` are iss, scope, sub …, aud is `address`."""

    def ask() -> Token:
        assertion = signed({"aud": address, **claims}, key)
        return ask_for_token(address, {"grant_type": JWT_BEARER, "assertion": assertion}, secrets=[assertion, *secrets])

    return bearer(ask)


def ask_for_token(
    address: str,
    form: Mapping[str, str],
    client: str = "",
    secret: str = "",
    *,
    by_basic: bool = False,
    secrets: Iterable[str] = (),
    caller: Http | None = None,
) -> Token:
    """One call to a token endpoint; the client by Basic as RFC 6749, 2.3.1 has it, or in the body.

    `caller`: the client to call with, where it is more than Http(address); it is closed.
    Raises CredentialRejected with the endpoint's words when it gives no token, and the other ConnectorErrors.
    """
    headers = {}
    if client and by_basic:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()
    elif client:
        form = {**form, "client_id": client, "client_secret": secret}
    caller = caller or Http(address, secrets=[secret, *secrets], on_error=no_token)
    try:
        answer = caller.post(address, data=dict(form), headers=headers, idempotent=True)
    finally:
        caller.close()
    body = answer.json(dict)
    token, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(token, str) or not token:
        raise CredentialRejected(f"{answer.asked} gave no access_token. Check the client's id and secret.")
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0
    return token, seconds if is_number else None


def no_token(answer: Answer) -> CredentialRejected | None:
    """A no to what was entered has one of several statuses there."""
    if answer.status not in (400, 401, 403):
        return None
    reason = f": “{words(answer)}”" if words(answer) else ""
    failed = "Logging in failed: check what was entered."
    return CredentialRejected(f"{answer.asked} answered {answer.status}{reason}. {failed}")


def signed(claims: Mapping[str, str | int], key: RSAPrivateKey, seconds: int = 540) -> str:
    """A JSON Web Token (RFC 7519), RS256, good from a minute ago and for `seconds` from now."""
    from joserfc import jwt  # here: it is slow to import, and few connectors sign
    from joserfc.jwk import RSAKey

    now = int(time.time())
    times = {"iat": now - 60, "exp": now + seconds}
    return jwt.encode({"alg": "RS256", "typ": "JWT"}, {**times, **claims}, RSAKey.import_key(key))


def rsa_key(pem: str, wrong: str) -> RSAPrivateKey:
    """The key, also where a form has put all of it on one line. Raises CredentialRejected with the words `wrong`."""
    found = re.search(r"-----BEGIN ([A-Z ]+)-----(.+?)-----END \1-----", pem, re.DOTALL)
    if not found:
        raise CredentialRejected(wrong)
    lines = re.findall(".{1,64}", re.sub(r"\s|\\n", "", found[2]))
    text = "\n".join([f"-----BEGIN {found[1]}-----", *lines, f"-----END {found[1]}-----", ""])
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CredentialRejected(wrong) from None
    if not isinstance(key, RSAPrivateKey):
        raise CredentialRejected(wrong)
    return key
