"""Many roles or many profiles that change at once: held in the report, with what is known as it was, until an Owner
releases them. `account.held_values` is what the app says by now; what protects an account looks at both.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync import activity, roles
from sync.db import db, utcnow
from sync.matching import members
from sync.matching import rules as match_rules
from sync.models import App, Change, Report
from sync.safety import guards, lost_fields
from sync.staging import tables
from sync.staging.check import HELD_UPDATE, RELEASED
from sync.states import UPDATES, ChangeDecision, ChangeKind
from sync.words import plural

ROLES, PROFILES = ChangeKind.UPDATED_ROLE, ChangeKind.UPDATED_PROFILE
PROFILE = ("email", "email_key", "name", "status", "kind", "user_name", "employee_number")
SHOWN = ("name", "email", "status")  # whose change is a change of the profile, however few
# Fields that are held when many change, including those for matching.
FIELDS = ("name", "email", "status", "kind", "user_name", "employee_number")
_COLUMNS = {ROLES: ("role", "further_roles"), PROFILES: PROFILE}


def profile(account: str, columns: Iterable[str]) -> str:
    """What differs in the profile, as `account` (a, the known, or s, the staged one) has it, as an expression:
    "Ana Lopez <ana@acme.example> active"."""
    parts = [
        f"CASE WHEN a.{column} IS DISTINCT FROM s.{column} THEN {_in_words(account, column)} || ' ' ELSE '' END"
        for column in columns
    ]
    return f"trim({' || '.join(parts)})"


def _in_words(account: str, column: str) -> str:
    value = f"{account}.{column}"
    if column == "email":
        return f"'<' || {value} || '>'"
    if column == "kind":
        return f"CASE {value} WHEN 'user' THEN 'user' ELSE 'made by the app' END"
    if column in ("user_name", "employee_number"):
        return f"'{column.replace('_', ' ')} ' || coalesce({value}, '–')"
    return value


def hold(app: App, of: str | None = None) -> None:
    """Move what a guard holds from TEMP `found` to TEMP `held_update`, and out of TEMP `differing`. Nothing is held of
    accounts that aren't among `of` (SQL: ids of the accounts of :app), as they are others now.

    Inside the check's transaction, before what differs is applied.
    """
    tables.create(HELD_UPDATE)
    which = f"a.id IN ({of})" if of else "true"
    for kind, changed in ((kind, _count(app, kind, which)) for kind in UPDATES):
        if changed and _is_mass(app, kind, changed):
            _hold(app, kind, which)
        elif changed and kind == ROLES and lost_fields.administrators_lost(app):
            # nothing becomes empty without approval
            _hold(app, kind, f"{which} AND {roles.can_administer('a')}")
    _note(app)


_PRESENT = "FROM differing s JOIN account a ON a.id = s.account_id AND a.state = 'present'"
_CHANGED = {
    ROLES: f"{_PRESENT} JOIN found f ON f.kind = 'updated role' AND f.account_id = a.id WHERE true",
    PROFILES: f"{_PRESENT} WHERE ({' OR '.join(f'a.{column} IS DISTINCT FROM s.{column}' for column in FIELDS)})",
}
_TEXTS = {ROLES: "f.before, f.after", PROFILES: f"{profile('a', FIELDS)}, {profile('s', FIELDS)}"}


def _count(app: App, kind: str, which: str) -> int:
    return db.execute_sql(f"SELECT count(*) {_CHANGED[kind]} AND {which}", {"app": app.id}).fetchone()[0]


def _is_mass(app: App, kind: str, changed: int) -> bool:
    guard, of_late = guards.guard_of(app, kind), changed + _applied_lately(app, kind)
    return of_late > guard.accounts and guard.holds(of_late, guards.present_up_to(app, guard.enough(of_late)))


def _applied_lately(app: App, kind: str) -> int:
    """Accounts whose role or profile was updated since counted_from(), and not as part of a mass that was released."""
    return db.execute_sql(
        """
        SELECT count(DISTINCT c.account_id) FROM report r JOIN change c ON c.report_id = r.id
        WHERE r.app_id = :app AND c.kind = :kind AND c.decision = 'applied' AND c.created_at > :since
          AND c.account_id NOT IN (SELECT account_id FROM found WHERE kind = :kind)
        """,
        {"app": app.id, "kind": kind, "since": str(guards.counted_from(app, kind))},
    ).fetchone()[0]


def _hold(app: App, kind: str, which: str) -> None:
    """The changes of the kind, of accounts `a` for which this condition holds."""
    columns = _COLUMNS[kind]
    assigned = ", ".join(f"'{column}', s.{column}" for column in columns)
    for statement in (
        f"INSERT INTO held_update SELECT :kind, a.id, {_TEXTS[kind]}, json_object({assigned}) "
        f"{_CHANGED[kind]} AND {which}",
        f"UPDATE differing SET {', '.join(f'{column} = a.{column}' for column in columns)} FROM account a "
        "JOIN held_update h ON h.account_id = a.id AND h.kind = :kind WHERE a.id = differing.account_id",
        "DELETE FROM found WHERE kind = :kind "
        "AND account_id IN (SELECT account_id FROM held_update WHERE kind = :kind)",
    ):
        db.execute_sql(statement, {"kind": kind, "app": app.id})


def _note(app: App) -> None:
    """`account.held_values` of each account as this check found it."""
    if db.execute_sql("SELECT 1 FROM held_update LIMIT 1").fetchone() is None:
        db.execute_sql("UPDATE account SET held_values = NULL WHERE app_id = ? AND held_values IS NOT NULL", (app.id,))
        return
    db.execute_sql(
        """
        UPDATE account SET held_values = h.merged FROM (
            SELECT a.id, CASE WHEN r.detail IS NULL THEN p.detail WHEN p.detail IS NULL THEN r.detail
                ELSE json_patch(p.detail, r.detail) END AS merged
            FROM account a LEFT JOIN held_update r ON r.account_id = a.id AND r.kind = 'updated role'
            LEFT JOIN held_update p ON p.account_id = a.id AND p.kind = 'updated profile'
            WHERE a.app_id = :app AND (a.held_values IS NOT NULL OR r.detail IS NOT NULL OR p.detail IS NOT NULL)
        ) h WHERE account.id = h.id AND account.held_values IS DISTINCT FROM h.merged
        """,
        {"app": app.id},
    )


def want() -> None:
    """Put the held changes into TEMP `wanted`: they need no task in the app."""
    db.execute_sql(
        """
        INSERT INTO wanted (kind, account_id, in_app, before, after, reason, detail)
        SELECT kind, account_id, FALSE, before, after, 'So many at once', detail FROM held_update
        """
    )


def release(report: Report, by: str) -> int:
    """Apply the report's held roles and profiles, and match their accounts again. Returns how many.

    Inside the caller's transaction.
    """
    values = {"report": report.id, "app": report.app_id}
    tables.fill(
        RELEASED, "SELECT c.account_id, c.kind, c.detail FROM change c "
        "WHERE c.report_id = :report AND c.decision = 'held' AND c.kind IN ('updated role', 'updated profile')", values
    )  # fmt: skip
    for kind, columns in _COLUMNS.items():
        assigned = ", ".join(f"{column} = r.detail ->> '{column}'" for column in columns)
        db.execute_sql(
            f"UPDATE account SET {assigned} FROM released r WHERE account.id = r.account_id AND r.kind = :kind "
            "AND account.state <> 'gone'", {"kind": kind}
        )  # fmt: skip
    db.execute_sql("UPDATE account SET held_values = NULL WHERE id IN (SELECT account_id FROM released)")
    changes = Change.update(decision=ChangeDecision.CONFIRMED, decided_by=by, decided_at=utcnow()).where(
        Change.report == report, Change.decision == ChangeDecision.HELD, Change.kind.in_(UPDATES)
    )
    number = changes.execute()
    app = App.get_by_id(report.app_id)
    match_rules.choose("SELECT DISTINCT account_id FROM released")
    match_rules.match_chosen(app)
    members.recount(app)
    activity.record(by, "released updates", about=plural(number, "role or profile", "roles and profiles"),
                    app=app, report=report)
    return number
