"""Gets access tokens of OAuth 2.0 (RFC 6749) by client credentials, by a refresh token or by a signed JWT.
The result is the `auth` of an Http client, which renews the token when it expires."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterable, Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.base import ConnectorError, CredentialRejected, TemporarilyUnavailable
from connectors.tools.answers import Answer, clean, words
from connectors.tools.http import Http
from connectors.tools.renewal import Renewed

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, 2.1
TOO_BUSY = "temporarily_unavailable"  # of Microsoft's token endpoint, among others

Token = tuple[str, float | None]  # the token, and the seconds until it expires, if known


def bearer(ask: Callable[[], Token]) -> Renewed:
    """The token that `ask` gets, sent in the header that RFC 6750, 2.1 describes."""

    def headers() -> tuple[dict[str, str], str, float | None]:
        token, seconds = ask()
        return {"Authorization": f"Bearer {token}"}, token, seconds

    return Renewed(headers)


def client_credentials(address: str, client: str, secret: str, *, by_basic: bool = True, **form: str) -> Renewed:
    """A token for the client itself (RFC 6749, 4.4). `form`: further parameters, such as scope."""
    form = {"grant_type": "client_credentials", **form}
    return bearer(lambda: ask_for_token(address, form, client, secret, by_basic=by_basic))


def refreshed(
    address: str, client: str, secret: str, token: str, *, by_basic: bool = False, secrets: Iterable[str] = (),
    **form: str,
) -> Renewed:  # fmt: skip
    """Access tokens by a refresh token that doesn't change (RFC 6749, 6). `secrets`: further texts to keep out of
    messages."""
    form, secrets = {"grant_type": "refresh_token", "refresh_token": token, **form}, [token, *secrets]
    return bearer(lambda: ask_for_token(address, form, client, secret, by_basic=by_basic, secrets=secrets))


def jwt_bearer(address: str, claims: Mapping[str, str], key: RSAPrivateKey, secrets: Iterable[str] = ()) -> Renewed:
    """A token by a JWT that `key` signs (RFC 7523, 2.1). `claims`: iss, scope, sub and so on; aud is `address`."""

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
    """One call to a token endpoint. It sends the client's id and secret by Basic (RFC 6749, 2.3.1) or in the body.

    `caller`: the Http client to call with, if Http(address) isn't enough; it is closed.
    Raises CredentialRejected with the endpoint's words if it gives no token, and the other ConnectorErrors.
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


def no_token(answer: Answer) -> ConnectorError | None:
    """The error of a token endpoint that refuses the credential, by any of the statuses that such endpoints use.

    One that is only too busy may use them as well, with the error TOO_BUSY.
    """
    if answer.status not in (400, 401, 403):
        return None
    reason = f": “{words(answer)}”" if words(answer) else ""
    says = f"{answer.asked} answered {answer.status}{reason}."
    if _error_of(answer) == TOO_BUSY:
        return TemporarilyUnavailable(f"{says} The server that signs Rollcall in is too busy.")
    return CredentialRejected(f"{says} Rollcall couldn't sign in. Check the credential that was entered.")


def _error_of(answer: Answer) -> str:
    """The `error` of a token endpoint's answer (RFC 6749, 5.2), "" if it has none."""
    body = answer.json_or_none()
    return clean(body.get("error")) if isinstance(body, dict) else ""


def signed(claims: Mapping[str, str | int], key: RSAPrivateKey, seconds: int = 540) -> str:
    """A JSON Web Token (RFC 7519), RS256, valid from a minute ago until `seconds` from now."""
    from joserfc import jwt  # here: it is slow to import, and few connectors sign
    from joserfc.jwk import RSAKey

    now = int(time.time())
    times = {"iat": now - 60, "exp": now + seconds}
    return jwt.encode({"alg": "RS256", "typ": "JWT"}, {**times, **claims}, RSAKey.import_key(key))


def rsa_key(pem: str, wrong: str) -> RSAPrivateKey:
    """The key in a PEM text, even if a form has put it on one line. `wrong`: the message of the CredentialRejected
    that is raised if it isn't an RSA key."""
    found = re.search(r"-----BEGIN ([A-Z ]+)-----([^-]+)-----END \1-----", pem)
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
