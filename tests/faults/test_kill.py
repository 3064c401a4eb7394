"""kill -9 at every step of Finish Sync and of a check, then a start: nothing is lost, nothing is done twice. And at
some steps of a first start.
A step is an SQL statement that may write, and where an HTTP call starts and ends. What a death there would leave is
copied at each; of those that leave the same, one is died, and the start after it is tried."""

from __future__ import annotations

import functools
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from sync.db import MIGRATIONS, copy_database, db
from sync.models import App, GroupRule
from tests import database
from tests.database import ON_FILE, ON_SERVER
from tests.faults.kept_rows import FILE
from tests.faults.worker import CUT_OFF, START
from tests.sync.fixtures import Chat, email

ROOT = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL
MOST_UNREACHED = 3  # the run that is copied at each step is slow on a server, so it renews its leases more often
OF_ITS_RUN = re.compile(  # bytes, times, seals and other random marks, processes, messages of the queue
    r"\\\\x[0-9a-f]+|"
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?|\b[0-9a-f]{16,64}\b|:\d+:[0-9a-f]+|"
    r"b'.*'|b\".*\"|\b\d{10}\.\d+"
)


@dataclass
class Ending:
    """How an order ended: `killed`, or with `state`, after it `found` what there was (recover alone says so);
    `promised` once Finish Sync had returned."""

    killed: bool
    promised: bool
    found: dict
    state: dict


@functools.cache
def worker() -> subprocess.Popen:
    """The worker of this process, which takes the orders of all rehearsals."""
    return subprocess.Popen([sys.executable, "-m", "tests.faults.worker"], cwd=ROOT, text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)  # fmt: skip


def obeyed(command: str, home: Path, answer: Path, *arguments: str, fatal: int = 0, **how: object) -> int:
    """The worker's exit code after this order."""
    order = {"command": command, "home": str(home), "answer": str(answer), "arguments": arguments, "fatal": fatal,
             "keep": {}, "cut": False}  # fmt: skip
    worker().stdin.write(json.dumps({**order, **how}) + "\n")
    worker().stdin.flush()
    return int(worker().stdout.readline())


class Rehearsal:
    """One installation and one app; every attempt starts from the same state."""

    def __init__(self, folder: Path, home: Path, chat: Chat):
        self.chat, self.base, self.home, self.answer = chat, folder / "base", folder / "attempt", folder / "answer"
        self.base.mkdir()
        if database.on_server():
            db.close()  # a template is made of a database that nobody has open
            self.template = database.keep(home)
            db.connect()
        else:
            copy_database(db.database, self.base / "rollcall.db")
        shutil.copy(home / "secret.key", self.base)
        copy_database(chat.store.path, self.base / "app.sqlite")
        self._shown: dict[tuple, str] = {}  # by the names and digests of files
        self._digests: dict[int, bytes] = {}  # by inode

    def begin(self) -> None:
        """Both as they were at first."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        shutil.copy(self.base / "secret.key", self.home)
        if database.on_server():
            database.make(self.home, self.template)
        else:
            shutil.copy(self.base / "rollcall.db", self.home)
        self.chat.replace_file((self.base / "app.sqlite").read_bytes())

    def order(self, command: str, *arguments: str, fatal: int = 0, keep: dict[str, str] | None = None,
              cut: bool = False) -> Ending:  # fmt: skip
        code = obeyed(command, self.home, self.answer, *arguments, fatal=fatal, keep=keep or {}, cut=cut)
        assert code in (0, KILLED, CUT_OFF), f"{command} failed on its own: see its traceback above"
        lines = self.answer.read_text().splitlines()
        found, state = json.loads(lines[-1]) if code == 0 else ({}, {})
        return Ending(code != 0, "promised" in lines, found, state)

    def deaths(self, command: str, *arguments: str, cut: bool = False) -> Iterator[tuple[int, Ending]]:
        """Killed at a step, each time from the beginning; at the end it gets through, and that is `self.whole`.
        With `cut`, it isn't killed: the server ends its connections, which it may survive."""
        self.begin()
        kept = self.home.with_name("kept")
        self.order(command, *arguments, keep={path: f"{kept}/{{step}}/{name}" for path, name in self.files().items()})
        steps = sorted(int(folder.name) for folder in kept.iterdir())
        assert len(steps) > 50, "the steps were not counted"
        different = {self.left_behind(kept / str(step)): step for step in reversed(steps)}
        assert len(different) > 5, "what deaths would leave was not distinguished"
        unreached: list[int] = []
        for fatal in different.values():
            self.begin()
            ending = self.order(command, *arguments, fatal=fatal, cut=cut)
            if ending.killed or cut:
                yield fatal, ending
            else:
                unreached.append(fatal)
        assert len(unreached) <= (MOST_UNREACHED if database.on_server() else 0), f"not reached again: {unreached}"
        self.begin()
        self.whole = self.order(command, *arguments)

    def files(self) -> dict[str, str]:
        """All files that outlive a death, in Rollcall and in the apps, each with a name of its own."""
        stores = [self.home / "rollcall.db", *(app.store.path for app in self.apps)]
        logs = {f"{path}{end}": f"{number}.db{end}" for number, path in enumerate(stores) for end in ("", "-wal")}
        return {**logs, str(self.answer): "answer"}

    def left_behind(self, folder: Path) -> str:
        """What the copies there hold, but for times and other marks that no two runs share. Between two commits, no
        file changes: copies of the same bytes are read once."""
        files = tuple((path.name, self._digest(path)) for path in sorted(folder.iterdir()))
        if files not in self._shown:
            own = shutil.copytree(folder, folder.with_name("read"))  # SQLite moves a log into its file
            self._shown[files] = self._read(own)
            shutil.rmtree(own)
        return self._shown[files]

    def _digest(self, path: Path) -> bytes:
        """Of the content of one file, which several steps may share."""
        inode = path.stat().st_ino
        if inode not in self._digests:
            self._digests[inode] = sha256(path.read_bytes()).digest()
        return self._digests[inode]

    def _read(self, folder: Path) -> str:
        shown = [str("promised" in (folder / "answer").read_text())]
        if (rows := folder / FILE).exists():
            shown.append(OF_ITS_RUN.sub("*", rows.read_text()))
        for path in sorted(folder.glob("*.db")):
            with closing(sqlite3.connect(path)) as file:
                names = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
                for name in sorted(names):
                    rows = file.execute(f'SELECT * FROM "{name}"')
                    shown.extend(f"{name} {OF_ITS_RUN.sub('*', repr(row))}" for row in rows)
        return "\n".join(shown)

    @property
    def apps(self) -> list[Chat]:
        return [self.chat]

    def close(self) -> None:
        if database.on_server():
            database.drop(self.home)


