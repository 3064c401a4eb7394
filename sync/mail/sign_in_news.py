"""What changes how someone signs in, noticed where it happens: roles, and addresses through whichever door they come.
It is a layer below people.py and the directories; sign_in_changes.py, which can write e-mails, is a layer above."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature

from peewee import ModelSelect

from sync.mail import sign_in_changes
from sync.models import Person, PersonEmail
from sync.prepared import prepared_plain
from sync.states import PersonStatus

_watch = threading.local()  # .on while a block of this thread watches: a nested one leaves the e-mails to it


def role_changed(person: Person, before: str | None, after: str | None, by: str) -> None:
    """Inside the transaction of the change. Someone who could not sign in before hears nothing."""
    if before is None:
        return
    now = f"Your role in Rollcall is now {after}." if after else "You may no longer sign in to Rollcall."
    _notify(person, f"{now} Before, it was {before}.", by)


@contextmanager
def addresses_watched(by: str) -> Iterator[None]:
    """Notifies those who may sign in and have other addresses at the end of the block; inside the caller's writing().

    The e-mails are sent to the new addresses and to the removed ones: an attacker changes them first.
    """
    if getattr(_watch, "on", False):
        yield
        return
    _watch.on = True
    try:
        before = _addresses()
        yield
        after = _addresses()
    finally:
        _watch.on = False
    for person_id, (main, known) in after.items():
        had_main, had = before.get(person_id, (main, known))
        if (main, known.keys()) != (had_main, had.keys()):
            message = (f"Your e-mail addresses in Rollcall are now {', '.join(known.values()) or 'none'}. "
                       f"Before, they were {', '.join(had.values()) or 'none'}.")
            further = [had[normal] for normal in had] + [known[normal] for normal in known.keys() - had.keys()]
            _notify(Person.get_by_id(person_id), message, by, further)


def watches_addresses(change: Callable) -> Callable:
    """Decorates a function with an argument `by`: the same around the whole of it."""

    @wraps(change)
    def watched(*args, **values):
        with addresses_watched(signature(change).bind(*args, **values).arguments["by"]):
            return change(*args, **values)

    return watched


def _addresses() -> dict[int, tuple[str, dict[str, str]]]:
    """By the id of each person who may sign in: the main address, and all as they were given, by their normal form."""
    found: dict[int, tuple[str, dict[str, str]]] = {}
    for person_id, key, email in _rows():
        found.setdefault(person_id, (key, {}))[1][key] = email
    return found


@prepared_plain
def _rows() -> ModelSelect:
    theirs = PersonEmail.select(PersonEmail.person, PersonEmail.email_key, PersonEmail.email).join(Person)
    theirs = theirs.where(Person.workspace_role.is_null(False), Person.status != PersonStatus.DEPROVISIONED)
    return theirs.order_by(PersonEmail.person, PersonEmail.main.desc(), PersonEmail.id)


def _notify(person: Person, sentence: str, by: str, further: list[str] | tuple = ()) -> None:
    sign_in_changes.notify(person, sentence, by, further)
