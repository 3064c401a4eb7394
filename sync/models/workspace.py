"""The workspace's settings, its e-mails and its activity."""

from __future__ import annotations

from peewee import (
    SQL,
    BlobField,
    BooleanField,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from sync.db import utcnow
from sync.models.apps import App
from sync.models.columns import Base, OneOf
from sync.models.people import Person
from sync.models.reports import Report
from sync.states import ListName, MailState


class Setting(Base):
    """One value of the workspace, by name."""

    name = CharField(primary_key=True)
    value = JSONField(null=True)


class SavedView(Base):
    """A list's filters and order under a name."""

    person = ForeignKeyField(Person, on_delete="CASCADE", index=False)
    list = OneOf(ListName)
    app = ForeignKeyField(App, null=True, on_delete="CASCADE")  # of a list inside an app
    name = CharField()
    query = TextField()  # as an address has them: role=admin&sort=-active
    shared = BooleanField(default=False)  # with everyone who may open the list
    created_at = DateTimeField(default=utcnow)

    class Meta:
        indexes = (
            SQL("CREATE UNIQUE INDEX saved_view_name ON saved_view (person_id, list, coalesce(app_id, 0), name)"),
            SQL("CREATE INDEX saved_view_shared ON saved_view (list) WHERE shared"),
        )


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
    first_entry = IntegerField(null=True)  # the first id of what happened together; null: written before 0032

    class Meta:
        indexes = (
            (("app", "id"), False), (("person", "id"), False),
            SQL("CREATE INDEX activity_line ON activity (coalesce(first_entry, id))"),
            SQL("CREATE INDEX activity_line_of_app ON activity (app_id, coalesce(first_entry, id))"),
            SQL("CREATE INDEX activity_line_of_person ON activity (person_id, coalesce(first_entry, id))"),
            SQL("CREATE INDEX activity_what ON activity (what, coalesce(first_entry, id))"),
        )  # fmt: skip
