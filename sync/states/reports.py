"""Words of checks, reports, changes and offboardings."""

from __future__ import annotations

from enum import StrEnum


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

    @property
    def words(self) -> str:
        """For Activity."""
        return _WHY_CHECKED[self]

    @property
    def is_waited_for(self) -> bool:
        """Whether someone waits for the result."""
        return self not in (CheckTrigger.DAILY, CheckTrigger.DIRECTORY, CheckTrigger.INVITATION)


_WHY_CHECKED = {
    CheckTrigger.DAILY: "The daily check was due", CheckTrigger.HAND: "By hand",
    CheckTrigger.CONNECT: "The app was connected", CheckTrigger.API: "Asked by a program",
    CheckTrigger.DIRECTORY: "A directory changed", CheckTrigger.INVITATION: "Someone was invited",
    CheckTrigger.RELEASE: "Held changes were released",
}  # fmt: skip


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
