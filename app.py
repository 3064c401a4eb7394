"""The front door: `create_app()` for the pages, and the command line.
`python app.py` serves pages, queue and schedule in one process."""

from __future__ import annotations

from flask import Flask

from cli import command_line
from sync.config import Config
from web import create_pages


def create_app(config: Config) -> Flask:
    """The pages over an installation that `config.open_all` has opened."""
    app = Flask(__name__)
    create_pages(app, config)
    return app


if __name__ == "__main__":
    command_line(create_app)
