"""`backup`, `restore` and `withdraw`: the database as one file. It never contains the key that unseals its
credentials: a backup alone reveals none of them, and restoring one needs the key file as well."""

from __future__ import annotations

import hmac
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import click

from cli.backup_schema import foreign_objects
from cli.frame import BY, Failed, answer, as_json, installation, notice
from cli.locks import alone
from sync import activity, restored, seals, start, vault
from sync.config import Config
from sync.db import MIGRATIONS, connected, copy_database, utcnow, writing
from sync.words import plural


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Overwrite FILE if it exists.")
@as_json
def backup(file: Path, replace: bool, as_json: bool) -> None:
    """Write a consistent copy of the database to FILE while Rollcall keeps running."""
    settings = Config.from_environ()
    _refuse_server(settings, "pg_dump --format=custom --file=FILE", "Nothing was written.")
    if not settings.database_path.exists():
        raise Failed(f"There is no database at {settings.database_path}. Nothing was written. Is ROLLCALL_HOME right?")
    _refuse_own_files(file, settings)
    if file.exists() and not replace:
        raise Failed(f"{file} already exists. Nothing was written. Name another file, or add --replace.")
    with installation():
        try:
            copy_database(settings.database_path, file)
        except (OSError, sqlite3.Error) as problem:
            raise Failed(f"{file} could not be written: {problem}. There is no backup.") from problem
        head = seals.head()
        if problem := _damage(file):
            raise Failed(f"The backup at {file} is damaged. Don't rely on it: {problem}")
        seal = _write_seal(file)
    notice(f"The backup doesn't contain the key: keep a copy of {settings.secret_key_file} in another place. "
         f"{seal.name} reveals changes to the backup: keep the two together.")
    size = file.stat().st_size
    document = {"backup": str(file), "bytes": size, "seal": str(seal), "activity": head}
    log = f"Activity: {plural(head['entries'], 'entry', 'entries')}, head {head['head']}."
    lines = [f"{file}, {size:,} bytes, checked.", log]
    answer(document, lines, as_json)


def _refuse_server(settings: Config, program: str, outcome: str) -> None:
    if settings.database_url:
        raise Failed(f"The workspace is in {settings.database_name}. Use PostgreSQL's own programs to back it up and "
                     f"restore it: {program}. {outcome} docs/scale.md shows how.")


def _refuse_own_files(file: Path, settings: Config) -> None:
    own = (settings.database_path, *_companions(settings.database_path), settings.secret_key_file)
    if file.resolve() in [path.resolve() for path in own]:
        raise Failed(f"{file} is one of Rollcall's own files. Nothing was written. Name another file.")


def _companions(database: Path) -> list[Path]:
    return [database.with_name(database.name + ending) for ending in ("-wal", "-shm")]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def restore(file: Path, as_json: bool) -> None:
    """Replace the database by the backup FILE. The old database is kept next to it. Refused while Rollcall runs.

    FILE is verified first: it must be complete, of this version or an older one, and match the key file.
    """
    settings = Config.from_environ()
    _refuse_server(settings, "pg_restore --clean --if-exists --dbname=DATABASE FILE", "Nothing was changed.")
    _refuse_own_files(file, settings)
    with alone(settings):
        _refuse_unusable(file, settings.secret_key_file)
        proven = _refuse_changed(file, settings.secret_key_file)
        kept = _put_in_place(file, settings.database_path)
        start.open_all(settings)
        with connected(), writing():
            activity.record(BY, "restored backup", about=file.name)
            restored.withdraw(BY)
        restored.look()
        for made in (settings.database_path, kept, settings.home / restored.NOTE):
            _give_to_owner_of_folder(made)
    if not proven:
        notice(f"Nothing proves that {file} is unchanged: {_seal_of(file).name} or its key is missing.")
    lines = [f"{file} is restored."] + ([f"The old database is kept as {kept}."] if kept else [])
    answer({"restored": str(file), "kept": kept and str(kept), "proven": proven}, lines, as_json)


