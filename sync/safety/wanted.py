"""What a check wants: the TEMP table `wanted`, whose rows go into the app's report.
Set-based, inside the check's transaction."""

from __future__ import annotations

from sync import roles
from sync.db import db
from sync.models import AcceptedLeaver, App
from sync.safety import leavers, protection
from sync.staging import tables
from sync.staging.check import WANTED
from sync.states import REMOVALS, ChangeKind, Protection, texts
from sync.workspace import today

WANT = "INSERT INTO wanted (kind, account_id, asset_id, in_app, before, reason, left_out_reason, person_id)"
ACCOUNTS_OF_A_PERSON = 20  # in all apps, at most in most companies
REMOVES = f"kind IN ({texts(REMOVALS)})"  # kinds of Change by which someone leaves the app


def want_nothing() -> None:
    """Create an empty TEMP table `wanted`."""
    tables.create(WANTED)


def want_gone(app: App, account_ids: list[int]) -> None:
    """Add the removal of accounts that the app no longer lists, as there are so many that a person must look first."""
    db.executemany(
        f"{WANT} SELECT 'removed user', a.id, NULL, FALSE, {roles.words('a')}, "
        "'No longer in the app''s list', NULL, NULL "
        "FROM account a WHERE a.id = :id",
        [{"app": app.id, "id": account_id} for account_id in account_ids],
    )


def want_lost_assets(asset_ids: list[int]) -> None:
    db.executemany(
        f"{WANT} SELECT 'removed asset', NULL, id, FALSE, name, 'No longer in the app''s list', NULL, NULL "
        "FROM asset WHERE id = ?",
        [(asset_id,) for asset_id in asset_ids],
    )


def want_lost_access(pairs: list[tuple[int, int]]) -> None:
    db.executemany(
        f"{WANT} SELECT 'revoked access', account_id, asset_id, FALSE, role, 'No longer in the app''s list', "
        "NULL, NULL FROM access WHERE account_id = ? AND asset_id = ?",
        pairs,
    )


def want_open_findings(app: App) -> None:
    """Add the open report's changes that only a reading of the app can find again: they are true until the next
    reading."""
    db.execute_sql(
        """
        INSERT INTO wanted (kind, account_id, asset_id, in_app, before, reason, after, person_id, detail)
        SELECT c.kind, c.account_id, c.asset_id, FALSE, c.before, c.reason, c.after, c.person_id, c.detail
        FROM report r JOIN change c ON c.report_id = r.id WHERE r.app_id = ? AND r.state = 'open' AND NOT c.in_app
          AND c.decision IN ('needs confirmation', 'held', 'ignored', 'left out')
        """,
        (app.id,),
    )


def want_leavers(app: App) -> None:
    """The accounts of deprovisioned people, each with what protects it; leaving out is valid for one departure."""
    values = {"app": app.id, "identity": app.automation_external_id, "today": str(today())}
    db.execute_sql(_LEAVERS_BY_PERSON if _few_have_left(app) else _LEAVERS_BY_ACCOUNT, values)
    if not tables.has_rows(WANTED):
        return
    protection.protect(ChangeKind.REMOVED_USER, values)
    protection.protect_last(values, ChangeKind.REMOVED_USER)
    _note_accepted(app, values)


def _few_have_left(app: App) -> bool:
    """Whether all accounts of people who have left, in any app, are likely fewer than those of this app."""
    most = app.users // ACCOUNTS_OF_A_PERSON
    row = db.execute_sql("SELECT 1 FROM person WHERE status = 'deprovisioned' LIMIT 1 OFFSET ?", (most,)).fetchone()
    return row is None


