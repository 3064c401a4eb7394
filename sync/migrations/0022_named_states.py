"""The schema allows a state or kind to be one of its words alone, and a connected app's name once. Six indexes that
others cover, and three columns that nothing read, are gone. A file with another word in it is refused unchanged."""

import re

from peewee import DateTimeField

from sync.db import DatabaseRefused

PERSON = ("active", "suspended", "deprovisioned")
MATCH = ("matched", "unmatched", "guest", "local partner", "service account")
APPROVAL = ("ask", "automatic")
CHANGE = (
    "new user", "removed user", "updated role", "updated profile", "new asset", "removed asset", "renamed asset",
    "granted access", "revoked access", "changed access", "to invite", "to change role", "to grant access",
    "to revoke access", "no longer assigned",
)  # fmt: skip
WORDS = {
    "directory": {"state": ("active", "paused")},
    "person": {
        "status": PERSON, "status_by_hand": PERSON,
        "workspace_role": ("owner", "super admin", "admin", "user", "guest"),
    },
    "directory_entry": {"status": PERSON, "reported": PERSON, "listed": PERSON},
    "held_change": {"state": ("open", "released", "dismissed")},
    "scim_resource": {"kind": ("User", "Group")},
    "directory_reading": {"state": ("queued", "running", "succeeded", "failed")},
    "app": {
        "state": ("connecting", "active", "paused", "disconnected"),
        "removal": APPROVAL, "joiners": APPROVAL, "unassigned": APPROVAL,
    },
    "waiting_file": {"door": ("directory", "list", "export", "import")},
    "app_person": {"part": ("owner", "collaborator")},
    "account": {
        "status": ("active", "invited", "suspended", "unknown"), "state": ("present", "removing", "gone"),
        "match": MATCH,
    },
    "asset": {"state": ("present", "gone")},
    "report": {"state": ("open", "applied", "dismissed", "superseded")},
    "check": {
        "trigger": ("daily", "hand", "connect", "api", "directory", "invitation", "release"),
        "state": ("queued", "running", "succeeded", "failed", "cancelled"),
        "phase": ("waiting", "directory", "accounts", "assets", "access", "comparing"),
    },
    "offboarding": {"state": ("scheduled", "applied", "cancelled")},
    "change": {
        "kind": CHANGE,
        "decision": ("applied", "needs confirmation", "held", "ignored", "left out", "confirmed", "scheduled"),
    },
    "app_task": {
        "act": ("remove", "change role", "invite", "grant", "revoke"),
        "state": ("queued", "running", "needs attention", "done", "failed", "cancelled", "no longer needed"),
    },
    "match_decision": {"match": MATCH},
    "left_out": {"kind": CHANGE},
    "invitation": {"state": ("ongoing", "failed", "invited", "onboarded", "expired", "cancelled")},
    "mail": {"state": ("queued", "sending", "sent", "failed")},
}  # fmt: skip
COVERED = (  # by an index that begins with the same column
    ("directory_entry", "directory_id"), ("directory_group", "directory_id"), ("directory_group_member", "group_id"),
    ("app_person", "app_id"), ("role", "app_id"), ("check", "app_id"),
)  # fmt: skip
NEVER_READ = (("report", "updated_at"), ("invitation", "onboarded_at"), ("mail", "sent_at"))
CONNECTED = "state IN ('active', 'paused')"


def up(migrator, db):
    _refuse_other_words(db)
    _refuse_two_of_a_name(db)
    broken = _broken_references(db)
    for table, column in COVERED:
        db.execute_sql(f'DROP INDEX "{table}_{column}"')
    for table, column in NEVER_READ:
        migrator.migrate(migrator.drop_column(table, column))
    for table, columns in WORDS.items():
        checks = "".join(f", {_check(table, column)}" for column in columns)
        _rebuild(db, table, lambda made, checks=checks: f"{made[:made.rindex(')')]}{checks})")
    db.execute_sql(f"CREATE UNIQUE INDEX app_name ON app (name) WHERE {CONNECTED}")
    if _broken_references(db) != broken:
        raise DatabaseRefused(f"{db.database}: a reference was lost while the schema was changed. Nothing was changed.")


