"""What each directory says of e-mail addresses, which addresses were given by hand, and whose accounts are in doubt
since an address went from one person to another."""

from peewee import BooleanField, CharField, ForeignKeyField, Model


class Base(Model):
    class Meta:
        legacy_table_names = False


class Directory(Base):
    pass


class Person(Base):
    pass


class DirectoryAddress(Base):
    directory = ForeignKeyField(Directory, on_delete="CASCADE", index=False)
    external_id = CharField()
    normal = CharField(index=True)
    email = CharField()
    main = BooleanField(default=False)
    here = BooleanField(default=True)
    name = CharField(default="")
    employee_number = CharField(default="")

    class Meta:
        indexes = ((("directory", "external_id", "normal"), True),)


# Until the next reading: of each entry the main address alone, as far as it is its person's here.
SAID = """
    INSERT INTO directory_address (directory_id, external_id, normal, email, main, here, name, employee_number)
    SELECT e.directory_id, e.external_id, pe.normal, e.email, 1, e.reported <> 'deprovisioned', e.name,
        e.employee_number
    FROM directory_entry AS e
    JOIN person_email AS pe ON pe.person_id = e.person_id AND lower(pe.email) = lower(e.email)
"""
# All addresses of pushed users, because they aren't read again.
PUSHED = """
    INSERT INTO directory_address (directory_id, external_id, normal, email, main, here, name, employee_number)
    SELECT s.directory_id, s.scim_id, lower(said.email), said.email, 0, s.document ->> 'active' IS NOT 0,
        coalesce(s.document ->> 'displayName', ''), coalesce(
            s.document -> '$."urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"' ->> 'employeeNumber', '')
    FROM scim_resource AS s JOIN (
        SELECT r.id, CASE WHEN e.type = 'object' THEN e.value ->> 'value' END AS email
        FROM scim_resource AS r, json_each(r.document, '$.emails') AS e
        UNION ALL SELECT id, document ->> 'userName' FROM scim_resource
    ) AS said ON said.id = s.id
    WHERE s.kind = 'User' AND s.deleted_at IS NULL AND said.email LIKE '_%@_%._%'
      AND said.email NOT GLOB '*[^!-~]*' AND said.email NOT GLOB '*[][()<>",;:]*'
    ON CONFLICT (directory_id, external_id, normal) DO NOTHING
"""
# Where directories know someone, they are taken to have said each address: then what they say next counts.
BY_HAND = "UPDATE person_email SET by_hand = 1 WHERE person_id NOT IN (SELECT person_id FROM directory_entry)"


def up(migrator, db):
    with db.bind_ctx([DirectoryAddress], bind_refs=False, bind_backrefs=False):
        db.create_tables([DirectoryAddress])
    migrator.migrate(
        migrator.add_column("person_email", "by_hand", BooleanField(default=False)),
        migrator.add_column("person_email", "disputed", BooleanField(default=False)),
        migrator.add_column("account", "asked_as", CharField(null=True)),
        migrator.add_column(
            "account", "was_of_id", ForeignKeyField(Person, field=Person.id, null=True, on_delete="SET NULL",
                                                    index=False)),
    )  # fmt: skip
    db.execute_sql("CREATE INDEX person_email_disputed ON person_email (id) WHERE disputed")
    db.execute_sql(SAID)
    db.execute_sql(PUSHED)
    db.execute_sql(BY_HAND)


def down(migrator, db):
    db.execute_sql("DROP INDEX person_email_disputed")
    migrator.migrate(
        *[migrator.drop_column("account", column) for column in ("was_of_id", "asked_as")],
        *[migrator.drop_column("person_email", column) for column in ("disputed", "by_hand")],
    )
    db.execute_sql("DROP TABLE directory_address")
