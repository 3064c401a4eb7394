"""What Rollcall knows, one class per table; times are naive UTC.
This module has the tables' shape and what is often asked of their states. The rules are in the modules that use
the rows."""

from __future__ import annotations

import json
from enum import StrEnum

from peewee import (
    SQL,
    BlobField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Expression,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    ModelDescriptor,
    ModelSelect,
    TextField,
    fn,
)

from connectors.base import SAID
from sync.db import db, utcnow
from sync.states import (
    CONNECTED,
    LIVE_CHECKS,
    LIVE_INVITATIONS,
    LIVE_READINGS,
    LIVE_TASKS,
    REMOVALS,
    AccountKind,
    AccountMatch,
    AccountState,
    AccountStatus,
    Approval,
    AppState,
    AssetState,
    ChangeDecision,
    ChangeKind,
    CheckPhase,
    CheckState,
    CheckTrigger,
    DirectoryState,
    Failure,
    HeldChangeState,
    HeldField,
    InvitationState,
    MailState,
    OffboardingState,
    Part,
    PersonStatus,
    Protection,
    ReadingState,
    ReportState,
    ScimKind,
    SecondFactor,
    SignInMethod,
    TaskKind,
    TaskState,
    UploadFor,
    WorkspaceRole,
    texts,
)

BIT = {field: 1 << place for place, field in enumerate(SAID)}  # in account.unsaid and account.assumed


class RoleIds(TextField):
    """External ids of roles, as a tuple. Stored as sorted JSON, so that equal sets are equal texts."""

    @staticmethod
    def stored(ids):
        return json.dumps(sorted(set(ids)), ensure_ascii=False, separators=(",", ":"))

    def db_value(self, value):
        return value if value is None or isinstance(value, str) else self.stored(value)

    def python_value(self, value):
        return tuple(json.loads(value or "[]"))


class OneOf(CharField):
    """A text of one enum of states.py. Rows have its members; the schema allows no other text."""

    def __init__(self, words: type[StrEnum], **options):
        super().__init__(**options)
        self.words = {str(word): word for word in words}

    def bind(self, model, name, set_attribute=True):
        super().bind(model, name, set_attribute)
        self.constraints = [*(self.constraints or ()), SQL(f'CHECK ("{self.column_name}" IN ({texts(self.words)}))')]

    def python_value(self, value):
        return self.words.get(value, value)  # a function of the column, such as its count, comes here too


class Question(ModelDescriptor):
    """Whether a column has one of these words: of a row (`task.is_live`) or in a query (`.where(Task.is_live)`)."""

    def __init__(self, column: str, *words: StrEnum):
        self.column, self.words = column, words

    def __get__(self, row, model):
        asked = getattr(model if row is None else row, self.column)
        if row is not None:
            return asked in self.words
        return asked == self.words[0] if len(self.words) == 1 else asked.in_(self.words)


class Base(Model):
    class Meta:
        database = db
        legacy_table_names = False


class Setting(Base):
    """One value of the workspace, by name."""

    name = CharField(primary_key=True)
    value = JSONField(null=True)


class Directory(Base):
    """A source of people: `kind` is a directory connector's slug."""

    kind = CharField()
    name = CharField(unique=True)
    settings = JSONField(default=dict)
    credential = BlobField(null=True)
    state = OneOf(DirectoryState, default=DirectoryState.ACTIVE)
    created_at = DateTimeField(default=utcnow)
    position = IntegerField(null=True)  # the order, for differing names and main e-mails; null: by age
    last_read_at = DateTimeField(null=True)  # the last complete reading that was applied
    next_read_at = DateTimeField(null=True, index=True)
    failures = IntegerField(default=0)  # in a row
    error = TextField(null=True)
    guard_from = DateTimeField(null=True)  # if it pushes: leavers before this no longer count
    unread = JSONField(default=list, constraints=[SQL("DEFAULT '[]'")])  # attribute, people, values: a possible status
    private_by = CharField(null=True)  # who approved its address inside a private network; null: nobody
    answers_id = IntegerField(null=True)  # the responsible Person: connected it, or changed how it is read
    vouched = BooleanField(default=False)  # an Owner or the command line lets it change Owners and admins (rank.py)

    is_active = Question("state", DirectoryState.ACTIVE)


class Person(Base):
    """A human the workspace knows. `status` is what counts; it follows from the
    directories' entries unless `status_by_hand` says otherwise (see people.py)."""

    name = CharField(default="")
    status = OneOf(PersonStatus, default=PersonStatus.ACTIVE, index=True)
    status_by_hand = OneOf(PersonStatus, null=True)
    status_since = DateTimeField(default=utcnow)
    status_reason = TextField(default="")
    employee_number = CharField(null=True)
    remove_on = DateField(null=True)  # they left, but keep their accounts until this day, in the workspace's zone
    hold = TextField(null=True)  # the reason of a legal hold: none of their accounts is removed
    workspace_role = OneOf(WorkspaceRole, null=True)  # null: may not sign in
    password_hash = CharField(null=True)
    created_at = DateTimeField(default=utcnow)
    last_day = DateField(null=True)  # by hand or from a list: they have left once it is over, in the workspace's zone
    department = CharField(null=True)
    manager = CharField(null=True)  # an e-mail address or a name, as it was given

    has_left = Question("status", PersonStatus.DEPROVISIONED)

    class Meta:
        indexes = (SQL("CREATE INDEX person_number ON person (employee_number COLLATE NOCASE) "
                       "WHERE employee_number IS NOT NULL"),)


