"""Calls Google's Admin SDK for the Workspace app and the Workspace directory: a service account with domain-wide
delegation acts as an administrator, and lists are read to their end.

Paths, parameters and answers are those of Google's own description of the Directory API (admin_directory_v1).
From developers.google.com: “Using OAuth 2.0 for server to server applications” (a JWT with iss, sub, scope and aud,
“unauthorized_client”), “Directory API: limits and quotas” (the reasons of a 403 that is a rate limit) and
users.signOut. Google's documents don't mention that users.get answers 412 for 20 days after a user was deleted: the
developers of github.com/firezone/firezone saw it (pull request 15169).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from connectors.base import ConnectorError, CredentialRejected, Field, RateLimited, TemporarilyUnavailable
from connectors.tools.answers import RATE_LIMITED, disappeared, no_list
from connectors.tools.http import Answer, Http, NotFound, clean, segment, words
from connectors.tools.oauth import jwt_bearer, rsa_key
from connectors.tools.paging import Page, pages_by_cursor
from connectors.tools.renewal import Renewed
from connectors.versions import ApiVersion

API, LOGIN = "https://admin.googleapis.com", "https://oauth2.googleapis.com"
DIRECTORY_API = ApiVersion("Directory API", "v1", source="Google's discovery document admin_directory_v1")
SCOPE = "https://www.googleapis.com/auth/admin.directory."
SECURITY = "user.security"  # the scope of users.signOut; it is optional, so it has a token of its own
TOO_MANY = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
NOT_A_KEY = (
    "This isn't a service account key. Enter the whole JSON file that you downloaded from Google Cloud: it has "
    "“type”: “service_account”, a client_email and a private_key."
)
FIELDS = (
    Field("key", "Service account key", "The whole JSON file.", secret=True, multiline=True,
          placeholder='{"type": "service_account", …}'),
    Field("admin", "Administrator", "The e-mail address of the administrator that Rollcall acts as.",
          pattern=r"[^@\s]+@[^@\s]+", placeholder="rollcall@acme.example"),
)  # fmt: skip


def steps(scopes: Sequence[str], role: str) -> tuple[str, ...]:
    """The steps to the credential. `role`: what the administrator must be, to follow “must be”."""
    return (
        "At console.cloud.google.com, create a project, enable the Admin SDK API in it (APIs & Services, Library), and "
        "create a service account (IAM & Admin, Service accounts). Open it and choose Keys, Add key, JSON. Enter the "
        "downloaded file here.",
        "At admin.google.com, open Security, Access and data control, API controls, Manage domain-wide delegation, "
        "Add new. The client ID is the number “client_id” in the file. Enter these scopes, separated by commas: "
        + ", ".join(SCOPE + scope for scope in scopes) + ". Google says that this may take up to a day to work.",
        f"The administrator that Rollcall acts as must be {role}. Create one only for Rollcall, so that it isn't "
        "someone who may leave.",
    )  # fmt: skip


class GoogleAdmin:
    """The Admin SDK of one company. `scopes`: the ends of their names, after SCOPE."""

    def __init__(self, settings: dict[str, str], scopes: Sequence[str], api: str, login: str):
        self.admin = settings.get("admin", "").strip()
        self._scopes, self._token_address = scopes, f"{login}/token"
        self._iss, pem = _account(settings.get("key", ""))
        self._key = rsa_key(pem, NOT_A_KEY)
        self._secrets = [settings["key"], pem, *(line for line in pem.splitlines() if not line.startswith("-"))]
        auth = self._grant(scopes)
        self._base = f"{api}/admin/directory/v1"
        self._http = Http(self._base, auth=auth, secrets=self._secrets, on_error=_meant)

    def close(self) -> None:
        self._http.close()
        if "_security" in vars(self):
            self._security.close()

    def _grant(self, scopes: Sequence[str]) -> Renewed:
        wanted = " ".join(SCOPE + scope for scope in scopes)
        claims = {"iss": self._iss, "sub": self.admin, "scope": wanted}
        return jwt_bearer(self._token_address, claims, self._key, self._secrets)

    def check_scopes(self) -> None:
        """Raises CredentialRejected with the scopes that aren't delegated. Google itself only says that one is
        missing."""
        refused: dict[str, CredentialRejected] = {}
        for scope in self._scopes:
            try:
                self._grant([scope]).have()
            except CredentialRejected as no:
                refused[scope] = no
        if len(refused) == len(self._scopes):
            no = next(iter(refused.values()))
            raise CredentialRejected(
                f"{no} Check that the key still exists, that {self.admin} is an administrator of your company, and "
                f"that domain-wide delegation names this service account's client ID with all scopes."
            ) from None
        if refused:
            raise CredentialRejected(
                "Domain-wide delegation lacks a scope. Add it in the Admin console beside those that are there: "
                + ", ".join(SCOPE + scope for scope in refused)
            )

    def check_sign_out(self) -> None:
        """Raises CredentialRejected if Rollcall may not sign users out."""
        self._grant([SECURITY]).have()

    def sign_out(self, user: str) -> None:
        """End the user's sessions on the web and on devices (users.signOut)."""
        self._security.operate("POST", f"/users/{segment(user)}/signOut", idempotent=True)

    @cached_property
    def _security(self) -> Http:
        """A client with a token of its own, because Google refuses a whole token if one of its scopes isn't
        delegated."""
        return Http(self._base, auth=self._grant([SECURITY]), secrets=self._secrets, on_error=_meant)

    def get(self, path: str, **params: Any) -> dict:
        return self._http.get(path, params).json(dict)

    def find(self, path: str, **params: Any) -> dict | None:
        """As get(); None if the thing doesn't exist."""
        try:
            return self.get(path, **params)
        except NotFound:
            return None

    def operate(self, method: str, path: str, json: dict | None = None, **more: Any) -> Answer:
        return self._http.operate(method, path, json=json, **more)

    def rows(
        self,
        path: str,
        key: str,
        size: int,
        what: str,
        id_of: Callable[[dict], str] | None = lambda row: row["id"],
        **params: Any,
    ) -> Iterator[dict]:
        """The rows of a whole list that is paged by nextPageToken. `key`: the answer's key for them; `size`: rows per
        page; `what`: the list's name for messages.

        Raises TemporarilyUnavailable if the list's owner has gone, such as a group while groups are read.
        """

        def fetch(token: str | None) -> Page:
            answer = self.get(path, **params, maxResults=size, **({"pageToken": token} if token else {}))
            found = answer.get(key, [])
            if not isinstance(found, list) or not clean(answer.get("kind")).startswith("admin#directory#"):
                raise no_list("Google", what)
            return Page(found, next=answer.get("nextPageToken"))

        try:
            for page in pages_by_cursor(fetch, what=what, id_of=id_of):
                yield from page
        except NotFound as gone:
            raise disappeared(f"The list of {what}", gone) from None

    def users(self, fields: str) -> Iterator[dict]:
        return self.rows("/users", "users", 500, "users", customer="my_customer",
                         fields=f"kind,nextPageToken,users({fields})")  # fmt: skip

    def admin_id(self) -> str:
        """The id of the administrator that Rollcall acts as."""
        return clean(self.get(f"/users/{segment(self.admin)}", fields="id").get("id"))

    def groups(self) -> Iterator[dict]:
        return self.rows("/groups", "groups", 200, "groups", customer="my_customer")

    def members(self, group: str, *, nested: bool) -> Iterator[dict]:
        """A group's members: users, groups (type GROUP), and everyone in the company (type CUSTOMER). `nested`: also
        the members of groups inside it, each once for every path that leads to them."""
        indirect = {"includeDerivedMembership": "true"} if nested else {}
        id_of = None if nested else lambda row: row.get("id") or row["email"]
        path = f"/groups/{segment(group)}/members"
        return self.rows(path, "members", 200, "members of a group", id_of, **indirect)


