"""Reads when people were last active in Figma, from its activity log. This is optional: without the token, the plan or
the scope, or if Figma doesn't answer, it is unknown, and the reading doesn't fail.

From github.com/figma/rest-api-spec, openapi.yaml: GET /v1/activity_logs (limit, order, start_time and end_time in Unix
seconds; `next_page` says whether there is more, and no parameter takes the `cursor` beside it), ActivityLog (the
actor's e-mail; the names “SCIM Provider” and “Figma Support”), PlanAccessToken (the header X-Figma-Token).
From developers.figma.com: “Activity Logs” (Enterprise, the scope org:activity_log_read), “Plan access tokens” (they
last a year at most).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from connectors.base import Account, ConnectorError, CredentialRejected, Refused
from connectors.names import email_key
from connectors.tools.answers import list_in
from connectors.tools.http import Http, clean

LOG = "/v1/activity_logs"
EVENTS, MOST_PAGES = 1000, 20  # events per page, and pages, the newest events first
BACK = 90 * 24 * 3600  # seconds
NOT_THEM = ("SCIM Provider", "Figma Support")  # names of actors that aren't the person


class ActivityLog:
    """Figma's activity log. None of the methods raises an error."""

    def __init__(self, address: str, token: str):
        self.http = Http(address, headers={"X-Figma-Token": token}, secrets=[token])

    def close(self) -> None:
        self.http.close()

    def why_unknown(self) -> str:
        """Why the token may not read the log, in Figma's words; "" if it may, or if Figma only fails for now."""
        try:
            self.http.get(LOG, {"limit": 1}).json(dict)
        except (CredentialRejected, Refused) as no:
            return str(no)
        except ConnectorError:
            return ""
        return ""

    def last_seen(self) -> dict[str, datetime]:
        """The last activity of each person (naive UTC), by the key of their address, as far as Figma reports it."""
        found: dict[str, datetime] = {}
        try:
            for event in self._events():
                key, when = _actor_key(event), datetime.fromtimestamp(event["timestamp"], UTC).replace(tzinfo=None)
                if key:
                    found[key] = max(when, found.get(key, when))
        except (ConnectorError, KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError):
            pass  # the newest events come first, so those that were read are correct
        return found

    def _events(self) -> Iterator[dict]:
        until = int(time.time())
        since = until - BACK
        for _ in range(MOST_PAGES):
            asked = {"start_time": since, "end_time": until, "limit": EVENTS, "order": "desc"}
            meta = self.http.get(LOG, asked).json(dict).get("meta")
            events = list_in(meta if isinstance(meta, dict) else {}, "activity_logs", "Figma", "events")
            yield from events
            oldest = int(min((event["timestamp"] for event in events), default=until))
            if meta.get("next_page") is not True or oldest >= until:
                return  # one second has more events than a page holds, so there is no way to the older ones
            until = oldest


def with_activity(account: Account, seen: dict[str, datetime]) -> Account:
    """The account with its last activity. Without an event it is unknown: it may be older than the log."""
    if when := seen.get(email_key(account.email or account.user_name)):
        return replace(account, last_activity=when)
    return replace(account, missing_fields=account.missing_fields | {"last_activity"})


def _actor_key(event: dict) -> str:
    """The key of the actor's address; "" if Figma's support or a provider acted in place of the person."""
    actor, context = event.get("actor") or {}, event.get("context") or {}
    if clean(actor.get("name")) in NOT_THEM or context.get("is_figma_support_team_action") is True:
        return ""
    return email_key(clean(actor.get("email")))
