"""What an Owner has approved in advance: each check applies it to waiting changes, as far as that approval reaches."""

from __future__ import annotations

from sync.apps import standing_approvals
from sync.db import writing
from sync.models import App, Change
from sync.reports import group_changes
from sync.reports.reports import CONFIRM, finish, open_report
from sync.safety import sole_managers
from sync.states import ChangeKind
from sync.tasks import automatic


def has_standing_approval(app: App) -> bool:
    """Whether the next check may carry out the app's waiting report automatically."""
    return (standing_approvals.removes_leavers(app) or standing_approvals.invites_joiners(app)
            or standing_approvals.removes_unassigned(app))  # fmt: skip


def finish_by_policy(app: App) -> None:
    """Apply the Owner's standing approvals to waiting changes, but not to held ones or sole managers of an asset,
    and never to everyone."""
    if not has_standing_approval(app):
        return
    with writing():
        app = App.get_by_id(app.id)  # the approval may just have been withdrawn
        report = open_report(app)
        if report is None:
            return
        waiting = list(Change.select().where(Change.report == report, Change.decision == CONFIRM, Change.in_app))
        if standing_approvals.removes_leavers(app):
            leaving = [change for change in waiting if change.kind == ChangeKind.REMOVED_USER]
            if ids := sole_managers.ready_to_leave(app, leaving):
                finish(report, automatic.REMOVE, only=ids)
        for by, ids in group_changes.ready_by_policy(app, waiting).items():  # looks at what the first approval has left
            if ids:
                finish(report, by, only=ids)