class PersonEmail(Base):
    person = ForeignKeyField(Person, backref="emails", on_delete="CASCADE")
    email = CharField()  # as it was given
    email_key = CharField(unique=True)  # names.email_key(email)
    main = BooleanField(default=False)
    by_hand = BooleanField(default=False)  # set by hand, and no directory has agreed since
    disputed = BooleanField(default=False)  # a directory also gives it to someone else: no account is matched by it
    vouched = BooleanField(default=False, constraints=[SQL("DEFAULT 0")])  # an Owner gave it: trusted at a sign-in

    class Meta:
        indexes = (SQL("CREATE INDEX person_email_disputed ON person_email (id) WHERE disputed"),)


class DirectoryEntry(Base):
    """A person's entry in one directory. `reported` is the status in the last complete reading,
    `status` the one that was applied: they differ while a guard holds the change."""

    directory = ForeignKeyField(Directory, backref="entries", on_delete="CASCADE", index=False)
    external_id = CharField()
    person = ForeignKeyField(Person, backref="entries", on_delete="CASCADE")
    user_name = CharField(default="")
    email = CharField(default="")  # the directory's last value: only its changes are applied,
    name = CharField(default="")  # so that an edit by hand outlives the readings
    employee_number = CharField(default="")
    status = OneOf(PersonStatus, default=PersonStatus.ACTIVE)
    reported = OneOf(PersonStatus, default=PersonStatus.ACTIVE)
    reported_at = DateTimeField(default=utcnow)
    reason = TextField(default="")  # "disabled in Company LDAP", "no longer in staff.csv"
    left_at = DateTimeField(null=True)  # when `reported` last turned to deprovisioned; null: here, or never was
    listed = OneOf(PersonStatus, null=True)  # the directory's own status, before the days below are considered
    last_day = DateField(null=True)  # `reported` is deprovisioned once it is over, in the workspace's zone
    starts_on = DateField(null=True)
    department = CharField(null=True)
    manager = CharField(null=True)  # an e-mail address or a name

    has_left = Question("status", PersonStatus.DEPROVISIONED)

    class Meta:
        indexes = ((("directory", "external_id"), True),)


class DirectoryAddress(Base):
    """An address of a directory's entry in the last reading, even if the entry isn't a person here."""

    directory = ForeignKeyField(Directory, on_delete="CASCADE", index=False)
    external_id = CharField()  # of the entry
    email_key = CharField(index=True)
    email = CharField()  # as it was given
    main = BooleanField(default=False)
    here = BooleanField(default=True)  # false: the entry is disabled, or gone
    name = CharField(default="")
    employee_number = CharField(default="")

    class Meta:
        indexes = ((("directory", "external_id", "email_key"), True),)


class FormerEntry(Base):
    """A person's id in a directory that was removed: it finds them if the directory is connected again."""

    kind = CharField()
    external_id = CharField()
    person = ForeignKeyField(Person, on_delete="CASCADE")

    class Meta:
        indexes = ((("kind", "external_id"), True),)


class HeldChange(Base):
    """A change from a list or directory to someone above the person responsible for it: waits for release (held.py)."""

    person = ForeignKeyField(Person, on_delete="CASCADE")
    directory = ForeignKeyField(Directory, null=True, on_delete="CASCADE")  # null: a list that was imported
    field = OneOf(HeldField)
    value = TextField()
    state = OneOf(HeldChangeState, default=HeldChangeState.OPEN)
    asked_by = CharField()
    created_at = DateTimeField(default=utcnow)
    decided_by = CharField(null=True)

    class Meta:
        indexes = ((("person", "state"), False),)


class DirectoryGroup(Base):
    directory = ForeignKeyField(Directory, backref="groups", on_delete="CASCADE", index=False)
    external_id = CharField()
    name = CharField()
    gone_at = DateTimeField(null=True)  # no longer in the directory: kept with its last members, for its rules

    class Meta:
        indexes = ((("directory", "external_id"), True),)


class DirectoryGroupMember(Base):
    group = ForeignKeyField(DirectoryGroup, backref="members", on_delete="CASCADE", index=False)
    entry = ForeignKeyField(DirectoryEntry, backref="groups", on_delete="CASCADE")

    class Meta:
        indexes = ((("group", "entry"), True),)


