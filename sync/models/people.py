"""The people of the company, and the addresses by which they are known."""

from __future__ import annotations

from peewee import (
    SQL,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Expression,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    TextField,
)

from sync.db import utcnow
from sync.models.columns import Base, OneOf, Question
from sync.prepared import prepared
from sync.states import PersonStatus, WorkspaceRole


class Person(Base):
    """A human the workspace knows. `status` is what counts; it follows from the
    directories' entries unless `status_by_hand` says otherwise (see people.py)."""

    name = CharField(default="")
    status = OneOf(PersonStatus, default=PersonStatus.ACTIVE)
    status_by_hand = OneOf(PersonStatus, null=True)
    status_since = DateTimeField(default=utcnow)
    status_reason = TextField(default="")
    # The DirectoryEntry that it followed when it last changed; null: someone decided it, or it hasn't changed yet.
    status_entry_id = IntegerField(null=True)
    employee_number = CharField(null=True)
    remove_on = DateField(null=True)  # they left, but keep their accounts until this day, in the workspace's zone
    legal_hold_reason = TextField(null=True)  # while there is one, none of their accounts is removed
    workspace_role = OneOf(WorkspaceRole, null=True)  # null: may not sign in
    password_hash = CharField(null=True)
    created_at = DateTimeField(default=utcnow)
    last_day = DateField(null=True)  # by hand or from a list: they have left once it is over, in the workspace's zone
    department = CharField(null=True)
    manager = CharField(null=True)  # an e-mail address or a name, as it was given

    has_left = Question("status", PersonStatus.DEPROVISIONED)

    class Meta:
        indexes = (
            SQL("CREATE INDEX person_number ON person (lower(employee_number)) WHERE employee_number IS NOT NULL"),
            (("name", "id"), False),
            (("status", "status_since", "id", "remove_on"), False),
            SQL("CREATE INDEX person_department ON person (department) WHERE department IS NOT NULL"),
            SQL("CREATE INDEX person_hold ON person (id) WHERE legal_hold_reason IS NOT NULL"),
            SQL("CREATE INDEX person_decided ON person (id) "
                "WHERE status_by_hand IS NOT NULL AND status_by_hand <> 'deprovisioned'"),
            SQL("CREATE INDEX person_signs_in ON person (workspace_role) WHERE workspace_role IS NOT NULL"),
        )

    @property
    def may_sign_in(self) -> bool:
        """Whether they may use Rollcall at all, by whichever way in: they have a workspace role and are active."""
        return self.workspace_role is not None and self.status == PersonStatus.ACTIVE

    @classmethod
    def where_may_sign_in(cls) -> Expression:
        """The same as a condition of a query."""
        return cls.workspace_role.is_null(False) & (cls.status == PersonStatus.ACTIVE)

    def addresses(self) -> list[PersonEmail]:
        """The main one first, the others in the order in which they were added."""
        emails = self.__dict__["emails"] if "emails" in self.__dict__ else _emails_of(self.id)  # read for many, or not
        return sorted(emails, key=lambda row: (not row.main, row.id))


class PersonEmail(Base):
    person = ForeignKeyField(Person, backref="emails", on_delete="CASCADE")
    email = CharField()  # as it was given
    email_key = CharField(unique=True)  # names.email_key(email)
    main = BooleanField(default=False)
    by_hand = BooleanField(default=False)  # set by hand, and no directory has agreed since
    disputed = BooleanField(default=False)  # a directory also gives it to someone else: no account is matched by it
    vouched_for = BooleanField(default=False, constraints=[SQL("DEFAULT 0")])  # an Owner gave it: trusted at a sign-in

    class Meta:
        indexes = (SQL("CREATE INDEX person_email_disputed ON person_email (id) WHERE disputed"),)


@prepared
def _emails_of(person: int) -> ModelSelect:
    return PersonEmail.select().where(PersonEmail.person == person)
