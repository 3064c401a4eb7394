"""Who should have what in an app by the rules of its groups, beside what they have there: set-based, in `wanted`.
A rule that rests, its group or role being gone or its directory paused, covers who was in it but gives nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from peewee import ModelSelect

from sync import roles
from sync.apps import apps
from sync.apps.assets import EVERY_ROLE
from sync.apps.kinds import kind_of
from sync.db import db, utcnow
from sync.matching import members
from sync.models import Account, App, Asset, Assignment, GroupRule
from sync.prepared import prepared_plain
from sync.safety import protection, wanted
from sync.safety.protection import MAY_BE_ANOTHERS
from sync.staging import tables
from sync.staging.check import ASSIGNED, COVERED
from sync.states import ChangeKind, Protection
from sync.workspace import today

INVITE, ROLE, ENDED = ChangeKind.TO_INVITE, ChangeKind.TO_CHANGE_ROLE, ChangeKind.NO_LONGER_ASSIGNED
ACCESS, LOSS = ChangeKind.TO_GRANT_ACCESS, ChangeKind.TO_REVOKE_ACCESS


def concerns(app: App) -> bool:
    """Whether the app has rules of groups or people assigned by them. Most apps have none, and need no further work."""
    return bool(_a_row(app, of=GroupRule) or _a_row(app, of=Assignment))


@prepared_plain
def _a_row(app: App, *, of: type[GroupRule | Assignment]) -> ModelSelect:
    return of.select(of.id).where(of.app == app).limit(1)


def want(app: App, removal_suspends: bool) -> None:
    """Find what the rules want and add it to `wanted`, after the leavers; who is assigned from now on is kept.

    Inside the check's transaction, on the values it has applied.
    """
    if not concerns(app):
        return
    values = gather(app, removal_suspends)
    for statement in (_FORGET, _ASSIGN, _END):
        db.execute_sql(statement, values)
    compare(values)


def gather(app: App, removal_suspends: bool = False) -> dict[str, object]:
    """Fill TEMP `covered` with a row for each person, rule and group, and TEMP `assigned` with what each person gets
    from all rules. Returns the values that the statements of this module need."""
    values = {
        "app": app.id, "now": str(utcnow()), "suspends": removal_suspends, "today": str(today()),
        "identity": app.automation_external_id, "blind": is_blind(app),
    }  # fmt: skip
    tables.fill(COVERED, _COVERED, values)
    tables.fill(ASSIGNED, _assigned(COVERED.name), values)
    return values


def is_blind(app: App) -> bool:
    """True if a rule is inactive and the people it covered are unknown, as its directory is gone. Then nobody loses
    anything."""
    found = db.execute_sql(
        """
        SELECT EXISTS (SELECT 1 FROM group_rule WHERE app_id = ?1 AND group_id IS NULL AND team_id IS NULL)
            OR EXISTS (SELECT 1 FROM group_rule r JOIN team_group t ON t.team_id = r.team_id AND t.group_id IS NULL
                       WHERE r.app_id = ?1)
        """,
        (app.id,),
    ).fetchone()
    return bool(found[0])


def compare(values: dict[str, object]) -> None:
    """Put into `wanted` what the app lacks of TEMP `assigned`, and what people have beyond it."""
    for statement in (_TO_INVITE, _TO_CHANGE_ROLE):
        db.execute_sql(statement, values)
    _look_at_further_roles(values)
    for statement in (_TO_GRANT, _TO_REVOKE):
        db.execute_sql(statement, values)
    connector = kind_of(App.get_by_id(values["app"]))
    for change, refused in ((ACCESS, connector.asset_roles_by_hand), (LOSS, connector.asset_roles_kept)):
        for kind, role in refused:
            db.execute_sql(_LEAVE_TO_THE_APP, {**values, "change": change, "kind": kind, "role": role})
    for statement in (_LEAVE_TO_OTHERS, _NO_LONGER_ASSIGNED, _LEFT_OUT):
        db.execute_sql(statement, values)
    protection.protect(ENDED, values)
    protection.protect_last(values, ROLE, ENDED)


def _look_at_further_roles(values: dict[str, object]) -> None:
    """What a change of role does to the further roles of those who have several: what only the connector can say."""
    found = db.execute_sql(_OF_SEVERAL_ROLES, values).fetchall()
    if not found:
        return
    app = App.get_by_id(values["app"])
    known = roles.of(app)
    for account_id, role in found:
        account = Account.get_by_id(account_id)
        account.app = app
        change = apps.role_change(account, role)
        demotes = known.may_administer(change.before) and not known.can_administer(change.after)
        detail = json.dumps({**change.detail, "demotes": demotes, **known.beside(change)}, ensure_ascii=False)
        db.execute_sql("UPDATE wanted SET detail = ? WHERE kind = ? AND account_id = ?", (detail, ROLE, account_id))


_COVERED = """
    SELECT e.person_id, r.id AS rule_id, r.role, ro.label, coalesce(ro.privileged, FALSE) AS privileged,
        coalesce(ro.position, 0) AS place,
        g.gone_at IS NULL AND d.state = 'active' AND e.status = 'active' AND e.reported_status = 'active'
            AND p.status = 'active' AND (r.role = '' OR ro.id IS NOT NULL) AS gives,
        CASE WHEN t.id IS NULL THEN 'in group ' ELSE 'in team ' || t.name || ', group ' END
            || g.name || ' of ' || d.name AS via
    FROM (
        SELECT id, group_id FROM group_rule WHERE app_id = :app AND group_id IS NOT NULL
        UNION SELECT r.id, tg.group_id FROM group_rule r JOIN team_group tg ON tg.team_id = r.team_id
        WHERE r.app_id = :app AND tg.group_id IS NOT NULL
    ) x
    CROSS JOIN group_rule r ON r.id = x.id
    CROSS JOIN directory_group g ON g.id = x.group_id
    CROSS JOIN directory d ON d.id = g.directory_id
    CROSS JOIN directory_group_member m ON m.group_id = g.id
    CROSS JOIN directory_entry e ON e.id = m.entry_id AND e.status <> 'deprovisioned'
    CROSS JOIN person p ON p.id = e.person_id
    LEFT JOIN team t ON t.id = r.team_id
    LEFT JOIN role ro ON ro.app_id = :app AND ro.external_id = r.role