def down(migrator, db):
    """What nothing read stays empty."""
    db.execute_sql("DROP INDEX app_name")
    for table, columns in WORDS.items():
        checks = [f", {_check(table, column)}" for column in columns]
        _rebuild(db, table, lambda made, checks=checks: _without(made, checks))
    for table, column in NEVER_READ:
        migrator.migrate(migrator.add_column(table, column, DateTimeField(null=True)))
    for table, column in COVERED:
        db.execute_sql(f'CREATE INDEX "{table}_{column}" ON "{table}" ("{column}")')


def _check(table: str, column: str) -> str:
    return f"CHECK ({_allowed(table, column)})"


def _allowed(table: str, column: str) -> str:
    words = ", ".join(f"'{word}'" for word in WORDS[table][column])
    own_word = " OR \"status\" LIKE 'unknown%'" if (table, column) == ("account", "status") else ""
    return f'"{column}" IN ({words}){own_word}'


def _refuse_other_words(db) -> None:
    for table, columns in WORDS.items():
        for column in columns:
            found = db.execute_sql(f'SELECT "{column}", count(*), min(id) FROM "{table}" '
                                   f'WHERE NOT ({_allowed(table, column)}) GROUP BY 1 ORDER BY 1').fetchone()
            if found:
                word, number, first = found
                raise DatabaseRefused(
                    f"{db.database} can't be brought up to date: in table {table}, column {column} is {word!r}, which "
                    f"Rollcall doesn't know ({number} of its rows, the first has the id {first}). Nothing was changed. "
                    f"Correct it to one of: {', '.join(WORDS[table][column])}.")


def _refuse_two_of_a_name(db) -> None:
    found = db.execute_sql(
        f"SELECT name, count(*) FROM app WHERE {CONNECTED} GROUP BY name HAVING count(*) > 1 ORDER BY name").fetchone()
    if found:
        raise DatabaseRefused(
            f"{db.database} can't be brought up to date: in table app, column name is {found[0]!r} in {found[1]} "
            "connected apps. Nothing was changed. Rename all but one of them in the version that you had before.")


def _rebuild(db, table: str, change) -> None:
    """The steps of https://www.sqlite.org/lang_altertable.html#otheralter. Raises DatabaseRefused where foreign keys
    are enforced: a table that is dropped would take the rows that refer to it along."""
    if db.pragma("foreign_keys"):
        raise DatabaseRefused(f"{db.database}: foreign keys are enforced during a migration. Nothing was changed.")
    [made] = db.execute_sql("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    beside = [sql for (sql,) in db.execute_sql(
        "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND tbl_name = ? AND sql IS NOT NULL "
        "ORDER BY rowid", (table,)).fetchall()]
    columns = ", ".join(f'"{row[1]}"' for row in db.execute_sql(f'PRAGMA table_info("{table}")').fetchall())
    new, renamed = re.subn(rf'^CREATE TABLE "?{table}"?', f'CREATE TABLE "{table} new"', made)
    if not renamed:
        raise DatabaseRefused(f"{db.database}: the table {table} is not as Rollcall makes it. Nothing was changed.")
    db.execute_sql(change(new))
    db.execute_sql(f'INSERT INTO "{table} new" ({columns}) SELECT {columns} FROM "{table}"')
    db.execute_sql(f'DROP TABLE "{table}"')
    db.execute_sql(f'ALTER TABLE "{table} new" RENAME TO "{table}"')
    for sql in beside:
        db.execute_sql(sql)


def _without(made: str, checks: list[str]) -> str:
    for check in checks:
        made = made.replace(check, "", 1)
    return made


def _broken_references(db) -> list[tuple]:
    return sorted(map(tuple, db.execute_sql("PRAGMA foreign_key_check").fetchall()), key=str)
