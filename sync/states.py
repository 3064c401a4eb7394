"""The words that a row's state, kind, decision or role may have, one enum per column of models.py.
A member is its own text: it is stored, compared and shown as that, and the schema allows no other."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


def texts(words: Iterable[str]) -> str:
    """As SQL has them in a list: 'active', 'paused'."""
    return ", ".join(f"'{word}'" for word in words)


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


class Part(StrEnum):
    """What a person is in one app.
    Owners approve changes there; Collaborators manage the app with them."""

    OWNER = "owner"
    COLLABORATOR = "collaborator"


class DirectoryState(StrEnum):
    """Whether a directory is read.
    While it is paused, its people keep the status they have."""

    ACTIVE = "active"
    PAUSED = "paused"


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
    ADDRESS: look at the address that the app is connected by."""

    CHECK = "check"
    TEST = "test"
    ADDRESS = "address"
    CREDENTIAL = "credential"
    FIELDS = "fields"
    REPORT = "report"
    TASKS = "tasks"
    MEMBERS = "members"
    MATCHING = "matching"
    RESUME = "resume"
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


class CheckState(StrEnum):
    """How far a check is.
    The last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE_CHECKS = (CheckState.QUEUED, CheckState.RUNNING)


class CheckPhase(StrEnum):
    """What a running check is reading.
    The order is that of the check."""

    WAITING = "waiting"
    DIRECTORY = "directory"
    ACCOUNTS = "accounts"
    ASSETS = "assets"
    ACCESS = "access"
    COMPARING = "comparing"


class CheckTrigger(StrEnum):
    """Why a check was started.
    RELEASE: a mass change was released; INVITATION: someone was invited."""

    DAILY = "daily"
    HAND = "hand"
    CONNECT = "connect"
    API = "api"
    DIRECTORY = "directory"
    INVITATION = "invitation"
    RELEASE = "release"


class ReportState(StrEnum):
    """Whether a report waits for decisions, or how it was closed.
    An app has at most one that is open."""

    OPEN = "open"
    APPLIED = "applied"
    DISMISSED = "dismissed"
    SUPERSEDED = "superseded"


class ChangeKind(StrEnum):
    """What a change is. The first ten were found in the app, the last five are what group rules want there.
    A removed user has left, or is to leave, as the change's `in_app` says."""

    NEW_USER = "new user"
    REMOVED_USER = "removed user"
    UPDATED_ROLE = "updated role"
    UPDATED_PROFILE = "updated profile"
    NEW_ASSET = "new asset"
    REMOVED_ASSET = "removed asset"
    RENAMED_ASSET = "renamed asset"
    GRANTED_ACCESS = "granted access"
    REVOKED_ACCESS = "revoked access"
    CHANGED_ACCESS = "changed access"
    TO_INVITE = "to invite"
    TO_CHANGE_ROLE = "to change role"
    TO_GRANT_ACCESS = "to grant access"
    TO_REVOKE_ACCESS = "to revoke access"
    NO_LONGER_ASSIGNED = "no longer assigned"

    @property
    def removes(self) -> bool:
        """Someone leaves the app by it."""
        return self in (ChangeKind.REMOVED_USER, ChangeKind.NO_LONGER_ASSIGNED)

    @property
    def adjusts(self) -> bool:
        """The app is adjusted to the group rules by it, and nobody leaves."""
        return self.by_rules and not self.removes

    @property
    def by_rules(self) -> bool:
        """Group rules want it done in the app."""
        return self in (
            ChangeKind.TO_INVITE, ChangeKind.TO_CHANGE_ROLE, ChangeKind.TO_GRANT_ACCESS, ChangeKind.TO_REVOKE_ACCESS,
            ChangeKind.NO_LONGER_ASSIGNED)  # fmt: skip

    @property
    def updates(self) -> bool:
        """An account was changed in the app, and a guard may hold the update of Rollcall's copy."""
        return self in (ChangeKind.UPDATED_ROLE, ChangeKind.UPDATED_PROFILE)

    @property
    def of_asset(self) -> bool:
        """An asset itself came, went or was renamed."""
        return self in (ChangeKind.NEW_ASSET, ChangeKind.REMOVED_ASSET, ChangeKind.RENAMED_ASSET)

    @property
    def of_access(self) -> bool:
        """Someone's access to an asset was changed in the app."""
        return self in (ChangeKind.GRANTED_ACCESS, ChangeKind.REVOKED_ACCESS, ChangeKind.CHANGED_ACCESS)


