"""What Rollcall refuses, in words for the person who asked: each part of the core has its own kind of Problem.
The text says what is wrong, what stayed the same and what to do; a page or a command shows it as it is."""

from __future__ import annotations


class Problem(ValueError):
    """Something can't be done as it was asked for. Nothing was changed."""


class AppProblem(Problem):
    """An app can't be connected, changed or checked like this."""


class Overtaken(Problem):
    """Someone else changed what was about to be stored."""

    def __init__(self):
        super().__init__("Someone changed this while Rollcall tested the connection. Nothing was saved: "
                         "look at it again.")


def refuse_overtaken(before: object, now: object) -> None:
    """For the transaction that saves what was tested outside of it: `before` is what was stored before the test, `now`
    what is stored now. Raises Overtaken if they differ."""
    if before != now:
        raise Overtaken


class UnusableReading(Exception):
    """An app or a directory reported something that makes no sense, so none of it is used (rule 1)."""


class TooLong(UnusableReading):
    """PostgreSQL can't index a text: an id or a number of more than about 2,700 bytes."""

    def __init__(self):
        super().__init__("An id or a number is longer than PostgreSQL can index, which is about 2,700 bytes. "
                         "Nothing was changed.")
