"""Flask's test client with what a browser adds: the form's token, the method override, htmx's headers."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from flask import Flask
from werkzeug.test import TestResponse

from sync.models import Person
from sync.sign_in import sign_in as signing_in


class Client:
    """One browser. `send("DELETE", …)` goes as a form would: a POST with `_method`, token included."""

    def __init__(self, site: Flask, person: Person | None = None):
        self.client = site.test_client()
        self._tokens: dict[str, str] = {}
        if person is not None:
            self.sign_in(person)

    def sign_in(self, person: Person, below: str = "") -> TestResponse:
        """By a one-time link; `below` is the path that each address begins with."""
        return self.follow(f"{below}/sign-in/{signing_in.signed_link(person)}")

    def get(self, address: str, htmx: bool = False, **headers: str) -> TestResponse:
        return self.client.get(address, headers=({"HX-Request": "true"} if htmx else {}) | headers)

    def follow(self, address: str) -> TestResponse:
        return self.client.get(address)

    def send(self, method: str, address: str, htmx: bool = False, csrf: str | None = None, **values) -> TestResponse:
        if method != "POST":
            address += ("&" if "?" in address else "?") + urlencode({"_method": method})
        data = {"csrf_token": self.token() if csrf is None else csrf, **values}
        return self.client.post(address, data=data, headers={"HX-Request": "true"} if htmx else {})

    def post(self, address: str, **values) -> TestResponse:
        return self.send("POST", address, **values)

    def draft(self, connector: str, **values: str) -> int:
        """The id of a draft of this kind of app, which a first test has made."""
        opened = re.search(r'name="opened" value="([^"]+)"', self.get(f"/apps/new/{connector}").text).group(1)
        answer = self.send("POST", f"/apps/new/{connector}", htmx=True, **{"opened": opened, **values})
        return int(answer.headers["HX-Replace-Url"].split("/")[2])

    def token(self) -> str:
        """The CSRF token of this session, from the smallest page that anyone may open. The page isn't opened again as
        long as the session's secret is the same and no message waits to be shown."""
        session = self._session()
        if session.get("csrf_token") in self._tokens and not session.get("_flashes"):
            return self._tokens[session["csrf_token"]]
        token = self._token(self.client.get("/nothing-is-here").text)
        self._tokens[self._session().get("csrf_token")] = token
        return token

    def messages(self) -> list[tuple[str, str]]:
        """(tone, text) of each message that the next page will show. They are gone then, as if it had been shown."""
        waiting = [tuple(each) for each in self._session().get("_flashes", ())]
        if waiting:
            self.client.get("/nothing-is-here")
        return waiting

    def _session(self) -> dict:
        """What the cookie holds; nothing where a proxy has changed the path that the cookie is for."""
        site = self.client.application
        path = site.config["APPLICATION_ROOT"]
        cookie = self.client.get_cookie(site.config["SESSION_COOKIE_NAME"], path=path)
        return site.session_interface.get_signing_serializer(site).loads(cookie.decoded_value) if cookie else {}

    @staticmethod
    def _token(page: str) -> str:
        return re.search(r'"X-CSRFToken": "([^"]+)"', page).group(1)
