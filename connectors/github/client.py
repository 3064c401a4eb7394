"""Calls GitHub: tokens and the renewal of an App's token, lists, and GitHub's own forms of "too many calls".
This module has what all calls share; apps/github.py knows their meaning.

From docs.github.com: "Authenticating to the REST API", "Generating a JSON Web Token (JWT) for a GitHub App",
"Create an installation access token for an app", "Rate limits for the REST API", "Using pagination in the REST API",
"Best practices for using the REST API" (conditional requests count for no limit),
"Rate limits and query limits for the GraphQL API".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.memory import Memory
from connectors.tools import answer_cache
from connectors.tools.answers import RATE_LIMITED
from connectors.tools.http import Answer, Forbidden, Http, NotFound, seconds_to_wait, segment
from connectors.tools.oauth import rsa_key, signed
from connectors.tools.paging import Page, linked, next_link, pages_by_link
from connectors.tools.renewal import Renewed

VERSION = "2022-11-28"
PAGE = 100  # the most items that the API returns at once
RENEW_AFTER = 50 * 60  # seconds; an installation token ends after an hour
DEFAULT_WAIT = 61  # seconds: "wait for at least one minute" after a secondary limit without Retry-After
NO_KEY = "This isn't a private key of a GitHub App. Enter the whole .pem file, including its first and last line."
GRAPHQL_DENIED = {"INSUFFICIENT_SCOPES", "FORBIDDEN", "UNAUTHORIZED"}


class InstallationToken(Renewed):
    """A GitHub App's token for one organisation, requested with the App's key and renewed before it ends."""

    def __init__(self, api: str, org: str, app_id: str, private_key: str, headers: dict[str, str]):
        super().__init__(self._ask_github)
        self._api, self._org, self._app_id, self._headers = api, org, app_id, headers
        self._key, self._secrets = rsa_key(private_key, NO_KEY), [private_key]
        self.installation: dict = {}  # as GitHub describes it: app_slug, permissions, repository_selection

    @property
    def permissions(self) -> dict[str, str]:
        self.have()
        return self.installation.get("permissions") or {}

    def _ask_github(self) -> tuple[dict[str, str], str, float]:
        """Raises CredentialRejected if GitHub doesn't know the App, Refused if the organisation hasn't installed it."""
        headers = {**self._headers, "Authorization": f"Bearer {signed({'iss': self._app_id}, self._key)}"}
        caller = Http(self._api, headers=headers, secrets=self._secrets, on_error=problem)
        try:
            self.installation = caller.get(f"/orgs/{segment(self._org)}/installation").json(dict)
            path = f"/app/installations/{self.installation['id']}/access_tokens"
            token = caller.post(path, idempotent=True).json(dict)["token"]
        except NotFound as failure:
            raise Refused(
                f"The GitHub App isn't installed in {self._org}, or there is no such organisation. {failure}"
            ) from None
        finally:
            caller.close()
        return {"Authorization": f"Bearer {token}"}, token, RENEW_AFTER


class GitHubClient:
    """Calls about one organisation. `api`: the address of the REST API; /graphql is below it."""

    def __init__(self, api: str, settings: dict[str, str], memory: Memory | None = None):
        self._memory = memory
        self.org = settings.get("org", "")
        self.app: InstallationToken | None = None
        version = settings.get("version") or VERSION
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": version}
        if settings.get("credential") == "app":
            key = settings.get("private_key", "")
            self.app = InstallationToken(api, self.org, settings.get("app_id", ""), key, headers)
            self.http = Http(api, headers=headers, auth=self.app, secrets=[key], on_error=problem)
        else:
            token = settings.get("token", "")
            if not token:
                raise CredentialRejected("The access token is missing. Enter it, or choose to use a GitHub App.")
            headers["Authorization"] = f"Bearer {token}"
            self.http = Http(api, headers=headers, secrets=[token], on_error=problem)

    def close(self) -> None:
        self.http.close()

    @property
    def home(self) -> str:
        return f"/orgs/{segment(self.org)}"

    def pages(self, path: str, what: str, total: int | None = None, **params: str) -> Iterator[list]:
        """A list page by page. `total`: the number of items to which it must add up, if that is known."""

        def fetch(link: str | None) -> Page:
            address, query = (link, None) if link else (path, {**params, "per_page": PAGE})
            answer = answer_cache.get(self.http, address, query, self._memory)
            if len(rows := answer.json(list)) == PAGE and not next_link(answer):
                # A full last page doesn't change when another one is added after it: only its Link header does.
                answer = answer_cache.get(self.http, address, query, self._memory, afresh=True)
                rows = answer.json(list)
            return Page(rows, total, next_link(answer))

        return pages_by_link(fetch, what=what)

    def rows(self, path: str, what: str, **params: str) -> Iterator[dict]:
        for page in self.pages(path, what, **params):
            yield from page

    def count(self, path: str, **params: str) -> int:
        """The length of a list: with one entry per page, it is the number of the last page."""
        answer = self.http.get(path, {**params, "per_page": 1})
        last = linked(answer, "last")
        number = re.search(r"[?&]page=(\d{1,12})(?!\d)", last[0]) if last else None
        return int(number[1]) if number else len(answer.json(list))

    def graphql(self, query: str, **variables: Any) -> dict:
        body = {"query": query, "variables": variables}
        return self.http.post("/graphql", json=body, idempotent=True).json(dict).get("data") or {}


# “The Organization's SAML identity provider is disabled when an Enterprise SAML identity provider is available”
ENTERPRISE_SIGN_ON = "Enterprise SAML identity provider is available"


def problem(answer: Answer) -> ConnectorError | None:
    """The errors that a status alone doesn't show: limits without headers, hidden results, and errors inside a GraphQL
    answer."""
    lowered = answer.text.lower() if answer.status in (403, 429) else ""
    if answer.status == 429 or "rate limit" in lowered:
        wait = seconds_to_wait(answer)
        words = f"{answer.asked} answered {answer.status}. {RATE_LIMITED}"
        return RateLimited(words, DEFAULT_WAIT if wait is None else wait)
    if answer.headers.get("X-GitHub-SSO", "").startswith("partial-results"):
        return Forbidden(
            f"{answer.asked} answered with a part of the list, because the token isn't authorised for the "
            "organisation's single sign-on. Authorise it on the page of your tokens at GitHub."
        )
    if answer.status == 200 and answer.url.endswith("/graphql"):
        return _inside(answer, answer.json(dict).get("errors") or ())
    return None


def _inside(answer: Answer, errors: Iterable[dict]) -> ConnectorError | None:
    for error in errors:
        says = f"{answer.asked}: “{str(error.get('message', '')).rstrip('.')}”."
        if error.get("type") == "RATE_LIMITED":
            wait = seconds_to_wait(answer)
            return RateLimited(says, DEFAULT_WAIT if wait is None else wait)
        if error.get("type") in GRAPHQL_DENIED or ENTERPRISE_SIGN_ON in str(error.get("message", "")):
            return Forbidden(f"{says} Give the token this permission, or choose to leave out names and e-mails.")
        return TemporarilyUnavailable(f"{says} Nothing was changed.")
    return None
