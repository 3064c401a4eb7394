"""A damaged, immutable, foreign or full installation: each command ends in a sentence with what to do, none in a
traceback, and with an exit code that isn't 0. The programs are real processes on real files."""

from __future__ import annotations

import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sync import start
from sync.config import Config
from sync.db import connected, db
from sync.models import Person, PersonEmail
from tests.blank import LOCAL, OLGA, open_blank, set_up_acme
from tests.cli.forks import Forks
from tests.database import ON_FILE
from tests.parts import free_port, lack

pytestmark = ON_FILE
ROOT = Path(__file__).resolve().parents[2]
ORDINARY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]  # permissions hold for root too
COMMANDS = ["doctor", "serve", "apps list", "activity --verify", "people import staff.csv", "backup copy.db"]


@pytest.fixture(scope="module")
def whole() -> Iterator[Path]:
    """An installation with some people in it, written out and closed; readable for others than its owner."""
    folder = Path(tempfile.mkdtemp())
    config = Config.from_environ({"ROLLCALL_HOME": str(folder / "home"), **LOCAL})
    open_blank(config)
    with connected():
        set_up_acme()
        for number in range(300):
            person = Person.create(name=f"Person number {number}")
            PersonEmail.create(person=person, email=f"p{number}@acme.example", email_key=f"p{number}@acme.example")
        db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    if not db.is_closed():
        db.close()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(whole: Path) -> Iterator[Path]:
    """A copy of it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copytree(whole / "home", folder / "home")
    (folder / "staff.csv").write_text(f"email,name\nben@acme.example,Ben\n{OLGA},Olga\n")
    yield folder / "home"
    shutil.rmtree(folder)


def run(home: Path, command: str, input: str = "") -> subprocess.CompletedProcess:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
    environ |= {"ROLLCALL_HOME": str(home), "ROLLCALL_LISTEN": f"127.0.0.1:{free_port()}", "PYTHONPATH": str(ROOT)}
    return forks().run(command.split(), input=input, env=environ, cwd=home.parent, timeout=120)


@functools.cache
def forks() -> Forks:
    """Their commands are held by permissions, if that is possible here."""
    return Forks(before=ORDINARY if os.geteuid() == 0 and shutil.which("setpriv") else ())


def refused(home: Path, command: str, *words: str, **options) -> str:
    done = run(home, command, **options)
    output = done.stdout + done.stderr
    assert done.returncode == 1, (command, done.returncode, output)
    assert "Traceback" not in output and any(word in output for word in words), (command, output)
    assert len(done.stderr.strip().splitlines()) <= 2, "a sentence"
    return output


def header(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"\xff" * 16)


def pages(file: Path) -> None:
    """A byte wrong in each page but the first."""
    with file.open("r+b") as opened:
        for place in range(4096, file.stat().st_size, 4096):
            opened.seek(place + 8)
            opened.write(b"\xff\xfe")


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def schema(file: Path) -> None:
    """Words that say what tables there are."""
    place = file.read_bytes().index(b"CREATE TABLE")
    with file.open("r+b") as opened:
        opened.seek(place)
        opened.write(b"\xff\xfe\xfd" * 200)


@pytest.mark.parametrize("damage", [header, pages, cut, schema], ids=lambda damage: damage.__name__)
def test_a_damaged_file(home: Path, damage: Callable[[Path], None]):
    damage(home / "rollcall.db")
    for command in COMMANDS:
        refused(home, command, "damaged", "cannot be opened", "malformed")


def test_a_text_that_is_none(home: Path):
    """SQLite itself doesn't validate text, so it can return text that can't be decoded."""
    with closing(sqlite3.connect(home / "rollcall.db")) as file:
        file.execute("UPDATE setting SET value = CAST(x'ff7bfe' AS TEXT)")
        file.execute("UPDATE app SET name = CAST(x'ff7bfe' AS TEXT)")
        file.commit()
    for command in ("doctor", "apps list", "serve"):
        ended = run(home, command)
        assert ended.returncode == 1 and "Traceback" not in ended.stderr, ended
        assert "damaged" in ended.stdout + ended.stderr, ended


def test_a_file_that_nobody_may_change(home: Path):
    file = home / "rollcall.db"
    done = subprocess.run(["chattr", "+i", str(file)], capture_output=True, text=True)
    if done.returncode != 0:
        lack(f"no file can be made immutable here: {done.stderr.strip()}")
    try:
        for command in ("doctor", "serve", "apps list", "people import staff.csv"):
            refused(home, command, "chattr -i", "can't write")
    finally:
        subprocess.run(["chattr", "-i", str(file)], check=True)


@pytest.fixture
def ordinary() -> None:
    """For tests whose commands must be held by permissions."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        lack("there is no setpriv, and root may write everywhere")


@pytest.mark.usefixtures("ordinary")
@pytest.mark.parametrize("mode", [0o000, 0o400, 0o500])
def test_a_folder_that_this_user_may_not_write_into(home: Path, mode: int):
    (home / "rollcall.db.in-use.lock").unlink(missing_ok=True)
    home.chmod(mode)
    try:
        for command in ("doctor", "serve", "apps list", "people import staff.csv"):
            refused(home, command, "Permission denied", "can't write")
    finally:
        home.chmod(0o700)


@pytest.mark.usefixtures("ordinary")
def test_a_file_that_this_user_may_not_write(home: Path):
    for mode in (0o000, 0o400):
        (home / "rollcall.db").chmod(mode)
        done = run(home, "apps list")  # its owner may give it back the mode that it should have
        assert "Traceback" not in done.stderr and done.returncode in (0, 1), done.stderr


@pytest.mark.usefixtures("ordinary")
def test_a_folder_that_cant_be_made(home: Path):
    home.parent.chmod(0o500)
    try:
        for command in ("serve", "apps list", "setup --workspace Acme --email a@acme.example --password-stdin"):
            refused(home.parent / "new", command, "Permission denied", input="correct horse battery\n")
    finally:
        home.parent.chmod(0o700)


def test_a_file_that_may_grow_no_further_names_the_cause(home: Path):
    """SQLite has ended the transaction then: that there is none to roll back must not hide why."""
    rows = "".join(f"new{number}@acme.example,New {number} {'x' * 180}\n" for number in range(1500))
    (home.parent / "staff.csv").write_text(f"email,name\n{rows}")
    limit = (home / "rollcall.db").stat().st_size // 512 + 200
    done = subprocess.run(
        ["bash", "-c", f'ulimit -f {limit // 2}; exec "$@"', "-", sys.executable, str(ROOT / "app.py"), "people",
         "import", "staff.csv"], cwd=home.parent, capture_output=True, text=True, timeout=120,
        env={**os.environ, "ROLLCALL_HOME": str(home), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "cannot rollback" not in done.stderr and "disk" in done.stderr, done.stderr
    start.open_all(Config.from_environ({"ROLLCALL_HOME": str(home), **LOCAL}))
    with connected():
        assert not Person.select().where(Person.name.startswith("New ")).exists()
    if not db.is_closed():
        db.close()
