"""The addresses that url_for() builds in many steps: the same one is built once in a process.
The frame of each page has 30 of them."""

from __future__ import annotations

from typing import Any

from flask import Flask, has_request_context
from flask.globals import request_ctx

MOST, LONGEST = 4000, 100  # addresses that are kept, and characters of one: browsers send more than we want to keep
SIMPLE = frozenset({str, int, type(None)})  # two values of one of these types have the same address if they are equal


def install(app: Flask) -> None:
    """Takes the place of the app's url_for(), which flask.url_for() and templates call."""
    build, built = app.url_for, {}

    def url_for(endpoint: str, **values: Any) -> str:
        kinds = tuple(map(type, values.values()))
        get = values.get
        whole = get("_external") is not None or get("_scheme") is not None  # with a host, which the browser names
        if whole or endpoint[:1] == "." or not SIMPLE.issuperset(kinds) or not has_request_context():
            return build(endpoint, **values)
        # The path where the app is mounted, and the method, which chooses between several addresses of a view.
        here = request_ctx.url_adapter
        key = (here.script_name, here.default_method, endpoint, kinds, *values.items())
        address = built.get(key)
        if address is None:
            address = build(endpoint, **values)
            if len(address) <= LONGEST:
                if len(built) >= MOST:
                    built.clear()
                built[key] = address
        return address

    app.url_for = app.jinja_env.globals["url_for"] = url_for
