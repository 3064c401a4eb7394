"""Which account Rollcall acts with in an app, and what it may do there: asked again before each reading.
An app whose list is open to everyone must not look healthy with a credential that has ended.
"""

from __future__ import annotations

from connectors.base import Identity
from sync import activity
from sync.apps import apps
from sync.db import writing
from sync.models import App


def note(app: App, identity: Identity) -> list[str]:
    """Store at once what a test of the credential found, because protection depends on it. Returns warnings about what
    is new.

    Nothing is stored if the credential was replaced during the test.
    """
    with writing():
        now = App.get_by_id(app.id)
        if not now.is_reached_as(app):
            return []
        warnings = []
        found = apps.found(identity)
        # If it isn't returned, it hasn't changed.
        found["automation_external_id"] = identity.external_id or now.automation_external_id
        if now.automation_external_id not in (None, found["automation_external_id"]):
            warnings.append(_another(now, identity))
        lacked = set(map(_ability, now.missing_permissions or ()))
        lost = [lack for lack in identity.missing if _ability(lack) not in lacked]
        if lost and now.tested_at is not None:
            warnings.append(_lost(now, lost))
        App.update(found).where(App.id == app.id).execute()
        return warnings


def _ability(lack: str) -> str:
    """What can't be done, without the reason, which may be worded differently each day (see Identity.missing)."""
    return lack.partition(":")[0]


def _another(app: App, identity: Identity) -> str:
    activity.record("Rollcall", "acts as another account", about=app.name, before=app.automation_name,
                    after=identity.name,
                    why="The credential was tested before a check", app=app)  # fmt: skip
    return (f"Rollcall now acts as {identity.name}, no longer as {app.automation_name}: the new account is protected "
            "instead.")  # fmt: skip


def _lost(app: App, lost: list[str]) -> str:
    words = " ".join(f"{lack.rstrip('.')}." for lack in lost)
    activity.record("Rollcall", "credential lost permissions", about=app.name, after=words, app=app)
    return f"The credential lacks something now: {words}"
