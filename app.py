"""The front door: `create_app()` for the pages, and the command line.
`python app.py` serves pages, queue and schedule in one process."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from sync.config import Config


def create_app(config: Config) -> Flask:
    """The pages over an installation that `start.open_all` has opened."""
    from flask import Flask  # here, because most commands need no pages and start in half the time without them

    from web import create_pages

    app = Flask(__name__)
    create_pages(app, config)
    return app


if __name__ == "__main__":
    gc.disable()  # until the command's module is imported, as in cli.frame.nothing_is_garbage()
    from cli import command_line

    command_line(create_app)
