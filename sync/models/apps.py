"""The connected apps, and who has an account, a role and an asset in them."""

from __future__ import annotations

from peewee import (
    SQL,
    BlobField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    ModelSelect,
    TextField,
    fn,
)

from sync.db import utcnow
from sync.models.columns import BIT, Base, OneOf, Question, RoleIds
from sync.models.directories import Directory
from sync.models.people import Person
from sync.prepared import prepared_plain
from sync.states import (
    CONNECTED,
    AccountKind,
    AccountMatch,
    AccountState,
    AccountStatus,
    AppManager,
    Approval,
    AppState,
    AssetState,
    Failure,
    FileState,
    Protection,
    Tone,
    UploadFor,
    is_one,
    texts,
)


class App(Base):
    """One connected space of an app; `connector` is the connector's slug."""

    connector = CharField()
    name = CharField()
    category = CharField()
    settings = JSONField(default=dict)  # the connector's fields that aren't secret
    credential = BlobField(null=True)  # the secret ones, by vault.py
    state = OneOf(AppState, default=AppState.CONNECTING)
    automation_name = CharField(default="")  # who the automation account is, from test()
    automation_external_id = CharField(null=True)  # its external id among the accounts, if the app returns it
    tested_at = DateTimeField(null=True)
    error = TextField(null=True)  # of the last check, or of a later test of the credential; null: that worked
    failures = IntegerField(default=0)  # checks failed in a row
    checked_daily = BooleanField(default=True)
    check_minute = IntegerField(default=0)  # of the day, in the workspace's zone
    next_check_at = DateTimeField(null=True, index=True)
    last_check_at = DateTimeField(null=True)  # the last check that succeeded
    read_in = JSONField(null=True)  # the space that it read, as apps/spaces has it; null: not noted yet
    file_from = DateTimeField(null=True)  # when the file that it read was made; null: it read the app itself
    file_seen_at = DateTimeField(null=True)  # when a file of that time was read first
    removal_approval = OneOf(Approval, default=Approval.ASK)  # automatic: the Owner's standing approval
    guard_accounts = IntegerField(null=True)  # null: the workspace's
    guard_percent = IntegerField(null=True)
    seat_price = IntegerField(null=True)  # per month, in hundredths of the workspace's currency
    users = IntegerField(default=0)  # updated by checks.py and members.py, never counted on a page
    matched = IntegerField(default=0)
    unmatched = IntegerField(default=0)
    guests = IntegerField(default=0)
    service_accounts = IntegerField(default=0)
    created_at = DateTimeField(default=utcnow)
    match_domain = CharField(null=True)  # a user name without e-mail is matched as name@this
    permissions = JSONField(null=True)  # its credential's permissions in words, from test()
    missing_permissions = JSONField(null=True)  # missing permissions, and how to add them
    joiner_approval = OneOf(Approval, null=True)  # of invitations of people assigned by rules; null: ask
    unassigned_approval = OneOf(Approval, null=True)  # of removals of people in no group; null: ask
    missing_fields = JSONField(null=True)  # of the last reading, and whether an Owner accepts that
    guard_roles_accounts = IntegerField(null=True)  # of roles that change at once; null: the workspace's
    guard_roles_percent = IntegerField(null=True)
    guard_profiles_accounts = IntegerField(null=True)  # of profiles that change at once
    guard_profiles_percent = IntegerField(null=True)
    private_network_approver = CharField(null=True)  # who approved its address inside a private network; null: nobody
    removal_suspends = BooleanField(null=True)  # removed accounts stay, as suspended ones; null: not known yet
    compare_at = DateTimeField(null=True)  # when its last reading is compared again; null: no need to
    failure = OneOf(Failure, null=True)  # the kind of `error`
    failed_at = DateTimeField(null=True)  # when the check or test failed
    last_due_at = DateTimeField(null=True)  # when the daily check was last due
    removal_approver_id = IntegerField(null=True)  # the Person who gave `removal_approval`; null: a program did,
    groups_approver_id = IntegerField(null=True)  # or it is not known. Of both approvals of groups

    is_active = Question("state", AppState.ACTIVE)
    is_connected = Question("state", *CONNECTED)
    is_disconnected = Question("state", AppState.DISCONNECTED)

    @property
    def has_accounts(self) -> bool:
        """Whether a reading has had any, even one that is gone."""
        return bool(_an_account(self))

    def is_reached_as(self, before: App) -> bool:
        """Whether its credential and settings are those that this row of it had `before`."""
        return (self.credential, self.settings) == (before.credential, before.settings)

    class Meta:
        indexes = (
            SQL(f"CREATE UNIQUE INDEX app_name ON app (name) WHERE state IN ({texts(CONNECTED)})"),
            SQL("CREATE INDEX app_compare ON app (compare_at) WHERE compare_at IS NOT NULL"),
            *(SQL(f"CREATE INDEX app_{given}_approver ON app ({given}_approver_id) "
                  f"WHERE {given}_approver_id IS NOT NULL") for given in ("removal", "groups")),
        )


