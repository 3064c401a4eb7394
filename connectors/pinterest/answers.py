"""Reads answers of Pinterest's API: rows, a refusal inside a successful answer, a missing permission.
The forms are those of v5/openapi.yaml (github.com/pinterest/api-description)."""

from __future__ import annotations

from connectors.base import ConnectorError
from connectors.tools.answers import list_in
from connectors.tools.http import Answer, Forbidden, clean

NOT_PERMITTED = (7, 29)  # "Not authorized to access", "You are not permitted to access that resource": also with 401


def items(answer: Answer) -> list:
    """The rows of an answer. Raises TemporarilyUnavailable if it has none."""
    return list_in(answer.json(dict), "items", answer.asked)


def refusal_in(answer: Answer) -> str:
    """The words of the first {"exception": {"message": "…"}} in the answer's items; "" if there is none."""
    rows = answer.json(dict).get("items")
    failed = [row.get("exception") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    error = next((one for one in failed if one), None)
    if error is None:
        return ""
    words = clean(error.get("message")) if isinstance(error, dict) else ""
    return f"{answer.asked}: Pinterest says “{words.rstrip('.') or 'no'}”."


def problem(answer: Answer) -> ConnectorError | None:
    """The error for a missing permission, {"code": 29, "message": "…"}, whose status may be 401 as for a token that has
    ended; None for any other answer."""
    if answer.status != 401:
        return None
    error = answer.json_or_none()
    if not isinstance(error, dict) or error.get("code") not in NOT_PERMITTED:
        return None
    return Forbidden(f"{answer.asked}: Pinterest says “{clean(error.get('message')).rstrip('.')}”.")
