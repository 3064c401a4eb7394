"""The first schema: a frozen copy of the models as they were then."""

from datetime import datetime

from peewee import (
    SQL,
    BlobField,
    BooleanField,
    CharField,
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


class Setting(Base):
    name = CharField(primary_key=True)
    value = JSONField(null=True)


class Directory(Base):
    kind = CharField()
    name = CharField(unique=True)
    settings = JSONField(default=dict)
    credential = BlobField(null=True)
    state = CharField(default="active")  # active, paused
    created_at = DateTimeField(default=datetime.now)
    last_read_at = DateTimeField(null=True)  # the last complete reading that was applied
    next_read_at = DateTimeField(null=True, index=True)
    failures = IntegerField(default=0)  # in a row
    error = TextField(null=True)


class Person(Base):
    name = CharField(default="")
    status = CharField(default="active", index=True)  # active, suspended, deprovisioned
    status_by_hand = CharField(null=True)
    status_since = DateTimeField(default=datetime.now)
    status_reason = TextField(default="")
    employee_number = CharField(null=True)
    workspace_role = CharField(null=True)  # owner, super admin, admin, user, guest; null: may not sign in
    password_hash = CharField(null=True)
    created_at = DateTimeField(default=datetime.now)


class PersonEmail(Base):
    person = ForeignKeyField(Person, backref="emails", on_delete="CASCADE")
    email = CharField()  # as it was given
    normal = CharField(unique=True)  # matching.normal_email(email)
    main = BooleanField(default=False)


class DirectoryEntry(Base):
    directory = ForeignKeyField(Directory, backref="entries", on_delete="CASCADE")
    external_id = CharField()
    person = ForeignKeyField(Person, backref="entries", on_delete="CASCADE")
    user_name = CharField(default="")
    email = CharField(default="")  # the directory's last value: only its changes are applied,
    name = CharField(default="")  # so that an edit by hand outlives the readings
    status = CharField(default="active")  # active, suspended, deprovisioned
    reported = CharField(default="active")
    reported_at = DateTimeField(default=datetime.now)
    reason = TextField(default="")  # "disabled in Company LDAP", "no longer in staff.csv"

    class Meta:
        indexes = ((("directory", "external_id"), True),)


class FormerEntry(Base):
    kind = CharField()
    external_id = CharField()
    person = ForeignKeyField(Person, on_delete="CASCADE")

    class Meta:
        indexes = ((("kind", "external_id"), True),)


class DirectoryGroup(Base):
    directory = ForeignKeyField(Directory, backref="groups", on_delete="CASCADE")
    external_id = CharField()
    name = CharField()

    class Meta:
        indexes = ((("directory", "external_id"), True),)


class DirectoryGroupMember(Base):
    group = ForeignKeyField(DirectoryGroup, backref="members", on_delete="CASCADE")
    entry = ForeignKeyField(DirectoryEntry, backref="groups", on_delete="CASCADE")

    class Meta:
        indexes = ((("group", "entry"), True),)


class DirectoryReading(Base):
    directory = ForeignKeyField(Directory, backref="readings", on_delete="CASCADE")
    state = CharField(default="queued")  # queued, running, succeeded, failed
    started_by = CharField(default="schedule")
    created_at = DateTimeField(default=datetime.now)
    started_at = DateTimeField(null=True)
    finished_at = DateTimeField(null=True)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    read = IntegerField(default=0)
    counts = JSONField(default=dict)  # joined, updated, suspended, deprovisioned, returned, held
    error = TextField(null=True)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX directory_reading_live ON directory_reading (directory_id) "
                       "WHERE state IN ('queued', 'running')"),)


class App(Base):
    connector = CharField()
    name = CharField()
    category = CharField()
    settings = JSONField(default=dict)  # the connector's fields that aren't secret
    credential = BlobField(null=True)  # the secret ones, by vault.py
    state = CharField(default="connecting")  # connecting, active, paused, disconnected
    identity = CharField(default="")  # who the automation account is, from test()
    identity_id = CharField(null=True)  # its external id among the accounts, if the app returns it
    tested_at = DateTimeField(null=True)
    error = TextField(null=True)  # why it needs attention
    failures = IntegerField(default=0)  # checks failed in a row
    daily = BooleanField(default=True)
    check_minute = IntegerField(default=0)  # of the day, in the workspace's zone
    next_check_at = DateTimeField(null=True, index=True)
    last_check_at = DateTimeField(null=True)  # the last check that succeeded
    removal = CharField(default="ask")  # ask; automatic: the Owner's standing approval
    guard_accounts = IntegerField(null=True)  # null: the workspace's
    guard_percent = IntegerField(null=True)
    seat_price = IntegerField(null=True)  # per month, in hundredths of the workspace's currency
    users = IntegerField(default=0)  # updated by checks.py and matching.py, never counted on a page
    matched = IntegerField(default=0)
    unmatched = IntegerField(default=0)
    guests = IntegerField(default=0)
    services = IntegerField(default=0)
    created_at = DateTimeField(default=datetime.now)