"""
_OF_ONE = f"{_COVERED} WHERE m.entry_id IN (SELECT id FROM directory_entry WHERE person_id = :person)"
_HIGHEST = "c.role = '', c.privileged DESC, c.place, c.rule_id, c.via"


def _assigned(covered: str) -> str:
    """SELECT: what each person gets of all rules that cover them; `covered` are rows like those of TEMP `covered`."""
    return f"""
        SELECT person_id, role, coalesce(nullif(label, ''), role) AS label, privileged, via, rests
        FROM (
            SELECT *, row_number() OVER (PARTITION BY person_id ORDER BY gives DESC, {_HIGHEST}) AS n,
                min(CASE WHEN gives THEN 1 ELSE 0 END) OVER (PARTITION BY person_id) = 0 AS rests
            FROM {covered} c
        ) AS ranked WHERE n = 1 AND gives
    """


# Ended, and out of the app: deleted, so that an account added by hand later doesn't count as given by rules.
_FORGET = """
    DELETE FROM assignment WHERE app_id = :app AND ended_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM account a WHERE a.app_id = :app AND a.person_id = assignment.person_id AND a.state <> 'gone')
"""
_ASSIGN = """
    INSERT INTO assignment (app_id, person_id, role, why, since)
    SELECT :app, person_id, role, via, :now FROM assigned WHERE true
    ON CONFLICT (app_id, person_id) DO UPDATE
    SET role = excluded.role, why = excluded.why, ended_at = NULL,
        since = CASE WHEN assignment.ended_at IS NULL THEN assignment.since ELSE excluded.since END
    WHERE assignment.role <> excluded.role OR assignment.why <> excluded.why OR assignment.ended_at IS NOT NULL
