"""Calls Microsoft Graph v1.0 for microsoft_365.py and directories/entra.py: the token, lists with totals, e-mails.
Every path, property and permission is documented at learn.microsoft.com/graph; each use names its page.

Token: “The OAuth 2.0 client credentials grant flow” (learn.microsoft.com/entra/identity-platform).
Lists: “Paging Microsoft Graph data” (@odata.nextLink; @odata.count is only on the first page, and headers must be sent
with each page), “Advanced query capabilities on directory objects” ($count with ConsistencyLevel: eventual).
Limits: “Microsoft Graph throttling guidance” (429 with Retry-After, which may have a fraction of a second).
Permissions of the token: “Access token claims reference” (roles).
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from connectors.base import ConnectorError, CredentialRejected, Field, Refused, TemporarilyUnavailable
from connectors.names import email_key
from connectors.tools.answers import no_list
from connectors.tools.http import Answer, Forbidden, Http, clean, segment, words
from connectors.tools.oauth import client_credentials
from connectors.tools.paging import Page, by_id, number, pages_by_link
from connectors.versions import ApiVersion

API, LOGIN = "https://graph.microsoft.com", "https://login.microsoftonline.com"
GRAPH = ApiVersion("Microsoft Graph", "v1.0", source="Microsoft Graph, “Versioning and support”")
PAGE = 999  # "default and maximum page sizes are 100 and 999" of users and groups
PATIENCE = 65  # seconds: limits are per ten seconds up to five minutes, and groups are read one by one
NO_SUCH = b'"Request_ResourceNotFound"'  # the code of a user, or a group, that doesn't exist
EVENTUAL = {"ConsistencyLevel": "eventual"}
GUEST = "Guest"  # userType; Member or null for everyone else
EXTERNAL = "#ext#"  # in the userPrincipalName of someone who was invited: ana_gmail.com#EXT#@acme.onmicrosoft.com
REGISTER = (
    "Sign in to entra.microsoft.com as an administrator and open App registrations, “New registration”. Copy the "
    "“Application (client) ID” and the “Directory (tenant) ID” from its overview. Rollcall can't reach Microsoft's "
    "clouds for the US Government and for China, which have other addresses.",
    "Under “Certificates & secrets”, create a client secret and copy its value (not its ID). It expires on the date "
    "that you choose there: enter a new one before then.",
)
FIELDS = (
    Field("tenant", "Tenant ID", "The directory's ID, or one of its domains.", pattern=r"[A-Za-z0-9][A-Za-z0-9.-]+",
          placeholder="acme.onmicrosoft.com"),
    Field("client", "Application (client) ID", pattern=r"[A-Za-z0-9-]+", of_credential=True),
    Field("secret", "Client secret", "The secret's value, not its ID.", secret=True, pattern=r"\S+"),
)  # fmt: skip


class Graph:
    """The Graph of one tenant, as the app that is registered there sees it."""

    def __init__(self, settings: dict[str, str], api: str, login: str):
        self.tenant, secret = settings.get("tenant", "").strip(), settings.get("secret", "")
        token = client_credentials(
            f"{login}/{segment(self.tenant)}/oauth2/v2.0/token", settings.get("client", "").strip(), secret,
            by_basic=False, scope=f"{API}/.default",
        )  # fmt: skip
        self._token = token
        self.base = f"{api}/v1.0"
        self.http = Http(self.base, auth=token, secrets=[secret], patience=PATIENCE, on_error=_meant)

    def close(self) -> None:
        self.http.close()

    def one(self, path: str, **select: str) -> dict:
        """One object. `select`: its $ parameters. Raises NotFound if it doesn't exist."""
        return self.http.get(path, {f"${name}": value for name, value in select.items()}).json(dict)

    def rows(
        self,
        path: str,
        what: str,
        *,
        counted: bool = False,
        id_of: Callable[[Any], str] | None = by_id,
        on_total: Callable[[int], None] | None = None,
        **options: str | int,
    ) -> Iterator[dict]:
        """The rows of a whole list. `counted`: whether Graph reports its total ($count). `options`: its other $
        parameters."""
        headers = EVENTUAL if counted else None
        params = {f"${name}": str(value) for name, value in options.items()} | ({"$count": "true"} if counted else {})

        def fetch(link: str | None) -> Page:
            answer = self.http.get(link, headers=headers) if link else self.http.get(path, params, headers)
            body = answer.json(dict)
            rows, following = body.get("value"), body.get("@odata.nextLink")
            if not isinstance(rows, list) or not isinstance(following, (str, type(None))):
                raise no_list(answer.asked, what)
            return Page(rows, total=number(body.get("@odata.count")), next=following)

        for page in pages_by_link(fetch, what=what, id_of=id_of, on_total=on_total):
            yield from page

    def name(self) -> str:
        """The organisation's name (“List organization”); the tenant as it was entered, if it can't be read."""
        try:
            return clean(next(self.rows("/organization", "organisations", select="id,displayName"))["displayName"])
        except (Forbidden, StopIteration, KeyError):
            return self.tenant

    def permissions(self) -> frozenset[str] | None:
        """The token's application permissions; None if the token can't be read, because its form may change."""
        self._token.have()
        _, _, rest = self._token.headers["Authorization"].partition(".")
        try:
            claims = json.loads(urlsafe_b64decode(rest.partition(".")[0] + "=="))
            return frozenset(claims.get("roles", ()))
        except (ValueError, AttributeError, TypeError):
            return None

    def first_user(self) -> dict | None:
        """One user, to see whether users can be read. Raises CredentialRejected, with what to do, if they can't."""
        try:
            return next(self.rows("/users", "users", select="id,accountEnabled", top=1), None)
        except Forbidden as no:
            raise CredentialRejected(
                f"{no} Add the application permission User.Read.All and press “Grant admin consent”."
            ) from None


