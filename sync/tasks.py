"""Tasks: one act in an app each, done in the background, looked at again right before it is done (rules 4 and 7).
The row is the truth; a worker that dies leaves it to the next, and a second run finds what the first has done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from peewee import fn

from connectors.base import (
    CHANGE_ROLE,
    GRANT,
    INVITE,
    LOOK_UP,
    REMOVE,
    REVOKE,
    Connector,
    ConnectorError,
    CredentialRejected,
    RateLimited,
    TemporarilyUnavailable,
)
from connectors.base import Account as Seat
from connectors.base import Asset as SeatAsset
from sync import activity, apps, leases, matching, notify, policy, schedule
from sync.db import connected, utcnow, writing
from sync.models import Access, Account, App, Asset, Change, Person, Report, Role, Task
from sync.vault import VaultProblem
from sync.workspace import today

TO_DO = "{connector} gives Rollcall no way to {act}: do it in the app itself, then say here that it is done."
DELAYS = (10, 30, 120, 600, 1800, 7200)  # seconds before each further attempt
WHILE_PAUSED = 60  # seconds between looks whether the app was resumed
PATIENCE = timedelta(days=1)  # with a rate limit
LIVE = ("queued", "running", "needs attention")
ENDED = ("done", "failed", "cancelled", "no longer needed")
WORDS = {
    "remove": "removed from the app",
    "change role": "role changed in the app",
    "invite": "invited to the app",
    "grant": "granted access in the app",
    "revoke": "revoked access in the app",
}


class TaskProblem(ValueError):
    """What was asked of the task can't be; the text is for the page."""


class NoLongerNeeded(Exception):
    """A last look found that the act must not or need not happen; the text says why."""


class Paused(Exception):
    """Its app is paused: what was confirmed waits until it is resumed."""


class ByHand(Exception):
    """The connector can't do this act: somebody must, in the app itself."""


class NotConfirmed(Exception):
    """The app said yes, but a look-up shows the account still there."""


def add(app: App, act: str, account: Account | None, by: str, *, report: Report | None = None,
        change: Change | None = None, **detail: str) -> Task:  # fmt: skip
    """Queue one act; inside the caller's transaction. The account is remembered as it is now, for the last look."""
    return Task.create(
        app=app, act=act, account=account, report=report, change=change, detail=detail, asked_by=by,
        external_id=account.external_id if account else "", normal=account.normal if account else "",
    )  # fmt: skip


def wake(task_id: int) -> None:
    schedule.wake("task", task_id)


def of_report(report: Report) -> list[Task]:
    return list(
        Task.select(Task, Account).left_outer_join(Account).where(Task.report == report).order_by(Task.id)
    )


def of_app(app: App, most: int = 50) -> list[Task]:
    """What needs attention first, then what is under way, then what ended last; with accounts, at most so many."""
    return list(
        Task.select(Task, Account).left_outer_join(Account).where(Task.app == app)
        .order_by((Task.state == "needs attention").desc(), Task.state.in_(LIVE).desc(), Task.id.desc())
        .limit(most)
    )  # fmt: skip


def tally(app: App) -> dict[str, int]:
    """How many of the app's acts are in each state of LIVE."""
    counted = Task.select(Task.state, fn.COUNT(Task.id)).where(Task.app == app, Task.state.in_(LIVE))
    return dict(counted.group_by(Task.state).tuples())


@schedule.runs("task")
def run(task_id: int) -> None:
    """Do one task if it is due and nobody else does it; every outcome is written to its row."""
    with connected():
        if not leases.claim(Task, task_id):
            return
        task = Task.get_by_id(task_id)
        try:
            _act(task)
        except NoLongerNeeded as why:
            _end(task, "no longer needed", str(why))
        except Paused as why:
            _again(task, str(why), WHILE_PAUSED, counts=False)
        except RateLimited as wait:
            _wait_for_the_limit(task, wait)
        except (TemporarilyUnavailable, NotConfirmed) as problem:
            _later(task, str(problem))
        except ByHand as why:
            _needs_attention(task, str(why))
        except CredentialRejected as problem:
            _app_needs_attention(task.app, str(problem))
            _needs_attention(task, f"{problem} Replace the credential, then retry.")
        except (ConnectorError, VaultProblem, apps.AppProblem) as problem:
            _needs_attention(task, str(problem))
        except Exception as problem:  # a bug must not lose the task
            _needs_attention(task, f"Something unexpected went wrong ({type(problem).__name__}).")
            raise
        else:
            _end(task, "done", None)


def _act(task: Task) -> None:
    if task.app.state == "paused":
        raise Paused("The app is paused in Rollcall: this goes on when it is resumed.")
    if task.app.state == "disconnected":
        raise NoLongerNeeded("The app is disconnected in Rollcall.")
    connector = apps.connector_for(task.app)
    needed, act = ACTS[task.act]
    try:
        if needed not in connector.capabilities and task.act != "remove":
            raise ByHand(TO_DO.format(connector=connector.label, act=task.act))
        act(task, connector)
    finally:
        connector.close()


