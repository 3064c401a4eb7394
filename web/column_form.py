"""The form of a file's columns: which controls it shows, and what a browser answered with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.tables.meanings import LABELS, MEANINGS, VALUE_LABELS, choices_for
from web.words import number, plural

if TYPE_CHECKING:
    from connectors import Proposal

NOT_READ = "Not read"
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
REASONS_SHOWN = 5
Choices = list[tuple[str, str]]


@dataclass(frozen=True)
class Question:
    """Something that must be answered before the file is used; `guess` is the likely answer, "" for none."""

    key: str
    text: str
    samples: tuple[str, ...]
    choices: Choices
    guess: str


@dataclass(frozen=True)
class ColumnRow:
    """A column with its meaning; `asked` where a question at the top is about it."""

    key: str
    header: str
    label: str
    samples: tuple[str, ...]
    meaning: str
    asked: bool


@dataclass(frozen=True)
class ValueRow:
    key: str
    value: str
    label: str
    count: int
    means: str
    asked: bool


@dataclass(frozen=True)
class Values:
    """The values of one column."""

    title: str
    choices: Choices
    rows: list[ValueRow]


@dataclass(frozen=True)
class Form:
    title: str
    preset: str
    notes: list[str]
    unread: tuple[str, ...]
    refusal: str
    refused: list[str]
    questions: list[Question]
    meanings: Choices
    rows: list[ColumnRow]
    valued: list[Values]
    outcome: str
    next_step: str
    is_ready: bool


def form_of(found: Proposal) -> Form:
    asked = {question.key for question in found.questions}
    outcome, next_step = _outcome(found)
    refusal = f"{plural(len(found.refused), 'row')} can't be read, so the file isn't used." if found.refused else ""
    return Form(
        plural(found.row_count, "row"), found.preset, [*_how_read(found), *found.notes], found.unread, refusal,
        _reasons(found), [_question(question) for question in found.questions],
        [("", NOT_READ), *((str(meaning), LABELS[meaning]) for meaning in MEANINGS[found.purpose])],
        [_column(column, asked) for column in found.columns],
        [_values(found, column, asked) for column in found.columns if column.values],
        outcome, next_step, found.may_be_applied,
    )  # fmt: skip


def _how_read(found: Proposal) -> list[str]:
    if not found.encoding:
        return []
    separator = SEPARATORS.get(found.separator, found.separator)
    separated = f", with columns separated by {separator}" if separator else ""
    return [f"Read as {found.encoding}{separated}. The header is on line {found.header_line}."]


def _reasons(found: Proposal) -> list[str]:
    reasons = [reason for _line, reason in found.refused[:REASONS_SHOWN]]
    more = len(found.refused) - REASONS_SHOWN
    return reasons + ([f"And {number(more)} more."] if more > 0 else [])


def _question(question: Any) -> Question:
    choices = [(choice.answer, choice.label) for choice in question.choices]
    return Question(question.key, question.text, question.samples, choices, question.guess)


def _column(column: Any, asked: set[str]) -> ColumnRow:
    return ColumnRow(column.key, column.header, f"What is {column.header}?", column.samples, str(column.meaning or ""),
                     column.key in asked)


def _values(found: Proposal, column: Any, asked: set[str]) -> Values:
    choices = [(str(means), VALUE_LABELS[means]) for means in choices_for(column.meaning, found.purpose)]
    rows = [
        ValueRow(seen.key, seen.value or "(empty)", f"What does {seen.value or 'an empty cell'} mean?", seen.count,
                 str(seen.means or ""), seen.key in asked)
        for seen in column.values
    ]  # fmt: skip
    return Values(f"Values of {column.header}", choices, rows)


def _outcome(found: Proposal) -> tuple[str, str]:
    """Whether the file can be used, and what to do if it can't."""
    if found.may_be_applied:
        return f"{number(len(found.rows))} of {plural(found.row_count, 'row')} will be used", ""
    if found.refused:
        return "The file can't be used yet", "Nothing was changed."
    return "Not ready yet", "Answer the questions above first. Nothing was changed."


def answers_of(form: Mapping[str, str], found: Proposal, questions: bool = True) -> dict[str, str]:
    """What the browser sent that is new: an answer to a question, or another meaning of a column or a value.

    `questions` False leaves out the answers to questions: a likely one may be selected that nobody has confirmed yet.
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
