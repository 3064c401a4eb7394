"""That a directory's entry was used again for someone else is a column of it: it was a part of the entry's id, and a
directory may give any text as an id."""

MARK = "' was used again: ' || id"


def up(migrator, db):
    db.execute_sql("ALTER TABLE directory_entry ADD COLUMN former_id VARCHAR(255)")
    db.execute_sql(f"""UPDATE directory_entry
        SET former_id = substr(external_id, 1, length(external_id) - length({MARK}))
        WHERE substr(external_id, length(external_id) - length({MARK}) + 1) = {MARK}""")


def down(migrator, db):
    db.execute_sql(f"UPDATE directory_entry SET external_id = former_id || {MARK} WHERE former_id IS NOT NULL")
    migrator.drop_column("directory_entry", "former_id").run()
