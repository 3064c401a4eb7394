"""Values in an answer: a missing key isn't an empty value, and an unknown word never counts as good news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base import TemporarilyUnavailable
from connectors.tools.answers import Answer, has, known_status, missing_from, words
from connectors.tools.graphql import error_in
from connectors.tools.redaction import one_line

MEANINGS = {"on": "active", "off": "suspended", True: "active", None: "invited"}


@pytest.mark.parametrize(
    "item,key,there",
    [
        ({"email": ""}, "email", True),
        ({"email": None}, "email", True),
        ({}, "email", False),
        ({"profile": {"email": ""}}, ("profile", "email"), True),
        ({"profile": {}}, ("profile", "email"), False),
        ({"profile": None}, ("profile", "email"), True),
        ({}, ("profile", "email"), False),
        ({"profile": "x"}, ("profile", "email"), False),
    ],
)
def test_a_key_is_there_with_whatever_value(item, key, there):
    assert has(item, key) is there


def test_fields_missing_from_the_answer_are_named():
    item = {"mail": None, "first": "Ana"}
    said_nothing_of = missing_from(item, email=["email", "mail"], name={"first", "last"}, role="role", seat=[])
    assert said_nothing_of == {"name", "role", "seat"}


@pytest.mark.parametrize(
    "word,status",
    [
        ("on", "active"),
        ("off", "suspended"),
        (True, "active"),
        (None, "invited"),
        ("On", "unknown: On"),
        ("active", "unknown: active"),
        (" on\n hold ", "unknown: on hold"),
        ("x" * 100, f"unknown: {'x' * 40}"),
        (7, "unknown: 7"),
        ("", "unknown"),
        ({"state": "on"}, "unknown"),
        (["on"], "unknown"),
    ],
)
def test_a_word_means_what_is_documented_or_is_unknown(word, status):
    assert known_status(word, MEANINGS) == status


def test_an_error_of_millions_of_values_is_not_unpacked():
    """16 million empty lists, in the 50 MB of one answer, took 1.3 GB."""
    answer = Answer(400, {}, b"[" + b"[]," * 2_500_001 + b"[]]", "https://acme.example/", "GET / at acme.example")
    assert answer.json_or_none() is None and words(answer).startswith("[[],")
    with pytest.raises(TemporarilyUnavailable, match="more than 5,000,000 values"):
        error_in(replace(answer, status=200))
    assert error_in(answer) is None
    assert one_line(" " * 100_000 + "x") == ""
