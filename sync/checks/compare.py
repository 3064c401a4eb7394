"""Compares the staged snapshot with what Rollcall knows, and applies the differences, in a few SQL statements.
Runs inside the caller's transaction, on the connection that holds the staging tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sync import roles
from sync.apps import access
from sync.db import db, utcnow
from sync.matching import members
from sync.matching import rules as match_rules
from sync.models import App
from sync.reports import mass_updates
from sync.reports.merge import NewAccounts
from sync.staging import tables
from sync.staging.check import (
    DIFFERING,
    FOUND,
    STAGED_ACCESS,
    STAGED_ACCESS_ID,
    STAGED_ACCOUNT,
    STAGED_ASSET,
    STAGED_GONE,
    STAGED_ROLE,
)
from sync.states import ChangeKind


def missing(app: App) -> list[tuple[int, str]]:
    """(id, external id) of the present accounts that the list did not have. An index says who is missing; only of
    these the row is read."""
    return db.execute_sql(
        """
        SELECT a.id, a.external_id FROM account a LEFT JOIN staged_same k ON k.account_id = a.id
        CROSS JOIN account p ON p.id = a.id AND p.state = 'present'
        LEFT JOIN staged_account s ON s.external_id = a.external_id
        WHERE a.app_id = ? AND k.account_id IS NULL AND s.external_id IS NULL ORDER BY a.external_id
        """,
        (app.id,),
    ).fetchall()


def listed_beside(account_id: int) -> list[str]:
    """The external ids of up to two listed accounts, those before and after this missing one in the order of ids."""
    listed = """(SELECT external_id FROM staged_account
        UNION ALL SELECT k.external_id FROM staged_same s JOIN account k ON k.id = s.account_id)"""
    row = db.execute_sql(
        "SELECT max(CASE WHEN l.external_id < a.external_id THEN l.external_id END), "
        "min(CASE WHEN l.external_id > a.external_id THEN l.external_id END) "
        f"FROM account a CROSS JOIN {listed} AS l WHERE a.id = ?",
        (account_id,),
    ).fetchone()
    return [id for id in row if id is not None]


def note_missing(app: App, account_ids: list[int]) -> None:
    """Remember since when these are absent, and clear that for those that are back."""
    db.execute_sql(
        "UPDATE account SET missing_since = NULL WHERE app_id = ? AND missing_since IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM staged_account s WHERE s.external_id = account.external_id)",
        (app.id,),
    )
    db.executemany(
        "UPDATE account SET missing_since = ? WHERE id = ? AND missing_since IS NULL",
        [(str(utcnow()), account_id) for account_id in account_ids],
    )


def apply_accounts(app: App, removal_suspends: bool, began: datetime, same: str | None = None) -> NewAccounts:
    """Apply roles, new accounts and changed ones; return the new ones, which are already matched by e-mail. Leaves
    other changes in the TEMP table `found`, and in `to_match` the accounts that the rules of matching look at.

    The known accounts are walked once for those that differ (TEMP `differing`); the work on these is as large as
    their number.
    What left the app in Rollcall after the reading `began` (UTC) is not brought back by it. `same`: of which accounts
    a guard holds changes, as SQL; None: all.
    """
    tables.create(FOUND)
    listed = tables.has_rows(STAGED_ACCOUNT)  # in full: none where all are as they are known
    known = listed and app.has_accounts
    if known:
        tables.fill(DIFFERING, _DIFFERING, {"app": app.id})
    else:
        tables.create(DIFFERING)
    differs = known and tables.has_rows(DIFFERING)
    values = {"app": app.id, "now": str(utcnow()), "suspends": removal_suspends, "began": str(began)}
    if differs:
        _execute((_UPDATED_ROLES, _UPDATED_PROFILES), values)
    mass_updates.hold(app, same)
    match_rules.choose(_TO_MATCH)
    _execute((_ROLES, _UPDATE_ACCOUNTS) if differs else (_ROLES,), values)
    new = NewAccounts()
    if listed:
        newest = db.execute_sql("SELECT coalesce(max(id), 0) FROM account").fetchone()[0]
        if number := db.execute_sql(_NEW_ACCOUNTS if known else _ALL_ACCOUNTS, values).rowcount:
            new = NewAccounts(number, newest, tables.was_given(STAGED_ACCOUNT, "further_roles"))
            if tables.was_given(STAGED_ACCOUNT, "user_name", "employee_number"):
                _execute((_NEW_TO_MATCH,), {**values, "above": newest})
    if differs:
        _execute((_RETURNED_USERS, _END_UNDO, _RETURN_ACCOUNTS), values)
    _execute((_ROLES_GONE,), values)
    return new


def _execute(statements: Iterable[str], values: Mapping[str, object]) -> None:
    for statement in statements:
        db.execute_sql(statement, values)


_DIFFERING = """
    SELECT a.id, s.* FROM staged_account s
    CROSS JOIN account a ON a.app_id = :app AND a.external_id = s.external_id
    WHERE a.state = 'gone' OR a.role <> s.role OR a.name <> s.name OR a.email <> s.email
        OR a.status <> s.status OR a.last_activity IS DISTINCT FROM s.last_activity OR a.kind <> s.kind
        OR a.seat <> s.seat OR a.user_name IS DISTINCT FROM s.user_name
        OR a.employee_number IS DISTINCT FROM s.employee_number OR a.further_roles IS DISTINCT FROM s.further_roles
        OR a.missing_fields IS DISTINCT FROM s.missing_fields
        OR a.defaulted_fields <> s.defaulted_fields
