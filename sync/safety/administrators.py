"""Who administers an app, and whether anyone is left who does: asked here by checks, approvals, tasks and by hand.
`:app` is the app's id in all SQL here."""

from __future__ import annotations

import json
from collections.abc import Collection

from sync import roles
from sync.db import db
from sync.models import BIT, App
from sync.roles import PRIVILEGED, Roles

_IN_DOUBT = BIT["role"] | BIT["status"] | BIT["kind"]  # of account.missing_fields


def _no_doubt(account: str) -> str:
    """Whether nothing casts doubt on this: no field left out only of this account, and no held change."""
    reported_of_others = f"""SELECT 1 FROM account k WHERE k.app_id = :app AND k.state <> 'gone'
        AND ({account}.missing_fields & {_IN_DOUBT} & ~k.missing_fields) <> 0"""
    return f"""(CASE WHEN ({account}.missing_fields & {_IN_DOUBT}) <> 0
            THEN NOT EXISTS ({reported_of_others}) ELSE true END
        AND ({account}.held_values IS NULL
        OR coalesce({account}.held_values ->> 'status', 'active') = 'active'
        AND coalesce({account}.held_values ->> 'kind', 'user') = 'user'
        AND ({account}.held_values ->> 'role' IS NULL OR {account}.held_values ->> 'role' IN ({PRIVILEGED}) OR EXISTS (
            SELECT 1 FROM json_each({account}.held_values ->> 'further_roles') h WHERE h.value IN ({PRIVILEGED})))))"""


# Whether the account `other` is known to administer the app, and can sign in there.
ADMINISTRATOR = f"""other.app_id = :app AND other.state = 'present' AND other.status = 'active'
    AND other.kind = 'user' AND {roles.can_administer("other")} AND {_no_doubt("other")}"""

# Who isn't counted differs on purpose. A check leaves out all that it wants to remove or demote, since one approval
# may cover them all. By hand, those whose demotion is under way are left out too: two requests must not each rely on
# the other. An approval and a task leave out one account: removals before it have had their effect by then, and a task
# asks the app itself about each that is left.


def left(without: str) -> str:
    """SELECT: the ids of the app's administrators but those `without` selects (none of them NULL)."""
    return f"SELECT other.id FROM account other WHERE {ADMINISTRATOR} AND other.id NOT IN ({without})"


def administrators_left(app: App, without: Collection[int] = (), known: Roles | None = None) -> list[int]:
    """The ids of the app's administrators but those `without`, the most recently active first.

    `known`: the app's roles, where more is known of them than at the last check.
    """
    rows = db.execute_sql(
        f"{roles.AS_KNOWN if known else ''} {left('SELECT CAST(value AS INTEGER) FROM json_each(:without)')} "
        "ORDER BY other.last_activity DESC NULLS LAST",
        {"app": app.id, "without": json.dumps(list(without)), "roles": known and known.as_json()}).fetchall()
    return [account_id for (account_id,) in rows]


def may_be_last(account_id: str) -> str:
    """Whether the account with this id (an expression) may administer the app: without others, it stays."""
    return f"EXISTS (SELECT 1 FROM account a WHERE a.id = {account_id} AND {roles.may_administer('a')})"


def why_last(account: str) -> str:
    """In words, why the account (an alias), which may administer the app, stays when nobody else is known to."""
    return roles.why_last(f"""(
        SELECT coalesce(nullif(r.label, ''), nullif(r.external_id, ''), 'owner') FROM role r
        WHERE r.app_id = :app AND r.privileged
            AND r.external_id IN (SELECT id FROM ({roles.held_at_worst(account)}) AS held)
        ORDER BY r.position, r.external_id LIMIT 1)""")