def _remove(task: Task, connector: Connector) -> None:
    account = Account.get_by_id(task.account_id)
    _still_to_go(account, task)
    seat = _look_again(task, connector, account)
    if seat is None or (connector.removal_suspends and seat.status == "suspended"):
        return
    _refuse_if_protected(task, account, seat, connector)
    if REMOVE not in connector.capabilities:
        raise ByHand(TO_DO.format(connector=connector.label, act="remove"))
    connector.remove(seat)
    if LOOK_UP in connector.capabilities:
        left = connector.account(task.external_id)
        if left is not None and not (connector.removal_suspends and left.status == "suspended"):
            raise NotConfirmed("The app accepted the removal, but still shows the account.")


def _still_to_go(account: Account, task: Task) -> None:
    if account.state != "removing":
        raise NoLongerNeeded("The account has left the app already.")
    if task.report_id is None:
        return
    person = Person.get_or_none(Person.id == account.person_id)
    if person is None or account.match != "matched":
        raise NoLongerNeeded("The account is no longer matched to anybody who has left.")
    if person.status != "deprovisioned":
        raise NoLongerNeeded(f"{person.name or account.email} is back: {person.status} in the directory.")


def _look_again(task: Task, connector: Connector, account: Account) -> Seat | None:
    """The account as the app has it now, None when it is gone. Raises NoLongerNeeded when it is somebody else's."""
    if LOOK_UP not in connector.capabilities:
        return _seat(account)
    seat = connector.account(task.external_id)
    if seat is not None and seat.id != task.external_id:
        raise NoLongerNeeded("The app gave another account than the one it was asked for.")
    if seat is not None and matching.normal_email(seat.email) != task.normal:
        raise NoLongerNeeded("The account has another e-mail now than when its removal was confirmed.")
    return seat


def _seat(account: Account) -> Seat:
    return Seat(id=account.external_id, email=account.email, name=account.name, status=account.status,
                role=account.role, kind=account.kind, seat=account.seat)  # fmt: skip


def _refuse_if_protected(task: Task, account: Account, seat: Seat, connector: Connector) -> None:
    """Rule 5, by what the app says now: the account's role, and that somebody else still has such a one."""
    account = Account.get_by_id(account.id)
    _still_to_go(account, task)
    account.role, account.kind = seat.role, seat.kind
    if why := policy.protection(account):
        raise NoLongerNeeded(f"{why}.")
    privileged = policy.privileged_roles(task.app)
    if seat.role and not Role.select().where(Role.app == task.app, Role.external_id == seat.role).exists():
        privileged |= {role.id for role in connector.roles() if role.privileged}
    if seat.role in privileged and LOOK_UP in connector.capabilities:
        others = policy.administrators_beside(account, privileged).order_by(Account.last_activity.desc())
        if not any(_administers(connector, other, privileged) for other in others):
            raise NoLongerNeeded(f"{policy.LAST}.")


def _administers(connector: Connector, account: Account, privileged: set[str]) -> bool:
    seat = connector.account(account.external_id)
    return seat is not None and seat.status == "active" and seat.kind == "user" and seat.role in privileged


def _change_role(task: Task, connector: Connector) -> None:
    connector.change_role(_present_seat(task, connector), task.detail["role"])


def _invite(task: Task, connector: Connector) -> None:
    connector.invite(task.detail["email"], task.detail["role"])


def _grant(task: Task, connector: Connector) -> None:
    connector.grant(_present_seat(task, connector), _asset(task), task.detail["role"])


def _revoke(task: Task, connector: Connector) -> None:
    connector.revoke(_present_seat(task, connector), _asset(task))


def _present_seat(task: Task, connector: Connector) -> Seat:
    seat = _look_again(task, connector, Account.get_by_id(task.account_id))
    if seat is None:
        raise NoLongerNeeded("The account is no longer in the app.")
    return seat


def _asset(task: Task) -> SeatAsset:
    asset = Asset.get_by_id(int(task.detail["asset"]))
    return SeatAsset(id=asset.external_id, kind=asset.kind, name=asset.name)


ACTS: dict[str, tuple[str, Callable[[Task, Connector], None]]] = {
    "remove": (REMOVE, _remove),
    "change role": (CHANGE_ROLE, _change_role),
    "invite": (INVITE, _invite),
    "grant": (GRANT, _grant),
    "revoke": (REVOKE, _revoke),
}


def _end(task: Task, state: str, error: str | None) -> None:
    with writing():
        if not _write(task, state=state, error=error, finished_at=utcnow(), attempts=Task.attempts + 1):
            return
        if task.act == "remove":
            _settle_account(task, gone=state == "done")
        activity.record("Rollcall", WORDS[task.act] if state == "done" else f"did not {task.act}: {state}",
                        about=_whom(task), why=error or f"asked by {task.asked_by}", app=task.app_id,
                        person=task.account and task.account.person_id, report=task.report_id)  # fmt: skip
        _tell_outcome(task)