"""
_TO_MATCH = """
    SELECT s.account_id FROM differing s JOIN account a ON a.id = s.account_id
    WHERE a.state = 'gone' OR a.email_key <> s.email_key OR a.kind <> s.kind
        OR a.user_name IS DISTINCT FROM s.user_name OR a.employee_number IS DISTINCT FROM s.employee_number
"""
_UPDATED_ROLES = f"""
    INSERT INTO found
    SELECT 'updated role', a.id, NULL, {roles.words("a")}, {roles.words("s", STAGED_ROLE.name, "true")}, ''
    FROM differing s JOIN account a ON a.id = s.account_id
    WHERE a.state <> 'gone' AND {roles.differ("a", "s")}
"""
_UPDATED_PROFILES = f"""
    INSERT INTO found SELECT 'updated profile', a.id, NULL,
        {mass_updates.profile("a", mass_updates.SHOWN)}, {mass_updates.profile("s", mass_updates.SHOWN)}, ''
    FROM differing s JOIN account a ON a.id = s.account_id
    WHERE a.state <> 'gone' AND (a.name <> s.name OR a.email <> s.email OR a.status <> s.status)
"""
_ROLES = """
    INSERT INTO role (app_id, external_id, label, privileged, is_default, position)
    SELECT :app, s.external_id, s.label, s.privileged, s.is_default, s.position FROM staged_role s
    WHERE NOT EXISTS (
        SELECT 1 FROM role r WHERE r.app_id = :app AND r.external_id = s.external_id AND r.label = s.label
          AND r.privileged = s.privileged AND r.is_default = s.is_default AND r.position = s.position)
    ON CONFLICT (app_id, external_id) DO UPDATE
    SET label = excluded.label, privileged = excluded.privileged, is_default = excluded.is_default,
        position = excluded.position
"""
_UPDATE_ACCOUNTS = """
    UPDATE account SET email = s.email, email_key = s.email_key, name = s.name, status = s.status, role = s.role,
        kind = s.kind, last_activity = s.last_activity, seat = s.seat, user_name = s.user_name,
        employee_number = s.employee_number, further_roles = s.further_roles, missing_fields = s.missing_fields,
        defaulted_fields = s.defaulted_fields
    FROM differing s WHERE account.id = s.account_id AND account.state <> 'gone'
