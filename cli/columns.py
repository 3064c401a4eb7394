"""`columns`: shows what is read from each column of a file, and what must be answered before it can be used.
`--mapping FILE.json` passes the answers to other commands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

import connectors
from cli.frame import answer, as_json, notice, table

if TYPE_CHECKING:
    from connectors import Proposal

PURPOSES = {"people": "directory", "directory": "directory", "import": "import", "app": "app"}


def _text(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it isn't text"
        raise click.BadParameter(f"{path} can't be read: {reason}.") from None


mapping = click.option("--mapping", type=click.Path(dir_okay=False, path_type=Path), callback=_text,
                       metavar="FILE.json", help="What the columns mean; `columns FILE --write FILE.json` creates it.")


def with_mapping(kind: type, values: dict[str, str], mapping: str | None) -> dict[str, str]:
    """The values of a connector's fields, plus the mapping. Raises UsageError if the connector reads no file."""
    if mapping is None:
        return values
    if not kind.file_purpose:
        raise click.UsageError(f"{kind.label} reads no file, so it takes no --mapping.")
    return values | {"mapping": mapping}


def show_unread(unread: Iterable[str], notes: Iterable[str]) -> None:
    """Name on standard error what was skipped."""
    for note in notes:
        notice(note)
    if unread := ", ".join(unread):
        notice(f"Columns that were not read: {unread}.")


write = click.option("--write", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.json",
                     help="Write the mapping and the open questions to this file, for editing.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--for", "purpose", type=click.Choice(list(PURPOSES)), default="people", show_default=True,
              help="For the whole company (people, directory), some people (import), or an app's export (app).")
@mapping
@write
@as_json
def columns(file: Path, purpose: str, mapping: str | None, write: Path | None, as_json: bool) -> None:
    """Show what is read from each column of FILE, and what must be answered first. Changes nothing."""
    show_proposal(connectors.propose(connectors.file_content(file), PURPOSES[purpose], mapping or ""), write, as_json)


def show_proposal(proposal: Proposal, write: Path | None, as_json: bool) -> None:
    """Print what is understood and what is open, and write them to a mapping file."""
    if write:
        write.write_text(with_open_questions(proposal), encoding="utf-8")
        notice(f"{write} has the mapping. Answer its open questions, then pass it as --mapping {write}.")
    answer(document(proposal), _lines(proposal), as_json)


def document(proposal: Proposal) -> dict:
    """The proposal as JSON."""
    return {
        "for": proposal.purpose, "recognised": proposal.preset or None, "rows": proposal.row_count,
        "header_line": proposal.header_line, "encoding": proposal.encoding, "separator": proposal.separator,
        "columns": [
            {"header": column.header, "meaning": column.meaning, "said": column.decided,
             "samples": list(column.samples),
             "values": [{"value": seen.value, "rows": seen.count, "means": seen.means, "certain": seen.certain}
                        for seen in column.values]}
            for column in proposal.columns
        ],
        "unread": list(proposal.unread), "notes": list(proposal.notes), "questions": questions(proposal),
        "refused": [{"line": line, "reason": reason} for line, reason in proposal.refused],
        "may_be_applied": proposal.may_be_applied, "mapping": json.loads(proposal.settled()),
    }  # fmt: skip


def questions(proposal: Proposal) -> list[dict]:
    """Each open question, with the place of its answer in the mapping."""
    return [{"question": asked.text, "answer_in": " → ".join(asked.place), "guess": asked.guess or None,
             "answers": {choice.answer: choice.label for choice in asked.choices}} for asked in proposal.questions]


def with_open_questions(proposal: Proposal) -> str:
    """A mapping for editing: the known answers, and in "open" the questions without one. "open" is never read."""
    document = json.loads(proposal.settled()) | {"open": questions(proposal)}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _lines(proposal: Proposal) -> list[str]:
    rows = [(column.header, column.meaning or "not read", ", ".join(column.samples)) for column in proposal.columns]
    lines = table([("COLUMN", "READ AS", "FOR EXAMPLE"), *rows]) if rows else []
    if proposal.preset:
        lines.insert(0, f"It looks like {proposal.preset}.")
    for column in proposal.columns:
        lines += [f"{column.header}: {seen.value or '(empty)'} → {seen.means if seen.certain else 'to be answered'}"
                  for seen in column.values]  # fmt: skip
    lines += [*proposal.notes, *(reason for _line, reason in proposal.refused)]
    for asked in proposal.questions:
        lines += [f"? {asked.text}", *(f"    {choice.answer}: {choice.label}" for choice in asked.choices),
                  f"    in the mapping: {' → '.join(asked.place)}"]
    return [*lines, "It can be used as it is." if proposal.may_be_applied else "It can't be used yet."]
