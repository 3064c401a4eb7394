"""Authorises calls to an app that a YAML file describes: by fixed credentials, or by tokens that it requests and
renews."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from requests import PreparedRequest
from requests.auth import AuthBase

from connectors.base import CredentialRejected
from connectors.rest.template import anything, fill, fill_address, fill_base, fill_texts, find, keys_of
from connectors.rest.yaml_source import as_text
from connectors.tools.holes import EVERYTHING
from connectors.tools.http import Http
from connectors.tools.oauth import Token, ask_for_token, bearer, no_token
from connectors.tools.renewal import Renewed

LOGIN_HEADER = {"name": "Authorization", "value": "Bearer {login.token}"}


class Fixed(AuthBase):
    """A credential that is the same in each call: headers or a query parameter."""

    def __init__(self, headers: Mapping[str, str] | None = None, query: tuple[str, str] | None = None):
        self.headers, self._query = dict(headers or {}), query

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers.update(self.headers)
        if self._query and f"{self._query[0]}=" not in (request.url or "").partition("?")[2]:
            request.prepare_url(request.url, dict([self._query]))
        return request


def auth_of(
    spec: dict[str, Any], scope: Mapping[str, Any], http: Callable[..., Http]
) -> Fixed | Renewed:
    """The credential of each call. `spec`: the file's “auth”. `scope`: the app's fields. `http`: makes a client without
    a credential, for the app's address or another one."""
    look = anything(scope)
    if "bearer" in spec:
        return Fixed({"Authorization": f"Bearer {as_text(fill(spec['bearer'], look))}"})
    if "basic" in spec:
        user, password = (as_text(fill(spec["basic"].get(part, ""), look)) for part in ("user", "password"))
        return Fixed({"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()})
    if "header" in spec:
        return Fixed({spec["header"]["name"]: as_text(fill(spec["header"]["value"], look))})
    if "query" in spec:
        return Fixed(query=(spec["query"]["name"], as_text(fill(spec["query"]["value"], look))))
    if "oauth2" in spec:
        return bearer(lambda: _client_credentials(spec["oauth2"], scope, http))
    if "login" in spec:
        return Renewed(lambda: _log_in(spec["login"], scope, http))
    return Fixed()


def _client_credentials(spec: dict, scope: Mapping[str, Any], http: Callable[..., Http]) -> Token:
    look = anything(scope)
    client, secret = (as_text(fill(spec[part], look)) for part in ("client_id", "client_secret"))
    form = {"grant_type": "client_credentials", **fill_texts(spec.get("parameters", {}), look)}
    if "scope" in spec:
        form["scope"] = as_text(fill(spec["scope"], look))
    address = fill_base(spec["token_url"], look)
    caller = http(address, on_error=no_token)
    return ask_for_token(address, form, client, secret, by_basic=spec.get("credentials") != "body", caller=caller)


def _log_in(spec: dict, scope: Mapping[str, Any], http: Callable[..., Http]) -> tuple[dict, str, float | None]:
    caller, look = http(on_error=no_token), anything(scope)
    try:
        answer = caller.call(
            spec.get("method", "POST"),
            fill_address(spec["path"], look),
            params=fill_texts(spec.get("query", {}), look),
            headers=fill_texts(spec.get("headers", {}), look),
            json=fill(spec["body"], look) if "body" in spec else None,
            data=fill_texts(spec["form"], look) if "form" in spec else None,
            idempotent=True,
            may_be_empty=EVERYTHING,
        )
    finally:
        caller.close()
    if "token_header" in spec:
        token = answer.headers.get(spec["token_header"])
    else:
        token = find(answer.json(), keys_of(spec.get("token", "token")))
    if not isinstance(token, str) or not token:
        raise CredentialRejected(f"{answer.asked} returned no token in the place that the file names. Check the "
                                 "credential, and “token” or “token_header” in the file.")  # fmt: skip
    send = spec.get("send", LOGIN_HEADER)
    return {send["name"]: as_text(fill(send["value"], anything({**scope, "login": {"token": token}})))}, token, None