"""
_ALL_ACCOUNTS = """
    INSERT INTO account (app_id, external_id, email, email_key, name, status, role, kind, last_activity, seat,
        user_name, employee_number, further_roles, missing_fields, defaulted_fields, state, match_kind,
        match_by_hand, person_id, first_seen)
    SELECT :app, s.external_id, s.email, s.email_key, s.name, s.status, s.role, s.kind, s.last_activity, s.seat,
        s.user_name, s.employee_number, s.further_roles, s.missing_fields, s.defaulted_fields, 'present',
        CASE WHEN s.kind = 'system' THEN 'service account' WHEN p.person_id IS NULL THEN 'unmatched' ELSE 'matched' END,
        FALSE, CASE WHEN s.kind = 'system' THEN NULL ELSE p.person_id END, :now
    FROM staged_account s LEFT JOIN person_email p ON p.email_key = s.email_key AND NOT p.disputed
"""
_NEW_ACCOUNTS = f"""{_ALL_ACCOUNTS}
    WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.app_id = :app AND a.external_id = s.external_id)
"""
_NEW_TO_MATCH = """
    INSERT INTO to_match SELECT a.id FROM staged_account s
    CROSS JOIN account a ON a.app_id = :app AND a.external_id = s.external_id AND a.id > :above
    WHERE s.user_name IS NOT NULL OR s.employee_number IS NOT NULL
"""
_REMOVED_BY_SUSPENDING = members.is_removed_by_suspending("s", ":suspends")
_RETURNED_USERS = f"""
    INSERT INTO found SELECT 'new user', a.id, NULL, NULL, {roles.words("s")}, 'Is in the app again'
    FROM differing s JOIN account a ON a.id = s.account_id AND a.state = 'gone'
    WHERE a.gone_at <= :began AND NOT {_REMOVED_BY_SUSPENDING}
"""
# What was decided before about an account that may be another person's now can't be undone any longer.
_END_UNDO = f"""
    UPDATE match_decision SET undone_at = :now WHERE undone_at IS NULL AND account_id IN (
        SELECT a.id FROM differing s JOIN account a ON a.id = s.account_id AND a.state = 'gone'
        WHERE a.gone_at <= :began AND NOT {_REMOVED_BY_SUSPENDING} AND {members.is_unproven("a", "s")})
"""
_MAY_BE_ANOTHERS = members.may_be_anothers("account", "s")
_RETURN_ACCOUNTS = f"""
    UPDATE account SET state = 'present', gone_at = NULL, missing_since = NULL,
        former_person_id = CASE WHEN {_MAY_BE_ANOTHERS} AND account.match_kind = 'matched'
            THEN account.person_id ELSE account.former_person_id END,
        match_note = CASE WHEN NOT {_MAY_BE_ANOTHERS} THEN account.match_note END,
        person_id = CASE WHEN {_MAY_BE_ANOTHERS} THEN NULL ELSE account.person_id END,
        match_kind = CASE WHEN {_MAY_BE_ANOTHERS} THEN 'unmatched' ELSE account.match_kind END,
        match_by_hand = account.match_by_hand AND NOT {_MAY_BE_ANOTHERS},
        email = s.email, email_key = s.email_key,
        name = s.name, status = s.status, role = s.role, kind = s.kind, last_activity = s.last_activity, seat = s.seat,
        user_name = s.user_name, employee_number = s.employee_number, further_roles = s.further_roles,
        missing_fields = s.missing_fields, defaulted_fields = s.defaulted_fields
    FROM differing s WHERE account.id = s.account_id AND account.state = 'gone'
      AND account.gone_at <= :began AND NOT {_REMOVED_BY_SUSPENDING}
"""
# A role that someone has stays known even if the app doesn't list it, because it shows who is privileged.
_ROLES_GONE = """
    DELETE FROM role WHERE app_id = :app
      AND NOT EXISTS (SELECT 1 FROM staged_role s WHERE s.external_id = role.external_id)
      AND NOT EXISTS (
        SELECT 1 FROM account a WHERE a.app_id = :app AND a.role = role.external_id AND a.state <> 'gone')
      AND external_id NOT IN (
        SELECT h.value FROM account a CROSS JOIN json_each(a.further_roles) h
        WHERE a.app_id = :app AND a.further_roles <> '[]' AND a.state <> 'gone')
