"""Combines a file with the meanings of its columns: what is understood, which questions are open, and then the rows."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from connectors.base import ColumnsUnclear, Refused
from connectors.counts import plural
from connectors.tables import files
from connectors.tables import mapping as mappings
from connectors.tables.accounts import AccountRow, accounts_of
from connectors.tables.choosing import MustChoose
from connectors.tables.columns import Column, resolve
from connectors.tables.mapping import Mapping
from connectors.tables.meanings import Meaning, Means, Purpose
from connectors.tables.people import PersonRow, people_of
from connectors.tables.questions import Choice, Question, QuestionKind, about_columns
from connectors.tables.rows import STAYED, Reader, about_rows, merged
from connectors.tools.redaction import one_line

REFUSED_SHOWN = 3
LONGEST = 600  # characters of a sentence: the cell that it names may have a megabyte


@dataclass(frozen=True)
class Proposal:
    """What Rollcall makes of a file. With `questions` it can't be applied, and `rows` and `refused` are empty. The
    exception is a question about a last day that has passed: a caller that knows yesterday's list can answer it
    (last_days.py)."""

    purpose: Purpose
    mapping: Mapping  # as it was given
    questions: tuple[Question, ...]
    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()
    row_count: int = 0
    header_line: int = 1
    encoding: str = ""
    separator: str = ""
    preset: str = ""  # the program whose file it looks like
    rows: tuple[PersonRow | AccountRow, ...] = field(default=(), repr=False)
    refused: tuple[tuple[int, str], ...] = ()  # (line, why it can't be read): with one of these, the file isn't used

    @property
    def unread(self) -> tuple[str, ...]:
        """The columns that aren't read."""
        return tuple(column.header for column in self.columns if column.meaning in (None, Meaning.IGNORE))

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Everything that wasn't read, in sentences."""
        columns = (f"Columns that were not read: {', '.join(self.unread)}.",) if self.unread else ()
        return (*self.notes, *columns)

    @property
    def may_be_applied(self) -> bool:
        return not self.questions and not self.refused

    def settled(self) -> str:
        """The mapping with everything that is understood, as JSON, to be stored or edited as a file."""
        columns = {column.header: column.meaning for column in self.columns if column.meaning}
        values, roles = {}, {}
        for column in self.columns:
            known = {seen.value: seen.means for seen in column.values if seen.means and seen.certain}
            if known:
                values[column.header] = known
            named = {seen.value: seen.role for seen in column.values
                     if seen.means in (Means.PLAIN, Means.PRIVILEGED) and seen.role != seen.value}
            if named:
                roles[column.header] = named
        mapping = self.mapping
        return Mapping({**mapping.columns, **columns}, _over(mapping.values, values), _over(mapping.roles, roles),
                       mapping.decisions).to_json()


def _over(earlier: AnyMapping, known: AnyMapping) -> dict:
    """Answers about columns that aren't in this file are kept."""
    names = {mappings.key_of(name) for name in known}
    kept = {name: values for name, values in earlier.items() if mappings.key_of(name) not in names}
    mine = {name: {**{value: word for name_, values_ in earlier.items()
                      if mappings.key_of(name_) == mappings.key_of(name)
                      for value, word in values_.items()
                      if mappings.key_of(value) not in {mappings.key_of(one) for one in values}}, **values}
            for name, values in known.items()}
    return {**kept, **mine}


def propose(content: bytes, purpose: str, mapping: str = "", today: date | None = None) -> Proposal:
    """What the file says, by the kept mapping (JSON, "" for none). Raises Refused for a file or a mapping that can't
    be used at all; `today` is UTC's unless it is given."""
    purpose = Purpose(purpose)
    known = mappings.from_json(mapping, purpose)
    today = today or datetime.now(UTC).date()
    try:
        table = files.read(content, known.decisions)
    except MustChoose as unclear:
        choices = tuple(Choice(answer, label) for answer, label in unclear.choices.items())
        return Proposal(purpose, known, (Question(QuestionKind.FILE, unclear.key, str(unclear), choices),))
    if not table.rows:
        raise Refused("The file lists nobody: there is no row below the header.")
    columns, preset = resolve(table, purpose, known)
    questions, rows, refused = about_columns(table, purpose, known, columns), [], []
    if not questions:
        reader = Reader(table, purpose, known, columns, preset)
        read = list(reader.rows())
        questions = about_rows(reader, read, today)
        if all(question.key == STAYED for question in questions):
            read, decided = merged(read, reader.decisions), reader.decisions
            rows, refused = accounts_of(read) if purpose is Purpose.APP else people_of(read, decided, today, purpose)
    notes = (*table.notes, *_left_out(columns))
    return Proposal(
        purpose, known, tuple(questions), tuple(columns), notes, len(table.rows), table.line, table.encoding,
        table.separator, preset.label if preset else "", tuple(rows) if not refused else (), tuple(refused),
    )  # fmt: skip


def _left_out(columns: list[Column]) -> list[str]:
    """A sentence for each value by which rows were left out."""
    left = [(column.header, seen) for column in columns for seen in column.values if seen.means is Means.LEAVE_OUT]
    return [f"{plural(seen.count, 'row was', 'rows were')} left out because {header} is {seen.value or 'empty'}."
            for header, seen in left]  # fmt: skip


def rows_of(proposal: Proposal, days_are_known: bool = False) -> tuple[PersonRow | AccountRow, ...]:
    """The rows. Raises ColumnsUnclear while a question is open, and Refused if one of the rows can't be used.

    With `days_are_known`, someone who is active in the file although their last day has passed is returned like that.
    """
    if proposal.questions and not (days_are_known and all(question.key == STAYED for question in proposal.questions)):
        first, more = proposal.questions[0], len(proposal.questions) - 1
        rest = f" And {plural(more, 'more question')} about the file." if more else ""
        raise ColumnsUnclear(one_line(first.text, LONGEST) + rest, proposal)
    if proposal.refused:
        reasons = " ".join(one_line(reason, LONGEST) for _line, reason in proposal.refused[:REFUSED_SHOWN])
        more = len(proposal.refused) - REFUSED_SHOWN
        raise Refused(f"{reasons} And {plural(more, 'more row')}." if more > 0 else reasons)
    if not proposal.rows:
        raise Refused("The file lists nobody: every row is left out.")
    return proposal.rows


def answered(purpose: str, mapping: str, answers: AnyMapping[str, str]) -> str:
    """The mapping (JSON) with these answers, by Question.key. Raises Refused for an answer that isn't possible."""
    try:
        return mappings.from_json(mapping, Purpose(purpose)).answered(answers).to_json()
    except (ValueError, KeyError) as problem:
        raise Refused(f"That answer isn't possible: {one_line(str(problem))}.") from problem