REMOVALS = tuple(kind for kind in ChangeKind if kind.removes)
ADJUSTMENTS = tuple(kind for kind in ChangeKind if kind.adjusts)
BY_RULES = tuple(kind for kind in ChangeKind if kind.by_rules)
UPDATES = tuple(kind for kind in ChangeKind if kind.updates)
OF_ASSETS = tuple(kind for kind in ChangeKind if kind.of_asset)
OF_ACCESS = tuple(kind for kind in ChangeKind if kind.of_access)


class ChangeDecision(StrEnum):
    """What was decided about a change, or that it waits.
    HELD: a guard holds it. IGNORED: no longer wanted, or protected. SCHEDULED: part of an offboarding on a date."""

    APPLIED = "applied"
    NEEDS_CONFIRMATION = "needs confirmation"
    HELD = "held"
    IGNORED = "ignored"
    LEFT_OUT = "left out"
    CONFIRMED = "confirmed"
    SCHEDULED = "scheduled"


AWAITING_APPROVAL = (ChangeDecision.NEEDS_CONFIRMATION, ChangeDecision.HELD)


class Protection(StrEnum):
    """Why an account stays and its removal can't be confirmed.
    The words that people read are in safety/protection."""

    HOLD = "legal hold"
    KEPT_UNTIL = "kept until"
    BY_HAND = "by hand"
    AUTOMATION_ACCOUNT = "automation account"
    SYSTEM = "system account"
    ANOTHERS_ADDRESS = "address of another"
    OTHER_EMAIL = "other e-mail"
    LAST_ADMINISTRATOR = "last administrator"


class OffboardingState(StrEnum):
    """Whether an offboarding waits for its date.
    Applied: its removals are in the apps' reports or tasks."""

    SCHEDULED = "scheduled"
    APPLIED = "applied"
    CANCELLED = "cancelled"


class TaskKind(StrEnum):
    """What a task does in the app.
    It is one operation on one account."""

    REMOVE = "remove"
    CHANGE_ROLE = "change role"
    INVITE = "invite"
    GRANT = "grant"
    REVOKE = "revoke"


class TaskState(StrEnum):
    """How far a task is.
    The first three are live: one that needs attention was tried and waits for an Owner."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_ATTENTION = "needs attention"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NO_LONGER_NEEDED = "no longer needed"


LIVE_TASKS = (TaskState.QUEUED, TaskState.RUNNING, TaskState.NEEDS_ATTENTION)
ENDED_TASKS = tuple(state for state in TaskState if state not in LIVE_TASKS)


class InvitationState(StrEnum):
    """How far an invitation is.
    The first three are live; INVITED: the app has sent it, and nobody has joined yet."""

    ONGOING = "ongoing"
    FAILED = "failed"
    INVITED = "invited"
    ONBOARDED = "onboarded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


LIVE_INVITATIONS = (InvitationState.ONGOING, InvitationState.FAILED, InvitationState.INVITED)


class MailState(StrEnum):
    """How far an e-mail of the outbox is.
    The last two are ends."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


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


class SignInMethod(StrEnum):
    """How a session began.
    NOT_KNOWN: before this was stored."""

    NOT_KNOWN = ""
    PASSWORD = "password"
    LINK = "link"
    PROVIDER = "provider"
    PASSKEY = "passkey"
    SET_UP_LINK = "set-up link"


class SecondFactor(StrEnum):
    """The second factor that a session began with.
    The provider asked for it where it is the identity provider's."""

    NONE = ""
    APP = "authenticator app"
    PASSKEY = "passkey"
    RECOVERY = "recovery code"
    PROVIDER = "identity provider"
