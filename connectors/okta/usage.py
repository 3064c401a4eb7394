"""When people last signed in to an application, by Okta's System Log: a fact that no reading needs.
Without the permission, or where Okta doesn't answer, nothing is known, and nothing fails.

From developer.okta.com: “System Log” (GET /api/v1/logs; with `until` a request ends, without it there is always a next
page; up to 1,000 events a page) and “System Log query” (user.authentication.sso: a user signs in to an app). Okta keeps
events for 90 days (its data retention policy). Super, read-only and report administrators may read them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from connectors.base import ConnectorError, CredentialRejected, Refused
from connectors.okta.client import OktaClient
from connectors.tools.http import clean
from connectors.tools.paging import Page, next_link, pages_by_link
from connectors.tools.times import from_iso

LOGS = "/api/v1/logs"
EVENTS, MOST_PAGES = 1000, 20  # a page; and so many pages, newest first, which show the last use of the most active
KEPT = timedelta(days=90)


def why_unknown(okta: OktaClient, app: str) -> str:
    """Why the last use of the application may not be read, in Okta's words; "" where it may, and for what passes."""
    try:
        okta.http.get(LOGS, {**_asked(app), "limit": 1}).json(list)
    except (CredentialRejected, Refused) as no:
        return str(no)
    except ConnectorError:
        return ""
    return ""


def last_used(okta: OktaClient, app: str) -> dict[str, datetime]:
    """When each user signed in to the application last (naive UTC), by the user's id; as far as Okta reports it."""
    found: dict[str, datetime] = {}

    def fetch(link: str | None) -> Page:
        answer = okta.http.get(link) if link else okta.http.get(LOGS, {**_asked(app), "limit": EVENTS})
        return Page(answer.json(list), next=next_link(answer))

    try:
        for number, page in enumerate(pages_by_link(fetch, what="sign-ins", id_of=lambda event: event["uuid"]), 1):
            for event in page:
                user, when = clean((event.get("actor") or {}).get("id")), from_iso(event.get("published"))
                if user and when:
                    found[user] = max(when, found.get(user, when))
            if number == MOST_PAGES:
                break
    except (ConnectorError, KeyError, TypeError, AttributeError):
        pass  # what came before is right, as the newest come first
    return found


def _asked(app: str) -> dict[str, str]:
    now = datetime.now(UTC)
    which = f'eventType eq "user.authentication.sso" and outcome.result eq "SUCCESS" and target.id eq {json.dumps(app)}'
    since, until = ((moment.strftime("%Y-%m-%dT%H:%M:%SZ")) for moment in (now - KEPT, now))
    return {"since": since, "until": until, "sortOrder": "DESCENDING", "filter": which}
