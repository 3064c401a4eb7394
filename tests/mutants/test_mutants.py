"""`make mutants` still finds the code it is to change, and what it makes there is what it says."""

from __future__ import annotations

import pytest

from tests.mutants import sql

PATH = "sync/safety/guards.py"
CODE = '''
"""A module."""
RULE = f"""SELECT 1 FROM account a WHERE {field} = 1 AND a.state <> 'gone'"""


def rule(one: int | None = None) -> bool:
    """Whether it is so: `a = 'gone'` AND more."""
    if one:
        raise ValueError("Nothing is there AND nothing was changed" if one > 3 else f"{one} = what")
    return one is None and one.state in ("present", AccountState.GONE)
'''


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """Only the process that runs these tests imports mutmut, not each that collects them."""
    global mutate, reached, run
    from tests.mutants import mutate, reached, run


def made(source: str) -> set[tuple[str, str]]:
    """(before, after) of each mutant, the words that differ alone."""
    found = set()
    for mutant in mutate.mutants_of(PATH, source):
        found.add((source[mutant.start : mutant.end].strip(), mutant.new.strip()))
    return found


def test_each_package_has_mutants_of_python_and_of_sql():
    for package in mutate.PACKAGES:
        sources = {path: (mutate.ROOT / path).read_text() for path in mutate.modules((package,))}
        assert len(sources) > 3, package
        operators: set[str] = set()
        for path in sorted(sources, key=lambda path: len(sources[path])):  # until there is one of each
            operators |= {mutant.operator for mutant in mutate.mutants_of(path, sources[path])}
            if operators >= {"sql", "arg_removal"}:
                break
        assert operators >= {"sql", "arg_removal"}, package


def test_code_sql_and_states_are_changed_and_no_words():
    changes = made(CODE)
    assert changes >= {
        ("<>", "="), ("=", "<>"), ("1", "2"), ("AND", "OR"), ("'gone'", "'present'"), ("one", "(not (one))"),
        ('"present"', '"removing"'), ("AccountState.GONE", "AccountState.PRESENT"), ("is", "is not")}
    assert any(old.startswith("raise") and new == "pass" for old, new in changes)
    docstring, message = CODE.index("Whether it"), CODE.index("Nothing is")
    for mutant in mutate.mutants_of(PATH, CODE):
        assert not docstring <= mutant.start < CODE.index("if one") - 5
        assert not message <= mutant.start < message + len("Nothing is there")


@pytest.mark.parametrize(("text", "changed"), [
    ("UPDATE t SET a = 1, b = (SELECT c = 2) WHERE d = 3",
     ["UPDATE t SET a = 1, b = (SELECT c <> 2) WHERE d = 3", "UPDATE t SET a = 1, b = (SELECT c = 3) WHERE d = 3",
      "UPDATE t SET a = 1, b = (SELECT c = 2) WHERE d <> 3", "UPDATE t SET a = 1, b = (SELECT c = 2) WHERE d = 4"]),
    ("SELECT 1 WHERE a BETWEEN 2 AND 3 AND b", ["SELECT 1 WHERE a BETWEEN 2 AND 3 OR b"]),
    ("WHERE a IS NULL OR b IS NOT NULL", ["WHERE a IS NOT NULL OR b IS NOT NULL", "WHERE a IS NULL AND b IS NOT NULL",
                                         "WHERE a IS NULL OR b IS  NULL"]),
    ("WHERE a NOT IN (1) AND EXISTS (b)", ["WHERE a  IN (1) AND EXISTS (b)", "WHERE a NOT IN (1) OR EXISTS (b)",
                                           "WHERE a NOT IN (1) AND NOT EXISTS (b)"]),
    ("DROP TABLE IF EXISTS t", []),
    ("CREATE TABLE t (a INT NOT NULL)", []),
    ("WHERE a ->> 'role' = 'gone'", ["WHERE a ->> 'role' <> 'gone'", "WHERE a ->> 'role' = 'present'"]),
    ("WHERE {x['=']} < 3", ["WHERE {x['=']} <= 3", "WHERE {x['=']} < 4"]),
])  # fmt: skip
def test_sql_is_changed_where_it_decides(text, changed):
    tokens = sql.tokens_of([(text, 0, True)])
    assert [text[:start] + new + text[end:] for start, end, new in sql.mutations(tokens)] == changed


def test_literals_side_by_side_are_read_as_one():
    source = 'a = ("UPDATE t SET a = 1, "\n     "b = 2 "\n     "WHERE c = d")\n'
    assert [mutant.new for mutant in mutate.mutants_of(PATH, source) if mutant.operator == "sql"] == ["<>"]


def test_each_equivalent_mutant_can_still_be_made():
    listed = run.equivalents()
    for path in {name[0] for name in listed}:
        source = (mutate.ROOT / path).read_text()
        names = {run.named(mutant, source) for mutant in mutate.mutants_of(path, source)}
        assert [name for name in listed if name[0] == path and name not in names] == []
    assert all(len(why) > 20 for why in listed.values()), "each with its reason"


def test_a_mutant_meets_the_tests_of_its_line_and_a_constant_those_of_what_names_it():
    source = (mutate.ROOT / PATH).read_text()
    known = reached.Reached({"tests/sync/safety/a": 0.2, "tests/faults/b": 0.1, "tests/faults/c": 0.1})
    line = "return leaving > self.accounts and leaving * 100 > self.percent * of"
    known.by_line[PATH, "Guard.holds", line] = {"tests/faults/b", "tests/sync/safety/a"}
    known.by_line[PATH, "counted_from", "return min(now, first_held or now) - DAY"] = {"tests/faults/c"}
    mutants = mutate.mutants_of(PATH, source)
    [holds, *_] = [one for one in mutants if one.scope == "Guard.holds"]
    [day, *_] = [one for one in mutants if one.lines(source)[0] == "DAY = timedelta(days=1)"]
    [head, *_] = [one for one in mutants if one.scope == "is_mass" and "besides: int = 1" in one.lines(source)[1]]
    assert known.tests_for(holds, source) == ["tests/sync/safety/a", "tests/faults/b"]
    assert known.tests_for(day, source) == ["tests/faults/c"]
    known.by_line[PATH, "is_mass", "before = confirmed_lately(app)"] = {"tests/faults/b"}
    assert known.tests_for(head, source) == ["tests/faults/b"], "its head is executed at import only"
