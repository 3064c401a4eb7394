"""Tasks that an Owner's standing approval made. Once it is switched off, or its approver could no longer give it, it
doesn't cover those that still wait."""

from __future__ import annotations

from sync.apps import standing_approvals
from sync.models import App, Task

REMOVE = "policy: remove automatically"
JOINERS = "policy: invite joiners automatically"
UNASSIGNED = "policy: remove people no longer in a group automatically"
_HOLDS = {
    REMOVE: standing_approvals.removes_leavers, JOINERS: standing_approvals.invites_joiners,
    UNASSIGNED: standing_approvals.removes_unassigned,
}  # fmt: skip
_GIVEN = {REMOVE: standing_approvals.Given.REMOVALS}


def is_one(task: Task) -> bool:
    """Whether a standing approval made the task, and nobody has retried it since."""
    return task.asked_by in _HOLDS


def is_off(task: Task) -> bool:
    """Whether a standing approval made the task and no longer holds."""
    return is_one(task) and not _HOLDS[task.asked_by](App.get_by_id(task.app_id))


def why_off(task: Task) -> str:
    """Why the approval of a task that is_off() doesn't hold, as a sentence."""
    given = _GIVEN.get(task.asked_by, standing_approvals.Given.GROUPS)
    if whose := standing_approvals.by_whom(task.app, given):
        return f"The standing approval was given by {whose}: this waits for approval again."
    return "The standing approval was switched off: this waits for approval again."
