"""What a page asks several times is asked once; a transaction always sees the rows as they are."""

from __future__ import annotations

import pytest

from sync.db import writing
from sync.once import once, remembering
from sync.settings import set_setting, setting


@pytest.fixture
def asked() -> list:
    return []


@pytest.fixture
def question(asked):
    @once
    def ask(*words: str) -> str:
        asked.append(words)
        return " ".join(words)

    return ask


def test_each_question_is_asked_once(question, asked):
    with remembering():
        assert [question("a"), question("a"), question("a", "b"), question("a")] == ["a", "a", "a b", "a"]
    assert asked == [("a",), ("a", "b")]


def test_elsewhere_each_is_asked_again(question, asked):
    question("a")
    with remembering():
        question("a")
    with remembering():
        question("a")
    question("a")
    assert len(asked) == 4


def test_an_answer_that_is_an_error_is_not_kept():
    answers = iter([ValueError("not yet"), "now"])

    @once
    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with remembering():
        with pytest.raises(ValueError, match="not yet"):
            ask()
        assert ask() == "now"


@pytest.mark.usefixtures("home")
def test_in_a_transaction_nothing_is_remembered_and_after_it_everything_is_asked_again(question, asked):
    with remembering():
        question("a")
        with writing():
            question("a")
            with writing():
                question("a")
        question("a")
        question("a")
    assert len(asked) == 4


@pytest.mark.usefixtures("home")
def test_a_failed_write_is_cleared_too():
    with remembering():
        assert setting("zone") is None
        with pytest.raises(RuntimeError), writing():
            set_setting("zone", "Europe/Berlin")
            assert setting("zone") == "Europe/Berlin"
            raise RuntimeError
        assert setting("zone") is None
        set_setting("zone", "Asia/Tokyo")
        assert setting("zone") == "Asia/Tokyo"


@pytest.mark.usefixtures("home")
def test_a_page_and_all_else_read_the_same_settings():
    set_setting("kept", 0)
    for read in (lambda: setting("kept", 7), lambda: setting("never kept", 7), lambda: setting("never kept")):
        elsewhere = read()
        with remembering():
            assert read() == elsewhere
    assert [setting("kept", 7), setting("never kept", 7), setting("never kept")] == [0, 7, None]
