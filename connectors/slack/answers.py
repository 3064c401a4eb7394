"""Finds the error in an answer of Slack's Web API, which has status 200 even for a refusal, and gives it a class.
The errors are listed on each method's page at docs.slack.dev/reference/methods."""

from __future__ import annotations

from connectors.base import ConnectorError, CredentialRejected, RateLimited, Refused, TemporarilyUnavailable
from connectors.tools.http import Answer, NotFound, seconds_to_wait

NOT_THERE = {"user_not_found", "user_already_deleted", "channel_not_found", "not_in_channel"}
REJECTED = {
    "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "no_permission",
    "missing_scope", "not_allowed_token_type", "org_login_required", "access_denied", "ekm_access_denied",
    "invalid_permissions", "feature_not_enabled", "enterprise_is_restricted", "accesslimited",
    "team_access_not_granted", "two_factor_setup_required",
}  # fmt: skip
PASSING = {
    "fatal_error", "internal_error", "service_unavailable", "request_timeout", "invalid_cursor", "team_added_to_org",
}  # fmt: skip
NOT_VISIBLE = "user_not_visible"  # "The requested user is not visible to the calling user"


class AlreadyThere(Refused):
    """The user is already in the channel."""


def error_inside(answer: Answer) -> ConnectorError | None:
    """The error in {"ok": false, "error": "missing_scope", "needed": "users:read"}; None for a success. Slack's SCIM
    uses statuses instead."""
    if answer.status != 200 or "/scim/" in answer.url:
        return None
    body = answer.json(dict)
    if body.get("ok") is True:
        return None
    error = str(body.get("error") or "no reason")
    says = f"{answer.asked}: Slack says “{error.replace('_', ' ')}”."
    if error in ("ratelimited", "rate_limited"):
        wait = seconds_to_wait(answer)
        return RateLimited(says, 60 if wait is None else wait)
    if error in NOT_THERE:
        return NotFound(says)
    if error in REJECTED:
        needed = f" Give the app the scope {body['needed']} and install it again." if body.get("needed") else ""
        return CredentialRejected(f"{says}{needed}")
    if error in PASSING:
        return TemporarilyUnavailable(says)
    if error == NOT_VISIBLE:
        return Refused(f"{says} This person may still be there, but the token may not see them. Enter a token that "
                       "sees everyone.")  # fmt: skip
    return AlreadyThere(says) if error == "already_in_channel" else Refused(says)
