"""An asset that is gone, and access that no longer exists, leave what Rollcall knows.
Inside the caller's transaction."""

from __future__ import annotations

from sync.db import db


def drop_asset(asset_id: int) -> None:
    db.execute_sql("UPDATE asset SET state = 'gone' WHERE id = ?", (asset_id,))
    db.execute_sql("DELETE FROM access WHERE asset_id = ?", (asset_id,))


def drop(account_id: int, asset_id: int) -> None:
    db.execute_sql("DELETE FROM access WHERE account_id = ? AND asset_id = ?", (account_id, asset_id))
