"""Why a change can't be confirmed has a code beside its words; until now the words were the only sign of it."""

from peewee import CharField

# As an earlier version worded them; a reason that someone gave may be anything else.
WORDS = (
    ("kept until", "Kept until %"),
    ("legal hold", "Protected: legal hold: %"),
    ("automation account", "Protected: Rollcall acts with this account"),
    ("system account", "Protected: the app made it for itself"),
    ("address of another", "Protected: its e-mail is that of %"),
    ("other e-mail", "Protected: its e-mail is another than when %"),
    ("last administrator", "Protected: the last %"),
    ("last administrator", "Protected: it has a role that the app did not name, %"),
    ("by hand", "%"),
)


def up(migrator, db):
    migrator.migrate(migrator.add_column("change", "protection", CharField(null=True)))
    for code, words in WORDS:
        db.execute_sql(
            "UPDATE change SET protection = ? WHERE protection IS NULL AND protected LIKE ?", (code, words))


def down(migrator, db):
    migrator.migrate(migrator.drop_column("change", "protection"))
