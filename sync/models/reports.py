"""The checks, their reports, and each change that was found, planned or decided."""

from __future__ import annotations

from peewee import (
    SQL,
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
from sync.models.apps import Account, App, Asset
from sync.models.columns import Base, OneOf, Question
from sync.models.people import Person
from sync.states import (
    LIVE_CHECKS,
    REMOVALS,
    ChangeDecision,
    ChangeKind,
    CheckPhase,
    CheckState,
    CheckTrigger,
    OffboardingState,
    Protection,
    ReportState,
    texts,
)


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
    items_read = IntegerField(default=0)  # in this phase, of `total`
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
    kind = OneOf(ChangeKind, in_bulk=True)
    decision = OneOf(ChangeDecision, in_bulk=True)
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE", index=False)
    asset = ForeignKeyField(Asset, null=True, on_delete="CASCADE", index=False)
    before = TextField(null=True)
    after = TextField(null=True)
    in_app = BooleanField(default=True)  # false: the app no longer has it, so only Rollcall is updated
    reason = TextField(default="")
    protection = OneOf(Protection, in_bulk=True, null=True)  # why it can't be confirmed
    protection_reason = TextField(null=True)  # the same in words
    decided_by = CharField(null=True)
    decided_at = DateTimeField(null=True)
    created_at = DateTimeField(default=utcnow)
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL", index=False)  # the person to invite, or who left
    detail = JSONField(null=True)  # what else the task needs: the role
    offboarding = ForeignKeyField(Offboarding, null=True, backref="changes", on_delete="SET NULL", index=False)

    class Meta:
        indexes = (
            (("report", "kind", "id"), False),
            SQL(
                "CREATE UNIQUE INDEX change_once ON change (report_id, kind, in_app, coalesce(account_id, 0), "
                "coalesce(asset_id, 0), coalesce(person_id, 0)) WHERE decision <> 'applied'"
            ),
            SQL("CREATE INDEX change_account ON change (account_id) WHERE decision <> 'applied'"),
            SQL("CREATE INDEX change_offboarding ON change (offboarding_id) WHERE offboarding_id IS NOT NULL"),
            SQL(f"CREATE INDEX change_removals ON change (created_at) WHERE kind IN ({texts(REMOVALS)}) AND in_app"),
        )
