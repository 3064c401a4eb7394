"""The questions that someone must answer before a file is used: about everything that could silently make someone
active, gone or a plain member. A file without open questions may be applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from connectors.counts import plural
from connectors.tables import dates
from connectors.tables.columns import Column
from connectors.tables.files import Table
from connectors.tables.mapping import Mapping, key_of
from connectors.tables.meanings import (
    DATES,
    LABELS,
    LASTING,
    MEANINGS,
    REPEATABLE,
    VALUE_LABELS,
    Meaning,
    Means,
    Purpose,
    choices_for,
)

MOST_VALUES = 40  # of one column that are questions one by one
IDENTIFIERS = {
    Purpose.DIRECTORY: (Meaning.EMAIL,),
    Purpose.IMPORT: (Meaning.EMAIL,),
    Purpose.APP: (Meaning.EMAIL, Meaning.USER_NAME, Meaning.ID),
}


class QuestionKind(StrEnum):
    """What a question is about.
    NEEDED: a column that must be there; MISSING: one that earlier lists had."""

    FILE = "file"
    NEEDED = "needed"
    MISSING = "missing"
    COLUMN = "column"
    VALUE = "value"
    DATES = "dates"
    ROW = "row"


@dataclass(frozen=True)
class Choice:
    """One possible answer: the value that is stored, and the text that a person reads."""

    answer: str
    label: str


@dataclass(frozen=True)
class Question:
    """`key`: by which Mapping.answered() takes the answer. `guess`: the likely answer, or ""."""

    kind: QuestionKind
    key: str
    text: str
    choices: tuple[Choice, ...] = ()
    guess: str = ""
    column: str = ""
    value: str = ""
    samples: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()

    @property
    def place(self) -> tuple[str, ...]:
        """The path of the answer in the JSON of the mapping."""
        if self.kind == QuestionKind.VALUE:
            return "values", self.column, self.value
        if self.kind in (QuestionKind.COLUMN, QuestionKind.MISSING):
            return "columns", self.column
        return ("columns", "(the column's name)") if self.kind == QuestionKind.NEEDED else ("decisions", self.key)

    @property
    def doubts_the_file(self) -> bool:
        """Whether this may be the wrong file."""
        return self.kind in (QuestionKind.FILE, QuestionKind.NEEDED)


def about_columns(table: Table, purpose: Purpose, mapping: Mapping, columns: list[Column]) -> list[Question]:
    """About columns, their values and their dates. Questions about rows come once these are answered."""
    return [*_twice(columns, purpose), *_needed(table, purpose, columns), *_missing(purpose, mapping, columns),
            *_unread(columns, purpose),
            *_values(columns, purpose), *_dates(table, mapping, columns)]  # fmt: skip


def _needed(table: Table, purpose: Purpose, columns: list[Column]) -> Iterator[Question]:
    wanted = IDENTIFIERS[purpose]
    if any(column.meaning in wanted for column in columns):
        return
    named = "email, username or id" if purpose is Purpose.APP else "email"
    yield Question(QuestionKind.NEEDED, f"needed:{wanted[0]}",
                   f"The header in line {table.line} has no column named {named}.{header_words(table.header)} "
                   "Choose the column that has it.",
                   tuple(Choice(column.header, column.header) for column in columns))  # fmt: skip


def _missing(purpose: Purpose, mapping: Mapping, columns: list[Column]) -> Iterator[Question]:
    """A column that earlier lists had. Imports aren't asked, because each of their lists may be a different one."""
    here = {key_of(column.header) for column in columns}
    for header, meaning in mapping.columns.items() if purpose is not Purpose.IMPORT else ():
        instead = any(column.meaning is meaning and not column.decided for column in columns)
        if meaning in LASTING and key_of(header) not in here and not instead:
            yield Question(QuestionKind.MISSING, f"missing:{header}",
                           f"The column {header} ({_word(meaning)}) is no longer in the file. If that is a mistake, "
                           "export the file again.",
                           (Choice("gone", "It isn't exported any longer: continue without it"),), column=header)


