"""Whether the mail server takes e-mails: failures in a row, whichever e-mail met them.
An e-mail that the server refuses for good isn't one: the server answered, so it works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync.db import utcnow, writing
from sync.settings import set_setting, setting

KEPT_AS = "mail delivery"
MANY = 2  # one failure alone may be a server that accepts a new sender's e-mail minutes later


@dataclass(frozen=True)
class Failing:
    """No e-mail has left since the first of these failures (UTC). `error` is the last one, with what to fix."""

    count: int
    since: datetime
    error: str

    @property
    def keeps(self) -> bool:
        return self.count >= MANY


def failing() -> Failing | None:
    """None while the last attempt succeeded, or there was none."""
    kept = setting(KEPT_AS)
    return Failing(kept["count"], datetime.fromisoformat(kept["since"]), kept["error"]) if kept else None


def failed(error: str) -> None:
    with writing():
        before = failing()
        count, since = (before.count, before.since) if before else (0, utcnow())
        set_setting(KEPT_AS, {"count": count + 1, "since": since.isoformat(), "error": error})


def succeeded() -> None:
    """The server took an e-mail, or a new one was entered that accepted the sign-in."""
    if failing() is not None:
        set_setting(KEPT_AS, None)
