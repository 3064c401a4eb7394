"""In the tables of which a check writes very many rows, the schema compares a word with one allowed word after the
other. For a list, SQLite makes a table of the list again for each row, which is slower than all the rest."""

from importlib import import_module

from sync.db import DatabaseRefused

named_states = import_module("sync.migrations.0022_named_states")

WORDS = {
    "account": {
        "status": ("active", "invited", "suspended", "unknown"), "state": ("present", "removing", "gone"),
        "match_kind": ("matched", "unmatched", "guest", "local partner", "service account"),
    },
    "change": {
        "kind": (
            "new user", "removed user", "updated role", "updated profile", "new asset", "removed asset",
            "renamed asset", "granted access", "revoked access", "changed access", "to invite", "to change role",
            "to grant access", "to revoke access", "no longer assigned",
        ),
        "decision": ("applied", "needs confirmation", "held", "ignored", "left out", "confirmed", "scheduled"),
        "protection": (
            "legal hold", "kept until", "by hand", "automation account", "system account", "address of another",
            "other e-mail", "last administrator",
        ),
    },
}  # fmt: skip
OWN_WORD = " OR \"status\" LIKE 'unknown%'"  # of an account's status


def up(migrator, db):
    _rebuild_all(db, _in_a_list, _one_by_one)


def down(migrator, db):
    _rebuild_all(db, _one_by_one, _in_a_list)


def _rebuild_all(db, before, after) -> None:
    broken = named_states._broken_references(db)
    for table, columns in WORDS.items():
        def change(made: str, table=table, columns=columns) -> str:
            for column, words in columns.items():
                made = _swapped(db, table, made, before(column, words), after(column, words))
            return made

        named_states._rebuild(db, table, change)
    if named_states._broken_references(db) != broken:
        raise DatabaseRefused(f"{db.database}: a reference was lost while the schema was changed. Nothing was changed.")


def _swapped(db, table: str, made: str, before: str, after: str) -> str:
    if made.count(before) != 1:
        raise DatabaseRefused(f"{db.database}: the table {table} is not as Rollcall makes it. Nothing was changed.")
    return made.replace(before, after)


def _in_a_list(column: str, words: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f'CHECK ("{column}" IN ({listed}){OWN_WORD if column == "status" else ""})'


def _one_by_one(column: str, words: tuple[str, ...]) -> str:
    compared = " OR ".join(f"\"{column}\" = '{word}'" for word in words)
    return f'CHECK ({compared}{OWN_WORD if column == "status" else ""})'
