"""The daily checks of an installation's past, for measurements and tests of pages: most of them found nothing."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import timedelta

from sync.db import db, utcnow


def add_checks(app_ids: Collection[int], since: int, until: int, accounts: int) -> None:
    """A check of each app on each day from `since` to `until` - 1 days ago, the longest ago first; one of ten found a
    new user. Inside the caller's transaction."""
    moments = [str(utcnow() - timedelta(days=days)) for days in range(until - 1, since - 1, -1)]
    db.execute_sql(
        """
        INSERT INTO app_check (app_id, "trigger", started_by, state, phase, items_read, attempts, next_at, cancel_asked,
            created_at, finished_at, accounts, counts, applied, waiting, held)
        SELECT a.value, 'daily', 'schedule', 'succeeded', 'waiting', :accounts, 0, d.value, 0, d.value, d.value,
            :accounts, CASE WHEN (a.value + d.key) % 10 THEN '{}' ELSE '{"new_users":1}' END, 0, 0, 0
        FROM json_each(:days) d, json_each(:apps) a
        """,
        {"apps": json.dumps(list(app_ids)), "days": json.dumps(moments), "accounts": accounts},
    )
