"""The few words that SQLite and PostgreSQL name differently, in statements that are written for both.
Quoted text, quoted names and comments are never changed."""

from __future__ import annotations

import functools
import re

WORDS = {
    "json_array(": "jsonb_build_array(",
    "json_object(": "jsonb_build_object(",
    "group_concat(": "string_agg(",
    "rowid": "ctid",  # of a TEMP table, within one statement
    "INTEGER": "BIGINT",  # SQLite's has 64 bits too
}
COLUMNS = {"INT": "BIGINT", "TEXT": 'TEXT COLLATE "C"', "BLOB": "BYTEA"}  # compared byte by byte, as SQLite does
_TOKEN = re.compile(
    r"""
    '(?:[^']|'')*'                                        # text
    | "(?:[^"]|"")*"                                      # a name
    | --[^\n]*
    | ::\w+                                               # a cast, or else it would look like a named value
    | :(?P<named>[A-Za-z_]\w*) | \?(?P<number>\d*) | %s | %
    | \bCROSS\ JOIN(?=\s+\w+(?:\s+(?:AS\s+)?\w+)?\s+ON\b) # for SQLite, an order; PostgreSQL allows no ON there
    | (?<=\bAND\ )\+(?=[a-z])                             # for SQLite, a column whose index is not to be used
    | (?<=\.)rowid\b
    | \b(?:json_array\(|json_object\(|group_concat\(|INTEGER\b)
    """,
    re.VERBOSE,
)
_COLUMN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|VARCHAR\(\d+\)|\b(?:INT|TEXT|BLOB)\b|\s+WITHOUT ROWID"""
                     r"|(?<=BOOLEAN NOT NULL )DEFAULT 0")  # fmt: skip
_TABLE = re.compile(r"\s*(?:CREATE (?:TEMP )?TABLE|ALTER TABLE \S+ ADD COLUMN)\b")


@functools.cache
def translated(sql: str) -> str:
    """The statement as psycopg takes it: ? is %s, ?1 is %(p1)s, :name is %(name)s, and a % is %%."""
    if _TABLE.match(sql):
        sql = _COLUMN.sub(_column, sql)
    return _TOKEN.sub(_one, sql)


def _one(match: re.Match) -> str:
    text = match.group()
    if match["named"]:
        return f"%({match['named']})s"
    if match["number"]:
        return f"%(p{match['number']})s"
    if text == "?":
        return "%s"
    if text == "CROSS JOIN":
        return "JOIN"
    if text == "+":
        return ""
    return text if text == "%s" else WORDS.get(text) or text.replace("%", "%%")


def _column(match: re.Match) -> str:
    text = match.group()
    if text.startswith("VARCHAR"):  # SQLite doesn't mind the length either
        return COLUMNS["TEXT"]
    if text == "DEFAULT 0":
        return "DEFAULT FALSE"
    return "" if "ROWID" in text else COLUMNS.get(text, text)


def numbered(values: tuple) -> dict[str, object]:
    """The values of ?1, ?2 … by the names that translated() gives them."""
    return {f"p{place}": value for place, value in enumerate(values, 1)}
