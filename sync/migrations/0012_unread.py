"""What a directory has that may say who has left, and that nothing reads: found by each reading, shown on its page."""

from peewee import SQL, JSONField


def up(migrator, db):
    unread = JSONField(default=list, constraints=[SQL("DEFAULT '[]'")])
    migrator.migrate(migrator.add_column("directory", "unread", unread, allow_not_null=True))


def down(migrator, db):
    migrator.migrate(migrator.drop_column("directory", "unread"))
