"""The command line: `python app.py COMMAND`, one file per area. It calls sync/ and prints; it contains no rules.
app.py passes `create_app` in, so nothing here imports the pages."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

import click

from cli.frame import KNOWN, Failed, nothing_is_garbage
from connectors.base import ColumnsUnclear
from sync import faults
from sync.config import Config
from sync.db import WRITABLE, DatabaseError
from sync.people.importing import ImportUnclear

if TYPE_CHECKING:
    from flask import Flask

COMMANDS = {  # command → its module, imported on demand: scripts call many commands in a row
    "serve": "serve",
    "web": "serve",
    "worker": "serve",
    "demo": "demo",
    "setup": "people",
    "people": "people",
    "columns": "columns",
    "directory": "directories",
    "connectors": "connectors",
    "apps": "apps",
    "check": "checks",
    "report": "reports",
    "release": "reports",
    "finish": "reports",
    "tasks": "tasks",
    "activity": "activity",
    "export": "export",
    "backup": "backup",
    "restore": "backup",
    "withdraw": "backup",
    "move": "move",
    "doctor": "doctor",
}


class Commands(click.Group):
    """The top of the command line: it prints a known error as a sentence and exits with code 1."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        with nothing_is_garbage():
            return getattr(import_module(f"cli.{COMMANDS[name]}"), name)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (ColumnsUnclear, ImportUnclear) as problem:
            more = "The command `columns` shows every open question; --write FILE.json creates a mapping file."
            raise Failed(f"{problem} {more}") from problem
        except KNOWN as problem:
            raise Failed(str(problem)) from problem
        except click.ClickException:
            raise  # its message already says what is wrong
        except Exception as problem:
            if fault := faults.of(problem):
                raise Failed(f"{fault.text} Unfinished work was not done.") from problem
            if isinstance(problem, DatabaseError):
                raise Failed(f"The database refused: {problem}. Unfinished work was not done.") from problem
            if isinstance(problem, (UnicodeDecodeError, JSONDecodeError)):  # from a column of the database
                raise Failed(f"{faults.DAMAGED.text} Unfinished work was not done.") from problem
            if isinstance(problem, OSError) and problem.filename:
                raise Failed(f"{problem.filename}: {problem.strerror}. Nothing else was done. {WRITABLE}") from problem
            raise


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def rollcall(context: click.Context) -> None:
    """Rollcall keeps a team's paid apps honest. Without a command, it serves pages, queue and schedule in one process.

    ROLLCALL_HOME and the other variables in the README say where its files are.
    """
    if context.invoked_subcommand is None:
        context.invoke(rollcall.get_command(context, "serve"))


def command_line(create_app: Callable[[Config], Flask]) -> None:
    """Run the command from the process's arguments, and exit with its exit code."""
    rollcall(obj=create_app, prog_name="rollcall")
