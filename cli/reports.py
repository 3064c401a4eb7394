"""`report` shows what waits for approval, `release` releases a mass change, and `finish` approves."""

from __future__ import annotations

import time

import click

from cli import tasks as shown
from cli.frame import BY, DONE, FAILED, REPORT_WAITS, Failed, answer, as_json, end, notice, opened, send_mails
from sync import activity, effects, names, roles, workspace
from sync.apps import lists
from sync.models import Account, App, Asset, Change, Report
from sync.reports import overview, reports
from sync.reports import view as report_view
from sync.reports.reports import ReportProblem
from sync.safety import in_doubt, successors
from sync.safety.sole_managers import Choices, NeedsSuccessor
from sync.states import REMOVALS, ReportState, TaskState
from sync.tasks import tasks
from sync.words import plural

POLL = 0.3  # seconds
MOST = 10**9  # rows of a report: all of them
WAIT_MINUTES = 15
VERSION = "Only if the report hasn't changed since `report --json` showed this version."


@click.command()
@click.argument("name")
@as_json
@opened
def report(name: str, as_json: bool) -> None:
    """Show the open report of the app NAME, or else its latest."""
    app = lists.named(name)
    found = reports.open_report(app) or Report.latest_of(app)
    if found is None:
        raise ReportProblem(f"{app.name} has no report yet. Check it first.")
    changes = report_view.rows_of(found, tuple(found.counts), MOST)
    removal = _removal(app, found, changes)
    document = {**_document(app, found, changes), "removal": removal}
    answer(document, [*_lines(found, changes), *removal], as_json)


def _removal(app: App, found: Report, changes: list[Change]) -> list[str]:
    """What removing its people does in the app, a text for each kind of account; none where it removes nobody."""
    if not any(change.kind in REMOVALS and change.in_app for change in changes):
        return []
    day = workspace.to_local(found.decided_at).date() if found.decided_at else workspace.today()
    return [str(explanation) for explanation in effects.removal_in_words(app, day)]


def _document(app: App, found: Report, changes: list[Change]) -> dict:
    alone = overview.sole_managers_of(found).alone if found.is_open else {}
    check = report_view.last_check(found)
    return {
        "report": found.id, "app": app.name, "state": found.state,
        "check": check and check.id, "version": found.version,
        "changes": [_change(change, alone) for change in changes],
        "activity": activity.head(),
    }  # fmt: skip


def _change(change: Change, alone: dict[int, list[Asset]]) -> dict:
    person = change.person or (change.account and change.account.person)
    return {
        "id": change.id, "kind": change.kind, "decision": change.decision,
        "account": account_entry(change.account),
        "asset": change.asset and _asset(change.asset),
        "only_manager_of": [_asset(asset) for asset in alone.get(change.account_id, ())],
        "person": (names.main_email(person) or None) if person else None,
        "before": change.before, "after": change.after,
        **{does: (change.detail or {}).get(does, []) for does in ("removes", "keeps")},
        "reason": change.reason, "protected": change.protection_reason,
    }  # fmt: skip


def account_entry(account: Account | None) -> dict | None:
    return shown.account_entry(account)


def _lines(found: Report, changes: list[Change]) -> list[str]:
    lines = [report_view.sentence(found), f"Report {found.id}, {found.state}."]
    for change in changes:
        who = f"{change.account.external_id} {_named(change.account)}" if change.account else _invited(change)
        what = f"{change.asset.kind} {change.asset.name}" if change.asset else ""
        between = roles.in_words(change)
        why = change.protection_reason or change.reason
        lines.append("  ".join(filter(None, (f"[{change.decision}]", change.kind, who, what, between, why))))
    return lines


def _invited(change: Change) -> str:
    return f"{change.person.name} <{change.detail['email']}>".strip() if change.person_id and change.detail else ""


