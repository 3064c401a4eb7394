"""What protects an account from being removed (rule 5): one ordered table of code, condition and words.
A check asks it of all accounts it wants to remove, an approval and a task of a single one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sync.db import db
from sync.matching.addresses import ANOTHERS
from sync.workspace import today


class Protection(StrEnum):
    """Why an account stays: Change.protection. The words beside it are for people only."""

    HOLD = "legal hold"
    KEPT_UNTIL = "kept until"
    BY_HAND = "by hand"
    AUTOMATION_ACCOUNT = "automation account"
    SYSTEM = "system account"
    ANOTHERS_ADDRESS = "address of another"
    OTHER_EMAIL = "other e-mail"
    LAST_ADMINISTRATOR = "last administrator"


OTHER_EMAIL = "Protected: its e-mail is another than when it was matched by hand: match it again"


@dataclass(frozen=True)
class Protected:
    """Why one account stays, for the program and in words."""

    code: Protection
    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Rule:
    """`condition` and `words` are SQL over the account `a`, its person `p` (NULL without one), `:identity` (the
    external id of the account that Rollcall acts with) and `:today`."""

    code: Protection
    condition: str
    words: str


RULES = (  # the first that holds is the one that is shown
    Rule(Protection.HOLD, "p.hold IS NOT NULL", "'Protected: legal hold: ' || p.hold"),
    Rule(Protection.KEPT_UNTIL,
         "a.\"match\" = 'matched' AND p.status = 'deprovisioned' AND p.remove_on > :today", "kept_until(p.remove_on)"),
    Rule(Protection.BY_HAND, "a.protected IS NOT NULL", "'Protected: ' || a.protected"),
    Rule(Protection.AUTOMATION_ACCOUNT, "a.external_id = :identity", "'Protected: Rollcall acts with this account'"),
    Rule(Protection.SYSTEM, "a.kind = 'system'", "'Protected: the app made it for itself'"),
    Rule(Protection.ANOTHERS_ADDRESS, f"{ANOTHERS} IS NOT NULL", f"'Protected: ' || {ANOTHERS}"),
    # It may be someone else's by now: a match by hand stays, and an app may give an id out again.
    Rule(Protection.OTHER_EMAIL, """a.matched_as <> '' AND a.matched_as <> a.normal AND NOT EXISTS (
        SELECT 1 FROM person_email e WHERE e.normal = a.normal AND e.person_id = a.person_id)""", f"'{OTHER_EMAIL}'"),
)  # fmt: skip


def in_words(day: date) -> str:
    """3 December; with the year when it is another one."""
    return f"{day.day} {day:%B}" + (f" {day.year}" if day.year != today().year else "")


def kept_until(day: date) -> str:
    """Kept until 3 December."""
    return f"Kept until {in_words(day)}"


db.register_function(lambda day: kept_until(date.fromisoformat(day)), "kept_until", 1)


_CODE = " ".join(["CASE", *(f"WHEN {rule.condition} THEN '{rule.code}'" for rule in RULES), "END"])
_WORDS = " ".join(["CASE wanted.protection", *(f"WHEN '{rule.code}' THEN {rule.words}" for rule in RULES), "END"])
_OF_WANTED = "FROM account a LEFT JOIN person p ON p.id = a.person_id WHERE a.id = wanted.account_id"
_PROTECT = f"""
    UPDATE wanted SET protection = (SELECT {_CODE} {_OF_WANTED})
    WHERE kind = :kind AND in_app AND protection IS NULL
"""
_SAY_WHY = f"""
    UPDATE wanted SET protected = (SELECT {_WORDS} {_OF_WANTED})
    WHERE kind = :kind AND protection IS NOT NULL AND protected IS NULL
"""


def protect(kind: str, values: dict[str, object]) -> None:
    """Note in TEMP `wanted` what protects the accounts that changes of this kind would remove."""
    for statement in (_PROTECT, _SAY_WHY):
        db.execute_sql(statement, values | {"kind": kind})