@pytest.fixture
def rehearse(tmp_path: Path, home: Path, chat: Chat) -> Iterator:
    """Call it once everything is as it should be before the first step."""
    with closing(_Later(tmp_path, home, chat)) as later:
        yield later


class _Later:
    def __init__(self, folder: Path, home: Path, chat: Chat):
        self.folder, self.home, self.chat, self.made = folder, home, chat, None

    def __call__(self) -> Rehearsal:
        self.made = Rehearsal(self.folder, self.home, self.chat)
        return self.made

    def close(self) -> None:
        if self.made:
            self.made.close()


CUT = pytest.mark.parametrize("cut", [False, pytest.param(True, marks=ON_SERVER)], ids=["kill -9", "cut off"])


@CUT
def test_finish_sync_survives_kill_9_at_every_step(chat, rehearse, cut):
    """Persons 3 and 5 are confirmed, person 4 is left out; nobody else is in the report."""
    chat.leave(3, 4, 5)
    assert chat.check().waiting == 3
    stage = rehearse()
    for fatal, killed in stage.deaths("finish", email(4), cut=cut):
        after = stage.order("recover").state
        if not killed.promised and after["reports"][-1][1] == "open":
            assert (after["tasks"], chat.removed()) == ([], []), f"step {fatal}: half approved"
            assert after["accounts"][email(4)][3] is None, f"step {fatal}: half approved"
            after = stage.order("finish", email(4)).state
        _assert_done(after, chat, fatal)
    _assert_done(stage.whole.state, chat, 0)


def _assert_done(state: dict, chat: Chat, fatal: int) -> None:
    where = f"killed at step {fatal}"
    assert sorted(chat.removed()) == [email(3), email(5)], where
    assert chat.emails() == {email(number) for number in range(10) if number not in (3, 5)}, where
    assert [task[1] for task in state["tasks"]] == ["done", "done"], where
    assert state["accounts"][email(3)][0] == state["accounts"][email(5)][0] == "gone", where
    assert state["accounts"][email(4)][0::3] == ["present", "hand-over"], where
    assert {row[0] for name, row in state["accounts"].items() if name not in (email(3), email(5))} == {"present"}, where
    assert state["reports"][-1][1] == "applied", where
    assert [kind for kind, _ in state["mails"]].count("outcome") == 1, where
    assert state["activity"], where
    assert state["users"] == [9, 8], where


