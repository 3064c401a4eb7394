"""Accounts of which nobody can say that they aren't a leaver's, although none is matched to anyone who has left.
While an app has one, it isn't up to date. A decision by hand about the account, or a release, settles it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from sync.db import db
from sync.matching import vouching
from sync.matching.members import REMOVED_BY_SUSPENDING
from sync.models import entry_is_held
from sync.once import once
from sync.states import CONNECTED, texts
from sync.unchanged import while_unchanged

_IS_HERE = f"""a.state = 'present' AND app.state IN ({texts(CONNECTED)})
    AND NOT {REMOVED_BY_SUSPENDING}"""
# Of someone who ranks above, a directory doesn't decide (vouching.py): its word that they are here doesn't settle what
# one says that may change them. `o` has them; `e` says that they have left.
_MAY_NOT_DECIDE = f"""p.workspace_role IS NOT NULL AND {vouching.sql_above("o.directory_id", "p.workspace_role")}
                AND NOT {vouching.sql_above("e.directory_id", "p.workspace_role")}"""
_NO_DIRECTORY_HAS_THEM = f"""NOT EXISTS (
            SELECT 1 FROM directory_entry o WHERE o.person_id = p.id AND o.reported_status <> 'deprovisioned'
                AND NOT ({_MAY_NOT_DECIDE}))"""
# A directory says that they have left, and a guard holds that; or a decision by hand wins that is from before then. Or
# only directories that may not change them have them. Or an imported list says so, and they rank above the person who
# imported it; or a directory did until it was removed.
_HELD = f"""
    SELECT p.id FROM directory_entry e CROSS JOIN person p ON p.id = e.person_id
    WHERE {entry_is_held('e')} AND e.reported_status = 'deprovisioned' AND p.status <> 'deprovisioned'
        AND p.status_by_hand IS NULL AND {_NO_DIRECTORY_HAS_THEM}
    UNION
    SELECT p.id FROM person p
    WHERE p.workspace_role IS NOT NULL AND p.status_by_hand IS NULL AND p.status <> 'deprovisioned' AND EXISTS (
            SELECT 1 FROM directory_entry e
            WHERE e.person_id = p.id AND e.reported_status = 'deprovisioned' AND {_NO_DIRECTORY_HAS_THEM})
    UNION
    SELECT p.id FROM person p
    WHERE p.status_by_hand IS NOT NULL AND p.status_by_hand <> 'deprovisioned' AND p.status <> 'deprovisioned'
        AND EXISTS (
            SELECT 1 FROM directory_entry e WHERE e.person_id = p.id AND e.reported_at > p.status_since
                AND e.reported_status = 'deprovisioned' AND {_NO_DIRECTORY_HAS_THEM})
    UNION
    SELECT p.id FROM held_change h CROSS JOIN person p ON p.id = h.person_id
    WHERE h.state = 'open' AND h.field = 'status' AND h.value = 'deprovisioned' AND p.status <> 'deprovisioned'
"""
_IS_HELD = f"""
    SELECT a.id FROM account a CROSS JOIN app ON app.id = a.app_id
    WHERE a.person_id IN ({_HELD}) AND a.match_kind = 'matched' AND {_IS_HERE}
"""
_HAS_LEFT = f"(p.status = 'deprovisioned' OR p.id IN ({_HELD}))"
# A held departure is as old as what says so last.
_LEFT_AT = """CASE WHEN p.status = 'deprovisioned' THEN p.status_since ELSE (
            SELECT max(said.at) FROM (
                SELECT o.reported_at AS at FROM directory_entry o
                WHERE o.person_id = p.id AND o.reported_status = 'deprovisioned'
                UNION ALL
                SELECT h.created_at FROM held_change h
                WHERE h.person_id = p.id AND h.state = 'open' AND h.field = 'status' AND h.value = 'deprovisioned'
            ) AS said) END"""
# It was matched to someone who has left, until their address became someone else's, or the account got another e-mail
# there, or became one of the app's own.
_WAS_A_LEAVERS = f"""
    SELECT a.id FROM account a CROSS JOIN app ON app.id = a.app_id CROSS JOIN person p ON p.id = a.former_person_id
    WHERE a.former_person_id IS NOT NULL AND a.match_kind IN ('unmatched', 'service account') AND NOT a.match_by_hand
        AND {_HAS_LEFT} AND {_IS_HERE}
"""
# Someone who has left has its address, and a directory gives that to someone else too.
_IS_DISPUTED = f"""
    SELECT a.id FROM person_email e CROSS JOIN person p ON p.id = e.person_id CROSS JOIN app
    CROSS JOIN account a ON a.app_id = app.id AND a.email_key = e.email_key
    WHERE e.disputed AND {_HAS_LEFT} AND a.match_kind = 'unmatched' AND NOT a.match_by_hand
        AND {_IS_HERE}
