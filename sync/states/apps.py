"""Words of connected apps, their accounts and assets, and of what a page says of them."""

from __future__ import annotations

from enum import StrEnum


class AppManager(StrEnum):
    """As what a person manages one app.
    Owners run its checks, approve its reports and change its settings. Collaborators view its members and assets."""

    OWNER = "owner"
    COLLABORATOR = "collaborator"


class AppState(StrEnum):
    """Whether an app is a draft, connected, paused or no longer connected.
    Paused apps are connected too, but neither checked nor changed."""

    CONNECTING = "connecting"
    ACTIVE = "active"
    PAUSED = "paused"
    DISCONNECTED = "disconnected"


CONNECTED = (AppState.ACTIVE, AppState.PAUSED)


class Failure(StrEnum):
    """Why an app's last check, or last test of its credential, failed: it decides what a person is offered.
    CREDENTIAL: rejected by the app, or no longer readable. PERSON_NEEDED: the error says what someone must do.
    NOT_KNOWN: before this was stored."""

    CREDENTIAL = "credential"
    UNREACHABLE = "unreachable"
    RATE_LIMIT = "rate limit"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    MISSING_FIELDS = "missing fields"
    PERSON_NEEDED = "person needed"
    SETTINGS = "settings"
    CONNECTOR = "connector"
    NOT_KNOWN = "not known"


class AppStatus(StrEnum):
    """How a person sees an app: the one word that apps/status computes from all facts. It is never stored.
    The order is that of a list in which what needs a person comes first."""

    NEEDS_ATTENTION = "Needs attention"
    APPROVAL_NEEDED = "Approval needed"
    LAST_CHECK_FAILED = "Last check failed"
    OVERDUE = "Overdue"
    DIRECTORY_UNCLEAR = "Directory unclear"
    NEEDS_MATCHING = "Needs matching"
    CHECKING = "Checking"
    APPLYING_CHANGES = "Applying changes"
    SETUP_UNFINISHED = "Setup unfinished"
    NOT_CHECKED_DAILY = "Not checked daily"
    PAUSED = "Paused"
    UP_TO_DATE = "Up to date"
    DISCONNECTED = "Disconnected"

    @property
    def connected(self) -> bool:
        """An app that is connected can have it."""
        return self != AppStatus.DISCONNECTED


class Tone(StrEnum):
    """How loud a state is. Green promises that nothing is open (rule of the status table in apps/conditions)."""

    OK = "ok"
    WORKING = "working"
    WAITING = "waiting"
    ATTENTION = "attention"
    NEUTRAL = "neutral"


class Step(StrEnum):
    """The next thing that a person can do about an app's state. Pages show it as a button.
    ADDRESS: look at the address that the app is connected by. REMOVALS, GROUPS: what an Owner approves in advance.
    DIRECTORY: look at the one that doesn't show who has left. ATTRIBUTES: define what its attributes mean."""

    CHECK = "check"
    TEST = "test"
    ADDRESS = "address"
    CREDENTIAL = "credential"
    FILE = "file"
    FIELDS = "fields"
    REPORT = "report"
    TASKS = "tasks"
    MEMBERS = "members"
    MATCHING = "matching"
    RESUME = "resume"
    DIRECTORIES = "directories"
    DIRECTORY = "directory"
    ATTRIBUTES = "attributes"
    REMOVALS = "removals"
    GROUPS = "groups"
    SETUP = "setup"


class Approval(StrEnum):
    """Whether each change of a sort waits for approval, or an Owner has approved all of them in advance.
    An empty column of App also means that each change waits."""

    ASK = "ask"
    AUTOMATIC = "automatic"


class AccountState(StrEnum):
    """Whether an account is in its app, as far as Rollcall knows.
    REMOVING: its removal is approved, and the task has not ended."""

    PRESENT = "present"
    REMOVING = "removing"
    GONE = "gone"


class AccountStatus(StrEnum):
    """What the app says of an account.
    A status that Rollcall doesn't know is stored as UNKNOWN, or as that and the app's own word."""

    ACTIVE = "active"
    INVITED = "invited"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"


class AccountKind(StrEnum):
    """Whose an account can be: a user's, or the app's own, such as a bot.
    The app's description decides, so the schema doesn't check it."""

    USER = "user"
    SYSTEM = "system"


class AccountMatch(StrEnum):
    """Whose an account is.
    Guests, local partners and service accounts belong to nobody in the directory."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    GUEST = "guest"
    LOCAL_PARTNER = "local partner"
    SERVICE_ACCOUNT = "service account"


class AssetState(StrEnum):
    """Whether the last check found an asset in its app.
    One that is gone keeps its row, for the changes that name it."""

    PRESENT = "present"
    GONE = "gone"
