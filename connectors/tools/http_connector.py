"""The base of connectors of HTTP APIs: it creates a client from declared parts and closes it with the connector.
A connector that needs more overrides a part, or creates its own clients with `api_client`."""

from __future__ import annotations

from functools import cached_property

from connectors.base import Connector, ConnectorError, Field
from connectors.tools.http import Answer, Http
from connectors.tools.renewal import Renewed


class api_client(cached_property):  # noqa: N801 # a decorator
    """A property whose value is a client with close(). It is created on first use, and ClosesClients closes it."""


class ClosesClients:
    """A connector, of an app or of a directory, that creates its clients with `api_client`."""

    def close(self) -> None:
        """Close the clients that were used."""
        for name, client in tuple(vars(self).items()):
            if isinstance(getattr(type(self), name, None), api_client):
                client.close()


class HttpConnector(ClosesClients, Connector):
    """A connector that calls one address with one credential, through `self._http`.

    A subclass sets `api` and overrides the parts that differ. Every secret field is kept out of messages.
    """

    api: str = ""  # the address that paths are joined to
    patience: float = 5  # seconds: see Http

    @api_client
    def _http(self) -> Http:
        return Http(
            self._address, headers=self._headers, auth=self._auth, secrets=self._secrets, patience=self.patience,
            on_error=self._error_in,
        )  # fmt: skip

    @property
    def _address(self) -> str:
        return self.api

    @property
    def _token(self) -> str:
        return self.settings.get("token", "")

    @property
    def _headers(self) -> dict[str, str]:
        """The headers of each call."""
        return bearer(self._token)

    @property
    def _secrets(self) -> list[str | None]:
        return [self.settings.get(field.name) for field in self.fields if field.secret]

    @property
    def _auth(self) -> Renewed | None:
        """A token that ends and is renewed, for an app without a fixed one in `_headers`."""
        return None

    def _error_in(self, answer: Answer) -> ConnectorError | None:
        """The error that an answer reports in the app's own way; None for the usual meaning of its status."""
        return None


def bearer(token: str) -> dict[str, str]:
    """The header that carries a bearer token (RFC 6750, 2.1)."""
    return {"Authorization": f"Bearer {token}"}


def version_field(version: str, pattern: str, help: str) -> Field:
    """The field `version`, for a version of the app's API other than the one that the connector is written for."""
    return Field("version", "API version", help, required=False, pattern=pattern, placeholder=version,
                 asks_secrets_again=False)


def token_field(label: str, help: str = "", *, when: tuple[str, str] | None = None) -> Field:
    """The field `token`: a secret without spaces."""
    return Field("token", label, help, secret=True, pattern=r"\S+", when=when)