"""
# Someone marked it as a guest's or a service's, say, before the person left who has its address, or had it until it
# became someone else's.
_WAS_DECIDED_BEFORE = f"""
    SELECT a.id FROM account a CROSS JOIN app ON app.id = a.app_id CROSS JOIN person p ON p.id IN (
        (SELECT e.person_id FROM person_email e WHERE e.email_key = a.email_key),
        CASE WHEN a.moved_email_key = a.email_key THEN a.former_person_id END)
    WHERE a.match_by_hand AND a.match_kind <> 'matched' AND {_HAS_LEFT}
        AND NOT EXISTS (SELECT 1 FROM match_decision d
            WHERE d.account_id = a.id AND d.undone_at IS NULL AND d.made_at >= {_LEFT_AT})
        AND {_IS_HERE}
"""
# Its address is that of someone who has left, with a tag: ana+test@acme.example is in ana@acme.example's mailbox, if
# the server of the domain knows tags.
_HAS_A_TAG = f"""
    SELECT a.id FROM account a CROSS JOIN app ON app.id = a.app_id CROSS JOIN person_email e
        ON e.email_key = substr(a.email_key, 1, instr(a.email_key, '+') - 1)
            || substr(a.email_key, instr(a.email_key, '@'))
    CROSS JOIN person p ON p.id = e.person_id
    WHERE a.match_kind = 'unmatched' AND a.email_key LIKE '%+%' AND NOT a.match_by_hand
        AND {_HAS_LEFT} AND {_IS_HERE}
"""
# The person who is responsible for a service account has left, and may still use it.
_HAS_NO_ONE_RESPONSIBLE = f"""
    SELECT a.id FROM account a CROSS JOIN app ON app.id = a.app_id CROSS JOIN person p ON p.id = a.person_id
    WHERE a.match_by_hand AND a.match_kind <> 'matched' AND a.match_kind = 'service account'
        AND {_HAS_LEFT} AND {_IS_HERE}
"""
_IS_DOUBTFUL = f"""{_WAS_A_LEAVERS} UNION {_IS_DISPUTED} UNION {_WAS_DECIDED_BEFORE}
                UNION {_HAS_A_TAG} UNION {_HAS_NO_ONE_RESPONSIBLE}"""


def held_leavers() -> set[int]:
    """The ids of the people who have left by a directory or a list, but count as here."""
    return {id for (id,) in db.execute_sql(_HELD).fetchall()}


class Numbers(NamedTuple):
    """How many accounts of an app may be a leaver's, and the name of one; how many people with an account in it have
    left by a directory, but count as here, and the name of one."""

    accounts: int = 0
    name: str = ""
    held_people: int = 0
    held_name: str = ""


@once
@while_unchanged
def numbers() -> dict[int, Numbers]:
    """Of all connected apps that have any, by app id. One query for all that a page asks."""
    rows = db.execute_sql(f"""
        SELECT a.app_id, count(*) FILTER (WHERE NOT found.held),
            coalesce(min(CASE WHEN NOT found.held
                THEN coalesce(nullif(a.name, ''), nullif(a.email, ''), a.external_id) END), ''),
            count(DISTINCT CASE WHEN found.held THEN a.person_id END),
            coalesce(min(CASE WHEN found.held THEN coalesce(nullif(p.name, ''), nullif(a.email, ''), a.name) END), '')
        FROM (
            SELECT id, FALSE AS held
            FROM ({_IS_DOUBTFUL}) AS doubtful
            UNION ALL SELECT id, TRUE FROM ({_IS_HELD}) AS held_back
        ) AS found CROSS JOIN account a ON a.id = found.id LEFT JOIN person p ON p.id = a.person_id
        GROUP BY a.app_id""").fetchall()
    return {app_id: Numbers(*found) for app_id, *found in rows}


def of_app(app_id: int) -> set[int]:
    """The ids of the accounts of this app that may be a leaver's: those that numbers() counts."""
    rows = db.execute_sql(f"SELECT d.id FROM ({_IS_DOUBTFUL}) AS d JOIN account ON account.id = d.id "
                          "WHERE account.app_id = ?", (app_id,)).fetchall()  # fmt: skip
    return {id for (id,) in rows}


def to_decide_again(account_ids: Iterable[int]) -> set[int]:
    """Those of these accounts about which someone decided before the person who has their address left."""
    rows = db.execute_sql(f"{_WAS_DECIDED_BEFORE} AND a.id IN (SELECT CAST(value AS INTEGER) FROM json_each(:ids))",
                          {"ids": json.dumps(list(account_ids))}).fetchall()  # fmt: skip
    return {id for (id,) in rows}
