"""Blocks an account and ends its sessions, where these are two calls. Ending sessions is optional: without the
permission for it, the account is still blocked."""

from __future__ import annotations

from collections.abc import Callable

from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable


def block_and_sign_out(block: Callable[[], None], sign_out: Callable[[], None]) -> None:
    """Signs the account out, then blocks it: a task that finds an account blocked is done, also after a crash.

    A sign-out that fails for now doesn't delay the block. It is tried again afterwards, and its error is raised then.
    """
    ended = _ended(sign_out)
    block()
    if not ended:
        _ended(sign_out, again=True)


def _ended(sign_out: Callable[[], None], again: bool = False) -> bool:
    """False where it may work in a moment. A missing permission counts as done: test() names it."""
    try:
        sign_out()
    except (Refused, CredentialRejected):
        return True
    except (RateLimited, TemporarilyUnavailable):
        if again:
            raise
        return False
    return True
