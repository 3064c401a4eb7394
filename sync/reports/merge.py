"""Puts a check's findings into the app's report: merges them with earlier decisions, and applies the guards.
Runs inside the transaction of a check or a comparison, on the TEMP tables `found` and `wanted`."""

from __future__ import annotations

from dataclasses import dataclass

from sync import activity, roles
from sync.db import db, utcnow
from sync.mail import news
from sync.matching.addresses import ANOTHERS
from sync.models import App, Change, Check, Report
from sync.reports.held import hold_what_is_too_many
from sync.reports.reports import IGNORED, UNDECIDED, count, open_report
from sync.safety import leaving, wanted
from sync.states import Protection, ReportState


@dataclass(frozen=True)
class Became:
    """The app's report, None where nothing waits and nothing was decided; whether what waits in it has changed."""

    report: Report | None
    changed: bool

    @property
    def in_words(self) -> str:
        if self.report is None or not self.report.is_open:
            return "Nothing waits any longer"
        return f"{self.report.waiting:,} to approve" if self.report.waiting else "Someone who can't be removed yet"


@dataclass(frozen=True)
class NewAccounts:
    """The `number` of accounts that a check has added: those of the app with ids above this one. Some of them may have
    several roles."""

    number: int = 0
    above: int = 2**63 - 1  # the highest id
    several_roles: bool = True


def bring_up_to_date(app: App, check: Check | None = None, new: NewAccounts = NewAccounts()) -> Became:
    """Put what the check has applied (`new` accounts and TEMP `found`) and what waits (TEMP `wanted`) into the app's
    report.

    The report stays or becomes open while something in it waits; else the check gets one that is already applied, and
    a comparison without a check none.
    """
    before = open_report(app)
    report, waits = before, wanted.someone_waits(app)
    shown = _shown(report) if report else set()
    if report and not waits:
        _drop_all(report)
        why = "A later check found that nothing in it is waiting" if check else "Nothing in it is waiting any longer"
        _close_as_superseded(report, "schedule", why)
        report = None
    if report is None and (waits or check):
        report = Report.create(
            app=app, state=ReportState.OPEN if waits else ReportState.APPLIED, decided_at=None if waits else utcnow()
        )
    attached = _attach_applied(app, check, report, new) if check else 0
    if waits:
        _merge_wanted(app, check, report)
    if attached or waits:
        count(report)
    changed = before is not None if not waits else _shown(report) != shown
    if waits:
        _mail_report(app, report, changed)
    return Became(report or before, changed)


def _shown(report: Report) -> set[str]:
    """What the report's page shows of the waiting changes: an approval covers only this."""
    seen = (Change.id, Change.decision, Change.before, Change.after, Change.reason, Change.protection_reason,
            Change.detail)
    rows = Change.select(*seen).where(Change.report == report, Change.decision.in_(UNDECIDED))
    return set(map(repr, rows.tuples()))


def _drop_all(report: Report) -> None:
    """Take all undecided changes out of the report, as none of them is valid now. Their rows are kept as a trace."""
    Change.update(report=None, decision=IGNORED, protection=None, protection_reason=None).where(
        Change.report == report, Change.decision.in_(UNDECIDED)
    ).execute()


def _close_as_superseded(report: Report, by: str, why: str) -> None:
    report.state, report.decided_at, report.decided_by = ReportState.SUPERSEDED, utcnow(), by
    report.version += 1
    count(report)
    activity.record(by, "closed report", about=f"report {report.id}", app=report.app_id, report=report, why=why)


def _attach_applied(app: App, check: Check, report: Report, new: NewAccounts) -> int:
    """Add the changes that the check has applied to the report; return how many."""
    values = {"app": app.id, "check": check.id, "report": report.id, "now": str(utcnow())}
    attached = db.execute_sql(_ADD_APPLIED, values).rowcount
    if new.number:
        words, labels = roles.words_of_many("a", app, new.several_roles)
        values |= {**labels, "above": new.above, "first": app.last_check_at is None}
        attached += db.execute_sql(_add_new_users(words), values).rowcount
    return attached


