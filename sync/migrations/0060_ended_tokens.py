"""A directory's token that was ended is kept, with its last refusal: its identity provider may continue to use it."""

from peewee import DateTimeField


def up(migrator, db):
    migrator.add_column("directory_token", "ended_at", DateTimeField(null=True)).run()
    migrator.add_column("directory_token", "refused_at", DateTimeField(null=True)).run()


def down(migrator, db):
    db.execute_sql("DELETE FROM directory_token WHERE ended_at IS NOT NULL")
    migrator.drop_column("directory_token", "refused_at").run()
    migrator.drop_column("directory_token", "ended_at").run()
