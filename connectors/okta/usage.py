"""Reads when people last signed in to an application, from Okta's System Log. This is optional: without the permission,
or if Okta doesn't answer, it is unknown, and the reading doesn't fail.

From developer.okta.com: “System Log” (GET /api/v1/logs; a list without `until` has no end; up to 1,000 events per
page) and “System Log query” (user.authentication.sso: a user signs in to an app). Okta keeps
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
EVENTS, MOST_PAGES = 1000, 20  # events per page, and pages, the newest events first
KEPT = timedelta(days=90)


def why_unknown(okta: OktaClient, app: str) -> str:
    """Why the token may not read the log, in Okta's words; "" if it may, or if Okta only fails for now."""
    try:
        okta.http.get(LOGS, {**_asked(app), "limit": 1}).json(list)
    except (CredentialRejected, Refused) as no:
        return str(no)
    except ConnectorError:
        return ""
    return ""


def last_used(okta: OktaClient, app: str) -> dict[str, datetime]:
    """The last sign-in of each user to the application (naive UTC), by the user's id, as far as Okta reports it."""
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
        pass  # the newest events come first, so those that were read are correct
    return found


def _asked(app: str) -> dict[str, str]:
    now = datetime.now(UTC)
    which = f'eventType eq "user.authentication.sso" and outcome.result eq "SUCCESS" and target.id eq {json.dumps(app)}'
    since, until = ((moment.strftime("%Y-%m-%dT%H:%M:%SZ")) for moment in (now - KEPT, now))
    return {"since": since, "until": until, "sortOrder": "DESCENDING", "filter": which}