"""


def apply_gone(app: App) -> None:
    """Accounts in `staged_gone` leave Rollcall: the app no longer has them, and a second look confirmed it."""
    if not tables.has_rows(STAGED_GONE):
        return
    values = {"app": app.id, "now": str(utcnow())}
    db.execute_sql(
        f"""
        INSERT INTO found SELECT 'removed user', a.id, NULL, {roles.words("a")}, NULL, 'No longer in the app'
        FROM staged_gone g JOIN account a ON a.id = g.account_id
        """,
        values,
    )
    db.execute_sql(
        "UPDATE account SET state = 'gone', gone_at = :now, missing_since = NULL "
        "WHERE id IN (SELECT account_id FROM staged_gone)",
        values,
    )
    db.execute_sql("DELETE FROM access WHERE account_id IN (SELECT account_id FROM staged_gone)")


def apply_assets(app: App, new: NewAccounts) -> None:
    """Apply new and renamed assets, granted and changed access; find what is gone, which remove_* applies."""
    values = {"app": app.id, "first": app.last_check_at is None, "above": new.above}
    if tables.has_rows(STAGED_ASSET):
        values["newest"] = db.execute_sql("SELECT coalesce(max(id), 0) FROM asset").fetchone()[0]
        _execute((_RENAMED_ASSETS, _RETURNED_ASSETS, _UPDATE_ASSETS, _NEW_ASSETS, _FOUND_NEW_ASSETS), values)
    tables.create(STAGED_ACCESS_ID)
    if tables.has_rows(STAGED_ACCESS):
        _execute((_STAGE_ACCESS, _GRANTED, _CHANGED, _UPDATE_ACCESS, _NEW_ACCESS), values)


_RENAMED_ASSETS = """
    INSERT INTO found SELECT 'renamed asset', NULL, a.id, a.name, s.name, ''
    FROM staged_asset s JOIN asset a ON a.app_id = :app AND a.external_id = s.external_id
    WHERE a.state = 'present' AND a.name <> s.name
"""
_RETURNED_ASSETS = """
    INSERT INTO found SELECT 'new asset', NULL, a.id, NULL, s.name, 'Is in the app again'
    FROM staged_asset s JOIN asset a ON a.app_id = :app AND a.external_id = s.external_id WHERE a.state = 'gone'
"""
_UPDATE_ASSETS = """
    UPDATE asset SET name = s.name, kind = s.kind, state = 'present' FROM staged_asset s
    WHERE asset.app_id = :app AND asset.external_id = s.external_id
      AND (asset.name <> s.name OR asset.kind <> s.kind OR asset.state <> 'present')
"""
_NEW_ASSETS = """
    INSERT INTO asset (app_id, external_id, kind, name, state)
    SELECT :app, s.external_id, s.kind, s.name, 'present' FROM staged_asset s
    WHERE NOT EXISTS (SELECT 1 FROM asset a WHERE a.app_id = :app AND a.external_id = s.external_id)
"""
_FOUND_NEW_ASSETS = """
    INSERT INTO found SELECT 'new asset', NULL, a.id, NULL, a.name,
        CASE WHEN :first THEN 'In the app when it was connected' ELSE '' END
    FROM asset a WHERE a.app_id = :app AND a.id > :newest
"""
_STAGE_ACCESS = """
    INSERT INTO staged_access_id SELECT a.id, t.id, s.role, s.privileged FROM staged_access s
    CROSS JOIN account a ON a.app_id = :app AND a.external_id = s.account AND a.state <> 'gone'
    CROSS JOIN asset t ON t.app_id = :app AND t.external_id = s.asset