def _settle_account(task: Task, gone: bool) -> None:
    now = utcnow()
    state = {"state": "gone", "gone_at": now} if gone else {"state": "present", "gone_at": None}
    Account.update(**state).where(Account.id == task.account_id, Account.state == "removing").execute()
    if gone:
        Access.delete().where(Access.account == task.account_id).execute()
    matching.recount(task.app)


def _wait_for_the_limit(task: Task, wait: RateLimited) -> None:
    if utcnow() - task.created_at > PATIENCE:
        _needs_attention(task, f"{wait} It has been so for more than a day.")
    else:
        _again(task, str(wait), max(1.0, wait.retry_after), counts=False)


def _later(task: Task, error: str) -> None:
    if task.attempts < len(DELAYS):
        _again(task, error, DELAYS[task.attempts], counts=True)
    else:
        _needs_attention(task, f"{error} Tried {task.attempts + 1} times.")


def _again(task: Task, error: str, delay: float, counts: bool) -> None:
    due = utcnow() + timedelta(seconds=delay)
    with writing():
        _write(task, state="queued", error=error, next_at=due, attempts=Task.attempts + int(counts))
        schedule.wake("task", task.id, delay)


def _needs_attention(task: Task, error: str) -> None:
    with writing():
        if _write(task, state="needs attention", error=error, attempts=Task.attempts + 1):
            activity.record("Rollcall", f"could not {task.act}", about=_whom(task), why=error, app=task.app_id,
                            person=task.account and task.account.person_id, report=task.report_id)
            _tell_outcome(task)


def _write(task: Task, **values: object) -> bool:
    """Only who holds the lease writes: a worker that was given up says nothing any more."""
    values |= {"lease_owner": None, "lease_until": None}
    return bool(Task.update(**values).where(Task.id == task.id, Task.lease_owner == leases.me()).execute())


def _app_needs_attention(app: App, error: str) -> None:
    with writing():
        App.update(error=error).where(App.id == app.id).execute()


def _whom(task: Task) -> str:
    if task.account is not None:
        return task.account.name or task.account.email or task.external_id
    return task.detail.get("email", "")


def _tell_outcome(task: Task) -> None:
    if task.report_id is not None:
        notify.outcome(Report.get_by_id(task.report_id))


def retry(task: Task, by: str) -> None:
    """Try a task that needs attention again, at once. Raises TaskProblem when it waits for nobody."""
    with writing():
        task = Task.get_by_id(task.id)
        if task.state not in ("needs attention", "queued"):
            raise TaskProblem(f"This task is {task.state}: there is nothing to retry.")
        Task.update(state="queued", attempts=0, next_at=utcnow()).where(Task.id == task.id).execute()
        activity.record(by, "retried task", about=_whom(task), app=task.app_id, report=task.report_id)
        schedule.wake("task", task.id)


def done_by_hand(task: Task, by: str) -> None:
    """Somebody did it in the app itself. Raises TaskProblem for a task that doesn't wait for that."""
    with writing():
        task = Task.get_by_id(task.id)
        if task.state != "needs attention":
            raise TaskProblem(f"This task is {task.state}: it does not wait for anybody.")
        Task.update(state="done", error=None, finished_at=utcnow()).where(Task.id == task.id).execute()
        if task.act == "remove":
            _settle_account(task, gone=True)
        activity.record(by, f"{WORDS[task.act]}, by hand", about=_whom(task), app=task.app_id, report=task.report_id)
        _tell_outcome(task)


def cancel(task: Task, by: str) -> None:
    """Give a task up that isn't running: the account is in the app in Rollcall again, as it is in the app itself."""
    with writing():
        task = Task.get_by_id(task.id)
        if task.state not in ("needs attention", "queued"):
            raise TaskProblem(f"This task is {task.state}: it can't be cancelled.")
        Task.update(state="cancelled", finished_at=utcnow()).where(Task.id == task.id).execute()
        if task.act == "remove":
            _settle_account(task, gone=False)
        activity.record(by, "cancelled task", about=_whom(task), app=task.app_id, report=task.report_id)
        _tell_outcome(task)


@schedule.each_minute
def settle_returned(now: datetime) -> None:
    """A removal that waits although its person is back, or on hold: look again now, which ends it."""
    stays = Person.select(Person.id).where(
        (Person.status != "deprovisioned") | Person.hold.is_null(False) | (Person.remove_on > today())
    )
    put_off = (Task.state == "needs attention") | (Task.state == "queued") & (Task.next_at > now)
    waiting = (
        Task.select(Task.id).join(Account)
        .where(Task.act == "remove", put_off, Task.report.is_null(False))
        .where(Account.person.in_(stays))
    )  # fmt: skip
    ids = [task.id for task in waiting]
    if ids:
        with writing():
            Task.update(state="queued", next_at=now).where(Task.id.in_(ids)).execute()
            for task_id in ids:
                wake(task_id)