def _account(text: str) -> tuple[str, str]:
    """The e-mail address and the private key of the service account, from its key file."""
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        raise CredentialRejected(NOT_A_KEY) from None
    if not isinstance(key, dict) or key.get("type") != "service_account":
        raise CredentialRejected(NOT_A_KEY)
    email, pem = key.get("client_email"), key.get("private_key")
    if not isinstance(email, str) or not isinstance(pem, str):
        raise CredentialRejected(NOT_A_KEY)
    return email, pem


def _meant(answer: Answer) -> ConnectorError | None:
    """The errors that only the reasons in an answer show: {"error": {"errors": [{"reason": "quotaExceeded"}]}}."""
    if answer.status == 403 and not TOO_MANY.isdisjoint(_reasons(answer)):
        return RateLimited(f"{answer.asked} answered 403: “{words(answer)}”. {RATE_LIMITED}")
    if answer.status == 412 and "conditionNotMet" in _reasons(answer) and _of_a_user(answer):
        return NotFound(f"{answer.asked} answered 412: “{words(answer)}”.")
    return None


def _reasons(answer: Answer) -> set[str]:
    if answer.is_page:
        return set()
    try:
        return {error.get("reason") for error in answer.json(dict)["error"]["errors"]}
    except (TemporarilyUnavailable, KeyError, TypeError, AttributeError):
        return set()


def _of_a_user(answer: Answer) -> bool:
    """True for a call on one user. Elsewhere, an unmet condition doesn't mean that someone was deleted."""
    return re.search(r"/directory/v1/users/[^/]+$", urlsplit(answer.url).path) is not None
