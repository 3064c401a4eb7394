"""What sync/staging declares about its TEMP tables is what the code does: who creates, writes and reads each."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from sync.db import db
from sync.staging import check, directory
from sync.staging.tables import Table
from tests.database import ON_FILE, ON_SERVER, temporary_tables, temporary_tables_with_rows
from tests.sync.fixtures import Chat

SYNC = Path(__file__).resolve().parents[3] / "sync"
CONSTANTS = {
    f"{module.__name__.rpartition('.')[2]}.{constant}": {
        table.name for table in (value if isinstance(value, tuple) else (value,))}
    for module in (check, directory) for constant, value in vars(module).items() if constant.isupper()
}  # fmt: skip
TABLES = {table.name: table for module in (check, directory) for table in vars(module).values()
          if isinstance(table, Table)}  # fmt: skip
INSERTING = ("insert", "insert_columns")
READING = ("has_rows", "was_given")
USE = re.compile(rf"\b(FROM|JOIN|INTO|UPDATE|DELETE FROM)\s+(?:temp\.)?({'|'.join(TABLES)})\b")


@functools.cache
def modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(SYNC).with_suffix("").parts): ast.parse(path.read_text())
        for path in sorted(SYNC.rglob("*.py")) if not {"migrations", "staging"} & set(path.parts)
    }  # fmt: skip


def texts(tree: ast.AST) -> Iterator[str]:
    """Each text of a module, what is put into it as {}; its docstrings as well, which hold no SQL."""
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def known_in(tree: ast.AST) -> dict[str, set[str]]:
    """The tables behind each expression that names some in this module: by what it imports from sync/staging."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "sync.staging":
            for module in {alias.name for alias in node.names} & {"check", "directory"}:
                found |= {word: tables for word, tables in CONSTANTS.items() if word.startswith(f"{module}.")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sync.staging."):
            module = node.module.rpartition(".")[2]
            found |= {alias.name: CONSTANTS.get(f"{module}.{alias.name}", set()) for alias in node.names}
    return found


def uses(tree: ast.AST) -> dict[str, set[str]]:
    """The tables that a module creates, writes and reads."""
    found = defaultdict(set)
    for text in texts(tree):
        subqueries = set(re.findall(r"(\w+) AS (?:MATERIALIZED )?\(", text))
        for word, table in USE.findall(text):
            if table not in subqueries:
                found["reads" if word in ("FROM", "JOIN") else "writes"].add(table)
    known, making = known_in(tree), set()

    def named(nodes: Iterable[ast.AST]) -> set[str]:
        words = [ast.unparse(node) for node in nodes if isinstance(node, (ast.Name, ast.Attribute))]
        return set().union(*(known.get(word, ()) for word in words))

    for node in ast.walk(tree):
        if (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("tables.")
                and node.func.attr not in READING):  # fmt: skip
            # In these, its query or rows come after the table.
            tables = node.args[:1] if node.func.attr in ("fill", *INSERTING) else node.args
            making |= {part for given in [*tables, *node.keywords] for part in ast.walk(given)}
            if node.func.attr not in ("empty", "end"):
                how = "writes" if node.func.attr in INSERTING else "creates"
                found[how] |= named(part for given in tables for part in ast.walk(given))
    found["reads"] |= named(set(ast.walk(tree)) - making)
    return found


@functools.cache
def all_uses() -> dict[str, dict[str, set[str]]]:
    return {module: uses(tree) for module, tree in modules().items()}


def using(how: str, table: Table) -> set[str]:
    return {module for module, used in all_uses().items() if table.name in used[how]}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_table_is_created_written_and_read_where_it_is_declared_to_be(table):
    assert using("creates", table) == {table.owner}
    assert using("writes", table) - {table.owner} == set(table.writers)
    assert using("reads", table) - {table.owner, *table.writers} == set(table.readers)


def test_no_table_hides_one_of_the_database(home):
    """Those on the file stay with a connection that pages use, too."""
    assert not set(TABLES) & set(db.get_tables())


def test_only_the_databases_make_and_drop_a_table():
    making = re.compile(r"\bCREATE\s+(TEMP|INDEX temp)|\bDROP\s+TABLE\b")
    found = {module for module, tree in modules().items() for text in texts(tree) if making.search(text)}
    assert found == {"sqlite_file", "postgres.database"}


@pytest.mark.parametrize("code, used", [
    ("sql = 'SELECT 1 FROM found f'", {"reads": {"found"}}),
    ("sql = f'{WITH} JOIN temp.wanted ON {x}'", {"reads": {"wanted"}}),
    ("sql = f'''INSERT OR IGNORE INTO read_moved\n SELECT 1'''", {"writes": {"read_moved"}}),
    ("sql = 'DELETE FROM differing'", {"writes": {"differing"}}),
    ("sql = 'WITH found AS (SELECT 1) SELECT 2 FROM found'", {}),
    ("from sync.staging import check, tables\ntables.fill(check.TO_MATCH, query)", {"creates": {"to_match"}}),
    ("from sync.staging import check, tables\ntables.insert(check.FOUND, rows)", {"writes": {"found"}}),
    ("from sync.staging.check import COVERED\nsql = f'SELECT 1 FROM {COVERED.name}'", {"reads": {"covered"}}),
], ids=str)  # fmt: skip
def test_a_use_is_seen(code, used):
    found = uses(ast.parse(code))
    assert {how: tables for how, tables in found.items() if tables} == used


def test_a_check_leaves_no_row_in_its_tables(chat: Chat):
    chat.check()
    assert temporary_tables_with_rows(db) == set()


@ON_FILE
def test_a_second_check_lets_sqlite_compile_no_statement_again(chat: Chat):
    chat.check()
    before = temporary_schema()
    chat.check()
    assert temporary_schema() == before


def temporary_schema() -> int:
    """Changes with each CREATE and DROP: https://www.sqlite.org/pragma.html#pragma_schema_version"""
    return db.execute_sql("PRAGMA temp.schema_version").fetchone()[0]


@ON_SERVER
def test_on_a_server_a_check_drops_its_tables(chat: Chat):
    chat.check()
    assert temporary_tables(db) == set()
