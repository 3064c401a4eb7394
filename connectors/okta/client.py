"""Calls Okta: its token, its lists, and its own form of “too many calls”. directories/okta.py and apps/okta.py know
what the calls mean.

From developer.okta.com: “Core Okta API” (SSWS, Link header, errors), “Rate limit best practices” (X-Rate-Limit-Limit,
-Remaining, -Reset in epoch seconds), “Okta error codes” (errorSummary, errorCauses).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from connectors.base import ConnectorError, Field, RateLimited
from connectors.tools.answers import RATE_LIMITED
from connectors.tools.http import Answer, Http, clean, seconds_to_wait, words
from connectors.tools.http_connector import token_field
from connectors.tools.paging import Page, next_link, pages_by_link
from connectors.tools.times import from_http
from connectors.versions import ApiVersion

OKTA_API = ApiVersion("Okta API", "v1", source="okta/okta-management-openapi-spec")
PAGE = 200  # the most users that a list returns at once, and Okta's advice for groups
PATIENCE = 65  # seconds: limits are per minute
TOKEN_STEPS = (
    "In Okta's Admin Console open Security, API, Tokens, and choose Create token. Okta shows it once.",
    "A token may do what its admin may, as long as that admin is active. So create it as an admin whose account "
    "belongs to no person. A token expires if it isn't used for 30 days.",
)
FIELDS = (
    Field("base_url", "Okta address", "Your organisation's address, without “-admin”.", pattern=r"https://[^/\s@]+/?",
          placeholder="https://acme.okta.com"),
    token_field("API token"),
)  # fmt: skip


class OktaClient:
    """The API of one Okta organisation, called with an API token."""

    def __init__(self, settings: dict[str, str]):
        token = settings.get("token", "")
        address = settings.get("base_url", "").strip().rstrip("/")
        self.host = urlsplit(address).hostname or ""
        self.http = Http(address, headers={"Authorization": f"SSWS {token}"}, secrets=[token], patience=PATIENCE,
                         on_error=too_many, says=error_words)  # fmt: skip

    def close(self) -> None:
        self.http.close()

    def rows(self, path: str, what: str, size: int = PAGE, **params: str) -> Iterator[dict]:
        """The rows of a whole list, whose Link header names the next page. Raises TemporarilyUnavailable if it may be
        incomplete."""

        def fetch(link: str | None) -> Page:
            answer = self.http.get(link) if link else self.http.get(path, {**params, "limit": size})
            return Page(answer.json(list), next=next_link(answer))

        for page in pages_by_link(fetch, what=what):
            yield from page

    def me(self) -> dict:
        """The admin that the token belongs to."""
        return self.http.get("/api/v1/users/me").json(dict)


def name_of(profile: dict) -> str:
    """The display name, else first and last name."""
    return clean(profile.get("displayName")) or " ".join(
        filter(None, (clean(profile.get("firstName")), clean(profile.get("lastName"))))
    )


def error_words(answer: Answer) -> str:
    """Okta's words about an error: errorSummary, and its causes, which say more."""
    try:
        error = answer.json(dict)
        causes = [cause["errorSummary"].rstrip(".") for cause in error.get("errorCauses") or ()]
        return ": ".join(dict.fromkeys([error["errorSummary"].rstrip("."), *causes]))
    except (ConnectorError, KeyError, TypeError, AttributeError):
        return words(answer)


def too_many(answer: Answer) -> ConnectorError | None:
    """The error of a 429 without Retry-After: X-Rate-Limit-Reset says how long to wait, by the clock in Date."""
    reset = answer.headers.get("X-Rate-Limit-Reset", "").strip()
    if answer.status != 429 or seconds_to_wait(answer) is not None or not re.fullmatch(r"\d{1,12}", reset):
        return None
    now = from_http(answer.headers.get("Date", ""))
    wait = int(reset) - (now.timestamp() if now else time.time())
    return RateLimited(f"{answer.asked} answered 429. {RATE_LIMITED}", max(wait, 1))
