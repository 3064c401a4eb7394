"""How a check's changes are counted, and which of them it has applied itself."""

from __future__ import annotations

from peewee import fn

from sync.models import Change, Check
from sync.states import OF_ACCESS, OF_ASSETS, UPDATES, ChangeDecision, ChangeKind

COUNTED = {
    "new_users": (ChangeKind.NEW_USER,),
    "removed_users": (ChangeKind.REMOVED_USER,),
    "updated_roles": (ChangeKind.UPDATED_ROLE,),
    "updated_profiles": (ChangeKind.UPDATED_PROFILE,),
    "assets": OF_ASSETS,
    "access": OF_ACCESS,
    "to_invite": (ChangeKind.TO_INVITE,),
    "roles_to_change": (ChangeKind.TO_CHANGE_ROLE,),
    "access_to_grant": (ChangeKind.TO_GRANT_ACCESS,),
    "access_to_revoke": (ChangeKind.TO_REVOKE_ACCESS,),
    "no_longer_assigned": (ChangeKind.NO_LONGER_ASSIGNED,),
}
IN_WORDS = {  # one, several: for Activity, pages and commands
    "new_users": ("new user", "new users"),
    "removed_users": ("removed user", "removed users"),
    "updated_roles": ("updated role", "updated roles"),
    "updated_profiles": ("updated profile", "updated profiles"),
    "assets": ("change of assets", "changes of assets"),
    "access": ("change of access", "changes of access"),
    "to_invite": ("person to invite", "people to invite"),
    "roles_to_change": ("role to change", "roles to change"),
    "access_to_grant": ("asset role to grant", "asset roles to grant"),
    "access_to_revoke": ("asset role to revoke", "asset roles to revoke"),
    "no_longer_assigned": ("person no longer assigned", "people no longer assigned"),
}
OF_RULES = tuple(name for name, kinds in COUNTED.items() if any(kind.by_rules for kind in kinds))


def applied(check: Check) -> dict[str, int]:
    """By the names of COUNTED, the changes that a check has applied itself: what it found without what waited then.

    Group rules want their changes made in the app, after an approval, so a check applies none of them.
    """
    if not check.waiting + check.held:
        return {name: check.counts.get(name, 0) for name in COUNTED}
    wanted = {name: check.counts.get(name, 0) for name in OF_RULES}
    here = _waiting_here(check)
    removals = check.waiting + check.held - sum(here.values()) - sum(wanted.values())
    waits = {**here, **wanted, "removed_users": removals}
    return {name: max(0, check.counts.get(name, 0) - waits.get(name, 0)) for name in COUNTED}


def _waiting_here(check: Check) -> dict[str, int]:
    """How many changes of Rollcall's own copy wait in its report, by the same names: all but removals."""
    waits = Change.decision.in_((ChangeDecision.NEEDS_CONFIRMATION, ChangeDecision.HELD))
    rows = dict(
        Change.select(Change.kind, fn.COUNT(Change.id)).group_by(Change.kind).tuples()
        .where(Change.report == check.report_id, Change.kind.in_((*UPDATES, *OF_ASSETS, *OF_ACCESS)), waits)
    )  # fmt: skip
    return {name: sum(rows.get(kind, 0) for kind in kinds) for name, kinds in COUNTED.items()}
