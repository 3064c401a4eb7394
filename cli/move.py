"""`move`: copies a stopped workspace to another database, from the SQLite file to PostgreSQL or back, and verifies it.
The old database keeps its rows and is locked afterwards, so that no two copies act on people's access."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cli.frame import BY, Failed, answer, as_json, notice
from cli.locks import alone
from sync import activity, moving, start
from sync.config import BadSetting, Config
from sync.db import connected, writing
from sync.settings import set_setting
from sync.words import plural

ROOT = Path(__file__).resolve().parents[1]
FILE = "sqlite:///"


@click.command()
@click.option("--to", "address", metavar="DATABASE",
              help="postgresql://USER@HOST:PORT/NAME of an empty database, or sqlite:///PATH of a new file. "
                   "A password is better kept in ~/.pgpass than typed here.")  # fmt: skip
@click.option("--undo", is_flag=True, help="Use this database again, although it was moved to another one.")
@as_json
def move(address: str | None, undo: bool, as_json: bool) -> None:
    """Copy the stopped workspace to another database, whole and verified. Interrupted, it leaves that one empty."""
    if bool(address) == undo:
        raise click.UsageError("Say where to move it, with --to DATABASE, or use --undo.")
    here = Config.from_environ()
    if undo:
        with alone(here):
            _use_again(here)
        answer({"used": here.database_name}, [f"{here.database_name} can be used again."], as_json)
        return
    there = _target(address)
    if there.database_name == here.database_name:
        raise Failed(f"The workspace is already in {here.database_name}. Nothing was changed.")
    with alone(here), alone(there):
        start.open_all(here)
        with _prepared(there) as target:
            counted = moving.move(_side(here), _side(target), lambda name: notice(f"Copying {name} …"))
            log = _verified(target)
        with connected(), writing():
            set_setting(start.MOVED, there.database_name)
    document = {"moved_to": there.database_name, "rows": sum(counted.values()), "tables": counted, "activity": log}
    rows, filled = plural(document["rows"], "row"), plural(sum(map(bool, counted.values())), "table")
    lines = [f"Moved to {there.database_name}: {rows} in {filled}, the same in both databases.",
             f"The activity log is intact: {plural(log['entries'], 'entry', 'entries')}.",
             f"Set ROLLCALL_DATABASE to the new database. {here.database_name} is locked until you run: move --undo."]
    answer(document, lines, as_json)


def _target(address: str) -> Config:
    path = address.removeprefix(FILE)
    if path != address:
        path = f"/{path.lstrip('/')}"
    elif "://" not in address:
        raise BadSetting(f"--to is {address!r}: it must be postgresql://USER@HOST:PORT/NAME or sqlite:///PATH.")
    try:
        return Config.from_environ({**os.environ, "ROLLCALL_DATABASE": path})
    except BadSetting as problem:
        raise BadSetting(str(problem).replace("ROLLCALL_DATABASE", "--to")) from None


@contextmanager
def _prepared(there: Config) -> Iterator[Config]:
    """Create the empty tables in the target. A file has another name until all rows are in it."""
    if there.database_url:
        _in_target(there.database_url, "prepare")
        yield there
        return
    path = there.database_path
    if path.exists():
        raise Failed(f"{path} already exists. Nothing was changed. Name a new file.")
    partial = path.with_name(f"{path.name}.moving")
    for ending in ("", "-wal", "-shm"):
        partial.with_name(partial.name + ending).unlink(missing_ok=True)  # of a move that was interrupted
    _in_target(str(partial), "prepare")
    yield Config.from_environ({**os.environ, "ROLLCALL_DATABASE": str(partial)})
    os.rename(partial, path)


def _side(settings: Config) -> moving.Side:
    return moving.Server(settings.database_url) if settings.database_url else moving.File(str(settings.database_path))


def _verified(target: Config) -> dict:
    key_file = str(target.secret_key_file.absolute())
    found = json.loads(_in_target(target.database_url or str(target.database_path), "verify", key_file))
    mine = activity.verify()
    if not mine.ok:
        notice("The activity log was broken before, and is copied as it was: see `activity --verify`.")
    elif not found["ok"] or found["head"] != mine.head:
        raise Failed(f"The activity log isn't intact in {target.database_name}. Use the old database, as before, and "
                     "empty the new one.")
    return found


def _in_target(address: str, *step: str) -> str:
    environ = {**os.environ, "ROLLCALL_DATABASE": address}
    done = subprocess.run([sys.executable, "-m", "sync.moved_database", *step], cwd=ROOT, env=environ,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        raise Failed((done.stderr.strip().splitlines() or ["The other database can't be used."])[-1])
    return done.stdout


def _use_again(here: Config) -> None:
    start.open_all(here, although_moved=True)
    with connected(), writing():
        before = start.moved_to()
        if before is None:
            raise Failed(f"{here.database_name} wasn't moved. Nothing was changed.")
        set_setting(start.MOVED, None)
        activity.record(BY, "used database again", about=here.database_name, why=f"it had been moved to {before}")