_ADD_APPLIED = """
    INSERT INTO change (app_id, found_by_id, report_id, kind, decision, account_id, asset_id, before, after, in_app,
        reason, created_at)
    SELECT :app, :check, :report, kind, 'applied', account_id, asset_id, before, after,
        kind NOT IN ('removed user', 'removed asset', 'revoked access'), reason, :now FROM found
"""


def _add_new_users(words: str) -> str:
    # Not by way of `found`: the first reading of an app may have a hundred thousand.
    return f"""
    INSERT INTO change (app_id, found_by_id, report_id, kind, decision, account_id, after, in_app, reason, created_at)
    SELECT :app, :check, :report, 'new user', 'applied', a.id, {words}, TRUE,
        CASE WHEN :first THEN 'In the app when it was connected' ELSE '' END, :now
    FROM account a WHERE a.id > :above AND +a.app_id = :app ORDER BY a.id
    """


def _merge_wanted(app: App, check: Check | None, report: Report) -> None:
    values = {"app": app.id, "check": check and check.id, "report": report.id, "now": str(utcnow())}
    for statement in (_LET_GO_ABSENT, _LET_GO_UNPROTECTED, _LET_GO_RETURNED, _REFRESH_WAITING, _ADD_WAITING):
        db.execute_sql(statement, values)
    hold_what_is_too_many(report)


def _same(change: str) -> str:
    """SQL: the row `w` of wanted asks the same question as this row of change. Each has an index of these expressions,
    as thousands may wait."""
    ids = (f"coalesce(w.{name}, 0) = coalesce({change}.{name}, 0)" for name in ("account_id", "asset_id", "person_id"))
    return " AND ".join((f"w.kind = {change}.kind", f"w.in_app = {change}.in_app", *ids))


_LET_GO_ABSENT = f"""
    UPDATE change SET report_id = NULL, decision = 'ignored', protection = NULL, protection_reason = NULL
    WHERE report_id = :report AND decision IN ('needs confirmation', 'held', 'ignored', 'left out')
      AND NOT EXISTS (
        SELECT 1 FROM wanted w WHERE {_same("change")})
"""
# A change that is no longer protected is a new question: it is mailed, and counts for the guard from now on.
_LET_GO_UNPROTECTED = f"""
    UPDATE change SET report_id = NULL, protection = NULL, protection_reason = NULL
    WHERE report_id = :report AND decision = 'ignored' AND protection_reason IS NOT NULL
      AND EXISTS (
        SELECT 1 FROM wanted w WHERE {_same("change")}
          AND w.protection_reason IS NULL)
"""
# Confirmed, but the account stayed (its task was cancelled, for example): the approval is used up, so ask again.
_LET_GO_RETURNED = f"""
    UPDATE change SET report_id = NULL WHERE report_id = :report AND decision = 'confirmed'
      AND EXISTS (
        SELECT 1 FROM wanted w WHERE {_same("change")})
"""
_REFRESH_WAITING = f"""
    UPDATE change SET reason = w.reason, before = w.before, after = w.after, detail = w.detail,
        protection = w.protection, protection_reason = w.protection_reason, decision = w.decision,
        decided_by = w.decided_by, decided_at = w.decided_at
    FROM (
        SELECT c.id, w.reason, w.before, w.after, w.detail, w.protection, w.protection_reason,
            CASE WHEN w.protection_reason IS NULL THEN c.decided_by ELSE x.accepted_by END AS decided_by,
            CASE WHEN w.protection_reason IS NULL THEN c.decided_at ELSE x.accepted_at END AS decided_at,
            CASE WHEN w.protection_reason IS NOT NULL THEN 'ignored' WHEN w.left_out_reason IS NOT NULL THEN 'left out'
                WHEN w.in_app AND c.decision IN ('ignored', 'left out') THEN 'needs confirmation'
                ELSE c.decision END AS decision
        FROM wanted w JOIN change c ON c.report_id = :report AND c.decision <> 'applied' AND {_same("c")}
        LEFT JOIN accepted_leaver x ON x.id = w.accepted
    ) w
    WHERE change.id = w.id AND (change.reason IS DISTINCT FROM w.reason OR change.before IS DISTINCT FROM w.before
        OR change.after IS DISTINCT FROM w.after OR change.detail IS DISTINCT FROM w.detail
        OR change.protection_reason IS DISTINCT FROM w.protection_reason
        OR change.protection IS DISTINCT FROM w.protection
        OR change.decided_at IS DISTINCT FROM w.decided_at OR change.decision <> w.decision)
"""
_ADD_WAITING = f"""
    INSERT INTO change (app_id, found_by_id, report_id, kind, decision, account_id, asset_id, before, after, in_app,
        reason, protection, protection_reason, person_id, detail, created_at, decided_by, decided_at)
    SELECT :app, :check, :report, w.kind,
        CASE WHEN w.protection_reason IS NOT NULL THEN 'ignored' WHEN w.left_out_reason IS NOT NULL THEN 'left out'
            WHEN w.in_app THEN 'needs confirmation' ELSE 'held' END,
        w.account_id, w.asset_id, w.before, w.after, w.in_app, w.reason, w.protection, w.protection_reason,
        w.person_id, w.detail, :now, x.accepted_by, x.accepted_at
    FROM wanted w LEFT JOIN accepted_leaver x ON x.id = w.accepted
    WHERE NOT EXISTS (
        SELECT 1 FROM change c WHERE c.report_id = :report AND c.decision <> 'applied' AND {_same("c")})
    ORDER BY w.account_id NULLS LAST, w.asset_id NULLS LAST, w.person_id NULLS LAST, w.kind
"""


