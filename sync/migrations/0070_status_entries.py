"""A person knows which directory entry their status follows: no text says any longer whether someone decided it."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE person ADD COLUMN status_entry_id INTEGER")
    db.execute_sql("""
        UPDATE person SET status_entry_id = (
            SELECT min(e.id) FROM directory_entry AS e WHERE e.person_id = person.id AND e.reason = person.status_reason)
        WHERE status_reason <> ''""")


def down(migrator, db):
    migrator.drop_column("person", "status_entry_id").run()