def _named(account: Account) -> str:
    return f"{account.name} <{account.email}>".strip() if account.email else account.name


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Confirm that you have looked at the report.")
@click.option("--version", type=int, metavar="N", help=VERSION)
@click.option("--only", type=click.Choice(["updates", "others"]), help="Only roles and profiles, or all others.")
@as_json
@opened
def release(name: str, yes: bool, version: int | None, only: str | None, as_json: bool) -> None:
    """Release a mass change that a guard holds. It then waits for `finish` like any other change.

    Changed roles and profiles are updated in Rollcall at once. A check then looks for people who have left.
    """
    app = lists.named(name)
    found = _open(app)
    if not yes:
        held = plural(found.held, f"change of {app.name} is", f"changes of {app.name} are")
        raise click.UsageError(f"{held} held. Look at `report`, then add --yes.")
    updated = reports.release(found, BY, version, only or "")
    found = Report.get_by_id(found.id)
    many = plural(updated, f"role or profile of {app.name} is", f"roles and profiles of {app.name} are")
    lines = [f"{many} updated in Rollcall."] if updated else []
    if found.state == ReportState.OPEN:
        now = plural(found.waiting - found.held, f"change of {app.name} now waits", f"changes of {app.name} now wait")
        lines.append(f"{now} for `finish`.")
    answer({"report": found.id, "state": found.state, "waiting": found.waiting, "held": found.held, "updated": updated},
           lines, as_json)  # fmt: skip


def _open(app: App) -> Report:
    found = reports.open_report(app)
    if found is None:
        raise ReportProblem(f"{app.name} has no open report. Nothing was changed.")
    return found


@click.command()
@click.argument("name")
@click.option("--leave-out", "left_out", multiple=True, metavar="ID=REASON",
              help="Leave out this account (id in the app) or invitation (address), and why; may be repeated.")
@click.option("--hand-over", "hand_over", multiple=True, metavar="ID=SUCCESSOR",
              help="Hand over what only the account ID manages to SUCCESSOR (e-mail or id); may be repeated.")
@click.option("--accept-unmanaged", multiple=True, metavar="ID",
              help="Accept that nobody manages what only the account ID manages; may be repeated.")
@click.option("--yes", is_flag=True, help="Remove the others from the app, and make the changes of group rules there.")
@click.option("--version", type=int, metavar="N", help=VERSION)
@click.option("--wait", is_flag=True, help="Wait until each removal has been done in the app.")
@click.option("--minutes", default=WAIT_MINUTES, show_default=True, help="The longest time that --wait waits.")
@as_json
@opened
def finish(
    name: str, left_out: tuple[str, ...], hand_over: tuple[str, ...], accept_unmanaged: tuple[str, ...], yes: bool,
    version: int | None, wait: bool, minutes: int, as_json: bool,
) -> None:  # fmt: skip
    """Finish Sync: approve the open report of the app NAME.

    Without --wait, the server does the removals, now or at its next start. Someone who alone manages something is
    refused without --hand-over, --accept-unmanaged or --leave-out; --json then prints "refused" with the assets.
    """
    app = lists.named(name)
    found = reports.open_report(app)
    if found is None:
        found = _finished_before(app, left_out)
    kept = _left_out(found, left_out)
    if not yes:
        raise click.UsageError(f"{report_view.sentence(found)} Look at `report`, then add --yes.")
    try:
        choices = _choices(app, found, hand_over, accept_unmanaged)
        done = reports.finish(found, BY, version, kept, hand_overs=choices)
    except NeedsSuccessor as problem:
        if as_json:
            answer({**shown.document(found, []), "refused": _refused(problem)}, [], as_json=True)
        raise Failed(f"{problem} Use --hand-over, --accept-unmanaged or --leave-out.") from problem
    if done.already:
        notice(f"Report {found.id} was finished before. Nothing was done twice.")
    if wait:
        _see_through(done.report, minutes * 60)
        send_mails()
    _say_finished(Report.get_by_id(found.id), wait, as_json)


def _finished_before(app: App, left_out: tuple[str, ...]) -> Report:
    """The report that an earlier call finished, so that a script can run again."""
    found = Report.latest_of(app)
    if found is None or found.state != ReportState.APPLIED or left_out:
        raise ReportProblem(f"{app.name} has no open report. Nothing was changed.")
    return found


