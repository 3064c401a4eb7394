"""Explains Zoom's error codes, and how long Zoom asks us to wait.
Codes: "Error codes" at developers.zoom.us, as apps/zoom.py names its restatements; "Rate limits" (Retry-After)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.tools.answers import RATE_LIMITED
from connectors.tools.http import Answer, Conflict, Forbidden, NotFound, clean, seconds_to_wait
from connectors.tools.times import from_iso

NO_TOKEN, NO_PERMISSION, NO_SCOPE = 124, 200, (4700, 4711)
NOT_THERE = (1001, 1010, 4130, 4131)  # no such user, not in this account; no such group, no member of it
EXISTS = 1005
# "Zoom Room and Admin users' status can not be activated or deactivated" has code 200, as a missing permission has.
# Only the sentence distinguishes the two.
OF_THE_ROLE = re.compile(r"\badmin users['’] status can ?not be\b", re.IGNORECASE)


class RoleInTheWay(Forbidden):
    """Zoom refused to deactivate the user because of their admin role."""


def problem(answer: Answer) -> ConnectorError | None:
    """The error of an answer, None where its status says enough. Zoom's errors are {"code": 1001, "message": "…"}, and
    the code counts, because the status may mean something else."""
    content = answer.json_or_none()
    content = content if isinstance(content, dict) else {}
    code, words = content.get("code"), clean(content.get("message"))
    says = f"{answer.asked}: Zoom says “{words.rstrip('.')}” ({code})."
    if answer.status == 429 and (wait := _wait(answer)) is not None:
        return RateLimited(f"{says} {RATE_LIMITED}", wait)
    if answer.status == 404 and code not in NOT_THERE:
        return TemporarilyUnavailable(f"{answer.asked} answered 404, but not that the user or group doesn't exist.")
    if answer.status == 429 or answer.status >= 500 or not isinstance(code, int) or not words:
        return None
    if code in NO_SCOPE:
        return Forbidden(f"{says} Add the missing scope to the app in the Zoom App Marketplace.")
    if code == NO_PERMISSION:
        return RoleInTheWay(says) if OF_THE_ROLE.search(words) else Forbidden(says)
    if code == NO_TOKEN:
        return CredentialRejected(f"{says} Check the client ID and secret, and that the app is active.")
    if code in NOT_THERE:
        return NotFound(says)
    if code == EXISTS:
        return Conflict(says)
    return Refused(says) if answer.status < 400 else None


def _wait(answer: Answer) -> float | None:
    """The seconds that Zoom asks us to wait, None where it doesn't. For a daily limit, Retry-After is the moment at
    which it is reset."""
    moment = from_iso(answer.headers.get("Retry-After"))
    if moment is None:
        return seconds_to_wait(answer)
    return max((moment - datetime.now(UTC).replace(tzinfo=None)).total_seconds(), 1.0)
