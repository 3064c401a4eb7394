"""`export access`: who has which account, role and access in every app now.
Accounts are sorted by app and name; each asset that an account can access has its own row."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator

import click

from cli.frame import BY, moment, opened, tell
from sync import activity, roles
from sync.apps import lists
from sync.apps.access import accounts_everywhere, assets_of
from sync.db import utcnow, writing

COLUMNS = (
    "app", "connector", "account", "email", "name", "status", "role", "match", "person", "person_status",
    "last_activity", "asset", "asset_kind", "asset_role", "further_roles",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would execute a text that begins with one of these


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
    tell(f"Activity: {end['entries']:,} entries, head {end['head']}.")
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\r\n")  # RFC 4180
    writer.writeheader()
    writer.writerows({name: _harmless(_in_a_cell(cell)) for name, cell in row.items()} for row in rows)


def _rows() -> Iterator[tuple]:
    known = roles.of_apps(app.id for app in lists.connected())
    for account_id, *told, match, email, person_status, last, app_id, role, further in accounts_everywhere():
        main, *others = known[app_id].told((role, *further)) or [""]
        seat = (*told, main, match, email, person_status, moment(last))
        yield (*seat, None, None, None, others)
        for asset in assets_of(account_id):
            yield (*seat, *asset, others)


def _in_a_cell(value: str | list[str] | None) -> str | None:
    return "; ".join(value) if isinstance(value, list) else value


def _harmless(cell: str | None) -> str | None:
    return f"'{cell}" if cell and cell.startswith(FORMULA) else cell