class DirectoryToken(Base):
    """The token of an identity provider that pushes; only its hash is stored."""

    directory = ForeignKeyField(Directory, backref="tokens", on_delete="CASCADE")
    token_hash = CharField(unique=True)
    created_at = DateTimeField(default=utcnow)
    created_by = CharField(default="")
    used_at = DateTimeField(null=True)  # last, to the minute


class ScimResource(Base):
    """A User or Group exactly as an identity provider wrote it."""

    directory = ForeignKeyField(Directory, on_delete="CASCADE", index=False)
    kind = OneOf(ScimKind)
    scim_id = CharField(unique=True)  # also the external id of its entry or group
    external_id = CharField(null=True)  # the identity provider's
    name_key = CharField()  # userName or displayName, in the form for comparison
    document = JSONField(default=dict)  # without id, meta, members, groups and password; empty once deleted
    version = IntegerField(default=1)
    created_at = DateTimeField(default=utcnow)
    modified_at = DateTimeField(default=utcnow)
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
    """A member of a pushed group: a User, or a Group; `detail` is the rest of the membership."""

    group = ForeignKeyField(ScimResource, on_delete="CASCADE", index=False)
    member_id = CharField(index=True)  # ScimResource.scim_id
    detail = JSONField(default=dict)

    class Meta:
        indexes = ((("group", "member_id"), True),)


class DirectoryReading(Base):
    """One reading of a directory, from start to end."""

    directory = ForeignKeyField(Directory, backref="readings", on_delete="CASCADE")
    state = OneOf(ReadingState, default=ReadingState.QUEUED)
    started_by = CharField(default="schedule")
    created_at = DateTimeField(default=utcnow)
    started_at = DateTimeField(null=True)
    finished_at = DateTimeField(null=True)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    read = IntegerField(default=0)
    counts = JSONField(default=dict)  # joined, updated, suspended, deprovisioned, returned, held
    error = TextField(null=True)

    is_live = Question("state", *LIVE_READINGS)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX directory_reading_live ON directory_reading (directory_id) "
                       f"WHERE state IN ({texts(LIVE_READINGS)})"),)


class App(Base):
    """One connected space of an app; `connector` is the connector's slug."""

    connector = CharField()
    name = CharField()
    category = CharField()
    settings = JSONField(default=dict)  # the connector's fields that aren't secret
    credential = BlobField(null=True)  # the secret ones, by vault.py
    state = OneOf(AppState, default=AppState.CONNECTING)
    identity = CharField(default="")  # who the automation account is, from test()
    identity_id = CharField(null=True)  # its external id among the accounts, if the app returns it
    tested_at = DateTimeField(null=True)
    error = TextField(null=True)  # of the last check, or of a later test of the credential; null: that worked
    failures = IntegerField(default=0)  # checks failed in a row
    daily = BooleanField(default=True)
    check_minute = IntegerField(default=0)  # of the day, in the workspace's zone
    next_check_at = DateTimeField(null=True, index=True)
    last_check_at = DateTimeField(null=True)  # the last check that succeeded
    removal = OneOf(Approval, default=Approval.ASK)  # ask; automatic: the Owner's standing approval
    guard_accounts = IntegerField(null=True)  # null: the workspace's
    guard_percent = IntegerField(null=True)
    seat_price = IntegerField(null=True)  # per month, in hundredths of the workspace's currency
    users = IntegerField(default=0)  # updated by checks.py and members.py, never counted on a page
    matched = IntegerField(default=0)
    unmatched = IntegerField(default=0)
    guests = IntegerField(default=0)
    services = IntegerField(default=0)
    created_at = DateTimeField(default=utcnow)
    match_domain = CharField(null=True)  # a user name without e-mail is matched as name@this
    permissions = JSONField(null=True)  # its credential's permissions in words, from test()
    missing_permissions = JSONField(null=True)  # missing permissions, and how to add them
    joiners = OneOf(Approval, null=True)  # automatic: people assigned by rules are invited without approval; null: ask
    unassigned = OneOf(Approval, null=True)  # automatic: people in no group are removed without approval; null: ask
    lost = JSONField(null=True)  # which fields were missing from the last reading, and whether an Owner accepts it
    guard_roles_accounts = IntegerField(null=True)  # of roles that change at once; null: the workspace's
    guard_roles_percent = IntegerField(null=True)
    guard_profiles_accounts = IntegerField(null=True)  # of profiles that change at once
    guard_profiles_percent = IntegerField(null=True)
    private_by = CharField(null=True)  # who approved its address inside a private network; null: nobody
    removal_suspends = BooleanField(null=True)  # removed accounts stay, as suspended ones; null: not known yet
    compare_at = DateTimeField(null=True)  # when its last reading is compared again; null: no need to
    failure = OneOf(Failure, null=True)  # the kind of `error`
    failed_at = DateTimeField(null=True)  # when the check or test failed
    last_due_at = DateTimeField(null=True)  # when the daily check was last due

    is_active = Question("state", AppState.ACTIVE)
    is_connected = Question("state", *CONNECTED)
    is_disconnected = Question("state", AppState.DISCONNECTED)

    class Meta:
        indexes = (
            SQL(f"CREATE UNIQUE INDEX app_name ON app (name) WHERE state IN ({texts(CONNECTED)})"),
            SQL("CREATE INDEX app_compare ON app (compare_at) WHERE compare_at IS NOT NULL"),
        )


