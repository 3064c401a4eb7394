"""What every test may ask for: a fresh installation in a folder of its own, opened and closed again."""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from zlib import crc32

import pytest
from _pytest.runner import runtestprotocol
from _pytest.tmpdir import tmppath_result_key
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck, settings
from jinja2 import FileSystemBytecodeCache

import connectors
from connectors.tools.http import Http
from sync.config import Config
from sync.db import db
from sync.directory import push
from sync.jobs import leases, retries
from sync.models import Person
from sync.people import people
from sync.rank import Asker
from sync.sign_in import passwords, refusals
from tests import database, in_memory, kept_file
from tests.blank import LOCAL, OLGA, config_of, open_acme, open_blank

os.environ.update(LOCAL)  # for the programs that tests start
in_memory.begin()

# What begins first: these modules, of which each may take a minute. Then come the modules of all folders, mixed evenly,
# so that those that wait for a browser or a server run beside those that compute. Those of a folder are mixed, too:
# names that begin alike wait alike. The last ones are of no WAITING folder: they are short.
LONGEST = ("core_on_postgres", "test_kill", "own_faults", "rest_apps", "test_processes", "nginx",
           "damaged_files", "_machine", "_properties", "ssrf_doors")  # fmt: skip
WAITING = ("faults", "real", "journeys", "cli", "security", "demo", "fuzz", "bench")
AHEAD = .93  # of the run: where the last module of these begins
# Where a statement without ORDER BY gives its rows the other way round, so that a test fails if their order matters,
# and where a test begins with the file and the connection of another.
KEPT = (("tests", "sync"), ("tests", "web"), ("tests", "faults"))

