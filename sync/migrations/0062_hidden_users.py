"""A directory knows of how many users it doesn't see whether they are disabled. The next reading notes it."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE directory ADD COLUMN hidden_users INTEGER NOT NULL DEFAULT 0")


def down(migrator, db):
    migrator.drop_column("directory", "hidden_users").run()
