"""The pages: reads the request, asks sync/, renders. No rule lives here.
One blueprint an area, named in AREAS; each view carries a permission (web/permissions.py).

Addresses are resources, never verbs: an action is a resource that is created or deleted
(`POST /people/7/departure`, `DELETE /people/7/departure`). A form can only POST, so the one way
for the other methods is a POST to the address with `?_method=DELETE` (or PUT, PATCH), which
MethodOverride turns into that method before Flask sees it; the macro `form_to` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from urllib.parse import parse_qs

from flask import Flask
from htmx_flask import Htmx
from werkzeug.routing import IntegerConverter, Map, PathConverter

from sync.config import Config
from web import (
    behind_proxy,
    components,
    compression,
    errors,
    files,
    frame,
    member_operations,
    member_view,
    quick_addresses,
    quick_calls,
    repeated,
    row_addresses,
    security,
    task_view,
    theme,
    words,
)
from web.answers import MOST
from web.permissions import refuse_views_without_permission

AREAS = (
    "home", "setup", "signin", "forgotten", "second_step", "confirming", "oidc", "waiting_sign_ins", "held", "apps",
    "app_settings", "connect", "members", "leavers", "decisions", "member_dialogs", "invitations", "account", "assets",
    "group_rules", "teams", "checks", "wizard", "reports", "tasks", "outcomes", "people", "colleagues",
    "directories", "directory_rules", "directory_tokens", "directory_lists", "columns", "scim", "activity", "mails",
    "settings", "sample", "mail_server", "sessions", "your_sign_in", "own_password", "password_strength",
    "second_factors", "oidc_settings", "health", "keeping", "offboarding", "theme", "downloads", "saved_views",
    "search",
)


class RowId(IntegerConverter):
    """The `<int:…>` of an address. A number that SQLite can't have as a row's id matches no address."""

    def __init__(self, url_map: Map):
        super().__init__(url_map, max=MOST)


class Rest(PathConverter):
    """The `<rest:…>` of an address: all of it, also slashes at its beginning, for which a `<path:…>` is redirected."""

    regex, part_isolating = ".+?", False


class MethodOverride:
    """A POST to `…?_method=DELETE` arrives as a DELETE. Nothing but a POST is changed."""

    METHODS = ("PUT", "PATCH", "DELETE")

    def __init__(self, application: Callable):
        self.application = application

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST" and "_method=" in environ.get("QUERY_STRING", ""):
            method = parse_qs(environ["QUERY_STRING"]).get("_method", [""])[0].upper()
            if method in self.METHODS:
                environ["REQUEST_METHOD"] = method
        return self.application(environ, start_response)


def create_pages(app: Flask, config: Config) -> None:
    """Give the application its pages. The vault must be open: it makes the session's key."""
    app.config["ROLLCALL"] = config
    app.url_map.converters |= {"int": RowId, "rest": Rest}
    Htmx(app)
    quick_calls.install(app)
    quick_addresses.install(app)
    compression.install(app)
    files.install(app)
    security.install(app, config)
    repeated.install(app)
    security.csrf.init_app(app)
    words.install(app)
    components.install(app)
    member_operations.install(app)
    frame.install(app)
    member_view.install(app)
    row_addresses.install(app)
    task_view.install(app)
    theme.install(app)
    errors.install(app)
    for area in AREAS:
        app.register_blueprint(import_module(f"web.{area}").pages)
    refuse_views_without_permission(app)
    app.wsgi_app = MethodOverride(app.wsgi_app)
    behind_proxy.install(app, config)
