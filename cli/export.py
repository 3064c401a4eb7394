"""`export access`: who has which account, role and access in every app now.
Accounts are sorted by app and name; each asset that an account can access has its own row."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from cli.frame import BY, moment, notice, opened
from sync import activity, roles
from sync.apps import lists
from sync.apps.access import accounts_everywhere, assets_of
from sync.db import utcnow, writing
from sync.files import cells
from sync.words import plural

COLUMNS = (
    "app", "connector", "account", "email", "name", "status", "role", "match", "person", "person_status",
    "last_activity", "asset", "asset_kind", "asset_role", "further_roles",
)  # fmt: skip


@click.group()
def export() -> None:
    """Export what Rollcall knows."""


@export.command()
@click.option("--format", "shape", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@opened
def access(shape: str) -> None:
    """Export who has what in every app, as of each app's last check."""
    with writing():
        activity.record(BY, "exported access", about="every app", why=f"as {shape.upper()}")
    end, rows = activity.head(), (dict(zip(COLUMNS, row)) for row in _rows())
    if shape == "json":
        click.echo(json.dumps({"at": moment(utcnow()), "activity": end, "access": list(rows)}, indent=2))
        return
    notice(f"Activity: {plural(end['entries'], 'entry', 'entries')}, head {end['head']}.")
    for line in cells.lines(COLUMNS, (row.values() for row in rows)):
        click.echo(line, nl=False)


def _rows() -> Iterator[tuple]:
    known = roles.of_apps(app.id for app in lists.connected())
    for account_id, *facts, match, email, person_status, last, app_id, role, further in accounts_everywhere():
        main, *others = known[app_id].labels_of((role, *further)) or [""]
        row = (*facts, main, match, email, person_status, moment(last))
        yield (*row, None, None, None, others)
        for asset in assets_of(account_id):
            yield (*row, *asset, others)