def test_changes_wanted_by_rules_are_made_once_although_killed_at_every_step(groups, chat, rehearse):
    """Person 10 is invited, person 1 gets another role, person 2 leaves the app; person 3's other role is left out."""
    for number in (1, 2, 3, 10):
        groups.put(number, "Sales")
    groups.put(4, "Sales")
    groups.read()
    groups.rule("Sales", "member")
    chat.check()
    GroupRule.update(role="admin").execute()
    groups.put(2)
    groups.put(4)
    groups.read()
    chat.store.remove(chat.id_of(4), via="page")
    assert {kind: len(found) for kind, found in groups.found().items()} == {
        "to invite": 1, "to change role": 2, "no longer assigned": 1}  # fmt: skip
    stage = rehearse()
    for fatal, killed in stage.deaths("finish", email(3)):
        after = stage.order("recover").state
        if not killed.promised and after["reports"][-1][1] == "open":
            done = (after["operations"], after["invitations"], chat.removed())
            assert done == ([], [], []), f"step {fatal}: half approved"
            after = stage.order("finish", email(3)).state
        _assert_rules_done(after, groups, fatal)
    _assert_rules_done(stage.whole.state, groups, 0)


def _assert_rules_done(state: dict, groups, fatal: int) -> None:
    where = f"killed at step {fatal}"
    assert [groups.role(number) for number in (1, 2, 3, 10)] == ["admin", None, "member", "admin"], where
    assert state["operations"] == [["change role", "done"], ["invite", "done"], ["remove", "done"]], where
    assert [address for address, _ in state["invitations"]] == [email(10)], where
    assert len([row for row in groups.chat.members() if row["email"] == email(10)]) == 1, where
    assert state["reports"][-1][1] == "applied" and state["activity"], where


@CUT
def test_a_check_survives_kill_9_at_every_step(chat, rehearse, cut):
    """It finds one of each kind of change; after each death there is the old state or the new one, whole."""
    general = chat.store.add_channel("general", via="page")
    chat.store.join(general, chat.id_of(1), "manager", via="page")
    chat.check()
    chat.leave(3)
    App.update(compare_at=None).execute()  # the comparison without the app would report person 3 in between
    chat.store.change(chat.id_of(1), via="page", role="admin")
    chat.store.add("new@acme.example", "New", "member", via="page")
    chat.store.remove(chat.id_of(6), via="page")
    chat.store.rename_channel(general, "everyone", via="page")
    chat.store.join(general, chat.id_of(2), "member", via="page")
    stage = rehearse()
    stage.begin()
    old = _facts(stage.order("look").state)
    new = _facts(stage.order("check").state)
    assert old != new and new["accounts"][email(6)][0] == "gone"
    for fatal, _ in stage.deaths("check", cut=cut):
        started = stage.order("recover")
        assert _facts(started.found) in (old, new), f"killed at step {fatal}"
        after = started.state
        if _facts(after) == old:
            assert "running" not in str(after["checks"]), f"killed at step {fatal}"
            after = stage.order("check").state
        assert _facts(after) == new and after["activity"], f"killed at step {fatal}"
        assert chat.removed() == []


def _facts(state: dict) -> dict:
    return {name: value for name, value in state.items() if name not in ("checks", "activity")}


EVERY = 25  # as a first start has some 300 steps
ALL = {path.stem for path in MIGRATIONS.glob("*.py")}


@ON_FILE
def test_a_first_start_that_is_killed_leaves_an_empty_file_or_the_whole_schema(tmp_path):
    home, whole = tmp_path / "home", tmp_path / "whole"
    opened = functools.partial(obeyed, START, answer=tmp_path / "answer")
    assert opened(whole) == 0
    left, fatal, stride = [], 1, EVERY
    while stride:  # it becomes shorter towards the last step
        if opened(home, fatal=fatal) == KILLED:
            left.append(objects(home))
            assert left[-1] == set() or migrated(home) == ALL, f"killed at step {fatal}"
            assert opened(home) == 0 and objects(home) == objects(whole), f"killed at step {fatal}"
        else:
            fatal -= stride
            stride //= 2
        shutil.rmtree(home)
        fatal += stride
    assert len(left) > 8 and left[-1] > left[0] == set(), "deaths before and after the end of the transaction"


def objects(home: Path) -> set[tuple]:
    """What is in the file. It may not be there yet."""
    with closing(sqlite3.connect(home / "rollcall.db")) as file:
        return set(file.execute("SELECT type, name, sql FROM sqlite_schema"))


def migrated(home: Path) -> set[str]:
    with closing(sqlite3.connect(home / "rollcall.db")) as file:
        return {name for (name,) in file.execute("SELECT name FROM schema_migration")}