def _leavers(rows: str) -> str:
    return f"""
        {WANT} SELECT 'removed user', a.id, NULL, TRUE, {roles.words("a")},
            p.status_reason || CASE WHEN p.status_reason = '' THEN 'Left' ELSE '' END,
            CASE WHEN {leavers.LEFT_OUT} THEN a.left_out_reason END, p.id
        FROM {rows} JOIN app ON app.id = a.app_id
        WHERE {leavers.HAS_LEFT} AND a.state = 'present'
          AND NOT EXISTS (
            SELECT 1 FROM wanted w WHERE coalesce(w.account_id, 0) = coalesce(a.id, 0) AND w.kind = 'removed user')
        ORDER BY a.name, a.id
    """


_LEAVERS_BY_ACCOUNT = _leavers("account a CROSS JOIN person p ON p.id = a.person_id AND a.app_id = :app")
_LEAVERS_BY_PERSON = _leavers("person p CROSS JOIN account a ON a.person_id = p.id AND +a.app_id = :app")


def _note_accepted(app: App, values: dict[str, object]) -> None:
    """Leavers whose protection someone has accepted. An acceptance of another reason, or of none, is over."""
    db.execute_sql(
        f"""
        UPDATE wanted SET accepted = x.id FROM accepted_leaver x JOIN person p ON p.id = x.person_id
        JOIN account a ON a.id = x.account_id WHERE {_REMOVAL} AND x.account_id = wanted.account_id
          AND x.protection = wanted.protection AND {leavers.ACCEPTANCE_HOLDS}
        """,
        values,
    )
    over = db.execute_sql(
        f"""
        SELECT x.id, CASE WHEN wanted.protection IS NULL THEN 'The account can be removed now'
            WHEN x.until <= :today THEN 'The day to look again has come'
            WHEN wanted.protection <> x.protection THEN 'It is protected for another reason now'
            ELSE 'They have left once more since' END
        FROM accepted_leaver x JOIN wanted ON wanted.account_id = x.account_id
        WHERE {_REMOVAL} AND x.ended_at IS NULL AND wanted.accepted IS NULL
        """,
        values,
    ).fetchall()
    for acceptance, why in over:
        leavers.end_acceptance(AcceptedLeaver.get_by_id(acceptance), "Rollcall", why)


_REMOVAL = "wanted.kind = 'removed user' AND wanted.in_app"


def wanted_counts() -> dict[str, int]:
    """By kind of change, what needs approval: nothing that is protected or was left out."""
    return dict(
        db.execute_sql(
            "SELECT kind, count(*) FROM wanted WHERE coalesce(protection_reason, left_out_reason) IS NULL GROUP BY kind"
        ).fetchall()
    )


def someone_waits(app: App) -> bool:
    """Whether something needs approval, or someone who has left can't be removed and nobody has accepted that."""
    rows = db.execute_sql(
        f"""
        SELECT account_id, {_REMOVAL}, protection FROM wanted
        WHERE left_out_reason IS NULL AND accepted IS NULL AND protection IS DISTINCT FROM '{Protection.KEPT_UNTIL}'
        """
    ).fetchall()
    if any(of_leaver or not protection for _, of_leaver, protection in rows):
        return True
    return bool(rows) and bool({account_id for account_id, *_ in rows} - mailed_before(app))


def mailed_before(app: App) -> set[int]:
    """The accounts whose protected removal an earlier, decided report has already shown since their person left, or
    since someone accepted it for some time."""
    rows = db.execute_sql(
        """
        SELECT c.account_id FROM wanted w CROSS JOIN account a ON a.id = w.account_id
        CROSS JOIN person p ON p.id = a.person_id
        CROSS JOIN change c ON c.account_id = a.id AND c.app_id = ? AND c.protection_reason IS NOT NULL
            AND c.decision <> 'applied' AND coalesce(c.person_id, p.id) = p.id
            AND c.decided_at >= p.status_since
            AND NOT EXISTS (SELECT 1 FROM accepted_leaver x WHERE x.account_id = a.id AND x.ended_at >= c.decided_at)
        WHERE w.protection_reason IS NOT NULL
        """,
        (app.id,),
    ).fetchall()
    return {row[0] for row in rows}
