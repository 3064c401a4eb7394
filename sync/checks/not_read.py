"""Assets whose people a reading could not read: the check keeps what is known of their access, and warns.
Someone who may be among these people must not look as if they had lost access."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.base import NotRead
from sync.db import db
from sync.models import App


def keep_known(app: App, parts: Iterable[NotRead]) -> list[str]:
    """Stage these assets and the known access to them, unless the reading has it; a warning for each asset."""
    warnings = []
    for part in parts:
        db.execute_sql(_KNOWN_ASSET, {"app": app.id, "asset": part.asset})
        db.execute_sql(_KNOWN_ACCESS, {"app": app.id, "asset": part.asset})
        warnings.append(f"Rollcall couldn't read who has access to the asset {part.asset}. The last known access is "
                        f"kept: {part.why}")  # fmt: skip
    return warnings


def nobody_is_gone(missing: int) -> list[str]:
    """A warning about the accounts that are missing from an incomplete list; none without any."""
    if not missing:
        return []
    return [f"Accounts missing from the app's list: {missing:,}. They are kept, because a part of the app could not be "
            "read."]  # fmt: skip


_KNOWN_ASSET = """
    INSERT INTO staged_asset (external_id, kind, name)
    SELECT t.external_id, t.kind, t.name FROM asset t WHERE t.app_id = :app AND t.external_id = :asset
    ON CONFLICT DO NOTHING
"""
_KNOWN_ACCESS = """
    INSERT INTO staged_access (account, asset, role, privileged, role_defaulted)
    SELECT a.external_id, t.external_id, x.role, x.privileged, FALSE FROM access x
    JOIN account a ON a.id = x.account_id AND a.state <> 'gone'
    JOIN asset t ON t.id = x.asset_id AND t.external_id = :asset
    WHERE x.app_id = :app ON CONFLICT DO NOTHING
"""
