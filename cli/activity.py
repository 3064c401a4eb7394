"""`activity`: the log of all that happened, and whether anybody changed it."""

from __future__ import annotations

import click

from cli.apps import known
from cli.frame import DONE, FAILED, answer, as_json, end, moment, opened, tell
from sync import activity as core
from sync.models import Activity

LIMIT = 50


@click.command()
@click.option("--app", "name", metavar="NAME", help="Of this app only.")
@click.option("--limit", default=LIMIT, show_default=True, help="The latest so many.")
@click.option("--verify", is_flag=True, help="Walk the whole chain of seals instead.")
@as_json
@opened
def activity(name: str | None, limit: int, verify: bool, as_json: bool) -> None:
    """What happened, the latest first."""
    if verify:
        _verify(as_json)
    entries = core.entries(app=known(name) if name else None, limit=limit)
    answer({"entries": [_document(entry) for entry in entries]}, [_line(entry) for entry in entries], as_json)


def _verify(as_json: bool) -> None:
    found = core.verify()
    if found.ok:
        told = f"All {found.entries:,} entries are as they were written."
    else:
        told = f"Broken: {in_words(found)}."
    document = {"ok": found.ok, "entries": found.entries, "broken_at": found.broken_at, "head": found.head,
                "why": found.why or None}
    answer(document, [told, *([f"Its end: {found.head}"] if found.ok else [])], as_json)
    if not found.ok:
        tell(f"{told} Somebody changed the file without Rollcall: compare it with a backup.")
    end(DONE if found.ok else FAILED)


def in_words(found: core.Verification) -> str:
    """What is wrong with the log."""
    return found.why or f"entry {found.broken_at} is not as it was written, or one before it is missing"


def _document(entry: Activity) -> dict:
    return {
        "id": entry.id, "at": moment(entry.at), "who": entry.who, "what": entry.what, "about": entry.about,
        "why": entry.why, "before": entry.before, "after": entry.after, "app": entry.app and entry.app.name,
        "report": entry.report_id,
    }  # fmt: skip


def _line(entry: Activity) -> str:
    between = " → ".join(filter(None, (entry.before, entry.after)))
    app = entry.app.name if entry.app and entry.app.name != entry.about else ""
    return "  ".join(filter(None, (moment(entry.at), entry.who, entry.what, entry.about, app, between, entry.why)))
