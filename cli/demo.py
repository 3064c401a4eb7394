"""`demo`: runs the sample company, its sample apps, and a Rollcall connected to them, until Ctrl+C."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from cli.frame import Failed
from cli.serve import serve_all
from demo import run

HOME = Path(run.__file__).with_name("data")
LISTEN = "127.0.0.1:8000"


@click.command()
@click.option("--reset", is_flag=True, help="Start the demo over.")
@click.option("--browser/--no-browser", default=False, help="Open the link in a browser.")
@click.pass_obj
def demo(create_app, reset: bool, browser: bool) -> None:
    """Run Rollcall with a sample company and two sample apps, all on this machine."""
    home = os.environ.get("ROLLCALL_HOME") or HOME
    listen = os.environ.get("ROLLCALL_LISTEN") or LISTEN
    try:
        run.demo(home, listen, browser, partial(serve_all, create_app), reset)
    except run.DemoProblem as problem:
        raise Failed(str(problem)) from problem
