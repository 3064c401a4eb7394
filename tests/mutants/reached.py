"""Which tests execute which line, as measured by coverage, and how long each test takes.
Kept in .mutants/, one file per file of tests, and measured again when that file changes. Lines are known by their
function and text, so that they are found again when the code around them has changed."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mutants.mutate import PACKAGES, ROOT, Mutant
from tests.mutants.workshop import QUIET, Workshop

KEPT = ROOT / ".mutants"
TESTS = ("tests/sync", "tests/faults", "tests/security/test_core_by_rank.py", "tests/security/test_rank.py",
         "tests/security/test_swapped.py")  # fmt: skip
SECONDS = 900  # of processor time, for one file of tests
Key = tuple[str, str, str]  # path, scope, text of the line
ANY = ""  # of these lines


def files_of_tests() -> list[str]:
    """Those in the folders of TESTS, and those that are named there themselves."""
    found = [path for name in TESTS for path in sorted((ROOT / name).rglob("test_*.py")) or [ROOT / name]]
    return [str(path.relative_to(ROOT)) for path in found]


def measure(workshop: Workshop) -> None:
    """Measure each file of tests that has changed, those nearest to the mutants first."""
    KEPT.mkdir(exist_ok=True)
    seals = {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in files_of_tests()}
    changed = [name for name, seal in seals.items()
               if not _kept(name).exists() or json.loads(_kept(name).read_text())["seal"] != seal]  # fmt: skip
    changed.sort(key=lambda name: not name.startswith(tuple(map(_folder_of_tests, PACKAGES))))

    def each() -> None:
        for name in changed:
            outcome = workshop.run(lambda name=name: _measured(name, _kept(name), seals[name]), SECONDS, prepare=False)
            print(f"{name}: measured in {outcome.seconds:.0f} s" + f", exit code {outcome.code}" * bool(outcome.code),
                  flush=True)  # fmt: skip

    if changed:
        workshop.with_imported(changed, each)


def _kept(name: str) -> Path:
    return KEPT / (name.replace("/", "-") + ".json")


def _measured(name: str, kept: Path, seal: str) -> int:
    """In the workshop's process: run the file with coverage, which notes the test as its context."""
    import coverage
    import pytest

    cover = coverage.Coverage(data_file=None, include=["sync/*"], omit=["sync/migrations/*"], config_file=False)
    took: dict[str, float] = {}
    failed: set[str] = set()

    class Contexts:
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
            cover.switch_context(item.nodeid)
            began = time.process_time()  # not of the clock: others may be at work here
            try:
                return (yield)
            finally:
                took[item.nodeid] = time.process_time() - began

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if not report.passed:
                failed.add(report.nodeid)  # without a mutant too, or it is skipped

    cover.start()
    code = pytest.main([*(word for word in QUIET if word != "-x"), name], plugins=[Contexts()])
    cover.stop()
    tests = [test for test in took if test not in failed]
    lines = _lines(cover.get_data(), {test: place for place, test in enumerate(tests)})
    kept.write_text(json.dumps({"seal": seal, "tests": [(test, round(took[test], 3)) for test in tests],
                                "lines": lines, "modules": _seals()}))  # fmt: skip
    return int(code)


def _lines(data: Any, places: dict[str, int]) -> list[tuple[str, str, str, list[int]]]:
    found: dict[Key, set[int]] = {}
    for full in data.measured_files():
        path = Path(full).resolve().relative_to(Path.cwd().resolve())
        source = path.read_text()
        text, scopes = source.splitlines(), scopes_of(source)
        for number, contexts in data.contexts_by_lineno(full).items():
            key = (str(path), scopes.get(number, ""), text[number - 1].strip())
            found.setdefault(key, set()).update(places[test] for test in contexts if test in places)
    return [(*key, sorted(tests)) for key, tests in found.items() if tests]


def scopes_of(source: str) -> dict[int, str]:
    """Line → qualified name of the function or class around it."""
    found: dict[int, str] = {}

    def walk(node: ast.AST, above: str) -> None:
        for child in ast.iter_child_nodes(node):
            inside = above
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inside = f"{above}.{child.name}".lstrip(".")
                found.update(dict.fromkeys(range(child.lineno, (child.end_lineno or 0) + 1), inside))
            walk(child, inside)

    walk(ast.parse(source), "")
    return found


