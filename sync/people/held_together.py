"""Releases or dismisses at once all held changes that one directory, or one person's imports, asked for.
If they are no longer as they were shown, or one of them can't be made, nothing is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sync import activity, names, rank
from sync.db import writing
from sync.models import HeldChange
from sync.people import held
from sync.people.people import PeopleProblem
from sync.rank import Asker
from sync.states import HeldChangeState
from sync.words import plural

MOST = 5_000  # at once: one transaction


@dataclass(frozen=True)
class Together:
    """The open changes that one asker asked for: those that someone may decide, and how many people rank above."""

    key: str  # names the asker in an address
    changes: list[HeldChange]  # with their people, at most MOST
    more: int = 0  # further ones, which are decided after these
    above: int = 0  # further ones, of people who rank above

    @cached_property
    def seen(self) -> str:
        """A fingerprint of what is shown. A decision must give it back, so that only what was shown is decided."""
        shown = [(change.id, change.person_id, change.value, change.person.status, change.person.workspace_role)
                 for change in self.changes]  # fmt: skip
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]

    @property
    def people(self) -> int:
        """How many people it is about."""
        return len({change.person_id for change in self.changes})


def key(change: HeldChange) -> str:
    """Names who asked for it, without saying it: a directory, or the person or removed directory that signed it."""
    asker = change.directory_id or change.asked_by
    return hashlib.sha256(repr(asker).encode()).hexdigest()[:16]


def by_asker(changes: Iterable[HeldChange], role: str | None) -> list[Together]:
    """All of these changes by who asked for them, with those that this workspace role may decide; the most first."""
    of: dict[str, list[HeldChange]] = {}
    for change in changes:
        of.setdefault(key(change), []).append(change)
    together = [_together(asker, theirs, role) for asker, theirs in of.items()]
    return sorted(together, key=lambda one: (-len(one.changes), one.key))


def of_asker(asker: str, role: str | None) -> Together:
    """The asker with this key, and what waits now; without changes if nothing does."""
    return _together(asker, [change for change in held.waiting() if key(change) == asker], role)


def _together(asker: str, changes: list[HeldChange], role: str | None) -> Together:
    mine = [change for change in changes if rank.rank_of(role) <= rank.rank_of(change.person.workspace_role)]
    return Together(asker, mine[:MOST], max(0, len(mine) - MOST), len(changes) - len(mine))


def release(asker: str, by: Asker, seen: str) -> int:
    """Make all of the asker's changes; how many. Raises PeopleProblem if they aren't what was `seen`, or if one of them
    can't be made; nothing is changed then."""
    return _decide(asker, HeldChangeState.RELEASED, by, seen)


def dismiss(asker: str, by: Asker, seen: str) -> int:
    """Dismiss all of the asker's changes; how many. Raises PeopleProblem if they aren't what was `seen`."""
    return _decide(asker, HeldChangeState.DISMISSED, by, seen)


def _decide(asker: str, state: HeldChangeState, by: Asker, seen: str) -> int:
    rank.require(by, *rank.MANAGERS)
    with writing():
        together = of_asker(asker, by.role)
        if not together.changes or together.seen != seen:
            raise PeopleProblem(f"The list has changed since you looked. Nothing was {state}: look again.")
        activity.record(by, f"{state} all held changes", about=names.short_name(together.changes[0].asked_by),
                        after=f"{plural(len(together.changes), 'change')} of "
                              f"{plural(together.people, 'person', 'people')}")  # fmt: skip
        for change in together.changes:
            _one(change, state, by)
    return len(together.changes)


def _one(change: HeldChange, state: HeldChangeState, by: Asker) -> None:
    try:
        held.release(change, by) if state == HeldChangeState.RELEASED else held.dismiss(change, by)
    except PeopleProblem as problem:
        raise PeopleProblem(f"Not all can be released, so nothing was changed. {problem} "
                            "Decide that change alone first.") from problem
