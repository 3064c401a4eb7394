"""Tasks that an Owner's standing approval made: once it is switched off, those that still wait are not done by it."""

from __future__ import annotations

from sync.models import App, Task
from sync.states import Approval

REMOVE = "policy: remove automatically"
JOINERS = "policy: invite joiners automatically"
UNASSIGNED = "policy: remove people no longer in a group automatically"
_COLUMNS = {REMOVE: App.removal_approval, JOINERS: App.joiner_approval, UNASSIGNED: App.unassigned_approval}


def is_of_one(task: Task) -> bool:
    """Whether a standing approval made the task, and nobody has retried it since."""
    return task.asked_by in _COLUMNS


def is_off(task: Task) -> bool:
    """The same, and the approval is switched off by now."""
    return is_of_one(task) and not App.select().where(
        App.id == task.app_id, _COLUMNS[task.asked_by] == Approval.AUTOMATIC).exists()  # fmt: skip