class AppPerson(Base):
    """An Owner or Collaborator of an app."""

    app = ForeignKeyField(App, backref="people", on_delete="CASCADE", index=False)
    person = ForeignKeyField(Person, backref="apps", on_delete="CASCADE")
    manages_as = OneOf(AppManager)

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
    status = CharField(
        default=AccountStatus.ACTIVE,
        constraints=[
            SQL(f"CHECK ({is_one('status', AccountStatus)} OR \"status\" LIKE '{AccountStatus.UNKNOWN}%')")
        ],
    )
    role = CharField(default="")  # Role.external_id; of several the main one
    kind = CharField(default=AccountKind.USER)  # as the app describes it, see AccountKind
    last_activity = DateTimeField(null=True)
    seat = CharField(default="")  # seat type, if the app has any
    state = OneOf(AccountState, in_bulk=True, default=AccountState.PRESENT)
    missing_since = DateTimeField(null=True)  # absent once, not yet gone
    match_kind = OneOf(AccountMatch, in_bulk=True, default=AccountMatch.UNMATCHED)
    person = ForeignKeyField(Person, null=True, backref="accounts", on_delete="SET NULL")
    match_by_hand = BooleanField(default=False)
    protection_reason = TextField(null=True)  # given by the person who protected it; null: it isn't protected
    left_out_reason = TextField(null=True)  # why someone left out its removal; null: nobody did
    left_out_by = CharField(null=True)
    left_out_at = DateTimeField(null=True)
    left_out_person = ForeignKeyField(Person, null=True, backref="left_out", on_delete="SET NULL", index=False)
    first_seen = DateTimeField(default=utcnow)
    gone_at = DateTimeField(null=True)
    user_name = CharField(null=True)  # if the app returns it; an e-mail can be derived from it
    employee_number = CharField(null=True)
    match_note = TextField(null=True)  # of a guest or local partner: where from, what for
    email_when_matched = CharField(
        null=True
    )  # `email_key` when it was matched by hand; null: it wasn't, or it is older
    further_roles = RoleIds(null=True, default=())  # beside the main one; null: never read, by an older Rollcall
    moved_email_key = CharField(null=True)  # its address, which then moved to someone else: it no longer matches
    former_person = ForeignKeyField(Person, null=True, backref="former_accounts", on_delete="SET NULL", index=False)
    missing_fields = IntegerField(null=True)  # bits: the app didn't return them; null: not read since
    defaulted_fields = IntegerField(default=0)  # bits: not returned, which means the default by the app's documentation
    held_values = JSONField(null=True)  # the role or profile that the app returned, while a guard holds the change
    # A trigger counts it up when a column that a reading compares or asks for is written.
    version = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])

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
            SQL("CREATE INDEX account_held ON account (app_id) WHERE held_values IS NOT NULL"),
            SQL("CREATE INDEX account_number ON account (app_id, lower(employee_number)) "
                "WHERE employee_number IS NOT NULL"),
            SQL("CREATE INDEX account_former ON account (former_person_id) WHERE former_person_id IS NOT NULL"),
            SQL("CREATE INDEX account_decided ON account (app_id) WHERE match_by_hand AND match_kind <> 'matched'"),
            SQL("CREATE INDEX account_tagged ON account (app_id) "
                "WHERE match_kind = 'unmatched' AND email_key LIKE '%+%'"),
            SQL("CREATE INDEX account_further_roles ON account (app_id) WHERE further_roles <> '[]'"),
        )

    @property
    def roles(self):
        """The external ids of all its roles, the main one first."""
        return (self.role, *self.further_roles)

    @property
    def is_surely_suspended(self) -> bool:
        """The app says so now: where it leaves out the status, the known one stays, but may be over."""
        return self.status == AccountStatus.SUSPENDED and not (self.missing_fields or 0) & BIT["status"]

    @classmethod
    def present(cls, app: App) -> ModelSelect:
        """The app's accounts, without those being removed or gone."""
        return cls.select().where(cls.app == app, cls.is_present)

    @classmethod
    def number_present(cls, app: App) -> int:
        """How many these are."""
        [(number,)] = _number_present(app)
        return number