def _choices(app: App, found: Report, hand_over: tuple[str, ...], accepted: tuple[str, ...]) -> Choices:
    """What becomes of the assets that the named accounts alone manage."""
    alone = overview.sole_managers_of(found).alone
    ids = {account.external_id: account.id for account in report_view.accounts(alone)}
    chosen: dict[str, int | None] = dict.fromkeys(accepted)
    for pair in hand_over:
        named = [id for id in ids if pair.startswith(f"{id}=")]
        if not named:
            raise _manages_nothing(pair.partition("=")[0])
        external_id = max(named, key=len)
        chosen[external_id] = successors.named(app, pair[len(external_id) + 1 :]).id
    if unknown := chosen.keys() - ids.keys():
        raise _manages_nothing(", ".join(sorted(unknown)))
    return {(ids[id], asset.id): successor for id, successor in chosen.items() for asset in alone[ids[id]]}


def _manages_nothing(names: str) -> ReportProblem:
    return ReportProblem(f"Not the only manager of anything here: {names}. Nothing was changed.")


def _refused(problem: NeedsSuccessor) -> dict:
    accounts = report_view.accounts(problem.alone)
    return {"code": problem.code, "accounts": [
        {**(account_entry(account) or {}), "assets": [_asset(asset) for asset in problem.alone[account.id]]}
        for account in accounts
    ]}  # fmt: skip


def _asset(asset: Asset) -> dict:
    return {"external_id": asset.external_id, "kind": asset.kind, "name": asset.name}


def _left_out(found: Report, pairs: tuple[str, ...]) -> dict[int, str]:
    """Change id → reason. An id may contain “=”, so the waiting changes decide where it ends."""
    waiting = report_view.may_be_left_out(found)
    kept: dict[int, str] = {}
    for pair in pairs:
        if "=" not in pair:
            raise click.UsageError("--leave-out needs ID=REASON.")
        named = {_id_of(change) for change in waiting if pair.startswith(f"{_id_of(change)}=")} - {""}
        if not named:
            unknown = pair.partition("=")[0]
            raise ReportProblem(f"Nobody with the id {unknown} waits in this report. Nothing was changed.")
        external_id = max(named, key=len)
        kept |= {row.id: pair[len(external_id) + 1 :] for row in waiting if _id_of(row) == external_id}
    return kept


def _id_of(change: Change) -> str:
    """The id for --leave-out: that of the account, or the address of an invitation."""
    return change.account.external_id if change.account else (change.detail or {}).get("email", "")


def _see_through(found: Report, seconds: float) -> None:
    deadline, states = time.monotonic() + seconds, {}
    while True:
        rows = tasks.of_report(found)
        for task in rows:
            if states.get(task.id, TaskState.QUEUED) != task.state:
                notice(*shown.lines([task]))
            states[task.id] = task.state
        live = [task for task in rows if task.is_under_way]
        if not live or time.monotonic() > deadline:
            return
        for task in live:
            tasks.run(task.id)
        time.sleep(POLL)


def _say_finished(found: Report, waited: bool, as_json: bool) -> None:
    rows = tasks.of_report(found)
    lines = shown.lines(rows) or ["There was nothing to do in the app."]
    answer(shown.document(found, rows), [f"Report {found.id} is {found.state}.", *lines], as_json)
    unfinished = [task for task in rows if task.is_under_way]
    stuck = [task for task in rows if task.state in (TaskState.NEEDS_ATTENTION, TaskState.FAILED)]
    if waited and unfinished:
        removals = plural(len(unfinished), "removal is", "removals are")
        raise Failed(f"{removals} still under way. The server continues them.")
    if stuck:
        errors = in_doubt.errors(stuck)
        notice("\n".join(": ".join(filter(None, (names.name_in_task(task), errors.get(task.id)))) for task in stuck))
        end(FAILED)
    end(REPORT_WAITS if found.state == ReportState.OPEN else DONE)
