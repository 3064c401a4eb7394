"""A directory knows how many users have a state that the server hides. The next reading notes it."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE directory ADD COLUMN hidden_users INTEGER NOT NULL DEFAULT 0")


def down(migrator, db):
    migrator.drop_column("directory", "hidden_users").run()
