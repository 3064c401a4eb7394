"""One function writes a count and its noun, so that nothing reads “1 updated roles”; an empty value is a word."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sync.words import NONE, plural, price_in_words, value_in_words

ROOT = Path(__file__).resolve().parents[1]
MODULES = [path for room in ("connectors", "sync", "web", "cli") for path in sorted((ROOT / room).rglob("*.py"))
           if "migrations" not in path.parts]  # fmt: skip
NOUNS = ("accounts|people|persons|users|roles|profiles|changes|entries|apps|members|leavers|assets|rows|checks|reports|"
         "tasks|directories|databases|sessions|browsers|removals|invitations|minutes|days|e-mails|groups|"
         "files|others")  # fmt: skip
NO_NUMBERS = ("name", "app_name", "days", "session_idle_minutes", "failures")  # or at least 2
KINDS = "new |removed |updated |more |further |service |unmatched |active "
IN_CODE = re.compile(rf" ({KINDS})?({NOUNS})\b")
IN_A_TEMPLATE = re.compile(rf"(\w+)\(?\)?(?: \| number)? \}}\}} ({KINDS})?({NOUNS})\b")


def test_code_says_counts_by_plural() -> None:
    found = {f"{path.relative_to(ROOT)}:{line}" for path in MODULES for line in by_hand(ast.parse(path.read_text()))}
    assert not found, "“1 accounts”: use sync.words.plural"


def test_templates_say_counts_by_plural() -> None:
    found = {f"{path.relative_to(ROOT)}: {match.group()}" for path in sorted((ROOT / "templates").rglob("*.html"))
             for match in IN_A_TEMPLATE.finditer(path.read_text()) if match[1] not in NO_NUMBERS}  # fmt: skip
    assert not found, "“1 accounts”: use plural(count, noun)"


def by_hand(tree: ast.AST) -> Iterator[int]:
    """Lines of f-strings where a number that may be 1 comes before nouns."""
    texts = [text for text in ast.walk(tree) if isinstance(text, ast.JoinedStr)]
    for value, after in (pair for text in texts for pair in pairwise(text.values)):
        counts = isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant)
        word = ast.unparse(value.value).split(".")[-1] if counts else ""
        if counts and IN_CODE.match(after.value) and not word.isupper() and word not in NO_NUMBERS:  # limits
            yield value.lineno


@pytest.mark.parametrize(("text", "found"), [
    ('f"{n:,} accounts"', True), ('f"{len(x)} new users"', True), ('f"{plural(n, \'account\')} left"', False),
    ('f"{MOST:,} changes"', False), ('f"{by_hand.MOST} changes"', False),
])  # fmt: skip
def test_a_count_by_hand_is_recognized(text: str, found: bool) -> None:
    assert bool(list(by_hand(ast.parse(text)))) is found


def test_one_and_many() -> None:
    assert [plural(count, "updated role") for count in (0, 1, 1200)] == [
        "0 updated roles", "1 updated role", "1,200 updated roles"]  # fmt: skip
    assert plural(1, "person", "people") == "1 person" and plural(2, "person", "people") == "2 people"


@pytest.mark.parametrize(("value", "words"), [
    (None, NONE), ("", NONE), (0, "0"), (False, "off"), (True, "on"), ("Europe/Berlin", "Europe/Berlin"), (875, "875"),
])  # fmt: skip
def test_a_value_in_words(value: object, words: str) -> None:
    assert value_in_words(value) == words


def test_a_price_in_words() -> None:
    assert (price_in_words(None, "€"), price_in_words(875, "€"), price_in_words(0, "€")) == (NONE, "8.75 €", "0.00 €")
