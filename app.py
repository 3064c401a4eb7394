"""The front door: `create_app()` for the pages, and the command line.
`python app.py` serves pages, queue and schedule in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import command_line
from sync.config import Config

if TYPE_CHECKING:
    from flask import Flask


def create_app(config: Config) -> Flask:
    """The pages over an installation that `start.open_all` has opened."""
    from flask import Flask  # here, because most commands need no pages and start in half the time without them

    from web import create_pages

    app = Flask(__name__)
    create_pages(app, config)
    return app


if __name__ == "__main__":
    command_line(create_app)
