"""Reads each row, column by column, and asks about anything that rows leave open: two addresses in one cell, a person
in several rows, numbers without leading zeros, a last day that the status contradicts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import date, datetime

from connectors.names import email_key, text_key
from connectors.tables import dates
from connectors.tables.columns import Column
from connectors.tables.files import Table
from connectors.tables.layout import Row
from connectors.tables.mapping import Mapping
from connectors.tables.meanings import Meaning, Means, Purpose
from connectors.tables.preset import Preset
from connectors.tables.questions import Choice, Question, QuestionKind, order_for

SHOWN = 5  # lines that a question names
FIRST, LAST = "first", "last"
PAD, AS_WRITTEN = "pad", "as written"
STATUS_COUNTS, DAY_COUNTS = "status", "last day"
MERGE = "merge"
DISAGREE = "statuses disagree"
STAYED, LEFT_EARLY = "active after the last day", "left before the last day"
_STRONGEST = (Means.LEAVE_OUT, Means.LEFT, Means.SUSPENDED, Means.INVITED, Means.ACTIVE)


@dataclass(frozen=True)
class RowValues:
    """One row, by meaning. `status` is the strongest of what its columns say; `roles`: (name, privileged)."""

    line: int
    texts: dict[Meaning, str]
    lists: dict[Meaning, tuple[str, ...]]
    days: dict[Meaning, date | datetime | None]
    status: Means | None
    roles: tuple[tuple[str, bool], ...]
    problem: str = ""  # why the row can't be used
    system: bool = False  # a bot, a service account
    disagree: tuple[str, ...] = ()  # the headers of status columns that say active in one and left in another

    def text(self, meaning: Meaning) -> str:
        return self.texts.get(meaning, "")


class Reader:
    """Reads rows as the resolved columns say; every question about columns must have been answered."""

    def __init__(self, table: Table, purpose: Purpose, mapping: Mapping, columns: list[Column],
                 preset: Preset | None):
        self.table, self.purpose, self.mapping = table, purpose, mapping
        self.columns = [column for column in columns if column.meaning not in (None, Meaning.IGNORE)]
        self.decisions = {**(preset.decisions if preset else {}), **mapping.decisions}
        self.orders = {column.place: order_for(column, table, mapping) for column in self.columns}
        self.width = self._padded_width()

    def rows(self) -> Iterator[RowValues]:
        for row in self.table.rows:
            yield self._values_of(row)

    def column(self, meaning: Meaning) -> Column | None:
        return next((column for column in self.columns if column.meaning is meaning), None)

    def _values_of(self, row: Row) -> RowValues:
        texts: dict[Meaning, str] = {}
        lists: dict[Meaning, tuple[str, ...]] = {}
        days: dict[Meaning, date | datetime | None] = {}
        states: dict[str, Means] = {}
        roles, problem = [], ""
        for column in self.columns:
            cell = row.cells[column.place]
            if column.values:
                self._value(column, cell, states, roles)
            elif column.meaning in (Meaning.LAST_DAY, Meaning.START_DATE):
                days[column.meaning] = dates.day_of(cell, self.orders[column.place])
                if days[column.meaning] is None and not dates.is_none(cell):
                    problem = problem or f"The row in line {row.line} has no usable day in {column.header}: {cell!r}."
            elif column.meaning is Meaning.LAST_ACTIVITY:
                moment = dates.moment_of(cell, self.orders[column.place])
                known = days.get(column.meaning)
                days[column.meaning] = max(filter(None, (moment, known)), default=None)
            elif column.meaning in (Meaning.FURTHER_EMAILS, Meaning.GROUPS):
                values = proxies(cell) if column.meaning is Meaning.FURTHER_EMAILS else several(cell)
                lists[column.meaning] = tuple(dict.fromkeys((*lists.get(column.meaning, ()), *values)))
            else:
                texts[column.meaning] = " ".join(cell.split())
        self._settle(texts, lists)
        disagree = tuple(states) if {Means.ACTIVE, Means.LEFT} <= set(states.values()) else ()
        header = self.decisions.get(DISAGREE) if disagree else None
        decisive = [states[header]] if header in states else states.values()
        status = next((state for state in _STRONGEST if state in decisive), None)
        return RowValues(row.line, texts, lists, days, status, tuple(dict.fromkeys(roles)), problem,
                         Means.SYSTEM in states.values(), disagree)

    def _value(self, column: Column, cell: str, states: dict, roles: list) -> None:
        seen = column.value(cell)
        if seen.means in (Means.PLAIN, Means.PRIVILEGED):
            roles.append((seen.role, seen.means is Means.PRIVILEGED))
        elif seen.means is not Means.NOTHING:
            states[column.header] = seen.means

    def _settle(self, texts: dict[Meaning, str], lists: dict[Meaning, tuple[str, ...]]) -> None:
        """Complete the row: join the name, choose one of several addresses, restore the number's leading zeros."""
        if self.purpose is not Purpose.APP and not texts.get(Meaning.EMAIL):
            texts[Meaning.EMAIL] = email_key(texts.get(Meaning.USER_NAME)) and texts[Meaning.USER_NAME]
        joined = " ".join(filter(None, (texts.get(Meaning.FIRST_NAME), texts.get(Meaning.LAST_NAME))))
        texts[Meaning.NAME] = texts.get(Meaning.NAME) or joined
        addresses = addresses_in(texts.get(Meaning.EMAIL, ""))
        chosen = self.decisions.get("several")
        if len(addresses) > 1 and chosen:
            texts[Meaning.EMAIL] = addresses[0] if chosen == FIRST else addresses[-1]
            others = tuple(address for address in addresses if address != texts[Meaning.EMAIL])
            if self.purpose is not Purpose.APP:
                lists[Meaning.FURTHER_EMAILS] = tuple(dict.fromkeys((*lists.get(Meaning.FURTHER_EMAILS, ()), *others)))
        number = texts.get(Meaning.EMPLOYEE_NUMBER, "")
        if self.width and number.isdecimal():
            texts[Meaning.EMPLOYEE_NUMBER] = number.zfill(self.width)

    def _padded_width(self) -> int:
        return max(map(len, self.numbers()), default=0) if self.decisions.get("numbers") == PAD else 0

    def numbers(self) -> list[str]:
        """The employee numbers that have only digits."""
        column = self.column(Meaning.EMPLOYEE_NUMBER)
        cells = (row.cells[column.place] for row in self.table.rows if column.place < len(row.cells)) if column else ()
        return [cell for cell in cells if cell.isdecimal()]


