"""Decides what each column of a table means: by an earlier answer, by a known program, or by its name alone.
An unknown column isn't read. If it may matter, it becomes a question (questions.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from connectors.base import Refused
from connectors.names import email_key
from connectors.tables import presets
from connectors.tables.files import Table
from connectors.tables.mapping import Mapping, allowed, key_of, value_key
from connectors.tables.meanings import MEANINGS, REPEATABLE, VALUED, Meaning, Means, Purpose
from connectors.tables.preset import ANY, Preset
from connectors.tables.words import (
    ALIASES,
    bare,
    kind_means,
    likely_meaning,
    looks_like,
    meaning_of,
    role_means,
    role_name,
    status_means,
)

SAMPLES = 3
DECISIVE = frozenset({Meaning.EMAIL, Meaning.ID, Meaning.EMPLOYEE_NUMBER, Meaning.LAST_DAY})


@dataclass(frozen=True)
class ValueSeen:
    """A value of a column whose values decide something. `means`: None until someone has answered."""

    value: str
    count: int
    means: Means | None
    certain: bool  # False: a likely answer that someone must confirm
    role: str  # the role's name, where it is one
    key: str  # of the answer
    role_key: str  # of the role's other name


@dataclass(frozen=True)
class Column:
    """One column of the file. `meaning`: None if the column isn't read."""

    header: str
    place: int
    meaning: Meaning | None
    decided: bool  # by a person; False: guessed
    looks_like: str  # "status", "role", "last day", "manager": what a column that isn't read may be, or ""
    samples: tuple[str, ...]  # its first values
    likely: Meaning | None = None  # the likely meaning, by its values, of a column that isn't read: to be confirmed
    values: tuple[ValueSeen, ...] = ()
    filled: int = 0  # rows with a value in it

    @property
    def key(self) -> str:
        """The key of the answer that says what the column means."""
        return f"column:{self.header}"

    def value(self, cell: str) -> ValueSeen | None:
        return self._by_key.get(key_of(cell))

    @cached_property
    def _by_key(self) -> dict[str, ValueSeen]:
        return {key_of(seen.value): seen for seen in self.values}


def resolve(table: Table, purpose: Purpose, mapping: Mapping) -> tuple[list[Column], Preset | None]:
    """Each column with the meaning that is known so far, and the program whose file this looks like."""
    preset = presets.recognise(table.header, purpose)
    known = list(_described(table, purpose, mapping, preset))
    _refuse_cut_short(table, known)
    settled = _one_of_each(known, purpose, preset)
    return [_with_values(column, table, purpose, mapping, preset) for column in settled], preset


def _described(table: Table, purpose: Purpose, mapping: Mapping, preset: Preset | None) -> Iterator[Column]:
    for place, header in enumerate(table.header):
        decided_meaning = mapping.meaning(header)
        cells = [row.cells[place] for row in table.rows if place < len(row.cells) and row.cells[place]]
        guess = preset.meaning(header) if preset else None
        if guess is Meaning.EMAIL and not (cells and all(map(email_key, cells))) and header not in preset.signs:
            guess = Meaning.IGNORE  # a name for signing in: an address with some providers, with others not
        meaning = decided_meaning or guess or meaning_of(header, purpose)
        likely = likely_meaning(looks_like(header, purpose), cells, purpose) if meaning is None else None
        if bare(header) == "state" and likely is Meaning.STATUS:
            meaning = likely  # of work; the federal ones have other values
        if meaning not in MEANINGS[purpose]:
            meaning = None
        samples = tuple(dict.fromkeys(cells))[:SAMPLES]
        looks = "" if meaning else looks_like(header, purpose)
        yield Column(header, place, meaning, decided_meaning is not None, looks, samples, likely, filled=len(cells))


def _refuse_cut_short(table: Table, columns: list[Column]) -> None:
    """A row that ends before a column that counts, or the last row where it alone is shorter than the header."""
    needed = max((column.place for column in columns if column.meaning or column.looks_like), default=0)
    full = all(len(row.cells) >= len(table.header) for row in table.rows[:-1])
    for row in table.rows:
        short = len(row.cells) <= needed or full and row is table.rows[-1] and len(row.cells) < len(table.header)
        if short and len(table.header) > 1:
            raise Refused(f"The row in line {row.line} is cut short: it has {len(row.cells)} columns, fewer than the "
                          "header.")


def _one_of_each(columns: list[Column], purpose: Purpose, preset: Preset | None) -> Iterator[Column]:
    """Of two columns with the same guessed meaning, the one with the better name keeps it. If the meaning decides who
    someone is, it becomes a question."""
    for column in columns:
        rivals = [other for other in columns if other.meaning == column.meaning and other is not column]
        if column.decided or column.meaning is None or column.meaning in REPEATABLE or not rivals:
            yield column
        elif column.meaning in DECISIVE:
            without = replace(column, meaning=None, looks_like=looks_like(column.header, purpose))
            yield without if any(other.decided for other in rivals) else column
        else:
            best = min([column, *rivals], key=lambda one: (not one.decided, *_rank(one, purpose, preset), one.place))
            yield column if best is column else replace(column, meaning=None)


def _rank(column: Column, purpose: Purpose, preset: Preset | None) -> tuple[int, int]:
    """How well the name fits the meaning: names of the program's own file come first, then those of words.py in their
    order."""
    own = list(map(key_of, preset.columns)) if preset else []
    names = [key_of(name) for name in ALIASES[purpose].get(column.meaning, ())]
    return _place(own, key_of(column.header)), _place(names, bare(column.header))


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _with_values(column: Column, table: Table, purpose: Purpose, mapping: Mapping, preset: Preset | None) -> Column:
    if column.meaning not in VALUED:
        return column
    spelled: dict[str, str] = {}
    counted: Counter[str] = Counter()
    for row in table.rows:
        cell = row.cells[column.place]
        spelled.setdefault(key_of(cell), " ".join(cell.split()))
        counted[key_of(cell)] += 1
    seen = [_seen(column, spelled[key], count, purpose, mapping, preset) for key, count in counted.most_common()]
    return replace(column, values=tuple(seen))


def _seen(column: Column, value: str, count: int, purpose: Purpose, mapping: Mapping, preset: Preset | None):
    means, certain = allowed(mapping, column.header, value, column.meaning, purpose), True
    if means is None and value:
        means = allowed(mapping, column.header, ANY, column.meaning, purpose)
    if means is None and preset:
        means = preset.means(column.header, value)
    if means is None:
        means, certain = _guess(column, value, purpose)
    role = mapping.role(column.header, value) or role_name(column.header, value)
    return ValueSeen(value, count, means, certain and means is not None, role, value_key(column.header, value),
                     value_key(column.header, value, "role"))


def _guess(column: Column, value: str, purpose: Purpose) -> tuple[Means | None, bool]:
    if column.meaning is Meaning.STATUS:
        return status_means(column.header, value, purpose)
    if column.meaning is Meaning.ROLE:
        return role_means(column.header, value)
    return kind_means(column.header, value, purpose)
