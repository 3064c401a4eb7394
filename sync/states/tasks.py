"""Words of tasks, invitations and e-mails."""

from __future__ import annotations

from enum import StrEnum


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