def several(cell: str) -> tuple[str, ...]:
    """The values of one cell, separated by ; or | or a comma or a line break."""
    return tuple(dict.fromkeys(value.strip() for value in re.split(r"[;|,\n\r]", cell) if value.strip()))


def proxies(cell: str) -> tuple[str, ...]:
    """The e-mail addresses of a cell, also as Exchange writes them: SMTP:ana@acme.example+smtp:al@acme.example+SIP:…"""
    found = [one for part in several(cell) for one in re.split(r"\+(?=\w+:)", part)]
    addresses = (re.sub(r"^smtp:", "", one, flags=re.IGNORECASE) for one in found)
    return tuple(dict.fromkeys(one for one in addresses if not re.match(r"(sip|x500|x400|spo|eum|im):", one, re.I)))


def addresses_in(cell: str) -> list[str]:
    """The addresses of a cell that holds several and nothing else; else []."""
    parts = [part for part in re.split(r"[;|,\s]+", cell) if part]
    return parts if len(parts) > 1 and all(map(email_key, parts)) else []


def about_rows(reader: Reader, rows: list[RowValues], today: date) -> list[Question]:
    """The questions that the rows leave open."""
    return [question for question in (
        _disagreeing(rows), _several_addresses(reader, rows), _numbers(reader), _left_too_early(reader, rows, today),
        _stayed_too_long(reader, rows, today), _repeated(reader, rows),
    ) if question and not reader.decisions.get(question.key)]  # fmt: skip


def _disagreeing(rows: list[RowValues]) -> Question | None:
    found = [row for row in rows if row.disagree]
    if not found:
        return None
    headers = tuple(dict.fromkeys(header for row in found for header in row.disagree))
    return Question(QuestionKind.ROW, DISAGREE,
                    f"{_lines([row.line for row in found])} columns that disagree about whether someone has left: "
                    f"{' and '.join(headers)}. Which counts?",
                    tuple(Choice(header, f"The column {header}") for header in headers),
                    lines=tuple(row.line for row in found[:SHOWN]))  # fmt: skip


def _several_addresses(reader: Reader, rows: list[RowValues]) -> Question | None:
    column = reader.column(Meaning.EMAIL)
    found = [row.line for row in rows if addresses_in(row.text(Meaning.EMAIL))]
    if not found:
        return None
    rest = "" if reader.purpose is Purpose.APP else "; the others are further addresses"
    return Question(QuestionKind.ROW, "several",
                    f"{_lines(found)} more than one e-mail address in {column.header}. Which one counts?",
                    (Choice(FIRST, f"The first{rest}"), Choice(LAST, f"The last{rest}")),
                    column=column.header, lines=tuple(found[:SHOWN]))  # fmt: skip


def _numbers(reader: Reader) -> Question | None:
    numbers = reader.numbers()
    lengths = {len(number) for number in numbers}
    if len(lengths) < 2 or max(lengths) < 4:
        return None
    most = max(lengths)
    short = min(numbers, key=len)
    column = reader.column(Meaning.EMPLOYEE_NUMBER)
    return Question(QuestionKind.ROW, "numbers",
                    f"The numbers in {column.header} have between {min(lengths)} and {most} digits. Has a spreadsheet "
                    "removed their leading zeros?",
                    (Choice(AS_WRITTEN, f"No: {short} is {short}"),
                     Choice(PAD, f"Yes: {short} is {short.zfill(most)}")),
                    column=column.header, samples=tuple(numbers[:3]))  # fmt: skip


