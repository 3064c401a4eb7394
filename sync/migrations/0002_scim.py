"""Directories that push: their tokens, what they wrote as they wrote it, and since when someone is gone."""

from datetime import datetime

from peewee import SQL, CharField, DateTimeField, ForeignKeyField, IntegerField, JSONField, Model, TextField


class Base(Model):
    class Meta:
        legacy_table_names = False


class Directory(Base):
    pass


class DirectoryEntry(Base):
    pass


class DirectoryToken(Base):
    directory = ForeignKeyField(Directory, on_delete="CASCADE")
    token_hash = CharField(unique=True)
    created_at = DateTimeField(default=datetime.now)
    created_by = CharField(default="")
    used_at = DateTimeField(null=True)  # last, to the minute


class ScimResource(Base):
    directory = ForeignKeyField(Directory, on_delete="CASCADE", index=False)
    kind = CharField()  # User, Group
    scim_id = CharField(unique=True)  # also the external id of its entry or group
    external_id = CharField(null=True)  # the identity provider's
    name_key = CharField()  # userName or displayName, in the form for comparison
    document = JSONField(default=dict)  # without id, meta, members, groups and password; empty once deleted
    version = IntegerField(default=1)
    created_at = DateTimeField(default=datetime.now)
    modified_at = DateTimeField(default=datetime.now)
    deleted_at = DateTimeField(null=True)  # a User is kept, and reused if it comes back
    entry = ForeignKeyField(DirectoryEntry, null=True, on_delete="SET NULL")  # null: it isn't a person yet
    warning = TextField(null=True)  # why

    class Meta:
        indexes = (
            (("directory", "kind", "name_key"), False),
            (("directory", "kind", "external_id"), False),
            SQL("CREATE UNIQUE INDEX scim_resource_user ON scim_resource (directory_id, name_key) "
                "WHERE kind = 'User' AND deleted_at IS NULL"),
            SQL("CREATE INDEX scim_resource_unclear ON scim_resource (directory_id) "
                "WHERE kind = 'User' AND entry_id IS NULL AND deleted_at IS NULL"),
        )


class ScimMember(Base):
    group = ForeignKeyField(ScimResource, on_delete="CASCADE", index=False)
    member_id = CharField(index=True)  # ScimResource.scim_id
    detail = JSONField(default=dict)

    class Meta:
        indexes = ((("group", "member_id"), True),)


TABLES = [DirectoryToken, ScimResource, ScimMember]


def up(migrator, db):
    migrator.migrate(
        migrator.add_column("directory", "guard_from", DateTimeField(null=True)),
        migrator.add_column("directory_entry", "left_at", DateTimeField(null=True)),
    )
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.create_tables(TABLES, safe=False)


def down(migrator, db):
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.drop_tables(TABLES)
    migrator.migrate(
        migrator.drop_column("directory_entry", "left_at"),
        migrator.drop_column("directory", "guard_from"),
    )
