"""Of an entry, Rollcall knows when its person came back; of a directory, since when many are back at once, and that its
first reading couldn't look for attributes that may show who has left."""

from peewee import SQL, BooleanField, DateTimeField


def up(migrator, db):
    migrator.add_column("directory", "many_back_since", DateTimeField(null=True)).run()
    migrator.add_column("directory_entry", "back_at", DateTimeField(null=True)).run()
    unknown = BooleanField(default=False, constraints=[SQL("DEFAULT FALSE")])
    migrator.add_column("directory", "attributes_unknown", unknown).run()


def down(migrator, db):
    migrator.drop_column("directory", "attributes_unknown").run()
    migrator.drop_column("directory_entry", "back_at").run()
    migrator.drop_column("directory", "many_back_since").run()