@prepared_plain
def _an_account(app: App) -> ModelSelect:
    return Account.select(Account.id).where(Account.app == app).limit(1)


@prepared_plain
def _number_present(app: App) -> ModelSelect:
    return Account.select(fn.COUNT(SQL("*"))).where(Account.app == app, Account.is_present)


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

    class Meta:
        indexes = (SQL("CREATE INDEX match_decision_newest ON match_decision (made_at) WHERE undone_at IS NULL"),)


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


class RememberedAnswer(Base):
    """An app's answer at the last reading, for conditional requests; `body` is compressed."""

    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    key = CharField()
    etag = CharField()
    link = TextField(default="")
    body = BlobField()

    class Meta:
        indexes = ((("app", "key"), True),)


class RememberedItems(Base):
    """A part of the items of an app's last list, in its order, and the accounts that they are (checks.known_items)."""

    app = ForeignKeyField(App, on_delete="CASCADE", index=False)
    place = IntegerField()  # of the part, from 0 on
    code_and_settings = CharField()  # a hash: with others, an item may mean another account
    all_read_at = CharField()  # when every item was read in full, UTC
    notes = TextField()  # JSON: what the connector needs of the items besides their accounts, each once
    items = BlobField()

    class Meta:
        indexes = ((("app", "place"), True),)


class WaitingFile(Base):
    """An uploaded file while the meaning of its columns is open, then what became of it; deleted after a day."""

    purpose = OneOf(UploadFor)
    kind = CharField(default="")  # of the new directory: its connector's slug,
    name = CharField(default="")  # and its name
    directory = ForeignKeyField(Directory, null=True, on_delete="CASCADE")  # that it is a list of, or has made
    app = ForeignKeyField(App, null=True, on_delete="CASCADE")
    person = ForeignKeyField(Person, on_delete="CASCADE")  # who uploaded it; only they may continue
    file_name = CharField(default="")
    sealed = BlobField()  # the values of the connector's fields, including the file; empty once it no longer waits
    mapping = TextField(default="")  # the answers so far, as JSON
    created_at = DateTimeField(default=utcnow)
    state = OneOf(FileState, default=FileState.WAITING, constraints=[SQL("DEFAULT 'waiting'")])
    message = TextField(default="", constraints=[SQL("DEFAULT ''")])  # shown once it was used
    tone = OneOf(Tone, default=Tone.OK, constraints=[SQL("DEFAULT 'ok'")])  # of the message
