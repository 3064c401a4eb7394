"""One account of an app: its person, its tasks and its access, which is granted and revoked here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from markupsafe import Markup

from connectors.base import ASSETS, GRANT, REVOKE
from sync import roles
from sync.apps import assets
from sync.models import Access, Account, App, Task
from sync.names import account_name, asset_name, short_name
from sync.safety import in_doubt
from sync.states import AccountState, AppManager, PersonStatus, TaskState
from sync.tasks import progress as task_progress
from sync.tasks import tasks
from web import member_operations
from web.app_page import can, kind_of, match_in_words, owns, page
from web.member_view import account_badges
from web.permissions import app_manager
from web.task_view import WORDS
from web.view import Badge
from web.words import dotted, money, when

pages = Blueprint("account", __name__, url_prefix="/apps/<int:app_id>/members/<int:account_id>")


@dataclass(frozen=True)
class Fact:
    label: str
    value: Markup | str = ""
    status: str = ""  # of the person, where it isn't the usual one
    badges: Sequence[Badge] = ()
    note: str = ""


@dataclass(frozen=True)
class AccessRow:
    asset_id: int
    name: str
    kind: str
    role: str
    manages: bool


@dataclass(frozen=True)
class TaskRow:
    """Something that was asked of the app about this account."""

    task: Task
    title: str
    note: Markup
    error: str
    alarming: bool


@pages.get("")
@app_manager(AppManager.COLLABORATOR)
def show(app: App, account: Account) -> str:
    here = url_for("account.show", app_id=app.id, account_id=account.id)
    able, may_change = can(app), owns() and account.state == AccountState.PRESENT
    has_assets = ASSETS in able
    may_revoke = may_change and has_assets and REVOKE in able
    return page(
        app, "operations/account.html", account=account, name=account_name(account), here=here,
        facts=[fact for fact in _facts(app, account) if fact.value or fact.badges],
        operations=member_operations.of_page(account, able, here) if may_change else [], has_assets=has_assets,
        may_grant=member_operations.grant(account, here) if may_change and GRANT in able else None,
        may_revoke=may_revoke,
        columns=([("", "tick")] if may_revoke else []) + ["Name", "Kind", "Role there"],
        access=[_access(row) for row in assets.access_of(account)],
        tasks=_tasks(app, account) if owns() else [],
    )  # fmt: skip


def _facts(app: App, account: Account) -> list[Fact]:
    """The facts about the account. One without a value is left out."""
    person, name, state = account.person, account_name(account), task_progress.state_of(account)
    status = person.status if person and person.status != PersonStatus.ACTIVE else ""
    return [
        Fact("E-mail", account.email if account.email != name else ""),
        Fact("Person", match_in_words(account), status),
        Fact("State", badges=_badges(app, account, state),
             note="" if account.state == AccountState.GONE else state.why),
        Fact(kind_of(app).role_word.capitalize(), roles.of(app).words(account.roles) or "–"),
        Fact("Protected", account.protection_reason or ""),
        Fact("Costs", f"{money(app.seat_price)} a month" if app.seat_price else ""),
        Fact("First seen", when(account.first_seen)),
        Fact("Last active", when(account.last_activity, "unknown")),
    ]


def _badges(app: App, account: Account, state: task_progress.Provisioning) -> list[Badge]:
    """As the list of members shows them."""
    if account.state == AccountState.GONE:
        return [Badge("No longer in the app")]
    progress = [] if state.onboarded else [Badge(state.word.capitalize(), state.tone, title=state.why)]
    return progress + account_badges(account, state, app)


def _access(row: Access) -> AccessRow:
    role = row.role.capitalize() or "–"
    return AccessRow(row.asset_id, asset_name(row.asset), row.asset.kind.capitalize(), role, row.privileged)


def _tasks(app: App, account: Account) -> list[TaskRow]:
    found = tasks.of_account(account)
    errors = in_doubt.errors(found)
    return [_task(app, task, errors.get(task.id, "")) for task in found]


def _task(app: App, task: Task, error: str) -> TaskRow:
    what = WORDS[task.kind].format(app.name)
    requested = Markup("requested by {} {}").format(short_name(task.asked_by), when(task.created_at))
    return TaskRow(
        task, f"{what}: {asset_name(task.asset)}" if task.asset else what,
        dotted(requested, task.detail.get("reason")), error,
        task.state == TaskState.NEEDS_ATTENTION,
    )  # fmt: skip