"""
_END = """
    UPDATE assignment SET ended_at = :now
    WHERE app_id = :app AND ended_at IS NULL AND NOT :blind
      AND person_id IN (SELECT id FROM person WHERE status = 'active')
      AND person_id NOT IN (SELECT person_id FROM covered)
"""
# People without an account, under any address, or invitation. A service account doesn't belong to its responsible.
_TO_INVITE = """
    INSERT INTO wanted (kind, person_id, in_app, after, reason, detail)
    SELECT 'to invite', s.person_id, TRUE, coalesce(nullif(ro.label, ''), ro.external_id, s.role),
        s.via || coalesce(' → ' || coalesce(nullif(ro.label, ''), ro.external_id, nullif(s.role, '')), ''),
        json_object('role', coalesce(ro.external_id, s.role), 'email', main.email)
    FROM assigned s
    JOIN person_email main ON main.person_id = s.person_id AND main.main
    LEFT JOIN role ro ON ro.id = CASE WHEN s.role <> ''
        THEN (SELECT id FROM role WHERE app_id = :app AND external_id = s.role)
        ELSE (SELECT id FROM role WHERE app_id = :app AND NOT privileged
            ORDER BY is_default DESC, position DESC, id LIMIT 1) END
    WHERE NOT EXISTS (
        SELECT 1 FROM account a WHERE a.person_id = s.person_id AND a.app_id = :app AND a.state <> 'gone'
          AND a.match_kind <> 'service account')
      AND NOT EXISTS (
        SELECT 1 FROM person_email pe
        CROSS JOIN account a ON a.app_id = :app AND a.email_key = pe.email_key AND a.state <> 'gone'
        WHERE pe.person_id = s.person_id)
      AND NOT EXISTS (
        SELECT 1 FROM invitation i WHERE i.app_id = :app AND i.state IN ('ongoing', 'failed', 'invited')
          AND (i.person_id = s.person_id
            OR i.email_key IN (SELECT email_key FROM person_email WHERE person_id = s.person_id)))
"""
# An account that rules may change: matched, in use, without a decision or hold against it.
_SEATS = f"""
    FROM assigned s JOIN account a ON a.person_id = s.person_id AND a.app_id = :app AND a.state = 'present'
        AND a.match_kind = 'matched' AND a.status = 'active' AND a.kind = 'user'
    JOIN person p ON p.id = s.person_id
        AND {protection.none_of(Protection.HOLD, Protection.BY_HAND, Protection.AUTOMATION_ACCOUNT)}
"""
_LIVE = "t.account_id = a.id AND t.state IN ('queued', 'running', 'needs attention')"
_TO_CHANGE_ROLE = f"""
    INSERT INTO wanted (kind, account_id, in_app, before, after, reason, detail)
    SELECT 'to change role', a.id, TRUE, coalesce(nullif(was.label, ''), a.role), s.label, s.via || ' → ' || s.label,
        json_object('role', s.role, 'before', a.role, 'demotes', {roles.may_administer("a")} AND NOT s.privileged)
    {_SEATS} LEFT JOIN role was ON was.app_id = :app AND was.external_id = a.role
    WHERE s.role <> '' AND s.role NOT IN (SELECT id FROM ({roles.held("a")}) AS held) AND NOT s.rests AND NOT :blind
      AND NOT EXISTS (SELECT 1 FROM app_task t WHERE {_LIVE} AND t.kind = 'change role')
"""
_OF_SEVERAL_ROLES = """
    SELECT w.account_id, w.detail ->> 'role' FROM wanted w JOIN account a ON a.id = w.account_id
    WHERE w.kind = 'to change role' AND a.app_id = :app AND a.further_roles <> '[]'
