"""Columns have names that explain themselves. So does what the settings of e-mail and sign-in keep of an approval."""

import json

NAMES = {
    "account": {"unsaid": "missing_fields", "assumed": "defaulted_fields", "pending": "held_values"},
    "app": {"private_by": "private_network_approver", "identity": "automation_name",
            "identity_id": "automation_external_id", "daily": "checked_daily", "services": "service_accounts"},
    "app_task": {"act": "kind"},
    "directory": {"private_by": "private_network_approver", "guard_from": "guard_counts_from"},
    "directory_entry": {"reported": "reported_status", "listed": "status_before_dates"},
}  # fmt: skip
SETTINGS = ("mail server", "sign-in provider")
KEY = {"private_by": "private_network_approver"}


def up(migrator, db):
    db.execute_sql("DROP INDEX account_pending")
    _rename(db, NAMES, KEY)
    db.execute_sql("CREATE INDEX account_held ON account (app_id) WHERE held_values IS NOT NULL")


def down(migrator, db):
    db.execute_sql("DROP INDEX account_held")
    _rename(db, {table: _back(columns) for table, columns in NAMES.items()}, _back(KEY))
    db.execute_sql("CREATE INDEX account_pending ON account (app_id) WHERE pending IS NOT NULL")


def _back(names: dict[str, str]) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def _rename(db, names: dict[str, dict[str, str]], key: dict[str, str]) -> None:
    for table, columns in names.items():
        for old, new in columns.items():
            # Without quotes, as SQLite writes the name into indexes and triggers as it is here.
            db.execute_sql(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for name, value in db.execute_sql("SELECT name, value FROM setting WHERE name IN (?, ?)", SETTINGS).fetchall():
        if kept := json.loads(value or "null"):
            renamed = {key.get(word, word): meaning for word, meaning in kept.items()}
            db.execute_sql("UPDATE setting SET value = ? WHERE name = ?", (json.dumps(renamed), name))
