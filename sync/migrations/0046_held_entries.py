"""The people whose status a guard holds back are found by an index: each page says how many there are."""


def up(migrator, db):
    db.execute_sql("CREATE INDEX directory_entry_held ON directory_entry (directory_id) WHERE status <> reported")


def down(migrator, db):
    db.execute_sql("DROP INDEX directory_entry_held")
