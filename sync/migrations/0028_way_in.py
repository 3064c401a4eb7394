"""One-time links in e-mails are stored encrypted; a request for a new password waits for a worker."""

from peewee import SQL, BlobField, CharField, DateTimeField, Model, TextField


class Base(Model):
    class Meta:
        legacy_table_names = False


class PasswordRequest(Base):
    sealed = BlobField()
    source = CharField(default="")
    state = CharField(constraints=[SQL("CHECK (\"state\" IN ('queued', 'sending', 'sent', 'failed'))")])
    next_at = DateTimeField()
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    error = TextField(null=True)
    created_at = DateTimeField()


def up(migrator, db):
    migrator.migrate(migrator.add_column("mail", "sealed", BlobField(null=True)))
    with db.bind_ctx([PasswordRequest]):
        PasswordRequest.create_table()


def down(migrator, db):
    with db.bind_ctx([PasswordRequest]):
        PasswordRequest.drop_table()
    migrator.migrate(migrator.drop_column("mail", "sealed"))