"""
_GRANTED = """
    INSERT INTO found SELECT 'granted access', s.account_id, s.asset_id, NULL, s.role, ''
    FROM staged_access_id s LEFT JOIN access x ON x.account_id = s.account_id AND x.asset_id = s.asset_id
    WHERE x.id IS NULL AND NOT :first AND s.account_id <= :above
      AND NOT EXISTS (SELECT 1 FROM found f WHERE f.kind = 'new user' AND f.account_id = s.account_id)
"""
_CHANGED = """
    INSERT INTO found SELECT 'changed access', s.account_id, s.asset_id, x.role, s.role, ''
    FROM staged_access_id s JOIN access x ON x.account_id = s.account_id AND x.asset_id = s.asset_id
    WHERE x.role <> s.role
"""
_UPDATE_ACCESS = """
    UPDATE access SET role = s.role, privileged = s.privileged,
        granted_by = CASE WHEN access.role = s.role THEN granted_by END
    FROM staged_access_id s
    WHERE access.app_id = :app AND access.account_id = s.account_id AND access.asset_id = s.asset_id
      AND (access.role <> s.role OR access.privileged <> s.privileged)
"""
_NEW_ACCESS = """
    INSERT INTO access (app_id, account_id, asset_id, role, privileged)
    SELECT :app, s.account_id, s.asset_id, s.role, s.privileged FROM staged_access_id s
    WHERE NOT EXISTS (SELECT 1 FROM access x WHERE x.account_id = s.account_id AND x.asset_id = s.asset_id)
"""


def lost_assets(app: App) -> tuple[list[int], int]:
    """The ids of the present assets that the list did not have, and how many there were in all."""
    rows = db.execute_sql(
        """
        SELECT a.id FROM asset a WHERE a.app_id = ? AND a.state = 'present'
          AND NOT EXISTS (SELECT 1 FROM staged_asset s WHERE s.external_id = a.external_id)
        """,
        (app.id,),
    ).fetchall()
    return [row[0] for row in rows], _count("asset WHERE app_id = ? AND state = 'present'", app)


def lost_access(app: App) -> tuple[list[tuple[int, int]], int]:
    """(account id, asset id) of the access that the list did not have, on assets that are there; and the total."""
    rows = db.execute_sql(
        """
        SELECT x.account_id, x.asset_id FROM access x JOIN asset t ON t.id = x.asset_id AND t.state = 'present'
        JOIN account a ON a.id = x.account_id AND a.state = 'present'
        JOIN staged_asset sa ON sa.external_id = t.external_id
        WHERE x.app_id = ? AND NOT EXISTS (
            SELECT 1 FROM staged_access_id s WHERE s.account_id = x.account_id AND s.asset_id = x.asset_id)
        """,
        (app.id,),
    ).fetchall()
    return rows, _count("access WHERE app_id = ?", app)


def _count(what: str, app: App) -> int:
    return db.execute_sql(f"SELECT count(*) FROM {what}", (app.id,)).fetchone()[0]


def remove_assets(asset_ids: list[int]) -> None:
    for asset_id in asset_ids:
        db.execute_sql(
            "INSERT INTO found SELECT 'removed asset', NULL, id, name, NULL, 'No longer in the app' "
            "FROM asset WHERE id = ?",
            (asset_id,),
        )
        access.drop_asset(asset_id)


def remove_access(pairs: list[tuple[int, int]]) -> None:
    for pair in pairs:
        db.execute_sql(
            "INSERT INTO found SELECT 'revoked access', account_id, asset_id, role, NULL, '' "
            "FROM access WHERE account_id = ? AND asset_id = ?",
            pair,
        )
        access.drop(*pair)


def found_counts(new: NewAccounts) -> dict[str, int]:
    """How many changes of each kind were applied; a kind of which there are none isn't named."""
    counts = dict(db.execute_sql("SELECT kind, count(*) FROM found GROUP BY kind").fetchall())
    users = counts.get(ChangeKind.NEW_USER, 0) + new.number
    return {**counts, ChangeKind.NEW_USER: users} if users else counts
