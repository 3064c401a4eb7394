"""What an app's answers about single accounts prove. That one doesn't exist counts only where the app finds others: its
look-up may not fit the app, or the app no longer has that call, and then it says so of everyone."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.base import Connector, CredentialRejected, PartsUnread, Refused


def finds_any(connector: Connector, ids: Iterable[str]) -> bool:
    """Whether the app finds one of these accounts (external ids), which its list had. An account that it doesn't show,
    such as an invitation that needs another permission, is one that it doesn't find.

    Raises RateLimited or TemporarilyUnavailable.
    """
    for id in ids:
        try:
            if connector.account(id) is not None:
                return True
        except PartsUnread:  # it says which parts it could not read, so it can read the others
            return True
        except (Refused, CredentialRejected):
            continue
    return False
