"""The directories, what they say of people and groups, and what a directory pushed."""

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
    TextField,
)

from sync.db import utcnow
from sync.models.columns import Base, Differ, OneOf, Question
from sync.models.people import Person
from sync.states import (
    LIVE_READINGS,
    DirectoryState,
    HeldChangeState,
    HeldField,
    PersonStatus,
    ReadingState,
    ScimKind,
    texts,
)


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
    file_from = DateTimeField(null=True)  # when the list that it read was made; null: it isn't a list
    file_seen_at = DateTimeField(null=True)  # when a list of that time was read first
    # Changes since then may be missing: what it pushed, or after a restore all that wasn't read; null: none are.
    missing_since = DateTimeField(null=True)
    missing_until = DateTimeField(null=True)  # the last of these was noted then
    failures = IntegerField(default=0)  # in a row
    error = TextField(null=True)
    guard_counts_from = DateTimeField(null=True)  # if it pushes: leavers before this no longer count
    many_back_since = DateTimeField(null=True)  # its returns are held since then; null: they aren't
    # Attributes that may say a status and that no rule reads, each with its people and values.
    unread_attributes = JSONField(default=list, constraints=[SQL("DEFAULT '[]'")])
    attributes_unknown = BooleanField(default=False, constraints=[SQL("DEFAULT FALSE")])  # it couldn't look for any
    hidden_users = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])  # whether they are disabled is hidden
    private_network_approver = CharField(null=True)  # who approved its address inside a private network; null: nobody
    responsible_id = IntegerField(null=True)  # the Person who connected it, or changed how it is read
    vouched_for = BooleanField(default=False)  # an Owner or the command line lets it change Owners and admins (rank.py)

    is_active = Question("state", DirectoryState.ACTIVE)


def entry_is_held(entry: str = "") -> str:
    """DirectoryEntry.is_held in SQL, of the table or its alias `entry`."""
    of = f"{entry}." if entry else ""
    return f"{of}status <> {of}reported_status"


class DirectoryEntry(Base):
    """A person's entry in one directory. `reported_status` is the status in the last complete reading,
    `status` the one that was applied: they differ while a guard holds the change."""

    directory = ForeignKeyField(Directory, backref="entries", on_delete="CASCADE", index=False)
    external_id = CharField()  # the directory's. Once it was used again for someone else, `former_id` is that one,
    former_id = CharField(null=True)  # and `external_id` is one that no reading has
    person = ForeignKeyField(Person, backref="entries", on_delete="CASCADE")
    user_name = CharField(default="")
    email = CharField(default="")  # the directory's last value: only its changes are applied,
    name = CharField(default="")  # so that an edit by hand outlives the readings
    employee_number = CharField(default="")
    status = OneOf(PersonStatus, default=PersonStatus.ACTIVE)
    reported_status = OneOf(PersonStatus, default=PersonStatus.ACTIVE)
    reported_at = DateTimeField(default=utcnow)
    reason = TextField(default="")  # "disabled in Company LDAP", "no longer in staff.csv"
    burst_reason = TextField(null=True)  # the reason that it got when many left, or were back, at once
    # When `reported_status` last turned to deprovisioned, also of someone who is back; null: never, or confirmed since.
    left_at = DateTimeField(null=True)
    back_at = DateTimeField(null=True)  # when a leaver's last turned to another; null: it didn't, or is confirmed
    status_before_dates = OneOf(PersonStatus, null=True)  # the directory's own, before the days below are considered
    last_day = DateField(null=True)  # `reported_status` is deprovisioned once it is over, in the workspace's zone
    starts_on = DateField(null=True)
    department = CharField(null=True)
    manager = CharField(null=True)  # an e-mail address or a name

    has_left = Question("status", PersonStatus.DEPROVISIONED)
    is_held = Differ("status", "reported_status")

    class Meta:
        indexes = (
            (("directory", "external_id"), True),
            SQL(f"CREATE INDEX directory_entry_held ON directory_entry (directory_id) WHERE {entry_is_held()}"),
        )


class DirectoryAddress(Base):
    """An address of a directory's entry in the last reading, even if the entry isn't a person here."""

    directory = ForeignKeyField(Directory, on_delete="CASCADE", index=False)
    external_id = CharField()  # of the entry
    email_key = CharField(index=True)
    email = CharField()  # as it was given
    main = BooleanField(default=False)
    active = BooleanField(default=True)  # false: the entry is disabled, or gone
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
    ended_at = DateTimeField(null=True)  # requests with it are refused since then,
    refused_at = DateTimeField(null=True)  # last, to the minute


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
            SQL(
                "CREATE UNIQUE INDEX scim_resource_user ON scim_resource (directory_id, name_key) "
                "WHERE kind = 'User' AND deleted_at IS NULL"
            ),
            SQL(
                "CREATE INDEX scim_resource_unclear ON scim_resource (directory_id) "
                "WHERE kind = 'User' AND entry_id IS NULL AND deleted_at IS NULL"
            ),
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
    people_read = IntegerField(default=0)
    counts = JSONField(default=dict)  # joined, updated, suspended, deprovisioned, returned, held
    error = TextField(null=True)

    is_live = Question("state", *LIVE_READINGS)

    class Meta:
        indexes = (
            SQL(
                "CREATE UNIQUE INDEX directory_reading_live ON directory_reading (directory_id) "
                f"WHERE state IN ({texts(LIVE_READINGS)})"
            ),
        )
