"""Writes a task's outcome into what Rollcall knows at once, so that no check is needed for it, or reports it as news.
A reading of the app that began before the task was done doesn't undo it."""

from __future__ import annotations

from datetime import datetime, timedelta

from peewee import ModelSelect

from sync import roles
from sync.apps import access
from sync.db import db, utcnow
from sync.groups import assignments
from sync.jobs import asking, comparing
from sync.mail import invitations as invitation_mail
from sync.matching import members
from sync.models import Access, Account, App, Assignment, Invitation, Task
from sync.names import asset_name
from sync.prepared import prepared_plain
from sync.states import LIVE_TASKS, AccountState, CheckTrigger, InvitationState, TaskKind, TaskState, texts
from sync.tasks import automatic, hand_overs, still_to_remove
from sync.workspace import workspace

# Of an invitation, when its task gets this state and isn't done; otherwise it is cancelled.
BECAME = {TaskState.QUEUED: InvitationState.ONGOING, TaskState.NEEDS_ATTENTION: InvitationState.FAILED}


def settle(task: Task, state: str) -> None:
    """Apply the task's new state to the account, its access or its invitation. Inside the transaction that wrote the
    state."""
    if task.kind == TaskKind.INVITE:
        _invitation(task, state)
    elif task.kind == TaskKind.REMOVE:
        if state in (TaskState.DONE, TaskState.NO_LONGER_NEEDED, TaskState.CANCELLED):
            _removal(task, gone=state == TaskState.DONE)
    elif state == TaskState.DONE:
        {TaskKind.CHANGE_ROLE: _new_role, TaskKind.GRANT: _granted, TaskKind.REVOKE: _revoked}[task.kind](task)
    if task.kind == TaskKind.GRANT:
        hand_overs.look_again(task)
    if state == TaskState.NO_LONGER_NEEDED and _needs_another_approval(task):
        comparing.app(task.app_id)  # it asks for that


def _needs_another_approval(task: Task) -> bool:
    return automatic.is_off(task) or task.kind == TaskKind.REMOVE and still_to_remove.left_once_more(task)


def _removal(task: Task, gone: bool) -> None:
    state = (
        {"state": AccountState.GONE, "gone_at": utcnow()} if gone else {"state": AccountState.PRESENT, "gone_at": None}
    )
    Account.update(**state).where(Account.id == task.account_id, Account.state == AccountState.REMOVING).execute()
    if gone:
        Access.delete().where(Access.account == task.account_id).execute()
        theirs = (Assignment.app == task.app_id) & (Assignment.person == task.account.person_id)
        Assignment.delete().where(theirs, Assignment.ended_at.is_null(False)).execute()
    members.recount(task.app)


def _new_role(task: Task) -> None:
    main, *further = roles.wanted_by(task.detail)
    Account.update(role=main, further_roles=further).where(Account.id == task.account_id).execute()
    comparing.app(task.app_id)  # someone who was the last administrator may have left


def _granted(task: Task) -> None:
    """Store the access of a finished grant. Whether it may be handed on is copied from others with this role; the next
    check corrects it."""
    role = task.detail["role"]
    like_it = Access.select().where(Access.app == task.app_id, Access.role == role, Access.privileged)
    by_rule = task.change_id is not None and task.change.kind == assignments.ACCESS
    access.drop(task.account_id, task.asset_id)
    Access.create(app=task.app_id, account=task.account_id, asset=task.asset_id, role=role,
                  privileged=like_it.exists(),
                  granted_by=task.change.detail.get("via") if by_rule else None)  # fmt: skip


def _revoked(task: Task) -> None:
    access.drop(task.account_id, task.asset_id)


def _invitation(task: Task, state: str) -> None:
    open_one = Invitation.get_or_none(
        Invitation.task == task.id, Invitation.state.in_((InvitationState.ONGOING, InvitationState.FAILED))
    )
    if open_one is None:
        return
    if state == TaskState.DONE:
        now = utcnow()
        open_one.state, open_one.mailed_at, open_one.reminded_at = InvitationState.INVITED, now, None
        open_one.expires_at = now + timedelta(days=workspace().invitation_expiry_days)
        open_one.save()
        invitation_mail.invited(open_one)
        asking.ask_soon(App.get_by_id(task.app_id), task.asked_by, CheckTrigger.INVITATION)
        return
    became = BECAME.get(state, InvitationState.CANCELLED)
    Invitation.update(state=became).where(Invitation.id == open_one.id).execute()


def in_words(task: Task) -> tuple[str | None, str | None]:
    """What the task changes, as (before, after) for the log: role labels, assets."""
    role, before = task.detail.get("role"), task.detail.get("before")
    if task.kind == TaskKind.REMOVE:
        return None, None
    if task.asset_id is None:
        known = roles.of(task.app_id)
        after = role and known.words(roles.wanted_by(task.detail))
        return before and known.words(task.detail.get("roles") or [before]), after
    name = asset_name(task.asset)
    had = None if before is None else f"{name}: {before or 'access'}"
    return had, f"{name}: {role or 'access'}" if task.kind == TaskKind.GRANT else None


