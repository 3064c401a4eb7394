"""Statements decide which row comes first, never the database: PostgreSQL keeps no order of its own, and puts
NULLs last where SQLite puts them first."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

import pytest
from peewee import Field, Model, ModelIndex

from sync import models
from tests.test_sql import modules, nodes

MODELS = {model.__name__: model for model in models.Base.__subclasses__()}
COLUMNS: dict[str, set[bool]] = {}
for _model in MODELS.values():
    for _field in _model._meta.sorted_fields:
        COLUMNS.setdefault(_field.column_name, set()).add(bool(_field.null))

# Terms of ORDER BY that may be NULL, as far as the name says, and why the order doesn't depend on it.
NEVER_NULL = {
    "sync/apps/member_list.py": {"Person.department": "NULL is left out"},
    "sync/people/person_list.py": {"Person.department": "NULL is left out"},
    "sync/checks/compare.py": {"a.external_id": "of account"},
    "sync/checks/checks.py": {"App.next_check_at": "compared with now"},
    "sync/checks/comparison.py": {"App.compare_at": "compared with now"},
    "sync/directory/push.py": {"DirectoryToken.refused_at.desc()": "NULL is left out"},
    "sync/directory/scim_store.py": {"ScimResource.deleted_at.desc()": "NULL is left out"},
    "sync/people/people.py": {"Directory.position": "after position.is_null()"},
    "sync/people/profile.py": {"Account.gone_at.desc()": "set for each account that is gone"},
    "sync/apps/assets.py": {"asset_id": "of access"},
    "sync/directory/last_days.py": {"r.last_day": "compared with a day"},
    "sync/directory/compare.py": {"external_id": "of a list", "r.external_id": "of a list",
                                  "person_id": "of those who are new"},
    "sync/directory/precedence.py": {"person_id": "of an entry that has one"},
    "sync/groups/assignments.py": {"position DESC": "of role"},
    "sync/matching/addresses.py": {"m.external_id": "of a list"},
    "sync/matching/vouching.py": {"position": "after position IS NULL"},
    "sync/roles.py": {"h.value": "of a list of texts"},
    "sync/safety/administrators.py": {"r.position": "of role", "r.external_id": "of role"},
}
# Statements of which the first row is taken, and why there are no two.
ONE_ROW = {
    "sync/apps/member_list.py": {"Account.select(*counted)": "counts"},
    "sync/directory/scim_store.py": {"gone.where(": "`gone` has an order"},
    "sync/jobs/leases.py": {"model.get_or_none(model.id == row_id)": "by its id"},
    "sync/offboarding/offboarding.py": {"Change.get_or_none(same, Change.report == report": "the index change_once"},
    "sync/postgres/keys.py": {"k.key INTO known": "all keys of a text are alike"},
    "sync/seals.py": {"Activity.select(Activity.id).where(Activity.seal == end)": "a seal holds all entries before it"},
    "sync/tasks/perform.py": {"Invitation.get_or_none(Invitation.task == task)": "each has a task of its own"},
    "sync/tasks/settle.py": {"Invitation.get_or_none(Invitation.task == task.id": "each has a task of its own"},
    "sync/checks/known_columns.py": {"'{BETWEEN}'": "all columns have one order, and the ids are among them"},
    "web/rows.py": {"model.get_or_none(model.id == number": "by its id"},
}
WORDS = "sync/postgres/dialect.py"  # names group_concat, and has no statement


def text_of(node: ast.AST) -> str:
    """The text of a string, with the code of what is put into it in braces; "" for another node."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{" + ast.unparse(part.value) + "}"
                       for part in node.values)  # fmt: skip
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@functools.cache
def texts(tree: ast.AST) -> list[tuple[ast.AST, str]]:
    inside = {id(part) for node in nodes(tree) if isinstance(node, ast.JoinedStr)
              for part in ast.walk(node) if part is not node}  # fmt: skip
    return [(node, text) for node in nodes(tree) if id(node) not in inside and (text := text_of(node))]


