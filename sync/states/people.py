"""Words of people, directories and what a directory sent."""

from __future__ import annotations

from enum import StrEnum


class PersonStatus(StrEnum):
    """Whether someone is here. Of a person, and of each directory's entry about them;
    a suspended person keeps their accounts, a deprovisioned one has left."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEPROVISIONED = "deprovisioned"


class WorkspaceRole(StrEnum):
    """What someone who signs in may do in Rollcall, the highest first.
    rank.py compares them; a person without a role can't sign in."""

    OWNER = "owner"
    SUPER_ADMIN = "super admin"
    ADMIN = "admin"
    USER = "user"
    GUEST = "guest"


class ListName(StrEnum):
    """A list of the pages, of which someone keeps views."""

    APPS = "apps"
    MEMBERS = "members"
    ASSETS = "assets"
    PEOPLE = "people"
    REPORTS = "reports"
    ACTIVITY = "activity"


class DirectoryState(StrEnum):
    """Whether a directory is read.
    While it is paused, its people keep the status they have."""

    ACTIVE = "active"
    PAUSED = "paused"


class DirectoryGap(StrEnum):
    """Why a directory doesn't show who has left since some time."""

    PAUSED = "paused"
    OLD_READING = "old reading"
    OLD_LIST = "old list"
    UNDATED_LIST = "list from the future"
    HIDDEN_USERS = "hidden users"
    UNDEFINED = "undefined attributes"
    UNKNOWN_ATTRIBUTES = "unknown attributes"
    MANY_BACK = "many back"
    NO_TOKEN = "no token"
    UNUSED_TOKEN = "unused token"
    MISSING_CHANGES = "missing changes"
    RESTORED = "restored"


class ReadingState(StrEnum):
    """How far one reading of a directory is.
    The last two are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


LIVE_READINGS = (ReadingState.QUEUED, ReadingState.RUNNING)


class HeldChangeState(StrEnum):
    """The outcome of a held change to someone of a higher rank than the person responsible for it.
    It waits while it is open."""

    OPEN = "open"
    RELEASED = "released"
    DISMISSED = "dismissed"


class HeldField(StrEnum):
    """What a held change would change of a person.
    An address is a further one; the main address is the one that they get e-mail at."""

    NAME = "name"
    ADDRESS = "address"
    MAIN_ADDRESS = "main address"
    NUMBER = "employee number"
    STATUS = "status"
    LAST_DAY = "last day"
    DEPARTMENT = "department"
    MANAGER = "manager"


class ScimKind(StrEnum):
    """What an identity provider pushes.
    The name is that of the resource type in SCIM."""

    USER = "User"
    GROUP = "Group"


class UploadFor(StrEnum):
    """The purpose of an uploaded file: a new directory, a directory's list, an app's export, an import of people.
    It is kept while the meaning of its columns is open."""

    DIRECTORY = "directory"
    LIST = "list"
    EXPORT = "export"
    IMPORT = "import"


class FileState(StrEnum):
    """What became of an uploaded file. Only a file that waits has its content."""

    WAITING = "waiting"
    USED = "used"
    DISCARDED = "discarded"
