"""An app has the kind and the time of its last failure, and when its daily check was last due.
Until now `error` was set only where an app needed attention at once; now it is that of the last failure."""

WORDS = (
    "credential", "unreachable", "rate limit", "incomplete", "refused", "missing fields", "person needed", "settings",
    "connector", "not known",
)  # fmt: skip
COLUMNS = {
    "failure": f"VARCHAR(255) CHECK (\"failure\" IN ({', '.join(repr(word) for word in WORDS)}))",
    "failed_at": "DATETIME",
    "last_due_at": "DATETIME",
}
LAST = """(SELECT {what} FROM app_check c WHERE c.app_id = app.id AND c.state = 'failed'
    ORDER BY c.id DESC LIMIT 1)"""


def up(migrator, db):
    for name, kind in COLUMNS.items():
        db.execute_sql(f'ALTER TABLE app ADD COLUMN "{name}" {kind}')
    db.execute_sql("UPDATE app SET failure = 'not known' WHERE error IS NOT NULL")
    # Fewer than three failures in a row, that could pass: the row of the check alone had their words.
    db.execute_sql(f"UPDATE app SET failure = 'incomplete', error = {LAST.format(what='c.error')} "
                   "WHERE error IS NULL AND failures > 0")
    db.execute_sql(f"UPDATE app SET failed_at = {LAST.format(what='c.finished_at')} "
                   "WHERE failures > 0 OR error IS NOT NULL")


def down(migrator, db):
    db.execute_sql("UPDATE app SET error = NULL WHERE failures < 3 AND failure IN "
                   "('unreachable', 'rate limit', 'incomplete', 'connector')")
    for name in COLUMNS:
        db.execute_sql(f'ALTER TABLE app DROP COLUMN "{name}"')
