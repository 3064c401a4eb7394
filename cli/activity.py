"""`activity`: the log of everything that happened, and a proof that nobody changed it."""

from __future__ import annotations

from dataclasses import replace

import click

from cli.frame import DONE, FAILED, answer, as_json, end, moment, notice, opened
from sync import activity as core
from sync.activity_words import in_words
from sync.apps import lists
from sync.models import Activity
from sync.words import plural

LIMIT = 50


@click.command()
@click.option("--app", "name", metavar="NAME", help="Show this app only.")
@click.option("--limit", default=LIMIT, show_default=True, help="Show this many of the latest entries.")
@click.option("--verify", is_flag=True, help="Verify the whole chain of seals instead.")
@click.option("--head", metavar="END", help="With --verify: find the head END that a backup or export printed.")
@as_json
@opened
def activity(name: str | None, limit: int, verify: bool, head: str | None, as_json: bool) -> None:
    """Show what happened, latest first."""
    if head and not verify:
        raise click.UsageError("--head needs --verify.")
    if verify:
        _verify(head, as_json)
    entries = core.entries(app=lists.named(name) if name else None, limit=limit)
    answer({"entries": [_document(entry) for entry in entries]}, [_line(entry) for entry in entries], as_json)


def _verify(head: str | None, as_json: bool) -> None:
    found = core.verify()
    place = core.place_of(head.strip().lower()) if head and found.ok else None
    if head and found.ok and place is None:
        why = ("the log never had this head, or was sealed with another key then. Entries were cut off or "
               "rewritten, or the head belongs to another workspace")
        found = replace(found, ok=False, why=why)
    unchanged = f"{plural(found.entries, 'entry is', 'entries are')} unchanged"
    if found.ok and head:
        outcome = f"{unchanged}, and the first {place:,} end with this head."
    elif found.ok:
        outcome = f"{unchanged}."
    else:
        outcome = f"Broken: {fault_in_words(found)}. Compare the database with a backup."
    document = {"ok": found.ok, "entries": found.entries, "broken_at": found.broken_at, "head": found.head,
                "why": found.why or None, **({"entries_at_head": place} if head else {})}
    if found.ok or as_json:
        answer(document, [outcome, f"Its head: {found.head}"], as_json)
    if not found.ok:
        notice(outcome)
    end(DONE if found.ok else FAILED)


def fault_in_words(found: core.Verification) -> str:
    """What is wrong with the log, in words."""
    return found.why or f"entry {found.broken_at} was changed, or one before it is missing"


def _document(entry: Activity) -> dict:
    return {
        "id": entry.id, "at": moment(entry.at), "who": entry.who, "what": entry.what, "about": entry.about,
        "why": entry.why, "before": entry.before, "after": entry.after, "app": entry.app and entry.app.name,
        "report": entry.report_id,
    }  # fmt: skip


def _line(entry: Activity) -> str:
    between = " → ".join(filter(None, (entry.before, entry.after)))
    app = entry.app.name if entry.app and entry.app.name != entry.about else ""
    parts = (moment(entry.at), entry.who, in_words(entry.what), entry.about, app, between, entry.why)
    return "  ".join(filter(None, parts))
