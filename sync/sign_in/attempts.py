"""Wrong passwords and codes are counted per person and per source, so that guessing is slow however it is spread.
A browser that has signed in before has a count of its own: a stranger's guesses never lock it out."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Mapping
from datetime import timedelta

from sync import activity
from sync.db import utcnow, writing
from sync.models import Person, SignInAttempt
from sync.names import signature
from sync.people.people import PeopleProblem
from sync.words import plural

WINDOW = timedelta(minutes=15)
OF_PERSON, OF_SOURCE = 5, 30  # wrong passwords within WINDOW

log = logging.getLogger("rollcall.security")  # a line a failure, for programs such as fail2ban


class TooManyAttempts(PeopleProblem):
    """Too many wrong passwords: wait."""


def keys(person: Person | None, email_key: str, source: str, browser: str) -> dict[str, int]:
    """What an attempt counts for, with how many failures each bears.

    `browser` is the id of a browser that this person has signed in with before, else "".
    """
    if person is not None and browser:
        return {f"browser {browser} {person.id}": OF_PERSON}
    who = f"person {person.id}" if person else f"e-mail {hashlib.sha256(email_key.encode()).hexdigest()[:32]}"
    return {who: OF_PERSON} | ({f"source {network(source)}": OF_SOURCE} if source else {})


def keys_of_codes(person: Person | None, source: str, browser: str = "") -> dict[str, int]:
    """The same for codes of the second factor: who guesses them knows the password already."""
    if person is not None and browser:
        return {f"code {browser} {person.id}": OF_PERSON}
    of_source = {f"source {network(source)}": OF_SOURCE} if source else {}
    return ({f"code {person.id}": OF_PERSON} if person else {}) | of_source


def network(source: str) -> str:
    """The address itself; of IPv6 the 64 bits that one customer usually has all of."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source[:60]
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def begin(counted: Mapping[str, int]) -> list[int]:
    """Count the attempt as wrong until it proves right, so that many at once don't slip past the limit. Returns the ids
    of the rows.

    Raises TooManyAttempts.
    """
    now = utcnow()
    with writing():
        SignInAttempt.delete().where(SignInAttempt.at < now - WINDOW).execute()
        for key, most in counted.items():
            failures = list(SignInAttempt.select(SignInAttempt.at).where(SignInAttempt.key == key)
                            .order_by(SignInAttempt.at).limit(most))
            if len(failures) >= most:
                raise TooManyAttempts(_wait(key, failures[0].at + WINDOW - now))
        return [SignInAttempt.create(key=key, at=now).id for key in counted]


def succeeded(counted: Mapping[str, int]) -> None:
    """The password was right: what was counted for the person or their browser is cleared, and this one try of the
    source."""
    with writing():
        for key in counted:
            mine = SignInAttempt.select(SignInAttempt.id).where(SignInAttempt.key == key)
            if key.startswith("source "):
                mine = mine.order_by(SignInAttempt.id.desc()).limit(1)
            SignInAttempt.delete().where(SignInAttempt.id.in_(list(mine))).execute()


def failed(person: Person | None, source: str, counted: Mapping[str, int]) -> None:
    """Write down the first failure of a person and the one that locks out; the log of the server has them all."""
    where = f"from {source}" if source else "from an unknown source"
    log.warning("failed sign-in %s", where)
    with writing():
        for key, most in counted.items():
            failures = SignInAttempt.select().where(SignInAttempt.key == key).count()
            if failures == most:
                log.warning("locked out %s", where)
            if failures == most or failures == 1 and not key.startswith("source "):
                activity.record(
                    "sign-in", "locked out" if failures == most else "failed sign-in",
                    about=signature(person) if person else "an unknown e-mail address", person=person,
                    why=f"{plural(failures, f'wrong {_guessed(key)}')} {where} within 15 minutes",
                )  # fmt: skip


def _wait(key: str, left: timedelta) -> str:
    minutes = max(1, round(left.total_seconds() / 60))
    if key.startswith("reset "):
        return f"Too many links were requested. Try again in {plural(minutes, 'minute')}."
    whose = "from your network" if key.startswith("source ") else "for this e-mail address"
    return f"Too many wrong {_guessed(key)}s {whose}. Try again in {plural(minutes, 'minute')}."


def _guessed(key: str) -> str:
    return "code" if key.startswith("code ") else "password"