def header_words(header: Iterable[str]) -> str:
    """The header's names for a message, if they look like names: in a wrong file, the first line may hold a secret."""
    header = list(header)
    if len(header) > 1 and all(re.fullmatch(r"[^\W\d_][\w .()-]{0,29}", title) for title in header):
        return f" Its columns are: {', '.join(header)}."
    return ""


def _twice(columns: list[Column], purpose: Purpose) -> Iterator[Question]:
    for meaning in MEANINGS[purpose]:
        same = [column for column in columns if column.meaning is meaning]
        if meaning in REPEATABLE or len(same) < 2:
            continue
        names = ", ".join(column.header for column in same)
        for column in same:
            text = f"More than one column may be the {_word(meaning)}: {names}. What is {column.header}?"
            yield _about(column, purpose, text)


def _word(meaning: Meaning) -> str:
    return "email" if meaning is Meaning.EMAIL else LABELS[meaning].lower()


def _about(column: Column, purpose: Purpose, text: str) -> Question:
    choices = tuple(Choice(str(meaning), LABELS[meaning]) for meaning in MEANINGS[purpose])
    likely = column.likely if column.likely in MEANINGS[purpose] else None
    return Question(QuestionKind.COLUMN, column.key, text, choices, str(likely or ""), column.header,
                    samples=column.samples)  # fmt: skip


def _unread(columns: list[Column], purpose: Purpose) -> Iterator[Question]:
    for column in columns:
        if column.meaning is None and column.looks_like:
            yield _about(column, purpose, f"The column {column.header} looks like a {column.looks_like}, but it "
                                          "isn't read. Choose what it is, or that it isn't needed.")
        elif column.meaning is not None and len(_unknown(column)) > MOST_VALUES:
            many = f"{len(column.values):,} different values, too many for a {_word(column.meaning)}"
            yield _about(column, purpose, f"The column {column.header} has {many}. Choose what it is.")


def _unknown(column: Column) -> list:
    return [seen for seen in column.values if not seen.certain]


def _values(columns: list[Column], purpose: Purpose) -> Iterator[Question]:
    for column in columns:
        unknown = _unknown(column)
        if len(unknown) > MOST_VALUES:
            continue
        choices = tuple(Choice(str(means), _label(means, purpose)) for means in choices_for(column.meaning, purpose))
        for seen in unknown:
            shown = f"has the {_word(column.meaning)} “{seen.value}”" if seen.value else "is empty"
            rows = plural(seen.count, "row")
            yield Question(QuestionKind.VALUE, seen.key,
                           f"The column {column.header} {shown} in {rows}. What does it mean?",
                           choices, str(seen.means or ""), column.header, seen.value)


def _label(means: Means, purpose: Purpose) -> str:
    return "Leave the row out" if means is Means.LEAVE_OUT and purpose is not Purpose.APP else VALUE_LABELS[means]


def _dates(table: Table, mapping: Mapping, columns: list[Column]) -> Iterator[Question]:
    for column in columns:
        if column.meaning not in DATES or mapping.decision(dates_key(column)):
            continue
        cells = [row.cells[column.place] for row in table.rows if column.place < len(row.cells)]
        if dates.order_of(cells) == "?":
            odd = next((cell for cell in cells if dates.order_of([cell]) == "?"), column.samples[0])
            yield Question(QuestionKind.DATES, dates_key(column),
                           f"The column {column.header} has dates that can be read in two ways, such as {odd}. "
                           "Which number is the day?",
                           (Choice(dates.DAY_FIRST, f"The first{_so(odd, dates.DAY_FIRST)}"),
                            Choice(dates.MONTH_FIRST, f"The second{_so(odd, dates.MONTH_FIRST)}")),
                           column=column.header, samples=column.samples)  # fmt: skip


def _so(text: str, order: str) -> str:
    day = dates.day_of(text, order)
    return f": {day:%d %b %Y}" if day else ""


def dates_key(column: Column) -> str:
    return f"dates:{key_of(column.header)}"


def order_for(column: Column, table: Table, mapping: Mapping) -> str:
    """The question which number of this column's dates is the day."""
    cells = [row.cells[column.place] for row in table.rows if column.place < len(row.cells)]
    order = dates.order_of(cells)
    return order if order in (dates.DAY_FIRST, dates.MONTH_FIRST) else mapping.decision(dates_key(column))