def _left_too_early(reader: Reader, rows: list[RowValues], today: date) -> Question | None:
    found = [row.line for row in rows if row.status is Means.LEFT and (day := row.days.get(Meaning.LAST_DAY))
             and day >= today]  # fmt: skip
    if not found:
        return None
    return Question(QuestionKind.ROW, LEFT_EARLY,
                    f"{_lines(found)} a last day that is still to come, but the status of someone who has left. "
                    "Which counts?",
                    (Choice(DAY_COUNTS, "The last day: they are here until then"),
                     Choice(STATUS_COUNTS, "The status: they have already left")),
                    lines=tuple(found[:SHOWN]))  # fmt: skip


def _stayed_too_long(reader: Reader, rows: list[RowValues], today: date) -> Question | None:
    has_status = any(column.meaning is Meaning.STATUS for column in reader.columns)
    found = [row.line for row in rows if has_status and row.status in (Means.ACTIVE, Means.SUSPENDED)
             and (day := row.days.get(Meaning.LAST_DAY)) and day < today]  # fmt: skip
    if not found:
        return None
    return Question(QuestionKind.ROW, STAYED,
                    f"{_lines(found)} a last day that has passed, but the status of someone who is still here. "
                    "Which counts?",
                    (Choice(DAY_COUNTS, "The last day: they have left"),
                     Choice(STATUS_COUNTS, "The status: they are still here, and the day is out of date")),
                    lines=tuple(found[:SHOWN]))  # fmt: skip


def _repeated(reader: Reader, rows: list[RowValues]) -> Question | None:
    for first, other in _same(rows):
        if _essence(first) != _essence(other):
            continue  # the rows contradict each other: they are refused, not asked about
        return Question(QuestionKind.ROW, "repeated",
                        f"Lines {first.line} and {other.line} are both about {name_of(other)}. Does the file have a "
                        "row for each group or role?",
                        (Choice(MERGE, "Yes: combine these rows"),), lines=(first.line, other.line))  # fmt: skip
    return None


def _same(rows: Iterable[RowValues]) -> Iterator[tuple[RowValues, RowValues]]:
    """Pairs of rows about one person or account."""
    known: dict[str, RowValues] = {}
    for row in rows:
        key = identity(row)
        if key and key in known:
            yield known[key], row
        elif key:
            known[key] = row


def identity(row: RowValues) -> str:
    """The row's person: the id, else the address, else the user name."""
    if id := row.text(Meaning.ID):
        return f"id {id}"
    return text_key(row.text(Meaning.EMAIL) or row.text(Meaning.USER_NAME))


def name_of(row: RowValues) -> str:
    return row.text(Meaning.EMAIL) or row.text(Meaning.USER_NAME) or row.text(Meaning.ID)


def _essence(row: RowValues) -> tuple:
    """The values in which rows about one person must agree to be combined."""
    texts = {meaning: text for meaning, text in row.texts.items() if meaning is not Meaning.SEAT}
    days = row.days.get(Meaning.LAST_DAY), row.days.get(Meaning.START_DATE)
    return sorted(texts.items()), days, row.status, row.system


def merged(rows: list[RowValues], decisions: AnyMapping[str, str]) -> list[RowValues]:
    """The rows with those about one person combined, if someone decided that. Rows that contradict each other aren't
    combined."""
    if decisions.get("repeated") != MERGE:
        return rows
    together: dict[str, RowValues] = {}
    for row in rows:
        key = identity(row) or f"line {row.line}"
        first = together.get(key)
        if first is None:
            together[key] = row
        elif _essence(first) == _essence(row):
            lists = {meaning: tuple(dict.fromkeys((*first.lists.get(meaning, ()), *row.lists.get(meaning, ()))))
                     for meaning in {*first.lists, *row.lists}}
            roles = tuple(dict.fromkeys((*first.roles, *row.roles)))
            active = max(filter(None, (one.days.get(Meaning.LAST_ACTIVITY) for one in (first, row))), default=None)
            together[key] = RowValues(first.line, first.texts, lists, {**first.days, Meaning.LAST_ACTIVITY: active},
                                      first.status, roles, first.problem or row.problem, first.system, first.disagree)
        else:
            together[f"{key} line {row.line}"] = row
    return list(together.values())


def _lines(found: list[int]) -> str:
    if len(found) == 1:
        return f"Line {found[0]} has"
    shown = ", ".join(map(str, found[:SHOWN]))
    return f"Lines {shown} have" if len(found) <= SHOWN else f"Lines {shown} and {len(found) - SHOWN:,} more have"
