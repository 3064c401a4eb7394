"""The life of a person: decisions about matches, groups that give roles, invitations, leaving every app at once."""

from datetime import datetime

from peewee import (
    SQL,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
)


class Base(Model):
    class Meta:
        legacy_table_names = False


class Person(Base):
    pass


class App(Base):
    pass


class Account(Base):
    pass


class Asset(Base):
    pass


class DirectoryGroup(Base):
    pass


class Task(Base):
    class Meta:
        table_name = "app_task"


class Offboarding(Base):
    person = ForeignKeyField(Person, on_delete="CASCADE")
    state = CharField(default="scheduled")  # scheduled, applied, cancelled
    remove_on = DateField(null=True)
    reason = TextField(default="")
    key = CharField(null=True, unique=True)
    asked_by = CharField(default="")
    created_at = DateTimeField(default=datetime.now)
    decided_at = DateTimeField(null=True)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX offboarding_live ON offboarding (person_id) WHERE state = 'scheduled'"),)


class MatchDecision(Base):
    account = ForeignKeyField(Account, on_delete="CASCADE")
    batch = CharField(index=True)
    match = CharField()  # as it was before
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    match_by_hand = BooleanField(default=False)
    match_note = TextField(null=True)
    made_by = CharField(default="")
    made_at = DateTimeField(default=datetime.now)
    undone_at = DateTimeField(null=True)


class Team(Base):
    name = CharField(unique=True)


class TeamGroup(Base):
    team = ForeignKeyField(Team, on_delete="CASCADE", index=False)
    group = ForeignKeyField(DirectoryGroup, null=True, on_delete="SET NULL")
    name = CharField(default="")

    class Meta:
        indexes = ((("team", "group"), True),)


class GroupRule(Base):
    app = ForeignKeyField(App, on_delete="CASCADE")
    group = ForeignKeyField(DirectoryGroup, null=True, on_delete="SET NULL")
    team = ForeignKeyField(Team, null=True, on_delete="CASCADE")
    group_name = CharField(default="")  # as it was when the rule was made
    role = CharField(default="")  # Role.external_id; "" doesn't change the role
    created_by = CharField(default="")
    created_at = DateTimeField(default=datetime.now)


class GroupRuleAsset(Base):
    rule = ForeignKeyField(GroupRule, on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, on_delete="CASCADE")
    role = CharField(default="")

    class Meta:
        indexes = ((("rule", "asset"), True),)


class Assignment(Base):
    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, on_delete="CASCADE")
    role = CharField(default="")  # the highest of the rules
    why = TextField(default="")
    since = DateTimeField(default=datetime.now)
    ended_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("app", "person"), True),)


class LeftOut(Base):
    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    kind = CharField()
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE")
    person = ForeignKeyField(Person, null=True, on_delete="CASCADE")
    asset = ForeignKeyField(Asset, null=True, on_delete="CASCADE")
    role = CharField(default="")
    reason = TextField()
    made_by = CharField(default="")
    made_at = DateTimeField(default=datetime.now)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX left_out_once ON left_out (app_id, kind, coalesce(account_id, 0), "
                       "coalesce(person_id, 0), coalesce(asset_id, 0), role)"),)


class Invitation(Base):
    app = ForeignKeyField(App, on_delete="CASCADE")
    email = CharField()
    normal = CharField()
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    role = CharField(default="")
    task = ForeignKeyField(Task, null=True, on_delete="SET NULL", index=False)
    account = ForeignKeyField(Account, null=True, on_delete="SET NULL")
    state = CharField(default="ongoing")  # ongoing, failed, invited, onboarded, expired, cancelled
    asked_by = CharField(default="")
    created_at = DateTimeField(default=datetime.now)
    mailed_at = DateTimeField(null=True)
    reminded_at = DateTimeField(null=True)
    expires_at = DateTimeField(null=True)
    onboarded_at = DateTimeField(null=True)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX invitation_live ON invitation (app_id, normal) "
                       "WHERE state IN ('ongoing', 'failed', 'invited')"),)


TABLES = [Offboarding, MatchDecision, Team, TeamGroup, GroupRule, GroupRuleAsset, Assignment, LeftOut, Invitation]
COLUMNS = (
    ("directory", "place", IntegerField(null=True)),
    ("directory_entry", "employee_number", CharField(default="")),
    ("person", "remove_on", DateField(null=True)),
    ("person", "hold", TextField(null=True)),
    ("app", "match_domain", CharField(null=True)),
    ("app", "joiners", CharField(null=True)),
    ("app", "unassigned", CharField(null=True)),
    ("directory_group", "gone_at", DateTimeField(null=True)),
    ("role", "place", IntegerField(default=0)),
    ("account", "user_name", CharField(null=True)),
    ("account", "employee_number", CharField(null=True)),
    ("account", "match_note", TextField(null=True)),
    ("change", "detail", JSONField(null=True)),
)
REFERENCES = (("change", "person_id", "person"), ("change", "offboarding_id", "offboarding"),
              ("app_task", "asset_id", "asset"))  # fmt: skip
CHANGE_ONCE = (
    "CREATE UNIQUE INDEX change_once ON change (report_id, kind, in_app, coalesce(account_id, 0), "
    "coalesce(asset_id, 0){}) WHERE decision <> 'applied'"
)
REMOVALS = "CREATE INDEX change_removals ON change (created_at) WHERE kind {} AND in_app"
TASK_LIVE = (
    "CREATE UNIQUE INDEX app_task_live ON app_task (account_id, act{}) "
    "WHERE state IN ('queued', 'running', 'needs attention')"
)


def up(migrator, db):
    migrator.migrate(*[migrator.add_column(*column) for column in COLUMNS])
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.create_tables(TABLES, safe=False)
    for table, column, target in REFERENCES:
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER REFERENCES {target} (id) ON DELETE SET NULL")
    db.execute_sql('CREATE INDEX "change_offboarding_id" ON "change" ("offboarding_id")')
    db.execute_sql("CREATE INDEX person_number ON person (employee_number COLLATE NOCASE) "
                   "WHERE employee_number IS NOT NULL")
    db.execute_sql("CREATE INDEX account_invited ON account (app_id) WHERE status = 'invited'")
    _index(db, "change_once", CHANGE_ONCE, ", coalesce(person_id, 0)")
    _index(db, "change_removals", REMOVALS, "IN ('removed user', 'no longer assigned')")
    _index(db, "app_task_live", TASK_LIVE, ", coalesce(asset_id, 0)")


def down(migrator, db):
    _index(db, "change_once", CHANGE_ONCE, "")
    _index(db, "change_removals", REMOVALS, "= 'removed user'")
    _index(db, "app_task_live", TASK_LIVE, "")
    db.execute_sql('DROP INDEX "change_offboarding_id"')
    db.execute_sql("DROP INDEX person_number")
    db.execute_sql("DROP INDEX account_invited")
    for table, column in [reference[:2] for reference in REFERENCES] + [column[:2] for column in COLUMNS]:
        db.execute_sql(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.drop_tables(TABLES)


def _index(db, name, statement, further):
    db.execute_sql(f"DROP INDEX {name}")
    db.execute_sql(statement.format(further))