def _mail_report(app: App, report: Report, changed: bool) -> None:
    if changed:
        report.version += 1
        report.save(only=[Report.version])
    news.report_ready(report, known=wanted.mailed_before(app))


def drop_removals_of_others(by: str) -> None:
    """Between two checks: drops a waiting removal from its report at once if the account is no longer its person's, and
    protects it if its address is someone else's. Inside the transaction that found this out."""
    rows = db.execute_sql(f"""
        SELECT c.id, r.id,
            a.match_kind = 'matched' AND a.person_id IS NOT DISTINCT FROM coalesce(c.person_id, a.person_id), {ANOTHERS}
        FROM report AS r JOIN change AS c ON c.report_id = r.id JOIN account AS a ON a.id = c.account_id
        WHERE r.state = 'open' AND c.{wanted.REMOVES} AND c.in_app AND c.protection_reason IS NULL
          AND c.decision IN ('needs confirmation', 'held', 'left out')
        ORDER BY c.id""").fetchall()
    touched = set()
    for change_id, report_id, still_theirs, why in rows:
        if not still_theirs:
            became = {"report": None, "reason": f"No longer theirs: {why}" if why else "No longer theirs"}
        elif why is not None:
            became = {"protection": Protection.ANOTHERS_ADDRESS, "protection_reason": f"Protected: {why}"}
        else:
            continue
        Change.update(decision=IGNORED, **became).where(Change.id == change_id).execute()
        touched.add(report_id)
    for report in list(Report.select().where(Report.id.in_(touched)).order_by(Report.id)):
        _bring_up_to_date(report, by)


def _bring_up_to_date(report: Report, by: str) -> None:
    """After something in it was released: close it if it has nothing left to approve or show."""
    hold_what_is_too_many(report)
    if leaving.has_open(report):
        report.version += 1
        count(report)
        return
    _drop_all(report)
    _close_as_superseded(report, by, "These accounts now belong to others: nothing in the report waits any longer")
