"""Opens a PostgreSQL database: makes the schema in an empty one, migrates an older one, refuses what isn't Rollcall's.
Each refusal is a sentence that names the server but never the password."""

from __future__ import annotations

import re

from playhouse.migrations import Runner

from sync.postgres import address as addresses
from sync.postgres import schema
from sync.postgres.database import Postgres

OLDEST_SERVER = 15  # the oldest one that tests have run on


class CannotBeUsed(Exception):
    """The database can't be Rollcall's; the message says why and what to do."""


def refuse_old_server(db: Postgres) -> None:
    """Raises CannotBeUsed."""
    if db.server_version < OLDEST_SERVER * 10_000:
        raise CannotBeUsed(f"The server is PostgreSQL {db.server_version // 10_000}; Rollcall needs {OLDEST_SERVER} or "
                           "newer. Nothing was changed: upgrade the server, or use another one.")


def prepare(db: Postgres, runner: Runner) -> None:
    """Make the schema or bring it up to date, inside the caller's connection.

    Raises CannotBeUsed, or DatabaseError if the server refuses a statement.
    """
    with db.atomic():
        db.lock_writers()  # of several processes that start at once, one makes the schema
        tables = db.get_tables()
        if not tables:
            schema.create(db, runner)
            return
        known = runner.status()
        if "setting" not in tables or not any(row.applied for row in known):
            raise CannotBeUsed("The database has tables that aren't Rollcall's. Give Rollcall an empty one of its own.")
        unknown = [row.name for row in known if row.path is None]
        if unknown:
            raise CannotBeUsed(f"A newer Rollcall has used it (it knows {', '.join(unknown)}). Nothing was changed: "
                               "start the newer version, or restore a backup made by this one.")
        if any(row.applied is None for row in known):
            runner.up()


def sentence(problem: Exception, address: str) -> str:
    """What is wrong and what to do, for the person who starts Rollcall."""
    parts = addresses.parts(address)
    if parts is None:
        return addresses.UNREADABLE
    name = parts.get("dbname") or parts.get("user") or ""
    where = f"The PostgreSQL database {name} at {parts.get('host') or 'this machine'}"
    if isinstance(problem, CannotBeUsed):
        return f"{where} can't be used. {problem}"
    reason = _words(problem)
    for words, meaning in _MEANINGS.items():
        if re.search(words, reason):
            return f"{where} can't be opened: {meaning}"
    return f"{where} can't be opened: {reason}"


_MEANINGS = {
    "password authentication failed|no password supplied":
        "the server doesn't accept the user's name and password. Correct them in ROLLCALL_DATABASE, or the "
        "password in PGPASSWORD or ~/.pgpass, if it is there.",
    "database .* does not exist": "it doesn't exist. Create it (createdb), or correct its name in ROLLCALL_DATABASE.",
    "role .* does not exist": "the server doesn't know the user. Correct the name in ROLLCALL_DATABASE.",
    "Connection refused|could not translate host|failed to resolve|Name or service not known|timeout|No such file":
        "the server doesn't answer. Check that it runs, and its host and port in ROLLCALL_DATABASE.",
    "permission denied": "the user may not create tables in it. Make the user the owner of the database.",
    "extension .* is not available":
        "the server lacks the extension pg_trgm. Install the package postgresql-contrib on the server.",
}  # fmt: skip


def _words(problem: Exception) -> str:
    """The first line of what the driver says; it never contains the password."""
    first = next(iter(str(problem).splitlines()), "") or type(problem).__name__
    return first.removesuffix(".") + "."