def until_closed(text: str) -> str:
    """The beginning of the text, up to a bracket that closes what was opened before it."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            return text[:place]
    return text


def terms_of(text: str) -> Iterator[str]:
    """The terms of each ORDER BY in it."""
    for found in re.finditer(r"\bORDER BY\s+", text):
        listed = re.split(r"\bLIMIT\b|\bROWS\b", until_closed(text[found.end() :]))[0]
        for term in re.split(r",(?![^(]*\))", listed):
            yield " ".join(term.split())


def field_of(node: ast.AST) -> Field | None:
    """The field of `Model.field`."""
    known = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and MODELS.get(node.value.id)
    return known._meta.fields.get(node.attr) if known else None


def may_be_null(node: ast.AST) -> bool:
    """Of a term of order_by()."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("asc", "desc"):
        return not any(given.arg == "nulls" for given in node.keywords) and may_be_null(node.func.value)
    field = field_of(node)
    return bool(field and field.null)


def called(node: ast.Call) -> str:
    """The last name of what is called; "" for another expression."""
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def unclear_nulls(tree: ast.AST, known: dict[str, str]) -> Iterator[str]:
    """The line and the term of each order that depends on where the database puts NULL."""
    for node in nodes(tree):
        if isinstance(node, ast.Call) and called(node).endswith(("order_by", "Order")):
            ties = [tie for given in node.keywords if given.arg in ("ties", "default") for tie in given.value.elts]
            for term in [*node.args, *ties]:
                if may_be_null(term) and ast.unparse(term) not in known:
                    yield f"{node.lineno} {ast.unparse(term)}"
    for node, text in texts(tree):
        for term in terms_of(text):
            column = term.removesuffix(" DESC").rpartition(".")[2]
            if True in COLUMNS.get(column, ()) and term not in known:
                yield f"{node.lineno} {term}"


def unique(model: type[Model]) -> list[set[str]]:
    """The fields of each key: no two rows have the same values in all of them."""
    meta = model._meta
    keys = [{field.name} for field in meta.sorted_fields if field.unique or field.primary_key]
    columns = {field.column_name: field.name for field in meta.sorted_fields}
    for index in meta.indexes:
        if isinstance(index, ModelIndex):
            index = str(index)
        if isinstance(index, tuple) and index[1]:
            keys.append({columns.get(name, name) for name in index[0]})
        elif found := re.match(r"CREATE UNIQUE INDEX \w+ ON \w+ \((.*?)\)( WHERE|$)", getattr(index, "sql", "")):
            keys.append({columns[name] for name in re.findall(r"\w+", found[1]) if name in columns})
    return keys


def compared(nodes: list[ast.AST]) -> dict[str, set[str]]:
    """The fields, by model, that must equal something in these conditions."""
    found: dict[str, set[str]] = {}
    for node in nodes:
        for part in ast.walk(node):
            equal = isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq)
            if equal and (field := field_of(part.left)):
                found.setdefault(field.model.__name__, set()).add(field.name)
    return found


def links(node: ast.AST) -> Iterator[ast.Call]:
    """The calls of `Model.select().where().first()`, from the last to the first."""
    while isinstance(node, (ast.Call, ast.Attribute)):
        if isinstance(node, ast.Call):
            yield node
            node = node.func
        else:
            node = node.value


def is_one(node: ast.Call) -> bool:
    """Whether a query of peewee's, whose first row is taken, says which one that is, or can have only one."""
    chain = list(links(node))
    names = [link.func.attr for link in chain if isinstance(link.func, ast.Attribute)]
    if "order_by" in names:
        return True
    selected = next((link.args for link in chain if ast.unparse(link.func).endswith(".select")), [])
    if selected and all(ast.unparse(one).startswith("fn.") for one in selected):
        return True
    equal = compared([argument for link in chain for argument in link.args])
    for link in chain:
        model = isinstance(link.func, ast.Attribute) and isinstance(link.func.value, ast.Name) and link.func.value.id
        if model in MODELS and link.keywords:
            equal.setdefault(model, set()).update(given.arg for given in link.keywords if given.arg)
    return any(key <= fields for model, fields in equal.items() for key in unique(MODELS[model]))