def emails_of(user: dict) -> list[str]:
    """A user's addresses, each once, in this order: mail, user name, proxyAddresses, otherMails (“user resource type”).

    The user name of an invited person isn't an address. proxyAddresses also have addresses of SIP and X500.
    """
    proxies = [text for text in user.get("proxyAddresses") or () if isinstance(text, str)]
    mailboxes = [text[5:].strip() for text in proxies if text[:5].casefold() == "smtp:"]
    found: dict[str, str] = {}
    for text in [user.get("mail"), user_name_of(user), *mailboxes, *(user.get("otherMails") or ())]:
        if "@" in clean(text):
            found.setdefault(email_key(clean(text)) or clean(text), clean(text))
    return list(found.values())


def is_external(user: dict) -> bool:
    """Whether the user signs in with an account from another organisation, by Entra's user name (“List users”, example
    4)."""
    return EXTERNAL in clean(user.get("userPrincipalName")).casefold()


def user_name_of(user: dict) -> str:
    """userPrincipalName; "" for someone with an account from another organisation."""
    return "" if is_external(user) else clean(user.get("userPrincipalName"))


def _meant(answer: Answer) -> ConnectorError | None:
    """The errors that a status alone doesn't show. A user is gone only if Graph answers with its own code. A next page
    that was requested too late is gone as well, and the list must be read again."""
    if answer.status in (404, 410) and not answer.is_page and _of_a_user(answer) and NO_SUCH not in answer.body:
        return Refused(f"{answer.asked} answered {answer.status}: “{words(answer)}”. This doesn't mean that the user "
                       "was deleted. Nothing was changed.")  # fmt: skip
    if answer.status != 400 or b'"Directory_ExpiredPageToken"' not in answer.body:
        return None
    return TemporarilyUnavailable(f"{answer.asked}: Microsoft no longer keeps the list's next page. Nothing was "
                                  "changed. The list must be read again.")  # fmt: skip


def _of_a_user(answer: Answer) -> bool:
    return re.search(r"/v1\.0/users/[^/]+$", urlsplit(answer.url).path) is not None
