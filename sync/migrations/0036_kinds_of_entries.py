"""Entries of Activity of one kind are found without walking the log: a kind is a few words, each with its lines."""

INDEX = "activity_what"


def up(migrator, db):
    db.execute_sql(f"CREATE INDEX {INDEX} ON activity (what, coalesce(line, id))")


def down(migrator, db):
    db.execute_sql(f"DROP INDEX {INDEX}")
