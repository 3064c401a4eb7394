"""What Owners have approved in advance in an app, and whether that still holds: someone who has left, or is no longer
an Owner of it, approves nothing. It then waits until an Owner approves it again, or decides each time."""

from __future__ import annotations

from enum import StrEnum

from sync.apps.owners import RUNS_ALL, is_no_owner
from sync.db import db
from sync.models import App
from sync.once import once
from sync.states import CONNECTED, Approval, PersonStatus, texts
from sync.unchanged import while_unchanged

NOT_HERE = {
    PersonStatus.DEPROVISIONED: "has left", PersonStatus.SUSPENDED: "is suspended", None: "is no longer known",
}  # by someone's status: why they approve nothing


class Given(StrEnum):
    """What is decided together, by one person."""

    REMOVALS = "removals"
    GROUPS = "groups"


def _lapsed(given: Given, approver: str, is_given: str) -> str:
    """SQL: rows of approvals by someone who could not give them now. One without an approver is a program's, or an
    Owner's from an earlier version. Its index is used for a range only."""
    return f"""
        SELECT app.id, '{given}', coalesce(p.name, ''), p.status FROM app LEFT JOIN person p ON p.id = {approver}
        WHERE {approver} > 0 AND ({is_given}) AND app.state IN ({texts(CONNECTED)}) AND (
            p.id IS NULL OR p.status <> '{PersonStatus.ACTIVE}' OR p.workspace_role IS NULL
            OR p.workspace_role NOT IN ({texts(RUNS_ALL)}) AND {is_no_owner("p.id")})"""


@once
@while_unchanged
def lapsed() -> dict[tuple[int, Given], str]:
    """The approvals that no longer hold, by app id and what was approved. Each has its approver and the reason, such as
    "Ana Lima, who has left". It is one query for all that a page asks."""
    rows = db.execute_sql(f"""
        {_lapsed(Given.REMOVALS, "app.removal_approver_id", "app.removal_approval = 'automatic'")}
        UNION ALL {_lapsed(Given.GROUPS, "app.groups_approver_id",
                           "app.joiner_approval = 'automatic' OR app.unassigned_approval = 'automatic'")}""").fetchall()
    return {(app_id, Given(given)): f"{name or 'someone'}, who {NOT_HERE.get(status, 'is no longer an Owner of it')}"
            for app_id, given, name, status in rows}  # fmt: skip


def removes_leavers(app: App) -> bool:
    """Whether the removal of people who have left is approved in advance, and that holds."""
    return app.removal_approval == Approval.AUTOMATIC and (app.id, Given.REMOVALS) not in lapsed()


def invites_joiners(app: App) -> bool:
    return app.joiner_approval == Approval.AUTOMATIC and (app.id, Given.GROUPS) not in lapsed()


def removes_unassigned(app: App) -> bool:
    return app.unassigned_approval == Approval.AUTOMATIC and (app.id, Given.GROUPS) not in lapsed()


def by_whom(app: App, given: Given) -> str:
    """Whose approval no longer holds, and why: "Ana Lima, who has left". Empty if it holds."""
    return lapsed().get((app.id, given), "")
