"""People who are here by a decision by hand are found by an index: a directory may say by now that they have left."""


def up(migrator, db):
    db.execute_sql("CREATE INDEX person_decided ON person (id) "
                   "WHERE status_by_hand IS NOT NULL AND status_by_hand <> 'deprovisioned'")  # fmt: skip


def down(migrator, db):
    db.execute_sql("DROP INDEX person_decided")
