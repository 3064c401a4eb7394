"""Static files: their address carries a hash of their content, so a browser may keep them for a year.
A file that changes has a new address; nothing is ever stale."""

from __future__ import annotations

import hashlib
import posixpath
from functools import cache
from pathlib import Path

from flask import Flask, Response, g, request, url_for

YEAR = 365 * 24 * 3600


def install(app: Flask) -> None:
    folder = Path(app.static_folder)

    @cache
    def content_hash(filename: str) -> str:
        path = folder / filename
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""

    @app.url_defaults
    def add_hash(endpoint: str, values: dict) -> None:
        if endpoint == "static" and "v" not in values:
            values["v"] = content_hash(values["filename"])

    app.jinja_env.globals.update(icons=icons, logo_address=logo_address)

    @app.after_request
    def keep(answer: Response) -> Response:
        if request.endpoint == "static" and answer.status_code == 200:
            name = request.view_args["filename"]
            plain = name == posixpath.normpath(name)  # or each of a/../x, a/../a/../x, … would be remembered for ever
            if plain and request.args.get("v") == content_hash(name):
                answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
            else:
                answer.headers["Cache-Control"] = "no-cache"
        return answer


def icons() -> str:
    """The address of the icons. It is built once in a request, not for each of a thousand icons."""
    if "icons" not in g:
        g.icons = url_for("static", filename="icons.svg")
    return g.icons


def logo_address(logo: str) -> str:
    """The address of a logo, a file in static/logos. It is built once in a request, not for each app."""
    built = g.setdefault("logos", {})
    if logo not in built:
        built[logo] = url_for("static", filename=f"logos/{logo}")
    return built[logo]