class WaitingFile(Base):
    """An uploaded file, kept while the meaning of its columns is open; deleted after a day."""

    door = OneOf(UploadFor)
    kind = CharField(default="")  # of the new directory: its connector's slug,
    name = CharField(default="")  # and its name
    directory = ForeignKeyField(Directory, null=True, on_delete="CASCADE")
    app = ForeignKeyField(App, null=True, on_delete="CASCADE")
    person = ForeignKeyField(Person, on_delete="CASCADE")  # who uploaded it; only they may continue
    file_name = CharField(default="")
    sealed = BlobField()  # the values of the connector's fields, including the file
    mapping = TextField(default="")  # the answers so far, as JSON
    created_at = DateTimeField(default=utcnow)


class RememberedAnswer(Base):
    """An app's answer at the last reading, for conditional requests; `body` is compressed."""

    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    key = CharField()
    etag = CharField()
    link = TextField(default="")
    body = BlobField()

    class Meta:
        indexes = ((("app", "key"), True),)


class AppPerson(Base):
    """An Owner or Collaborator of an app."""

    app = ForeignKeyField(App, backref="people", on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, backref="apps", on_delete="CASCADE")
    part = OneOf(Part)

    class Meta:
        indexes = ((("app", "person"), True),)


class Role(Base):
    """A role of an app, as its connector names it; `external_id` is what accounts refer to."""

    app = ForeignKeyField(App, backref="roles", on_delete="CASCADE", index=False)
    external_id = CharField()
    label = CharField()
    privileged = BooleanField(default=False)
    is_default = BooleanField(default=False)  # the default for someone new
    position = IntegerField(default=0)  # in the app's own order, the highest first

    class Meta:
        indexes = ((("app", "external_id"), True),)


class Account(Base):
    """One account in an app. A row is never deleted while its app is connected: decisions outlive checks."""

    app = ForeignKeyField(App, backref="accounts", on_delete="CASCADE", index=False)
    external_id = CharField()
    email = CharField(default="")
    email_key = CharField(default="")  # names.email_key(email)
    name = CharField(default="")
    status = CharField(default=AccountStatus.ACTIVE, constraints=[SQL(
        f"CHECK (\"status\" IN ({texts(AccountStatus)}) OR \"status\" LIKE '{AccountStatus.UNKNOWN}%')")])
    role = CharField(default="")  # Role.external_id; of several the main one
    kind = CharField(default=AccountKind.USER)  # as the app describes it, see AccountKind
    last_activity = DateTimeField(null=True)
    seat = CharField(default="")  # seat type, if the app has any
    state = OneOf(AccountState, default=AccountState.PRESENT)
    missing_since = DateTimeField(null=True)  # absent once, not yet gone
    match_kind = OneOf(AccountMatch, default=AccountMatch.UNMATCHED)
    person = ForeignKeyField(Person, null=True, backref="accounts", on_delete="SET NULL")
    match_by_hand = BooleanField(default=False)
    protected = TextField(null=True)  # the reason someone gave
    left_out = TextField(null=True)  # the reason why a removal was left out
    left_out_by = CharField(null=True)
    left_out_at = DateTimeField(null=True)
    first_seen = DateTimeField(default=utcnow)
    gone_at = DateTimeField(null=True)
    user_name = CharField(null=True)  # if the app returns it; an e-mail can be derived from it
    employee_number = CharField(null=True)
    match_note = TextField(null=True)  # of a guest or local partner: where from, what for
    email_when_matched = CharField(
        null=True
    )  # `email_key` when it was matched by hand; null: it wasn't, or it is older
    further_roles = RoleIds(null=True, default=())  # beside the main one; null: never read, by an older Rollcall
    asked_as = CharField(null=True)  # its address when that moved to someone else: no longer matched by it
    was_of = ForeignKeyField(Person, null=True, backref="former_accounts", on_delete="SET NULL", index=False)  # then
    unsaid = IntegerField(null=True)  # bits: fields that the app left out; null: not read since
    assumed = IntegerField(default=0)  # bits: fields known only from a missing key
    pending = JSONField(null=True)  # the app's role or profile, while a guard holds it

    is_present = Question("state", AccountState.PRESENT)
    is_gone = Question("state", AccountState.GONE)
    is_matched = Question("match_kind", AccountMatch.MATCHED)

    class Meta:
        indexes = (
            (("app", "external_id"), True),
            (("app", "state", "match_kind", "name", "id"), False),
            (("app", "email_key"), False),
            SQL("CREATE INDEX account_missing ON account (app_id) WHERE missing_since IS NOT NULL"),
            SQL("CREATE INDEX account_invited ON account (app_id) WHERE status = 'invited'"),
            SQL("CREATE INDEX account_pending ON account (app_id) WHERE pending IS NOT NULL"),
            SQL("CREATE INDEX account_further_roles ON account (app_id) WHERE further_roles <> '[]'"),
        )

    @property
    def roles(self):
        """The external ids of all its roles, the main one first."""
        return (self.role, *self.further_roles)

    @classmethod
    def present(cls, app: App) -> ModelSelect:
        """The app's accounts, without those being removed or gone."""
        return cls.select().where(cls.app == app, cls.is_present)


