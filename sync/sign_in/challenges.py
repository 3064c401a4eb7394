"""Each answer to a sign-in is good once: a passkey's challenge, a provider's state.
The database remembers what was used, so another process that serves pages refuses it too."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sync.db import utcnow, writing
from sync.models import UsedChallenge


def use_up(challenge: str, lasts: float) -> bool:
    """Mark a challenge as used; False if it was used before. `lasts` is its validity in seconds; the mark is kept twice
    as long."""
    mark, now = hashlib.sha256(challenge.encode()).hexdigest(), utcnow()
    with writing():
        UsedChallenge.delete().where(UsedChallenge.ends_at < now).execute()
        if UsedChallenge.select().where(UsedChallenge.challenge_hash == mark).exists():
            return False
        UsedChallenge.create(challenge_hash=mark, ends_at=now + timedelta(seconds=2 * lasts))
    return True
