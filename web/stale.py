"""A form that shows stored values, and was opened before someone else changed them, is refused: all of its values would
be stored, so it would take that change back."""

from __future__ import annotations

import hashlib

from flask import request

CHANGED = "Someone changed this while your form was open. Nothing was saved: look at it again."


def mark(*stored: object) -> str:
    """Names the values that a form shows; the form sends it as its field `seen`."""
    return hashlib.sha256(repr(stored).encode()).hexdigest()[:16]


def is_stale(*stored: object, field: str = "seen") -> bool:
    """Whether the form that was sent showed other values than those that are stored now."""
    return request.values.get(field, mark(*stored)) != mark(*stored)