class AcceptedLeaver(Base):
    """Someone accepts that a protected leaver keeps an account, until a day on which it is looked at again."""

    account = ForeignKeyField(Account, backref="acceptances", on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, on_delete="CASCADE")  # whose departure it is about
    protection = OneOf(Protection)  # the reason why the account can't be removed: accepted is only this one
    reason = TextField()
    until = DateField()  # in the workspace's zone
    accepted_by = CharField()
    accepted_at = DateTimeField(default=utcnow)
    ended_at = DateTimeField(null=True)  # withdrawn, replaced, or the day has come

    class Meta:
        indexes = (
            SQL("CREATE UNIQUE INDEX accepted_leaver_now ON accepted_leaver (account_id) WHERE ended_at IS NULL"),
            SQL("CREATE INDEX accepted_leaver_account ON accepted_leaver (account_id)"),
        )


class Asset(Base):
    app = ForeignKeyField(App, backref="assets", on_delete="CASCADE", index=False)
    external_id = CharField()
    kind = CharField()  # "repository", "ad account": the app's own word
    name = CharField(default="")
    state = OneOf(AssetState, default=AssetState.PRESENT)

    class Meta:
        indexes = ((("app", "external_id"), True), (("app", "state", "kind", "name"), False))


class Access(Base):
    """An account's role on an asset; the row is deleted with the access."""

    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    account = ForeignKeyField(Account, backref="access", on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, backref="access", on_delete="CASCADE")
    role = CharField(default="")
    privileged = BooleanField(default=False)  # can hand over the asset
    granted_by = CharField(null=True)  # the group whose rule granted it, if nobody has changed it since

    class Meta:
        indexes = ((("account", "asset"), True), (("app",), False))


class Report(Base):
    """The changes of an app that wait for a person, and the decisions; one is open per app."""

    app = ForeignKeyField(App, backref="reports", on_delete="CASCADE")
    state = OneOf(ReportState, default=ReportState.OPEN)
    version = IntegerField(default=1)  # grows with each change to its contents: a stale page is noticed
    created_at = DateTimeField(default=utcnow)
    decided_at = DateTimeField(null=True)
    decided_by = CharField(null=True)
    counts = JSONField(default=dict)  # change kind → number
    waiting = IntegerField(default=0)
    held = IntegerField(default=0)
    released_at = DateTimeField(null=True)  # when a mass change was released
    mailed_at = DateTimeField(null=True)
    mailed_through = IntegerField(default=0)  # the highest change id that was mailed
    reminded_at = DateTimeField(null=True)

    is_open = Question("state", ReportState.OPEN)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX report_open ON report (app_id) WHERE state = 'open'"),)

    @classmethod
    def latest_of(cls, app: App) -> Report | None:
        """The app's newest report, in whichever state."""
        return cls.select().where(cls.app == app).order_by(cls.id.desc()).first()


class Check(Base):
    """One reading of an app, from start to end. This row is the truth; the queue only wakes a worker."""

    app = ForeignKeyField(App, backref="checks", on_delete="CASCADE", index=False)
    trigger = OneOf(CheckTrigger, default=CheckTrigger.HAND)
    started_by = CharField(default="schedule")
    state = OneOf(CheckState, default=CheckState.QUEUED)
    phase = OneOf(CheckPhase, default=CheckPhase.WAITING)
    read = IntegerField(default=0)
    total = IntegerField(null=True)
    attempts = IntegerField(default=0)
    next_at = DateTimeField(default=utcnow)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    cancel_asked = BooleanField(default=False)
    created_at = DateTimeField(default=utcnow)
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

    is_live = Question("state", *LIVE_CHECKS)

    class Meta:
        table_name = "app_check"  # "check" is a word of SQL
        indexes = (
            (("app", "created_at"), False),
            SQL("CREATE UNIQUE INDEX check_live ON app_check (app_id) WHERE state IN ('queued', 'running')"),
        )


