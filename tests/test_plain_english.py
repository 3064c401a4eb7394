"""Pages, messages, docstrings, comments and papers are in plain English (CONTRIBUTING.md, “Plain English”)."""

from __future__ import annotations

import pytest

from tests.plain_english import Hit, hits, phrases_in, unclear_name


@pytest.fixture(scope="module")
def found() -> list[Hit]:
    return hits()


def test_no_phrase_of_the_stop_list_is_used(found):
    """`python -m tests.plain_english [PATH]` lists them."""
    assert not found, "\n".join(map(str, found))


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
        "What the app said counts.",
        "It doesn't tell when.",
        "Nothing changes meanwhile.",
        "A group went away.",
        "The file that was handed over is used.",
        "It can't be read who has access.",
        "The app goes.",
        "The file is no text.",
        "somebody else",
        "everybody else",
        "They have a seat in the app.",
        "Each act is logged.",
        "Everything stays as it was.",
        "It was removed already.",
        "2 accesses to grant",
        "Slack lets no program remove people.",
        "She is by now the only manager.",
        "It has another address than before.",
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
        "Rollcall tells you when someone has left.",
        "The account stands for a partner.",
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


@pytest.mark.parametrize("line", ["def test_who_left():", "  def test_what_waits_is_listed(self):", "def _who_left():"])
def test_a_name_without_a_subject_is_found(line):
    assert unclear_name(line)


@pytest.mark.parametrize("line", ["def test_a_person_who_has_left():", "def who_am_i():", "def whole():", "def who():"])
def test_a_name_with_a_subject_is_left_alone(line):
    assert not unclear_name(line)
