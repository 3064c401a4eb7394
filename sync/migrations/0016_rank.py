"""A directory knows who answers for it, an address who vouched for it; what is held of people above, and sign-ins that
wait. Earlier ones count as an Owner's, because an Owner upgraded the installation."""

from peewee import SQL, BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, Model, TextField


class Base(Model):
    class Meta:
        legacy_table_names = False


class Person(Base):
    pass


class Directory(Base):
    pass


class HeldChange(Base):
    person = ForeignKeyField(Person, on_delete="CASCADE")
    directory = ForeignKeyField(Directory, null=True, on_delete="CASCADE")
    field = CharField()
    value = TextField()
    state = CharField(default="open")
    asked_by = CharField()
    created_at = DateTimeField()
    decided_by = CharField(null=True)

    class Meta:
        indexes = ((("person", "state"), False),)


class WaitingSignIn(Base):
    issuer = CharField()
    subject = CharField()
    email = CharField(default="")
    label = CharField(default="")
    why = TextField(default="")
    own = BooleanField(default=False)
    person = ForeignKeyField(Person, on_delete="CASCADE")
    created_at = DateTimeField()

    class Meta:
        indexes = ((("issuer", "subject"), True),)


MADE = [HeldChange, WaitingSignIn]


def up(migrator, db):
    migrator.migrate(
        migrator.add_column("directory", "answers_id", IntegerField(null=True)),
        migrator.add_column("directory", "vouched", BooleanField(default=False)),
        migrator.add_column("person_email", "vouched", BooleanField(
            default=False, constraints=[SQL("DEFAULT 0")]), allow_not_null=True),
    )
    db.execute_sql("UPDATE directory SET vouched = 1")
    db.execute_sql("""UPDATE person_email SET vouched = 1 WHERE by_hand OR NOT EXISTS (
        SELECT 1 FROM directory_entry AS e WHERE e.person_id = person_email.person_id)""")
    with db.bind_ctx(MADE, bind_refs=False, bind_backrefs=False):
        db.create_tables(MADE, safe=False)


def down(migrator, db):
    with db.bind_ctx(MADE, bind_refs=False, bind_backrefs=False):
        db.drop_tables(MADE)
    migrator.migrate(
        migrator.drop_column("person_email", "vouched"), migrator.drop_column("directory", "vouched"),
        migrator.drop_column("directory", "answers_id"))