class Offboarding(Base):
    """Someone leaves every app at once: one approval for all of them, now or on a date."""

    person = ForeignKeyField(Person, backref="offboardings", on_delete="CASCADE")
    state = OneOf(OffboardingState, default=OffboardingState.SCHEDULED)
    remove_on = DateField(null=True)
    reason = TextField(default="")
    key = CharField(null=True, unique=True)  # of the page: if it is sent twice, it counts once
    asked_by = CharField(default="")  # in words, for the log
    asker = ForeignKeyField(Person, null=True, backref="asked_offboardings", on_delete="SET NULL")
    created_at = DateTimeField(default=utcnow)
    decided_at = DateTimeField(null=True)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX offboarding_live ON offboarding (person_id) WHERE state = 'scheduled'"),)


class Change(Base):
    """One difference that a check found, with before, after and decision."""

    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    found_by = ForeignKeyField(Check, null=True, on_delete="SET NULL", index=False)
    report = ForeignKeyField(Report, null=True, backref="changes", on_delete="SET NULL", index=False)
    kind = OneOf(ChangeKind)
    decision = OneOf(ChangeDecision)
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, null=True, on_delete="CASCADE", index=False)
    before = TextField(null=True)
    after = TextField(null=True)
    in_app = BooleanField(default=True)  # false: the app no longer has it, so only Rollcall is updated
    reason = TextField(default="")
    protection = OneOf(Protection, null=True)  # why it can't be confirmed
    protected = TextField(null=True)  # the same in words
    decided_by = CharField(null=True)
    decided_at = DateTimeField(null=True)
    created_at = DateTimeField(default=utcnow)
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL", index=False)  # the person to invite, or who left
    detail = JSONField(null=True)  # what else the task needs: the role
    offboarding = ForeignKeyField(Offboarding, null=True, backref="changes", on_delete="SET NULL")

    class Meta:
        indexes = (
            (("report", "kind", "id"), False),
            SQL("CREATE UNIQUE INDEX change_once ON change (report_id, kind, in_app, coalesce(account_id, 0), "
                "coalesce(asset_id, 0), coalesce(person_id, 0)) WHERE decision <> 'applied'"),
            SQL("CREATE INDEX change_account ON change (account_id) WHERE decision <> 'applied'"),
            SQL("CREATE INDEX change_removals ON change (created_at) "
                f"WHERE kind IN ({texts(REMOVALS)}) AND in_app"),
        )


AWAITED = "awaited"  # in Task.detail: the app's ids of the requests that someone must approve there


class Task(Base):
    """One operation in an app. This row is the truth; the queue only wakes a worker."""

    app = ForeignKeyField(App, backref="tasks", on_delete="CASCADE")
    report = ForeignKeyField(Report, null=True, backref="tasks", on_delete="SET NULL")
    change = ForeignKeyField(Change, null=True, on_delete="SET NULL", index=False)
    act = OneOf(TaskKind)
    account = ForeignKeyField(Account, null=True, backref="tasks", on_delete="CASCADE")
    external_id = CharField(default="")  # as it was at the approval
    email_key = CharField(default="")
    detail = JSONField(default=dict)
    state = OneOf(TaskState, default=TaskState.QUEUED)
    attempts = IntegerField(default=0)
    next_at = DateTimeField(default=utcnow)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    error = TextField(null=True)
    asked_by = CharField(default="")
    created_at = DateTimeField(default=utcnow)
    finished_at = DateTimeField(null=True)
    asset = ForeignKeyField(Asset, null=True, on_delete="SET NULL", index=False)  # of a grant or revoke

    is_live = Question("state", *LIVE_TASKS)
    is_under_way = Question("state", TaskState.QUEUED, TaskState.RUNNING)
    needs_attention = Question("state", TaskState.NEEDS_ATTENTION)

    @property
    def awaits_approval(self) -> bool:
        """The app holds it until someone approves it there; Rollcall asks the app now and then."""
        return self.state == TaskState.QUEUED and AWAITED in self.detail

    @classmethod
    def where_awaits_approval(cls) -> Expression:
        return (cls.state == TaskState.QUEUED) & fn.json_type(cls.detail, f"$.{AWAITED}").is_null(False)

    class Meta:
        table_name = "app_task"  # Huey's own table in this file is named task
        indexes = (
            (("state", "next_at"), False),
            SQL("CREATE UNIQUE INDEX app_task_live ON app_task (account_id, act, coalesce(asset_id, 0)) "
                f"WHERE state IN ({texts(LIVE_TASKS)})"),
        )


class HandOver(Base):
    """What becomes of an asset that a task takes the last manager from: a successor gets it first, or someone has
    accepted that nobody manages it."""

    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, on_delete="CASCADE")
    account = ForeignKeyField(Account, on_delete="CASCADE", index=False)  # the manager who leaves it
    successor = ForeignKeyField(Account, null=True, on_delete="CASCADE", index=False)  # null: nobody, accepted
    change = ForeignKeyField(Change, null=True, on_delete="SET NULL")  # the approved removal; null: by hand
    task = ForeignKeyField(Task, null=True, on_delete="CASCADE")  # it waits for `grant`; null: planned for a date
    grant = ForeignKeyField(Task, null=True, on_delete="SET NULL")  # the successor's
    decided_by = CharField()
    decided_at = DateTimeField(default=utcnow)

    is_accepted = property(lambda self: self.successor_id is None)


