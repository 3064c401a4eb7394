"""Work to do in an app, and who is invited to one."""

from __future__ import annotations

from peewee import SQL, CharField, DateTimeField, Expression, ForeignKeyField, IntegerField, JSONField, TextField

from sync.db import utcnow
from sync.models.apps import Account, App, Asset
from sync.models.columns import Base, OneOf, Question
from sync.models.people import Person
from sync.models.reports import Change, Report
from sync.states import LIVE_INVITATIONS, LIVE_TASKS, InvitationState, TaskKind, TaskState, texts

AWAITED = "awaited"  # in Task.detail: the app's ids of the requests that someone must approve there
DONE_BY = "done by"  # in Task.detail: who did it in the app by hand, so that the app has confirmed nothing
WITHDRAWN = "withdrawn"  # in Task.detail: why its approval no longer holds; someone must retry it


class Task(Base):
    """One operation in an app. This row is the truth; the queue only wakes a worker."""

    app = ForeignKeyField(App, backref="tasks", on_delete="CASCADE")
    report = ForeignKeyField(Report, null=True, backref="tasks", on_delete="SET NULL")
    change = ForeignKeyField(Change, null=True, on_delete="SET NULL")
    kind = OneOf(TaskKind)
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
        return (cls.state == TaskState.QUEUED) & cls.where_asked_there()

    @classmethod
    def where_asked_there(cls) -> Expression:
        """The app holds a request for it, which someone can approve there."""
        return cls.detail[AWAITED].is_null(False)

    @classmethod
    def where_approved(cls) -> Expression:
        """Its approval was not withdrawn."""
        return cls.detail[WITHDRAWN].is_null()

    class Meta:
        table_name = "app_task"  # Huey's own table in this file is named task
        indexes = (
            (("state", "next_at"), False),
            SQL(
                "CREATE UNIQUE INDEX app_task_live ON app_task (account_id, kind, coalesce(asset_id, 0)) "
                f"WHERE state IN ({texts(LIVE_TASKS)})"
            ),
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
        indexes = (
            SQL(
                "CREATE UNIQUE INDEX invitation_live ON invitation (app_id, email_key) "
                f"WHERE state IN ({texts(LIVE_INVITATIONS)})"
            ),
        )