"""
# A rule never lowers someone who can hand over the asset; if rules differ, a role that can comes first.
_TO_GRANT = f"""
    INSERT INTO wanted (kind, account_id, asset_id, in_app, before, after, reason, detail)
    SELECT 'to grant access', a.id, g.asset_id, TRUE, x.role, nullif(g.role, ''),
        g.via || coalesce(' → ' || nullif(g.role, ''), ''),
        json_object('role', g.role, 'before', x.role, 'via', g.via)
    {_SEATS}
    JOIN (
        SELECT c.person_id, c.via, ra.asset_id, ra.role, row_number() OVER (
            PARTITION BY c.person_id, ra.asset_id ORDER BY ra.role = '', EXISTS (
                SELECT 1 FROM access y WHERE y.app_id = :app AND y.role = ra.role AND y.privileged) DESC,
            {_HIGHEST}) AS n
        FROM covered c JOIN group_rule_asset ra ON ra.rule_id = c.rule_id
        JOIN asset ON asset.id = ra.asset_id AND asset.state = 'present' WHERE c.gives
    ) g ON g.person_id = s.person_id AND g.n = 1
    LEFT JOIN access x ON x.account_id = a.id AND x.asset_id = g.asset_id
    WHERE (x.id IS NULL OR g.role <> '' AND x.role <> g.role AND NOT x.privileged AND NOT s.rests AND NOT :blind)
      AND NOT EXISTS (
        SELECT 1 FROM app_task t WHERE {_LIVE} AND t.kind IN ('grant', 'revoke') AND t.asset_id = g.asset_id)
"""
# The app's API can't change this role on an asset.
_LEAVE_TO_THE_APP = f"""
    DELETE FROM wanted WHERE kind = :change
      AND (:role = '{EVERY_ROLE}' OR before = :role OR detail ->> 'role' = :role)
      AND asset_id IN (SELECT id FROM asset WHERE app_id = :app AND kind = :kind)
"""
# Access by a rule, if none of their groups grants it now. If no rule at all grants it, it was taken out of the rules by
# hand: that takes nothing from anyone.
_TO_REVOKE = f"""
    INSERT INTO wanted (kind, account_id, asset_id, in_app, before, after, reason, detail)
    SELECT 'to revoke access', a.id, x.asset_id, TRUE, x.role, 'no access', 'No longer ' || x.granted_by,
        json_object('role', '', 'before', x.role)
    {_SEATS}
    JOIN access x ON x.account_id = a.id AND x.granted_by IS NOT NULL AND NOT x.privileged
    JOIN asset ON asset.id = x.asset_id AND asset.state = 'present'
    WHERE NOT s.rests AND NOT :blind
      AND EXISTS (
        SELECT 1 FROM group_rule_asset ra WHERE ra.asset_id = x.asset_id)
      AND NOT EXISTS (
        SELECT 1 FROM covered c JOIN group_rule_asset ra ON ra.rule_id = c.rule_id
        WHERE c.person_id = s.person_id AND ra.asset_id = x.asset_id)
      AND NOT EXISTS (
        SELECT 1 FROM app_task t WHERE {_LIVE} AND t.kind IN ('grant', 'revoke') AND t.asset_id = x.asset_id)
"""
# An account that may be another person's by now gets nothing, and loses nothing, by the groups of this one.
_LEAVE_TO_OTHERS = f"""
    DELETE FROM wanted WHERE kind IN ('to change role', 'to grant access', 'to revoke access') AND EXISTS (
        SELECT 1 FROM account a LEFT JOIN person p ON p.id = a.person_id
        WHERE a.id = wanted.account_id AND {protection.any_of(*MAY_BE_ANOTHERS)})
"""
_NO_LONGER_ASSIGNED = f"""
    {wanted.WANT}
    SELECT 'no longer assigned', a.id, NULL, TRUE, {roles.words("a")}, 'No longer ' || s.why,
        CASE WHEN a.left_out_at >= s.ended_at AND a.left_out_person_id = p.id THEN a.left_out_reason END, p.id
    FROM assignment s JOIN person p ON p.id = s.person_id AND p.status = 'active'
    JOIN account a ON a.person_id = s.person_id AND a.app_id = :app AND a.state = 'present' AND a.match_kind = 'matched'
    WHERE s.app_id = :app AND s.ended_at IS NOT NULL AND NOT :blind
      AND s.person_id NOT IN (SELECT person_id FROM covered)
      AND NOT {members.is_removed_by_suspending("a", ":suspends")}