class AppPerson(Base):
    app = ForeignKeyField(App, backref="people", on_delete="CASCADE")
    person = ForeignKeyField(Person, backref="apps", on_delete="CASCADE")
    part = CharField()  # owner, collaborator

    class Meta:
        indexes = ((("app", "person"), True),)


class Role(Base):
    app = ForeignKeyField(App, backref="roles", on_delete="CASCADE")
    external_id = CharField()
    label = CharField()
    privileged = BooleanField(default=False)
    standard = BooleanField(default=False)  # the default for someone new

    class Meta:
        indexes = ((("app", "external_id"), True),)


class Account(Base):
    app = ForeignKeyField(App, backref="accounts", on_delete="CASCADE", index=False)
    external_id = CharField()
    email = CharField(default="")
    normal = CharField(default="")  # matching.normal_email(email)
    name = CharField(default="")
    status = CharField(default="active")  # active, invited, suspended: as the app reports it
    role = CharField(default="")  # Role.external_id
    kind = CharField(default="user")  # user; system: what the app made for itself, bots
    last_activity = DateTimeField(null=True)
    seat = CharField(default="")  # seat type, if the app has any
    state = CharField(default="present")  # present, gone, or removing: approved, with a running task
    missing_since = DateTimeField(null=True)  # absent once, not yet gone
    match = CharField(default="unmatched")  # matched, unmatched, guest, service account
    person = ForeignKeyField(Person, null=True, backref="accounts", on_delete="SET NULL")
    match_by_hand = BooleanField(default=False)
    protected = TextField(null=True)  # the reason someone gave
    left_out = TextField(null=True)  # the reason why a removal was left out
    left_out_by = CharField(null=True)
    left_out_at = DateTimeField(null=True)
    first_seen = DateTimeField(default=datetime.now)
    gone_at = DateTimeField(null=True)

    class Meta:
        indexes = (
            (("app", "external_id"), True),
            (("app", "state", "match", "name", "id"), False),
            (("app", "normal"), False),
            SQL("CREATE INDEX account_missing ON account (app_id) WHERE missing_since IS NOT NULL"),
        )


class Asset(Base):
    app = ForeignKeyField(App, backref="assets", on_delete="CASCADE", index=False)
    external_id = CharField()
    kind = CharField()  # "repository", "ad account": the app's own word
    name = CharField(default="")
    state = CharField(default="present")  # present, gone

    class Meta:
        indexes = ((("app", "external_id"), True), (("app", "state", "kind", "name"), False))


class Access(Base):
    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    account = ForeignKeyField(Account, backref="access", on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, backref="access", on_delete="CASCADE")
    role = CharField(default="")
    privileged = BooleanField(default=False)  # can hand over the asset

    class Meta:
        indexes = ((("account", "asset"), True), (("app",), False))


class Report(Base):
    app = ForeignKeyField(App, backref="reports", on_delete="CASCADE")
    state = CharField(default="open")  # open, applied, dismissed, superseded
    version = IntegerField(default=1)  # grows with each change to its contents: a stale page is noticed
    created_at = DateTimeField(default=datetime.now)
    updated_at = DateTimeField(default=datetime.now)
    decided_at = DateTimeField(null=True)
    decided_by = CharField(null=True)
    counts = JSONField(default=dict)  # change kind → number
    waiting = IntegerField(default=0)
    held = IntegerField(default=0)
    released_at = DateTimeField(null=True)  # when a mass change was released
    mailed_at = DateTimeField(null=True)
    mailed_through = IntegerField(default=0)  # the highest change id that was mailed
    reminded_at = DateTimeField(null=True)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX report_open ON report (app_id) WHERE state = 'open'"),)


class Check(Base):
    app = ForeignKeyField(App, backref="checks", on_delete="CASCADE")
    trigger = CharField(default="hand")  # daily, hand, connect, api, directory
    started_by = CharField(default="schedule")
    state = CharField(default="queued")  # queued, running, succeeded, failed, cancelled
    phase = CharField(default="waiting")  # waiting, directory, accounts, assets, access, comparing
    read = IntegerField(default=0)
    total = IntegerField(null=True)
    attempts = IntegerField(default=0)
    next_at = DateTimeField(default=datetime.now)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    cancel_asked = BooleanField(default=False)
    created_at = DateTimeField(default=datetime.now)
    started_at = DateTimeField(null=True)
    finished_at = DateTimeField(null=True)
    accounts = IntegerField(default=0)
    counts = JSONField(default=dict)  # new_users, removed_users, updated_roles, updated_profiles, assets, access
    applied = IntegerField(default=0)
    waiting = IntegerField(default=0)
    held = IntegerField(default=0)
    report = ForeignKeyField(Report, null=True, backref="checks", on_delete="SET NULL")
    error = TextField(null=True)
    advice = TextField(null=True)  # what to do about it
    warning = TextField(null=True)  # it succeeded, but: a directory could not be read

    class Meta:
        indexes = (
            (("app", "created_at"), False),
            SQL("CREATE UNIQUE INDEX check_live ON \"check\" (app_id) WHERE state IN ('queued', 'running')"),
        )


