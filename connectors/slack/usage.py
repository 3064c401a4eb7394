"""Reads who is billed in Slack, and when people were last active. These facts are optional: without the scope or the
plan, or if Slack doesn't answer, they are unknown, and the reading doesn't fail.

docs.slack.dev/reference/methods: team.billableInfo (billing_active, "computed periodically"), team.accessLogs (paid
plans; date_last of each user, address and program, the newest first). Both need a user token with the scope admin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from connectors.base import Account, ConnectorError, CredentialRejected, Refused
from connectors.tools.answers import list_in
from connectors.tools.http import Http, clean
from connectors.tools.paging import Page, pages_by_cursor

BILLABLE, ACCESS_LOGS = "/team.billableInfo", "/team.accessLogs"
PAGE = 999  # "under 1000"
MOST_PAGES = 20  # of logins; people who were last active before the oldest one stay unknown
BILLED, NOT_BILLED = "Billed", "Not billed"
UNREADABLE = (ConnectorError, KeyError, TypeError, AttributeError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Usage:
    """Facts about users, by user id."""

    seats: dict[str, str] = field(default_factory=dict)
    last_seen: dict[str, datetime] = field(default_factory=dict)  # naive UTC

    def of(self, account: Account) -> Account:
        """The account with what is known of its billing and its last activity."""
        known = {"seat": self.seats.get(account.id), "last_activity": self.last_seen.get(account.id)}
        known = {name: value for name, value in known.items() if value is not None}
        return replace(account, **known, missing_fields=account.missing_fields - set(known)) if known else account


def read(slack: Http, team: dict[str, str]) -> Usage:
    """All facts that can be read. `team`: {"team_id": …} for a token of a whole organisation, else {}."""
    usage = Usage()
    try:
        for id, info in _billable(slack, team):
            usage.seats[id] = BILLED if info["billing_active"] is True else NOT_BILLED
    except UNREADABLE:
        usage.seats.clear()
    try:
        for login in _logins(slack, team):
            id, last = clean(login["user_id"]), datetime.fromtimestamp(login["date_last"], UTC).replace(tzinfo=None)
            usage.last_seen[id] = max(last, usage.last_seen.get(id, last))
    except UNREADABLE:
        pass  # the newest logins come first, so those that were read are correct
    return usage


def why_unknown(slack: Http, team: dict[str, str]) -> dict[str, str]:
    """The facts that the token may not read → the reason in Slack's words."""
    missing = {}
    for what, path in (("who is billed", BILLABLE), ("when people were last active", ACCESS_LOGS)):
        try:
            slack.get(path, {"limit": 1, **team}).json(dict)
        except (CredentialRejected, Refused) as no:
            missing[what] = str(no)
        except ConnectorError:
            continue
    return missing


def _billable(slack: Http, team: dict[str, str]) -> Iterator[tuple[str, dict]]:
    def fetch(cursor: str | None) -> Page:
        answer = slack.get(BILLABLE, {"limit": PAGE, **team, **({"cursor": cursor} if cursor else {})}).json(dict)
        return Page(list(answer["billable_info"].items()), next=_next(answer))

    for page in pages_by_cursor(fetch, what="billed people", id_of=lambda row: row[0]):
        yield from page


def _logins(slack: Http, team: dict[str, str]) -> Iterator[dict]:
    cursor, pages = "", 0
    while pages < MOST_PAGES and (cursor or not pages):
        answer = slack.get(ACCESS_LOGS, {"limit": PAGE, **team, **({"cursor": cursor} if cursor else {})}).json(dict)
        yield from list_in(answer, "logins", "Slack")
        cursor, pages = _next(answer), pages + 1


def _next(answer: dict) -> str:
    return clean((answer.get("response_metadata") or {}).get("next_cursor"))