class MatchDecision(Base):
    """What a decision by hand about an account replaced, so that it can be undone; one batch per decision."""

    account = ForeignKeyField(Account, backref="decisions", on_delete="CASCADE")
    batch = CharField(index=True)
    match_kind = OneOf(AccountMatch)  # as it was before
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    match_by_hand = BooleanField(default=False)
    match_note = TextField(null=True)
    email_when_matched = CharField(null=True)
    made_by = CharField(default="")
    made_at = DateTimeField(default=utcnow)
    undone_at = DateTimeField(null=True)


class Team(Base):
    """Directory groups that get the same roles."""

    name = CharField(unique=True)


class TeamGroup(Base):
    team = ForeignKeyField(Team, backref="groups", on_delete="CASCADE", index=False)
    group = ForeignKeyField(DirectoryGroup, null=True, backref="teams", on_delete="SET NULL")  # null: gone
    name = CharField(default="")  # of group and directory, when it was added

    class Meta:
        indexes = ((("team", "group"), True),)


class GroupRule(Base):
    """Members of the group, or of the team's groups, get the role in the app. A rule without its group is inactive."""

    app = ForeignKeyField(App, backref="rules", on_delete="CASCADE")
    group = ForeignKeyField(DirectoryGroup, null=True, backref="rules", on_delete="SET NULL")
    team = ForeignKeyField(Team, null=True, backref="rules", on_delete="CASCADE")
    group_name = CharField(default="")  # as it was when the rule was made
    role = CharField(default="")  # Role.external_id; "" doesn't change the role
    created_by = CharField(default="")
    created_at = DateTimeField(default=utcnow)


class GroupRuleAsset(Base):
    rule = ForeignKeyField(GroupRule, backref="assets", on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, on_delete="CASCADE")
    role = CharField(default="")

    class Meta:
        indexes = ((("rule", "asset"), True),)


class Assignment(Base):
    """A person assigned to the app by rules; an ended row means that they are no longer in such a group."""

    app = ForeignKeyField(App, backref="assignments", on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, backref="assignments", on_delete="CASCADE")
    role = CharField(default="")  # the highest of the rules
    why = TextField(default="")  # "in group Sales of Company LDAP → Editor"
    since = DateTimeField(default=utcnow)
    ended_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("app", "person"), True),)


class LeftOut(Base):
    """A change by rules that someone rejected; valid until it is undone, or the rules want another role."""

    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    kind = OneOf(ChangeKind)  # of the Change
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE")
    person = ForeignKeyField(Person, null=True, on_delete="CASCADE")  # the person to invite
    asset = ForeignKeyField(Asset, null=True, on_delete="CASCADE")
    role = CharField(default="")
    reason = TextField()
    made_by = CharField(default="")
    made_at = DateTimeField(default=utcnow)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX left_out_once ON left_out (app_id, kind, coalesce(account_id, 0), "
                       "coalesce(person_id, 0), coalesce(asset_id, 0), role)"),)


class Invitation(Base):
    """Someone who was asked to join an app, until they have."""

    app = ForeignKeyField(App, backref="invitations", on_delete="CASCADE")
    email = CharField()
    email_key = CharField()
    person = ForeignKeyField(Person, null=True, backref="invitations", on_delete="SET NULL")
    role = CharField(default="")
    task = ForeignKeyField(Task, null=True, on_delete="SET NULL", index=False)
    account = ForeignKeyField(Account, null=True, on_delete="SET NULL")
    state = OneOf(InvitationState, default=InvitationState.ONGOING)
    asked_by = CharField(default="")
    created_at = DateTimeField(default=utcnow)
    mailed_at = DateTimeField(null=True)
    reminded_at = DateTimeField(null=True)
    expires_at = DateTimeField(null=True)

    is_live = Question("state", *LIVE_INVITATIONS)

    class Meta:
        indexes = (SQL("CREATE UNIQUE INDEX invitation_live ON invitation (app_id, email_key) "
                       f"WHERE state IN ({texts(LIVE_INVITATIONS)})"),)


class Mail(Base):
    """The outbox: an e-mail is added in the transaction that caused it, before it is sent."""

    key = CharField(unique=True)  # what it is about: the same news is never queued twice
    kind = CharField()  # what the news is; for people who look into the outbox, no code reads it
    to = CharField(column_name="recipient")
    subject = CharField()
    text = TextField()
    html = TextField()
    app = ForeignKeyField(App, null=True, on_delete="CASCADE")
    state = OneOf(MailState, default=MailState.QUEUED)
    attempts = IntegerField(default=0)
    next_at = DateTimeField(default=utcnow)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    error = TextField(null=True)
    created_at = DateTimeField(default=utcnow)
    sealed = BlobField(null=True)  # the one-time link that text and html have a mark for; gone once it was sent

    class Meta:
        indexes = ((("state", "next_at"), False),)