# Each run tries the same examples, however slow the machine is: a property never fails by chance.
# `--hypothesis-profile=random --hypothesis-seed=7` tries others.
settings.register_profile("rollcall", derandomize=True, deadline=None, database=None,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.register_profile("random", settings.get_profile("rollcall"), derandomize=False)
settings.load_profile("rollcall")

DAY, EVENING = 24 * 60 * 60, 20  # seconds; a day's last ones, in which no test begins
# What a process remembers of rows by their ids: in a server, of one database as long as it runs.
OF_ONE_DATABASE = (refusals._further, push._failed, leases._put_off, leases._given_up)

REAL_DELAYS = retries.WITHIN_CHECK
NETWORKS = connectors.parse_networks(LOCAL["ROLLCALL_PRIVATE_NETWORKS"])

# They define kinds of apps, so they are imported before a test module asks for the catalogue, which is read once.
pytest_plugins = [
    "bench.sample",
    "tests.sync.fixtures",
    "tests.sync.scripted",
    "tests.sync.grouped",
    "tests.sync.listed",
]


def pytest_configure() -> None:
    """Settings that all tests share. A fixture would be asked for at each of them, and a hook is called once."""
    quick_passwords()
    quick_retries()
    allow_local_servers()  # for fixtures of a module
    _know_modules_of_frames()


def quick_passwords() -> None:
    """Cheap Argon2 parameters: every test sets a password, and none measures how hard it is to crack."""
    passwords.hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def quick_retries() -> None:
    """What failed for a moment is tried again as often as always, but without a pause."""
    retries.WITHIN_CHECK, Http.first_pause = retries.seconds(0, 0), 0.002


@pytest.fixture
def real_delays() -> retries.Schedule:
    """The delays within a check that the product has."""
    return REAL_DELAYS


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Nothing is garbage while modules are imported and tests collected."""
    gc.disable()
    try:
        import_own_share(session.config)
        return (yield)
    finally:
        gc.enable()


def import_own_share(config: pytest.Config) -> None:
    """In a run of all tests, each worker first imports modules that the others don't. Each of them is then compiled by
    one worker, which takes as long as all the rest of the collecting, and the others find it compiled."""
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    number, root = int(worker["workerid"].removeprefix("gw")), config.rootpath
    modules = sorted(path.relative_to(root).with_suffix("") for path in (root / "tests").rglob("test_*.py"))
    for module in modules[number :: worker["workercount"]]:
        importlib.import_module(".".join(module.parts))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest tests begin first, so that all cores have work until the end. What is about the database that this
    run isn't on is left out, and in a run of folders on PostgreSQL what opens no database."""
    out = [item for item in items if (only := item.get_closest_marker("only_on")) and database.ASKED not in only.args]
    if database.on_server() and all(os.path.isdir(argument) for argument in config.args):
        out = list(dict.fromkeys([*out, *database.that_open_none(items)]))
    config.hook.pytest_deselected(items=out)
    left_out = set(out)
    items[:] = [item for item in items if item not in left_out]
    items.sort(key=_places(items, config.rootpath / "tests").get)


def _places(items: list[pytest.Item], tests: Path) -> dict[pytest.Item, tuple]:
    """Where in the run each test has its place."""
    modules: dict[str, list[Path]] = {}
    for path in dict.fromkeys(item.path for item in items):
        modules.setdefault(path.relative_to(tests).parts[0], []).append(path)
    places = {}
    for folder, paths in modules.items():
        for number, path in enumerate(sorted(paths, key=lambda path: crc32(bytes(path.relative_to(tests))))):
            longest = next((place for place, part in enumerate(LONGEST) if part in path.stem), len(LONGEST))
            places[path] = longest, number / len(paths) * (AHEAD if folder in WAITING else 1)
    return {item: places[item.path] for item in items}


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was made so far is kept: no search for garbage needs to walk through it. And it is made less often."""
    share_compiled_templates(session.config)
    gc.freeze()
    gc.set_threshold(20_000)


def share_compiled_templates(config: pytest.Config) -> None:
    """Each test creates its own app, and compiling would take half of a page's time."""
    shared = config._tmp_path_factory.getbasetemp().parent / "templates"  # of all processes of this run
    shared.mkdir(exist_ok=True)
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": FileSystemBytecodeCache(str(shared))}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """A test runs within one day: it may ask twice what day it is. Connections to what tests serve are allowed, also in
    tests that open no installation."""
    allow_local_servers()
    if (left := DAY - time.time() % DAY) < EVENING:
        time.sleep(left)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A worker reports how a test went, and a setup or teardown only if it didn't pass. That each of them begins and
    passes is as many messages again."""
    if not hasattr(item.config, "workerinput") or item.config.option.durations is not None:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    if exitstatus != pytest.ExitCode.OK:
        in_memory.keep()


def _know_modules_of_frames() -> None:
    """For each class, pydantic asks for the module of every caller's frame, and pytest has many callers. For a frame
    without a file, inspect searches all modules each time."""
    look, known = inspect.getmodule, {}

    @functools.wraps(look)
    def getmodule(of: object, _filename: str | None = None) -> ModuleType | None:
        if not isinstance(of, FrameType):
            return look(of, _filename)
        file = of.f_code.co_filename
        if file in known:
            return known[file]
        found = look(of, _filename)
        if found is not None or file.startswith("<"):
            known[file] = found
        return found

    inspect.getmodule = getmodule


def allow_local_servers() -> None:
    connectors.allow_networks(NETWORKS)


@pytest.fixture
def config(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Config:
    kept = None
    if "home" in request.fixturenames and _keeps_its_file(request):
        step = _step(request) if database.on_server() else None  # on a file, what it wrote is in the log
        kept = kept_file.home((_content(request), step), tmp_path_factory)
    return config_of(kept or tmp_path / "home", ROLLCALL_FILES=str(tmp_path))


@pytest.fixture
def home(config: Config, request: pytest.FixtureRequest) -> Iterator[Path]:
    """An opened installation; its folder. Nobody is in it, unless the test asks for `chat` or `olga`."""
    for remembered in OF_ONE_DATABASE:
        remembered.clear()
    content = _content(request)
    if content == "olga":
        open_acme(config)
    elif content is None:
        open_blank(config)
    else:
        request.getfixturevalue("samples").open(config, 2 if content == "second" else 1, _step(request))
    if _keeps_its_file(request):
        database.reverse_what_has_no_order(db)
    yield config.home
    kept_file.give_back(config.home, request.node.stash[tmppath_result_key].get("call", False))
    if not db.is_closed():
        db.close()


def _content(request: pytest.FixtureRequest) -> str | None:
    """The fixture that names what is in a test's installation."""
    names = request.fixturenames
    if "chat" in names:
        return "second" if "second" in names else "chat"
    return "olga" if "olga" in names else None


def _step(request: pytest.FixtureRequest) -> Callable | None:
    """The step of the test's first fixture that was made by `after` (tests/sync/fixtures.py)."""
    known = request.node._fixtureinfo.name2fixturedefs
    steps = (getattr(known[name][-1].func, "step", None) for name in request.fixturenames if name in known)
    return next(filter(None, steps), None)


def _keeps_its_file(request: pytest.FixtureRequest) -> bool:
    return _folder(request) in KEPT and not request.path.name.startswith("test_kill")  # a death is that of whole files


def _folder(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Of tests/, the folder that has this test."""
    return request.path.relative_to(request.config.rootpath).parts[:2]


@pytest.fixture
def olga(home: Path) -> Person:
    """The first owner of the workspace Acme."""
    return people.find_by_email(OLGA)


@pytest.fixture
def by(olga: Person) -> Asker:
    return Asker.person(olga)
