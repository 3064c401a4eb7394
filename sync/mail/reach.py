"""Whether mail reaches an address with letters beyond ASCII before the @: shown where such an address is typed.
Only for such an address is the mail server asked, for a few seconds at most. Its answer is cached for a while."""

from __future__ import annotations

import time
from collections.abc import Iterable

from connectors.names import beyond_ascii
from sync.mail import mail_server, smtp

PATIENCE = 5  # seconds, for each step of the talk with the server
REMEMBERED = 600  # seconds

_known: dict[smtp.Outgoing, tuple[float, bool]] = {}


def warning(emails: Iterable[str]) -> str:
    """A sentence about the first of these addresses that mail may not reach; "" where there is none.

    To be asked outside of a transaction: it may take seconds.
    """
    email = next(filter(beyond_ascii, emails), None)
    if email is None:
        return ""
    if not mail_server.is_set():
        return f"Mail to {email} can only be sent through a mail server that offers SMTPUTF8: none is set yet."
    try:
        server = mail_server.current()
        return "" if server is None or _offers_smtputf8(server) else smtp.no_smtputf8(server, email)
    except smtp.MailDelayed as problem:
        return (f"Mail to {email} can only be sent if the mail server offers SMTPUTF8. Rollcall couldn't find out "
                f"whether it does. {problem}")


def _offers_smtputf8(server: smtp.Outgoing) -> bool:
    asked_at, offers = _known.get(server, (0.0, False))
    if not asked_at or time.monotonic() - asked_at > REMEMBERED:
        offers = smtp.greet(server, PATIENCE)
        _known.clear()
        _known[server] = (time.monotonic(), offers)
    return offers
