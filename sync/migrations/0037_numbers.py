"""Employee numbers are compared in lower case (A to Z only), in words that SQLite and PostgreSQL share."""

from peewee import SqliteDatabase

NAME = "person_number"


def up(migrator, db):
    _index(db, "lower(employee_number)")


def down(migrator, db):
    if isinstance(db, SqliteDatabase):  # the first database on a server had the new index
        _index(db, "employee_number COLLATE NOCASE")


def _index(db, column):
    db.execute_sql(f"DROP INDEX {NAME}")
    db.execute_sql(f"CREATE INDEX {NAME} ON person ({column}) WHERE employee_number IS NOT NULL")
