"""Values are bound to SQL, and fragments are put into it by f-strings or by functions that return SQL.
A statement that is changed afterwards, by .format, .replace or %, doesn't say what runs."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SQL = re.compile(
    r"\b(SELECT|INSERT (OR \w+ )?INTO|UPDATE \S+ SET|DELETE FROM|FROM [a-z{]|JOIN|WHERE|IS (NOT )?NULL|EXISTS|GROUP BY|"
    r"ORDER BY|CASE (WHEN|[a-z{])|CREATE (TEMP|TABLE|INDEX))\b|\|\| '|\bcoalesce\("
)
CHANGED = ("format", "format_map", "replace", "substitute", "translate")
TEXTS = (ast.Constant, ast.JoinedStr, ast.Dict, ast.Tuple, ast.List, ast.BinOp)
SETS_A_NAME = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)


@functools.cache
def modules() -> dict[str, ast.Module]:
    """Each module of the product, parsed, by its path."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
        for room in ("sync", "web", "cli", "connectors") for path in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in path.parts
    }  # fmt: skip


@functools.cache
def nodes(tree: ast.AST) -> list[ast.AST]:
    """All of it, walked through once."""
    return list(ast.walk(tree))


def holds_sql(node: ast.AST | None) -> bool:
    """Whether it is a text, or several, with SQL in it."""
    return isinstance(node, TEXTS) and any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and SQL.search(part.value)
        for part in ast.walk(node))  # fmt: skip


def names_of_sql(tree: ast.AST) -> set[str]:
    """Names, of the module or in a function, whose text (or texts: of a dictionary, say) are SQL."""
    setting = [node for node in nodes(tree) if isinstance(node, SETS_A_NAME) and holds_sql(node.value)]
    targets = [target for node in setting for target in getattr(node, "targets", None) or [node.target]]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def root(node: ast.AST) -> ast.AST:
    """`WORDS` of `WORDS.get(field, "")` and of `module.WORDS[field]`."""
    while isinstance(node, (ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Attribute) and node.attr in ("get", "strip", *CHANGED):
            node = node.value
    return node


def changed(tree: ast.AST, elsewhere: frozenset[str] = frozenset()) -> Iterator[int]:
    """Lines where SQL is changed. `elsewhere`: names of SQL in other modules, as they may be imported."""
    imported = {alias.asname or alias.name for node in nodes(tree) if isinstance(node, ast.ImportFrom)
                for alias in node.names if alias.name in elsewhere}  # fmt: skip
    known = names_of_sql(tree) | imported
    for node in nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGED:
            text = node.func.value
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            text = node.left
        else:
            continue
        of = root(text)
        known_by_name = isinstance(of, ast.Name) and of.id in known
        if known_by_name or isinstance(of, ast.Attribute) and of.attr in elsewhere or holds_sql(of):
            yield node.lineno


def test_no_sql_is_changed_after_it_was_written():
    names = frozenset().union(*map(names_of_sql, modules().values()))
    elsewhere = frozenset(name for name in names if name.isupper())
    assert [f"{module}:{line}" for module, tree in modules().items() for line in changed(tree, elsewhere)] == []


@pytest.mark.parametrize("code", [
    "run('SELECT {} FROM account'.format(column))",
    "run(f'SELECT 1 FROM account WHERE {x} = 1'.replace('1', '2'))",
    "ONE = 'SELECT {one} FROM account'\nrun(ONE.format(one=1))",
    "def f():\n    said = f'(SELECT 1 FROM {table}) AS said'\n    run(said.replace('?3', '?1'))",
    "EMPTY = {'a': '{0}.a IS NULL'}\nrun(EMPTY.get(field, '').format(account))",
    "WORDS = {'kind': \"CASE {0} WHEN 'user' THEN 1 END\"}\nrun(WORDS[column].format(account))",
    "from sync.directory.preview import PEOPLE\nrun(PEOPLE.format(directory=1))",
    "from sync.directory import preview\nrun(preview.PEOPLE.replace('a', 'b'))",
    "run('SELECT * FROM %s' % table)",
])  # fmt: skip
def test_sql_that_is_changed_is_found(code):
    assert list(changed(ast.parse(code), frozenset({"PEOPLE"}))), code


@pytest.mark.parametrize("code", [
    "run(f'SELECT 1 FROM account WHERE {HELD}', (account.id,))",
    "WORDS = {'remove': 'removed from {}'}\nprint(WORDS[task.kind].format(app.name))",
    "print(name.replace('_', ' '))",
    "connection.execute(sql.SQL(statement).format(**quoted))",
])  # fmt: skip
def test_other_text_may_be(code):
    assert list(changed(ast.parse(code))) == []
