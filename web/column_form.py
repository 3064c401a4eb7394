"""The form of a file's columns: which controls it shows, and what a browser answered with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask

from connectors.tables.meanings import LABELS, MEANINGS, VALUE_LABELS, Meaning, Means, choices_for

if TYPE_CHECKING:
    from connectors import Proposal

NOT_READ = "Not read"
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def sections(found: Proposal) -> dict[str, Any]:
    """`columns`: each with its choices; `valued`: those whose values are asked about, with theirs. What is an open
    question is asked at the top alone."""
    asked = {question.key for question in found.questions}
    meanings = [("", NOT_READ), *((str(meaning), LABELS[meaning]) for meaning in MEANINGS[found.purpose])]
    rows = [{"column": column, "asked": column.key in asked, "meaning": str(column.meaning or ""),
             "word": LABELS[column.meaning] if column.meaning else NOT_READ} for column in found.columns]
    valued = [{"column": column, "values": [_value(seen, column.meaning, asked) for seen in column.values],
               "choices": [(str(means), VALUE_LABELS[means]) for means in choices_for(column.meaning, found.purpose)]}
              for column in found.columns if column.values]
    return {"rows": rows, "valued": valued, "meanings": meanings}


def install(app: Flask) -> None:
    app.jinja_env.filters.update(separator=lambda sign: SEPARATORS.get(sign, sign),
                                 pairs=lambda choices: [(choice.answer, choice.label) for choice in choices])


def _value(seen: Any, meaning: Meaning, asked: set[str]) -> dict[str, Any]:
    named = meaning in (Meaning.ROLE, Meaning.STATUS_AND_ROLE) and seen.means in (Means.PLAIN, Means.PRIVILEGED)
    return {"seen": seen, "asked": seen.key in asked, "means": str(seen.means or ""), "named": named}


def answers_of(form: Mapping[str, str], found: Proposal, questions: bool = True) -> dict[str, str]:
    """What the browser sent that is new: an answer to a question, or another word for a column or a value.

    `questions` False leaves out the answers to questions: a likely one that stands there was not confirmed yet.
    """
    now = {column.key: str(column.meaning or "") for column in found.columns}
    now |= {seen.key: str(seen.means or "") for column in found.columns for seen in column.values}
    now |= {seen.role_key: seen.role for column in found.columns for seen in column.values}
    asked = {question.key for question in found.questions}
    answers = {}
    for key, value in form.items():
        if key in asked:
            answers |= {key: value} if value and questions else {}
        elif key in now and value.strip() != now[key]:
            answers[key] = value.strip()
    return answers
