"""Recovery codes: ten that stand for a lost device, shown once, each good once.
Only their hashes are kept; each has 79 random bits, so that a plain hash gives nothing away."""

from __future__ import annotations

import hashlib
import secrets

from sync.db import utcnow, writing
from sync.models import Person, RecoveryCode

HOW_MANY = 10
SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that looks like another
GROUPS, GROUP = 4, 4


def make(person: Person) -> list[str]:
    """A new set, in the order to show it; the one before is void."""
    codes = ["-".join("".join(secrets.choice(SIGNS) for _ in range(GROUP)) for _ in range(GROUPS))
             for _ in range(HOW_MANY)]
    with writing():
        delete_all(person)
        RecoveryCode.insert_many([{"person": person, "code_hash": _hash(code)} for code in codes]).execute()
    return codes


def left(person: Person) -> int:
    """How many of the set are unused."""
    return RecoveryCode.select().where(RecoveryCode.person == person, RecoveryCode.used_at.is_null()).count()


def take(person: Person, code: str) -> bool:
    """Whether this is an unused code of the person. This uses it up."""
    mine = (RecoveryCode.person == person) & (RecoveryCode.code_hash == _hash(code))
    with writing():
        used = RecoveryCode.update(used_at=utcnow()).where(mine, RecoveryCode.used_at.is_null())
        return used.execute() == 1


def delete_all(person: Person) -> None:
    with writing():
        RecoveryCode.delete().where(RecoveryCode.person == person).execute()


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return hashlib.sha256(f"recovery code {plain}".encode()).hexdigest()
