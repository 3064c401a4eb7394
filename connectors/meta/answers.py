"""Explains Meta's error codes, and how long Meta asks us to wait.
Codes: “Handling Errors” and “Rate Limits” at developers.facebook.com; 2635: “Upcoming change in Marketing API version
deprecation”, in its blog."""

from __future__ import annotations

import json

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.tools.http import Answer, Forbidden, clean

TOO_MANY = {4, 17, 32, 341, 613, *range(80000, 80015)}
TOKEN, PASSING, NOT_ALLOWED = {102, 104, 190}, {1, 2, 368}, {3, 10, *range(200, 300)}
VERSION_ENDED = 2635  # for calls that a later version changed; Meta upgrades the others


def problem(answer: Answer) -> ConnectorError | None:
    """The error in {"error": {"code": 190, "message": "…"}}, whose status is usually 400; None for the usual meaning of
    the status."""
    if answer.status < 400 or answer.is_page:
        return None
    try:
        error = answer.json(dict).get("error")
    except TemporarilyUnavailable:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    message = clean(error.get("error_user_msg") or error.get("message")).rstrip(".") if isinstance(error, dict) else ""
    says = f"{answer.asked}: Meta says “{message}” ({code})."
    if code == VERSION_ENDED:
        return Forbidden(f"{says} Meta has ended this version of its API. Enter a later one in the app's settings.")
    if code in TOO_MANY:
        return RateLimited(says, _seconds_until_access(answer))
    if code in TOKEN:
        return CredentialRejected(f"{says} The token is wrong, expired or revoked, or the app secret is not its app's.")
    if code in NOT_ALLOWED:
        return Forbidden(f"{says} The token lacks a permission.")
    if code in PASSING:
        return TemporarilyUnavailable(says)
    return Refused(says) if answer.status == 400 and code else None


def _seconds_until_access(answer: Answer) -> float:
    """Seconds to wait, by X-Business-Use-Case-Usage: {"id": [{"estimated_time_to_regain_access": minutes, …}]}; 60
    without it."""
    try:
        usage = json.loads(answer.headers.get("X-Business-Use-Case-Usage", "{}"))
        minutes = max(each.get("estimated_time_to_regain_access", 0) for uses in usage.values() for each in uses)
        return float(minutes) * 60 or 60
    except (ValueError, TypeError, AttributeError, RecursionError):
        return 60
