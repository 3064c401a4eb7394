"""The schema allows a protection, a held field, and a way of signing in to be one of its words alone."""

from importlib import import_module

from sync.db import DatabaseRefused

named_states = import_module("sync.migrations.0022_named_states")

SECOND = ("", "authenticator app", "passkey", "recovery code", "identity provider")
METHOD = ("", "password", "link", "provider", "passkey", "set-up link")
WORDS = {
    "change": {"protection": (
        "legal hold", "kept until", "by hand", "automation account", "system account", "address of another",
        "other e-mail", "last administrator",
    )},
    "held_change": {"field": (
        "name", "address", "main address", "employee number", "status", "last day", "department", "manager",
    )},
    "session": {"method": METHOD, "second": SECOND},
    "pending_sign_in": {"method": METHOD},
}  # fmt: skip


def up(migrator, db):
    for table, columns in WORDS.items():
        for column in columns:
            _refuse_other_words(db, table, column)
    broken = named_states._broken_references(db)
    for table, columns in WORDS.items():
        checks = "".join(f", {_check(table, column)}" for column in columns)
        named_states._rebuild(db, table, lambda made, checks=checks: f"{made[:made.rindex(')')]}{checks})")
    if named_states._broken_references(db) != broken:
        raise DatabaseRefused(f"{db.database}: a reference was lost while the schema was changed. Nothing was changed.")


def down(migrator, db):
    for table, columns in WORDS.items():
        checks = [f", {_check(table, column)}" for column in columns]
        named_states._rebuild(db, table, lambda made, checks=checks: named_states._without(made, checks))


def _check(table: str, column: str) -> str:
    return f"CHECK ({_allowed(table, column)})"


def _allowed(table: str, column: str) -> str:
    words = ", ".join(f"'{word}'" for word in WORDS[table][column])
    return f'"{column}" IN ({words})'


def _refuse_other_words(db, table: str, column: str) -> None:
    found = db.execute_sql(f'SELECT "{column}", count(*) FROM "{table}" WHERE NOT ({_allowed(table, column)}) '
                           'GROUP BY 1 ORDER BY 1').fetchone()
    if found:
        raise DatabaseRefused(
            f"{db.database} can't be brought up to date: in table {table}, column {column} is {found[0]!r} in "
            f"{found[1]} rows, which Rollcall doesn't know. Nothing was changed. Correct it to one of: "
            f"{', '.join(filter(None, WORDS[table][column]))}.")