class Change(Base):
    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    found_by = ForeignKeyField(Check, null=True, on_delete="SET NULL", index=False)
    report = ForeignKeyField(Report, null=True, backref="changes", on_delete="SET NULL", index=False)
    kind = CharField()
    decision = CharField()  # applied, needs confirmation, held, ignored, left out, confirmed
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, null=True, on_delete="CASCADE", index=False)
    before = TextField(null=True)
    after = TextField(null=True)
    in_app = BooleanField(default=True)  # false: the app no longer has it, so only Rollcall is updated
    reason = TextField(default="")
    protected = TextField(null=True)  # why it can't be confirmed
    decided_by = CharField(null=True)
    decided_at = DateTimeField(null=True)
    created_at = DateTimeField(default=datetime.now)

    class Meta:
        indexes = (
            (("report", "kind", "id"), False),
            SQL("CREATE UNIQUE INDEX change_once ON change (report_id, kind, in_app, coalesce(account_id, 0), "
                "coalesce(asset_id, 0)) WHERE decision <> 'applied'"),
            SQL("CREATE INDEX change_account ON change (account_id) WHERE decision <> 'applied'"),
            SQL("CREATE INDEX change_removals ON change (created_at) WHERE kind = 'removed user' AND in_app"),
        )


class Task(Base):
    app = ForeignKeyField(App, backref="tasks", on_delete="CASCADE")
    report = ForeignKeyField(Report, null=True, backref="tasks", on_delete="SET NULL")
    change = ForeignKeyField(Change, null=True, on_delete="SET NULL", index=False)
    act = CharField()  # remove, change role, invite, grant, revoke
    account = ForeignKeyField(Account, null=True, backref="tasks", on_delete="CASCADE")
    external_id = CharField(default="")  # as it was at the approval
    normal = CharField(default="")
    detail = JSONField(default=dict)
    state = CharField(default="queued")
    attempts = IntegerField(default=0)
    next_at = DateTimeField(default=datetime.now)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    error = TextField(null=True)
    asked_by = CharField(default="")
    created_at = DateTimeField(default=datetime.now)
    finished_at = DateTimeField(null=True)

    class Meta:
        table_name = "app_task"  # Huey's own table in this file is named task
        indexes = (
            (("state", "next_at"), False),
            SQL("CREATE UNIQUE INDEX app_task_live ON app_task (account_id, act) "
                "WHERE state IN ('queued', 'running', 'needs attention')"),
        )


class Mail(Base):
    key = CharField(unique=True)  # what it is about: the same news is never queued twice
    kind = CharField()  # report, reminder, outcome, check failed, held, directory failed, directory held, test
    to = CharField(column_name="recipient")
    subject = CharField()
    text = TextField()
    html = TextField()
    app = ForeignKeyField(App, null=True, on_delete="CASCADE")
    state = CharField(default="queued")  # queued, sending, sent, failed
    attempts = IntegerField(default=0)
    next_at = DateTimeField(default=datetime.now)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    error = TextField(null=True)
    created_at = DateTimeField(default=datetime.now)
    sent_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("state", "next_at"), False),)


class Activity(Base):
    at = DateTimeField(default=datetime.now)
    who = CharField()  # a person's name and e-mail, "schedule", "command line"
    what = CharField()  # a short verb phrase: "removed user", "check succeeded"
    about = CharField(default="")  # a person or thing: its name at that time
    why = TextField(default="")
    before = TextField(null=True)
    after = TextField(null=True)
    app = ForeignKeyField(App, null=True, on_delete="NO ACTION", index=False)
    person = ForeignKeyField(Person, null=True, on_delete="NO ACTION", index=False)
    report = ForeignKeyField(Report, null=True, on_delete="NO ACTION", index=False)
    seal = CharField()

    class Meta:
        indexes = ((("app", "id"), False), (("person", "id"), False))


class Session(Base):
    token_hash = CharField(unique=True)
    person = ForeignKeyField(Person, backref="sessions", on_delete="CASCADE")
    created_at = DateTimeField(default=datetime.now)
    seen_at = DateTimeField(default=datetime.now)
    ends_at = DateTimeField()


TABLES = [
    Setting,
    Directory,
    Person,
    PersonEmail,
    DirectoryEntry,
    FormerEntry,
    DirectoryGroup,
    DirectoryGroupMember,
    DirectoryReading,
    App,
    AppPerson,
    Role,
    Account,
    Asset,
    Access,
    Report,
    Check,
    Change,
    Task,
    Mail,
    Activity,
    Session,
]


def up(migrator, db):
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.create_tables(TABLES, safe=False)
    for act in ("UPDATE", "DELETE"):
        db.execute_sql(
            f"CREATE TRIGGER activity_no_{act.lower()} BEFORE {act} ON activity "
            "BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END"
        )


def down(migrator, db):
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.drop_tables(TABLES)
