"""Finds the error that an answer of a GraphQL API holds, which may have any status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.tools.answers import Answer, clean


@dataclass(frozen=True, slots=True)
class GraphQLError:
    """The first of an answer's errors (GraphQL specification, 7.1.2). No part of an answer with an error is used."""

    message: str
    extensions: dict[str, Any]  # what the app adds: a code, a type


def error_in(answer: Answer) -> GraphQLError | None:
    """The answer's first error, None where it holds none. Raises TemporarilyUnavailable for a 200 that isn't JSON."""
    body = answer.json(object) if answer.status == 200 else answer.json_or_none()
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list) or not errors:
        return None
    first = errors[0] if isinstance(errors[0], dict) else {"message": errors[0]}
    more = first.get("extensions")
    return GraphQLError(clean(first.get("message")), more if isinstance(more, dict) else {})
