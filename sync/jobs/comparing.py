"""Asks for apps' last readings to be compared again, because someone has left or is back: the app itself isn't called.
The app's row says so, in the transaction that changed the person. A kill loses only the wake-up, not the row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta

from sync.db import db, utcnow
from sync.jobs import queue
from sync.states import CONNECTED, texts

JOB = "compare"
PAUSE = timedelta(seconds=10)  # so that others who leave at the same time are part of the same e-mail
_ASK = f"""
    UPDATE app SET compare_at = :due
    WHERE state IN ({texts(CONNECTED)}) AND last_check_at IS NOT NULL AND (compare_at IS NULL OR compare_at > :due)
"""
# Apps in which they have an account, and those whose group rules may have something for them.
_OF_PEOPLE = """
    SELECT a.app_id FROM account a WHERE a.state <> 'gone'
      AND a.person_id IN (SELECT CAST(value AS INTEGER) FROM json_each(:ids))
    UNION SELECT app_id FROM group_rule UNION SELECT app_id FROM assignment
"""


def apps_of(person_ids: Iterable[int]) -> None:
    """Compare the connected apps of these people within a minute. Inside the caller's transaction."""
    if ids := sorted(set(person_ids)):
        _ask(f"{_ASK} AND id IN ({_OF_PEOPLE})", ids, PAUSE)


def app(app_id: int) -> None:
    """Compare this app now. Inside the caller's transaction."""
    _ask(f"{_ASK} AND id IN (SELECT CAST(value AS INTEGER) FROM json_each(:ids))", [app_id], timedelta())


def _ask(statement: str, ids: list[int], pause: timedelta) -> None:
    values = {"ids": json.dumps(ids), "due": str(utcnow() + pause)}
    if db.execute_sql(statement, values).rowcount:
        queue.wake_job(JOB, pause.total_seconds())
