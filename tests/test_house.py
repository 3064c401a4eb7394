"""How the house is built: arrows go one way, the schema is what the models say, files stay readable."""

from __future__ import annotations

import ast
import functools
import io
import re
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from sync import models, states
from sync.db import db
from tests.parts import need

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("app.py", "cli", "web", "sync", "connectors", "demo", "bench", "docs", "tests")
MODULES = sorted(path for room in ROOMS for path in [ROOT / room, *(ROOT / room).rglob("*.py")] if path.suffix == ".py")
TEXTS = sorted(
    path for room in ("templates", "static", "docs", ".ci") for path in (ROOT / room).rglob("*")
    if path.suffix in (".html", ".txt", ".css", ".js", ".md", "") and path.is_file() and ".min." not in path.name
)  # fmt: skip
READ = [*MODULES, *TEXTS]
LINES = 400
LONGER = {
    "sync/migrations/0001_first.py": "a frozen copy of the models",
    "tests/sync/mail/test_news.py": "each kind of mail once, by one set of helpers",
    "tests/sync/reports/test_reports.py": "each way that a report can go, by one set of helpers",
    "tests/web/test_permissions.py": "each route once, in one table",
    "tests/faults/test_rules_properties.py": "one state machine, its app and its model, read together",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Content:
    """What several tests ask of a module, which is parsed and walked through once."""

    imported: list[tuple[str, list[str]]]  # modules, and what is imported from each: nothing for `import module`
    compared: list[str]
    unknown_words: list[str]
    queries: set[str]


@functools.cache
def content(path: Path) -> Content:
    nodes = list(ast.walk(ast.parse(text_of(path))))
    imported = [(alias.name, []) for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [(node.module, [alias.name for alias in node.names]) for node in nodes
                 if isinstance(node, ast.ImportFrom)]  # fmt: skip
    return Content(imported, compared_with_text(nodes), unknown_words_in_sql(nodes), queries_in(nodes))


def test_arrows_go_one_way():
    need("importlinter")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as go; go()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_two_modules_need_each_other():
    """Not even by an import inside a function: each module is read after those it needs."""
    paths = {dotted(path): path for path in MODULES if path.parts[len(ROOT.parts)] not in ("tests", "bench", "docs")}
    needs = {module: imported_by(path, paths.keys()) for module, path in paths.items()}
    while free := {module for module, needed in needs.items() if not needed}:
        needs = {module: needed - free for module, needed in needs.items() if module not in free}
    assert needs == {}, "these, or what they need, need each other"


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_by(path: Path, modules: Set[str]) -> set[str]:
    """Those of `modules` that this one imports; of `from web import pages`, web.pages and not web itself."""
    found = set()
    for module, names in content(path).imported:
        found |= {f"{module}.{name}" for name in names} & modules or {module}
    return found & modules


CONTRACT = {
    "connectors", "connectors.base", "connectors.ldap",  # of ldap, the language of the rules that end an account
    "connectors.counts", "connectors.effects", "connectors.explaining", "connectors.memory", "connectors.names",
    "connectors.time_limit",
}  # fmt: skip


def test_the_core_knows_connectors_by_their_contract_alone():
    core = [path for path in MODULES if path.is_relative_to(ROOT / "sync")]
    further = {(name(path), module) for path in core for module, _ in content(path).imported
               if module.startswith("connectors") and module not in CONTRACT}  # fmt: skip
    assert further == set()


def test_ldap3_is_behind_the_ldap_client():
    """It has had no release since 2021: ARCHITECTURE.md says how another library would replace it."""
    program = [path for path in MODULES if "tests" not in path.relative_to(ROOT).parts]
    importing = {name(path) for path in program if re.search(r"(import|from) ldap3\b", path.read_text())}
    assert importing == {f"connectors/ldap/{one}.py" for one in ("library", "pinned", "answers")}, "ask the client"


def test_the_migrations_make_what_the_models_say(home, tmp_path):
    tables = [kind for kind in vars(models).values() if isinstance(kind, type) and issubclass(kind, models.Base)]
    tables.remove(models.Base)
    fresh = SqliteDatabase(tmp_path / "fresh.db")
    with fresh.bind_ctx(tables, bind_refs=False, bind_backrefs=False):
        fresh.create_tables(tables)
        names = fresh.get_tables()
        assert {name: columns(db, name) for name in names} == {name: columns(fresh, name) for name in names}
        assert {name: indexes(db, name) for name in names} == {name: indexes(fresh, name) for name in names}
        assert {name: checks(db, name) for name in names} == {name: checks(fresh, name) for name in names}
    fresh.close()


def columns(database: SqliteDatabase, table: str) -> set[tuple]:
    """(name, type, not null, default, place in the primary key) of each."""
    return {row[1:] for row in database.execute_sql(f'PRAGMA table_info("{table}")').fetchall()}


def checks(database: SqliteDatabase, table: str) -> list[str]:
    """The text of each CHECK of the table, of a column or of the whole."""
    statement = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    [made] = database.execute_sql(statement, (table,)).fetchone()
    found = re.findall(r"CHECK \(((?:[^()]|\([^()]*\))*)\)", made)
    assert len(found) == made.count("CHECK"), "one is written in a way that this test can't read"
    return sorted(found)


def indexes(database: SqliteDatabase, table: str) -> set[str]:
    statement = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    return {" ".join(row[0].split()).replace("IF NOT EXISTS ", "") for row in database.execute_sql(statement, (table,))}


WORDS = {str(word) for kind in vars(states).values() if isinstance(kind, type) and issubclass(kind, StrEnum)
         for word in kind}  # fmt: skip
FIELDS = [field for table in models.Base.__subclasses__() for field in table._meta.sorted_fields]
NAMED = {field.name for field in FIELDS if isinstance(field, models.OneOf)} | {"status"}
TABLES = {kind.__name__: kind for kind in models.Base.__subclasses__()}
OF_TABLE = re.compile(rf"\b({'|'.join(TABLES)})[\s\\]*\.[\s\\]*(\w+)")


def test_a_column_that_code_names_exists():
    ours = [path for path in MODULES if "migrations" not in path.parts]
    assert [f"{name(path)}: {missing}" for path in ours for missing in missing_columns(text_of(path))] == []


def missing_columns(source: str) -> list[str]:
    """What looks like one is read as code only where there isn't such a column: most of it is in a text."""
    if all(hasattr(TABLES[table], column) for table, column in OF_TABLE.findall(source)):
        return []
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    return [f"line {node.lineno}: {ast.unparse(node)}" for node in nodes
            if isinstance(node.value, ast.Name) and node.value.id in TABLES
            and not hasattr(TABLES[node.value.id], node.attr)]  # fmt: skip


@pytest.mark.parametrize(("code", "missing"), [
    ("Account.email", []), ("'Account.mail'", []), ("Account.mail", ["line 1: Account.mail"]), ("x.Account.mail", []),
    ("(Account\n .mail)", ["line 1: Account.mail"]), ("Account . mail.desc()", ["line 1: Account.mail"]),
    ("Account. \\\n mail", ["line 1: Account.mail"]),
])  # fmt: skip
def test_a_missing_column_is_found(code, missing):
    assert missing_columns(code) == missing


CODE = [path for path in MODULES if path.parts[len(ROOT.parts)] in ("sync", "web", "cli")
        and "migrations" not in path.parts]  # fmt: skip


def test_a_state_or_kind_is_compared_with_its_enum():
    found = {name(path): content(path).compared for path in CODE}
    assert {path: lines for path, lines in found.items() if lines} == {}, "compare with the member in sync/states"


def compared_with_text(nodes: list[ast.AST]) -> list[str]:
    found = []
    for node in nodes:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("in_", "not_in")
        ):
            sides = [node.func.value, *node.args]
        else:
            continue
        texts = {part.value for side in sides for part in [side, *getattr(side, "elts", [])]
                 if isinstance(part, ast.Constant) and isinstance(part.value, str)}  # fmt: skip
        if texts & WORDS and any(isinstance(side, ast.Attribute) and side.attr in NAMED for side in sides):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def test_sql_asks_for_words_that_its_columns_can_have():
    unknown = {name(path): content(path).unknown_words for path in CODE}
    assert {path: words for path, words in unknown.items() if words} == {}, "no enum in sync/states has these words"


def known_words() -> dict[str, set[str]]:
    """Of the columns that hold one of a few words."""
    words = {column: {word for field in FIELDS if field.name == column for word in getattr(field, "words", ())}
             for column in NAMED}  # fmt: skip
    words["status"] |= set(states.AccountStatus)
    words["kind"] |= set(states.AccountKind)
    return words


KNOWN_WORDS = known_words()
ASKED = re.compile(rf"\b({'|'.join(NAMED)})\s*(?:=|<>|(?:NOT )?IN)\s*('[^']*'|\([^()]*\))")


def unknown_words_in_sql(nodes: list[ast.AST]) -> list[str]:
    texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return [
        f"{column} = {word!r}" for text in texts if isinstance(text, str) for column, statement in ASKED.findall(text)
        for word in re.findall("'([^']*)'", statement) if word not in KNOWN_WORDS[column]
    ]  # fmt: skip


OF_QUERIES = {"select", "where", "order_by", "left_outer_join", "get_or_none", "execute_sql"}
OF_TABLES = {"get", "create", "insert", "insert_many", "update", "delete", "replace", "raw", "filter", "join"}
OF_PEEWEE = {"fn", "JOIN", "SQL", "Case", "Select", "ModelSelect", "prefetch"}
MAY_ASK = {("web/rows.py", "get_or_none"): "the row that an address names, or 404, is looked up here for all views"}


def test_pages_and_commands_leave_questions_to_the_core():
    """They may read one row again by its id (`get_by_id`)."""
    asked = {(name(path), word) for path in CODE if name(path).startswith(("web/", "cli/"))
             for word in content(path).queries}  # fmt: skip
    assert asked - set(MAY_ASK) == set(), "a question about rows is a function of the package in sync/ that owns them"
    assert set(MAY_ASK) - asked == set(), "no longer needed"


def queries_in(nodes: list[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "peewee":
            found |= {alias.name for alias in node.names} & OF_PEEWEE
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            word, of = node.func.attr, node.func.value
            tables = {part.id for part in [of, *node.args] if isinstance(part, ast.Name)} & TABLES.keys()
            found |= {word} if word in OF_QUERIES or word in OF_TABLES and tables else set()
    return found


@pytest.mark.parametrize("text", [
    "App.select()", "Team.get_or_none(id=3)", "query.join(Person)", "db.execute_sql('SELECT 1')", "emails.where(1)",
    "from peewee import fn", "App.get(App.name == 'Slack')", "Task.delete().where(1)",
])  # fmt: skip
def test_a_query_is_recognized(text):
    other = "', '.join(names); request.args.get('page'); Report.get_by_id(3); row.save()"
    assert queries_in(list(ast.walk(ast.parse(text)))) and not queries_in(list(ast.walk(ast.parse(other))))


def test_a_module_says_what_it_is_for():
    silent = [name(path) for path in MODULES if text_of(path).strip() and not docstring(text_of(path))]
    assert silent == [], "these have no docstring"


def docstring(source: str) -> str:
    """The text that a module begins with. Nothing after it is parsed."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    meant = (token for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL))
    first, after = next(meant), next(meant, None)
    is_text = first.type == tokenize.STRING and after is not None and after.type == tokenize.NEWLINE
    return ast.get_docstring(ast.parse(first.string)) or "" if is_text else ""


@pytest.mark.parametrize("source", ["import os", "'' + x", "f'{x}'", "'  '", "x = 'what'", "'what', 3", "b'what'", "#"])
def test_a_module_without_a_docstring_is_found(source):
    assert not docstring(source) and docstring(f"#!\n\n'what it is for'\n{source}")


def test_a_module_stays_short():
    lines = {name(path): text_of(path).count("\n") for path in MODULES}
    longer = {module: number for module, number in lines.items() if number > LINES and module not in LONGER}
    assert longer == {}, "find the second thought in it, and give it a file"


def test_nothing_is_put_off():
    found = {name(path): re.search(r"\b(TO[D]O|FIX[M]E|X[X]X)\b(?! =)", text_of(path)) for path in READ}
    assert {path: put_off.group() for path, put_off in found.items() if put_off} == {}, "do it, or file it"


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=name)
def test_each_requirement_is_pinned_and_says_why(path):
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", "-r ")):
            assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][^\s]*\s+# \S.*", line), line


def test_lint():
    need("ruff")
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not ((ROOT / ".git").exists() and shutil.which("git")), reason="only a clone knows what is kept")
def test_no_link_is_kept():
    """A link leads to a place on one machine."""
    listing = ["git", "-c", "safe.directory=*", "ls-files", "--stage"]  # a clone may belong to someone else
    kept = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert kept and not [line for line in kept.splitlines() if line.startswith("120000")]


def test_every_setting_of_the_environment_is_in_the_readme():
    read = set(re.findall(r'environ(?:\.get)?[(\[]"(ROLLCALL_[A-Z_]+)"', "".join(
        path.read_text() for path in MODULES if "tests" not in path.parts)))  # fmt: skip
    assert read, "none was found: has the way they are read changed?"
    readme = (ROOT / "README.md").read_text()
    assert {setting for setting in read if f"`{setting}`" not in readme} == set()


def test_every_status_of_an_app_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert [status for status in states.AppStatus if f"“{status}”" not in readme] == []


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"], ids=name)
def test_targets_of_links_in_the_papers_exist(path):
    text = path.read_text()
    named = re.findall(r"\]\((?!https?:)([^)#]+)\)", text) + re.findall(r"`((?:[a-z_.]+/)+[a-z_]+\.\w+)`", text)
    assert [link for link in named if not (ROOT / link).exists()] == []


def test_the_architecture_names_each_package_and_no_module_that_is_not_there():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for room in ("sync", "connectors"):
        packages = {path.parent.name for path in (ROOT / room).glob("*/__init__.py")} - {"migrations"}
        assert {package for package in packages if not re.search(rf"`{package}[/`]", text)} == set()
    rows = re.findall(r"^\| (`.+?`) \| (.+) \|$", text, re.M)
    for packages, modules in rows:
        places = [ROOT / "sync" / package for package in re.findall(r"`(\w+)`", packages)]
        for named in re.findall(r"`([a-z_]+)`", modules):
            assert any((place / f"{named}.py").exists() for place in places), f"{packages}: {named}"
    for path in re.findall(r"`([a-z_]+/[a-z_]+)(?:\.[a-z_]+)?(?:\(\))?`", text):
        places = [ROOT / room / path for room in ("sync", "connectors", "")]
        assert any(place.exists() or place.with_suffix(".py").exists() for place in places), path


FOREIGN = {"jupyterhub_config.py"}  # files of other programs


def test_a_module_that_a_text_names_is_there():
    known = {module.name for module in MODULES} | FOREIGN
    ours = [path for path in READ if "migrations" not in path.parts]  # those are frozen, as their sentences are
    unknown = {name(path): modules_named_in(text_of(path)) - known for path in ours}
    assert {path: moved for path, moved in unknown.items() if moved} == {}, "has it moved?"


def modules_named_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w/<>*-])(?:[a-z0-9_]+/)*([a-z][a-z0-9_]*\.py)\b", text))
