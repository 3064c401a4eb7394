"""The floor of a page: a bare Flask route that asks the same SQL and writes the same rows as a table, compressed alike.
It opens a connection for each request, as Flask's documentation does, signs nobody in, and has no navigation, words or
links."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask_compress import Compress

from sync.db import db

PAGE = """<!doctype html><title>Rows</title>{% for rows in tables %}<table>{% for row in rows %}<tr>
{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>{% endfor %}"""


def bare_page(queries: Sequence[tuple[str, Sequence]]) -> FlaskClient:
    """A client of an app whose only page, `/`, runs these queries (SQL, values) in the open installation."""
    app = Flask(__name__)
    Compress(app)

    @app.get("/")
    def show() -> str:
        with closing(sqlite3.connect(db.database)) as connection:
            tables = [connection.execute(sql, values or ()).fetchall() for sql, values in queries]
        return render_template_string(PAGE, tables=tables)

    return app.test_client()
