"""The command line: `python app.py COMMAND`, one file an area. It asks sync/ and prints; no rule lives here.
app.py hands it `create_app`, so that nothing here knows the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cli import activity, apps, backup, checks, connectors, demo, directories, doctor, export, people, reports, tasks
from cli import serve as serving
from cli.frame import rollcall
from sync.config import Config

if TYPE_CHECKING:
    from flask import Flask

for command in (
    serving.serve, serving.web, serving.worker, demo.demo, people.setup, people.people, directories.directory,
    connectors.connectors, apps.apps, checks.check, reports.report, reports.release, reports.finish, tasks.tasks,
    activity.activity, export.export, backup.backup, backup.restore, doctor.doctor,
):  # fmt: skip
    rollcall.add_command(command)


def command_line(create_app: Callable[[Config], Flask]) -> None:
    """Run the command that the process was started with, and end the process with its exit code."""
    rollcall(obj=create_app, prog_name="rollcall")
