"""The form in which texts are searched: without case and diacritics, each word behind a space.
For searching and likeness only, never to say that two names or addresses are the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from connectors.names import normal

LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe",
                         "þ": "th"})  # fmt: skip
LONGEST = 200  # characters of a search; further ones are ignored
MOST_WORDS = 8


def fold(text: str) -> str:
    """Without case and diacritics."""
    if not text.isascii():
        text = normal("NFKD", text.casefold().translate(LETTERS))
        if not text.isascii():
            text = "".join([letter for letter in text if not unicodedata.combining(letter)])
    return text.casefold()


def text_of(fields: Iterable[str | None]) -> str:
    """What is searched of a row: its fields, each once, such as " jose brandt jose@acme.example"."""
    folded = dict.fromkeys([fold(field) for field in fields if field])
    return " ".join(["", *[word for field in folded for word in _words(field)]])


def words_of(asked: str) -> tuple[str, ...]:
    """The words of a search, each once. Every one of them has to be in the text."""
    return tuple(dict.fromkeys(_words(fold(asked[:LONGEST]))))[:MOST_WORDS]


def contains(text: str, words: Iterable[str]) -> bool:
    """Whether a text of text_of() has all the words."""
    return all(part_of(word) in text for word in words)


def part_of(word: str) -> str:
    """What the text has to contain: one or two letters only count at the beginning of a word."""
    return word if len(word) > 2 or not word.isalnum() else f" {word}"


def _words(folded: str) -> list[str]:
    if not folded.isprintable():
        folded = "".join(sign if sign.isprintable() else " " for sign in folded)
    return folded.split()
