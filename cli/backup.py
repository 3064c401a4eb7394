"""`backup` and `restore`: the database as one file. The key that unseals its credentials is never in it:
whoever finds a backup alone finds no credential, and whoever restores one needs the key file as well."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import click

from cli.frame import BY, Failed, answer, as_json, installation, tell
from cli.locks import alone
from sync import activity, config, vault
from sync.config import Config
from sync.db import MIGRATIONS, connected, copy_database, utcnow, writing


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Overwrite FILE if it is there.")
@as_json
def backup(file: Path, replace: bool, as_json: bool) -> None:
    """Write a consistent copy of the database to FILE, while everything goes on."""
    settings = Config.from_environ()
    if not settings.database_path.exists():
        raise Failed(f"There is no database at {settings.database_path}. Nothing was written: is ROLLCALL_HOME right?")
    _refuse_own_files(file, settings)
    if file.exists() and not replace:
        raise Failed(f"{file} is there already. Nothing was written: name another file, or add --replace.")
    with installation():
        try:
            copy_database(settings.database_path, file)
        except (OSError, sqlite3.Error) as problem:
            raise Failed(f"{file} could not be written: {problem}. There is no backup.") from problem
    if problem := _damage(file):
        raise Failed(f"The backup at {file} is damaged, do not rely on it: {problem}")
    tell(f"The key is not in it: keep {settings.secret_key_file} somewhere else, once.")
    size = file.stat().st_size
    answer({"backup": str(file), "bytes": size}, [f"{file}, {size:,} bytes, checked."], as_json)


def _refuse_own_files(file: Path, settings: Config) -> None:
    own = (settings.database_path, *_companions(settings.database_path), settings.secret_key_file)
    if file.resolve() in [path.resolve() for path in own]:
        raise Failed(f"{file} is Rollcall's own file. Nothing was written: name another one.")


def _companions(database: Path) -> list[Path]:
    return [database.with_name(database.name + ending) for ending in ("-wal", "-shm")]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def restore(file: Path, as_json: bool) -> None:
    """Put the backup FILE in the place of the database, which is kept beside it. Refused while Rollcall runs.

    FILE is looked through first: it must be whole, of this version or an older one, and fit the key file.
    """
    settings = Config.from_environ()
    _refuse_own_files(file, settings)
    with alone(settings.database_path):
        _refuse_unusable(file, settings.secret_key_file)
        kept = _put_in_place(file, settings.database_path)
        config.open_all(settings)
        with connected(), writing():
            activity.record(BY, "restored backup", about=file.name)
    lines = [f"{file} is restored."] + ([f"What was there before is kept as {kept}."] if kept else [])
    answer({"restored": str(file), "kept": kept and str(kept)}, lines, as_json)


def _refuse_unusable(file: Path, key_file: Path) -> None:
    if problem := _damage(file):
        raise Failed(f"{file} can't be restored: {problem} Nothing was changed.")
    unknown = _migrations(file) - {path.stem for path in MIGRATIONS.glob("*.py")}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise Failed(f"{file} was written by a newer Rollcall (it knows {names}). Nothing was changed.")
    sealed = _sealed(file)
    if sealed and not key_file.exists():
        raise Failed(f"The key to the credentials in {file} is not here. Nothing was changed: put it at {key_file}.")
    try:
        if sealed:
            vault.open_vault(key_file)
        for credential in sealed:
            vault.unseal(credential)
    except vault.VaultProblem:
        raise Failed(f"{key_file} is not the key of {file}. Nothing was changed: put the right one there.") from None


def _damage(file: Path) -> str | None:
    """What is wrong with the file, as SQLite says; None when it is whole and Rollcall's."""
    try:
        with closing(_reading(file)) as database:
            found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            return f"it is damaged ({found})."
        return None if _migrations(file) else "it is no database of Rollcall."
    except sqlite3.Error as problem:
        return f"it is no database of Rollcall ({problem})."


def _migrations(file: Path) -> set[str]:
    with closing(_reading(file)) as database:
        return {row[0] for row in database.execute("SELECT name FROM schema_migration")}


def _sealed(file: Path) -> list[bytes]:
    every = "SELECT credential FROM app WHERE credential IS NOT NULL UNION ALL " \
            "SELECT credential FROM directory WHERE credential IS NOT NULL"
    with closing(_reading(file)) as database:
        return [row[0] for row in database.execute(every)]


def _reading(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)


def _put_in_place(file: Path, database: Path) -> Path | None:
    """Where the database that was there before is kept; None when there was none."""
    fresh = database.with_name(database.name + ".restoring")
    copy_database(file, fresh)
    kept = None
    if database.exists():
        kept = database.with_name(f"{database.name}.before-restore-{utcnow():%Y%m%d-%H%M%S}")
        _set_aside(database, kept)
    for companion in _companions(database):
        companion.unlink(missing_ok=True)  # of the old file: beside the new one they would damage it
    os.replace(fresh, database)
    return kept


def _set_aside(database: Path, kept: Path) -> None:
    """A consistent copy, or, of a file too damaged for one, the file as it is."""
    try:
        copy_database(database, kept)
    except sqlite3.Error:
        kept.with_name(kept.name + ".partial").unlink(missing_ok=True)
        os.link(database, kept)
