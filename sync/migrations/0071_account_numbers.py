"""The accounts that have one of some employee numbers are found by an index."""


def up(migrator, db):
    db.execute_sql("CREATE INDEX account_number ON account (app_id, lower(employee_number)) "
                   "WHERE employee_number IS NOT NULL")  # fmt: skip


def down(migrator, db):
    db.execute_sql("DROP INDEX account_number")
