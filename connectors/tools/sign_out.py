"""Blocks an account and ends its sessions, for apps where these are two calls. Ending sessions is optional: without the
permission for it, the account is still blocked."""

from __future__ import annotations

from collections.abc import Callable

from connectors.base import CredentialRejected, RateLimited, Refused, TemporarilyUnavailable


def block_and_sign_out(block: Callable[[], None], sign_out: Callable[[], None]) -> None:
    """Sign the account out, then block it. In this order, a task that finds the account blocked is done, even after a
    crash.

    A sign-out that fails for now doesn't delay the block: it is tried again afterwards, and its error is raised then.
    Raises the ConnectorErrors of `block`.
    """
    ended = _ended(sign_out)
    block()
    if not ended:
        _ended(sign_out, again=True)


def _ended(sign_out: Callable[[], None], again: bool = False) -> bool:
    """Sign out; False if it failed for now. A missing permission counts as done: test() reports it."""
    try:
        sign_out()
    except (Refused, CredentialRejected):
        return True
    except (RateLimited, TemporarilyUnavailable):
        if again:
            raise
        return False
    return True
