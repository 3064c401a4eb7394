"""Pages, messages, docstrings, comments and papers are in plain English (CONTRIBUTING.md, “Plain English”)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.plain_english import Hit, hits, phrases_in

# How many hits are left in rooms that aren't rewritten yet. A number may only get smaller; at 0 its line is deleted.
# `python -m tests.plain_english [PATH]` lists the hits and counts them by room.
LEFT = {
    "connectors": 38,
    "sync": 7,
}


@pytest.fixture(scope="module")
def found() -> list[Hit]:
    return hits()


def test_no_phrase_of_the_stop_list_is_added(found):
    rooms = Counter(hit.room for hit in found)
    over = sorted(room for room, number in rooms.items() if number > LEFT.get(room, 0))
    numbers = [f"{room}: {rooms[room]} found, {LEFT.get(room, 0)} allowed" for room in over]
    assert not over, "\n".join([*numbers, *(str(hit) for hit in found if hit.room in over)])


def test_the_numbers_left_are_no_larger_than_what_is_found(found):
    rooms = Counter(hit.room for hit in found)
    smaller = {room: rooms[room] for room, allowed in LEFT.items() if rooms[room] < allowed}
    assert not smaller, f"well done: write these numbers into LEFT, and delete a room at 0: {smaller}"


@pytest.mark.parametrize(
    "text",
    [
        "Rollcall tries again by itself.",
        "Roles are taken over.",
        "4 wait for a yes.",
        "No group gives it any more.",
        "It is read anew.",
        "Who left is never removed.",
        "Who stays unmatched is never removed.",
        "What no group gives is reported.",
        "Whoever has it may sign in.",
        "The owner is told.",
        "The app goes.",
        "The file is no text.",
        "somebody else",
        "They have a seat in the app.",
        "Each act is logged.",
        "Everything stays as it was.",
        "It is read first; it is compared then; it is written last.",
    ],
)
def test_a_wrong_phrase_is_found(text):
    assert phrases_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "What happened",
        "What the app returned, and when.",
        "Who is signed in.",
        "Who asked for it?",
        "He said that it works.",
        "There is no such app.",
        "It is no longer there.",
        "This goes to the outbox.",
        "It costs more than any more pages would.",
        "People who have left are removed after approval.",
        "A seat costs 8 EUR a month.",
        "Before it acts as an Owner, it checks.",
        "The mail server takes a mail address.",
    ],
)
def test_right_english_is_left_alone(text):
    assert not phrases_in(text)