def person_of(task: Task) -> int | None:
    """The id of the task's person."""
    if task.account_id is not None:
        return task.account and task.account.person_id
    return task.detail.get("person")


def bring_into_reading(app: App, began: datetime) -> None:
    """Make a staged reading, of the app as it was at `began` (UTC), agree with what Rollcall itself did in the app.

    Operations done since are put into the reading; running ones that already show in it are applied without
    a change. Inside the check's transaction, before it compares.
    """
    if not _live_or_since(app, began):
        return
    for statement in (_ROLES_SINCE, _GRANTS_SINCE, _REVOKED_SINCE, _ROLES_UNDER_WAY, _GRANTS_UNDER_WAY,
                      _REVOKED_UNDER_WAY):  # fmt: skip
        db.execute_sql(statement, {"app": app.id, "began": str(began)})


@prepared_plain
def _live_or_since(app: App, began: datetime) -> ModelSelect:
    return Task.select(Task.id).where(Task.app == app, (Task.finished_at > began) | Task.is_live).limit(1)


_SINCE = f"t.app_id = :app AND t.state = '{TaskState.DONE}' AND t.finished_at > :began AND t.kind"
_LIVE = f"t.app_id = :app AND t.state IN ({texts(LIVE_TASKS)}) AND t.kind"
_ROLES_SINCE = f"""
    UPDATE staged_account SET role = a.role, further_roles = a.further_roles FROM account a
    WHERE a.app_id = :app AND a.external_id = staged_account.external_id
      AND EXISTS (SELECT 1 FROM app_task t WHERE {_SINCE} = 'change role' AND t.account_id = a.id)
"""
_GRANTS_SINCE = f"""
    INSERT INTO staged_access (account, asset, role, privileged)
    SELECT DISTINCT a.external_id, s.external_id, x.role, x.privileged FROM app_task t
    JOIN access x ON x.account_id = t.account_id AND x.asset_id = t.asset_id
    JOIN account a ON a.id = t.account_id JOIN asset s ON s.id = t.asset_id WHERE {_SINCE} = 'grant'
    ON CONFLICT (account, asset) DO UPDATE
    SET role = excluded.role, privileged = excluded.privileged, role_defaulted = NULL
"""
_REVOKED_SINCE = f"""
    DELETE FROM staged_access WHERE EXISTS (
        SELECT 1 FROM app_task t JOIN account a ON a.id = t.account_id JOIN asset s ON s.id = t.asset_id
        WHERE {_SINCE} = 'revoke' AND a.external_id = staged_access.account AND s.external_id = staged_access.asset
          AND NOT EXISTS (SELECT 1 FROM access x WHERE x.account_id = a.id AND x.asset_id = s.id))
"""
_WANTED_ROLES = "SELECT value FROM json_each(coalesce(t.detail -> 'after', json_array(t.detail ->> 'role')))"
_ROLES_UNDER_WAY = f"""
    UPDATE account SET role = s.role, further_roles = s.further_roles FROM staged_account s
    WHERE account.app_id = :app AND account.external_id = s.external_id AND {roles.differ("account", "s")} AND EXISTS (
        SELECT 1 FROM app_task t WHERE {_LIVE} = 'change role' AND t.account_id = account.id
          AND NOT EXISTS (SELECT 1 FROM ({roles.held("s")}) AS held WHERE id NOT IN ({_WANTED_ROLES}))
          AND NOT EXISTS ({_WANTED_ROLES} WHERE value NOT IN (SELECT id FROM ({roles.held("s")}) AS held)))
"""
_GRANTS_UNDER_WAY = f"""
    INSERT INTO access (app_id, account_id, asset_id, role, privileged)
    SELECT DISTINCT CAST(:app AS INTEGER), t.account_id, t.asset_id, g.role, g.privileged FROM app_task t
    JOIN account a ON a.id = t.account_id JOIN asset s ON s.id = t.asset_id
    JOIN staged_access g ON g.account = a.external_id AND g.asset = s.external_id AND g.role = t.detail ->> 'role'
    WHERE {_LIVE} = 'grant'
    ON CONFLICT (account_id, asset_id) DO UPDATE SET role = excluded.role, privileged = excluded.privileged,
        granted_by = NULL
"""
_REVOKED_UNDER_WAY = f"""
    DELETE FROM access WHERE app_id = :app AND EXISTS (
        SELECT 1 FROM app_task t JOIN account a ON a.id = t.account_id JOIN asset s ON s.id = t.asset_id
        WHERE {_LIVE} = 'revoke' AND t.account_id = access.account_id AND t.asset_id = access.asset_id
          AND EXISTS (SELECT 1 FROM staged_asset g WHERE g.external_id = s.external_id)
          AND NOT EXISTS (SELECT 1 FROM staged_access g WHERE g.account = a.external_id AND g.asset = s.external_id))
"""