class PasswordRequest(Base):
    """Someone has asked for a new password: answered by a worker, so that no address is recognised by the time it
    takes. The row is deleted then."""

    sealed = BlobField()  # the e-mail address as it was typed
    source = CharField(default="")  # the network address that asked
    state = OneOf(MailState, default=MailState.QUEUED)
    next_at = DateTimeField(default=utcnow)
    lease_owner = CharField(null=True)
    lease_until = DateTimeField(null=True)
    error = TextField(null=True)
    created_at = DateTimeField(default=utcnow)


class Activity(Base):
    """The log of everything that happened: append-only, each entry sealed with a hash over the one before."""

    at = DateTimeField(default=utcnow)
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
    """A signed-in browser; the cookie holds the token, the row its hash."""

    token_hash = CharField(unique=True)
    person = ForeignKeyField(Person, backref="sessions", on_delete="CASCADE")
    created_at = DateTimeField(default=utcnow)
    seen_at = DateTimeField(default=utcnow)
    ends_at = DateTimeField()
    provider = BlobField(null=True)  # sealed: the issuer that signed in, and its token for signing out there
    source = CharField(default="")  # the network address it began from
    browser = CharField(default="")  # in words: "Firefox on Linux"
    confirmed_at = DateTimeField(null=True)  # when the person last proved again who they are; null: when it began
    method = OneOf(SignInMethod, default=SignInMethod.NOT_KNOWN, constraints=[SQL("DEFAULT ''")])
    second = OneOf(SecondFactor, default=SecondFactor.NONE, constraints=[SQL("DEFAULT ''")])


class PendingSignIn(Base):
    """A browser that has passed the first step of signing in and is asked for the second factor."""

    token_hash = CharField(unique=True)
    person = ForeignKeyField(Person, on_delete="CASCADE")
    password_mark = CharField()  # ends if the password changes meanwhile
    method = OneOf(SignInMethod)
    through = CharField(default="")  # in words, for the log
    provider = BlobField(null=True)  # as in Session
    ends_at = DateTimeField()


class AuthenticatorApp(Base):
    """A person's authenticator app (RFC 6238). `secret` is in use; `offered` waits for its first code."""

    person = ForeignKeyField(Person, unique=True, on_delete="CASCADE")
    secret = BlobField(null=True)  # sealed
    offered = BlobField(null=True)  # sealed
    last_step = IntegerField(default=0)  # of 30 seconds each: codes up to this one are used up
    confirmed_at = DateTimeField(null=True)
    used_at = DateTimeField(null=True)


class Passkey(Base):
    """A WebAuthn credential of a person."""

    person = ForeignKeyField(Person, backref="passkeys", on_delete="CASCADE")
    credential_id = CharField(unique=True)  # base64url
    public_key = BlobField()  # COSE
    sign_count = IntegerField(default=0)  # 0: the device doesn't count
    name = CharField()
    created_at = DateTimeField(default=utcnow)
    used_at = DateTimeField(null=True)


class UsedChallenge(Base):
    """A challenge that was answered, because each is valid once. Kept until it expires."""

    challenge_hash = CharField(primary_key=True)
    ends_at = DateTimeField()


class RecoveryCode(Base):
    """A recovery code for a lost device; only its hash is stored."""

    person = ForeignKeyField(Person, on_delete="CASCADE")
    code_hash = CharField()
    used_at = DateTimeField(null=True)


class KeptRequest(Base):
    """A request that needs confirmation: it continues after that, or is deleted."""

    session = ForeignKeyField(Session, unique=True, on_delete="CASCADE")
    token_hash = CharField()
    sealed = BlobField()
    ends_at = DateTimeField()


class SignInAttempt(Base):
    """A wrong password, or one that is being compared; `key` names the counter (attempts.py)."""

    key = CharField()
    at = DateTimeField()

    class Meta:
        indexes = ((("key", "at"), False), (("at",), False))


class SignInIdentity(Base):
    """A person's identity at an OpenID Connect provider: `subject` is unchanged when the e-mail address changes."""

    issuer = CharField()
    subject = CharField()
    person = ForeignKeyField(Person, on_delete="CASCADE")
    email = CharField(default="")  # from the provider, in its normal form
    created_at = DateTimeField(default=utcnow)
    used_at = DateTimeField(default=utcnow)

    class Meta:
        indexes = ((("issuer", "subject"), True),)


class WaitingSignIn(Base):
    """An account at a provider with the address of a person here, which waits for confirmation."""

    issuer = CharField()
    subject = CharField()
    email = CharField(default="")  # as the provider gave it
    label = CharField(default="")  # of the provider, as people know it
    why = TextField(default="")
    own = BooleanField(default=False)  # the person may confirm it, by signing in another way
    person = ForeignKeyField(Person, on_delete="CASCADE")
    created_at = DateTimeField(default=utcnow)

    class Meta:
        indexes = ((("issuer", "subject"), True),)
