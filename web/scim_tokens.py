"""Whose bearer token a SCIM request carries. Many wrong ones make the next wrong one wait; a right one never waits."""

from __future__ import annotations

import logging
import time
from collections import deque

from flask import request

from sync.directory import push
from sync.models import Directory
from web.security import source

REFUSALS = 30  # wrong tokens in WAIT_SECONDS, before the answer is to wait
WAIT_SECONDS = 60

log = logging.getLogger("rollcall.security")  # for fail2ban
_refused: deque[float] = deque(maxlen=REFUSALS)


class WrongToken(Exception):
    """The request has no token, or one that no directory has."""


class TooManyWrong(Exception):
    """The request has no valid token, and came after too many others without one."""


def directory() -> Directory:
    """The directory that this request is for. Raises WrongToken or TooManyWrong."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = push.directory_of(token.strip()) if scheme.lower() == "bearer" and token.strip() else None
    if found is not None:
        return found
    now = time.monotonic()
    if len(_refused) == REFUSALS and now - _refused[0] < WAIT_SECONDS:
        raise TooManyWrong
    _refused.append(now)
    log.warning("wrong token from %s", source() or "an unknown source")
    raise WrongToken


def clear_refusals() -> None:
    """Delete all counts of wrong tokens, as a restart would."""
    _refused.clear()