@click.command()
@as_json
def withdraw(as_json: bool) -> None:
    """Withdraw all approvals that weren't carried out yet: for a database that another program has restored.

    Tasks then need attention, planned offboardings are cancelled, standing approvals are off, and everyone has to sign
    in again. Rollcall does this at the start if it notices that the database is from an earlier time.
    """
    with installation():
        withdrawn = restored.withdraw(BY)
    answer(vars(withdrawn), [f"Withdrawn: {withdrawn}."], as_json)


def _refuse_unusable(file: Path, key_file: Path) -> None:
    if problem := _damage(file):
        raise Failed(f"{file} can't be restored: {problem} Nothing was changed.")
    unknown = _migrations(file) - {path.stem for path in MIGRATIONS.glob("*.py")}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise Failed(f"{file} was written by a newer Rollcall (it knows {names}). Nothing was changed.")
    if foreign := foreign_objects(file, _migrations(file)):
        raise Failed(f"{file} has objects that Rollcall didn't create: {', '.join(foreign[:5])}. Nothing was changed.")
    sealed = _sealed(file)
    if sealed and not key_file.exists():
        raise Failed(f"The key to the credentials in {file} is missing. Nothing was changed. Put it at {key_file}.")
    try:
        if sealed:
            vault.open_vault(key_file)
        for credential in sealed:
            vault.unseal(credential)
    except vault.VaultProblem:
        raise Failed(f"{key_file} is not the key of {file}. Nothing was changed. Put the matching one there.") from None


def _give_to_owner_of_folder(made: Path | None) -> None:
    """If root restores for a service, the service's user must be able to open the files that root has made."""
    if made and made.exists() and os.geteuid() == 0:
        folder = made.parent.stat()
        os.chown(made, folder.st_uid, folder.st_gid, follow_symlinks=False)


def _seal_of(file: Path) -> Path:
    return file.with_name(file.name + ".seal")


def _write_seal(file: Path) -> Path:
    """Write the seal next to the backup. Only the holder of the key can write it: it reveals any change."""
    seal = _seal_of(file)
    seal.write_text(_sealed_by(vault.all_keys()[0], file) + "\n")
    os.chmod(seal, 0o600)
    return seal


def _sealed_by(key: bytes, file: Path) -> str:
    mac = hmac.new(vault.derived(key, "backup"), digestmod="sha256")
    with file.open("rb") as content:
        while block := content.read(1_000_000):
            mac.update(block)
    return mac.hexdigest()


def _refuse_changed(file: Path, key_file: Path) -> bool:
    """True if the seal next to the file proves it unchanged; False if there is no seal, or no key to verify it with."""
    seal = _seal_of(file)
    if not (seal.is_file() and key_file.exists()):
        return False
    vault.open_vault(key_file)
    stored = seal.read_text(errors="replace").strip()
    if not any(hmac.compare_digest(_sealed_by(key, file), stored) for key in vault.all_keys() if stored.isascii()):
        raise Failed(f"{file} was changed after `backup` wrote it, or sealed with another key. Nothing was changed. "
                     f"If you know why, move {seal.name} away and try again.")
    return True


def _damage(file: Path) -> str | None:
    """What is wrong with the file, in SQLite's words; None if it is complete and a database of Rollcall."""
    try:
        with closing(_reading(file)) as database:
            found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            return f"it is damaged ({found})."
        return None if _migrations(file) else "it isn't a database of Rollcall."
    except sqlite3.Error as problem:
        return f"it isn't a database of Rollcall ({problem})."


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
    """Replace the database by the file. Returns the path of the old database, or None if there was none."""
    fresh = database.with_name(database.name + ".restoring")
    copy_database(file, fresh)
    kept = None
    if database.exists():
        kept = database.with_name(f"{database.name}.before-restore-{utcnow():%Y%m%d-%H%M%S}")
        _set_aside(database, kept)
    for companion in _companions(database):
        companion.unlink(missing_ok=True)  # they belong to the old file and would damage the new one
    os.replace(fresh, database)
    return kept


def _set_aside(database: Path, kept: Path) -> None:
    """Keep a consistent copy; if the file is too damaged for one, keep the file itself."""
    try:
        copy_database(database, kept)
    except sqlite3.Error:
        kept.with_name(kept.name + ".partial").unlink(missing_ok=True)
        os.link(database, kept)
