"""Passwords: which are good enough, and how they are kept and compared. Only their Argon2 hashes are stored.
At most two are hashed at once, so that many guesses can't keep others from their pages."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sync.people.people import PeopleProblem

SHORTEST, LONGEST = 12, 1000  # characters
STRONG_ENOUGH = 3  # of zxcvbn's 0 to 4: about 100 million guesses
OWN_PART = 6  # letters and digits required in addition to someone's own name or address
LOOKED_AT = 72  # characters: what follows can only make it stronger, and each costs time
AT_ONCE, WAIT_SECONDS = 2, 2.0
WORDS = ("Very easy to guess", "Easy to guess", "Could be guessed", "Strong", "Very strong")

hasher = PasswordHasher()
_hashing = threading.BoundedSemaphore(AT_ONCE)
_looking = threading.Lock()


class Busy(PeopleProblem):
    """Too many passwords are being compared right now; the text is for the page."""


@dataclass(frozen=True)
class Strength:
    """How hard a password is to guess: 0 to 4, in words, and what makes it weak or would help."""

    score: int
    word: str
    advice: str


def strength(password: str, *known: str) -> Strength:
    """`known` are texts that a stranger would try first: the person's name and e-mail, the workspace's name."""
    from zxcvbn import zxcvbn  # its word lists cost memory: loaded only where someone chooses a password

    if not password:
        return Strength(0, "", "")
    parts = [part for text in known for part in (text, *re.split(r"[^\w]+", text)) if len(part) > 2]
    found = zxcvbn(password[:LOOKED_AT], user_inputs=[*parts, "rollcall"])
    hints = [found["feedback"]["warning"], *found["feedback"]["suggestions"]]
    return Strength(found["score"], WORDS[found["score"]], " ".join(text for text in hints if text))


def strength_if_free(password: str, *known: str) -> Strength | None:
    """The same for a hint while someone types; None while another is being looked at, so that it costs little.

    One that is too short to be taken says so, however hard it is to guess.
    """
    if not _looking.acquire(blocking=False):
        return None
    try:
        found = strength(password, *known)
    finally:
        _looking.release()
    if password and len(password) < SHORTEST:
        return Strength(0, f"Too short: {len(password)} of {SHORTEST} characters", found.advice)
    if any(_is_little_more_than(password, text) for text in known):
        return Strength(0, "Your own name or address", "Choose something that has nothing to do with you.")
    return found


def refuse_weak(password: str, *known: str) -> None:
    """Raises PeopleProblem, which says what to do instead, for a password that is too short, known or easy to guess."""
    if len(password) < SHORTEST:
        raise PeopleProblem(f"The password needs at least {SHORTEST} characters: four unrelated words make a good one.")
    if len(password) > LONGEST:
        raise PeopleProblem(f"The password can have at most {LONGEST} characters.")
    if any(_is_little_more_than(password, text) for text in known):
        raise PeopleProblem("The password can't be your own name or e-mail address with little else.")
    found = strength(password, *known)
    if found.score < STRONG_ENOUGH:
        raise PeopleProblem(f"This password is too easy to guess. {found.advice}".strip())


def _is_little_more_than(password: str, known: str) -> bool:
    plain, text = _plain(password), _plain(known)
    return len(text) > 3 and text in plain and len(plain) - len(text) < OWN_PART


def _plain(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()


def hashed(password: str) -> str:
    """What is stored. Raises Busy."""
    with _place():
        return hasher.hash(password)


def fits(password_hash: str | None, password: str) -> bool:
    """Whether it is this one; takes as long where there is no hash. Raises Busy."""
    with _place():
        try:
            right = hasher.verify(password_hash or _nobodys_hash(), password[: LONGEST + 1])
            return right and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was hashed with less work than today's."""
    return hasher.check_needs_rehash(password_hash)


@cache
def _nobodys_hash() -> str:
    return hasher.hash(secrets.token_urlsafe(16))


@contextmanager
def _place() -> Iterator[None]:
    if not _hashing.acquire(timeout=WAIT_SECONDS):
        raise Busy("Many people are signing in right now. Nothing was changed: try again in a moment.")
    try:
        yield
    finally:
        _hashing.release()