def unclear_first_rows(tree: ast.AST, known: dict[str, str]) -> Iterator[str]:
    """The line and the code of each place that takes one of several rows, whichever comes first."""
    for node in nodes(tree):
        name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        of_model = name == "get" and len(node.args) != 2 and ast.unparse(node).split(".")[0] in MODELS
        takes_one = name in ("get_or_none", "scalar") or name in ("first", "peek") and not node.args or of_model
        if takes_one and not is_one(node):
            code = ast.unparse(node)
            if not any(code.startswith(one) for one in known):
                yield f"{node.lineno} {code}"
    for node, text in texts(tree):
        for found in re.finditer(r"\bLIMIT 1\b", text):
            if not is_ordered(text[: found.start()]) and not any(one in text for one in known):
                yield f"{node.lineno} {' '.join(text[: found.end()].split())[-100:]}"
        for found in re.finditer(r"\b(?:group_concat|string_agg)\(", text):
            source = text[found.end() :][len(until_closed(text[found.end() :])) + 1 :]
            ordered = re.match(r"\s*FROM \((?s:.*)\bORDER BY\b", until_closed(source))
            if not ordered and not any(one in text for one in known):
                yield f"{node.lineno} {' '.join(text[found.start() :].split())[:100]}"


def is_ordered(text: str) -> bool:
    """Whether the SELECT that this text ends in has an order, or asks only whether there is a row."""
    depth, place = 0, len(text)
    while place and depth >= 0:
        place -= 1
        depth += (text[place] in ")") - (text[place] in "(")
    select = text[place:].lstrip("( \n")
    return "ORDER BY" in select or select.startswith("SELECT 1 ") or "EXISTS" in text[:place][-12:]


def test_no_order_depends_on_where_the_database_puts_null():
    assert [f"{module}:{line}" for module, tree in modules().items()
            for line in unclear_nulls(tree, NEVER_NULL.get(module, {}))] == []  # fmt: skip


def test_no_first_row_is_left_to_the_database():
    assert [f"{module}:{line}" for module, tree in modules().items()
            if module != WORDS for line in unclear_first_rows(tree, ONE_ROW.get(module, {}))] == []  # fmt: skip


@pytest.mark.parametrize("code", [
    "query.order_by(Account.last_activity)",
    "query.order_by(App.name, Account.last_activity.desc())",
    "Order({}, ties=(Account.last_activity, Account.id))",
    "run('SELECT id FROM account a ORDER BY a.name, a.last_activity DESC LIMIT 5')",
    "run(f'SELECT row_number() OVER (PARTITION BY {x} ORDER BY last_activity) FROM account')",
])  # fmt: skip
def test_an_order_that_depends_on_null_is_found(code):
    assert list(unclear_nulls(ast.parse(code), {})), code


@pytest.mark.parametrize("code", [
    "Account.select().where(Account.name == name).first()",
    "Account.get_or_none(Account.app == app, Account.name == name)",
    "Account.get(Account.name == name)",
    "Account.select(Account.id).where(Account.name == name).scalar()",
    "later.first()",
    "run('SELECT id FROM account WHERE name = ? LIMIT 1')",
    "run('SELECT (SELECT id FROM account LIMIT 1) FROM app ORDER BY id')",
    "run('SELECT group_concat(name, 1) FROM account')",
    "run('SELECT 2 FROM (SELECT group_concat(name) FROM account) AS x ORDER BY 1')",
])  # fmt: skip
def test_a_first_row_that_is_left_to_the_database_is_found(code):
    assert list(unclear_first_rows(ast.parse(code), {})), code


@pytest.mark.parametrize("code", [
    "query.order_by(Account.name, Account.last_activity.desc(nulls='last'), Account.id)",
    "Account.select().where(Account.name == name).order_by(Account.id).first()",
    "Account.get_or_none(Account.app == app, Account.external_id == id)",
    "Account.get_or_none(Account.id == number)",
    "Activity.select(fn.MAX(Activity.id)).scalar()",
    "run('SELECT id FROM account ORDER BY last_activity DESC NULLS LAST, name LIMIT 1')",
    "run('SELECT 1 FROM account LIMIT 1')",
    "run('SELECT group_concat(name, 1) FROM (SELECT name FROM account ORDER BY id) AS names')",
])  # fmt: skip
def test_a_clear_order_is_left_alone(code):
    tree = ast.parse(code)
    assert [*unclear_nulls(tree, {}), *unclear_first_rows(tree, {})] == [], code
