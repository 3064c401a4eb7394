"""The base of connectors of HTTP APIs: its client is created when it is needed, and closed with the connector."""

from __future__ import annotations

from connectors.base import Connector, Field
from connectors.tools.http_connector import ClosesClients, HttpConnector, api_client, token_field


class Desk(HttpConnector):
    fields = (Field("org", "Organisation"), token_field("Token"), Field("key", "Key", secret=True))
    api = "https://desk.example"
    patience = 65


class Client:
    def __init__(self):
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Two(ClosesClients, Connector):
    @api_client
    def _one(self) -> Client:
        return Client()

    @api_client
    def _other(self) -> Client:
        return Client()


class Three(Two):
    @api_client
    def _third(self) -> Client:
        return Client()


def test_each_client_that_was_used_is_closed_and_no_other_is_created():
    connector = Three({})
    used = [connector._one, connector._third]
    connector.close()
    assert [client.closed for client in used] == [1, 1]
    assert "_other" not in vars(connector)


def test_nothing_is_created_before_the_first_call():
    connector = Desk({"token": "t0ken"})
    connector.close()
    assert "_http" not in vars(connector)


def test_every_secret_field_is_kept_out_of_messages_and_no_other():
    http = Desk({"org": "acme", "token": "t0ken-of-acme", "key": "k3y-of-acme"})._http
    shown = http.redact("org acme, token t0ken-of-acme, key k3y-of-acme")
    assert "t0ken" not in shown and "k3y" not in shown and shown.startswith("org acme")


def test_the_client_is_made_from_what_is_declared():
    http = Desk({"token": "t0ken"})._http
    assert http.origin == ("https", "desk.example", 443)
    assert http._headers["Authorization"] == "Bearer t0ken" and http._patience == 65


def test_a_token_has_no_blanks_and_is_a_secret():
    field = token_field("Token", "Of an admin.", when=("way", "token"))
    assert field == Field("token", "Token", "Of an admin.", secret=True, pattern=r"\S+", when=("way", "token"))