@dataclass
class Reached:
    """What was measured: `seconds` by test, tests by line and by scope."""

    seconds: dict[str, float] = field(default_factory=dict)
    by_line: dict[Key, set[str]] = field(default_factory=dict)

    @classmethod
    def known(cls) -> Reached:
        reached = cls()
        for kept in (json.loads(_kept(name).read_text()) for name in files_of_tests() if _kept(name).exists()):
            reached.seconds.update(kept["tests"])
            now = {path: seal == kept["modules"].get(path) for path, seal in _seals().items()}
            for path, scope, text, places in kept["lines"]:
                tests = {kept["tests"][place][0] for place in places}
                reached.by_line.setdefault((path, scope, text), set()).update(tests)
                if scope and not now.get(path):  # it has changed since: its tests are those of the whole function
                    reached.by_line.setdefault((path, scope, ANY), set()).update(tests)
        return reached

    def tests_for(self, mutant: Mutant, source: str) -> list[str]:
        """The tests that execute its line, or else its statement, or its function; for a constant, those that execute a
        line that names it. The nearest come first, then the quickest."""
        begins = _body_begins(mutant.scope, source)
        if begins and mutant.line >= begins:
            lines = source.splitlines()
            last = source.count("\n", 0, mutant.end) + 1
            for numbers in ([mutant.line], range(mutant.statement, last + 1)):
                found = self._at(mutant.path, mutant.scope, [lines[number - 1].strip() for number in numbers])
                if found:
                    return self._in_order(found, mutant.path)
        if begins and (found := self._within(mutant.path, mutant.scope)):
            return self._in_order(found, mutant.path)
        found = set().union(*(self._naming(name, mutant.path, set()) for name in _names(mutant, source)))
        return self._in_order(found or self._near(mutant.path), mutant.path)

    def _at(self, path: str, scope: str, texts: Iterable[str]) -> set[str]:
        return set().union(*(self.by_line.get((path, scope, text), ()) for text in (*texts, ANY)))

    def _within(self, path: str, scope: str) -> set[str]:
        """Those that execute any line of a function: its head is executed at import only."""
        return set().union(*(tests for key, tests in self.by_line.items() if key[:2] == (path, scope)))

    def _naming(self, name: str, path: str, seen: set[str]) -> set[str]:
        """Those that execute a line with this name of this module, or name a constant that is made from it."""
        if name in seen:
            return set()
        seen.add(name)
        word = re.compile(rf"\b{re.escape(name)}\b")
        module = path.removesuffix(".py").replace("/", ".")
        users = {user for user, source in _sources().items() if user == path or _imports(source, module)}
        found: set[str] = set()
        for (user, _, text), tests in self.by_line.items():
            if name in text and user in users and word.search(text):
                found |= tests
        for user in users:
            for node, text in _statements(user):
                if name in text and word.search(text) and not self._is_reached(user, node):
                    for outer in _defined(node):
                        found |= self._naming(outer, user, seen)
        return found

    def _is_reached(self, path: str, node: ast.AST) -> bool:
        """Whether tests execute it themselves: what is called at import only belongs to those that name its result."""
        return isinstance(node, ast.FunctionDef) and any(
            known[0] == path and known[1].split(".")[0] == node.name for known in self.by_line)

    def _near(self, path: str) -> set[str]:
        return {test for test in self.seconds if test.startswith(_folder_of_tests(path.rpartition("/")[0]))}

    def _in_order(self, tests: set[str], path: str) -> list[str]:
        """Those of the module's package first, then those of the other packages here and of tests/faults and
        tests/security; of equals, the quickest first: a long test is seldom the only one that notices."""
        own = _folder_of_tests(path.rpartition("/")[0])
        near = (*map(_folder_of_tests, PACKAGES), "tests/faults/", "tests/security/")
        return sorted(tests, key=lambda test: (not test.startswith(own), not test.startswith(near), self.seconds[test],
                                               test))  # fmt: skip


def _body_begins(scope: str, source: str) -> int | None:
    """The first line of the body of the function with this qualified name; None for a class or a module. Lines
    outside of bodies are executed at import, in the first test that needs the module."""
    node: ast.AST = ast.parse(source)
    for name in filter(None, scope.split(".")):
        node = next(one for one in ast.walk(node) if isinstance(one, ast.FunctionDef | ast.ClassDef)
                    and one.name == name)  # fmt: skip
    return node.body[0].lineno if isinstance(node, ast.FunctionDef) else None


def _folder_of_tests(package: str) -> str:
    return f"tests/{package}/"


def _names(mutant: Mutant, source: str) -> list[str]:
    """What the outermost statement around the mutant defines."""
    for node in ast.parse(source).body:
        if node.lineno <= mutant.line <= (node.end_lineno or 0):
            return list(_defined(node))
    return []


def _defined(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    else:
        yield from (one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))


@functools.cache
def _sources() -> dict[str, str]:
    """The modules of sync, by path."""
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "sync").rglob("*.py"))
            if "migrations" not in path.parts}  # fmt: skip


@functools.cache
def _seals() -> dict[str, str]:
    """Of each module of sync, by which a change is seen."""
    return {path: hashlib.sha256(source.encode()).hexdigest() for path, source in _sources().items()}


def _imports(source: str, module: str) -> bool:
    package, _, name = module.rpartition(".")
    return re.search(rf"^from ({module} import|{package} import .*\b{name}\b)", source, re.MULTILINE) is not None


@functools.cache
def _statements(path: str) -> list[tuple[ast.AST, str]]:
    """The outermost statements of a module but its imports, with their text."""
    lines = _sources()[path].splitlines()
    return [(node, "\n".join(lines[node.lineno - 1 : node.end_lineno])) for node in ast.parse("\n".join(lines)).body
            if not isinstance(node, ast.Import | ast.ImportFrom)]  # fmt: skip
