"""Each kind of entry in Activity is shown in plain words, on pages and in files; the stored kind is unchanged."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync import activity, activity_words, log_lines
from sync.activity_words import PLAIN, SHOWN, in_words
from sync.db import writing
from sync.log_lines import Log
from sync.matching import decisions
from sync.models import Activity
from sync.people import people
from sync.reports import group_changes
from sync.tasks import tasks
from tests.plain_english import phrases_in

ROOT = Path(__file__).resolve().parents[2]
RECORDS = {"record": 1, "_record": 1, "_announce": 1, "_set_state": 2, "_end": 1, "_change": 2, "set_state": 2}


def recorded() -> Iterator[str]:
    """Each kind that the code names as a text where it records an entry."""
    for path in (path for room in ("sync", "web", "cli") for path in (ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            place = RECORDS.get(name)
            of_entry = [word.value for word in call.keywords if word.arg == "what" and name == "dict"]
            for value in (call.args[place : place + 1] if place is not None else []) + of_entry:
                yield from kinds_in(value)


def kinds_in(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from kinds_in(value.body)
        yield from kinds_in(value.orelse)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


def kinds() -> list[str]:
    named = {kind for kind in recorded() if " " in kind and not kind.endswith(".")}
    named |= {*decisions.ENTRIES.values(), *people.ENTRIES.values(), *group_changes.CONFIRMED.values()}
    return sorted(named | {*tasks.WORDS.values(), *(f"{words}, by hand" for words in tasks.WORDS.values())})


@pytest.fixture(autouse=True)
def entries_are_whole() -> None:
    """The entries here are made up: no other test looks at them."""


def test_each_recorded_kind_is_known():
    found = kinds()
    assert len(found) > 110, "the records are no longer found in the code"
    assert [kind for kind in found if kind not in PLAIN and kind not in SHOWN] == []


def test_the_words_of_each_kind_are_plain_english():
    wrong = {words for kind in {*PLAIN, *SHOWN} if phrases_in(words := in_words(kind))}
    assert wrong == set()
    assert not [words for words in map(in_words, {*PLAIN, *SHOWN}) if words.startswith(("took ", "made ", "mail "))]
    assert PLAIN.isdisjoint(SHOWN)


def test_an_unknown_kind_of_an_earlier_version_is_shown_as_it_is():
    assert in_words("mended something") == "mended something"


@pytest.mark.parametrize("search", ["put", "put back", "took"])
def test_an_entry_is_found_by_its_words_and_as_it_is_stored(home, search):
    with writing():
        activity.record("Ana", "took back leaving out", about="Bo")
        activity.record("Ana", "sent mail", about="Bo")
    [line], _ = log_lines.lines(Log(search=search))
    assert line.lead.what == "took back leaving out" and activity.verify().ok
    assert [row[2] for row in log_lines.download(Log(search=search))] == ["put back into the report"]
    assert Activity.select().where(Activity.what == "put back into the report").count() == 0


def test_words_find_no_kind_that_lacks_them():
    assert activity_words.kinds_shown_with("zzz") == []
