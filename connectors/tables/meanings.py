"""The meanings that a column and a value can have. The words that people use for them are in words.py.
A file has one of three purposes: a directory's complete list, an import of people, or an app's export of accounts."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """The purpose of a file."""

    DIRECTORY = "directory"  # everyone in the company: people missing from it have left
    IMPORT = "import"  # some people: nobody else changes
    APP = "app"  # the accounts of an app


class Meaning(StrEnum):
    """The meaning of a column."""

    EMAIL = "email"
    FURTHER_EMAILS = "further_emails"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    STATUS = "status"
    LAST_DAY = "last_day"
    START_DATE = "start_date"
    GROUPS = "groups"
    EMPLOYEE_NUMBER = "employee_number"
    DEPARTMENT = "department"
    MANAGER = "manager"
    USER_NAME = "user_name"
    ID = "id"
    ROLE = "role"
    STATUS_AND_ROLE = "status_and_role"  # one column that says either: "Admin", "Deactivated"
    SEAT = "seat"
    LAST_ACTIVITY = "last_activity"
    IGNORE = "ignore"  # someone has decided that it isn't needed


LABELS = {
    Meaning.EMAIL: "E-mail address",
    Meaning.FURTHER_EMAILS: "Further e-mail addresses",
    Meaning.NAME: "Name",
    Meaning.FIRST_NAME: "First name",
    Meaning.LAST_NAME: "Last name",
    Meaning.STATUS: "Status",
    Meaning.LAST_DAY: "Last day",
    Meaning.START_DATE: "First day",
    Meaning.GROUPS: "Groups",
    Meaning.EMPLOYEE_NUMBER: "Employee number",
    Meaning.DEPARTMENT: "Department",
    Meaning.MANAGER: "Manager",
    Meaning.USER_NAME: "User name",
    Meaning.ID: "Id that never changes",
    Meaning.ROLE: "Role",
    Meaning.STATUS_AND_ROLE: "Status or role",
    Meaning.SEAT: "Seat or licence",
    Meaning.LAST_ACTIVITY: "Last activity",
    Meaning.IGNORE: "Not needed",
}
_PEOPLE = (
    Meaning.EMAIL, Meaning.FURTHER_EMAILS, Meaning.NAME, Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.STATUS,
    Meaning.LAST_DAY, Meaning.START_DATE, Meaning.GROUPS, Meaning.EMPLOYEE_NUMBER, Meaning.DEPARTMENT,
    Meaning.MANAGER, Meaning.USER_NAME, Meaning.ID, Meaning.IGNORE,
)  # fmt: skip
MEANINGS = {
    Purpose.DIRECTORY: _PEOPLE,
    Purpose.IMPORT: tuple(meaning for meaning in _PEOPLE if meaning is not Meaning.ID),
    Purpose.APP: (
        Meaning.EMAIL, Meaning.USER_NAME, Meaning.ID, Meaning.NAME, Meaning.FIRST_NAME, Meaning.LAST_NAME,
        Meaning.STATUS, Meaning.ROLE, Meaning.STATUS_AND_ROLE, Meaning.SEAT, Meaning.LAST_ACTIVITY,
        Meaning.EMPLOYEE_NUMBER, Meaning.IGNORE,
    ),
}  # fmt: skip
# Several columns may have one of these meanings. Each other meaning has one column.
REPEATABLE = frozenset({
    Meaning.FURTHER_EMAILS, Meaning.STATUS, Meaning.ROLE, Meaning.STATUS_AND_ROLE, Meaning.GROUPS, Meaning.IGNORE,
    Meaning.LAST_ACTIVITY,
})  # fmt: skip
DATES = frozenset({Meaning.LAST_DAY, Meaning.START_DATE, Meaning.LAST_ACTIVITY})
# Such a column must not disappear unnoticed: people would come back, lose their groups or be taken for others.
LASTING = frozenset({
    Meaning.STATUS, Meaning.STATUS_AND_ROLE, Meaning.ROLE, Meaning.LAST_DAY, Meaning.START_DATE, Meaning.GROUPS,
    Meaning.ID, Meaning.EMPLOYEE_NUMBER, Meaning.FURTHER_EMAILS,
})  # fmt: skip
# In such a column, each value is a question of its own.
VALUED = frozenset({Meaning.STATUS, Meaning.ROLE, Meaning.STATUS_AND_ROLE})


class Means(StrEnum):
    """The meaning of a value in a column of statuses or roles."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"
    INVITED = "invited"
    SYSTEM = "system"  # a bot, a service account
    LEAVE_OUT = "leave_out"  # no such person or account: the row isn't read
    PLAIN = "plain"  # a role that may not administer the app
    PRIVILEGED = "privileged"  # a role that may
    NOTHING = "nothing"  # neither a role nor a status: another column counts


VALUE_LABELS = {
    Means.ACTIVE: "Active",
    Means.SUSPENDED: "Suspended",
    Means.LEFT: "Has left",
    Means.INVITED: "Invited",
    Means.SYSTEM: "Bot or service account",
    Means.LEAVE_OUT: "Leave the row out",
    Means.PLAIN: "A role that doesn't administer the app",
    Means.PRIVILEGED: "A role that administers the app",
    Means.NOTHING: "Ignore this value",
}
_PERSON_STATUS = (Means.ACTIVE, Means.SUSPENDED, Means.LEFT, Means.LEAVE_OUT, Means.NOTHING)
_ACCOUNT_STATUS = (Means.ACTIVE, Means.INVITED, Means.SUSPENDED, Means.SYSTEM, Means.LEAVE_OUT, Means.NOTHING)
_ROLE = (Means.PLAIN, Means.PRIVILEGED, Means.NOTHING)


def choices_for(meaning: Meaning, purpose: Purpose) -> tuple[Means, ...]:
    """The meanings that a value of such a column can have; () if its values are never a question."""
    if meaning is Meaning.STATUS:
        return _ACCOUNT_STATUS if purpose is Purpose.APP else _PERSON_STATUS
    if meaning is Meaning.ROLE:
        return _ROLE
    if meaning is Meaning.STATUS_AND_ROLE:
        return (*_ROLE[:2], *_ACCOUNT_STATUS)
    return ()
