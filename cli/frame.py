"""Shared by all commands: opening the installation, printing an answer, ending with an error.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done and a report waits."""

from __future__ import annotations

import functools
import gc
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import click

from cli.locks import InUse, in_use, is_served
from connectors.base import ConnectorError
from sync import config, faults, moving, restored, start
from sync.config import Config
from sync.db import DatabaseRefused, db
from sync.directory import directories
from sync.jobs import queue
from sync.mail import outbox
from sync.people import people
from sync.problems import AppProblem, Overtaken
from sync.rank import Asker, NotAllowed
from sync.reports import reports
from sync.safety.successors import SuccessorProblem
from sync.tasks import tasks
from sync.vault import VaultProblem
from sync.workspace import WorkspaceProblem

BY = Asker.command_line()
DONE, FAILED, REPORT_WAITS = 0, 1, 3
KNOWN = (
    AppProblem, config.BadSetting, ConnectorError, DatabaseRefused, directories.DirectoryProblem, InUse,
    moving.MoveProblem, NotAllowed, Overtaken, people.PeopleProblem, reports.ReportProblem, SuccessorProblem,
    tasks.TaskProblem, VaultProblem, WorkspaceProblem,
)  # fmt: skip


class Failed(click.ClickException):
    """The command failed; the text is a sentence for standard error."""

    exit_code = FAILED

    def show(self, file: Any = None) -> None:
        notice(self.message)


@contextmanager
def nothing_is_garbage() -> Iterator[None]:
    """In this block, modules are imported. What it makes stays: no search for garbage walks through it, neither now nor
    later, nor the one that Python makes at its end."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def installation() -> Iterator[Config]:
    """Opens the installation in ROLLCALL_HOME and connects to it. A restore has to wait until the block ends."""
    settings = Config.from_environ()
    with in_use(settings):
        start.connect_all(settings)
        with closing(db):
            try:
                yield settings
            finally:
                with faults.tolerated():
                    restored.look()


def opened(command: Callable) -> Callable:
    """Decorates a command that needs an open installation."""

    @functools.wraps(command)
    def inside(*arguments: Any, **values: Any) -> Any:
        with installation():
            return command(*arguments, **values)

    return inside


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


def notice(text: str) -> None:
    """Print progress or an error on standard error."""
    click.echo(text, err=True)


def answer(document: dict, lines: list[str], as_json: bool) -> None:
    """Print the result: the document as JSON, or the lines for a person."""
    click.echo(json.dumps(document, indent=2) if as_json else "\n".join(lines))


def end(code: int) -> None:
    click.get_current_context().exit(code)


def moment(when: datetime | None) -> str | None:
    """A naive UTC time in the form for JSON and CSV: 2026-11-24T09:30:00Z."""
    return when and f"{when.isoformat(timespec='seconds')}Z"


def table(rows: list[tuple]) -> list[str]:
    """The rows as lines with aligned columns. The first row is the header."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]


def send_mails(settings: Config | None = None) -> None:
    """Send this command's e-mails now: without a server they would wait for the next start."""
    if outbox.can_send() and not is_served(settings or Config.from_environ()):
        queue.drain(("mail",))
