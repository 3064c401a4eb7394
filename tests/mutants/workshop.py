"""A copy of the tree, and processes that run tests in it: forked from this one, which has imported what the tests need
from other packages, or from one that has imported the tests too, where the change can be put into a function."""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from tests.mutants.mutate import ROOT

MEMORY = Path("/dev/shm")  # nosec B108 - a folder of a random name in it; SQLite need not wait for a disk there
QUIET = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0", "--no-header", "--tb=no")


@dataclass(frozen=True)
class Outcome:
    """What a process of tests ended with: pytest's exit code, or None where it was stopped for taking too long.
    `failed` is the test that failed, "" where none did or pytest itself."""

    code: int | None
    seconds: float
    failed: str = ""


class Workshop:
    def __init__(self, folder: Path):
        self.folder = folder / "tree"
        self._scratch = folder / "scratch"
        names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                               cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")  # fmt: skip
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)
        self._writes = int(time.time())

    def write(self, path: str, source: str) -> None:
        """With a time of its own: Python takes compiled code to be up to date by its source's time and size."""
        (self.folder / path).write_text(source)
        self._writes += 2
        os.utime(self.folder / path, (self._writes, self._writes))

    def prepare(self) -> None:
        """Import what the tests import from elsewhere."""
        listed = self._scratch.with_suffix(".modules")
        self.run(lambda: _list_modules(self.folder, listed), seconds=300)
        for name in json.loads(listed.read_text()):
            with suppress(Exception):  # it is imported later, by the test that needs it
                importlib.import_module(name)

    def test(self, tests: list[str], seconds: float) -> Outcome:
        """Run these, in this order, until one fails. `seconds` of processor time, and six times as much of the clock,
        are allowed."""
        noted = self._noted()
        return _with_failed(self.run(lambda: _run_in_order(tests, noted), seconds), noted)

    def run(self, what: Callable[[], int], seconds: float, prepare: bool = True) -> Outcome:
        """Without `prepare`, in a fork of a process that is already in the tree."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        began = time.monotonic()
        if (child := os.fork()) == 0:
            self._be_child(what, seconds, prepare)
        code = _wait(child, began + 6 * seconds)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what its tests have started
        return Outcome(code, time.monotonic() - began)

    def _be_child(self, what: Callable[[], int], seconds: float, prepare: bool) -> None:
        code = 3
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 3))
            if prepare:
                self._move_in()
            with open(os.devnull, "r+b") as nothing:
                for stream in (0, 1, 2):
                    os.dup2(nothing.fileno(), stream)
            code = what()
        finally:
            os._exit(code)

    def _move_in(self) -> None:
        """From now on, this process imports the code of the tree."""
        os.chdir(self.folder)
        sys.path[:] = [str(self.folder), *(path for path in sys.path if path not in ("", str(ROOT)))]
        for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "sync", "connectors")]:
            del sys.modules[name]
        os.environ.update(TMPDIR=str(self._scratch), HYPOTHESIS_STORAGE_DIRECTORY=str(self._scratch / "examples"),
                          PYTHONPATH=str(self.folder))  # fmt: skip
        tempfile.tempdir = None

    def with_imported(self, files: list[str], what: Callable[[], None]) -> None:
        """Do this in a fork that has imported these files of tests: it runs each in a fork of its own."""
        if (child := os.fork()) == 0:
            try:
                self._import_tests(files)
                what()
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    def _import_tests(self, files: list[str]) -> set[CodeType]:
        """And make the installation that tests begin with. It returns the functions that were called for it."""
        self._move_in()
        self._scratch.mkdir(exist_ok=True)
        called = _called_by_importing(files)
        importlib.import_module("tests.blank").prepare()
        gc.collect()
        return called

    def warm(self, files: list[str]) -> Connection:
        """Fork a process that has imported these files of tests, and made the installation that tests begin with.

        It answers (path, scope, changed source, tests, seconds) by an Outcome's values, or by None where the change
        isn't inside one function, because a constant exists already.
        """
        ours, theirs = multiprocessing.Pipe()
        if os.fork() == 0:
            try:
                ours.close()
                self._serve(theirs, files)
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(0)
        theirs.close()
        return ours

    def _serve(self, requests: Connection, files: list[str]) -> None:
        called = self._import_tests(files)
        with suppress(EOFError):
            while True:
                path, scope, source, tests, seconds = requests.recv()
                functions, code = _inside(str(self.folder / path), scope, source)
                fits = code is not None and not called.intersection(one.__code__ for one in functions)
                requests.send(astuple(self._test_with(functions, code, tests, seconds)) if fits else None)

    def _test_with(self, functions: list[FunctionType], code: CodeType, tests: list[str], seconds: float) -> Outcome:
        noted = self._noted()

        def run() -> int:
            for function in functions:
                function.__code__ = code
            return _run_in_order(tests, noted)

        return _with_failed(self.run(run, seconds, prepare=False), noted)

    def _noted(self) -> Path:
        noted = self._scratch.with_suffix(".failed")
        noted.unlink(missing_ok=True)
        return noted


def _called_by_importing(files: list[str]) -> set[CodeType]:
    """Import these files of tests, and return the functions that were called for it: what they made is already made."""
    called: set[CodeType] = set()
    sys.setprofile(lambda frame, event, _: called.add(frame.f_code) if event == "call" else None)
    for name in files:
        with suppress(Exception):  # it is imported later, by pytest
            importlib.import_module(name.removesuffix(".py").replace("/", "."))
    sys.setprofile(None)
    return called


def _inside(file: str, scope: str, source: str) -> tuple[list[FunctionType], CodeType | None]:
    """The functions of the file that have this scope, and their code in the changed source; None where the change isn't
    in the body of a function that exists."""
    made = _function_in(compile(source, file, "exec"), scope)
    if made is None:
        return [], None
    found = [one for one in gc.get_objects() if isinstance(one, FunctionType) and one.__code__.co_filename == file
             and one.__code__.co_qualname == made.co_qualname]  # fmt: skip
    codes = {one.__code__ for one in found}
    if len(codes) != 1 or codes == {made} or codes.pop().co_freevars != made.co_freevars:
        return [], None
    return found, made


def _function_in(code: CodeType, scope: str) -> CodeType | None:
    """The outermost function of the scope, such as that of a class; None for a class or a module."""
    for name in scope.split("."):
        inner = [one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name]
        if len(inner) != 1:
            return None
        code = inner[0]
        if code.co_flags & inspect.CO_OPTIMIZED:
            return code
    return None


def _with_failed(outcome: Outcome, noted: Path) -> Outcome:
    return replace(outcome, failed=noted.read_text() if noted.exists() else "")


@contextmanager
def opened() -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory(prefix="rollcall-mutants-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        workshop = Workshop(Path(folder))
        workshop.prepare()
        yield workshop


def _wait(child: int, until: float) -> int | None:
    """Its exit code; None where it had to be stopped."""
    signal.alarm(0)
    def stop(*_: Any) -> None:
        os.killpg(child, signal.SIGKILL)
    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(until - time.monotonic(), 1))
    try:
        status = os.waitpid(child, 0)[1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None


def _run_in_order(tests: list[str], noted: Path) -> int:
    """tests/conftest.py lets the longest begin. Here, the first that fails is to come early."""
    import pytest

    places = {test: place for place, test in enumerate(tests)}

    class Order:
        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
            yield
            items.sort(key=lambda item: places.get(item.nodeid, len(places)))

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed and not noted.exists():
                noted.write_text(report.nodeid)

    return int(pytest.main([*QUIET, *tests], plugins=[Order()]))


def _list_modules(tree: Path, listed: Path) -> int:
    import pytest

    code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--collect-only", "tests/sync"])
    names = [name for name, module in list(sys.modules.items())
             if not str(getattr(module, "__file__", None) or tree).startswith(str(tree))]  # fmt: skip
    listed.write_text(json.dumps(names))
    return int(code)