"""
_LEFT_OUT = """
    UPDATE wanted SET left_out_reason = l.reason FROM left_out l
    WHERE l.app_id = :app AND l.kind = wanted.kind AND l.role = wanted.detail ->> 'role'
      AND l.account_id IS NOT DISTINCT FROM wanted.account_id
      AND l.person_id IS NOT DISTINCT FROM wanted.person_id AND l.asset_id IS NOT DISTINCT FROM wanted.asset_id
"""


@dataclass(frozen=True)
class Place:
    """What the rules of an app say of one person right now: `role` is None where they give nothing."""

    role: str | None
    covered: bool


def place_of(app: App, person_id: int) -> Place:
    """As of this instant, without waiting for a check."""
    values = {"app": app.id, "person": person_id}
    covering = db.execute_sql(f"SELECT 1 FROM ({_OF_ONE}) AS covered LIMIT 1", values)
    covered = is_blind(app) or covering.fetchone() is not None
    row = db.execute_sql(f"SELECT role FROM ({_assigned(f'({_OF_ONE})')}) AS given", values).fetchone()
    return Place(row and row[0], covered)


def covered_people(app: App) -> set[int]:
    """The ids of the people that place_of() calls covered, except in an app for which is_blind() holds."""
    rows = db.execute_sql(f"SELECT DISTINCT person_id FROM ({_COVERED}) AS covered", {"app": app.id}).fetchall()
    return {person_id for (person_id,) in rows}


def gives_access(app: App, person_id: int, asset: Asset, role: str) -> bool:
    """Whether a rule gives this person this role on the asset right now."""
    values = {"app": app.id, "person": person_id, "asset": asset.id, "role": role}
    return db.execute_sql(
        f"""
        SELECT 1 FROM ({_OF_ONE}) c JOIN group_rule_asset ra ON ra.rule_id = c.rule_id
        WHERE c.gives AND ra.asset_id = :asset AND ra.role = :role
        """,
        values,
    ).fetchone() is not None


def takes_access(app: App, person_id: int, asset: Asset) -> bool:
    """Whether a rule gives this, but none for a group that this person is in right now, and none of those rests."""
    found = db.execute_sql(
        f"""
        SELECT count(*), count(*) FILTER (WHERE NOT c.gives), count(*) FILTER (WHERE c.rule_id IN (
                SELECT rule_id FROM group_rule_asset WHERE asset_id = :asset)),
            EXISTS (SELECT 1 FROM group_rule_asset WHERE asset_id = :asset)
        FROM ({_OF_ONE}) c
        """,
        {"app": app.id, "person": person_id, "asset": asset.id},
    ).fetchone()
    covering, resting, giving, asked = found
    return covering > 0 and not resting and not giving and bool(asked) and not is_blind(app)


def people_by_rule(app: App) -> dict[int, int]:
    """How many people each of the app's rules gives something to now, by its id."""
    counted = f"SELECT rule_id, count(DISTINCT person_id) FROM ({_COVERED}) AS covered WHERE gives GROUP BY rule_id"
    return dict(db.execute_sql(counted, {"app": app.id}).fetchall())


def delete_uncovered(apps: Iterable[App]) -> None:
    """After rules or teams were changed by hand: people no longer covered keep their accounts, as if given by hand."""
    for app in apps:
        values = gather(app)
        db.execute_sql(
            "DELETE FROM assignment WHERE app_id = :app AND ended_at IS NULL "
            "AND person_id NOT IN (SELECT person_id FROM covered)", values)
        if not GroupRule.select().where(GroupRule.app == app).exists():
            Assignment.delete().where(Assignment.app == app).execute()
