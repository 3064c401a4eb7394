"""Explains Google Ads' errors: limits, problems of the Cloud project, and problems of a single account.
Codes as in googleads/google-ads-python, v25: AuthorizationErrorEnum, QuotaErrorEnum; levels of access:
“Access levels and permissible use” at developers.google.com/google-ads/api."""

from __future__ import annotations

import re

from connectors.base import ConnectorError, CredentialRejected, RateLimited, TemporarilyUnavailable
from connectors.tools.answers import RATE_LIMITED
from connectors.tools.http import Answer, Forbidden, clean, words

NO_RATE_LIMIT = {"ACCESS_PROHIBITED", "PAYMENTS_PROFILE_ACTIVATION_RATE_LIMIT_EXCEEDED"}
UNKNOWN_WAIT = 60
MUST_BE_ADMIN = "The person that the refresh token belongs to must be an admin of the account."
IN_CONSOLE = "on the Google Ads API Overview page of the OAuth client's Cloud project"
TEST_ONLY = f"The Cloud project may use test accounts only: apply for Explorer or Basic access {IN_CONSOLE}."
NO_TOKEN = "Remove the developer token from the app's Settings: Google no longer needs it."
WHAT_TO_DO = {  # authorizationError → what to do
    "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION": TEST_ONLY,
    "DEVELOPER_TOKEN_NOT_APPROVED": TEST_ONLY,
    "DEVELOPER_TOKEN_PROHIBITED": NO_TOKEN,
    "DEVELOPER_TOKEN_NOT_ON_ALLOWLIST": NO_TOKEN,
    "PROJECT_DISABLED": "Enable the Google Ads API in the OAuth client's Cloud project.",
    "CLOUD_PROJECT_NOT_UNDER_ORGANIZATION": "Move the OAuth client's Cloud project into its organisation.",
    "MISSING_TOS": f"Accept the terms of the Google Ads API {IN_CONSOLE}.",
    "SERVICE_ACCESS_DENIED": f"The Cloud project may not use this: apply for Basic access {IN_CONSOLE}.",
    "ACTION_NOT_PERMITTED": f"{MUST_BE_ADMIN} To remove people, the Cloud project needs at least Basic access.",
    "INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION": "The customer ID must be of the manager above it.",
    "CUSTOMER_NOT_ENABLED": "The account isn't enabled yet, or has been deactivated.",
    "INCOMPLETE_SIGNUP": "Complete the account's sign-up in Google Ads.",
    "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT": "Google has suspended the account.",
}
NOT_USABLE = {"CUSTOMER_NOT_ENABLED", "INCOMPLETE_SIGNUP", "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT"}


class NotUsable(Forbidden):
    """One Google Ads account can't be used in its present state. The credential may be fine."""


def problem(answer: Answer) -> ConnectorError | None:
    """The error in a GoogleAdsFailure; None for the usual meaning of the status."""
    errors = _errors(answer)
    codes = {kind: clean(code) for error in errors for kind, code in part(error, "errorCode").items()}
    says = f"{answer.asked} answered {answer.status}: “{says_in(answer).rstrip('.')}”."
    if "quotaError" in codes and codes["quotaError"] not in NO_RATE_LIMIT:
        details = [part(part(error, "details"), "quotaErrorDetails") for error in errors]
        wait = max(_seconds(detail.get("retryDelay")) for detail in details)
        return RateLimited(f"{says} {RATE_LIMITED}", wait or UNKNOWN_WAIT)
    if "authenticationError" in codes:
        return CredentialRejected(f"{says} The refresh token is wrong, expired or revoked.")
    if code := codes.get("authorizationError"):
        kind = NotUsable if code in NOT_USABLE else Forbidden
        return kind(f"{says} {WHAT_TO_DO.get(code, MUST_BE_ADMIN)}")
    return None


def _errors(answer: Answer) -> list[dict]:
    """The errors in {"error": {"details": [{"@type": "….GoogleAdsFailure", "errors": [{"errorCode": {…}, …}]}]}}."""
    if answer.status < 400 or answer.is_page:
        return []
    try:
        details = part(answer.json(dict), "error").get("details")
    except TemporarilyUnavailable:
        return []
    found = [detail.get("errors") for detail in details or () if isinstance(detail, dict)]
    return [error for errors in found if isinstance(errors, list) for error in errors if isinstance(error, dict)]


def says_in(answer: Answer) -> str:
    """The messages of the errors with their codes. The general message above them says too little: “Request contains an
    invalid argument.”"""
    found = [f"{clean(error.get('message'))} ({', '.join(map(clean, part(error, 'errorCode').values()))})"
            for error in _errors(answer)]  # fmt: skip
    return "; ".join(found) or words(answer)


def part(value: dict, name: str) -> dict:
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _seconds(duration: object) -> float:
    """The seconds of a Duration in Google's JSON, "3.5s"; 0 for anything else."""
    found = re.fullmatch(r"([0-9]{1,6}(\.[0-9]+)?)s", str(duration))
    return float(found[1]) if found else 0
